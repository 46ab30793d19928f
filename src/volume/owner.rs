//! `:U`: a tree is given to a user, file by file. What is given stays given, also on the host.

use crate::error::{Context, Error, Result};
use crate::sys::beneath::{Directory, Held};
use std::path::Path;

const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;

/// Directories that belong to the machine: to give one away would be the end of it.
const NOT_OURS: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/lib64",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/var",
    "/var/lib",
    "/var/log",
    "/var/run",
    "/var/tmp",
];

/// No symlink is followed: it changes hands itself.
pub fn give(tree: &Path, uid: u32, gid: u32) -> Result<()> {
    let what = || format!("cannot give {} to {uid}:{gid}", tree.display());
    let real = tree.canonicalize().with_context(what)?;
    if NOT_OURS.iter().any(|path| real == Path::new(path)) {
        return Err(Error::cannot_keep(what()).because("it belongs to this machine").hint("leave U out, or give a directory of your own"));
    }
    if !real.is_dir() {
        let above = Directory::open_root(real.parent().unwrap_or(Path::new("/"))).with_context(what)?;
        let name = real.file_name().unwrap_or_default();
        return hand_over(&above.hold(name.as_encoded_bytes()).with_context(what)?, uid, gid).with_context(what);
    }
    let root = Directory::open_root(&real).with_context(what)?;
    hand_over(&root.hold_itself().with_context(what)?, uid, gid).with_context(what)?;
    let mut waiting: Vec<Vec<u8>> = vec![b".".to_vec()];
    while let Some(path) = waiting.pop() {
        let directory = root.directory(&path).with_context(what)?;
        for name in directory.names().with_context(what)? {
            let held = match directory.hold(&name) {
                // It went while we walked.
                Err(crate::sys::Errno::ENOENT) => continue,
                other => other.with_context(what)?,
            };
            hand_over(&held, uid, gid).with_context(what)?;
            if held.about().with_context(what)?.st_mode & KIND == DIRECTORY {
                waiting.push([&path[..], b"/", &name].concat());
            }
        }
    }
    Ok(())
}

/// Only what is not his already: a change of owner takes setuid marks and capabilities away (chown(2)).
fn hand_over(held: &Held, uid: u32, gid: u32) -> Result<()> {
    let about = held.about().context("cannot look at it")?;
    match (about.st_uid, about.st_gid) == (uid, gid) {
        true => Ok(()),
        false => held.set_owner(uid, gid).context("cannot give it its owner"),
    }
}
