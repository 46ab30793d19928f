//! Where tare shall differ from its peers, and why. Everything else that differs is a mistake, of one or the other.

/// Of `peer`, in the variations whose names contain `variation`, in the facts whose names begin with `fact` (with a star in it:
/// begin and end with its parts).
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub peer: &'static str,
    pub variation: &'static str,
    pub fact: &'static str,
    /// Not on every machine, so that it is no mistake where it does not occur.
    pub at_times: bool,
    #[allow(dead_code, reason = "it is written for people, and shown by {:?}")]
    pub why: &'static str,
}

const fn one(peer: &'static str, variation: &'static str, fact: &'static str, why: &'static str) -> Wanted {
    Wanted { peer, variation, fact, why, at_times: false }
}

const fn at_times(peer: &'static str, variation: &'static str, fact: &'static str, why: &'static str) -> Wanted {
    Wanted { at_times: true, ..one(peer, variation, fact, why) }
}

impl Wanted {
    pub fn fits(&self, peer: &str, variation: &str, fact: &str) -> bool {
        let (begin, end) = self.fact.split_once('*').unwrap_or((self.fact, ""));
        (self.peer == peer || self.peer.is_empty()) && variation.contains(self.variation) && fact.starts_with(begin) && fact.ends_with(end)
    }
}

/// In every container.
pub const ALWAYS: &[Wanted] = &[
    at_times("runc", "", "files /dev/core", "it makes the link only where the kernel has what it leads to"),
    at_times("runc", "", "rlimits nofile", "the library of its language raises the soft limit for itself, and hands it on"),
    at_times("", "ociVersion", "refused", "each knows the editions of its time; ours is 1.x"),
    one("runc", "", "descriptor 0", "its `run` and `exec` put pipes between the caller and the process"),
    at_times("runc", "", "status SigIgn", "what the caller ignores is his own affair: a program begins with every signal at its default"),
    one("runc", "", "mount /proc/acpi (1) settings", "what hides a directory has room for nothing"),
    one("runc", "", "mount /sys/firmware (1) settings", "what hides a directory has room for nothing"),
    one("runc", "", "mount / (1) propagation", "nothing that the host mounts later shall appear in a container, unless it is asked for"),
    at_times(
        "crun",
        "/linux/resources",
        "",
        "it raises a limit first, which root may not everywhere; and without a rule it guards nothing",
    ),
    one("crun", "", "self keyring", "ours has no name, which another container may have too"),
    one("crun", "", "mount /proc/", "it hides files behind the host's null device, and directories behind a writable nothing"),
    one("crun", "", "mount /sys/firmware (1) settings", "what hides a directory has room for nothing"),
    one("crun", "", "mount /sys (1) settings", "it makes the mount read-only, and the file system behind it not"),
    one("crun", "", "reach /sys/kernel", "the same"),
    one("crun", "", "mount /sys/fs/cgroup (1) source", "a word that means nothing"),
    at_times("crun", "", "status SigIgn", "what the caller ignores is his own affair: a program begins with every signal at its default"),
    one("crun", "", "files /dev/null", "it gives the null device to the user as one of his streams (the host's can be met so)"),
    one("runc", "", "self keyring", "ours has no name: another container of the same id would find it, and have its keys"),
    one("runc", "scheduler", "scheduling", "it does not know the field yet"),
    one("runc", "ioPriority", "scheduling io", "it does not know the field yet"),
];

pub const IN_EXECS: &[Wanted] = &[
    one("runc", "umask", "umask", "it does not know the field here yet"),
    one("runc", "umask", "status Umask", "it does not know the field here yet"),
    one("runc", "\"oomScoreAdj\":500", "settings /proc/self/oom_score_adj", "it passes the field over here"),
    one("runc", "CAP_NOSUCH", "refused", "what cannot be given is refused"),
];

