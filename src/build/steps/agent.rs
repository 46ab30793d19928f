//! `type=ssh`: the user's agent, as a step asks it.
//!
//! An agent answers its owner and root, and nobody else (unix(7), SO_PEERCRED); a step may be anybody. So each step gets a socket of its
//! own, with the owner and the mode that it wants, and a process between the two that hands bytes on. It understands none of them, and
//! ends with the step.

use crate::build::stage::Working;
use crate::error::{Context, Error, Result};
use crate::sys::beneath::Directory;
use crate::sys::poll::{Watched, poll};
use crate::sys::process::{self, Forked};
use crate::sys::{mount, signal, socket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// More at once no step has.
const MOST: usize = 64;
const NAME: &str = "agent";

/// The process between. It is gone with this value.
pub struct Relay {
    pid: i32,
    pidfd: OwnedFd,
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = signal::send(self.pidfd.as_fd(), signal::KILL);
        let _ = process::wait(self.pid);
    }
}

/// Where the agent of this name listens; `None`: there is none, and nobody insists.
pub fn find(working: &Working, id: &str, required: bool) -> Result<Option<PathBuf>> {
    let found = working.plan.request.agents.iter().find(|(known, _)| known == id).map(|(_, socket)| socket.clone());
    let missing = || Error::no_such(format!("there is no ssh agent {id}")).hint(format!("give it: --ssh {id}=SOCKET, or --ssh default"));
    if found.is_none() && required { Err(missing()) } else { Ok(found) }
}

/// A socket for a step, in the empty directory `place`, as a tree to be mounted.
pub fn open(agent: &Path, place: &Path, owner: (u32, u32), mode: u32) -> Result<(OwnedFd, Relay)> {
    let what = || format!("cannot open the agent at {}", agent.display());
    // Before anything is done for nothing.
    socket::connect(agent).with_context(what)?;
    let listener = socket::listen(&place.join(NAME)).with_context(what)?;
    let made = Directory::open_root(place).and_then(|place| place.hold(NAME.as_bytes())).with_context(what)?;
    made.set_owner(owner.0, owner.1).and_then(|()| made.set_mode(mode)).with_context(what)?;
    let tree = mount::detached_copy(&place.join(NAME), false).with_context(what)?;
    match process::clone3(0, None).with_context(what)? {
        Forked::Child => {
            let ready = process::die_with_parent().and_then(|()| process::close_all_above_2_but(&[listener.as_raw_fd()]));
            process::exit_now(ready.map_or(1, |()| hand_on(&listener, agent)))
        }
        Forked::Parent { pid, pidfd } => Ok((tree, Relay { pid, pidfd })),
    }
}

/// Until it is killed.
fn hand_on(listener: &OwnedFd, agent: &Path) -> i32 {
    let mut open: Vec<[OwnedFd; 2]> = Vec::new();
    loop {
        let of_all = open.iter().flatten().map(|end| Watched::new(end.as_fd(), true, false));
        let mut watched: Vec<Watched> = of_all.chain([Watched::new(listener.as_fd(), open.len() < MOST, false)]).collect();
        if poll(&mut watched, None).is_err() {
            return 1;
        }
        let ready: Vec<bool> = watched.iter().map(Watched::is_ready).collect();
        let mut place = 0;
        open.retain(|[one, other]| {
            place += 2;
            let goes_on = |at: usize, from: &OwnedFd, to: &OwnedFd| !ready[at] || pass(from.as_fd(), to.as_fd());
            goes_on(place - 2, one, other) && goes_on(place - 1, other, one)
        });
        if ready[ready.len() - 1]
            && let Some(client) = socket::accept(listener.as_fd())
            && let Ok(server) = socket::connect(agent)
        {
            open.push([client, server]);
        }
    }
}

/// False: one of them has had enough.
fn pass(from: BorrowedFd, to: BorrowedFd) -> bool {
    let mut buffer = [0; 16 << 10];
    match socket::receive(from, &mut buffer) {
        Ok(count) if count > 0 => socket::send_all(to, &buffer[..count]).is_ok(),
        _ => false,
    }
}
