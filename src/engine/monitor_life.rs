//! The monitor's whole life: it leaves the caller, begins the container, watches it, and writes down how it ended.

use crate::engine::begin::begin;
use crate::engine::create::Made;
use crate::engine::ending::{finish, record_end, record_failure};
use crate::engine::{log_keeping, repair};
use crate::error::{Context, Result};
use crate::monitor;
use crate::monitor::protocol::{ToClient, Wants};
use crate::monitor::watch::{self, Watch};
use crate::paths::Paths;
use crate::sys::{file, process};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

pub fn be_monitor(paths: &Paths, made: Made, client: OwnedFd, wants: Wants, callers: Option<[OwnedFd; 2]>) -> Result<()> {
    leave_the_caller(&made, &client, callers.as_ref())?;
    let mut container = match begin(paths, &made, callers) {
        Ok(container) => container,
        Err(error) => {
            // Recorded before it is told: whoever hears of it may look at once.
            let recorded = record_failure(paths, &made, &error);
            monitor::tell_failure(client.as_fd(), &error);
            return recorded;
        }
    };
    monitor::tell(client.as_fd(), &ToClient::Started { pid: container.pid });
    let group = container.group.take();
    let watch = Watch {
        init: container.pidfd,
        status: container.status,
        streams: container.streams,
        listener: Some(container.listener),
        first: Some(client),
        first_wants: wants,
        log: log_keeping::keeping(&made),
        open_stdin: made.record.wishes.interactive,
    };
    let (pid, started) = (container.pid, container.started);
    watch::watch(watch, &mut |ending| record_end(paths, &made, started, ending, group.as_ref()));
    finish(paths, made, pid, group);
    repair::sweep_now_and_then(paths);
    Ok(())
}

/// A session of its own, no stream of the caller's, no directory that cannot be unmounted, no descriptor but ours.
fn leave_the_caller(made: &Made, client: &OwnedFd, callers: Option<&[OwnedFd; 2]>) -> Result<()> {
    const WHAT: &str = "cannot leave the caller";
    let mut kept = vec![client.as_raw_fd(), made.alive.descriptor()];
    kept.extend(callers.into_iter().flatten().map(AsRawFd::as_raw_fd));
    let nothing = file::open_dev_null().context(WHAT)?;
    process::leave_caller(nothing, &kept).context(WHAT)
}
