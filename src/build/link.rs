//! What the process of a stage and the one that oversees the build say to each other: JSON, one word per line.
//!
//! The stage tells what it does, asks for what other stages have come to, and says in the end what it has come to itself.

use crate::build::event::Event;
use crate::build::state::State;
use crate::error::{Context, Error, Kind, Result};
use crate::sys::socket;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[derive(Debug, Serialize, Deserialize)]
pub enum FromStage {
    Event(Event),
    /// It waits for the result of this one.
    Needs(usize),
    Finished(Box<State>),
    Failed(Failure),
    /// What was promised elsewhere cannot be had, and why (`recall.rs`).
    Broken(String),
}

#[derive(Debug, Serialize, Deserialize)]
pub enum ToStage {
    Result(usize, Box<State>),
}

/// An error on its way to another process, with what may be looked at afterwards.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Failure {
    pub kind: u8,
    pub text: String,
    pub hint: Option<String>,
    /// The first and the last line that it is about; 0: none.
    pub lines: (usize, usize),
    /// Before the step that failed.
    pub before: Option<Box<State>>,
}

impl Failure {
    pub fn of(error: &Error) -> Failure {
        Failure { kind: error.kind().number(), text: error.to_string(), hint: error.hint_text().map(str::to_owned), ..Failure::default() }
    }

    pub fn to_error(&self) -> Error {
        let error = Error::new(Kind::of_number(self.kind).unwrap_or(Kind::Failed), self.text.clone());
        match &self.hint {
            Some(hint) => error.hint(hint.clone()),
            None => error,
        }
    }
}

/// One end.
pub struct Link {
    socket: OwnedFd,
    /// What has arrived and is not a whole line yet.
    inbox: Vec<u8>,
}

impl Link {
    pub fn new(socket: OwnedFd) -> Link {
        Link { socket, inbox: Vec::new() }
    }

    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub fn say(&self, word: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(word).map_err(|e| Error::failed("cannot tell how the build goes on").because(e))?;
        line.push(b'\n');
        socket::send_all(self.socket.as_fd(), &line).context("cannot tell how the build goes on")
    }

    /// The next word; `None`: the other one is gone. Waits for it.
    pub fn hear<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        loop {
            if let Some(word) = self.next()? {
                return Ok(Some(word));
            }
            if !self.receive()? {
                return Ok(None);
            }
        }
    }

    /// What has arrived already.
    pub fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let Some(end) = self.inbox.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let line: Vec<u8> = self.inbox.drain(..=end).collect();
        serde_json::from_slice(&line[..end]).map(Some).map_err(|e| Error::failed("a stage said something else than expected").because(e))
    }

    /// False: nothing will come any more.
    pub fn receive(&mut self) -> Result<bool> {
        let begun = self.inbox.len();
        self.inbox.resize(begun + (64 << 10), 0);
        let count = socket::receive(self.socket.as_fd(), &mut self.inbox[begun..]);
        self.inbox.truncate(begun + count.unwrap_or(0));
        match count {
            Ok(count) => Ok(count > 0),
            Err(crate::sys::Errno::ECONNRESET) => Ok(false),
            Err(e) => Err(e).context("cannot hear how the build goes on"),
        }
    }
}
