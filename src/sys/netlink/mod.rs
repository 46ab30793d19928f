//! The kernel's network is told and asked in messages: netlink(7). Links, addresses and routes each have a file, and so have rules.

pub mod addresses;
pub mod links;
pub mod message;
pub mod neighbours;
pub mod nftables;
pub mod routes;
pub mod traffic;

use crate::sys::Errno;
use message::{ACKNOWLEDGE, Answer, DONE, DUMP, ERROR, Message};
use nix::sys::socket::{self, AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType};
use std::os::fd::{AsRawFd, OwnedFd};

/// Of the network namespace in which it was opened, also when its process goes to another.
pub struct Netlink(OwnedFd);

impl Netlink {
    /// Links, addresses, routes: rtnetlink(7).
    pub fn open() -> Result<Netlink, Errno> {
        Netlink::of(SockProtocol::NetlinkRoute)
    }

    /// Rules: nf_tables.
    pub fn open_netfilter() -> Result<Netlink, Errno> {
        Netlink::of(SockProtocol::NetlinkNetFilter)
    }

    fn of(protocol: SockProtocol) -> Result<Netlink, Errno> {
        let fd = socket::socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
        socket::bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Netlink(fd))
    }

    /// One change.
    pub fn tell(&self, mut message: Message) -> Result<(), Errno> {
        message.add_flags(ACKNOWLEDGE);
        self.send(&message.finish(1))?;
        self.hear(1).map(drop)
    }

    /// Several changes in one call; what became of each. One that fails does not stop those behind it.
    pub fn tell_all(&self, messages: Vec<Message>) -> Result<Vec<Result<(), Errno>>, Errno> {
        let mut bytes = Vec::new();
        let count = messages.len() as u32;
        for (number, mut message) in (1..).zip(messages) {
            message.add_flags(ACKNOWLEDGE);
            bytes.extend(message.finish(number));
        }
        self.send(&bytes)?;
        self.hear_verdicts(count)
    }

    /// A question with many answers.
    pub fn ask(&self, mut message: Message) -> Result<Vec<Answer>, Errno> {
        message.add_flags(DUMP);
        self.send(&message.finish(1))?;
        self.hear(1)
    }

    /// A question about one thing.
    pub fn ask_one(&self, mut message: Message) -> Result<Answer, Errno> {
        message.add_flags(ACKNOWLEDGE);
        self.send(&message.finish(1))?;
        self.hear(1)?.into_iter().next().ok_or(Errno::ENOENT)
    }

    pub(super) fn send(&self, bytes: &[u8]) -> Result<(), Errno> {
        socket::send(self.0.as_raw_fd(), bytes, MsgFlags::empty()).map(drop)
    }

    /// Of the messages 1 to `count`, each of which wants to be answered.
    fn hear_verdicts(&self, count: u32) -> Result<Vec<Result<(), Errno>>, Errno> {
        let mut verdicts = Vec::new();
        let mut buffer = vec![0; 16 << 10];
        while verdicts.len() < count as usize {
            let length = match socket::recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let mut rest = &buffer[..length];
            while let Some((_, answer, after)) = message::split(rest) {
                rest = after;
                if answer.kind == ERROR {
                    verdicts.push(message::verdict(&answer.body));
                }
            }
        }
        Ok(verdicts)
    }

    /// Until the kernel has said everything about the message of this number, or that it cannot.
    pub(super) fn hear(&self, number: u32) -> Result<Vec<Answer>, Errno> {
        let mut answers = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let length = match socket::recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let mut rest = &buffer[..length];
            while let Some((of, answer, after)) = message::split(rest) {
                rest = after;
                match answer.kind {
                    // What was not asked for by us, or an answer to an earlier question that nobody waits for.
                    _ if of != number => {}
                    DONE => return Ok(answers),
                    ERROR => return message::verdict(&answer.body).map(|()| answers),
                    _ => answers.push(answer),
                }
            }
        }
    }
}
