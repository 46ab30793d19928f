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
    one("runc", "createContainer", "note createContainer", "it runs the hook in the root's directory, which nobody promises"),
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
pub const IN_GROUPS: &[Wanted] = &[];
