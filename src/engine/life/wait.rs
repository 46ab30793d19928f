//! `wait`: until a container has ended, and with which code.

use crate::engine::{find, hold};
use crate::error::{Error, Result};
use crate::monitor;
use crate::paths::{ContainerPaths, Paths};
use crate::record::health::HealthState;
use crate::record::{Seen, Status};
use crate::store;
use crate::sys::{process, socket};
use std::time::Duration;

/// The monitor tells everybody who asks. One that is gone has left a record.
pub fn ended(paths: &Paths, seen: &Seen) -> Result<i32> {
    let socket = seen.is_running().then(|| socket::connect(&seen.files(paths).attach_socket()).ok()).flatten();
    if let Some(code) = socket.and_then(monitor::wait_for_exit) {
        return Ok(code);
    }
    let seen = find::by_id(paths, &seen.record.id)?.ok_or_else(|| gone(seen))?;
    Ok(seen.record.ended.map_or(0, |ended| ended.exit_code))
}

/// What one can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    NotRunning,
    /// Also of one that does not run yet.
    NextExit,
    Removed,
    Created,
    Running,
    Paused,
    Healthy,
    Unhealthy,
}

/// The exit code of the last run, 0 where there is none.
pub fn until(paths: &Paths, wanted: &str, condition: Condition) -> Result<i32> {
    let mut seen = find::container(paths, wanted)?;
    let id = seen.record.id.clone();
    if condition == Condition::NextExit {
        while !seen.is_running() {
            seen = later(paths, &id)?.ok_or_else(|| gone(&seen))?;
        }
    }
    if matches!(condition, Condition::NotRunning | Condition::NextExit) {
        return ended(paths, &seen);
    }
    let code = |seen: &Seen| seen.record.ended.as_ref().map_or(0, |ended| ended.exit_code);
    let mut last = None;
    loop {
        let there = match condition {
            Condition::Created => seen.status == Status::Created,
            Condition::Running => seen.status == Status::Running,
            Condition::Paused => seen.status == Status::Paused,
            Condition::Healthy => is_found(&seen, HealthState::Healthy)?,
            Condition::Unhealthy => is_found(&seen, HealthState::Unhealthy)?,
            _ => false,
        };
        if there {
            return Ok(code(&seen));
        }
        if condition == Condition::Removed && seen.is_running() {
            last = ended(paths, &seen).ok().or(last);
        }
        seen = match later(paths, &id)? {
            Some(now) => now,
            None if condition == Condition::Removed => return Ok(last.unwrap_or_else(|| code(&seen))),
            None => return Err(gone(&seen)),
        };
    }
}

/// An error where nobody will ever find anything.
fn is_found(seen: &Seen, wanted: HealthState) -> Result<bool> {
    let name = &seen.record.name;
    if seen.status == Status::Restarting {
        return Ok(false);
    }
    seen.running()?;
    let health = seen.health().ok_or_else(|| {
        Error::conflict(format!("container {name} has no health check")).hint("one is made with: tare run --health-cmd COMMAND …")
    })?;
    Ok(health.state == wanted)
}

/// Nobody tells of these changes, so one looks again.
fn later(paths: &Paths, id: &str) -> Result<Option<Seen>> {
    process::sleep(Duration::from_millis(20));
    find::by_id(paths, id)
}

fn gone(seen: &Seen) -> Error {
    Error::no_such(format!("container {} is gone", seen.record.name))
}

/// Until the monitor has let go: from then on the container can be started again or removed.
pub fn settled(files: &ContainerPaths) -> Result<()> {
    let mut patience = hold::Patience::begin();
    while store::is_held(&files.alive())? {
        patience.wait()?;
    }
    Ok(())
}
