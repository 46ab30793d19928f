//! The loop on the user's side: what is typed goes to the container's monitor, what the container writes is shown, signals
//! are passed on, until the container ends or the user leaves.
//!
//! Everything is taken in turn by one poll(2), and nothing is written to a stream that is not ready: a full pipe behind our
//! stdout never keeps a ctrl-c from the container.

pub use super::relay::{await_child, relay_terminal};

use super::detach_keys::DetachKeys;
use super::near::{Event, Near};
use super::protocol::{Stream, ToClient, ToMonitor, WINDOW, Wants, decode, encode};
use crate::error::{Context, Error, Result};
use crate::sys::poll::{Watched, poll};
use crate::sys::terminal::Size;
use crate::sys::{signal, socket};
use nix::errno::Errno;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};

/// How the user takes part.
#[derive(Clone, Debug)]
pub struct How {
    /// The container has a terminal: ours becomes raw, its size is passed on, and `detach_keys` are looked for.
    pub terminal: bool,
    pub wants: Wants,
    /// Signals to us are for the container.
    pub sig_proxy: bool,
    pub detach_keys: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The container's command ended with this code.
    Exited(i32),
    /// The user left, and the container goes on.
    Detached,
    /// The monitor ended without a word.
    Lost,
}

/// Attends the container that we have started: the monitor knows our wishes already.
///
/// If our stdout is closed (`| head`) the container gets the SIGPIPE that a program in our place would have died of.
pub fn attend(monitor: OwnedFd, how: &How) -> Result<Outcome> {
    let near = Near::ours(how.terminal, how.wants.stdin, how.sig_proxy)?;
    Attending::new(monitor, near, how, true).until_the_end()
}

/// Attends a container that others have started. If our stdout is closed, we leave and it goes on.
pub fn attach(monitor: OwnedFd, how: &How) -> Result<Outcome> {
    let near = Near::ours(how.terminal, how.wants.stdin, how.sig_proxy)?;
    let attending = Attending::new(monitor, near, how, false);
    attending.say(&ToMonitor::Attach(how.wants));
    // Another size than it had: a program that shows a whole screen, or a prompt, draws it again for the newcomer.
    if let Some(size) = attending.near.size() {
        attending.say(&ToMonitor::Resize(Size { rows: size.rows.saturating_add(1), columns: size.columns.saturating_add(1) }));
    }
    attending.until_the_end()
}

struct Attending {
    monitor: OwnedFd,
    near: Near,
    keys: DetachKeys,
    is_starter: bool,
    /// What has arrived from the monitor, and how much of it is dealt with.
    inbox: Vec<u8>,
    done: usize,
    /// Bytes in the inbox that have to be written before anything else is looked at.
    showing: Option<(Stream, Range<usize>)>,
    /// Our own streams that nobody reads any more.
    closed: [bool; 2],
    /// Input that the container has not taken yet.
    on_its_way: usize,
}

const INPUT_PIECE: usize = 16 << 10;
const INBOX_PIECE: usize = 64 << 10;

impl Attending {
    fn new(monitor: OwnedFd, near: Near, how: &How, is_starter: bool) -> Self {
        let keys = DetachKeys::new(if near.is_raw() { &how.detach_keys } else { &[] });
        Attending { monitor, near, keys, is_starter, inbox: Vec::new(), done: 0, showing: None, closed: [false; 2], on_its_way: 0 }
    }

    /// Whether the monitor still hears does not matter here: its last words may yet be in the inbox.
    fn say(&self, word: &ToMonitor) {
        let mut frame = Vec::new();
        encode(word, &mut frame);
        // May wait, but not for ever: the monitor always reads.
        let _ = socket::send_all(self.monitor.as_fd(), &frame);
    }

    fn until_the_end(mut self) -> Result<Outcome> {
        if let Some(size) = self.near.size() {
            self.say(&ToMonitor::Resize(size));
        }
        loop {
            if let Some(outcome) = self.look_at_inbox()? {
                return Ok(outcome);
            }
            if let Some(outcome) = self.turn()? {
                return Ok(outcome);
            }
        }
    }

