//! Between our streams and those of a process that has no monitor: `exec` without a terminal.
//!
//! The process gets pipes and never our own descriptors. Whoever holds a descriptor of a file may change the file's mode, cut it
//! short, or open it anew through /proc/self/fd; on a terminal he may type.

use crate::error::{Context, Result};
use crate::monitor::near::{PASSED_ON, catch};
use crate::sys::poll::{Watched, poll};
use crate::sys::{Errno, file, process, signal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Our ends of a process's pipes.
pub struct Pipes {
    /// `None`: it gets no input.
    pub input: Option<OwnedFd>,
    pub output: OwnedFd,
    pub error: OwnedFd,
}

struct Between<'a> {
    child_input: Option<OwnedFd>,
    /// Read from ours, not yet taken by the child.
    typed: Vec<u8>,
    /// Their stream, and ours that it goes to; closed when either side is.
    outputs: [(Option<OwnedFd>, BorrowedFd<'a>); 2],
    buffer: Vec<u8>,
}

/// Until the process has ended. What it left running in the container keeps nobody waiting.
pub fn relay_pipes(pipes: Pipes, pid: i32, pidfd: BorrowedFd) -> Result<i32> {
    const WHAT: &str = "cannot relay the command's streams";
    let signals = catch(PASSED_ON)?;
    let [our_input, our_output, our_error] = file::standard_streams();
    for fd in [Some(&pipes.output), Some(&pipes.error), pipes.input.as_ref()].into_iter().flatten() {
        file::set_nonblocking(fd.as_fd()).context(WHAT)?;
    }
    let outputs = [(Some(pipes.output), our_output), (Some(pipes.error), our_error)];
    let mut between = Between { child_input: pipes.input, typed: Vec::new(), outputs, buffer: vec![0; 64 << 10] };
    loop {
        let mut watched = between.watch(our_input, signals.as_fd(), pidfd);
        poll(&mut watched, None).context(WHAT)?;
        let [told, ours, theirs, output, error, ended] = watched.map(|one| one.is_ready());
        while let Some(number) = told.then(|| signals.next()).flatten() {
            let _ = signal::send(pidfd, number);
        }
        if ours {
            between.take_input(our_input);
        }
        if theirs {
            between.give_input();
        }
        for (index, ready) in [output, error].into_iter().enumerate() {
            if ready || ended {
                between.show(index, ended);
            }
        }
        if ended {
            return Ok(process::wait(pid).context(WHAT)?.code());
        }
    }
}

impl Between<'_> {
    fn watch(&self, our_input: BorrowedFd, signals: BorrowedFd, pidfd: BorrowedFd) -> [Watched; 6] {
        let read = |fd: Option<BorrowedFd>| fd.map_or_else(Watched::never, |fd| Watched::new(fd, true, false));
        let child_input = self.child_input.as_ref().filter(|_| !self.typed.is_empty());
        [
            read(Some(signals)),
            read(Some(our_input).filter(|_| self.child_input.is_some() && self.typed.is_empty())),
            child_input.map_or_else(Watched::never, |fd| Watched::new(fd.as_fd(), false, true)),
            read(self.outputs[0].0.as_ref().map(AsFd::as_fd)),
            read(self.outputs[1].0.as_ref().map(AsFd::as_fd)),
            read(Some(pidfd)),
        ]
    }

    fn take_input(&mut self, our_input: BorrowedFd) {
        match file::read(our_input, &mut self.buffer) {
            Ok(length @ 1..) => {
                self.typed.extend_from_slice(&self.buffer[..length]);
                self.give_input();
            }
            Err(Errno::EAGAIN) => {}
            // Our input's end is the child's.
            _ => self.child_input = None,
        }
    }

    fn give_input(&mut self) {
        let Some(fd) = &self.child_input else { return self.typed.clear() };
        match file::write(fd.as_fd(), &self.typed) {
            Ok(length) => drop(self.typed.drain(..length)),
            Err(Errno::EAGAIN) => {}
            Err(_) => {
                self.child_input = None;
                self.typed.clear();
            }
        }
    }

    /// One piece, or all there is. Writing waits for our reader: so does the child, as with a pipe of its own.
    fn show(&mut self, index: usize, all: bool) {
        let (theirs, ours) = &mut self.outputs[index];
        while let Some(fd) = theirs {
            match file::read(fd.as_fd(), &mut self.buffer) {
                Ok(length @ 1..) if file::write_all(*ours, &self.buffer[..length]).is_ok() => {}
                Err(Errno::EAGAIN) => return,
                // Its end; or our reader is gone, which the child learns when it writes again.
                _ => *theirs = None,
            }
            if !all {
                return;
            }
        }
    }
}
