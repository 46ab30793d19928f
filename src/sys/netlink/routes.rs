//! Where packets go: rtnetlink(7).

use super::Netlink;
use super::addresses::family_and_bytes;
use super::message::{APPEND, Answer, CREATE, Message};
use crate::sys::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const NEW_ROUTE: u16 = 24;
const GET_ROUTE: u16 = 26;

const DESTINATION: u16 = 1;
const INTERFACE: u16 = 4;
const GATEWAY: u16 = 5;

/// struct rtmsg
const HEAD: usize = 12;
const MAIN_TABLE: u8 = 254;
const BY_AN_ADMINISTRATOR: u8 = 4;
const UNICAST: u8 = 1;
/// RTPROT_RA
const BY_A_ROUTER: u8 = 9;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub destination: IpAddr,
    /// 0: it is the way to everywhere else.
    pub length: u8,
    /// The interface's index.
    pub interface: u32,
    /// A router in the neighbourhood has told of it.
    pub is_heard: bool,
}

impl Netlink {
    /// Whatever has no way of its own goes there.
    pub fn add_default_route(&self, gateway: IpAddr, interface: u32) -> Result<(), Errno> {
        self.tell(default_route(gateway, interface))
    }

    /// The same, where TCP waits for an answer at least so many milliseconds before it sends once more: 200 else.
    pub fn add_impatient_default_route(&self, gateway: IpAddr, interface: u32, wait: u32) -> Result<(), Errno> {
        const METRICS: u16 = 8;
        // Which of them count for whatever was measured itself: a bit for each.
        const LOCK: u16 = 1;
        const SHORTEST_WAIT: u16 = 13;
        let fill = |metrics: Message| metrics.number(LOCK, 1 << SHORTEST_WAIT).number(SHORTEST_WAIT, wait);
        self.tell(default_route(gateway, interface).nest(METRICS, fill))
    }

    /// This one machine is a neighbour there.
    pub fn add_neighbour_route(&self, to: IpAddr, interface: u32) -> Result<(), Errno> {
        const ON_THE_LINK: u8 = 253;
        let (family, bytes) = family_and_bytes(to);
        let length = bytes.len() as u8 * 8;
        let head = [family, length, 0, 0, MAIN_TABLE, BY_AN_ADMINISTRATOR, ON_THE_LINK, UNICAST, 0, 0, 0, 0];
        self.tell(Message::new(NEW_ROUTE, CREATE, &head).bytes(DESTINATION, &bytes).number(INTERFACE, interface))
    }

    /// The main table, of both kinds. Without multicast and what belongs to one link.
    pub fn routes(&self) -> Result<Vec<Route>, Errno> {
        let mut routes = Vec::new();
        for family in [libc::AF_INET, libc::AF_INET6] {
            let mut head = [0; HEAD];
            head[0] = family as u8;
            routes.extend(self.ask(Message::new(GET_ROUTE, 0, &head))?.iter().filter_map(read_route));
        }
        Ok(routes)
    }
}

fn default_route(gateway: IpAddr, interface: u32) -> Message {
    let (family, bytes) = family_and_bytes(gateway);
    let head = [family, 0, 0, 0, MAIN_TABLE, BY_AN_ADMINISTRATOR, 0, UNICAST, 0, 0, 0, 0];
    Message::new(NEW_ROUTE, CREATE, &head).bytes(GATEWAY, &bytes).number(INTERFACE, interface)
}

/// To one address, which is at the other end of an interface. There may be others to the same one.
pub fn to_neighbour(neighbour: IpAddr, interface: u32) -> Message {
    const AT_THIS_LINK: u8 = 253;
    let (family, bytes) = family_and_bytes(neighbour);
    let head = [family, bytes.len() as u8 * 8, 0, 0, MAIN_TABLE, BY_AN_ADMINISTRATOR, AT_THIS_LINK, UNICAST, 0, 0, 0, 0];
    Message::new(NEW_ROUTE, CREATE | APPEND, &head).bytes(DESTINATION, &bytes).number(INTERFACE, interface)
}

fn read_route(answer: &Answer) -> Option<Route> {
    let &[family, length, _, _, table, by, _, kind, ..] = answer.body.get(..HEAD)? else { return None };
    if table != MAIN_TABLE || kind != UNICAST {
        return None;
    }
    let all = answer.attributes(HEAD);
    let destination: IpAddr = match (i32::from(family), all.value(DESTINATION)) {
        (libc::AF_INET, None) => Ipv4Addr::UNSPECIFIED.into(),
        (libc::AF_INET6, None) => Ipv6Addr::UNSPECIFIED.into(),
        (libc::AF_INET, Some(bytes)) => <[u8; 4]>::try_from(bytes).ok()?.into(),
        (libc::AF_INET6, Some(bytes)) => <[u8; 16]>::try_from(bytes).ok()?.into(),
        _ => return None,
    };
    let is_of_one_link = matches!(destination, IpAddr::V6(address) if address.segments()[0] & 0xffc0 == 0xfe80);
    let interface = all.number(INTERFACE).unwrap_or(0);
    (!is_of_one_link).then_some(Route { destination, length, interface, is_heard: by == BY_A_ROUTER })
}
