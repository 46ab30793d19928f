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
use crate::sys::netlink::links::{self, Link, NumberedEnd};
use crate::sys::netlink::message::Message;
use crate::sys::netlink::nftables::Family;
use crate::sys::netlink::{Netlink, neighbours, routes, traffic};
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
        // The kernel gives it none of its own: nobody talks to it.
        messages.extend(ends.map(links::without_addresses));
        messages.extend(ends.map(links::switched_on));
        for family in families {
            // Another store has the same route to another door.
            let neighbour = Door::neighbour(*family);
            messages
                .extend([routes::to_neighbour(neighbour, self.sending), neighbours::permanent(neighbour, self.hardware(), self.sending)]);
        }
        messages.push(traffic::place_for_filters(self.receiving()));
        for interface in entrances(netlink)? {
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
        let failed = || format!("cannot remove {}", self.names[0]);
        if !self.is_there() {
            return Ok(());
        }
        let netlink = Netlink::open().with_context(failed)?;
        match netlink.remove_link_of_number(self.sending) {
            Err(Errno::ENODEV) => Ok(()),
            removed => removed.with_context(failed),
        }
    }

    fn cable(&self) -> Message {
        let [sending, receiving] = &self.names;
        let sending = NumberedEnd { index: self.sending, name: sending, mac: None };
        links::cable_of_numbers(&sending, &NumberedEnd { index: self.receiving(), name: receiving, mac: Some(self.hardware()) })
    }

    /// What has no filter comes in here, from addresses that are elsewhere. Where the host asks for more in all interfaces,
    /// or where its settings cannot be written, it stays without.
    fn accept_any_way_back(&self) {
        let file = format!("/proc/sys/net/ipv4/conf/{}/rp_filter", self.names[1]);
        let _ = crate::sys::file::write_kernel_file(file.as_ref(), "0");
    }
}

/// Those at which packets for this host come in: none that is a part of another one, and none of ours.
fn entrances(netlink: &Netlink) -> Result<Vec<u32>, Errno> {
    let is_one = |link: &Link| !link.is_loopback && link.bridge.is_none() && !link.name.starts_with("tare") && link.index < DOORS;
    Ok(netlink.links()?.iter().filter(|link| is_one(link)).map(|link| link.index).collect())
}

/// What another has done already is done. Without IPv6 nothing of it can be set.
fn verdict(results: Vec<Result<(), Errno>>) -> Result<(), Errno> {
    results.into_iter().filter(|result| !matches!(result, Err(Errno::EEXIST | Errno::EAFNOSUPPORT))).collect()
}
