//! The nurse: a process of ours beside the monitor of a container that has a health check. It executes the check from time to time,
//! and writes down what it finds.
//!
//! ```text
//!   monitor ── clone3, execve ──► nurse ── as `tare exec` does ──► the check, among the container's processes
//! ```
//!
//! * The monitor's child, one for each run: it ends with its monitor (the kernel sees to it) and at the end of the run (the monitor
//!   does). It holds no lock, so it is in nobody's way. When it is killed the monitor takes another one.
//! * A program of its own, executed from a mount that cannot be written, because what enters a container must be (CVE-2019-5736),
//!   and because a fresh program shares no memory that the monitor would have to copy.
//! * It sleeps between the checks. When the container ends it sleeps on until it is ended: its end means that it is needed again.

use crate::engine::{events, find, health_check, kill, now};
use crate::paths::Paths;
use crate::record::health::Health;
use crate::record::{Container, Seen, Status};
use crate::runtime::own_program;
use crate::store::{self, Durable};
use crate::sys::process::{self, Forked};
use crate::sys::{poll, signal};
use crate::trace::{self, Who};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

/// The word behind the program's name; nobody types it.
pub const WORD: &str = "__nurse";

/// Before another one comes in the place of one that was killed: whatever killed it may go on doing so.
const PAUSE: Duration = Duration::from_secs(1);

/// For a container that has a check, when it has been started. `None`: it has none, or there can be no nurse now.
pub fn hire(paths: &Paths, record: &Container, is_first: bool) -> Option<OwnedFd> {
    record.wishes.health.as_ref()?.command()?;
    let monitor = process::own_pid();
    match process::clone3(0, None).ok()? {
        Forked::Parent { pidfd, .. } => Some(pidfd),
        Forked::Child => {
            trace::act_as(Who::Nurse);
            // First of all: from here on it cannot outlive its monitor. One that died before is nobody's parent any more.
            let bound = process::die_with_parent().is_ok() && process::parent_pid() == monitor;
            // The monitor's lock is among them.
            if bound && process::close_all_above_2_but(&[]).is_ok() && signal::unblock_all().is_ok() {
                if !is_first {
                    process::sleep(PAUSE);
                }
                let words = ["tare".into(), WORD.into(), paths.root().into(), paths.run().into(), record.id.as_str().into()];
                let _ = own_program::become_read_only(&words);
            }
            process::exit_now(1)
        }
    }
}

/// The nurse's life.
pub fn main(words: &[String]) -> i32 {
    if let [root, run, id] = words {
        let paths = Paths::new(root, run);
        if let Ok(Some(seen)) = find::by_id(&paths, id) {
            let _ = look_after(&paths, &seen);
        }
    }
    loop {
        process::sleep(Duration::from_secs(3600));
    }
}

/// Returns when there is nobody to look after.
fn look_after(paths: &Paths, seen: &Seen) -> Option<()> {
    let live = seen.live.as_ref()?;
    let init = kill::first_process(live).ok()?;
    let check = seen.record.wishes.health.as_ref()?;
    let file = seen.files(paths).health();
    // One that was in our place before may have found something.
    let mut health = store::read_json::<Health>(&file).ok().flatten().unwrap_or_default();
    let mut leftovers = Vec::new();
    loop {
        let pause = Duration::from_nanos(health.pause(check, now().saturating_sub(live.started)));
        if has_ended_within(&init, pause) {
            return None;
        }
        // Its name may be another one by now, and whether it is paused.
        let seen = find::by_id(paths, &seen.record.id).ok()??;
        match seen.status {
            Status::Running => {}
            Status::Paused => continue,
            _ => return None,
        }
        leftovers.retain(health_check::is_still_used);
        let Some(find) = health_check::carry_out(paths, &seen, check, &mut leftovers) else { continue };
        // Cut off by the container's end, it found nothing.
        if has_ended_within(&init, Duration::ZERO) {
            return None;
        }
        let before = health.state;
        health.judge(find, check, live.started);
        let _ = store::write_json(&file, &health, Durable::No);
        if health.state != before {
            events::of_container(paths, &seen.record, &format!("health_status: {}", health.state), &[]);
        }
    }
}

fn has_ended_within(init: &OwnedFd, pause: Duration) -> bool {
    let mut left = pause.as_millis();
    loop {
        // poll takes 24 days at most.
        let now = left.min(i32::MAX as u128);
        if poll::poll(&mut [poll::Watched::new(init.as_fd(), true, false)], Some(now as i32)).unwrap_or(true) {
            return true;
        }
        left -= now;
        if left == 0 {
            return false;
        }
    }
}
