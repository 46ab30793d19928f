//! Mount options as mount(8) writes them, sorted into what each kernel call wants.

use crate::error::{Error, Result};
use crate::sys::mount::{Flags, attribute};

/// `ro,nosuid,size=64m,rslave` taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct MountOptions {
    pub flags: Flags,
    pub propagation: Flags,
    /// What is left for the file system itself.
    pub data: Vec<String>,
    pub bind: bool,
    pub recursive: bool,
    /// Of all mounts below as well, in the bits of mount_setattr(2): `rro`, `rnosuid` …
    pub recursive_attributes: u64,
    /// The same, taken away: `rrw`, `rsuid` …
    pub recursive_clear: u64,
}

/// Every word that means something to us; any other is handed to the file system.
pub const WORDS: &[&str] = &[
    "async",
    "atime",
    "bind",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "private",
    "ratime",
    "rbind",
    "rdev",
    "rdiratime",
    "relatime",
    "rexec",
    "rnoatime",
    "rnodev",
    "rnodiratime",
    "rnoexec",
    "rnorelatime",
    "rnostrictatime",
    "rnosuid",
    "rnosymfollow",
    "ro",
    "rprivate",
    "rrelatime",
    "rro",
    "rrw",
    "rshared",
    "rslave",
    "rstrictatime",
    "rsuid",
    "rsymfollow",
    "runbindable",
    "rw",
    "shared",
    "slave",
    "strictatime",
    "suid",
    "sync",
    "unbindable",
];

impl MountOptions {
    pub fn parse(words: &[String]) -> MountOptions {
        let (flags, propagation, data) = (Flags::empty(), Flags::empty(), Vec::new());
        let mut options =
            MountOptions { flags, propagation, data, bind: false, recursive: false, recursive_attributes: 0, recursive_clear: 0 };
        for word in words {
            options.take(word);
        }
        options
    }

    fn take(&mut self, word: &str) {
        let (set, flag) = match word {
            "ro" => (true, Flags::MS_RDONLY),
            "rw" => (false, Flags::MS_RDONLY),
            "nosuid" => (true, Flags::MS_NOSUID),
            "suid" => (false, Flags::MS_NOSUID),
            "nodev" => (true, Flags::MS_NODEV),
            "dev" => (false, Flags::MS_NODEV),
            "noexec" => (true, Flags::MS_NOEXEC),
            "exec" => (false, Flags::MS_NOEXEC),
            "noatime" => (true, Flags::MS_NOATIME),
            "nodiratime" => (true, Flags::MS_NODIRATIME),
            "relatime" => (true, Flags::MS_RELATIME),
            "strictatime" => (true, Flags::MS_STRICTATIME),
            "atime" => (false, Flags::MS_NOATIME),
            "diratime" => (false, Flags::MS_NODIRATIME),
            "norelatime" => (false, Flags::MS_RELATIME),
            "nostrictatime" => (false, Flags::MS_STRICTATIME),
            "async" => (false, Flags::MS_SYNCHRONOUS),
            "sync" => (true, Flags::MS_SYNCHRONOUS),
            "dirsync" => (true, Flags::MS_DIRSYNC),
            "defaults" | "" => return,
            _ if word.starts_with('r') && self.take_recursive(&word[1..]) => return,
            "bind" => return self.bind = true,
            "rbind" => {
                self.bind = true;
                return self.recursive = true;
            }
            _ => match propagation(word) {
                Some(flags) => return self.propagation = flags,
                None => return self.data.push(word.to_owned()),
            },
        };
        self.flags.set(flag, set);
    }

