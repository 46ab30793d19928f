//! The capabilities of capabilities(7): each with its bit, and those that a container gets when nothing is said.

/// Every capability, at the place of its bit number (linux/capability.h).
pub const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// All of them, as a mask with capability n at bit n.
pub const EVERY: u64 = (1 << NAMES.len()) - 1;

/// What root in a container may do without being asked, and why: Docker's set, because images are built for it.
pub const BY_DEFAULT: [(&str, &str); 14] = [
    ("CAP_AUDIT_WRITE", "login programs and sshd write a line into the kernel's audit log, and refuse to work if they cannot"),
    ("CAP_CHOWN", "package managers and entry points give files to the user that the service runs as"),
    ("CAP_DAC_OVERRIDE", "root expects to read and write files of every user, and the images are built with that expectation"),
    ("CAP_FOWNER", "tar and package managers set modes and times of files that belong to others"),
    ("CAP_FSETID", "setuid and setgid bits survive when a package manager changes a file of another group"),
    ("CAP_KILL", "an entry point run by root stops the worker processes that it started as other users"),
    ("CAP_MKNOD", "unpacking archives makes device files; opening them is what the device program of the cgroup refuses"),
    ("CAP_NET_BIND_SERVICE", "a web server listens on port 80 of its own network namespace"),
    ("CAP_NET_RAW", "ping; the price is that a container can forge packets on its own network"),
    ("CAP_SETFCAP", "package managers give capabilities to files; they never reach beyond the bounding set of the container"),
    ("CAP_SETGID", "a service started by root changes to its own group"),
    ("CAP_SETPCAP", "a service gives capabilities up for good, by dropping them from its bounding set"),
    ("CAP_SETUID", "a service started by root changes to its own user; su and sudo"),
    ("CAP_SYS_CHROOT", "services that lock themselves into an empty directory: sshd, postfix, vsftpd"),
];

/// The set above as a mask.
pub const DEFAULT: u64 = {
    let mut mask = 0;
    let mut n = 0;
    while n < BY_DEFAULT.len() {
        mask |= bit(BY_DEFAULT[n].0);
        n += 1;
    }
    mask
};

/// The bit of a capability that exists. In a constant a wrong name does not compile.
pub const fn bit(name: &str) -> u64 {
    let mut n = 0;
    while n < NAMES.len() {
        if same(NAMES[n].as_bytes(), name.as_bytes()) {
            return 1 << n;
        }
        n += 1;
    }
    panic!("no such capability")
}

/// `==` of strings is not yet allowed in constants.
const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut n = 0;
    while n < one.len() && n < other.len() && one[n] == other[n] {
        n += 1;
    }
    n == one.len() && n == other.len()
}

/// The bit of a capability, by its exact name.
pub fn find(name: &str) -> Option<u64> {
    NAMES.iter().position(|known| *known == name).map(|n| 1 << n)
}

/// The names in a mask, in the order of their bits.
pub fn of_mask(mask: u64) -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().enumerate().filter(move |(n, _)| mask & (1 << n) != 0).map(|(_, name)| name)
}
