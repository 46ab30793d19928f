//! The score by which the kernel chooses who ends when memory runs out: proc_pid_oom_score_adj(5).
//!
//! It is inherited. So whoever makes the command takes the command's score, makes it, and takes his own again: the reaper ends last.

use super::failing::{At, Result};
use crate::runtime::handshake::Failure;
use crate::runtime::plan::Person;
use crate::sys::{Errno, file};
use crate::trace::{self, Step};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

const STEP: Step = Step::SetProcessLimits;

/// Our own score, held open from the moment of our birth: then /proc is still the host's, and nobody of the container can have put
/// anything over it (CVE-2019-16884, CVE-2025-52881), and we do not hide yet. The files of who hides belong to the machine's root,
/// so an ordinary user could not open his own.
pub struct Score {
    file: OwnedFd,
    wanted: i32,
    own: Vec<u8>,
}

impl Score {
    pub fn hold(wanted: i32) -> Result<Score> {
        let held = file::open(Path::new("/proc/self/oom_score_adj"), file::OFlag::O_RDWR).and_then(|file| {
            let mut own = vec![0; 16];
            let length = file::read(file.as_fd(), &mut own)?;
            own.truncate(length);
            Ok(Score { file, wanted, own })
        });
        held.map_err(|errno| failed(errno, wanted))
    }

    /// Ours, and from now on that of every child.
    pub fn take(&self) -> Result<()> {
        trace::begin(STEP);
        file::write_all(self.file.as_fd(), self.wanted.to_string().as_bytes()).map_err(|errno| failed(errno, self.wanted))
    }

    pub fn take_own_again(&self) -> Result<()> {
        file::write_all(self.file.as_fd(), &self.own).at(STEP, "take the own oom_score_adj again")
    }
}

/// By a cloner, for its child: it ends itself, and need not take its own again.
pub fn take_score(person: &Person) -> Result<()> {
    person.oom_score_adj.map_or(Ok(()), |wanted| Score::hold(wanted)?.take())
}

fn failed(errno: Errno, wanted: i32) -> Failure {
    Failure::new(STEP, errno, format!("set --oom-score-adj to {wanted}"))
}