    /// Deals with what has arrived, up to the next output, which has to be shown first.
    fn look_at_inbox(&mut self) -> Result<Option<Outcome>> {
        while self.showing.is_none() {
            let Ok(next) = decode::<ToClient>(&self.inbox[self.done..]) else { return Ok(Some(Outcome::Lost)) };
            let Some((word, length)) = next else { break };
            let end = self.done + length;
            match word {
                ToClient::Output { stream, bytes } if !self.closed[stream as usize] => {
                    self.showing = Some((stream, end - bytes.len()..end)).filter(|(_, range)| !range.is_empty());
                }
                ToClient::Taken(count) => self.on_its_way = self.on_its_way.saturating_sub(count as usize),
                ToClient::Exited(code) => return Ok(Some(Outcome::Exited(code))),
                ToClient::Failed { .. } => return word.to_error().map_or(Ok(Some(Outcome::Lost)), Err),
                ToClient::Output { .. } | ToClient::Started { .. } | ToClient::Timeline(_) => {}
            }
            self.done = end;
        }
        Ok(None)
    }

    fn turn(&mut self) -> Result<Option<Outcome>> {
        // Room for what was held back of a detach sequence is left.
        let may_read = self.on_its_way <= WINDOW - 2 * INPUT_PIECE;
        let mut watched = [
            self.near.signals().map_or_else(Watched::never, |fd| Watched::new(fd, true, false)),
            match &self.showing {
                Some((stream, _)) => self.near.watch_output(*stream),
                None => Watched::new(self.monitor.as_fd(), true, false),
            },
            self.near.input.as_ref().filter(|_| may_read).map_or_else(Watched::never, |fd| Watched::new(fd.as_fd(), true, false)),
        ];
        poll(&mut watched, None).context("cannot wait for the container")?;
        if watched[0].is_ready() {
            self.heed_signals()?;
        }
        if watched[1].is_ready() {
            let outcome = if self.showing.is_some() { self.show()? } else { self.listen() };
            if outcome.is_some() {
                return Ok(outcome);
            }
        }
        if watched[2].is_ready() {
            return Ok(self.pass_on_input());
        }
        Ok(None)
    }

    fn heed_signals(&mut self) -> Result<()> {
        while let Some(event) = self.near.next_event() {
            match event {
                Event::Resized(size) => self.say(&ToMonitor::Resize(size)),
                Event::PassOn(number) => self.say(&ToMonitor::Signal(number)),
                Event::Die(number) => return Err(self.near.die_of(number)),
            }
        }
        Ok(())
    }

    /// Room for more is made at the end of the inbox; what is dealt with is forgotten first.
    fn listen(&mut self) -> Option<Outcome> {
        self.inbox.drain(..self.done);
        self.done = 0;
        let begun = self.inbox.len();
        self.inbox.resize(begun + INBOX_PIECE, 0);
        let received = socket::receive_now(self.monitor.as_fd(), &mut self.inbox[begun..]);
        self.inbox.truncate(begun + received.unwrap_or(0));
        match received {
            Ok(1..) | Err(Errno::EAGAIN) => None,
            Ok(0) | Err(_) => Some(Outcome::Lost),
        }
    }

    fn show(&mut self) -> Result<Option<Outcome>> {
        let Some((stream, range)) = self.showing.take() else { return Ok(None) };
        match self.near.write(stream, &self.inbox[range.clone()]) {
            Ok(count) if count < range.len() => self.showing = Some((stream, range.start + count..range.end)),
            Ok(_) => {}
            Err(Errno::EPIPE) if self.is_starter => {
                if !std::mem::replace(&mut self.closed[stream as usize], true) {
                    signal::number("PIPE").into_iter().for_each(|number| self.say(&ToMonitor::Signal(number)));
                }
            }
            Err(Errno::EPIPE) => {
                self.say(&ToMonitor::Detach);
                return Ok(Some(Outcome::Detached));
            }
            Err(e) => return Err(Error::from_errno(format!("cannot write to {}", stream.name()), e)),
        }
        Ok(None)
    }

    fn pass_on_input(&mut self) -> Option<Outcome> {
        let mut typed = [0; INPUT_PIECE];
        let count = self.near.read(&mut typed)?;
        if count == 0 {
            self.say(&ToMonitor::StdinClosed);
            return None;
        }
        let mut forward = Vec::new();
        let leaves = self.keys.feed(&typed[..count], &mut forward);
        for piece in forward.chunks(INPUT_PIECE) {
            self.on_its_way += piece.len();
            self.say(&ToMonitor::Stdin(piece));
        }
        if leaves {
            self.say(&ToMonitor::Detach);
            return Some(Outcome::Detached);
        }
        None
    }
}

#[cfg(test)]
mod tests;
