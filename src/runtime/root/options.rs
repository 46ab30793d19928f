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
    /// Files have other owners than on disk: `idmap`, or `ridmap` with all mounts below.
    pub maps_owners: bool,
    pub maps_recursively: bool,
    /// Of all mounts below as well, in the bits of mount_setattr(2): `rro`, `rnosuid` …
    pub recursive_attributes: u64,
    /// The same, taken away: `rrw`, `rsuid` …
    pub recursive_clear: u64,
    /// What the source of a bind has and this mount shall not: `rw`, `exec` …, in the same bits.
    taken_away: u64,
    /// What a tmpfs covers is copied into it.
    pub copy_up: bool,
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
    "idmap",
    "iversion",
    "lazytime",
    "loud",
    "mand",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "noiversion",
    "nolazytime",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nosymfollow",
    "private",
    "ratime",
    "rbind",
    "rdev",
    "rdiratime",
    "relatime",
    "remount",
    "rexec",
    "ridmap",
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
    "silent",
    "slave",
    "strictatime",
    "suid",
    "symfollow",
    "sync",
    "tmpcopyup",
    "unbindable",
];

impl MountOptions {
    pub fn parse(words: &[String]) -> MountOptions {
        let (flags, propagation, data) = (Flags::empty(), Flags::empty(), Vec::new());
        let (recursive_attributes, recursive_clear, taken_away) = (0, 0, 0);
        let (bind, recursive, copy_up, maps_owners, maps_recursively) = (false, false, false, false, false);
        let mut options = MountOptions {
            flags,
            propagation,
            data,
            bind,
            recursive,
            maps_owners,
            maps_recursively,
            recursive_attributes,
            recursive_clear,
            taken_away,
            copy_up,
        };
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
            "nosymfollow" => (true, NO_SYMLINKS),
            "symfollow" => (false, NO_SYMLINKS),
            "noatime" => (true, Flags::MS_NOATIME),
            "atime" => (false, Flags::MS_NOATIME),
            "nodiratime" => (true, Flags::MS_NODIRATIME),
            "diratime" => (false, Flags::MS_NODIRATIME),
            "relatime" => (true, Flags::MS_RELATIME),
            "norelatime" => (false, Flags::MS_RELATIME),
            "strictatime" => (true, Flags::MS_STRICTATIME),
            "nostrictatime" => (false, Flags::MS_STRICTATIME),
            "sync" => (true, Flags::MS_SYNCHRONOUS),
            "async" => (false, Flags::MS_SYNCHRONOUS),
            "dirsync" => (true, Flags::MS_DIRSYNC),
            "lazytime" => (true, Flags::MS_LAZYTIME),
            "nolazytime" => (false, Flags::MS_LAZYTIME),
            "iversion" => (true, Flags::MS_I_VERSION),
            "noiversion" => (false, Flags::MS_I_VERSION),
            "mand" => (true, Flags::MS_MANDLOCK),
            "nomand" => (false, Flags::MS_MANDLOCK),
            "silent" => (true, Flags::MS_SILENT),
            "loud" => (false, Flags::MS_SILENT),
            "remount" => (true, Flags::MS_REMOUNT),
            "defaults" | "" => return,
            "tmpcopyup" => return self.copy_up = true,
            _ if word.starts_with('r') && self.take_recursive(&word[1..]) => return,
            "idmap" => return self.maps_owners = true,
            "ridmap" => {
                self.maps_owners = true;
                return self.maps_recursively = true;
            }
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
        let of_access_time = OF_ACCESS_TIME.contains(flag);
        if set && of_access_time {
            self.flags.remove(OF_ACCESS_TIME);
        }
        self.flags.set(flag, set);
        let bits = if of_access_time { attribute::ACCESS_TIME_MASK } else { attributes(flag) };
        self.taken_away = if set { self.taken_away & !bits } else { self.taken_away | bits };
    }

    /// Refuses words that would be passed over.
    pub fn check(&self, is_bind: bool, kind: Option<&str>) -> Result<()> {
        let refuse = |word: &str, why| Err(Error::cannot_keep(format!("option {word}")).because(why));
        if self.copy_up && (is_bind || kind != Some("tmpfs")) {
            return refuse("tmpcopyup", "only a tmpfs is filled with what it covers");
        }
        if !is_bind {
            return Ok(());
        }
        const OF_FILE_SYSTEMS: [(Flags, &str); 5] = [
            (Flags::MS_SYNCHRONOUS, "sync"),
            (Flags::MS_DIRSYNC, "dirsync"),
            (Flags::MS_LAZYTIME, "lazytime"),
            (Flags::MS_I_VERSION, "iversion"),
            (Flags::MS_MANDLOCK, "mand"),
        ];
        let flag = OF_FILE_SYSTEMS.into_iter().find(|(flag, _)| self.flags.contains(*flag)).map(|(_, word)| word);
        match flag.or(self.data.first().map(String::as_str)) {
            Some(word) => refuse(word, "a bind is a further place of a file system, which keeps its own options"),
            None => Ok(()),
        }
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

    /// What is taken away, also to make room: how access times are kept is a number of its own among the bits.
    pub fn cleared(&self) -> u64 {
        self.taken_away | if self.flags.intersects(OF_ACCESS_TIME) { attribute::ACCESS_TIME_MASK } else { 0 }
    }

    /// The flags in the bits of mount_setattr(2).
    pub fn attributes(&self) -> u64 {
        attributes(self.flags)
    }
}

/// Three ways to keep access times, of which the last word wins.
const OF_ACCESS_TIME: Flags = Flags::MS_NOATIME.union(Flags::MS_STRICTATIME).union(Flags::MS_RELATIME);
/// MS_NOSYMFOLLOW of mount(2), Linux 5.10.
const NO_SYMLINKS: Flags = Flags::from_bits_retain(256);

/// As mount_setattr(2) writes them.
pub fn attributes(flags: Flags) -> u64 {
    let bits = [
        (Flags::MS_NOATIME, attribute::NO_ACCESS_TIME),
        (Flags::MS_STRICTATIME, attribute::STRICT_ACCESS_TIME),
        (Flags::MS_NODIRATIME, attribute::NO_DIR_ACCESS_TIME),
        (Flags::MS_RDONLY, attribute::READ_ONLY),
        (Flags::MS_NOSUID, attribute::NO_SUID),
        (Flags::MS_NODEV, attribute::NO_DEV),
        (Flags::MS_NOEXEC, attribute::NO_EXEC),
        (NO_SYMLINKS, attribute::NO_SYMLINKS),
    ];
    bits.iter().filter(|(flag, _)| flags.contains(*flag)).fold(0, |all, (_, bit)| all | bit)
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
        assert_eq!(parse("noatime,relatime").flags, Flags::MS_RELATIME);
        assert_eq!(
            parse("noexec,exec,atime,rw,suid,nosuid").cleared(),
            attribute::NO_EXEC | attribute::ACCESS_TIME_MASK | attribute::READ_ONLY
        );
        assert_eq!((parse("rbind,rro").attributes(), parse("rbind,rro").recursive_attributes), (0, attribute::READ_ONLY));
    }
}
