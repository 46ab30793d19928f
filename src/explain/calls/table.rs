//! Which calls are told, and how their arguments are to be read.

use super::names::{self, Names};

/// What one argument is.
#[derive(Clone, Copy)]
pub enum Shape {
    Number,
    Octal,
    /// A descriptor, shown with the place that it leads to.
    Descriptor,
    /// The same, or the directory where the process is.
    Directory,
    Path,
    Flags(Names),
    One(Names),
    /// Open's flags: without any, it is for reading.
    OpenFlags,
    /// Of a file that is made, as this argument says.
    ModeOfNew(usize),
    /// A text whose length is this argument.
    Text(usize),
    /// A list of texts, as of a new program's words.
    Words,
    /// Pairs and structures of the kernel's.
    CloneArguments,
    OpenHow,
    MountAttributes,
    Limit,
    /// So many group numbers as this argument says.
    Groups(usize),
    Capabilities,
    Filter,
    Message,
    /// What it is depends on the first one.
    ForPrctl,
    /// What the call writes there, or what nobody would understand.
    Hidden,
}

use Shape::*;

/// A call that says what is done. All others only serve these.
pub struct Telling {
    pub name: &'static str,
    pub arguments: &'static [Shape],
}

const fn call(name: &'static str, arguments: &'static [Shape]) -> Telling {
    Telling { name, arguments }
}

pub fn find(name: &str) -> Option<&'static Telling> {
    TELLING.iter().find(|telling| telling.name == name)
}

/// By what they are about.
const TELLING: &[Telling] = &[
    // Processes and namespaces.
    call("clone3", &[CloneArguments]),
    call("clone", &[Flags(names::CLONE)]),
    call("fork", &[]),
    call("vfork", &[]),
    call("unshare", &[Flags(names::CLONE)]),
    call("setns", &[Descriptor, Flags(names::CLONE)]),
    call("execve", &[Path, Words]),
    call("execveat", &[Directory, Path, Words, Hidden, Flags(names::AT)]),
    call("setsid", &[]),
    call("kill", &[Number, One(names::SIGNALS)]),
    call("pidfd_open", &[Number]),
    call("pidfd_send_signal", &[Descriptor, One(names::SIGNALS)]),
    call("close_range", &[Number, Number, Flags(names::CLOSE_RANGE)]),
    call("memfd_create", &[Path, Flags(names::MEMORY_FILE)]),
    // Mounts and roots.
    call("mount", &[Path, Path, Path, Flags(names::MOUNT), Path]),
    call("umount2", &[Path, Flags(names::UMOUNT)]),
    call("pivot_root", &[Path, Path]),
    call("chroot", &[Path]),
    call("chdir", &[Path]),
    call("fchdir", &[Descriptor]),
    call("open_tree", &[Directory, Path, Flags(names::OPEN_TREE)]),
    call("move_mount", &[Directory, Path, Directory, Path, Flags(names::MOVE_MOUNT)]),
    call("mount_setattr", &[Directory, Path, Flags(names::AT), MountAttributes]),
    call("fsopen", &[Path]),
    call("fsconfig", &[Descriptor, One(names::FSCONFIG), Path, Path]),
    call("fsmount", &[Descriptor, Hidden, Flags(names::MOUNT_ATTRIBUTES)]),
    // Files.
    call("open", &[Path, OpenFlags, ModeOfNew(1)]),
    call("openat", &[Directory, Path, OpenFlags, ModeOfNew(2)]),
    call("openat2", &[Directory, Path, OpenHow]),
    call("write", &[Descriptor, Text(2)]),
    call("pwrite64", &[Descriptor, Text(2)]),
    call("mkdir", &[Path, Octal]),
    call("mkdirat", &[Directory, Path, Octal]),
    call("mknod", &[Path, Octal, Number]),
    call("mknodat", &[Directory, Path, Octal, Number]),
    call("symlink", &[Path, Path]),
    call("symlinkat", &[Path, Directory, Path]),
    call("link", &[Path, Path]),
    call("linkat", &[Directory, Path, Directory, Path]),
    call("unlink", &[Path]),
    call("unlinkat", &[Directory, Path, Flags(names::AT)]),
    call("rmdir", &[Path]),
    call("rename", &[Path, Path]),
    call("renameat", &[Directory, Path, Directory, Path]),
    call("renameat2", &[Directory, Path, Directory, Path, Flags(names::RENAME)]),
    call("chmod", &[Path, Octal]),
    call("fchmod", &[Descriptor, Octal]),
    call("fchmodat", &[Directory, Path, Octal]),
    call("chown", &[Path, Number, Number]),
    call("fchown", &[Descriptor, Number, Number]),
    call("fchownat", &[Directory, Path, Number, Number]),
    call("flock", &[Descriptor, Flags(names::FLOCK)]),
    call("ftruncate", &[Descriptor, Number]),
    call("syncfs", &[Descriptor]),
    call("fsync", &[Descriptor]),
    call("fdatasync", &[Descriptor]),
    call("umask", &[Octal]),
    // Names, terminals, limits.
    call("sethostname", &[Text(1)]),
    call("setdomainname", &[Text(1)]),
    call("ioctl", &[Descriptor, One(names::REQUESTS)]),
    call("prlimit64", &[Number, One(names::LIMITS), Limit]),
    call("setrlimit", &[One(names::LIMITS), Limit]),
    call("sched_setaffinity", &[Number]),
    call("sched_setscheduler", &[Number, Number]),
    call("ioprio_set", &[Number, Number, Number]),
    // Identity and power.
    call("prctl", &[One(names::PRCTL), ForPrctl]),
    call("capset", &[Hidden, Capabilities]),
    call("seccomp", &[One(names::SECCOMP), Number, Filter]),
    call("bpf", &[One(names::BPF)]),
    call("setuid", &[Number]),
    call("setgid", &[Number]),
    call("setresuid", &[Number, Number, Number]),
    call("setresgid", &[Number, Number, Number]),
    call("setgroups", &[Number, Groups(0)]),
    call("keyctl", &[Number]),
    // Talk: between our own processes, and with the kernel about networks.
    call("socket", &[One(names::FAMILIES), Flags(names::SOCKETS), Number]),
    call("socketpair", &[One(names::FAMILIES), Flags(names::SOCKETS)]),
    call("bind", &[Descriptor]),
    call("listen", &[Descriptor, Number]),
    call("connect", &[Descriptor]),
    call("sendmsg", &[Descriptor, Message]),
    call("sendto", &[Descriptor, Text(2)]),
    call("pipe2", &[Hidden, OpenFlags]),
    call("exit_group", &[Number]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::seccomp::numbers;

    #[test]
    fn every_call_exists_and_stands_here_once() {
        for telling in TELLING {
            assert!(numbers::find(telling.name).is_some(), "{}", telling.name);
            assert_eq!(TELLING.iter().filter(|other| other.name == telling.name).count(), 1, "{}", telling.name);
            assert!(telling.arguments.len() <= 6);
        }
    }
}
