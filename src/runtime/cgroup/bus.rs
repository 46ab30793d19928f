//! As much of D-Bus as it takes to ask systemd for a scope: calls, their answers, and one signal.
//!
//! On systemd's private socket nobody stands between it and its caller, so there is no Hello and no name. An ordinary user's systemd
//! has such a socket, too; where only his session's bus can be reached (it was handed into a sandbox, say), that passes the words on.

use super::message::{self, Message, Object, Words};
use crate::error::{Context, Error, Result};
use crate::sys::poll::{Watched, poll};
use crate::sys::{identity, socket, user_namespace};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

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

/// That of the user whom we are outside of our namespace; `None`: he has none.
pub fn of_user() -> Result<Option<Bus>> {
    let runtime_dirs = runtime_dirs();
    if let Some(private) = runtime_dirs.iter().map(|dir| dir.join("systemd/private")).find(|socket| socket.exists()) {
        return Bus::connect(&private).map(Some);
    }
    let of_session = std::env::var("DBUS_SESSION_BUS_ADDRESS").ok().and_then(|addresses| socket_of(&addresses));
    let brokers = of_session.into_iter().chain(runtime_dirs.iter().map(|dir| dir.join("bus")));
    brokers.into_iter().find(|socket| socket.exists()).map(|socket| Bus::connect_to_broker(&socket)).transpose()
}

/// Sessions without a login (su, cron) do not name the directory, although it may be there.
fn runtime_dirs() -> Vec<PathBuf> {
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let uid = user_namespace::outside(identity::own_uid());
    named.into_iter().chain(uid.map(|uid| PathBuf::from(format!("/run/user/{uid}")))).collect()
}

/// "Server Addresses" of the D-Bus specification: several, each a kind and its words; only sockets with a path are known here.
fn socket_of(addresses: &str) -> Option<PathBuf> {
    let words = addresses.split(';').find_map(|address| address.strip_prefix("unix:"))?;
    words.split(',').find_map(|word| word.strip_prefix("path=")).map(PathBuf::from)
}

/// An answer that is an error: its name, and what it says.
pub type Refusal = (String, String);

impl Bus {
    pub fn connect(path: &Path) -> Result<Bus> {
        let what = || format!("{WHAT} at {}", path.display());
        let socket = socket::connect(path).with_context(what)?;
        // Who we are is in the socket itself, as others see us; the name is that uid's digits, each in hexadecimal.
        let own = identity::own_uid();
        let seen = if user_namespace::is_initial() { own } else { user_namespace::outside(own).unwrap_or(own) };
        let uid: String = seen.to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
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

    /// It wants to be greeted, and to know whose signals we want to hear.
    fn connect_to_broker(path: &Path) -> Result<Bus> {
        const SIGNALS: &str = "type='signal',interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";
        let mut bus = Bus::connect(path)?;
        for (member, signature, body) in [("Hello", "", Words::default()), ("AddMatch", "s", Words::default().text(SIGNALS))] {
            let answer = bus.call_to(&message::BROKER, member, signature, &body)?;
            answer.map_err(|(name, text)| Error::failed(WHAT).because(format!("{name}: {text}")))?;
        }
        Ok(bus)
    }

    /// The texts of the answer, or the name and the text of an error.
    pub fn call(&mut self, member: &str, signature: &str, body: &Words) -> Result<Result<Vec<String>, Refusal>> {
        self.call_to(&message::SYSTEMD, member, signature, body)
    }

    fn call_to(&mut self, to: &Object, member: &str, signature: &str, body: &Words) -> Result<Result<Vec<String>, Refusal>> {
        self.serial += 1;
        socket::send_all(self.socket.as_fd(), &message::call(to, self.serial, member, signature, body)).context(WHAT)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_socket() {
        assert_eq!(socket_of("unix:path=/run/user/1000/bus"), Some("/run/user/1000/bus".into()));
        assert_eq!(socket_of("tcp:host=x;unix:guid=1,path=/a"), Some("/a".into()));
        assert_eq!(socket_of("unix:abstract=/tmp/x"), None);
    }
}
