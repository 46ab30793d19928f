//! The cloner: a process that lives only to make the container's first one, where its parent cannot do so itself.
//!
//! ```text
//!   monitor ── clone3 ──► cloner: joins the pid namespace, makes the time namespace and sets its clocks
//!      │                     │ clone3(CLONE_PARENT)
//!      │ ◄──── Born(pid) ────┤
//!      │  waits for it       └──► the container's first process, a child of the monitor
//! ```
//!
//! Two kinds of namespaces are entered only by being born into them: a pid namespace that exists, and a time namespace that is
//! new. Whoever says so is bound to it for all its later children, and a monitor should stay what it is. CLONE_PARENT makes the
//! process the monitor's child all the same: it is waited for, and dies with the monitor, like any other.
//!
//! A user namespace needs one as well, joined, or new where there is more to be done than to be born in it. Who is in it has no power over anything that does not belong to it: to join
//! the other namespaces, to raise limits, to come before others at the processor. The cloner does that first, and its child
//! inherits it.
//!
//! And a group that is out of an ordinary user's reach, because he is in a login session and the group with his systemd, which lets
//! the cloner in: then its child is born there.

use crate::error::{Context, Error, Result};
use crate::runtime::cgroup::Group;
use crate::runtime::child::{self, At};
use crate::runtime::handshake::{self, Word};
use crate::runtime::namespaces::{self, Held};
use crate::runtime::plan::Plan;
use crate::runtime::unseen;
use crate::sys::process::{self, Forked, namespace};
use crate::sys::{Errno, channel};
use crate::trace::{self, Step, Who};
use std::os::fd::{AsFd, BorrowedFd};

/// As `process::clone3`: returns in the parent, and in the new process.
pub fn clone_through(plan: &Plan, held: &[Held], group: Option<&Group>) -> Result<Forked> {
    let namespaces = &plan.namespaces;
    const WHAT: &str = "cannot start the cloner";
    let (ours, theirs) = channel::pair().context(WHAT)?;
    let out_of_reach = group.filter(|group| !group.is_in_reach());
    let cloner = match process::clone3(0, None).context(WHAT)? {
        Forked::Parent { pid, .. } => pid,
        Forked::Child => {
            drop(ours);
            trace::act_as(Who::Cloner);
            if out_of_reach.is_some() && !matches!(channel::receive(theirs.as_fd(), &mut [0]), Ok((1.., _))) {
                process::exit_now(1);
            }
            let word = match be_cloner(plan, held, group.map(Group::descriptor)) {
                Ok(Forked::Child) => return Ok(Forked::Child),
                Ok(Forked::Parent { pid, .. }) => Word::Born(pid),
                Err(failure) => Word::Failed(failure),
            };
            let _ = channel::send(theirs.as_fd(), &word.encode(), None);
            process::exit_now(0)
        }
    };
    drop(theirs);
    if let Some(group) = out_of_reach {
        let near = group.let_in(cloner).and_then(|()| channel::send(ours.as_fd(), handshake::GO_ON, None).context(WHAT));
        if let Err(error) = near {
            drop(ours);
            process::wait(cloner).context(WHAT)?;
            return Err(error);
        }
    }
    let mut buffer = [0; handshake::LONGEST];
    let heard = channel::receive(ours.as_fd(), &mut buffer);
    let _ = process::wait(cloner);
    match heard.ok().and_then(|(length, _)| Word::decode(&buffer[..length])) {
        // Our own child: its number is nobody else's before we have waited for it.
        Some(Word::Born(pid)) => Ok(Forked::Parent { pid, pidfd: process::pidfd_of(pid).context(WHAT)? }),
        Some(Word::Failed(failure)) if failure.errno == Errno::ENOMEM && !namespaces.is_new(namespace::PID) => {
            Err(failure.into_error().because("the first process of the pid namespace may have ended"))
        }
        Some(Word::Failed(failure)) => Err(failure.into_error()),
        _ => Err(Error::failed("the cloner ended before it had made the container's first process")),
    }
}

fn be_cloner(plan: &Plan, held: &[Held], group: Option<BorrowedFd>) -> child::Result<Forked> {
    const STEP: Step = Step::CloneContainer;
    let namespaces = &plan.namespaces;
    let of_others = namespaces.has(namespace::USER);
    if namespaces.is_new(namespace::TIME) {
        namespaces.shift_clocks()?;
    }
    child::take_score(&plan.person)?;
    if of_others {
        child::take_what_only_the_host_gives(&plan.person)?;
    }
    // Inherited by the process that those in the pid namespace will see from its birth on. Not before: the files in /proc of who
    // hides belong to the machine's root, and we may be that of a user namespace.
    if !namespaces.hide_late() {
        unseen::hide_from_tracers().at(STEP, "hide from tracers")?;
    }
    match of_others {
        true => namespaces::join_all(held, namespaces.mappings())?,
        false => namespaces::join(held, namespace::PID)?,
    }
    process::clone3_for_parent(namespaces.at_birth(), group).at(STEP, "clone3")
}
