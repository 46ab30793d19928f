//! One health check: a command is executed in the container, has some time, and what it says is kept.

use crate::engine::exec::{self, Request};
use crate::engine::now;
use crate::error::{Context, Error, Kind, Result};
use crate::options::health::Check;
use crate::paths::Paths;
use crate::record::Seen;
use crate::record::health::Find;
use crate::runtime::cgroup::Group;
use crate::runtime::{Created, Streams};
use crate::sys::{file, poll, process, signal};
use crate::time;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// So much of what it says is kept.
const MOST_OUTPUT: usize = 4096;

/// `None`: the container has ended or been paused meanwhile, which says nothing about it. `leftovers`: groups of checks that left a
/// process in the container.
pub fn carry_out(paths: &Paths, seen: &Seen, check: &Check, leftovers: &mut Vec<Group>) -> Option<Find> {
    let started = now();
    // A group below the container's: whatever the check forks, it can be ended as a whole, and nothing else with it.
    let live = seen.live.as_ref()?;
    let whole = Group::open(Path::new(&live.cgroup)).filter(|_| !live.cgroup.is_empty());
    let own = whole.as_ref().and_then(|whole| whole.below(&format!("health-{started}")).ok());
    let outcome = begin(paths, seen, check, own.as_ref()).and_then(|(created, output)| {
        let outcome = attend(&created, &output, Duration::from_nanos(check.timeout()));
        if outcome.is_none() {
            let killed = own.as_ref().is_some_and(|group| group.kill().is_ok());
            let _ = if killed { Ok(()) } else { signal::send(created.pidfd.as_fd(), signal::KILL) };
        }
        // Frozen, it had no time at all.
        let is_void = outcome.is_none() && whole.as_ref().is_some_and(Group::is_frozen);
        let status = process::wait(created.pid).context("cannot wait for the check")?;
        Ok((outcome, status, is_void))
    });
    leftovers.extend(own.filter(is_still_used));
    let (exit_code, output) = match outcome {
        Ok((_, _, true)) => return None,
        Ok((Some(output), status, _)) => (status.code(), output),
        Ok((None, ..)) => (-1, format!("Health check exceeded timeout ({})", time::short_duration(check.timeout()))),
        Err(error) => (code_of(&error), error.to_string()),
    };
    Some(Find { started, ended: now(), exit_code, output })
}

/// A process is in it; one that nobody needs is removed. What a check leaves running on purpose lives as long as its container.
pub fn is_still_used(group: &Group) -> bool {
    group.remove().is_err()
}

fn code_of(error: &Error) -> i32 {
    match error.kind() {
        Kind::CommandNotFound => 127,
        Kind::CannotExecute => 126,
        _ => -1,
    }
}

fn begin(paths: &Paths, seen: &Seen, check: &Check, group: Option<&Group>) -> Result<(Created, OwnedFd)> {
    let (ours, theirs) = file::pipe().context("cannot make a pipe")?;
    let request = Request {
        command: check.command().unwrap_or_default(),
        env: Vec::new(),
        user: None,
        workdir: None,
        terminal: false,
        privileged: false,
    };
    let streams = Streams::Separate { input: None, output: theirs.as_fd(), error: theirs.as_fd() };
    let created = exec::exec_in(paths, seen, &request, streams, group)?;
    match created.start() {
        Ok(_) => Ok((created, ours)),
        Err(error) => {
            let _ = process::wait(created.pid);
            Err(error)
        }
    }
}

/// What it said, when it has ended; `None`: its time was over.
fn attend(created: &Created, output: &OwnedFd, patience: Duration) -> Option<String> {
    let until = Instant::now() + patience;
    let (mut said, mut is_open) = (Vec::new(), true);
    loop {
        let left = i32::try_from(until.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(i32::MAX);
        let streams = if is_open { poll::Watched::new(output.as_fd(), true, false) } else { poll::Watched::never() };
        let mut watched = [streams, poll::Watched::new(created.pidfd.as_fd(), true, false)];
        if !poll::poll(&mut watched, Some(left.saturating_add(1))).unwrap_or(true) {
            return None;
        }
        if watched[0].is_ready() {
            is_open = take(output, &mut said);
        }
        if watched[1].is_ready() {
            // What it left running may hold the pipe open, and write for ever.
            while is_open && said.len() <= MOST_OUTPUT && poll::has_input(output.as_fd()) {
                is_open = take(output, &mut said);
            }
            return Some(text(said));
        }
    }
}

/// What does not fit is read all the same: nobody who talks too much shall stand still. False: nobody talks any more.
fn take(output: &OwnedFd, said: &mut Vec<u8>) -> bool {
    let mut piece = [0; 1024];
    let Ok(count @ 1..) = file::read(output.as_fd(), &mut piece) else { return false };
    // One byte too many tells that there was more.
    let room = (MOST_OUTPUT + 1).saturating_sub(said.len());
    said.extend_from_slice(&piece[..count.min(room)]);
    true
}

fn text(mut said: Vec<u8>) -> String {
    let is_cut = said.len() > MOST_OUTPUT;
    said.truncate(MOST_OUTPUT);
    let text = String::from_utf8_lossy(&said).into_owned();
    if is_cut { text + "..." } else { text }
}
