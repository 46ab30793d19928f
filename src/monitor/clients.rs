//! One client attached to a monitor: what still has to be sent to it, and what it has sent for the container.

use super::protocol::{Damaged, ToClient, ToMonitor, WINDOW, Wants, decode, encode};
use crate::sys::socket;
use nix::errno::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// So much may wait for the client that started the container; then the container itself has to wait.
const PATIENCE_FIRST: usize = 1 << 20;
/// So much may wait for any other; then it is dropped, because nobody's terminal may stop a container that others use.
const PATIENCE_OTHERS: usize = 4 << 20;

pub struct Client {
    /// `None`: it is gone, and only what it said last is still on its way to the container.
    socket: Option<OwnedFd>,
    pub wants: Wants,
    pub is_first: bool,
    outbox: Outbox,
    /// A frame that has not arrived completely.
    inbox: Vec<u8>,
    /// Input for the container that has not been taken yet.
    pub input: Vec<u8>,
    /// After `input` nothing more will come.
    pub input_closed: bool,
}

impl Client {
    pub fn new(socket: OwnedFd, wants: Wants, is_first: bool) -> Self {
        let (outbox, inbox, input) = (Outbox::default(), Vec::new(), Vec::new());
        Client { socket: Some(socket), wants, is_first, outbox, inbox, input, input_closed: false }
    }

    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    pub fn is_finished(&self) -> bool {
        self.socket.is_none() && self.input.is_empty() && !self.input_closed
    }

    /// It vanished, said nonsense, or was too slow. Its input ends too, unless it took its leave.
    pub fn lose(&mut self) {
        if self.socket.take().is_some() {
            self.input_closed |= self.wants.stdin;
            self.outbox = Outbox::default();
            self.inbox = Vec::new();
        }
    }

    pub fn leave(&mut self) {
        self.wants.stdin = false;
        self.lose();
    }

    pub fn has_mail(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// The container must not go on writing before this client has read more.
    pub fn is_holding_up(&self) -> bool {
        self.is_first && self.outbox.len() >= PATIENCE_FIRST
    }

    pub fn say(&mut self, word: &ToClient) {
        let mut frame = Vec::new();
        encode(word, &mut frame);
        self.send(&frame);
    }

    /// Sends a frame now as far as it goes; the rest waits.
    pub fn send(&mut self, frame: &[u8]) {
        let Some(socket) = &self.socket else { return };
        let sent = if self.outbox.is_empty() { socket::send_now(socket.as_fd(), frame) } else { Ok(0) };
        match sent {
            Ok(sent) => self.outbox.push(&frame[sent..]),
            Err(Errno::EAGAIN) => self.outbox.push(frame),
            Err(_) => self.lose(),
        }
        if !self.is_first && self.outbox.len() > PATIENCE_OTHERS {
            self.lose();
        }
    }

    /// There is room again.
    pub fn send_mail(&mut self) {
        let Some(socket) = &self.socket else { return };
        match socket::send_now(socket.as_fd(), self.outbox.bytes()) {
            Ok(sent) => self.outbox.shift(sent),
            Err(Errno::EAGAIN) => {}
            Err(_) => self.lose(),
        }
    }

    /// Takes what has arrived and hands each word on, with this client. `scratch` is the monitor's one buffer.
    pub fn hear(&mut self, scratch: &mut [u8], each: &mut dyn FnMut(&mut Client, &ToMonitor)) {
        let Some(socket) = &self.socket else { return };
        let arrived = match socket::receive_now(socket.as_fd(), scratch) {
            Ok(0) => return self.lose(),
            Ok(n) => &scratch[..n],
            Err(Errno::EAGAIN) => return,
            Err(_) => return self.lose(),
        };
        let mut begun = std::mem::take(&mut self.inbox);
        let bytes = if begun.is_empty() {
            arrived
        } else {
            begun.extend_from_slice(arrived);
            &begun
        };
        let mut rest = bytes;
        loop {
            match decode::<ToMonitor>(rest) {
                Ok(Some((word, length))) => {
                    rest = &rest[length..];
                    each(self, &word);
                }
                Ok(None) => break,
                Err(Damaged) => return self.lose(),
            }
            if self.socket.is_none() {
                return;
            }
        }
        self.inbox = rest.to_vec();
    }

    /// Keeps input for the container. A client that ignores the window is none of ours.
    pub fn keep_input(&mut self, bytes: &[u8]) {
        if self.input.len() + bytes.len() > WINDOW {
            return self.lose();
        }
        self.input.extend_from_slice(bytes);
    }

    /// The container has taken the first `count` bytes.
    pub fn input_taken(&mut self, count: usize) {
        self.input.drain(..count);
        if self.input.is_empty() {
            self.input = Vec::new();
        }
        self.say(&ToClient::Taken(count as u32));
    }
}

/// Bytes that wait; gone from memory when the last one is sent.
#[derive(Default)]
struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    fn bytes(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }
    fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    fn push(&mut self, bytes: &[u8]) {
        // The sent part is cut off only when it is the larger one, so that each byte is moved at most once.
        if self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }
    fn shift(&mut self, count: usize) {
        self.sent += count;
        if self.is_empty() {
            *self = Outbox::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(is_first: bool) -> (Client, OwnedFd) {
        let (ours, theirs) = socket::pair().unwrap();
        (Client::new(ours, Wants { stdin: true, stdout: true, stderr: true }, is_first), theirs)
    }

    #[test]
    fn a_slow_first_client_holds_up_and_another_is_dropped() {
        let frame = vec![7; 60_000];
        let (mut first, _theirs) = pair(true);
        for _ in 0..100 {
            first.send(&frame);
        }
        assert!(first.is_holding_up() && first.socket().is_some());
        let (mut other, _theirs) = pair(false);
        for _ in 0..100 {
            other.send(&frame);
        }
        assert!(!other.is_holding_up() && other.socket().is_none());
    }

    #[test]
    fn what_waited_arrives_in_order() {
        let (mut client, theirs) = pair(true);
        let sent: Vec<u8> = (0..600_000u32).map(|n| n as u8).collect();
        sent.chunks(50_000).for_each(|frame| client.send(frame));
        let (mut got, mut buffer) = (Vec::new(), vec![0; 30_000]);
        while got.len() < sent.len() {
            let n = socket::receive_now(theirs.as_fd(), &mut buffer).unwrap();
            got.extend_from_slice(&buffer[..n]);
            client.send_mail();
        }
        assert!(got == sent && !client.has_mail());
    }

    #[test]
    fn words_arrive_though_the_bytes_come_one_by_one() {
        let (mut client, theirs) = pair(true);
        let (mut frames, mut heard, mut scratch) = (Vec::new(), 0, [0; 64]);
        encode(&ToMonitor::Signal(2), &mut frames);
        encode(&ToMonitor::Stdin(b"abc"), &mut frames);
        for byte in &frames {
            socket::send_all(theirs.as_fd(), &[*byte]).unwrap();
            client.hear(&mut scratch, &mut |client, word| {
                heard += 1;
                if let ToMonitor::Stdin(bytes) = word {
                    client.keep_input(bytes);
                }
            });
        }
        assert_eq!((heard, client.input.as_slice()), (2, &b"abc"[..]));
    }

    #[test]
    fn nonsense_ends_the_client_and_its_input() {
        let (mut client, theirs) = pair(true);
        socket::send_all(theirs.as_fd(), &[200; 64]).unwrap();
        client.hear(&mut [0; 64], &mut |_, _| panic!("no word"));
        assert!(client.socket().is_none() && client.input_closed);
        client.input_closed = false;
        assert!(client.is_finished());
    }
}
