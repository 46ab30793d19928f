//! `network.json`, beside `state.json`: where a running container is in its networks, and which of its ports are published.
//!
//! Its monitor writes it before the container starts; `network connect` and `port add` change it later, under the lock beside it.

use crate::options::networks::{Attachment, Mac};
use crate::options::ports::{PortWish, Protocol};
use crate::options::{Network, Wishes};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Joined {
    pub endpoints: Vec<Endpoint>,
    pub ports: Vec<Published>,
    /// Why packets from outside come through the porter alone, where they do: the container does not see who sent them.
    pub detour: Option<String>,
}

/// Its end in one network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub network: String,
    pub network_id: String,
    /// As the container sees it: `eth0`.
    pub interface: String,
    /// The other end of the cable, on the host.
    pub host_interface: String,
    pub mac: Mac,
    /// Address, length of the prefix, gateway.
    pub ip: Option<(Ipv4Addr, u8, Option<Ipv4Addr>)>,
    pub ip6: Option<(Ipv6Addr, u8, Option<Ipv6Addr>)>,
    /// By which others in this network find it; none in the default network.
    pub names: Vec<String>,
    /// What was wished of them.
    pub aliases: Vec<String>,
}

impl Joined {
    /// Its first address of each kind: published ports lead there.
    pub fn addresses(&self) -> (Option<Ipv4Addr>, Option<Ipv6Addr>) {
        let v4 = self.endpoints.iter().find_map(|endpoint| endpoint.ip);
        let v6 = self.endpoints.iter().find_map(|endpoint| endpoint.ip6);
        (v4.map(|(address, ..)| address), v6.map(|(address, ..)| address))
    }
}

impl Endpoint {
    /// The gateway, where it leads out.
    pub fn way_out4(&self) -> Option<IpAddr> {
        self.ip.and_then(|(.., gateway)| gateway).map(IpAddr::from)
    }
    pub fn way_out6(&self) -> Option<IpAddr> {
        self.ip6.and_then(|(.., gateway)| gateway).map(IpAddr::from)
    }
    pub fn addresses(&self) -> Vec<IpAddr> {
        let v4 = self.ip.map(|(address, ..)| IpAddr::from(address));
        let v6 = self.ip6.map(|(address, ..)| IpAddr::from(address));
        v4.into_iter().chain(v6).collect()
    }
}

/// What was changed of a container's networks since its start. The same changes once more change nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    Connected(Attachment),
    Disconnected(String),
    Published(PortWish),
    Withdrawn(PortWish),
}

impl Change {
    pub fn apply(self, wishes: &mut Wishes) {
        let attachments = match &wishes.network {
            Network::Networks(all) => all.clone(),
            _ => Vec::new(),
        };
        let others = |name: &str| attachments.iter().filter(|other| other.network != name).cloned().collect::<Vec<_>>();
        match self {
            Change::Connected(new) => {
                let mut all = others(&new.network);
                all.push(new);
                wishes.network = Network::Networks(all);
            }
            Change::Disconnected(name) => wishes.network = Network::Networks(others(&name)),
            Change::Published(port) if !wishes.ports.contains(&port) => wishes.ports.push(port),
            Change::Published(_) => {}
            Change::Withdrawn(gone) => wishes.ports.retain(|port| !gone.means(port.address, port.host, port.container, port.protocol)),
        }
    }
}

/// A port that others reach on an address of this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Published {
    /// 0.0.0.0 or :: is every one of its kind.
    pub address: IpAddr,
    pub host: u16,
    pub container: u16,
    pub protocol: Protocol,
}