    /// Words with an `r` before them, for a mount and all below it (mount_setattr(2), AT_RECURSIVE); false: no word of this kind.
    fn take_recursive(&mut self, word: &str) -> bool {
        let (set, clear) = match word {
            "ro" => (attribute::READ_ONLY, 0),
            "rw" => (0, attribute::READ_ONLY),
            "nosuid" => (attribute::NO_SUID, 0),
            "suid" => (0, attribute::NO_SUID),
            "nodev" => (attribute::NO_DEV, 0),
            "dev" => (0, attribute::NO_DEV),
            "noexec" => (attribute::NO_EXEC, 0),
            "exec" => (0, attribute::NO_EXEC),
            "nodiratime" => (attribute::NO_DIR_ACCESS_TIME, 0),
            "diratime" => (0, attribute::NO_DIR_ACCESS_TIME),
            "nosymfollow" => (attribute::NO_SYMLINKS, 0),
            "symfollow" => (0, attribute::NO_SYMLINKS),
            "noatime" => (attribute::NO_ACCESS_TIME, attribute::ACCESS_TIME_MASK),
            "strictatime" | "norelatime" => (attribute::STRICT_ACCESS_TIME, attribute::ACCESS_TIME_MASK),
            "relatime" | "atime" | "nostrictatime" => (0, attribute::ACCESS_TIME_MASK),
            _ => return false,
        };
        self.recursive_attributes = self.recursive_attributes & !clear | set;
        self.recursive_clear = self.recursive_clear & !set | clear;
        true
    }

    /// What is taken away to make room for the attributes: how access times are kept is a number of its own among the bits.
    pub fn cleared(&self) -> u64 {
        let of_access_time = Flags::MS_NOATIME | Flags::MS_STRICTATIME | Flags::MS_RELATIME;
        if self.flags.intersects(of_access_time) { attribute::ACCESS_TIME_MASK } else { 0 }
    }

    /// The flags in the bits of mount_setattr(2).
    pub fn attributes(&self) -> u64 {
        let bits = [
            (Flags::MS_NOATIME, attribute::NO_ACCESS_TIME),
            (Flags::MS_STRICTATIME, attribute::STRICT_ACCESS_TIME),
            (Flags::MS_NODIRATIME, attribute::NO_DIR_ACCESS_TIME),
            (Flags::MS_RDONLY, attribute::READ_ONLY),
            (Flags::MS_NOSUID, attribute::NO_SUID),
            (Flags::MS_NODEV, attribute::NO_DEV),
            (Flags::MS_NOEXEC, attribute::NO_EXEC),
        ];
        bits.iter().filter(|(flag, _)| self.flags.contains(*flag)).fold(0, |all, (_, bit)| all | bit)
    }
}

/// `linux.rootfsPropagation`.
pub fn of_root(word: &str) -> Result<Flags> {
    match propagation(word) {
        None if word.is_empty() => Ok(Flags::empty()),
        None => Err(Error::damaged(format!("linux.rootfsPropagation {word:?}"))
            .because("it is shared, slave, private or unbindable, or one of these behind an r")),
        Some(flags) => Ok(flags),
    }
}

/// How a mount hands mounts on; behind an `r` also those that are mounted below it.
fn propagation(word: &str) -> Option<Flags> {
    Some(match word {
        "private" => Flags::MS_PRIVATE,
        "rprivate" => Flags::MS_PRIVATE | Flags::MS_REC,
        "slave" => Flags::MS_SLAVE,
        "rslave" => Flags::MS_SLAVE | Flags::MS_REC,
        "shared" => Flags::MS_SHARED,
        "rshared" => Flags::MS_SHARED | Flags::MS_REC,
        "unbindable" => Flags::MS_UNBINDABLE,
        "runbindable" => Flags::MS_UNBINDABLE | Flags::MS_REC,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> MountOptions {
        MountOptions::parse(&text.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_go_where_the_kernel_wants_them() {
        let options = parse("nosuid,noexec,ro,rw,mode=755,size=64m,rslave,rbind");
        assert_eq!(options.flags, Flags::MS_NOSUID | Flags::MS_NOEXEC);
        assert_eq!(options.data, ["mode=755", "size=64m"]);
        assert_eq!(options.propagation, Flags::MS_SLAVE | Flags::MS_REC);
        assert!(options.bind && options.recursive);
        assert_eq!(options.attributes(), attribute::NO_SUID | attribute::NO_EXEC);
        assert_eq!((parse("rbind,rro").attributes(), parse("rbind,rro").recursive_attributes), (0, attribute::READ_ONLY));
    }
}
