//! `--explain=sh`: limits that the script writes are those that tare writes, read from inside, and the groups are as before.

use crate::common::process::run;
use crate::common::{installed, lacking, path_of};
use crate::store;
use std::process::Command;

const LOOK: &str = "cd /sys/fs/cgroup; for file in memory.max memory.swap.max memory.low cpu.max cpu.weight cpuset.cpus pids.max; do echo \"$file: $(cat $file)\"; done";

#[test]
fn a_script_limits_as_tare_does() {
    let Some(store) = store() else { return };
    // Busybox has a mount and an unshare that know little, and its shell takes them before any other: so this shell, and these directories.
    if ["dash", "unshare", "mount", "findmnt", "capsh", "ip"].iter().any(|tool| !installed(tool) && lacking(tool)) {
        return;
    }
    let flags = [
        "-m",
        "64m",
        "--memory-swap",
        "96m",
        "--memory-reservation",
        "32m",
        "--cpus",
        "0.5",
        "--cpu-shares",
        "512",
        "--cpuset-cpus",
        "0",
        "--pids-limit",
        "50",
    ];
    let words = [&flags[..], &["box", "sh", "-c", LOOK]].concat();
    let expected = store.ok(&[&["run", "--rm"], &words[..]].concat());
    assert!(expected.contains("memory.max: 67108864\n") && expected.contains("pids.max: 50"), "{expected}");
    let script = store.ok(&[&["run", "--rm", "--explain=sh"], &words[..]].concat());
    let before = groups();
    std::fs::create_dir(store.dir.join("bin")).expect("a directory");
    std::os::unix::fs::symlink(path_of("dash").expect("asked above"), store.dir.join("bin/sh")).expect("a link");
    let mut command = Command::new(store.dir.join("bin/sh"));
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", store.dir.join("bin").display());
    command.arg(store.file("by-hand.sh", script)).env("TMPDIR", &store.dir).env("PATH", path);
    assert_eq!(run(command, None).ok(), expected);
    assert_eq!(groups(), before, "no group is left");
}

fn groups() -> Vec<String> {
    let top = crate::cgroup2().expect("a cgroup2 mount").0;
    let mut names: Vec<String> = std::fs::read_dir(top)
        .expect("groups")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter(|name| name.starts_with("by-hand"))
        .collect();
    names.sort();
    names
}
