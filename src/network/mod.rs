//! Networks: bridges between containers, the way out of them, and the ports on which others come in.
//!
//! Everything is told to the kernel in messages of our own (`sys/netlink/`); no other program runs. What a network is stands in the
//! store; who is in it stands in the run directory, and is gone after a reboot like the bridges themselves:
//!
//! ```text
//! ROOT/network/NAME/network.json          what it is
//! RUN/network/NAME/address/10.207.0.2     claimed by whoever could make this file; inside: the container's id
//! RUN/network/NAME/name/db/ID             who is called db here; inside: its addresses, one a line
//! ```

pub mod bridge;
pub mod cable;
pub mod choice;
pub mod claims;
pub mod foreign;
pub mod forwarding;
mod keep;
pub mod naming;
pub mod pasta;
pub mod porter;
pub mod rules;
pub mod subnet;
pub mod switchboard;
mod taken;

pub use keep::{Held, Plan, Usual, default, find, foreseen, hold, host_has_v6, list, make};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
pub use subnet::Subnet;
pub use taken::routes_across;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Network {
    pub name: String,
    /// 64 hex digits.
    pub id: String,
    /// Nanoseconds since 1970.
    pub created: u64,
    /// The bridge's interface on the host.
    pub bridge: String,
    pub v4: Option<Range>,
    pub v6: Option<Range>,
    /// Nobody outside is reached from it, and reaches it.
    pub internal: bool,
    pub mtu: Option<u32>,
    pub labels: Vec<(String, String)>,
    pub options: Vec<(String, String)>,
}

/// The addresses of a network, of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    pub subnet: Subnet,
    pub gateway: IpAddr,
    /// Where free addresses are looked for; `None`: the whole subnet.
    pub part: Option<Subnet>,
}

impl Network {
    pub fn is_default(&self) -> bool {
        self.name == crate::options::networks::DEFAULT
    }
    /// Its containers find each other by name.
    pub fn has_names(&self) -> bool {
        !self.is_default()
    }
    pub fn ranges(&self) -> impl Iterator<Item = &Range> {
        self.v4.iter().chain(&self.v6)
    }
    pub fn gateway4(&self) -> Option<Ipv4Addr> {
        match self.v4.as_ref()?.gateway {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }
    pub fn gateway6(&self) -> Option<Ipv6Addr> {
        match self.v6.as_ref()?.gateway {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        }
    }
}
