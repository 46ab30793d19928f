//! One process becomes two: the reaper, which is pid 1, and the command.

use super::command::become_command;
use super::failing::{At, Result};
use super::score::Score;
use super::{Inherited, Never, fail};
use crate::runtime::handshake::Failure;
use crate::runtime::plan::Person;
use crate::sys::file;
use crate::sys::process::{self, Forked};
use crate::trace::{self, Step, Who};
use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};

/// Pid 1 and the command part: the command is forked first and becomes the user, while pid 1 becomes the reaper.
///
/// The command waits until pid 1 is no longer the tare binary: from then on no `/proc/1/exe` leads to a file of the host
/// (CVE-2019-5736). Signals are blocked before the fork, so that a child that ends at once is not missed.
pub(super) fn divide(person: &Person, inherited: &Inherited, status: BorrowedFd, score: Option<Score>) -> Result<Never> {
    const STEP: Step = Step::BecomeReaper;
    score.as_ref().map_or(Ok(()), Score::take)?;
    trace::begin(STEP);
    process::block_every_signal(true).at(STEP, "block signals")?;
    let (gate, gate_keeper) = file::pipe().at(STEP, "pipe")?;
    let command = match process::clone3(0, None).at(STEP, "fork")? {
        Forked::Parent { pid, .. } => pid,
        Forked::Child => {
            drop(gate_keeper);
            trace::act_as(Who::Process);
            fail(inherited.socket, wait_for_reaper(gate.as_fd()).and_then(|()| become_command(person, inherited)))
        }
    };
    score.map_or(Ok(()), |score| score.take_own_again())?;
    // Above every number that is given out below.
    let program = file::duplicate_above(inherited.program, 10).at(STEP, "hold the reaper's program")?;
    process::place(status, 3).at(STEP, "place the status pipe")?;
    process::close_on_exec_from(4).at(STEP, "close descriptors")?;
    let arguments = [c"tare-init".to_owned(), CString::new(command.to_string()).unwrap_or_default()];
    let errno = process::exec_fd(program.as_fd(), &arguments, &[]);
    Err(Failure::new(STEP, errno, "execute the reaper"))
}

/// Exec closes the other end of the gate.
fn wait_for_reaper(gate: BorrowedFd) -> Result<()> {
    file::read(gate, &mut [0]).at(Step::BecomeReaper, "wait for the reaper").map(drop)
}
