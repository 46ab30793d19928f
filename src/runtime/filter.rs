//! The system call filter of a process, and how it is loaded where some calls are left to an agent (`agent.rs`).

use crate::error::{Error, Result};
use crate::runtime::agent::Agent;
use crate::runtime::child::{self, At};
use crate::runtime::handshake::{self, Word};
use crate::spec::seccomp;
use crate::sys::identity::{self, FilterInstruction};
use crate::sys::{Errno, channel, file, process};
use crate::trace::{self, Step};
use oci_spec::runtime::LinuxSeccomp;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};

#[derive(Clone, Default)]
pub struct Filter {
    /// Empty: no filter.
    pub instructions: Vec<FilterInstruction>,
    /// As seccomp(2) has them.
    pub flags: u32,
    pub agent: Option<Agent>,
}

impl Filter {
    /// One of our own: a filter must not slow the program down by mitigations that nobody asked for.
    pub fn of_table(table: &[seccomp::SockFilter]) -> Filter {
        Filter { instructions: instructions(table), flags: seccomp::flag::SPEC_ALLOW, agent: None }
    }

    /// `waits_killable` is the one flag that the library's type has no word for.
    pub fn of_specification(wish: &LinuxSeccomp, waits_killable: bool) -> Result<Filter> {
        let agent = Agent::of_specification(wish)?;
        let mut flags = seccomp::flags(wish);
        // A process that loads a filter has one thread here, so all of its threads are at one, and the kernel takes no listener
        // together with this flag.
        flags &= !seccomp::flag::TSYNC;
        if agent.is_some() {
            flags |= seccomp::flag::NEW_LISTENER | if waits_killable { seccomp::flag::WAIT_KILLABLE_RECV } else { 0 };
        }
        Ok(Filter { instructions: instructions(&seccomp::compile(wish)?), flags, agent })
    }

    /// From here on every system call passes it.
    ///
    /// An agent must have its descriptor before this process makes a call that is left to it, and no further call is sure not to
    /// be. So the number that the descriptor will have is told before, and whoever starts us fetches it when the pipe is closed.
    pub fn load(&self, socket: BorrowedFd) -> child::Result<()> {
        const STEP: Step = Step::FilterCalls;
        trace::begin(STEP);
        let load = || identity::load_filter(&self.instructions, self.flags).at(STEP, "load the filter");
        if self.instructions.is_empty() || self.agent.is_none() {
            return if self.instructions.is_empty() { Ok(()) } else { load().map(drop) };
        }
        let (end, not_yet) = file::pipe().at(STEP, "pipe")?;
        let number = file::next_number(end.as_fd()).at(STEP, "find a free descriptor")?;
        channel::send(socket, &Word::Filter(number).encode(), Some(end.as_fd())).at(STEP, "tell of the agent's descriptor")?;
        let listener = load()?;
        // close(2) and nothing else: a dropped OwnedFd may ask fcntl(2) about itself before.
        process::close(not_yet.into_raw_fd());
        let mut word = [0];
        match channel::receive(socket, &mut word) {
            Ok((1, _)) if word == handshake::GO_ON => {}
            _ => return Err(child::Failure::new(STEP, Errno::ECANCELED, "wait for the seccomp agent")),
        }
        drop(listener);
        Ok(())
    }
}

fn instructions(table: &[seccomp::SockFilter]) -> Vec<FilterInstruction> {
    let instruction = |i: &seccomp::SockFilter| FilterInstruction { code: i.code, jump_true: i.jt, jump_false: i.jf, constant: i.k };
    table.iter().map(instruction).collect()
}

/// Refused here, because nobody could be told of it.
pub fn refuse_agent(filter: &Filter) -> Result<()> {
    match filter.agent {
        Some(_) => Err(Error::cannot_keep("cannot leave system calls to a seccomp agent (SCMP_ACT_NOTIFY)")
            .because("only the strict runtime serves one")
            .hint("tare oci, with listenerPath in config.json")),
        None => Ok(()),
    }
}
