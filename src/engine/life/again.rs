//! A container whose policy says so is begun again by its monitor: after a pause, with everything as at a fresh start.
//!
//! Through all runs the monitor is the same, and so are its lock, its socket and the log. Namespaces, control group and mounts are
//! those of one run. Between two runs `state.json` says how the last one ended; the record on disk is written at the last end only,
//! so a container that crashes all the time writes nothing to the disk, and after a power cut it is one that ran.

use crate::engine::begin::{Begun, begin};
use crate::engine::create::Made;
use crate::engine::{amend, down, ending, start};
use crate::error::{Error, Result};
use crate::monitor;
use crate::monitor::protocol::ToClient;
use crate::options::LogDriver;
use crate::options::restart::Restart;
use crate::paths::{ContainerPaths, Paths};
use crate::record::Ended;
use crate::sys::{file, poll, socket};
use crate::trace::timeline;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// As long as Docker waits: twice as long each time, unless the last run was a good one.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60);
const GOOD_RUN: Duration = Duration::from_secs(10);

/// The pauses between the runs of one container.
#[derive(Default)]
pub struct Pauses(Duration);

impl Pauses {
    pub fn after(&mut self, last: &Ended) -> Duration {
        let ran = Duration::from_nanos(last.finished.saturating_sub(last.started));
        self.0 = if ran >= GOOD_RUN { SHORTEST } else { (self.0 * 2).clamp(SHORTEST, LONGEST) };
        self.0
    }
}

/// The streams of whoever started the container, where it writes to them itself. They are held only for a container that may need
/// them again: what it closes shall be closed.
pub struct Callers(pub Option<[OwnedFd; 2]>);

impl Callers {
    pub fn for_a_run(&mut self, made: &Made) -> Result<Option<[OwnedFd; 2]>> {
        const WHAT: &str = "cannot hand the caller's streams on";
        let wishes = &made.record.wishes;
        match &self.0 {
            None if wishes.log.driver == LogDriver::Passthrough => Err(Error::failed(WHAT).because("they are gone")),
            None => Ok(None),
            Some(_) if wishes.restart == Restart::No => Ok(self.0.take()),
            Some([output, error]) => {
                let both = file::duplicate(output.as_fd()).and_then(|output| Ok([output, file::duplicate(error.as_fd())?]));
                both.map(Some).map_err(|errno| Error::from_errno(WHAT, errno))
            }
        }
    }
}

/// The next run, and the clients that came while nothing ran. `None`: it stays down, and that is written down and told to them.
pub fn begin_again(
    paths: &Paths,
    made: &mut Made,
    door: BorrowedFd,
    callers: &mut Callers,
    last: Ended,
    pause: Duration,
) -> Option<(Begun, Vec<OwnedFd>)> {
    let early = wait(door, &made.files, pause);
    let down = down::said(&made.files);
    // It may have been changed meanwhile.
    let policy = amend::at_the_end(&made.files, &made.record).0.wishes.restart;
    let ended = if down.is_some() || !policy.begins_again(last.exit_code, last.restarts) {
        Ended { stopped: down == Some(down::Down::ByHand), ..last }
    } else {
        timeline::begin_again();
        match refresh(paths, made).and_then(|()| begin(paths, made, callers.for_a_run(made)?, last.restarts + 1)) {
            Ok(begun) => return Some((begun, early)),
            Err(error) => ending::of_failure(&error, last),
        }
    };
    let code = ended.exit_code;
    ending::write_down(made, ended);
    early.iter().for_each(|client| monitor::tell(client.as_fd(), &ToClient::Exited(code)));
    None
}

/// Until the pause is over, or somebody says that it shall stay down. Who only knocked is gone again.
fn wait(door: BorrowedFd, files: &ContainerPaths, pause: Duration) -> Vec<OwnedFd> {
    let until = Instant::now() + pause;
    let mut early: Vec<OwnedFd> = Vec::new();
    loop {
        early.extend(std::iter::from_fn(|| socket::accept(door)));
        early.retain(|client| !poll::has_ended(client.as_fd()));
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || down::said(files).is_some() {
            return early;
        }
        let milliseconds = i32::try_from(left.as_millis()).unwrap_or(i32::MAX).saturating_add(1);
        let _ = poll::poll(&mut [poll::Watched::new(door, true, false)], Some(milliseconds));
    }
}

/// The records as they are now: a name, a limit or the policy may have been changed since the last start.
fn refresh(paths: &Paths, made: &mut Made) -> Result<()> {
    made.record = amend::at_the_end(&made.files, &made.record).0;
    made.spec = start::furnish(paths, &made.record, &made.files)?;
    // The signal that was sent last was meant for the run before.
    let _ = file::remove_file(&made.files.asked());
    let _ = file::remove_file(&made.files.health());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_a_run_was_good() {
        let mut pauses = Pauses::default();
        let ran = |seconds: u64| Ended { started: 1, finished: 1 + seconds * 1_000_000_000, ..Ended::default() };
        let milliseconds: Vec<u128> = (0..12).map(|_| pauses.after(&ran(9)).as_millis()).collect();
        assert_eq!(milliseconds, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
        assert_eq!((pauses.after(&ran(10)), pauses.after(&ran(0))), (SHORTEST, 2 * SHORTEST));
    }
}
