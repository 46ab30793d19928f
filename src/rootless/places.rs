//! Where an ordinary user's store and live state lie, and that nobody else gets at them.

use crate::error::{Error, Result};
use crate::paths::Paths;
use crate::rootless::who::{self, Who};
use crate::store;
use crate::sys::{identity, user_namespace};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The two trees of whoever calls us, unless he names others. Who has become root of his namespace is still the same person.
pub fn usual() -> Paths {
    match identity::own_uid() {
        0 if user_namespace::is_initial() => Paths::new(Paths::DEFAULT_ROOT, Paths::DEFAULT_RUN),
        own => {
            let outside = user_namespace::outside(own).unwrap_or(own);
            Paths::new(store_of_user(outside), run_of_user(outside, own))
        }
    }
}

/// As the XDG base directory specification has it.
fn store_of_user(uid: u32) -> PathBuf {
    let home = || absolute("HOME").or_else(|| who::home_of(uid));
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(home()?.join(".local/share")));
    data.unwrap_or_else(|| homeless(uid)).join("tare")
}

/// Who has no home at all.
fn homeless(uid: u32) -> PathBuf {
    PathBuf::from(format!("/var/tmp/tare-{uid}"))
}

/// What is true only until the machine ends. Sessions without a login (su, cron, ssh without PAM) have no directory for it in their
/// environment, although it may be there; the last is one of our own making.
fn run_of_user(outside: u32, own: u32) -> PathBuf {
    let of_session = PathBuf::from(format!("/run/user/{outside}"));
    let candidates = absolute("XDG_RUNTIME_DIR").into_iter().chain([of_session]);
    let theirs = candidates.into_iter().find(|dir| belongs_to(dir, own));
    theirs.map_or_else(|| PathBuf::from(format!("/tmp/tare-{outside}")), |dir| dir.join("tare"))
}

fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn belongs_to(dir: &Path, uid: u32) -> bool {
    std::fs::symlink_metadata(dir).is_ok_and(|about| about.is_dir() && about.uid() == uid)
}

/// What runs belongs to nobody else, and neither do images and containers.
pub fn make_private(paths: &Paths, who: &Who) -> Result<()> {
    for_the_user_alone(paths.run(), who, "name another directory: --run-dir DIR")?;
    const HINT: &str = "name another directory: --root DIR";
    let homeless = homeless(who.uid);
    match paths.root() {
        root if root.starts_with(&homeless) => for_the_user_alone(&homeless, who, HINT),
        root => match std::fs::symlink_metadata(root) {
            Ok(about) if about.is_dir() && about.uid() != who.uid => Err(somebody_else_s(root, about.uid(), who).hint(HINT)),
            _ => Ok(()),
        },
    }
}

fn somebody_else_s(dir: &Path, owner: u32, who: &Who) -> Error {
    Error::failed(cannot_use(dir)).because(format!("it belongs to user {owner}, and you are {}", who.uid))
}

fn cannot_use(dir: &Path) -> String {
    format!("cannot use {}", dir.display())
}

/// Made so, or refused if somebody else has made it or can look into it: in /tmp anybody may have been first.
fn for_the_user_alone(dir: &Path, who: &Who, hint: &str) -> Result<()> {
    store::make_dirs(dir)?;
    let what = || cannot_use(dir);
    let about = std::fs::symlink_metadata(dir).map_err(|error| Error::failed(what()).because(error))?;
    match () {
        () if !about.is_dir() => Err(Error::failed(what()).because("it is no directory").hint(hint)),
        () if about.uid() != who.uid => Err(somebody_else_s(dir, about.uid(), who).hint(hint)),
        () if about.mode() & 0o077 != 0 => Err(Error::failed(what())
            .because(format!("others may enter it (mode {:o})", about.mode() & 0o7777))
            .hint(format!("chmod 700 {}", dir.display()))),
        () => Ok(()),
    }
}
