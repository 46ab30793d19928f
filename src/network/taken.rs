//! Addresses that a new network cannot have: those of our other networks, and those to which this host has a route.

use crate::error::{Context, Result};
use crate::network::choice::Taken;
use crate::network::{Subnet, keep, naming};
use crate::paths::Paths;
use crate::sys::netlink::Netlink;

/// `name`: that of the new network. A bridge that it has left behind in an earlier life is not in its way.
pub fn taken(paths: &Paths, name: &str) -> Result<Vec<Taken>> {
    let networks = keep::list(paths)?;
    let of_networks = networks
        .iter()
        .flat_map(|network| network.ranges().map(|range| Taken { subnet: range.subnet, by: format!("network {}", network.name) }));
    let mut all: Vec<Taken> = of_networks.collect();
    let mut own: Vec<&str> = networks.iter().map(|network| network.bridge.as_str()).collect();
    let new = naming::bridge(paths, name);
    own.push(&new);

    let what = "cannot ask the kernel for its routes";
    let kernel = Netlink::open().context(what)?;
    let links = kernel.links().context(what)?;
    let name_of = |index: u32| links.iter().find(|link| link.index == index).map_or("", |link| link.name.as_str());
    for route in kernel.routes().context(what)? {
        let interface = name_of(route.interface);
        if let Some(subnet) = Subnet::around(route.destination, route.length).filter(|_| !own.contains(&interface)) {
            all.push(Taken { subnet, by: format!("the route over {interface}") });
        }
    }
    Ok(all)
}
