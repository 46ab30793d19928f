//! Rules for packets: messages of nf_tables. A batch of them happens as a whole or not at all.
//!
//! What there is: a **table** of one family holds **chains** (`objects.rs`), which are hung at a hook of the way of a packet;
//! **rules** in them, each a row of expressions over registers (`expressions.rs`); and **sets** and maps that rules look into
//! (`sets.rs`), whose elements come and go without any rule being touched. `looking.rs` asks what is there.

pub mod expressions;
pub mod looking;
pub mod objects;
pub mod sets;

use super::Netlink;
use super::message::{self, ERROR, Message};
use crate::sys::Errno;
use nix::sys::socket::{self, MsgFlags, sockopt};
use std::os::fd::AsRawFd;

/// Which packets a table sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    V4 = 2,
    V6 = 10,
}

impl Family {
    pub const BOTH: [Family; 2] = [Family::V4, Family::V6];

    pub fn of(address: std::net::IpAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }
    /// As nft calls it.
    pub fn word(self) -> &'static str {
        match self {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        }
    }
}

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;

/// struct nfgenmsg: family, version, number of the subsystem where a batch begins.
const HEAD: usize = 4;

/// `kind`: NFT_MSG_…
fn message(kind: u16, flags: u16, family: u8) -> Message {
    Message::new(SUBSYSTEM << 8 | kind, flags, &[family, 0, 0, 0])
}

/// Changes that happen all at once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    messages: Vec<Message>,
    /// They are right only as long as nobody has changed anything since.
    generation: Option<u32>,
}

/// Which of a batch's messages the kernel did not like, and why; then none of them has happened.
#[derive(Debug)]
pub struct Refused(pub Vec<(usize, Errno)>);

impl Refused {
    /// All of them for this reason.
    pub fn only(&self, errno: Errno) -> bool {
        self.0.iter().all(|(_, found)| *found == errno)
    }
    pub fn first(&self) -> Errno {
        self.0.first().map_or(Errno::EIO, |(_, errno)| *errno)
    }
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Refused {
        Refused(vec![(usize::MAX, errno)])
    }
}

impl Batch {
    pub fn push(&mut self, message: Message) {
        self.messages.push(message);
    }
    pub fn extend(&mut self, messages: impl IntoIterator<Item = Message>) {
        self.messages.extend(messages);
    }
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
    pub fn len(&self) -> usize {
        self.messages.len()
    }
    /// Without those messages.
    pub fn without(self, numbers: &[usize]) -> Batch {
        let kept = self.messages.into_iter().enumerate().filter(|(number, _)| !numbers.contains(number));
        Batch { messages: kept.map(|(_, message)| message).collect(), ..self }
    }
    /// If somebody changes anything after this generation it is refused with ERESTART.
    pub fn at_generation(self, generation: u32) -> Batch {
        Batch { generation: Some(generation), ..self }
    }

    fn finish(&self) -> Vec<u8> {
        let border = |kind| Message::new(kind, 0, &[0, 0, 0, SUBSYSTEM as u8]);
        let begin = self.generation.iter().fold(border(BATCH_BEGIN), |begin, generation| begin.number_of_nftables(1, *generation));
        let mut bytes = begin.finish(0);
        for (number, message) in self.messages.iter().enumerate() {
            bytes.extend(message.finish(number as u32 + 1));
        }
        bytes.extend(border(BATCH_END).finish(self.messages.len() as u32 + 1));
        bytes
    }
}

impl Netlink {
    /// It grows with every change of anybody's rules.
    pub fn generation(&self) -> Result<u32, Errno> {
        const GET_GENERATION: u16 = 16;
        let answer = self.ask_one(message(GET_GENERATION, 0, 0))?;
        answer.attributes(HEAD).number_of_nftables(1).ok_or(Errno::EPROTO)
    }

    /// The kernel has done everything, and has said what was wrong with it, before `send` returns: so whatever can be heard is
    /// there, and nothing to be heard is success.
    pub fn commit(&self, batch: &Batch) -> Result<(), Refused> {
        let bytes = batch.finish();
        self.make_room_for(bytes.len())?;
        self.send(&bytes)?;
        let mut refused = Vec::new();
        let mut buffer = vec![0; 16 << 10];
        loop {
            let length = match socket::recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
                Err(Errno::EAGAIN) => break,
                // There was more to say than fits: what has been heard is enough.
                Err(Errno::ENOBUFS) => {
                    refused.push((usize::MAX, Errno::ENOBUFS));
                    continue;
                }
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let mut rest = &buffer[..length];
            while let Some((number, answer, after)) = message::split(rest) {
                rest = after;
                if let (ERROR, Err(errno)) = (answer.kind, message::verdict(&answer.body)) {
                    refused.push(((number as usize).wrapping_sub(1), errno));
                }
            }
        }
        if refused.is_empty() { Ok(()) } else { Err(Refused(refused)) }
    }

    /// A message that is longer than the socket's buffer is refused.
    fn make_room_for(&self, length: usize) -> Result<(), Errno> {
        const USUAL: usize = 100 << 10;
        if length > USUAL {
            socket::setsockopt(&self.0, sockopt::SndBufForce, &(2 * length))?;
            socket::setsockopt(&self.0, sockopt::RcvBufForce, &(2 * length))?;
        }
        Ok(())
    }
}
