//! A start of the machine, and its end: who should be running runs again, and who runs is asked to end in time.
//!
//! There is no daemon that would start with the machine: one command is carried out then, and one when it goes down
//! (`tare generate systemd`). Both may be called at any time, and twice.

use crate::engine::{find, launch, list, repair, start, stop};
use crate::error::{Error, Result};
use crate::monitor::protocol::Wants;
use crate::options::Pid;
use crate::paths::Paths;
use crate::record::{Asker, Container, Seen};
use crate::sys::threads;

/// So many are waited for at once.
const AT_ONCE: usize = 64;

/// Who should be running and does not, the oldest first: what a container shares with another one, that one has had before.
pub fn who_comes_back(paths: &Paths) -> Result<Vec<Container>> {
    // Who ran when the machine went down has to be told so first.
    repair::sweep(paths);
    let resting = list::containers(paths)?.into_iter().filter(|seen| !seen.is_running());
    let mut records: Vec<Container> = resting.map(|seen| seen.record).filter(Container::comes_back).collect();
    records.sort_by_key(|record| record.created);
    Ok(records)
}

/// Their processes will see ours when they are born: the caller should run from a file that cannot be written.
pub fn joins_others(records: &[Container]) -> bool {
    records.iter().any(|record| matches!(record.wishes.pid, Pid::Container(_)))
}

/// False: somebody else was faster.
pub fn bring_back(paths: &Paths, record: &Container) -> Result<bool> {
    match start::take_up(paths, &record.id)? {
        Some(made) => launch::launch(paths, made, Wants::default()).map(|_| true),
        None => Ok(false),
    }
}

/// Everybody who runs is asked to end at the same time, each with his own patience. They come back with the machine: nobody has
/// stopped them.
pub fn stop_all(paths: &Paths, done: &mut dyn FnMut(&Seen, Result<()>)) -> Result<()> {
    repair::sweep(paths);
    let how = stop::How { seconds: None, signal: None, by: Asker::Shutdown };
    let running: Vec<Seen> = list::containers(paths)?.into_iter().filter(Seen::is_running).collect();
    for some in running.chunks(AT_ONCE) {
        threads::each(some, |seen| stop::stop(paths, seen, how), &mut |seen, stopped| {
            let ended = stopped.unwrap_or_else(|_| Err(Error::failed(format!("cannot stop container {}", seen.record.name))));
            // One that removes itself is gone, as it should be.
            done(seen, if matches!(find::by_id(paths, &seen.record.id), Ok(None)) { Ok(()) } else { ended });
        });
    }
    Ok(())
}
