//! Where a container is in the network: its interfaces, the cables' other ends, the bridges, and the ports that lead in.

use super::read;
use crate::engine::join;
use crate::network;
use crate::options::Network;
use crate::paths::Paths;
use crate::record::Seen;
use crate::record::network::{Endpoint, Published};
use std::net::IpAddr;

pub struct Place {
    pub kind: Kind,
    pub cables: Vec<Cable>,
    pub ports: Vec<Published>,
    /// Why packets from outside come through the porter alone.
    pub detour: Option<String>,
    /// Names of its interfaces, in the order of the kernel; also where no record tells of them.
    pub interfaces: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One of its own with nothing but loopback.
    Alone,
    Hosts,
    /// Another container's, by its name.
    Of(String),
    Bridged,
}

pub struct Cable {
    pub endpoint: Endpoint,
    /// The switch at the other end, and its own addresses.
    pub bridge: String,
    pub gateways: Vec<IpAddr>,
}

pub fn of(paths: &Paths, seen: &Seen, others: &[Seen]) -> Place {
    let joined = join::written(&seen.files(paths)).unwrap_or_default();
    let kind = match &seen.record.wishes.network {
        Network::None => Kind::Alone,
        Network::Host => Kind::Hosts,
        Network::Container(id) => {
            let name = others.iter().find(|other| other.record.id == *id).map(|other| other.record.name.clone());
            Kind::Of(name.unwrap_or_else(|| id.chars().take(12).collect()))
        }
        Network::Networks(_) => Kind::Bridged,
    };
    let cable = |endpoint: Endpoint| {
        let network = network::find(paths, &endpoint.network).ok().flatten();
        let gateways = network.iter().flat_map(|network| network.ranges().map(|range| range.gateway)).collect();
        Cable { endpoint, bridge: network.map(|network| network.bridge).unwrap_or_default(), gateways }
    };
    let pid = super::namespaces::first_process(seen).unwrap_or(0);
    let interfaces = if pid == 0 { Vec::new() } else { interfaces(&read(&format!("/proc/{pid}/net/dev"))) };
    Place { kind, cables: joined.endpoints.into_iter().map(cable).collect(), ports: joined.ports, detour: joined.detour, interfaces }
}

/// Two lines of headings, then `  eth0: …`
fn interfaces(table: &str) -> Vec<String> {
    table.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_named() {
        assert_eq!(interfaces("Inter-| Receive\n face |bytes\n    lo: 1 2\n  eth0: 3 4\n"), ["lo", "eth0"]);
    }
}
