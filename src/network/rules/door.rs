//! The door: a cable with both ends on the host, by which the first packet of a connection to a published port leaves, and comes in
//! again as if it had just arrived at the interface where it did. Conntrack has forgotten it on the way.
//!
//! Its ends have numbers that follow from the store, and hardware addresses too: so the rules never change, however often the
//! door goes and comes again, and nobody has to ask what another one has made. Every step of making it may find itself done.

use super::tables::MARK;
use crate::error::{Context, Error, Kind, Result};
use crate::network::naming;
use crate::paths::Paths;
use crate::sys::Errno;
use crate::sys::netlink::message::{APPEND, Answer, CREATE, EXCLUSIVE, Message, REPLACE, number};
use crate::sys::netlink::nftables::Family;
use crate::sys::netlink::nftables::sets::address;
use crate::sys::netlink::{Netlink, links, traffic};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Their numbers begin here, where the kernel does not come by counting up.
const DOORS: u32 = 0x7a00_0000;

pub struct Door {
    names: [String; 2],
    /// The number of the end that sends; the other one has the next.
    pub sending: u32,
}

impl Door {
    pub fn of(paths: &Paths) -> Door {
        Door { names: naming::door(paths), sending: DOORS | (naming::door_number(paths) & 0x00ff_fffe) }
    }

    fn receiving(&self) -> u32 {
        self.sending + 1
    }

    /// Who is on the other side, as far as routes know. The addresses are nobody's.
    pub fn neighbour(family: Family) -> IpAddr {
        match family {
            Family::V4 => Ipv4Addr::new(169, 254, 77, 2).into(),
            Family::V6 => Ipv6Addr::new(0xfd74, 0x6172, 0x6500, 0, 0, 0, 0, 2).into(),
        }
    }

    /// Of the receiving end: a local one, that follows from its number.
    fn hardware(&self) -> [u8; 6] {
        let [a, b, c, d] = self.receiving().to_be_bytes();
        [0x02, 0x74, a, b, c, d]
    }

    pub fn is_there(&self) -> bool {
        links::index_of(&self.names[0]) == Ok(self.sending)
    }

    /// Whatever of it is missing, with a filter for every interface that the host has now. What comes in at one that is younger
    /// than the last published port goes on as if it had come in at the door.
    pub fn make(&self, families: &[Family]) -> Result<()> {
        let failed = || format!("cannot make {}, by which packets come to published ports", self.names[0]);
        let netlink = Netlink::open().with_context(failed)?;
        // Somebody may take it away while it is being made.
        for _ in 0..10 {
            match self.try_to_make(&netlink, families) {
                Err(Errno::ENODEV | Errno::ENETDOWN) => continue,
                Err(errno @ (Errno::EOPNOTSUPP | Errno::ENOENT)) => {
                    let error = Error::from_errno(failed(), errno).of_kind(Kind::CannotKeep);
                    return Err(error.hint("modprobe -a veth sch_ingress cls_bpf act_mirred"));
                }
                made => return made.with_context(failed),
            }
        }
        Err(Error::failed(failed()).because("it is taken away again and again"))
    }

    fn try_to_make(&self, netlink: &Netlink, families: &[Family]) -> Result<(), Errno> {
        let ends = [self.sending, self.receiving()];
        let mut messages = vec![self.cable()];
        messages.extend(ends.map(without_addresses));
        messages.extend(ends.map(switch_on));
        for family in families {
            messages.extend([self.route(*family), self.neighbour_entry(*family)]);
        }
        messages.push(traffic::place_for_filters(self.receiving()));
        for interface in interfaces_of_the_host(netlink)? {
            messages.push(traffic::redirect_marked(self.receiving(), MARK | (interface & 0x00ff_ffff), interface));
        }
        let results = netlink.tell_all(messages)?;
        if results[0].is_ok() {
            self.accept_any_way_back();
        }
        verdict(results)
    }

    /// Both ends go with one.
    pub fn remove(&self) -> Result<()> {
        const DELETE_LINK: u16 = 17;
        let failed = || format!("cannot remove {}", self.names[0]);
        if !self.is_there() {
            return Ok(());
        }
        let netlink = Netlink::open().with_context(failed)?;
        match netlink.tell(Message::new(DELETE_LINK, 0, &link_head(self.sending, 0))) {
            Err(Errno::ENODEV) => Ok(()),
            removed => removed.with_context(failed),
        }
    }

