//! The bridge of a network: a switch in the kernel, with the gateway's addresses on it. Made by the first container that needs it.

use crate::error::{Context, Result};
use crate::network::{Network, forwarding};
use crate::paths::Paths;
use crate::store::{self, Durable};
use crate::sys::Errno;
use crate::sys::netlink::addresses::Address;
use crate::sys::netlink::{Netlink, links};
use std::net::IpAddr;
use std::path::PathBuf;

/// Written when the bridge is complete: a process may be killed while it makes it.
fn complete(paths: &Paths, network: &Network) -> PathBuf {
    paths.live_network(&network.name).join("bridge")
}

/// The bridge's index, whoever made it. `on_new`: what else belongs to it, done before anybody relies on it.
///
/// Any number of processes may do this at once: what is there already is as good as made.
///
/// `is_plain`: it is a switch and nothing else. Nobody is at the gateway's addresses, and nothing is passed on.
pub fn ensure(paths: &Paths, network: &Network, host: &Netlink, is_plain: bool, on_new: impl FnOnce() -> Result<()>) -> Result<u32> {
    let what = || format!("cannot make bridge {} of network {}", network.bridge, network.name);
    if let Some(index) = existing(paths, network) {
        return Ok(index);
    }
    match host.make_bridge(&network.bridge, mac(network), network.mtu) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(Errno::EOPNOTSUPP) => {
            return Err(Errno::EOPNOTSUPP).with_context(what).map_err(|error| {
                error.because("this kernel has no bridges").hint("load the module bridge, or run with --network none or host")
            });
        }
        Err(Errno::EPERM) => {
            return Err(Errno::EPERM)
                .with_context(what)
                .map_err(|error| error.because("that needs root").hint("run as root, or with --network none or host"));
        }
        Err(errno) => return Err(errno).with_context(what),
    }
    let index = links::index_of(&network.bridge).with_context(what)?;
    forwarding::never_listen_on(&network.bridge)?;
    if !is_plain {
        make_gateway(network, host, index).with_context(what)?;
    }
    host.switch_on(index).with_context(what)?;
    if !is_plain {
        forwarding::switch_on(network, host)?;
        on_new()?;
    }
    store::make_dirs(&paths.live_network(&network.name))?;
    store::write(&complete(paths, network), index.to_string().as_bytes(), Durable::No)?;
    Ok(index)
}

fn make_gateway(network: &Network, host: &Netlink, index: u32) -> Result<(), Errno> {
    for range in network.ranges() {
        match host.add_address(index, &Address::new(range.gateway, range.subnet.length())) {
            Ok(()) | Err(Errno::EEXIST) => {}
            other => return other,
        }
    }
    Ok(())
}

/// `None`: it is not there, or not complete, or somebody else has put another in its place.
pub fn existing(paths: &Paths, network: &Network) -> Option<u32> {
    let noted: u32 = std::fs::read_to_string(complete(paths, network)).ok()?.parse().ok()?;
    (links::index_of(&network.bridge).ok()? == noted).then_some(noted)
}

/// With it go the addresses on it.
pub fn remove(paths: &Paths, network: &Network) -> Result<()> {
    let _ = crate::sys::file::remove_file(&complete(paths, network));
    match Netlink::open().and_then(|host| host.remove_link(&network.bridge)) {
        Ok(()) | Err(Errno::ENODEV) => Ok(()),
        Err(errno) => Err(errno).with_context(|| format!("cannot remove bridge {}", network.bridge)),
    }
}

/// The same in every life of the machine: neighbours may remember it.
fn mac(network: &Network) -> [u8; 6] {
    match network.ranges().next().map(|range| range.gateway) {
        Some(address) => mac_of(address),
        None => mac_of(IpAddr::from([0, 0, 0, 1])),
    }
}

/// It follows from the address, so that whoever gets an address later is found under it at once. The first byte says that no
/// factory has given it (the bit 0x02).
pub fn mac_of(address: IpAddr) -> [u8; 6] {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [0x02, 0x42, a, b, c, d]
        }
        IpAddr::V6(address) => {
            let bytes = address.octets();
            [0x02, 0x46, bytes[12], bytes[13], bytes[14], bytes[15]]
        }
    }
}
