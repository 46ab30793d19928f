//! As much of D-Bus as it takes to ask systemd for a scope: calls, their answers, and one signal.
//!
//! On systemd's private socket nobody stands between it and its caller, so there is no Hello and no name.

use super::message::{self, Message, Words};
use crate::error::{Context, Error, Result};
use crate::sys::poll::{Watched, poll};
use crate::sys::{identity, socket};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

const WHAT: &str = "cannot speak with systemd";
/// Systemd's answers are some hundred bytes; its signals may be longer.
const LONGEST: usize = 1 << 20;
/// It answers at once, or something is wrong with it.
const PATIENCE: i32 = 60_000;

pub struct Bus {
    socket: OwnedFd,
    serial: u32,
    /// Jobs that have ended, with their results.
    ended: Vec<(String, String)>,
}

/// An answer that is an error: its name, and what it says.
pub type Refusal = (String, String);

impl Bus {
    pub fn connect(path: &Path) -> Result<Bus> {
        let what = || format!("{WHAT} at {}", path.display());
        let socket = socket::connect(path).with_context(what)?;
        // Who we are is in the socket itself; the name is our uid's digits, each in hexadecimal.
        let uid: String = identity::own_uid().to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
        socket::send_all(socket.as_fd(), format!("\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n").as_bytes()).with_context(what)?;
        let mut bus = Bus { socket, serial: 0, ended: Vec::new() };
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") && line.len() < 256 {
            line.extend(bus.exactly(1)?);
        }
        match line.starts_with(b"OK") {
            true => Ok(bus),
            false => Err(Error::failed(what()).because(String::from_utf8_lossy(&line).trim())),
        }
    }

    /// The texts of the answer, or the name and the text of an error.
    pub fn call(&mut self, member: &str, signature: &str, body: &Words) -> Result<Result<Vec<String>, Refusal>> {
        self.serial += 1;
        socket::send_all(self.socket.as_fd(), &message::call(self.serial, member, signature, body)).context(WHAT)?;
        loop {
            let reply = self.next()?;
            match reply.kind {
                message::ANSWER if reply.answers == self.serial => return Ok(Ok(reply.texts(0))),
                message::ERROR if reply.answers == self.serial => {
                    let text = reply.texts(0).into_iter().next().unwrap_or_default();
                    return Ok(Err((reply.error, text)));
                }
                _ => {}
            }
        }
    }

    /// Until systemd has done what it was asked for; `done`, or how it ended otherwise.
    pub fn wait_for(&mut self, job: &str) -> Result<String> {
        loop {
            if let Some((_, result)) = self.ended.iter().find(|(ended, _)| ended == job) {
                return Ok(result.clone());
            }
            self.next()?;
        }
    }

    fn next(&mut self) -> Result<Message> {
        let nonsense = || Error::damaged(WHAT).because("it said something that makes no sense");
        let mut bytes = self.exactly(16)?;
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize;
        let rest = number(12).next_multiple_of(8).saturating_add(number(4));
        if bytes[0] != b'l' || rest > LONGEST {
            return Err(nonsense());
        }
        bytes.extend(self.exactly(rest)?);
        let message = Message::decode(&bytes).ok_or_else(nonsense)?;
        if message.member == "JobRemoved"
            && let [job, _, result] = &message.texts(1)[..]
        {
            self.ended.push((job.clone(), result.clone()));
        }
        Ok(message)
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>> {
        let (mut bytes, mut filled) = (vec![0; length], 0);
        while filled < length {
            if !poll(&mut [Watched::new(self.socket.as_fd(), true, false)], Some(PATIENCE)).context(WHAT)? {
                return Err(Error::failed(WHAT).because("it does not answer"));
            }
            match socket::receive(self.socket.as_fd(), &mut bytes[filled..]).context(WHAT)? {
                0 => return Err(Error::failed(WHAT).because("it has hung up")),
                count => filled += count,
            }
        }
        Ok(bytes)
    }
}
