//! `kill`: a signal for the container's command, or the end of everything in it.

use crate::engine::down::{self, Down};
use crate::engine::{events, inhabitants, pause};
use crate::error::{Context, Error, Result};
use crate::paths::Paths;
use crate::record::{Asked, Asker, Container, Live, Seen, Status};
use crate::runtime::cgroup::Group;
use crate::store::{self, Durable};
use crate::sys::{Errno, process, signal};
use crate::trace::{self, Step};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

pub const KILL: i32 = 9;
const CONTINUE: i32 = 18;
/// STOP, TSTP, TTIN, TTOU: signals that would stop the reaper where they are meant for the command.
const STOPPING: [i32; 4] = [19, 20, 21, 22];

/// `by` is written down first: at the end it tells a signal of ours from somebody else's.
pub fn kill(paths: &Paths, seen: &Seen, number: i32, by: Asker) -> Result<()> {
    if by == Asker::Kill && seen.is_running() && is_meant_to_end(&seen.record, number) {
        stays_down(paths, seen, by);
        // There is nobody to hear a signal, and nobody will come.
        if seen.status == Status::Restarting {
            return Ok(());
        }
    }
    let live = seen.running().map_err(|error| error.context(format!("cannot kill container {}", seen.record.name)))?;
    note(paths, seen, number, by);
    tell(paths, seen, number);
    if number == KILL {
        return kill_all(seen);
    }
    let what = || format!("cannot signal container {}", seen.record.name);
    if by != Asker::Stop {
        trace::begin(Step::SendSignal);
    }
    let init = first_process(live).with_context(what)?;
    if seen.record.reaper && (STOPPING.contains(&number) || number == CONTINUE) {
        let command = process::first_child(live.pid).ok_or_else(|| Error::failed(what()).because("its command has ended"))?;
        return signal::kill(command, number).with_context(what);
    }
    signal::send(init.as_fd(), number).with_context(what)?;
    // Asked to end, it must be able to; any other signal can wait until it is unpaused.
    if seen.status == Status::Paused && is_meant_to_end(&seen.record, number) {
        pause::thaw(live).with_context(what)?;
    }
    Ok(())
}

/// Its monitor shall not begin it again.
pub fn stays_down(paths: &Paths, seen: &Seen, by: Asker) {
    down::say(&seen.files(paths), if by == Asker::Shutdown { Down::WithTheMachine } else { Down::ByHand });
}

/// A signal after which nobody expects the container to come back by itself.
pub fn is_meant_to_end(record: &Container, number: i32) -> bool {
    number == KILL || signal::parse(&record.stop_signal).is_ok_and(|stop| stop == number)
}

/// A container that has ended meanwhile has no run directory any more, and no disk is too full to kill.
fn note(paths: &Paths, seen: &Seen, signal: i32, by: Asker) {
    let _ = store::write_json(&seen.files(paths).asked(), &Asked { signal, by }, Durable::No);
}

/// Before it is done, because the monitor tells of the end at once.
pub fn tell(paths: &Paths, seen: &Seen, signal: i32) {
    events::of_container(paths, &seen.record, "kill", &[("signal", signal.to_string())]);
}

/// Everything in it, whatever it forks meanwhile; without a group, pid 1, which takes its namespace with it.
pub fn kill_all(seen: &Seen) -> Result<()> {
    trace::begin(Step::KillGroup);
    let Some(live) = seen.live.as_ref().filter(|live| live.waiting.is_none()) else { return Ok(()) };
    let group = if live.cgroup.is_empty() { None } else { Group::open(Path::new(&live.cgroup)) };
    if group.is_some_and(|group| group.kill().is_ok()) {
        return Ok(());
    }
    match first_process(live).and_then(|init| signal::send(init.as_fd(), KILL)) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno).with_context(|| format!("cannot kill container {}", seen.record.name)),
    }
}

/// The same where its records cannot be read: without a group, everybody who lives in its files. Its monitor sees the end, and lets go
/// of it.
pub fn kill_unknown(paths: &Paths, id: &str) {
    match Group::existing(id) {
        Ok(Some(group)) => drop(group.kill()),
        _ => drop(inhabitants::end(paths, id, |_| true)),
    }
}

/// Pid 1 of the container, and nobody who got its number since.
pub fn first_process(live: &Live) -> Result<OwnedFd, Errno> {
    let pidfd = process::pidfd_of(live.pid)?;
    match process::start_time(live.pid) {
        Some(started) if started == live.pid_started => Ok(pidfd),
        _ => Err(Errno::ESRCH),
    }
}
