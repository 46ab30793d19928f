//! Processes of containers that nobody watches any more, and control groups that were left.
//!
//! What a process belongs to is told by its root, an overlay whose upper layer lies in the store; a control group has only a name.
//! All stores of a machine have their groups beside each other, so one with processes is judged by them, and an empty one that this
//! store does not know only goes when it is too old to be waiting for its first process.

use super::containers::at_rest;
use super::{What, Wrong};
use crate::engine::{find, kill, repair};
use crate::error::{Error, Result};
use crate::paths::Paths;
use crate::runtime::cgroup::Group;
use crate::sys::{poll, process, signal};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

const LONG_AGO: Duration = Duration::from_secs(60);
/// The kernel takes a moment to end what was killed, milliseconds.
const PATIENCE: i32 = 10_000;

pub fn look(paths: &Paths) -> Vec<Wrong> {
    let of = |id: &str| super::containers::shown(paths, id);
    let processes = unwatched(paths).into_keys().map(|id| Wrong::new(What::Processes, &id, of(&id)));
    let groups = Group::all_of_containers().into_iter().filter(|id| is_left(paths, id));
    processes.chain(groups.map(|id| Wrong::new(What::Group, &id, format!("control group tare/{}", &id[..12])))).collect()
}

/// By container.
fn unwatched(paths: &Paths) -> BTreeMap<String, Vec<i32>> {
    let mut found = BTreeMap::new();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        if let Some(id) = container_of(paths, pid).filter(|id| at_rest(paths, id)) {
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

fn is_left(paths: &Paths, id: &str) -> bool {
    let Ok(Some(group)) = Group::existing(id) else { return false };
    let is_ours = find::ids(paths).iter().any(|known| known == id);
    match group.is_populated() {
        true => false,
        // What is wrong with the container itself is put right with all that it has.
        false if is_ours => super::containers::is_well_at_rest(paths, id),
        false => group.age().is_some_and(|age| age > LONG_AGO),
    }
}

pub fn mend(paths: &Paths, wrong: &Wrong) -> Result<bool> {
    let id = &wrong.which;
    match wrong.what {
        What::Group => remove_group(paths, id),
        _ => end(paths, id),
    }
}

fn remove_group(paths: &Paths, id: &str) -> Result<bool> {
    if !is_left(paths, id) {
        return Ok(false);
    }
    let Ok(Some(group)) = Group::existing(id) else { return Ok(false) };
    group.remove().map(|()| true).map_err(|errno| Error::from_errno("it cannot be removed", errno))
}

/// Each is held before it is judged, so that nobody gets its number meanwhile.
fn end(paths: &Paths, id: &str) -> Result<bool> {
    let pids = unwatched(paths).remove(id).unwrap_or_default();
    let held: Vec<OwnedFd> = pids
        .iter()
        .filter_map(|pid| Some((pid, process::pidfd_of(*pid).ok()?)))
        .filter_map(|(pid, held)| (container_of(paths, *pid).as_deref() == Some(id) && at_rest(paths, id)).then_some(held))
        .collect();
    if held.is_empty() {
        return Ok(false);
    }
    for process in &held {
        let _ = signal::send(process.as_fd(), kill::KILL);
    }
    for process in &held {
        let _ = poll::poll(&mut [poll::Watched::new(process.as_fd(), true, false)], Some(PATIENCE));
    }
    if let Ok(Some(group)) = Group::existing(id) {
        repair::remove_group(&group);
    }
    match unwatched(paths).contains_key(id) {
        true => Err(Error::failed("they do not end")),
        false => Ok(true),
    }
}
