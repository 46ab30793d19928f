//! Network interfaces: rtnetlink(7).

use super::Netlink;
use super::message::{CREATE, EXCLUSIVE, Message, number};
use crate::sys::Errno;
use std::os::fd::{AsRawFd, BorrowedFd};

const NEW_LINK: u16 = 16;
const REMOVE_LINK: u16 = 17;
const GET_LINK: u16 = 18;

const ADDRESS: u16 = 1;
const NAME: u16 = 3;
const MTU: u16 = 4;
const BRIDGE: u16 = 10;
const ABOUT: u16 = 18;
const NAMESPACE: u16 = 28;
/// Below ABOUT.
const KIND: u16 = 1;
const DATA: u16 = 2;
/// Below DATA, of a veth: its other end.
const OTHER_END: u16 = 1;

/// struct ifinfomsg
const HEAD: usize = 16;
const UP: u32 = libc::IFF_UP as u32;
const LOOPBACK: u32 = libc::IFF_LOOPBACK as u32;

/// Below BY_FAMILY, of IPv6: which addresses an interface gives itself.
const BY_FAMILY: u16 = 26;
const GENERATION: u16 = 8;

/// One end of a cable.
pub struct End<'a> {
    pub name: &'a str,
    pub mac: [u8; 6],
}

/// An interface, as the kernel tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub index: u32,
    pub name: String,
    /// The index of the bridge, or of what else it is a part of.
    pub bridge: Option<u32>,
    pub is_up: bool,
    pub is_loopback: bool,
}

impl Netlink {
    /// Into another network namespace, under a name there. It is switched off then, and has no addresses.
    pub fn move_link(&self, index: u32, namespace: BorrowedFd, name: &str) -> Result<(), Errno> {
        let message = Message::new(NEW_LINK, 0, &head(index, 0, 0));
        self.tell(message.number(NAMESPACE, namespace.as_raw_fd() as u32).text(NAME, name))
    }

    pub fn switch_on(&self, index: u32) -> Result<(), Errno> {
        self.tell(switched_on(index))
    }

    /// With it go the routes over it.
    pub fn switch_off(&self, index: u32) -> Result<(), Errno> {
        self.tell(Message::new(NEW_LINK, 0, &head(index, 0, UP)))
    }

    /// Switched on, for packets of this length.
    pub fn switch_on_for(&self, index: u32, mtu: u32) -> Result<(), Errno> {
        self.tell(Message::new(NEW_LINK, 0, &head(index, UP, UP)).number(MTU, mtu))
    }

    /// Switched on. Its address is given, because else it would change with the cables that are plugged in.
    pub fn make_bridge(&self, name: &str, mac: [u8; 6], mtu: Option<u32>) -> Result<(), Errno> {
        let message = Message::new(NEW_LINK, CREATE | EXCLUSIVE, &head(0, UP, UP)).text(NAME, name).bytes(ADDRESS, &mac);
        self.tell(with_mtu(message, mtu).nest(ABOUT, |about| about.bytes(KIND, b"bridge")))
    }

    /// A cable from a bridge of this namespace into another namespace, in one request, because to move an end later costs 35 ms.
    /// This end is switched on; the other one cannot be before it has this one.
    pub fn make_cable(&self, here: &End, bridge: u32, there: &End, namespace: BorrowedFd, mtu: Option<u32>) -> Result<(), Errno> {
        let other_end = |message: Message| {
            let end = message.raw(&head(0, 0, 0)).text(NAME, there.name).bytes(ADDRESS, &there.mac);
            with_mtu(end, mtu).number(NAMESPACE, namespace.as_raw_fd() as u32)
        };
        let message = Message::new(NEW_LINK, CREATE | EXCLUSIVE, &head(0, UP, UP)).text(NAME, here.name).bytes(ADDRESS, &here.mac);
        let message = with_mtu(message.number(BRIDGE, bridge), mtu);
        self.tell(message.nest(ABOUT, |about| about.bytes(KIND, b"veth").nest(DATA, |data| data.nest(OTHER_END, other_end))))
    }

    /// A cable that is there already.
    pub fn plug_into(&self, name: &str, bridge: u32) -> Result<(), Errno> {
        self.tell(Message::new(NEW_LINK, 0, &head(0, 0, 0)).text(NAME, name).number(BRIDGE, bridge))
    }

    /// With a cable its other end goes as well.
    pub fn remove_link(&self, name: &str) -> Result<(), Errno> {
        self.tell(Message::new(REMOVE_LINK, 0, &head(0, 0, 0)).text(NAME, name))
    }

    pub fn remove_link_of_number(&self, index: u32) -> Result<(), Errno> {
        self.tell(Message::new(REMOVE_LINK, 0, &head(index, 0, 0)))
    }

    /// Without their counters, which nobody asks for and which take the kernel most of its time.
    pub fn links(&self) -> Result<Vec<Link>, Errno> {
        const DETAIL: u16 = 29;
        const WITHOUT_COUNTERS: u32 = 8;
        let answers = self.ask(Message::new(GET_LINK, 0, &head(0, 0, 0)).number(DETAIL, WITHOUT_COUNTERS))?;
        let link = |answer: &super::message::Answer| {
            let all = answer.attributes(HEAD);
            let flags = number(&answer.body, 8)?;
            let (is_up, is_loopback) = (flags & UP != 0, flags & LOOPBACK != 0);
            let (index, name) = (number(&answer.body, 4)?, all.text(NAME)?.to_owned());
            Some(Link { index, name, bridge: all.number(BRIDGE), is_up, is_loopback })
        };
        Ok(answers.iter().filter_map(link).collect())
    }
}

/// An end of a cable whose number is chosen. The other end may have an address of its own.
pub struct NumberedEnd<'a> {
    pub index: u32,
    pub name: &'a str,
    pub mac: Option<[u8; 6]>,
}

/// A cable with both ends here, under numbers that nobody has yet. Neither end is switched on.
pub fn cable_of_numbers(one: &NumberedEnd, other: &NumberedEnd) -> Message {
    let end = |message: Message, end: &NumberedEnd| {
        let named = message.text(NAME, end.name);
        end.mac.iter().fold(named, |message, mac| message.bytes(ADDRESS, mac))
    };
    let message = end(Message::new(NEW_LINK, CREATE | EXCLUSIVE, &head(one.index, 0, 0)), one);
    let other_end = |message: Message| end(message.raw(&head(other.index, 0, 0)), other);
    message.nest(ABOUT, |about| about.text(KIND, "veth").nest(DATA, |data| data.nest(OTHER_END, other_end)))
}

pub fn switched_on(index: u32) -> Message {
    Message::new(NEW_LINK, 0, &head(index, UP, UP))
}

/// It gives itself no address (IN6_ADDR_GEN_MODE_NONE).
pub fn without_addresses(index: u32) -> Message {
    const NONE: u8 = 1;
    let of_ipv6 = |families: Message| families.nest(libc::AF_INET6 as u16, |ipv6| ipv6.bytes(GENERATION, &[NONE]));
    Message::new(NEW_LINK, 0, &head(index, 0, 0)).nest(BY_FAMILY, of_ipv6)
}

/// By its name, in the network namespace that we are in.
pub fn index_of(name: &str) -> Result<u32, Errno> {
    nix::net::if_::if_nametoindex(name)
}

fn with_mtu(message: Message, mtu: Option<u32>) -> Message {
    match mtu {
        Some(mtu) => message.number(MTU, mtu),
        None => message,
    }
}

/// struct ifinfomsg
fn head(index: u32, flags: u32, changed: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), changed.to_ne_bytes()].concat()
}
