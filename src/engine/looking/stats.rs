//! What containers use at this moment, for `tare stats`.
//!
//! Their groups know it, as far as they have the controllers: a group without the memory controller (an old host, or a container
//! without limits where nobody else has any) still counts the processor's time, and its processes tell the rest (`of_processes.rs`).

mod of_processes;

use crate::engine::top;
use crate::options::Network;
use crate::record::{Live, Seen};
use crate::runtime::cgroup::Group;
use crate::runtime::cgroup::usage::Brief;
use of_processes::Sum;
use std::path::Path;
use std::time::Instant;

/// All in bytes, but for the processor's time in microseconds, and tasks.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub at: Instant,
    pub cpu: u64,
    pub memory: u64,
    /// That of the machine, where there is no other.
    pub memory_limit: u64,
    pub tasks: u64,
    pub received: u64,
    pub sent: u64,
    pub read: u64,
    pub written: u64,
}

impl Sample {
    /// Share of one processor since an earlier look; 2.0: two of them were busy.
    pub fn load_since(&self, before: &Sample) -> f64 {
        let micros = self.at.saturating_duration_since(before.at).as_micros().max(1);
        self.cpu.saturating_sub(before.cpu) as f64 / micros as f64
    }
}

/// `None`: it does not run.
pub fn sample(seen: &Seen, machine: u64) -> Option<Sample> {
    let live = seen.live.as_ref().filter(|live| live.waiting.is_none())?;
    let group = if live.cgroup.is_empty() { None } else { Group::open(Path::new(&live.cgroup)) };
    let brief = group.as_ref().map(Brief::read).unwrap_or_default();
    let is_complete = brief.cpu.is_some() && brief.memory.is_some() && brief.tasks.is_some() && brief.io.is_some();
    // Only what the group does not know is asked of its processes, each of which takes a few looks.
    let sum = if is_complete { Sum::default() } else { Sum::of(&top::processes(seen).unwrap_or_default(), brief.cpu.is_none()) };
    let (read, written) = brief.io.unwrap_or((sum.read, sum.written));
    let (received, sent) = network(seen, live);
    Some(Sample {
        at: Instant::now(),
        cpu: brief.cpu.unwrap_or(sum.cpu),
        memory: brief.memory.unwrap_or(sum.memory),
        memory_limit: brief.memory_limit.map_or(machine, |limit| limit.min(machine)),
        tasks: brief.tasks.unwrap_or(sum.tasks),
        received,
        sent,
        read,
        written,
    })
}

/// Of a container that has the host's network none of its interfaces is its own; as in Docker, nothing is told.
fn network(seen: &Seen, live: &Live) -> (u64, u64) {
    match seen.record.wishes.network {
        Network::Host => (0, 0),
        _ => of_processes::network(live.pid),
    }
}

/// The memory of this machine.
pub fn machine_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
