//! `stop`: asked to end, and ended if it does not.

use crate::engine::{events, find, hold, kill, wait};
use crate::error::{Context, Result};
use crate::paths::Paths;
use crate::record::{Asker, Seen};
use crate::store;
use crate::sys::{Errno, poll, signal};
use crate::trace::{self, Step};
use std::os::fd::AsFd;

const PATIENCE: i64 = 10;

/// How it is done.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Before it is killed; -1: for ever. `None`: as long as the container's own wish says.
    pub seconds: Option<i64>,
    /// `None`: the container's stop signal.
    pub signal: Option<i32>,
    pub by: Asker,
}

/// Until it is at rest: a run that its monitor had begun before it knew of us is ended like the one before.
pub fn stop(paths: &Paths, seen: &Seen, how: How) -> Result<()> {
    let files = seen.files(paths);
    let mut seen = seen.clone();
    let mut ended = None;
    let mut patience = hold::Patience::begin();
    while seen.is_running() {
        let run = seen.live.as_ref().map(|live| (live.pid, live.pid_started));
        if ended != run {
            stop_run(paths, &seen, how)?;
            (ended, patience) = (run, hold::Patience::begin());
        } else {
            patience.wait()?;
        }
        match find::by_id(paths, &seen.record.id)? {
            Some(now) if store::is_held(&files.alive())? => seen = now,
            _ => break,
        }
    }
    trace::begin(Step::AwaitEnd);
    wait::settled(&files)?;
    events::of_container(paths, &seen.record, "stop", &[]);
    Ok(())
}

fn stop_run(paths: &Paths, seen: &Seen, how: How) -> Result<()> {
    let Some(live) = &seen.live else { return Ok(()) };
    let what = || format!("cannot stop container {}", seen.record.name);
    kill::stays_down(paths, seen, how.by);
    let Ok(init) = kill::first_process(live) else { return Ok(()) };
    let number = how.signal.map_or_else(|| signal::parse(&seen.record.stop_signal), Ok)?;
    trace::begin(Step::AskToEnd);
    let seconds = how.seconds.or(seen.record.wishes.stop_timeout.map(i64::from)).unwrap_or(PATIENCE);
    kill::kill(paths, seen, number, how.by).or_else(|error| match error.errno() {
        Some(Errno::ESRCH) => Ok(()),
        _ => Err(error),
    })?;
    let patience = if seconds < 0 { None } else { Some(i32::try_from(seconds.saturating_mul(1000)).unwrap_or(i32::MAX)) };
    trace::begin(Step::AwaitEnd);
    let mut watched = [poll::Watched::new(init.as_fd(), true, false)];
    if !poll::poll(&mut watched, patience).with_context(what)? {
        kill::kill(paths, seen, kill::KILL, Asker::Patience)?;
    }
    Ok(())
}
