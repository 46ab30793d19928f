//! What a container could leave behind on the host: processes, mounts, control groups, sockets, records, half-made files.

use super::Store;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Ids of all containers that have a directory in the store.
pub fn ids(store: &Store) -> BTreeSet<String> {
    let dirs = [store.root.join("container"), store.run.join("container")];
    let names = dirs.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().filter_map(Result::ok);
    names.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| name.len() == 64).collect()
}

/// Waits a little, because the last process of a container ends after the command that ended it.
pub fn find(store: &Store, known: &BTreeSet<String>) -> Vec<String> {
    let end = Instant::now() + Duration::from_secs(if super::in_vm() { 60 } else { 10 });
    loop {
        let left = look(store, known);
        if left.is_empty() || Instant::now() > end {
            return left;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn assert_none(store: &Store) {
    let left = find(store, &ids(store));
    assert!(left.is_empty(), "this is left:\n  {}", left.join("\n  "));
}

fn look(store: &Store, known: &BTreeSet<String>) -> Vec<String> {
    let mut left = Vec::new();
    let dir = store.dir.to_string_lossy().into_owned();
    for (pid, why) in processes(store, known) {
        left.push(format!("process {pid} ({}): {why}", command_of(pid)));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    left.extend(mounts.lines().filter(|line| line.contains(&dir)).map(|line| format!("mount: {line}")));
    for group in groups(known) {
        left.push(format!("control group: {}", group.display()));
    }
    let places = [store.root.join("container"), store.run.join("container"), store.root.join("unfinished"), store.run.join("ids")];
    for place in places {
        for entry in std::fs::read_dir(&place).into_iter().flatten().filter_map(Result::ok) {
            left.push(format!("file: {}", entry.path().display()));
        }
    }
    for place in [store.root.join("name"), store.run.join("name")] {
        for entry in std::fs::read_dir(&place).into_iter().flatten().filter_map(Result::ok) {
            left.push(format!("name: {}", entry.path().display()));
        }
    }
    left
}

fn command_of(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ")
}

/// Processes that belong to the store: by their environment, their words, their mounts or their group.
fn processes(store: &Store, known: &BTreeSet<String>) -> Vec<(i32, &'static str)> {
    let dir = format!("{}/", store.dir.display());
    let own = i32::try_from(std::process::id()).expect("a pid");
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok) {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let text = |name: &str| String::from_utf8_lossy(&std::fs::read(entry.path().join(name)).unwrap_or_default()).into_owned();
        // A zombie has no memory and is its parent's affair; a child of this test is the test's.
        if pid == own || text("stat").rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')) {
            continue;
        }
        let group = text("cgroup");
        if known.iter().any(|id| group.contains(id.as_str())) {
            found.push((pid, "in a container's control group"));
        } else if text("environ").contains(&dir) || text("cmdline").contains(&dir) {
            found.push((pid, "works for the store"));
        } else if text("mountinfo").contains(&dir) {
            found.push((pid, "holds a mount namespace with the store in it"));
        }
    }
    found
}

/// Control groups named after one of the containers.
fn groups(known: &BTreeSet<String>) -> Vec<PathBuf> {
    let (Some((mount, _)), false) = (super::cgroup2(), known.is_empty()) else { return Vec::new() };
    let (mut found, mut waiting) = (Vec::new(), vec![mount]);
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().filter_map(Result::ok) {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let name = entry.file_name().to_string_lossy().into_owned();
                if known.iter().any(|id| name.contains(id.as_str())) {
                    found.push(entry.path());
                }
                waiting.push(entry.path());
            }
        }
    }
    found
}

/// The last resort after a failed test: by pid, only what belongs to this store.
pub fn end_processes(store: &Store, known: &BTreeSet<String>) {
    for _ in 0..100 {
        let left = processes(store, known);
        if left.is_empty() {
            return;
        }
        for (pid, _) in left {
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Like `rm -rf`; overlay's work directories have no rights at all, which root does not mind.
pub fn remove_tree(dir: &Path) -> std::io::Result<()> {
    std::fs::remove_dir_all(dir)
}
