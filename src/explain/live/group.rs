//! A container's control group: where it is, what it limits, and what is used of it (cgroups(7), the kernel's cgroup-v2.rst).

use crate::engine::stats;
use crate::record::Seen;
use crate::runtime::cgroup::Group;
use crate::sys::file;
use std::path::Path;

/// `None` is, for a limit, that there is none; for a use, that nobody counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The directory; empty: it has no group.
    pub path: String,
    pub controllers: Vec<String>,
    pub memory: Option<u64>,
    pub swap: Option<u64>,
    /// Microseconds of processor, in so many microseconds.
    pub processor: Option<(u64, u64)>,
    pub tasks: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Use {
    pub memory: u64,
    pub memory_peak: Option<u64>,
    /// Microseconds.
    pub processor: u64,
    pub tasks: u64,
    /// How often a limit was met: memory, processes, and periods in which it had to wait for a processor.
    pub memory_met: u64,
    pub out_of_memory: u64,
    pub tasks_met: u64,
    pub slowed: u64,
}

pub fn of(seen: &Seen) -> Option<(Limits, Use)> {
    let live = seen.live.as_ref().filter(|live| live.pid != 0)?;
    let sample = stats::sample(seen, stats::machine_memory())?;
    let mut used = Use { memory: sample.memory, processor: sample.cpu, tasks: sample.tasks, ..Use::default() };
    let Some(group) = Some(&live.cgroup).filter(|path| !path.is_empty()).and_then(|path| Group::open(Path::new(path))) else {
        return Some((Limits::default(), used));
    };
    let read = |name: &str| file::read_at(group.descriptor(), name).unwrap_or_default();
    used.memory_peak = number(&read("memory.peak"));
    used.memory_met = of_table(&read("memory.events"), "max");
    used.out_of_memory = of_table(&read("memory.events"), "oom_kill");
    used.tasks_met = of_table(&read("pids.events"), "max");
    used.slowed = of_table(&read("cpu.stat"), "nr_throttled");
    let limits = Limits {
        path: live.cgroup.clone(),
        controllers: read("cgroup.controllers").split_whitespace().map(str::to_owned).collect(),
        memory: number(&read("memory.max")),
        swap: number(&read("memory.swap.max")),
        processor: processor(&read("cpu.max")),
        tasks: number(&read("pids.max")),
    };
    Some((limits, used))
}

/// `max` is none.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// `50000 100000`, or `max 100000`.
fn processor(text: &str) -> Option<(u64, u64)> {
    let (quota, period) = text.trim().split_once(' ')?;
    Some((quota.parse().ok()?, period.parse().ok()?))
}

fn of_table(text: &str, key: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')).and_then(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_max_is_none() {
        assert_eq!((number("max\n"), number("64\n"), number("")), (None, Some(64), None));
        assert_eq!((processor("50000 100000\n"), processor("max 100000\n"), processor("")), (Some((50_000, 100_000)), None, None));
        assert_eq!(of_table("low 0\nmax 7\noom 1\noom_kill 2\n", "max"), 7);
        assert_eq!(of_table("oom 1\noom_kill 2\n", "oom"), 1);
    }
}
