//! Verbs on networks.

use crate::error::Result;
use crate::network::{Network, Range, naming};
use crate::paths::Paths;

/// By its name.
pub fn find(paths: &Paths, name: &str) -> Result<Network> {
    let range = |subnet: &str, gateway: &str| Some(Range { subnet: subnet.parse().ok()?, gateway: gateway.parse().ok()?, part: None });
    Ok(Network {
        name: name.to_owned(),
        bridge: naming::bridge(paths, name),
        v4: range("10.207.0.0/16", "10.207.0.1"),
        v6: range("fd20:7000::/64", "fd20:7000::1"),
        ..Network::default()
    })
}
