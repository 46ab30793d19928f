//! What of our sets belongs to a network, and what to a published port.

use super::Redirect;
use super::tables::{BRIDGES, INSIDE, INTERNAL, PORTS, container, container_at, ports_at, subnets};
use crate::network::Network;
use crate::options::ports::Protocol;
use crate::sys::netlink::nftables::Family;
use crate::sys::netlink::nftables::sets::{Element, Set, address, interface, port, protocol};

pub fn of_network(network: &Network, family: Family) -> Vec<(Set, Element)> {
    let bridge = interface(&network.bridge);
    let mut elements = vec![(BRIDGES, Element::key(bridge.clone())), (INSIDE, Element::key([bridge.clone(), bridge.clone()].concat()))];
    match network.internal {
        true => elements.push((INTERNAL, Element::key(bridge))),
        false => {
            let ranges = network.ranges().map(|range| range.subnet).filter(|subnet| Family::of(subnet.first()) == family);
            let range = |subnet: crate::network::Subnet| Some(Element::range(subnet.first(), subnet.nth(subnet.last())?));
            elements.extend(ranges.filter_map(range).map(|range| (subnets(family), range)));
        }
    }
    elements
}

pub fn of_redirect(redirect: &Redirect, family: Family) -> Vec<(Set, Element)> {
    let place = [protocol(number(redirect.protocol)), port(redirect.host)].concat();
    let to = [address(redirect.to.ip()), port(redirect.to.port())].concat();
    let (key, set, map) = match redirect.address.is_unspecified() {
        true => (place, PORTS, container(family)),
        false => ([address(redirect.address), place].concat(), ports_at(family), container_at(family)),
    };
    vec![(set, Element::key(key.clone())), (map, Element::key(key).with_value(to))]
}

/// IPPROTO_…
fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}
