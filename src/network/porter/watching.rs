//! What the porter waits for: every descriptor has a number that says whose it is, and none is given twice, so that news of one
//! that is closed already finds nobody.

use crate::sys::Errno;
use crate::sys::epoll::{Epoll, Ready, Wanted};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The container's first process.
    End,
    Control,
    Teller,
    Door,
    /// The two sides of a connection.
    Client,
    Container,
    Flow,
    NamesByUdp,
    NamesByTcp,
    Asker,
    Server,
}

const KINDS: [Kind; 11] = [
    Kind::End,
    Kind::Control,
    Kind::Teller,
    Kind::Door,
    Kind::Client,
    Kind::Container,
    Kind::Flow,
    Kind::NamesByUdp,
    Kind::NamesByTcp,
    Kind::Asker,
    Kind::Server,
];

pub struct Watching {
    epoll: Epoll,
    last: u64,
    buffer: Vec<u8>,
}

/// Room for the longest datagram, and for a good piece of a stream.
const BUFFER: usize = 128 << 10;

impl Watching {
    pub fn new() -> Result<Watching, Errno> {
        Ok(Watching { epoll: Epoll::new()?, last: 0, buffer: Vec::new() })
    }

    /// One that nobody has had.
    pub fn key(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// One for everybody: nothing stays in it. It exists only while there is something to do.
    pub fn take_buffer(&mut self) -> Vec<u8> {
        match std::mem::take(&mut self.buffer) {
            buffer if buffer.is_empty() => vec![0; BUFFER],
            buffer => buffer,
        }
    }

    pub fn give_back(&mut self, buffer: Vec<u8>) {
        self.buffer = buffer;
    }

    pub fn is_at_rest(&self) -> bool {
        self.buffer.is_empty()
    }

    pub fn rest(&mut self) {
        self.buffer = Vec::new();
    }

    pub fn add(&self, fd: BorrowedFd, kind: Kind, key: u64) -> Result<(), Errno> {
        self.epoll.add(fd, number(kind, key), Wanted::READ)
    }

    pub fn wait(&self, ready: &mut Vec<Ready>, milliseconds: Option<i32>) -> Result<(), Errno> {
        self.epoll.wait(ready, milliseconds)
    }
}

fn number(kind: Kind, key: u64) -> u64 {
    key << 8 | kind as u64
}

/// Whose number it is.
pub fn whose(number: u64) -> Option<(Kind, u64)> {
    Some((*KINDS.get((number & 0xff) as usize)?, number >> 8))
}

/// A socket that is waited for now for this, now for that. While for nothing, not even news of its end come: they would not stop.
pub struct Seat {
    pub socket: OwnedFd,
    number: u64,
    wanted: Wanted,
}

impl Seat {
    pub fn new(socket: OwnedFd, kind: Kind, key: u64) -> Seat {
        Seat { socket, number: number(kind, key), wanted: Wanted::default() }
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub fn want(&mut self, watching: &Watching, wanted: Wanted) -> Result<(), Errno> {
        let before = std::mem::replace(&mut self.wanted, wanted);
        match (before.anything(), wanted.anything()) {
            _ if before == wanted => Ok(()),
            (false, _) => watching.epoll.add(self.fd(), self.number, wanted),
            (true, true) => watching.epoll.change(self.fd(), self.number, wanted),
            (true, false) => watching.epoll.remove(self.fd()),
        }
    }
}