    fn cable(&self) -> Message {
        const ADDRESS: u16 = 1;
        const NAME: u16 = 3;
        const INFO: u16 = 18;
        let message = Message::new(NEW_LINK, CREATE | EXCLUSIVE, &link_head(self.sending, 0)).text(NAME, &self.names[0]);
        message.nest(INFO, |info| {
            info.text(1, "veth").nest(2, |data| {
                data.nest(1, |peer| peer.raw(&link_head(self.receiving(), 0)).text(NAME, &self.names[1]).bytes(ADDRESS, &self.hardware()))
            })
        })
    }

    /// To the neighbour; another store has the same route to another door.
    fn route(&self, family: Family) -> Message {
        const NEW_ROUTE: u16 = 24;
        const MAIN: u8 = 254;
        const BY_AN_ADMINISTRATOR: u8 = 4;
        const LINK: u8 = 253;
        const UNICAST: u8 = 1;
        let to = address(Door::neighbour(family));
        let head = [family as u8, to.len() as u8 * 8, 0, 0, MAIN, BY_AN_ADMINISTRATOR, LINK, UNICAST, 0, 0, 0, 0];
        Message::new(NEW_ROUTE, CREATE | APPEND, &head).bytes(1, &to).number(4, self.sending)
    }

    fn neighbour_entry(&self, family: Family) -> Message {
        const NEW_NEIGHBOUR: u16 = 28;
        const PERMANENT: u8 = 0x80;
        let mut head = vec![family as u8, 0, 0, 0];
        head.extend(self.sending.to_ne_bytes());
        head.extend([PERMANENT, 0, 0, 0]);
        let message = Message::new(NEW_NEIGHBOUR, CREATE | REPLACE, &head);
        message.bytes(1, &address(Door::neighbour(family))).bytes(2, &self.hardware())
    }

    /// What has no filter comes in here, from addresses that are elsewhere. Where the host asks for more in all interfaces,
    /// or where its settings cannot be written, it stays without.
    fn accept_any_way_back(&self) {
        let file = format!("/proc/sys/net/ipv4/conf/{}/rp_filter", self.names[1]);
        let _ = crate::sys::file::write_kernel_file(file.as_ref(), "0");
    }
}

const NEW_LINK: u16 = 16;

/// struct ifinfomsg
fn link_head(index: u32, flags: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), flags.to_ne_bytes()].concat()
}

fn switch_on(index: u32) -> Message {
    const UP: u32 = 1;
    Message::new(NEW_LINK, 0, &link_head(index, UP))
}

/// The kernel gives it none of its own (IN6_ADDR_GEN_MODE_NONE): nobody talks to it.
fn without_addresses(index: u32) -> Message {
    const BY_FAMILY: u16 = 26;
    const V6: u16 = 10;
    const GENERATION: u16 = 8;
    const NONE: u8 = 1;
    let message = Message::new(NEW_LINK, 0, &link_head(index, 0));
    message.nest(BY_FAMILY, |families| families.nest(V6, |v6| v6.bytes(GENERATION, &[NONE])))
}

/// Those at which packets for this host come in: none that is a part of another one, and none of ours.
fn interfaces_of_the_host(netlink: &Netlink) -> Result<Vec<u32>, Errno> {
    const GET_LINK: u16 = 18;
    const DETAIL: u16 = 29;
    const WITHOUT_COUNTERS: u32 = 8;
    let answers = netlink.ask(Message::new(GET_LINK, 0, &link_head(0, 0)).number(DETAIL, WITHOUT_COUNTERS))?;
    Ok(answers.iter().filter_map(index_of_entrance).filter(|index| *index < DOORS).collect())
}

fn index_of_entrance(answer: &Answer) -> Option<u32> {
    const LOOPBACK: u32 = 8;
    const NAME: u16 = 3;
    const MASTER: u16 = 10;
    let attributes = answer.attributes(16);
    let is_one = number(&answer.body, 8)? & LOOPBACK == 0 && attributes.value(MASTER).is_none();
    (is_one && !attributes.text(NAME)?.starts_with("tare")).then_some(number(&answer.body, 4)?)
}

/// What another has done already is done. Without IPv6 nothing of it can be set.
fn verdict(results: Vec<Result<(), Errno>>) -> Result<(), Errno> {
    results.into_iter().filter(|result| !matches!(result, Err(Errno::EEXIST | Errno::EAFNOSUPPORT))).collect()
}
