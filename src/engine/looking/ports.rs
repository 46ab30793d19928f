//! Ports of a container that others reach on an address of this host.

use crate::record::Seen;
use std::net::SocketAddr;

/// `80/tcp`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    pub number: u16,
    pub protocol: String,
}

pub struct Published {
    pub port: Port,
    pub host: SocketAddr,
}

/// In the order of the container's ports. Nothing can be published yet (`-p`), so there are none.
pub fn published(_seen: &Seen) -> Vec<Published> {
    Vec::new()
}
