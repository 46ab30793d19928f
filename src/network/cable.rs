//! A container's cable into a network: a pair of interfaces, one plugged into the bridge, the other in the container.

use crate::error::{Context, Result};
use crate::network::bridge;
use crate::record::network::Endpoint;
use crate::sys::Errno;
use crate::sys::netlink::addresses::Address;
use crate::sys::netlink::links::End;
use crate::sys::netlink::{Netlink, links};
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

/// Both ends are there, and lead into the bridge; the container's has no addresses yet.
pub fn plug(host: &Netlink, endpoint: &Endpoint, bridge: u32, mtu: Option<u32>, namespace: BorrowedFd) -> Result<()> {
    let [first, second, rest @ ..] = endpoint.mac.0;
    // The two ends are different cards; the other one is nobody's address.
    let here = End { name: &endpoint.host_interface, mac: [first, second ^ 0x80, rest[0], rest[1], rest[2], rest[3]] };
    let there = End { name: &endpoint.interface, mac: endpoint.mac.0 };
    let made = match host.make_cable(&here, bridge, &there, namespace, mtu) {
        // Of a run before, whose end the kernel has not come to yet.
        Err(Errno::EEXIST) => {
            pull_out(host, &endpoint.host_interface);
            host.make_cable(&here, bridge, &there, namespace, mtu)
        }
        other => other,
    };
    made.with_context(|| format!("cannot plug the container into network {}", endpoint.network))
}

/// In the container's namespace: its addresses, and the way out.
pub fn configure(inside: &Netlink, endpoint: &Endpoint, is_way_out: [bool; 2]) -> Result<()> {
    let what = || format!("cannot set the container's addresses in network {}", endpoint.network);
    let index = links::index_of(&endpoint.interface).with_context(what)?;
    inside.switch_on(index).with_context(what)?;
    let v4 = endpoint.ip.map(|(address, length, gateway)| (IpAddr::from(address), length, gateway.map(IpAddr::from), is_way_out[0]));
    let v6 = endpoint.ip6.map(|(address, length, gateway)| (IpAddr::from(address), length, gateway.map(IpAddr::from), is_way_out[1]));
    for (address, length, gateway, leads_out) in v4.into_iter().chain(v6) {
        inside.add_address(index, &Address::new(address, length)).with_context(what)?;
        if let Some(gateway) = gateway.filter(|_| leads_out) {
            inside.add_default_route(gateway, index).with_context(what)?;
        }
    }
    Ok(())
}

/// What leaves at this end: at the host's it is what the container receives, at the container's what it sends. In the namespace that
/// `netlink` is of.
pub fn slow_down(netlink: &Netlink, interface: &str, rate: Option<u64>) -> Result<()> {
    let Some(rate) = rate else { return Ok(()) };
    let limited = links::index_of(interface).and_then(|index| netlink.limit_rate(index, rate));
    limited.context("cannot limit the rate of the container's network").map_err(|error| match error.errno() {
        Some(Errno::ENOENT | Errno::EOPNOTSUPP) => error.because("this kernel has no token bucket").hint("load the module sch_tbf"),
        _ => error,
    })
}

/// It may be gone already: with the container's namespace the kernel takes it away.
pub fn pull_out(host: &Netlink, host_interface: &str) {
    let _ = host.remove_link(host_interface);
}

/// The one that was wished, or the one that follows from the address.
pub fn mac_for(endpoint_address: Option<IpAddr>) -> [u8; 6] {
    bridge::mac_of(endpoint_address.unwrap_or_else(|| IpAddr::from([0, 0, 0, 0])))
}
