//! Whom we are started as, and how many ids he may use: read once, before his namespace is made, and for `info`.

use crate::rootless::ranges::{self, Owned};
use crate::sys::identity;
use std::path::{Path, PathBuf};

pub const SUBUID: &str = "/etc/subuid";
pub const SUBGID: &str = "/etc/subgid";

/// An ordinary user of this machine.
#[derive(Clone, Debug)]
pub struct Who {
    pub uid: u32,
    pub gid: u32,
    pub name: Option<String>,
    /// Further ids that are his to give away.
    pub uids: Vec<Owned>,
    pub gids: Vec<Owned>,
}

impl Who {
    pub fn we_are() -> Who {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let (uid, gid) = (identity::own_uid(), identity::own_gid());
        let name = ranges::name_of(&read("/etc/passwd"), uid).map(str::to_owned);
        let of = |path: &str| ranges::of_user(&read(path), name.as_deref(), uid);
        Who { uid, gid, uids: of(SUBUID), gids: of(SUBGID), name }
    }

    /// Both kinds are needed: a file has an owner and a group.
    pub fn has_ranges(&self) -> bool {
        !self.uids.is_empty() && !self.gids.is_empty()
    }

    pub fn called(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.uid.to_string())
    }
}

/// What this machine calls him.
pub fn name_of(uid: u32) -> Option<String> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    ranges::name_of(&passwd, uid).map(str::to_owned)
}

/// As a login would set it, for who has no such variable: cron, or a service.
pub fn home_of(uid: u32) -> Option<PathBuf> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    ranges::home_of(&passwd, uid).map(PathBuf::from).filter(|home| home.is_dir())
}

/// The programs that write maps for others: they are setuid, because the kernel lets nobody map ids that are not his own.
pub const NEWUIDMAP: &str = "newuidmap";
pub const NEWGIDMAP: &str = "newgidmap";

pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let usual = ["/usr/bin", "/bin", "/usr/sbin", "/usr/local/bin"];
    let dirs = path.split(':').filter(|dir| dir.starts_with('/')).chain(usual);
    dirs.map(|dir| Path::new(dir).join(name)).find(|file| file.is_file())
}
