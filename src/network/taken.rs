//! Addresses that a new network cannot have: those of our other networks, and those to which this host has a route.

use crate::error::{Context, Result};
use crate::network::choice::Taken;
use crate::network::foreign::Obstacle;
use crate::network::{Network, Subnet, keep, naming};
use crate::paths::Paths;
use crate::sys::netlink::Netlink;

/// `name`: that of the new network. A bridge that it has left behind in an earlier life is not in its way.
pub fn taken(paths: &Paths, name: &str) -> Result<Vec<Taken>> {
    let networks = keep::list(paths)?;
    let of_networks = networks
        .iter()
        .flat_map(|network| network.ranges().map(|range| Taken { subnet: range.subnet, by: format!("network {}", network.name) }));
    let mut all: Vec<Taken> = of_networks.collect();
    let new = naming::bridge(paths, name);
    let foreign = foreign_routes(|interface| interface == new || networks.iter().any(|network| network.bridge == interface))?;
    all.extend(foreign.into_iter().map(|(subnet, interface)| Taken { subnet, by: format!("the route over {interface}") }));
    Ok(all)
}

/// A narrower route wins: packets to some of our addresses go where it leads. It came later, or the network would have been made elsewhere.
pub fn routes_across(paths: &Paths) -> Result<Vec<Obstacle>> {
    let networks = keep::list(paths)?;
    let mut found = Vec::new();
    for (subnet, interface) in foreign_routes(|interface| networks.iter().any(|network| network.bridge == interface))? {
        let crossed = |network: &&Network| network.ranges().any(|range| range.subnet.holds(&subnet));
        found.extend(networks.iter().filter(crossed).map(|network| Obstacle {
            text: format!("the route to {subnet} over {interface} takes away packets to network {}", network.name),
            hint: "remove that route, or put the containers into another network: tare network create --subnet SUBNET NAME".to_owned(),
        }));
    }
    Ok(found)
}

/// Those over other interfaces than these.
fn foreign_routes(is_own: impl Fn(&str) -> bool) -> Result<Vec<(Subnet, String)>> {
    let what = "cannot ask the kernel for its routes";
    let kernel = Netlink::open().context(what)?;
    let links = kernel.links().context(what)?;
    let name_of = |index: u32| links.iter().find(|link| link.index == index).map_or("", |link| link.name.as_str());
    let routes = kernel.routes().context(what)?.into_iter();
    let named = routes.filter_map(|route| Some((Subnet::around(route.destination, route.length)?, name_of(route.interface))));
    Ok(named.filter(|(_, interface)| !is_own(interface)).map(|(subnet, interface)| (subnet, interface.to_owned())).collect())
}
