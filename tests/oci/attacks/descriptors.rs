//! What is open in a process of the container, or in a hook, and was the host's.

use super::Bundle;
use std::os::fd::AsRawFd;

/// Name of every descriptor of a process, by number.
fn open_in(pid: &str) -> Vec<(i32, String)> {
    let dir = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process");
    let name = |entry: std::fs::DirEntry| {
        let to = std::fs::read_link(entry.path()).map(|to| to.display().to_string()).unwrap_or_default();
        (entry.file_name().to_string_lossy().parse().expect("a number"), to)
    };
    let mut all: Vec<_> = dir.map(|entry| name(entry.expect("an entry"))).collect();
    all.sort();
    all
}

fn let_it_be_inherited(fd: &impl AsRawFd) {
    // SAFETY: a flag of a descriptor of ours.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, 0) };
}

/// Guards: `preserved` in oci/create.rs for the caller's, `Plan::descriptors` for ours.
#[test]
fn cve_2024_21626_a_created_process_has_no_file_of_the_host_open() {
    for by_detour in [false, true] {
        let mut bundle = Bundle::of(&["sleep", "1000"]);
        if by_detour {
            bundle.make_detour();
        }
        bundle.write();
        let leaked = std::fs::File::open("/").expect("the root");
        let_it_be_inherited(&leaked);
        bundle.call(&["create", "one"]);
        let pid = bundle.state("one")["pid"].to_string();
        for (fd, name) in open_in(&pid).into_iter().filter(|(fd, _)| *fd > 2) {
            assert!(name.starts_with("socket:") || name.starts_with("/memfd:tare-init"), "descriptor {fd} is {name}");
        }
        bundle.call(&["start", "one"]);
        let numbers: Vec<i32> = open_in(&pid).into_iter().map(|(fd, _)| fd).collect();
        assert_eq!(numbers, [0, 1, 2]);
        bundle.call(&["delete", "--force", "one"]);
    }
}
