//! What strace sees of a command: the calls of each of its processes that say what is done.

use super::{installed, lacking, process};
use std::path::Path;
use std::process::Command;

/// A call, as strace writes it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub name: String,
    pub line: String,
}

/// Calls that only serve others, or differ between a program that is linked statically and one that is not, are left out.
const TELLING: &[&str] = &[
    "clone3",
    "unshare",
    "setns",
    "execve",
    "execveat",
    "setsid",
    "kill",
    "pidfd_open",
    "pidfd_send_signal",
    "memfd_create",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "chdir",
    "fchdir",
    "open_tree",
    "move_mount",
    "mount_setattr",
    "fsopen",
    "fsconfig",
    "fsmount",
    "open",
    "openat2",
    "write",
    "mkdir",
    "mknod",
    "symlink",
    "unlink",
    "rmdir",
    "rename",
    "chmod",
    "fchmod",
    "chown",
    "fchown",
    "flock",
    "ftruncate",
    "umask",
    "sethostname",
    "prctl",
    "capset",
    "seccomp",
    "bpf",
    "setresuid",
    "setresgid",
    "setgroups",
    "socket",
    "socketpair",
    "bind",
    "listen",
    "connect",
    "sendmsg",
    "sendto",
    "pipe2",
];

pub fn is_here() -> bool {
    installed("strace") || !lacking("strace (apt-get install strace)")
}

/// Runs a command under strace, and gives its output file's text.
pub fn run(command: &Command, store: &super::Store) -> String {
    let trace = store.dir.join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-s", "200", "-o"]).arg(&trace).arg(command.get_program()).args(command.get_args());
    strace.current_dir(&store.dir);
    store.tell(&mut strace);
    process::run(strace, None).ok();
    read(&trace)
}

fn read(trace: &Path) -> String {
    std::fs::read_to_string(trace).expect("what strace saw")
}

/// The same call under its older name: which one is made is the C library's affair.
pub fn older_name(name: &str) -> &str {
    match name {
        "openat" => "open",
        "mkdirat" => "mkdir",
        "mknodat" => "mknod",
        "symlinkat" => "symlink",
        "renameat" | "renameat2" => "rename",
        "unlinkat" => "unlink",
        other => other,
    }
}

pub fn is_telling(name: &str) -> bool {
    TELLING.contains(&older_name(name))
}

/// By process, in the order in which they appear.
pub fn processes(trace: &str) -> Vec<Vec<Seen>> {
    let mut pids: Vec<&str> = Vec::new();
    let mut all: Vec<Vec<Seen>> = Vec::new();
    for line in trace.lines() {
        let Some((pid, rest)) = line.split_once(char::is_whitespace) else { continue };
        let index = pids.iter().position(|known| *known == pid).unwrap_or_else(|| {
            pids.push(pid);
            all.push(Vec::new());
            pids.len() - 1
        });
        let rest = rest.trim_start();
        let Some((name, _)) = rest.split_once('(').filter(|(name, _)| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')) else {
            continue;
        };
        if is_telling(name) {
            all[index].push(Seen { name: older_name(name).to_owned(), line: rest.to_owned() });
        }
    }
    all
}
