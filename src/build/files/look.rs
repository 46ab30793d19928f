//! What a file was when it was looked at.

use crate::sys::beneath::{FileStat, Moment};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// With its kind.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub links: u64,
    pub device: u64,
    pub inode: u64,
    /// What a device file stands for.
    pub stands_for: u64,
    pub modified: Moment,
    pub changed: Moment,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Directory,
    File,
    Symlink,
    Character,
    Block,
    Fifo,
    Socket,
}

impl Look {
    pub fn of(about: &FileStat) -> Look {
        let moment = |seconds: i64, nanoseconds: i64| (seconds, u32::try_from(nanoseconds).unwrap_or(0));
        Look {
            mode: about.st_mode,
            uid: about.st_uid,
            gid: about.st_gid,
            size: u64::try_from(about.st_size).unwrap_or(0),
            links: about.st_nlink,
            device: about.st_dev,
            inode: about.st_ino,
            stands_for: about.st_rdev,
            modified: moment(about.st_mtime, about.st_mtime_nsec),
            changed: moment(about.st_ctime, about.st_ctime_nsec),
        }
    }

    pub fn kind(&self) -> Kind {
        // inode(7)
        match self.mode & 0o170_000 {
            0o040_000 => Kind::Directory,
            0o120_000 => Kind::Symlink,
            0o020_000 => Kind::Character,
            0o060_000 => Kind::Block,
            0o010_000 => Kind::Fifo,
            0o140_000 => Kind::Socket,
            _ => Kind::File,
        }
    }

    pub fn is_directory(&self) -> bool {
        self.kind() == Kind::Directory
    }

    /// Whether nobody has touched it since: a change of content, mode, owner or attributes moves the last of these.
    pub fn is_still(&self, now: &Look) -> bool {
        let what = |look: &Look| (look.device, look.inode, look.size, look.modified, look.changed);
        what(self) == what(now)
    }
}
