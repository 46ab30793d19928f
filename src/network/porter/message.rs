//! Messages of DNS (RFC 1035), as much of them as a resolver of names must understand: one question in, answers to it out.
//!
//! What comes in was written by anybody. Nothing here trusts a length, follows a pointer, or takes more steps than there are bytes.

use std::net::IpAddr;

pub const A: u16 = 1;
pub const PTR: u16 = 12;
pub const AAAA: u16 = 28;
pub const ANY: u16 = 255;
const OPT: u16 = 41;
const INTERNET: u16 = 1;

/// Answers to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine = 0,
    Malformed = 1,
    /// Nobody could be asked, or nobody answered.
    Failed = 2,
    NoSuchName = 3,
    NotImplemented = 4,
}

const HEADER: usize = 12;
const LONGEST_NAME: usize = 255;
const LONGEST_LABEL: usize = 63;
/// Datagrams are no longer for one who says nothing of what it can take.
const PLAIN_DATAGRAM: usize = 512;
/// And for nobody: whoever wants more asks by TCP.
const MOST_IN_A_DATAGRAM: usize = 4096;
pub const MOST_IN_A_STREAM: usize = u16::MAX as usize;

/// A message with one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    pub id: u16,
    /// Its labels in small letters, with dots between them. `None`: one has letters that no name of ours has.
    pub name: Option<String>,
    pub kind: u16,
    class: u16,
    recursion_desired: bool,
    /// Where the question ends in the message.
    end: usize,
    /// How long a datagram may be, said by EDNS (RFC 6891).
    room: Option<u16>,
}

/// What a message from a client is.
pub enum Heard {
    Question(Question),
    /// To be answered with this.
    Wrong(Vec<u8>),
    /// Not to be answered: two who answer answers would never end.
    Nothing,
}

impl Question {
    pub fn read(message: &[u8]) -> Heard {
        let Some(header) = message.get(..HEADER) else { return Heard::Nothing };
        if header[2] & 0x80 != 0 {
            return Heard::Nothing;
        }
        if header[2] & 0x78 != 0 {
            return Heard::Wrong(bare(message, Verdict::NotImplemented));
        }
        match Question::read_body(message) {
            Some(question) => Heard::Question(question),
            None => Heard::Wrong(bare(message, Verdict::Malformed)),
        }
    }

    fn read_body(message: &[u8]) -> Option<Question> {
        let count = |at| number(message, at);
        if count(4)? != 1 {
            return None;
        }
        let (name, after) = read_name(message, HEADER)?;
        let (kind, class, end) = (number(message, after)?, number(message, after + 2)?, after + 4);
        // A question brings no answers, but whatever it brings stands before the word of EDNS.
        let before = usize::from(count(6)?) + usize::from(count(8)?);
        let room = find_room(message, end, before, count(10)?.into());
        Some(Question { id: count(0)?, name, kind, class, recursion_desired: message[2] & 1 != 0, end, room })
    }

    pub fn is_of_the_internet(&self) -> bool {
        matches!(self.class, INTERNET | 255)
    }

    /// How long an answer may be that goes as a datagram.
    pub fn room_in_datagram(&self) -> usize {
        usize::from(self.room.unwrap_or(0)).clamp(PLAIN_DATAGRAM, MOST_IN_A_DATAGRAM)
    }

    /// The address of which it wants the name: `4.3.2.1.in-addr.arpa`, or 32 digits and `ip6.arpa`.
    pub fn address(&self) -> Option<IpAddr> {
        let name = self.name.as_deref().filter(|_| self.kind == PTR)?;
        if let Some(parts) = name.strip_suffix(".in-addr.arpa") {
            let parts: Vec<u8> = parts.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
            let [d, c, b, a] = parts[..] else { return None };
            return Some(IpAddr::from([a, b, c, d]));
        }
        let digits = name.strip_suffix(".ip6.arpa")?.split('.').rev();
        let digits: Vec<u16> =
            digits.map(|digit| u16::from_str_radix(digit, 16).ok().filter(|_| digit.len() == 1)).collect::<Option<_>>()?;
        let groups: Vec<u16> = digits.chunks(4).map(|group| group.iter().fold(0, |sum, digit| sum << 4 | digit)).collect();
        let groups: [u16; 8] = groups.try_into().ok().filter(|_| digits.len() == 32)?;
        Some(IpAddr::from(groups))
    }

    /// Whether `reply` belongs to this question, asked under `id`.
    pub fn is_answered_by(&self, asked: &[u8], id: u16, reply: &[u8]) -> bool {
        let Some(header) = reply.get(..HEADER) else { return false };
        let (is_reply, same_id) = (header[2] & 0x80 != 0, header[..2] == id.to_be_bytes());
        let echo = reply.get(HEADER..self.end).zip(asked.get(HEADER..self.end));
        is_reply && same_id && number(reply, 4) == Some(1) && echo.is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
    }
}

