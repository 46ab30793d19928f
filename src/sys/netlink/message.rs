//! A message to the kernel and its answers: a header, a fixed part, and attributes that may hold attributes (netlink(7)).

use crate::sys::Errno;

pub const REQUEST: u16 = 1;
pub const ACKNOWLEDGE: u16 = 4;
pub const DUMP: u16 = 0x300;
/// What is there already is an error.
pub const EXCLUSIVE: u16 = 0x200;
pub const REPLACE: u16 = 0x100;
pub const CREATE: u16 = 0x400;
pub const APPEND: u16 = 0x800;

pub const ERROR: u16 = 2;
pub const DONE: u16 = 3;
const NESTED: u16 = 0x8000;

/// Headers of a message and of an attribute.
pub const HEADER: usize = 16;
const ATTRIBUTE: usize = 4;

/// One that is being written.
#[derive(Clone, Debug)]
pub struct Message(Vec<u8>);

impl Message {
    /// `head`: the fixed part of this kind of message.
    pub fn new(kind: u16, flags: u16, head: &[u8]) -> Message {
        let mut bytes = vec![0; 4];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend((flags | REQUEST).to_ne_bytes());
        // Number and port: the sender numbers them, and the kernel fills the port in.
        bytes.extend([0; 8]);
        bytes.extend(head);
        Message(bytes)
    }

    pub fn bytes(mut self, kind: u16, value: &[u8]) -> Message {
        self.put(kind, value);
        self
    }
    /// With a zero at its end.
    pub fn text(self, kind: u16, value: &str) -> Message {
        self.bytes(kind, &[value.as_bytes(), &[0]].concat())
    }
    /// In this machine's order, as rtnetlink wants it.
    pub fn number(self, kind: u16, value: u32) -> Message {
        self.bytes(kind, &value.to_ne_bytes())
    }
    /// The most valuable byte first, as nf_tables wants it.
    pub fn number_of_nftables(self, kind: u16, value: u32) -> Message {
        self.bytes(kind, &value.to_be_bytes())
    }
    pub fn nest(mut self, kind: u16, fill: impl FnOnce(Message) -> Message) -> Message {
        let at = self.0.len();
        self.put(kind | NESTED, &[]);
        let mut whole = fill(self);
        let length = (whole.0.len() - at) as u16;
        whole.0[at..at + 2].copy_from_slice(&length.to_ne_bytes());
        whole
    }
    /// A fixed part in the midst of attributes (of the peer of a veth).
    pub fn raw(mut self, bytes: &[u8]) -> Message {
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// Everything is aligned to four bytes.
    fn put(&mut self, kind: u16, value: &[u8]) {
        self.0.extend(((ATTRIBUTE + value.len()) as u16).to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    /// As it is sent.
    pub(super) fn finish(&self, number: u32) -> Vec<u8> {
        let mut bytes = self.0.clone();
        let length = bytes.len() as u32;
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        bytes[8..12].copy_from_slice(&number.to_ne_bytes());
        bytes
    }
    pub(super) fn add_flags(&mut self, more: u16) {
        let flags = u16::from_ne_bytes([self.0[6], self.0[7]]) | more;
        self.0[6..8].copy_from_slice(&flags.to_ne_bytes());
    }
}

/// What the kernel told: the kind of the message, and what follows its header.
#[derive(Clone, Debug)]
pub struct Answer {
    pub kind: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// The attributes behind a fixed part of so many bytes.
    pub fn attributes(&self, head: usize) -> Attributes<'_> {
        Attributes(self.body.get(head..).unwrap_or_default())
    }
}

/// Kind and value of each; what is cut short is left out.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(pub &'a [u8]);

impl<'a> Attributes<'a> {
    pub fn value(self, kind: u16) -> Option<&'a [u8]> {
        { self }.find(|(found, _)| *found == kind).map(|(_, value)| value)
    }
    pub fn text(self, kind: u16) -> Option<&'a str> {
        std::str::from_utf8(self.value(kind)?.split(|byte| *byte == 0).next()?).ok()
    }
    pub fn number(self, kind: u16) -> Option<u32> {
        number(self.value(kind)?, 0)
    }
    pub fn number_of_nftables(self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.value(kind)?.get(..4)?.try_into().ok()?))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);
    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let length = usize::from(short(self.0, 0)?);
        let kind = short(self.0, 2)? & 0x3fff;
        let value = self.0.get(ATTRIBUTE..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

pub fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// One of several in a buffer: its number, itself, and what follows.
pub(super) fn split(bytes: &[u8]) -> Option<(u32, Answer, &[u8])> {
    let length = number(bytes, 0)? as usize;
    let body = bytes.get(HEADER..length)?.to_vec();
    let rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((number(bytes, 8)?, Answer { kind: short(bytes, 4)?, body }, rest))
}

/// What an ERROR message says; zero is an acknowledgement.
pub(super) fn verdict(body: &[u8]) -> Result<(), Errno> {
    match number(body, 0).map_or(0, |code| code as i32) {
        0 => Ok(()),
        code => Err(Errno::from_raw(-code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_as_they_were_written() {
        let message =
            Message::new(1, 0, &[9; 4]).text(3, "eth0").nest(18, |inner| inner.number(1, 7).bytes(2, &[1, 2, 3, 4, 5])).number(5, 8);
        let bytes = message.finish(4);
        let (number, answer, rest) = split(&bytes).unwrap();
        assert_eq!((number, answer.kind, rest.len()), (4, 1, 0));
        let all = answer.attributes(4);
        assert_eq!((all.text(3), all.number(5)), (Some("eth0"), Some(8)));
        let inner = Attributes(all.value(18).unwrap());
        assert_eq!((inner.number(1), inner.value(2)), (Some(7), Some(&[1, 2, 3, 4, 5][..])));
        for length in 0..bytes.len() {
            let _ = split(&bytes[..length]);
            let _ = Attributes(&bytes[..length]).count();
        }
    }
}
