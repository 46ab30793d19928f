//! Which processes are a container's, where no record and no control group tells it.
//!
//! What a process belongs to is told by its root, an overlay whose upper layer lies in the store.

use crate::engine::kill;
use crate::paths::Paths;
use crate::sys::{poll, process, signal};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// The kernel takes a moment to end what was killed, milliseconds.
const PATIENCE: i32 = 10_000;

/// By container: those that fit.
pub fn all(paths: &Paths, fits: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<i32>> {
    let mut found = BTreeMap::new();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        if let Some(id) = container_of(paths, pid).filter(|id| fits(id)) {
            found.entry(id).or_insert_with(Vec::new).push(pid);
        }
    }
    found
}

/// Whose layer lies on top of the root that a process sees.
fn container_of(paths: &Paths, pid: i32) -> Option<String> {
    let mounts = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).ok()?;
    let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/") && line.contains(" - overlay "))?;
    let upper = root.split([',', ' ']).find_map(|word| word.strip_prefix("upperdir="))?;
    let id = upper.strip_prefix(&as_listed(&paths.kept_containers()))?.strip_prefix('/')?.strip_suffix("/upper")?;
    (id.len() == 64).then(|| id.to_owned())
}

/// The kernel writes some letters of a path as octal numbers, proc_pid_mountinfo(5).
fn as_listed(path: &Path) -> String {
    path.display()
        .to_string()
        .replace('\\', "\\134")
        .replace(' ', "\\040")
        .replace('\t', "\\011")
        .replace('\n', "\\012")
        .replace(',', "\\054")
}

/// Kills those of one container that fit to the end, and waits for it; whether there were any. Each is held before it is judged, so that
/// nobody gets its number meanwhile.
pub fn end(paths: &Paths, id: &str, fits: impl Fn(&str) -> bool) -> bool {
    let is_one = |other: &str| other == id && fits(other);
    let pids = all(paths, is_one).remove(id).unwrap_or_default();
    let held: Vec<OwnedFd> = pids
        .iter()
        .filter_map(|pid| Some((pid, process::pidfd_of(*pid).ok()?)))
        .filter_map(|(pid, held)| container_of(paths, *pid).is_some_and(|of| is_one(&of)).then_some(held))
        .collect();
    for process in &held {
        let _ = signal::send(process.as_fd(), kill::KILL);
    }
    for process in &held {
        let _ = poll::poll(&mut [poll::Watched::new(process.as_fd(), true, false)], Some(PATIENCE));
    }
    !held.is_empty()
}
