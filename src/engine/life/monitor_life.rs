//! The monitor's whole life: it leaves the caller, begins the container, watches it, writes down how it ended, and may begin it again.

use crate::engine::again::{Callers, Pauses, begin_again};
use crate::engine::begin::{Begun, begin};
use crate::engine::create::Made;
use crate::engine::ending::{Run, finish, record_end, record_failure};
use crate::engine::events::of_runs;
use crate::engine::{log_keeping, nurse, repair};
use crate::error::{Context, Result};
use crate::monitor;
use crate::monitor::companion::Companion;
use crate::monitor::protocol::{ToClient, Wants};
use crate::monitor::watch::{self, Watch};
use crate::paths::Paths;
use crate::record::Ended;
use crate::sys::{file, process, socket};
use crate::trace::{self, Step};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

pub fn be_monitor(paths: &Paths, mut made: Made, client: OwnedFd, wants: Wants, callers: Option<[OwnedFd; 2]>) -> Result<()> {
    leave_the_caller(&made, &client, callers.as_ref())?;
    let mut callers = Callers(callers);
    let door = socket::listen(&made.files.attach_socket()).context("cannot open the attach socket");
    let first = door.and_then(|door| Ok((door, begin(paths, &made, callers.for_a_run(&made)?, 0)?)));
    let (door, mut begun) = match first {
        Ok(first) => first,
        Err(error) => {
            // Recorded before it is told: whoever hears of it may look at once.
            let recorded = record_failure(paths, &made, &error);
            monitor::tell_failure(client.as_fd(), &error);
            return recorded;
        }
    };
    of_runs::started(paths, &made.record);
    monitor::tell(client.as_fd(), &ToClient::Started { pid: begun.pid });
    // Whoever started it stays for the first run: what he is told is its end.
    let mut clients = Clients { first: Some(client), wants, early: Vec::new() };
    let mut pauses = Pauses::default();
    while let Some(last) = one_run(paths, &made, begun, door.as_fd(), clients) {
        let pause = pauses.after(&last);
        let Some((next, early)) = begin_again(paths, &mut made, door.as_fd(), &mut callers, last, pause) else { break };
        of_runs::started(paths, &made.record);
        begun = next;
        clients = Clients { first: None, wants: Wants::default(), early };
    }
    drop(door);
    finish(paths, made);
    repair::sweep_now_and_then(paths);
    Ok(())
}

/// Who is there at the beginning of a run.
struct Clients {
    first: Option<OwnedFd>,
    wants: Wants,
    early: Vec<OwnedFd>,
}

/// From the begin to the end, and nothing is left of it. How it ended, if it shall be begun again.
fn one_run(paths: &Paths, made: &Made, begun: Begun, door: BorrowedFd, clients: Clients) -> Option<Ended> {
    let run = Run { pid: begun.pid, started: begun.started, restarts: begun.restarts, group: begun.group };
    let watch = Watch {
        init: begun.pidfd,
        status: begun.status,
        streams: begun.streams,
        // Closed at the end of the watch; ours stays, for those who come between two runs.
        listener: file::duplicate(door).ok(),
        first: clients.first,
        first_wants: clients.wants,
        ends_with_first: made.place.is_some(),
        early: clients.early,
        log: log_keeping::keeping(made),
        open_stdin: made.record.wishes.interactive,
        companions: nurse(paths, made).into_iter().chain(begun.plugged.companions).collect(),
    };
    // Until nothing of it is left.
    let _board = begun.plugged.board;
    let mut again = None;
    trace::begin(Step::Watch);
    watch::watch(watch, &mut |ending| again = record_end(paths, made, &run, ending));
    run.clear_up(paths, made);
    again
}

fn nurse(paths: &Paths, made: &Made) -> Option<Companion> {
    let pidfd = nurse::hire(paths, &made.record, true)?;
    let (paths, record) = (paths.clone(), made.record.clone());
    Some(Companion { pidfd, successor: Box::new(move || nurse::hire(&paths, &record, false)) })
}

/// A session of its own, no stream of the caller's, no directory that cannot be unmounted, no descriptor but ours.
fn leave_the_caller(made: &Made, client: &OwnedFd, callers: Option<&[OwnedFd; 2]>) -> Result<()> {
    const WHAT: &str = "cannot leave the caller";
    let mut kept = vec![client.as_raw_fd(), made.alive.descriptor()];
    kept.extend(callers.into_iter().flatten().map(AsRawFd::as_raw_fd));
    kept.extend(made.place.iter().flat_map(|place| &place.trees).map(|(_, tree)| tree.as_raw_fd()));
    let nothing = file::open_dev_null().context(WHAT)?;
    process::leave_caller(nothing, &kept).context(WHAT)
}
