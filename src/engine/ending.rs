//! How a run of a container ended, or why it never began, is written down; and what is left of it is taken away.

use crate::engine::create::Made;
use crate::engine::{amend, create, hold, pid_file, remove, repair, volumes};
use crate::error::{Error, Kind, Result};
use crate::monitor::watch::Ending;
use crate::options::Pid;
use crate::paths::Paths;
use crate::record::{Asked, Container, Ended};
use crate::runtime::cgroup::Group;
use crate::store::{self, Durable};
use crate::sys::file;

/// A container that could not start: removed if it was to be, else kept with the reason.
pub fn record_failure(paths: &Paths, made: &Made, error: &Error) -> Result<()> {
    if made.record.wishes.remove {
        remove::erase(paths, &made.record, &made.files);
        return Ok(());
    }
    let exit_code = match error.kind() {
        Kind::CommandNotFound => 127,
        Kind::CannotExecute => 126,
        _ => 125,
    };
    let mut record = made.record.clone();
    record.ended = Some(Ended { exit_code, error: error.to_string(), ..Ended::default() });
    store::write_json(&made.files.record(), &record, Durable::No)?;
    hold::forget_live(&made.files);
    Ok(())
}

/// The command has ended. What others look at changes now; what only takes time comes later, in `finish`.
pub fn record_end(paths: &Paths, made: &Made, started: u64, ending: &Ending, group: Option<&Group>) {
    let (record, _apart) = amend::at_the_end(&made.files, &made.record);
    if record.wishes.remove {
        remove::unlist(paths, &record, &made.files);
        volumes::forget_nameless(paths, &record);
        return;
    }
    let ended = Ended {
        exit_code: ending.exit_code,
        started,
        finished: ending.finished,
        out_of_memory: group.is_some_and(|group| group.out_of_memory_kills() > 0),
        error: String::new(),
        signal: ending.signal,
        from_outside: ending.of_first_process && matches!(made.record.wishes.pid, Pid::Own),
        asked: store::read_json::<Asked>(&made.files.asked()).ok().flatten(),
    };
    let record = Container { ended: Some(ended), ..record };
    if store::write_json(&made.files.record(), &record, Durable::No).is_err() {
        let _ = store::overwrite_json(&made.files.record(), &record);
    }
    let _ = file::remove_file(&made.files.state());
}

/// Pid 1 is gone, and with it every process and mount. What is left is ours to take away.
pub fn finish(paths: &Paths, made: Made, pid: i32, group: Option<Group>) {
    pid_file::forget(&made.record, pid);
    if let Some(group) = group {
        let _ = group.kill();
        repair::remove_group(&group);
    }
    if made.record.wishes.remove {
        remove::erase(paths, &made.record, &made.files);
        return;
    }
    hold::forget_live(&made.files);
    let files = made.files.clone();
    drop(made);
    // At rest it survives a power cut. Nobody waits for the disk: the lock is free already.
    let _ = create::sync(paths, &files);
}
