//! The command's side of a start: the **monitor** is born, which is the container's parent, and the only one who stays.

use crate::engine::create::Made;
use crate::engine::ending::record_failure;
use crate::engine::{hold, monitor_life, repair};
use crate::error::{Context, Error, Result};
use crate::monitor;
use crate::monitor::protocol::Wants;
use crate::options::LogDriver;
use crate::paths::{ContainerPaths, Paths};
use crate::record::Ended;
use crate::runtime::cgroup::Group;
use crate::sys::process::{self, Forked};
use crate::sys::{file, socket, terminal};
use crate::trace::{self, Step, Who};
use std::os::fd::{AsFd, OwnedFd};

/// Starts a container, and returns the socket on which its monitor speaks to us. `wants`: what the command will show.
pub fn launch(paths: &Paths, made: Made, wants: Wants) -> Result<OwnedFd> {
    trace::begin(Step::MakeMonitor);
    let (ours, theirs) = socket::pair().context("cannot make a socket")?;
    let callers = match callers_streams(&made) {
        Ok(callers) => callers,
        Err(error) => return record_failure(paths, &made, &error).and(Err(error)),
    };
    // Outside the caller's group: stopping the service that called us must not stop the container.
    let leaf = Group::of_monitors();
    match process::clone3(0, leaf.as_ref().map(Group::descriptor)).context("cannot start the monitor")? {
        Forked::Child => {
            drop((ours, leaf));
            trace::act_as(Who::Monitor);
            let code = i32::from(monitor_life::be_monitor(paths, made, theirs, wants, callers).is_err());
            process::exit_now(code)
        }
        Forked::Parent { .. } => {
            // The lock is the monitor's now as much as ours; it ends with the last of us.
            trace::begin(Step::AwaitStart);
            drop((theirs, callers));
            let (id, files) = (made.record.id.clone(), made.files.clone());
            drop(made);
            if let Err(error) = monitor::hear_started(ours.as_fd()) {
                clear_up(paths, &id, &files);
                return Err(error);
            }
            Ok(ours)
        }
    }
}

/// A start has failed. Where its monitor told so it has cleared up itself; one that was killed has not.
fn clear_up(paths: &Paths, id: &str, files: &ContainerPaths) {
    if !files.live.exists() {
        return;
    }
    if let Ok(held) = hold::take(files) {
        repair::put_right(paths, id, &held, Ended::MONITOR_LOST);
    }
}

/// Our own stdout and stderr, for a container that writes to them itself.
///
/// Never a terminal: whoever holds one may type on it, and what he types is executed by the caller's shell.
fn callers_streams(made: &Made) -> Result<Option<[OwnedFd; 2]>> {
    if made.record.wishes.log.driver != LogDriver::Passthrough {
        return Ok(None);
    }
    let [_, output, error] = file::standard_streams();
    if terminal::is_terminal(output) || terminal::is_terminal(error) {
        return Err(Error::cannot_keep("cannot give the container our own streams (--log-driver passthrough)")
            .because("stdout or stderr is a terminal, on which it could type")
            .hint("send both to a file or a pipe, or take -t and no driver"));
    }
    let duplicate = |fd| file::duplicate(fd).context("cannot hand our streams on");
    Ok(Some([duplicate(output)?, duplicate(error)?]))
}
