//! Signals for a container of the strict runtime, and the state of standing still.

use crate::error::{Context, Error, Result};
use crate::runtime::cgroup::Group;
use crate::runtime::strict::shelf::{Kept, Shelf, Status};
use crate::sys::{Errno, process, signal};
use std::os::fd::AsFd;

impl Kept {
    /// To the first process. Where that one has no pid namespace of its own, its end would not be the end of the others:
    /// SIGKILL then goes to all of them.
    pub fn kill(&self, number: i32) -> Result<()> {
        let whole = number == signal::KILL && !self.own_pids;
        match whole.then(|| self.group()).flatten() {
            Some(group) => self.kill_group(&group),
            None => self.kill_first(number),
        }
    }

    fn kill_first(&self, number: i32) -> Result<()> {
        let gone = || Error::conflict(format!("container {} is not running", self.id));
        let init = process::pidfd_of(self.pid).map_err(|_| gone())?;
        // Only now can the pid no longer change hands.
        if !process::is_alive(self.pid, self.pid_started) {
            return Err(gone());
        }
        match signal::send(init.as_fd(), number) {
            Err(Errno::ESRCH) => Err(gone()),
            other => other.with_context(|| format!("cannot send container {} a signal", self.id)),
        }
    }

    pub fn kill_all(&self, number: i32) -> Result<()> {
        let what = || format!("cannot send container {} a signal", self.id);
        let Some(group) = self.group() else { return self.kill_first(number) };
        if number == signal::KILL {
            return self.kill_group(&group);
        }
        for pid in group.all_processes() {
            match signal::kill(pid, number) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => return Err(errno).with_context(what),
            }
        }
        Ok(())
    }

    /// Whatever they fork meanwhile: the kernel ends the group as a whole.
    fn kill_group(&self, group: &Group) -> Result<()> {
        group.kill().with_context(|| format!("cannot end container {}", self.id))
    }

    pub fn set_frozen(&self, frozen: bool) -> Result<()> {
        let what = if frozen { "cannot pause container" } else { "cannot resume container" };
        let what = || format!("{what} {}", self.id);
        let group = self.group().ok_or_else(|| Error::cannot_keep(what()).because("it has no control group"))?;
        group.set_frozen(frozen).with_context(what)
    }

    pub fn processes(&self, shelf: &Shelf) -> Vec<i32> {
        match self.group() {
            Some(group) => group.all_processes(),
            None if self.status(shelf) == Status::Stopped => Vec::new(),
            None => vec![self.pid],
        }
    }
}
