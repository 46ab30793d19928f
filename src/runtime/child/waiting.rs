//! Where the child waits for a word of its maker, or of whoever starts it later, and what it does on the way: hooks.

use super::command::become_command;
use super::failing::{At, Result};
use super::{Inherited, Never, fail};
use crate::runtime::handshake::{self, Failure, Word};
use crate::runtime::hooks::{self, Moment};
use crate::runtime::plan::{Person, Plan, Strict};
use crate::sys::{Errno, channel};
use crate::trace::Step;
use std::os::fd::{AsFd, BorrowedFd};

pub fn wait_for_start(socket: BorrowedFd) -> Result<()> {
    hear(socket, handshake::START).at(Step::OpenTerminal, "wait for the start")
}

pub(super) fn hear(socket: BorrowedFd, wanted: &[u8]) -> Result<(), Errno> {
    let mut word = [0; 8];
    let (length, _) = channel::receive(socket, &mut word)?;
    if &word[..length] == wanted { Ok(()) } else { Err(Errno::ECANCELED) }
}

/// Those of the host are run by the parent, then those in the container's namespaces by us.
pub(super) fn run_hooks_before_root(plan: &Plan, socket: BorrowedFd) -> Result<()> {
    const STEP: Step = Step::EnterRoot;
    let Some(strict) = &plan.strict else { return Ok(()) };
    channel::send(socket, &Word::Hooks.encode(), None).at(STEP, "ask for the hooks")?;
    let state = hear_state(socket, handshake::GO_ON).ok_or_else(|| Failure::new(STEP, Errno::ECANCELED, "wait for the hooks"))?;
    run_hooks(strict, Moment::CreateContainer, &state, STEP)
}

/// The world is built. When it is on record, its maker may go; somebody else comes to the gate and says Start. From then on he hears our failures.
pub(super) fn wait_at_gate(person: &Person, inherited: Inherited, strict: &Strict) -> Result<Never> {
    wait_for_start(inherited.socket)?;
    let visitor = channel::accept(strict.gate).at(Step::OpenTerminal, "wait at the gate")?;
    let state = hear_state(visitor.as_fd(), handshake::START);
    let started = match state {
        Some(state) => run_hooks(strict, Moment::StartContainer, &state, Step::BecomeReaper),
        None => Err(Failure::new(Step::OpenTerminal, Errno::ECANCELED, "wait for the start")),
    };
    let inherited = Inherited { socket: visitor.as_fd(), ..inherited };
    fail(visitor.as_fd(), started.and_then(|()| become_command(person, &inherited)))
}

/// The state that stands behind a word of the other side; `None`: it said something else, or is gone.
fn hear_state(socket: BorrowedFd, word: &[u8]) -> Option<String> {
    let mut message = vec![0; handshake::LONGEST_STATE];
    let (length, _) = channel::receive(socket, &mut message).ok()?;
    String::from_utf8(message[..length].strip_prefix(word)?.to_vec()).ok()
}

fn run_hooks(strict: &Strict, moment: Moment, state: &str, step: Step) -> Result<()> {
    hooks::run(strict.hooks, moment, state).map_err(|error| Failure::new(step, Errno::ECANCELED, error.to_string()))
}
