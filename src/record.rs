//! What is written down of a container: what was wished, what is true while it runs, and how it ended.
//!
//! Two records. `container.json` is written before the container starts and again when it has ended; `state.json` lives on
//! tmpfs and is the monitor's word while it runs. Who holds the lock on `alive` tells whether that word still counts.

mod comeback;
pub mod health;
pub mod network;
mod reason;

use crate::options::restart::Restart;
use crate::options::{IdMap, Limits, Wishes, systemd};
use serde::{Deserialize, Serialize};

/// `container.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// 64 hex digits.
    pub id: String,
    pub name: String,
    /// The image as it was typed.
    pub image: String,
    /// `sha256:…`
    pub image_id: String,
    /// Diff ids (hex), bottom to top.
    pub layers: Vec<String>,
    /// Whose its files are on disk, where that is not whose they are inside. See `image/kept/shifted.rs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<IdMap>,
    /// Nanoseconds since 1970.
    pub created: u64,
    pub hostname: String,
    /// The whole command as it is executed: entrypoint and arguments.
    pub args: Vec<String>,
    /// What the image says beside the wishes; merged when the container was created.
    pub user: String,
    pub stop_signal: String,
    pub labels: Vec<(String, String)>,
    /// Our reaper is pid 1.
    pub reaper: bool,
    pub wishes: Wishes,
    /// It was started, or made by `run`, which starts it at once: found without a monitor and without an end, its start was cut off.
    #[serde(default)]
    pub launched: bool,
    /// How it ended last; `None`: never started.
    pub ended: Option<Ended>,
}

impl Container {
    pub fn is_furnished_for_systemd(&self) -> bool {
        systemd::is_furnished_for(&self.wishes, &self.args, self.reaper)
    }
}

/// How a run of a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ended {
    /// As a shell tells it: 128+n for signal n.
    pub exit_code: i32,
    /// Nanoseconds since 1970; 0: it never started.
    pub started: u64,
    pub finished: u64,
    /// The kernel ended a process of it for want of memory.
    pub out_of_memory: bool,
    /// Then: how many bytes its group had at most, where the kernel counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak: Option<u64>,
    /// Why it could not start, or what is known beyond the code (`monitor lost`).
    pub error: String,
    /// The signal that ended the command, where it was one.
    pub signal: Option<i32>,
    /// It ended pid 1, our reaper or the command itself, which nobody inside can do: pid_namespaces(7).
    pub from_outside: bool,
    /// The last signal that was sent by a command of ours.
    pub asked: Option<Asked>,
    /// Somebody ended it who wants it to stay so.
    pub stopped: bool,
    /// How often its monitor had begun it again since somebody started it.
    pub restarts: u32,
    /// What the checks had found, if it has a health check.
    pub health: Option<health::Health>,
    /// How its start went, as `trace::timeline` packs it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<u64>,
}

/// `amended.json`: what was changed since the start. Its monitor, which knows the record as it was then, adds it at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Amended {
    pub name: Option<String>,
    pub restart: Option<Restart>,
    pub limits: Option<Limits>,
    pub networks: Vec<network::Change>,
}

impl Amended {
    pub fn apply(self, mut record: Container) -> Container {
        record.name = self.name.unwrap_or(record.name);
        record.wishes.restart = self.restart.unwrap_or(record.wishes.restart);
        record.wishes.limits = self.limits.unwrap_or(record.wishes.limits);
        self.networks.into_iter().for_each(|change| change.apply(&mut record.wishes));
        record
    }
}

/// `asked.json`: the signal that a command of ours sent last. Whoever finds another at the end knows that somebody else sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub signal: i32,
    pub by: Asker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asker {
    Kill,
    Stop,
    /// `stop`, when asking had not helped.
    Patience,
    /// `system stop`: the machine goes down.
    Shutdown,
}

/// `state.json`: it runs, or is about to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Live {
    /// Pid 1 of the container, in the host's numbers.
    pub pid: i32,
    pub monitor: i32,
    /// Clock ticks since boot at which `pid` started: a pid alone may be somebody else's by now.
    pub pid_started: u64,
    pub started: u64,
    /// The container's group, below the cgroup2 mount; empty where there is none.
    pub cgroup: String,
    /// How often the monitor has begun it again.
    #[serde(default)]
    pub restarts: u32,
    /// Its last run has ended so, and it will be begun again; until then there is no process, and `pid` is 0.
    #[serde(default)]
    pub waiting: Option<Ended>,
    /// What the checks have found; in a file of its own, because another process writes it.
    #[serde(skip)]
    pub health: Option<health::Health>,
}

/// What `ps` calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Created,
    Running,
    Paused,
    /// Its last run has ended, and its monitor will begin the next one in a moment.
    Restarting,
    Exited,
    Dead,
}

/// A container as one look at its records found it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub record: Container,
    /// The monitor's word, where there is one that counts.
    pub live: Option<Live>,
    pub status: Status,
}

impl Seen {
    /// `None`: nobody checks it.
    pub fn health(&self) -> Option<&health::Health> {
        match &self.live {
            Some(live) if live.waiting.is_none() => live.health.as_ref(),
            _ => self.record.ended.as_ref()?.health.as_ref(),
        }
    }
}
