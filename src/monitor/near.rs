//! The user's side of a container's streams: three descriptors, maybe a terminal in raw mode, and the signals that reach
//! this process. When this is dropped everything is as it was found.

use super::protocol::Stream;
use crate::error::{Context, Error, Result};
use crate::sys::file;
use crate::sys::poll::Watched;
use crate::sys::signal::{self, Signals};
use crate::sys::terminal::{self, RawMode, Size};
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What a user or a supervisor sends to a program. Not those about this process itself (stop, continue, a child's end).
pub const PASSED_ON: &[&str] = &["HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "TERM", "STKFLT", "IO", "PWR"];
/// What would end us; caught to put the terminal back first.
const DEADLY: &[&str] = &["HUP", "INT", "QUIT", "TERM"];
/// After our stdout is ready for this much, a write of it does not block: pipe(7).
const OUTPUT_PIECE: usize = 4096;

pub struct Near {
    /// `None`: not wanted, or at its end.
    pub input: Option<OwnedFd>,
    outputs: [OwnedFd; 2],
    raw: Option<RawMode>,
    /// The terminal whose size the container's terminal follows.
    sized: Option<OwnedFd>,
    signals: Option<Signals>,
    passes_on: bool,
}

/// What a signal means for the one who attends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Resized(Size),
    PassOn(i32),
    /// To be died of, once the terminal is as it was.
    Die(i32),
}

impl Near {
    /// The streams that this process was started with.
    pub fn ours(terminal: bool, stdin: bool, sig_proxy: bool) -> Result<Near> {
        let [input, output, error] = terminal::standard_streams().context("cannot use the standard streams")?;
        Near::new(Some(input).filter(|_| stdin), [output, error], terminal, sig_proxy)
    }

    pub fn new(input: Option<OwnedFd>, outputs: [OwnedFd; 2], terminal: bool, sig_proxy: bool) -> Result<Near> {
        let mut near = Near { input, outputs, raw: None, sized: None, signals: None, passes_on: sig_proxy };
        if terminal {
            let users = near.input.iter().chain(&near.outputs).find(|fd| terminal::is_terminal(fd.as_fd()));
            near.sized = users.map(|fd| file::duplicate(fd.as_fd())).transpose().context("cannot use the terminal")?;
        }
        // Signals first: one that came between the two would leave the terminal raw.
        near.catch_signals(terminal)?;
        if let Some(input) = near.input.as_ref().filter(|input| terminal && terminal::is_terminal(input.as_fd())) {
            near.raw = Some(RawMode::enter(input.as_fd()).context("cannot switch the terminal to raw mode")?);
        }
        Ok(near)
    }

    fn catch_signals(&mut self, terminal: bool) -> Result<()> {
        let names = match (self.passes_on, terminal) {
            (true, _) => PASSED_ON,
            (false, true) => DEADLY,
            (false, false) => return Ok(()),
        };
        let about_the_terminal: &[&str] = if terminal { &["WINCH", "CONT"] } else { &[] };
        let names: Vec<&str> = names.iter().chain(about_the_terminal).copied().collect();
        self.signals = Some(catch(&names)?);
        Ok(())
    }

    /// Puts everything back and dies of the signal as if it had not been caught. If that does not happen at once, an error
    /// ends us.
    pub fn die_of(&mut self, number: i32) -> Error {
        self.restore();
        signal::die_of(number);
        Error::failed(format!("ended by {}", signal::name(number)))
    }

    /// Everything as it was found, before the end of our life.
    fn restore(&mut self) {
        self.raw = None;
        self.signals = None;
    }

    pub fn is_raw(&self) -> bool {
        self.raw.is_some()
    }

    pub fn size(&self) -> Option<Size> {
        self.sized.as_ref().and_then(|fd| terminal::size(fd.as_fd()).ok())
    }

    pub fn signals(&self) -> Option<BorrowedFd<'_>> {
        self.signals.as_ref().map(AsFd::as_fd)
    }

    /// The next signal that has arrived and means something.
    pub fn next_event(&self) -> Option<Event> {
        while let Some(number) = self.signals.as_ref()?.next() {
            match (signal::name(number).as_str(), &self.raw) {
                ("SIGWINCH", _) => {}
                ("SIGCONT", Some(raw)) => raw.again(),
                ("SIGCONT", None) => continue,
                _ if self.passes_on => return Some(Event::PassOn(number)),
                _ => return Some(Event::Die(number)),
            }
            if let Some(size) = self.size() {
                return Some(Event::Resized(size));
            }
        }
        None
    }

    pub fn output(&self, stream: Stream) -> BorrowedFd<'_> {
        self.outputs[stream as usize].as_fd()
    }

    pub fn watch_output(&self, stream: Stream) -> Watched {
        Watched::new(self.output(stream), false, true)
    }

    /// Writes as much as goes without blocking, after poll has said that something does.
    pub fn write(&self, stream: Stream, bytes: &[u8]) -> Result<usize, Errno> {
        match file::write(self.output(stream), &bytes[..bytes.len().min(OUTPUT_PIECE)]) {
            Err(Errno::EAGAIN) => Ok(0),
            other => other,
        }
    }

    /// Reads what was typed; `None`: nothing now. Empty: the end, and the input is closed.
    pub fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let read = file::read(self.input.as_ref()?.as_fd(), buffer);
        match read {
            Ok(count @ 1..) => Some(count),
            Err(Errno::EAGAIN) => None,
            // A terminal that was hung up says EIO.
            Ok(0) | Err(_) => {
                self.input = None;
                Some(0)
            }
        }
    }
}

pub fn catch(names: &[&str]) -> Result<Signals> {
    let numbers: Vec<i32> = names.iter().filter_map(|name| signal::number(name)).collect();
    Signals::new(&numbers).context("cannot catch signals")
}
