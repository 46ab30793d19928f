//! Staying with a process until it ends: its signals come through us, and its terminal, if it has one and nobody else took it.

use crate::error::{Context, Result};
use crate::runtime::strict::notify::Notices;
use crate::sys::poll::{Watched, poll};
use crate::sys::process;
use crate::sys::signal::{self, Signals};
use crate::sys::terminal::{self, RawMode};
use crate::sys::{Errno, file};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Returns the process's exit code; it is our child. What it says of itself at `notices` goes on.
pub fn until_end(pid: i32, pidfd: &OwnedFd, master: Option<OwnedFd>, notices: Option<&Notices>) -> Result<i32> {
    let signals = Signals::new(&[signal::PASSED_ON, &[signal::WINDOW_CHANGED]].concat()).context("cannot watch signals")?;
    let [input, output, _] = file::standard_streams();
    let raw = match &master {
        Some(_) if terminal::is_terminal(input) => Some(RawMode::enter(input).context("cannot set the terminal")?),
        _ => None,
    };
    follow_size(master.as_ref(), input);
    let mut master = master;
    let mut reads_input = master.is_some();
    loop {
        let mut watched = [
            Watched::new(signals.as_fd(), true, false),
            Watched::new(pidfd.as_fd(), true, false),
            master.as_ref().map_or_else(Watched::never, |master| Watched::new(master.as_fd(), true, false)),
            if reads_input { Watched::new(input, true, false) } else { Watched::never() },
            notices.map_or_else(Watched::never, |notices| Watched::new(notices.descriptor(), true, false)),
        ];
        poll(&mut watched, None).context("cannot wait for the container")?;
        while let Some(number) = signals.next() {
            match number {
                signal::WINDOW_CHANGED => follow_size(master.as_ref(), input),
                number => drop(signal::send(pidfd.as_fd(), number)),
            }
        }
        if watched[2].is_ready() && !pass_on(master.as_ref(), output) {
            master = None;
        }
        if watched[3].is_ready() {
            reads_input = master.as_ref().is_some_and(|master| pass(input, master.as_fd()));
        }
        if let Some(notices) = notices.filter(|_| watched[4].is_ready()) {
            notices.pass_on(pid)?;
        }
        if watched[1].is_ready() {
            // What it wrote last is still in its terminal.
            while pass_on(master.as_ref(), output) {}
            drop(raw);
            return Ok(process::wait(pid).context("cannot learn how the container ended")?.code());
        }
    }
}

fn follow_size(master: Option<&OwnedFd>, own: BorrowedFd) {
    if let (Some(master), Ok(size)) = (master, terminal::size(own)) {
        let _ = terminal::set_size(master.as_fd(), size);
    }
}

fn pass_on(master: Option<&OwnedFd>, output: BorrowedFd) -> bool {
    let has_input = |fd: BorrowedFd| crate::sys::poll::has_input(fd);
    master.is_some_and(|master| has_input(master.as_fd()) && pass(master.as_fd(), output))
}

/// One piece; `false`: there is no more.
fn pass(from: BorrowedFd, to: BorrowedFd) -> bool {
    let mut buffer = [0; 4096];
    match file::read(from, &mut buffer) {
        Ok(0) => false,
        Ok(count) => file::write_all(to, &buffer[..count]).is_ok(),
        Err(Errno::EAGAIN) => true,
        // EIO is how a terminal says its end.
        Err(_) => false,
    }
}
