//! `top`: who is in a container, in the numbers of the host.

use crate::error::Result;
use crate::record::Seen;
use crate::runtime::cgroup::Group;
use std::path::Path;

pub fn processes(seen: &Seen) -> Result<Vec<i32>> {
    let live = seen.running()?;
    let group = if live.cgroup.is_empty() { None } else { Group::open(Path::new(&live.cgroup)) };
    let mut pids = match group {
        Some(group) => group.all_processes(),
        None => in_the_same_namespace(live.pid),
    };
    pids.sort_unstable();
    Ok(pids)
}

/// Where nobody counts them: those that see the same processes.
fn in_the_same_namespace(pid: i32) -> Vec<i32> {
    let space = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let ours = space(pid);
    pids.filter(|other| ours.is_some() && space(*other) == ours).collect()
}
