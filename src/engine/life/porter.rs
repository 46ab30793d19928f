//! The porter is taken on: a process of ours beside the monitor of a container whose ports are published, or which has neighbours to
//! find by name. What it does is told in `network/porter/`.
//!
//! * The monitor's child, one for each run: it ends with its monitor (the kernel sees to it), at the end of the run (the monitor
//!   does), and when the container's first process has ended (it sees so itself, should nobody else).
//! * It holds what it was handed and nothing else, least of all the monitor's lock. When it is killed the monitor takes another one.
//! * A fork and not a program of its own: it enters no container, and what it never touches costs it nothing.

use crate::monitor::companion::Companion;
use crate::network::porter::{self, Duties};
use crate::runtime::cgroup::Group;
use crate::sys::process::{self, Forked};
use crate::sys::{file, signal};
use crate::trace::{self, Who};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// Before another one begins in the place of one that was killed: whatever killed it may go on doing so. Its sockets are open already,
/// so whoever comes meanwhile waits.
const PAUSE: Duration = Duration::from_secs(1);

/// `init`: the container's first process. `again` opens everything once more for a successor. `None`: there can be none now.
pub fn hire(duties: Duties, init: BorrowedFd, mut again: impl FnMut() -> Option<Duties> + Send + 'static) -> Option<Companion> {
    let pidfd = send_to_work(duties, init, Duration::ZERO)?;
    let init = file::duplicate(init).ok()?;
    let successor = move || send_to_work(again()?, init.as_fd(), PAUSE);
    Some(Companion { pidfd, successor: Box::new(successor) })
}

/// For a container that runs already: nobody's child, so nobody takes another one on when it is killed (`system check` does).
pub fn take_on_alone(duties: Duties, init: BorrowedFd) -> Option<()> {
    let until = file::duplicate(init).ok()?;
    let nothing = file::open_dev_null().ok()?;
    let leaf = Group::of_monitors();
    match process::clone3(0, leaf.as_ref().map(Group::descriptor)).ok()? {
        Forked::Parent { .. } => Some(()),
        Forked::Child => {
            trace::act_as(Who::Porter);
            let mut own = duties.descriptors();
            own.push(until.as_raw_fd());
            if process::leave_caller(nothing, &own).is_ok() && signal::unblock_all().is_ok() {
                process::name("tare-porter");
                let _ = porter::serve(duties, until);
            }
            process::exit_now(1)
        }
    }
}

fn send_to_work(duties: Duties, init: BorrowedFd, pause: Duration) -> Option<OwnedFd> {
    let until = file::duplicate(init).ok()?;
    let monitor = process::own_pid();
    match process::clone3(0, None).ok()? {
        // Ours are closed: a port is free as soon as its porter has gone, or shut the door.
        Forked::Parent { pidfd, .. } => Some(pidfd),
        Forked::Child => {
            trace::act_as(Who::Porter);
            // First of all: from here on it cannot outlive its monitor. One that died before is nobody's parent any more.
            let bound = process::die_with_parent().is_ok() && process::parent_pid() == monitor;
            let mut own = duties.descriptors();
            own.push(until.as_raw_fd());
            if bound && process::close_all_above_2_but(&own).is_ok() && signal::unblock_all().is_ok() {
                process::name("tare-porter");
                process::sleep(pause);
                let _ = porter::serve(duties, until);
            }
            process::exit_now(1)
        }
    }
}
