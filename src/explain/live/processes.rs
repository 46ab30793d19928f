//! The processes of a container, and those of ours that look after it, as a tree with their numbers outside and inside.

use super::{namespaces, status};
use crate::engine::{nurse, top};
use crate::record::Seen;
use crate::sys::process::{self, Look};
use std::collections::BTreeSet;

/// What a process is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Monitor,
    /// Pid 1, ours.
    Reaper,
    Porter,
    Nurse,
    /// Leads an ordinary user's container out.
    Outlet,
    /// The container's own.
    Own,
    /// Brought in by `exec`: nobody inside is its parent.
    Further,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub role: Role,
    pub pid: i32,
    /// `None`: it is not seen in there.
    pub inside: Option<i32>,
    pub uid: u32,
    pub command: String,
    pub children: Vec<Process>,
}

impl Process {
    /// How many belong to the container itself.
    pub fn count_own(&self) -> usize {
        usize::from(matches!(self.role, Role::Own | Role::Further)) + self.children.iter().map(Process::count_own).sum::<usize>()
    }
}

/// Roots of the tree: the monitor, and whoever came in later. Empty: it does not run.
pub fn of(seen: &Seen) -> Vec<Process> {
    let (Some(live), Some(first)) = (&seen.live, namespaces::first_process(seen)) else { return Vec::new() };
    let inhabitants = inhabitants(seen, first, live.cgroup.is_empty());
    let all: Vec<Look> = numbers().filter_map(process::look).collect();
    let pid_namespace = namespaces::number(first, "pid");
    let family = Family { seen, monitor: live.monitor, first, inhabitants, all, pid_namespace };
    let known: BTreeSet<i32> = family.all.iter().map(|one| one.pid).collect();
    let is_root = |one: &&Look| {
        let came_later = family.inhabitants.contains(&one.pid) && !family.inhabitants.contains(&one.parent) && one.pid != first;
        one.pid == live.monitor || (came_later && one.parent != live.monitor) || (one.pid == first && !known.contains(&live.monitor))
    };
    let roots: Vec<&Look> = family.all.iter().filter(is_root).collect();
    roots.into_iter().map(|one| family.grow(one)).collect()
}

/// Without a group those count that see the same processes, and with --pid container:NAME these are of two containers; but no two
/// have the same mounts.
fn inhabitants(seen: &Seen, first: i32, has_no_group: bool) -> BTreeSet<i32> {
    let mounts = namespaces::number(first, "mnt");
    let is_one = |pid: &i32| !has_no_group || namespaces::number(*pid, "mnt") == mounts;
    top::processes(seen).unwrap_or_default().into_iter().filter(is_one).chain([first]).collect()
}

struct Family<'a> {
    seen: &'a Seen,
    monitor: i32,
    first: i32,
    inhabitants: BTreeSet<i32>,
    all: Vec<Look>,
    pid_namespace: Option<u64>,
}

impl Family<'_> {
    fn grow(&self, one: &Look) -> Process {
        let mut children: Vec<&Look> = self.all.iter().filter(|other| other.parent == one.pid).collect();
        // The container first, then what stands beside it.
        children.sort_by_key(|child| (child.pid != self.first, child.started, child.pid));
        Process {
            role: self.role(one),
            pid: one.pid,
            inside: self.inside(one.pid),
            uid: one.uid,
            command: if one.is_zombie { format!("{} zombie", one.command) } else { one.command.clone() },
            children: children.into_iter().map(|child| self.grow(child)).collect(),
        }
    }

    fn role(&self, one: &Look) -> Role {
        match one {
            _ if one.pid == self.monitor => Role::Monitor,
            _ if one.pid == self.first && self.seen.record.reaper => Role::Reaper,
            _ if one.pid == self.first => Role::Own,
            // Inside nobody is its parent.
            _ if self.inhabitants.contains(&one.pid) && !self.inhabitants.contains(&one.parent) => Role::Further,
            _ if self.inhabitants.contains(&one.pid) => Role::Own,
            _ if one.command.split(' ').any(|word| word == nurse::WORD) => Role::Nurse,
            _ if one.command.split(' ').next().is_some_and(|program| program.rsplit('/').next() == Some("pasta")) => Role::Outlet,
            // Forked from the monitor it has the monitor's words.
            _ if one.parent == self.monitor => Role::Porter,
            _ => Role::Own,
        }
    }

    /// The number that the container's own namespace has for it; those of namespaces further in follow behind.
    fn inside(&self, pid: i32) -> Option<i32> {
        let depth = status::of(self.first)?.pids.len();
        let pids = status::of(pid).filter(|_| depth > 1)?.pids;
        let is_in = pids.len() >= depth && (pids.len() > depth || namespaces::number(pid, "pid") == self.pid_namespace);
        pids.get(depth - 1).copied().filter(|_| is_in)
    }
}

fn numbers() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}