/// Whether another server may know better than this reply: it failed, does not do this, or does not want to.
pub fn is_worthless(reply: &[u8]) -> bool {
    reply.get(3).is_none_or(|byte| matches!(byte & 15, 2 | 4 | 5))
}

pub fn set_id(message: &mut [u8], id: u16) {
    if let Some(place) = message.get_mut(..2) {
        place.copy_from_slice(&id.to_be_bytes());
    }
}

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Address(IpAddr),
    Name(String),
}

/// The reply to a question, with as many records as there is room for; if they are not all, it says so.
pub fn reply(asked: &[u8], question: &Question, verdict: Verdict, records: &[Record], room: usize) -> Vec<u8> {
    let mut reply = head(question.id, question.recursion_desired, verdict);
    reply[5] = 1;
    reply.extend_from_slice(asked.get(HEADER..question.end).unwrap_or_default());
    // EDNS is answered with EDNS.
    let opt: &[u8] = if question.room.is_some() { &[0, 0, OPT as u8, (MOST_IN_A_DATAGRAM >> 8) as u8, 0, 0, 0, 0, 0, 0, 0] } else { &[] };
    let mut count = 0u16;
    for record in records {
        let before = reply.len();
        write_record(&mut reply, record);
        if reply.len() + opt.len() > room {
            reply.truncate(before);
            reply[2] |= 2;
            break;
        }
        count += 1;
    }
    reply[6..8].copy_from_slice(&count.to_be_bytes());
    if !opt.is_empty() {
        reply[11] = 1;
        reply.extend_from_slice(opt);
    }
    reply
}

/// Nobody shall remember what may not be true in a moment.
const TIME_TO_LIVE: u32 = 0;

fn write_record(reply: &mut Vec<u8>, record: &Record) {
    let (kind, data) = match record {
        Record::Address(IpAddr::V4(address)) => (A, address.octets().to_vec()),
        Record::Address(IpAddr::V6(address)) => (AAAA, address.octets().to_vec()),
        Record::Name(name) => (PTR, wire_name(name)),
    };
    // The name of the question, which stands right behind the header.
    reply.extend_from_slice(&[0xc0, HEADER as u8]);
    reply.extend_from_slice(&kind.to_be_bytes());
    reply.extend_from_slice(&INTERNET.to_be_bytes());
    reply.extend_from_slice(&TIME_TO_LIVE.to_be_bytes());
    reply.extend_from_slice(&(data.len() as u16).to_be_bytes());
    reply.extend_from_slice(&data);
}

/// Of our names, which are all short enough; one that were not would be cut.
fn wire_name(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        let label = &label.as_bytes()[..label.len().min(LONGEST_LABEL)];
        if bytes.len() + label.len() + 2 > LONGEST_NAME {
            break;
        }
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label);
    }
    bytes.push(0);
    bytes
}

/// It is a reply, and recursion is available.
fn head(id: u16, recursion_desired: bool, verdict: Verdict) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    vec![high, low, 0x80 | u8::from(recursion_desired), 0x80 | verdict as u8, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// To what cannot be read.
fn bare(message: &[u8], verdict: Verdict) -> Vec<u8> {
    let mut bare = head(number(message, 0).unwrap_or(0), message.get(2).is_some_and(|byte| byte & 1 != 0), verdict);
    bare[2] |= message.get(2).map_or(0, |byte| byte & 0x78);
    bare
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]))
}

/// The name, and where it ends. The first name of a message has nothing before it that a pointer could lead to.
fn read_name(message: &[u8], mut at: usize) -> Option<(Option<String>, usize)> {
    let (start, mut name, mut is_plain) = (at, String::new(), true);
    loop {
        let length = usize::from(*message.get(at)?);
        let label = message.get(at + 1..at + 1 + length).filter(|_| length <= LONGEST_LABEL)?;
        at += 1 + length;
        if at - start > LONGEST_NAME {
            return None;
        }
        if label.is_empty() {
            return Some((is_plain.then_some(name), at));
        }
        // A dot inside of a label is not the dot between two, and a slash is no letter of a file's name.
        is_plain &= label.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'.' | b'/'));
        if !name.is_empty() {
            name.push('.');
        }
        name.extend(label.iter().map(|byte| byte.to_ascii_lowercase() as char));
    }
}

/// Looks for the word of EDNS among the last records.
fn find_room(message: &[u8], mut at: usize, before: usize, additional: usize) -> Option<u16> {
    for number_of_record in 0..before + additional {
        at = skip_name(message, at)?;
        let (kind, class, length) = (number(message, at)?, number(message, at + 2)?, number(message, at + 8)?);
        if kind == OPT && number_of_record >= before {
            return Some(class);
        }
        at += 10 + usize::from(length);
    }
    None
}

fn skip_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += 1 + usize::from(length),
        }
    }
}

#[cfg(test)]
#[path = "message_tests.rs"]
pub mod tests;
