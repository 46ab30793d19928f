//! How a run of a container ended, or why it never began, is written down; and what is left of it is taken away.

use crate::engine::create::Made;
use crate::engine::down::{self, Down};
use crate::engine::events::{self, of_runs};
use crate::engine::{amend, create, hold, join, kill, pid_file, remove, repair, users, volumes};
use crate::error::{Error, Kind, Result};
use crate::monitor::watch::Ending;
use crate::options::{Network, Pid};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Asked, Container, Ended, Live};
use crate::runtime::cgroup::Group;
use crate::store::{self, Durable};
use crate::sys::{file, process};
use crate::trace::{self, Step, timeline};

/// INT, QUIT, TERM: what a person at a terminal, or whoever looks after that terminal, ends a program with.
const CTRL_C: [i32; 3] = [2, 3, 15];

/// A container that could not start: removed if it was to be, else kept with the reason.
pub fn record_failure(paths: &Paths, made: &Made, error: &Error) -> Result<()> {
    if made.record.wishes.remove {
        remove::erase(paths, &made.record, &made.files);
        events::of_container(paths, &made.record, "destroy", &[]);
        return Ok(());
    }
    let mut record = made.record.clone();
    record.ended = Some(of_failure(error, Ended::default()));
    store::write_json(&made.files.record(), &record, Durable::No)?;
    hold::forget_live(&made.files);
    Ok(())
}

/// `last`: how the run before ended, if there was one.
pub fn of_failure(error: &Error, last: Ended) -> Ended {
    let exit_code = match error.kind() {
        Kind::CommandNotFound => 127,
        Kind::CannotExecute => 126,
        _ => 125,
    };
    Ended {
        exit_code,
        error: error.to_string(),
        started: last.started,
        finished: last.finished,
        restarts: last.restarts,
        timeline: timeline::packed(),
        ..Ended::default()
    }
}

/// What one run of a container is known by at its end.
pub struct Run {
    pub pid: i32,
    pub started: u64,
    pub restarts: u32,
    pub group: Option<Group>,
}

impl Run {
    /// Pid 1 is gone, and with it every process and mount. What is left is ours to take away.
    pub fn clear_up(self, paths: &Paths, made: &Made) {
        trace::begin(Step::ClearUp);
        pid_file::forget(&made.record, self.pid);
        if let Some(group) = self.group {
            let _ = group.kill();
            repair::remove_group(&group);
        }
        if matches!(made.record.wishes.network, Network::Networks(_)) {
            join::leave(paths, &made.record.id, &made.files);
        }
        users::give_back(paths, &made.record);
    }
}

/// The command has ended. What others look at changes now; what only takes time comes later. `Some`: it will be begun again, and
/// that is written down.
pub fn record_end(paths: &Paths, made: &Made, run: &Run, ending: &Ending) -> Option<Ended> {
    trace::begin(Step::RememberEnd);
    let (record, _apart) = amend::at_the_end(&made.files, &made.record);
    let down = down::said(&made.files);
    // Who sits before it and presses ctrl-c wants it to stop.
    let is_meant_so = |signal| CTRL_C.contains(&signal) || kill::is_meant_to_end(&record, signal);
    let ended_by_client = ending.passed_on.is_some_and(is_meant_so);
    let starved = run.group.as_ref().filter(|group| group.out_of_memory_kills() > 0);
    let ended = Ended {
        exit_code: ending.exit_code,
        started: run.started,
        finished: ending.finished,
        out_of_memory: starved.is_some(),
        // The group is about to go, and its numbers with it.
        memory_peak: starved.and_then(Group::memory_peak),
        error: String::new(),
        signal: ending.signal,
        from_outside: ending.of_first_process && matches!(record.wishes.pid, Pid::Own),
        asked: store::read_json::<Asked>(&made.files.asked()).ok().flatten(),
        stopped: down == Some(Down::ByHand) || ended_by_client,
        restarts: run.restarts,
        timeline: timeline::packed(),
        health: record.wishes.health.as_ref().and_then(|_| store::read_json(&made.files.health()).ok().flatten()),
    };
    if matches!(record.wishes.network, Network::Networks(_))
        && let Some(joined) = join::written(&made.files)
    {
        join::forget_names(paths, &record.id, &joined);
    }
    of_runs::ended(paths, &record, &ended);
    if record.wishes.remove {
        remove::unlist(paths, &record, &made.files);
        events::of_container(paths, &record, "destroy", &[]);
        volumes::forget_nameless(paths, &record);
        return None;
    }
    let policy = record.wishes.restart;
    if down.is_none() && !ended_by_client && policy.begins_again(ended.exit_code, run.restarts) {
        let live = Live {
            monitor: process::own_pid(),
            started: run.started,
            restarts: run.restarts + 1,
            waiting: Some(ended.clone()),
            ..Live::default()
        };
        if store::write_json(&made.files.state(), &live, Durable::No).is_ok() {
            return Some(ended);
        }
    }
    write(&made.files, Container { ended: Some(ended), ..record });
    None
}

/// It was to be begun again, and was not.
pub fn write_down(made: &Made, ended: Ended) {
    let (record, _apart) = amend::at_the_end(&made.files, &made.record);
    write(&made.files, Container { ended: Some(ended), ..record });
}

fn write(files: &ContainerPaths, record: Container) {
    if store::write_json(&files.record(), &record, Durable::No).is_err() {
        let _ = store::overwrite_json(&files.record(), &record);
    }
    let _ = file::remove_file(&files.state());
}

/// It is at rest: what only its monitor needed goes, or all of it.
pub fn finish(paths: &Paths, made: Made) {
    if made.record.wishes.remove {
        trace::begin(Step::RemoveFiles);
        remove::erase(paths, &made.record, &made.files);
        return;
    }
    hold::forget_live(&made.files);
    let files = made.files.clone();
    drop(made);
    // At rest it survives a power cut. Nobody waits for the disk: the lock is free already.
    let _ = create::sync(paths, &files);
}
