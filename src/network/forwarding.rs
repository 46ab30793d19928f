//! Whether this host passes packets on at all: without that a container reaches nobody but its neighbours.

use crate::error::{Error, Result};
use crate::network::Network;
use crate::sys::netlink::Netlink;
use crate::sys::{Errno, file};
use std::path::{Path, PathBuf};

const V4: &str = "/proc/sys/net/ipv4/ip_forward";
const V6: &str = "/proc/sys/net/ipv6/conf/all/forwarding";

pub fn switch_on(network: &Network, host: &Netlink) -> Result<()> {
    if network.internal {
        return Ok(());
    }
    if network.v4.is_some() && !is_on(V4) {
        write(V4, "1")?;
    }
    if network.v6.is_some() && !is_on(V6) {
        keep_listening_to_routers(host);
        write(V6, "1")?;
    }
    Ok(())
}

/// A host that forwards is taken for a router, and routers do not listen to other routers unless told so: the host would lose its
/// own way out. Only where it has heard of that way: on a bridge a container could pretend to be a router.
fn keep_listening_to_routers(host: &Netlink) {
    let heard: Vec<u32> = host.routes().unwrap_or_default().iter().filter(|route| route.is_heard).map(|route| route.interface).collect();
    for link in host.links().unwrap_or_default().iter().filter(|link| heard.contains(&link.index)) {
        let setting = accept_routers(&link.name);
        if std::fs::read_to_string(&setting).is_ok_and(|text| text.trim() == "1") {
            let _ = file::write_kernel_file(&setting, "2");
        }
    }
}

/// Whoever is on a bridge of ours can send what a router would send, and the host shall not follow it (CVE-2020-13401).
pub fn never_listen_on(bridge: &str) -> Result<()> {
    match file::write_kernel_file(&accept_routers(bridge), "0") {
        // This host has no IPv6.
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(Error::from_errno(format!("cannot close {bridge} to false routers"), errno)),
    }
}

fn accept_routers(interface: &str) -> PathBuf {
    Path::new("/proc/sys/net/ipv6/conf").join(interface).join("accept_ra")
}

fn is_on(setting: &str) -> bool {
    std::fs::read_to_string(setting).is_ok_and(|text| text.trim() != "0")
}

fn write(setting: &str, value: &str) -> Result<()> {
    file::write_kernel_file(Path::new(setting), value).map_err(|errno| {
        Error::from_errno(format!("cannot let this host pass packets on ({setting})"), errno)
            .hint("switch it on yourself, or run with --network none or host")
    })
}
