//! `stop`: asked to end, and ended if it does not.

use crate::engine::{events, kill, wait};
use crate::error::{Context, Result};
use crate::paths::Paths;
use crate::record::{Asker, Seen};
use crate::sys::{Errno, poll, signal};
use std::os::fd::AsFd;

const PATIENCE: i64 = 10;

/// `seconds`: -1 waits for ever.
pub fn stop(paths: &Paths, seen: &Seen, seconds: Option<i64>, with: Option<i32>) -> Result<()> {
    let Some(live) = &seen.live else { return Ok(()) };
    let what = || format!("cannot stop container {}", seen.record.name);
    let Ok(init) = kill::first_process(live) else { return wait::settled(&seen.files(paths)) };
    let number = with.map_or_else(|| signal::parse(&seen.record.stop_signal), Ok)?;
    let seconds = seconds.or(seen.record.wishes.stop_timeout.map(i64::from)).unwrap_or(PATIENCE);
    kill::kill(paths, seen, number, Asker::Stop).or_else(|error| match error.errno() {
        Some(Errno::ESRCH) => Ok(()),
        _ => Err(error),
    })?;
    let patience = if seconds < 0 { None } else { Some(i32::try_from(seconds.saturating_mul(1000)).unwrap_or(i32::MAX)) };
    let mut watched = [poll::Watched::new(init.as_fd(), true, false)];
    if !poll::poll(&mut watched, patience).with_context(what)? {
        kill::kill(paths, seen, kill::KILL, Asker::Patience)?;
    }
    wait::settled(&seen.files(paths))?;
    events::of_container(paths, &seen.record, "stop", &[]);
    Ok(())
}