pub const IN_BUNDLES: &[Wanted] = &[
    one("crun", "\"uid\":", "env", "it finds no home for who is not in /etc/passwd; ours is /, as with runc"),
    one("crun", "maskedPaths = [\"/etc/passwd\"]", "env", "the same"),
    one("crun", "\"HOME=\"", "env", "an empty home is none, as with runc"),
    one("crun", "\"A=1\",\"A=2\"", "env", "the environment is handed on as it is written"),
    one("crun", "[1,1,2]", "groups", "a group is had once, as with runc"),
    one("crun", "[1,1,2]", "status Groups", "a group is had once, as with runc"),
    one("crun", "scheduler", "scheduling", "it does not know the field yet"),
    one("crun", "ioPriority", "scheduling io", "it does not know the field yet"),
    one("crun", "\"time\"", "", "it fails to enter it here, and does not say so each time"),
    one("crun", "rootfsPropagation = \"slave\"", "mount / (1) propagation", "a slave hears of the host's mounts"),
    one("crun", "rootfsPropagation = \"nosuch\"", "refused", "what does not exist is refused"),
    one("crun", "\"type\":\"z\"", "refused", "what does not exist is refused"),
    one("crun", "cwd = \"tmp\"", "refused", "the specification wants an absolute path"),
    one("crun", "prestart", "note prestart", "the specification says that it is creating"),
    one("crun", "createRuntime", "note createRuntime", "the specification says that it is creating"),
    one("crun", "createContainer", "note createContainer", "the specification says that it is creating, and nothing of a directory"),
    one("crun", "terminal", "mount /dev/console (1) options", "what is a part of /dev/pts is mounted like it, as with runc"),
    one("crun", "/mounts/-", "files /mnt", "it makes missing directories with a sticky bit"),
    one("crun", "/a/b/c/d", "files /a", "it makes missing directories with a sticky bit"),
    one("crun", "tmpfs", "files /tmp", "what is covered keeps its mode, as with runc"),
    one("crun", "tmpfs", "mount /tmp (1) settings", "the same"),
    one("crun", "\"suid\"", "mount /mnt/here (1) options", "the last word counts, as with runc"),
    one("crun", "\"exec\"", "mount /mnt/here (1) options", "the last word counts, as with runc"),
    one("crun", "\"ro\",\"rw\"", "mount /mnt/here (1) options", "the last word counts, as with runc"),
    one("crun", "\"ro\",\"rw\"", "reach /mnt/here", "the last word counts, as with runc"),
    one(
        "crun",
        "\"destination\":\"/mnt/",
        "mount /mnt/*propagation",
        "it cuts the host's mounts off first, and so obeys these words for nothing",
    ),
    one("crun", "\"bind\",\"rshared\"", "", "bind alone is without what is mounted below, as with runc"),
    one("crun", "nodiratime", "mount /mnt/host (1) options", "what is not named stays as it is at the source"),
    one("crun", "rnosymfollow", "mount /mnt/host", "it does not know the word yet"),
    one("crun", "rnoatime", "refused", "it does not clear what stands against it"),
    one("crun", "rrw", "", "the last word counts, as with ro and rw"),
    one("crun", "\"source\":\"BUNDLE/shared\",\"type\":\"bind\"}", "refused", "the type says already that it is a bind"),
    one("crun", "[\"rbind\",\"rro\"],\"source\":\"BUNDLE/shared/file\"", "refused", "a file can be read-only with nothing below it"),
    one("crun", "maskedPaths", "mount /", "it hides files behind the host's null device, and directories behind a writable nothing"),
    one("crun", "\"/sys/kernel\"", "mount /sys/kernel", "a part is mounted like the whole"),
    one("crun", "/second-sys", "mount /second-sys (1) settings", "it makes the mount read-only, and the file system behind it not"),
    one("runc", "uidMappings", "mount /dev/", "a device of the host is cut off from the host's mounts, and nothing is executed from it"),
    one("runc", "uidMappings", "mount /proc/", "what hides a file is such a device"),
    one("runc", "maskedPaths", "mount /", "what hides a directory has room for nothing"),
    one("runc", "readonlyPaths", "mount /*propagation", "the same; its covers are parts of the root"),
    one("runc", "/mounts = ", "mount /proc/*propagation", "the same; its covers are parts of the root"),
    one(
        "runc",
        "\"destination\":\"/mnt/",
        "mount /mnt/*propagation",
        "a bind that asks for nothing is private, and its words count for it alone",
    ),
    one("runc", "tmpfs", "mount /tmp (1) settings", "the mode of the covered directory is given when it is mounted, not afterwards"),
    one("runc", "unbindable", "refused", "it sets this before it binds the root, which then fails"),
    one("runc", "4294967294", "refused", "it takes no ids above 2147483647, the kernel does"),
    one("runc", "\"A=1\",\"A=2\"", "env", "the environment is handed on as it is written"),
    one("runc", "personality", "self", "it does not know the field yet"),
    one("runc", "\"time\"", "refused", "it does not know this namespace yet"),
    one("runc", "domainname", "self domainname", "it does not know the field yet"),
    one("runc", "poststart", "note poststart", "the container runs by then, and is said to"),
    one("runc", "\"defaults\"", "refused", "a word of mount(8) that asks for nothing"),
    one("runc", "\"source\":\"BUNDLE/shared\",\"type\":\"bind\"}", "refused", "the type says already that it is a bind"),
    one("runc", "nodiratime", "mount /mnt/host (1) options", "what is not named stays as it is at the source"),
    one("runc", "rrw", "", "the last word counts, as with ro and rw"),
    one("runc", "/mounts/1/options", "files /dev", "it gives the directory the mode that it had before"),
    one("runc", "SECCOMP_FILTER_FLAG", "refused", "it does not know flags yet"),
];

/// In the files of control groups, where there is cgroup v2 with its controllers.
#[allow(dead_code, reason = "only tests/vm looks at groups")]
pub const IN_GROUPS: &[Wanted] = &[
    one("runc", "\"shares\"", "cpu.weight", "1024 shares are everybody's and become everybody's 100, as runc has it since 1.3"),
    one("crun", "\"shares\"", "cpu.weight", "1024 shares are everybody's and become everybody's 100, as crun has it since 1.23"),
    one("runc", "1000000", "refused", "more shares than there are become the most that there are"),
    one("crun", "1000000", "refused", "more shares than there are become the most that there are"),
    one("runc", "\"swap\":0", "refused", "no swap and some memory cannot be told together"),
    one("crun", "\"swap\":0", "refused", "zero is no wish, as with runc where it can tell it"),
    one("crun", "\"limit\":-1,\"swap\"", "refused", "swap cannot be told apart from memory without a limit"),
    at_times("runc", "burst", "cpu.max.burst", "it does not know the field yet"),
    at_times("crun", "burst", "cpu.max.burst", "it does not know the field yet"),
];
