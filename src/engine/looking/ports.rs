//! Ports of a container that others reach on an address of this host.

use crate::engine::join;
use crate::paths::Paths;
use crate::record::Seen;
use crate::record::network::Published;
use std::collections::HashMap;

/// In the order of the container's ports. Where they are is only known while it runs.
pub fn published(paths: &Paths, seen: &Seen) -> Vec<Published> {
    // Nothing is read of a container that wishes none.
    if seen.live.is_none() || seen.record.wishes.ports.is_empty() {
        return Vec::new();
    }
    let mut ports = join::written(&seen.files(paths)).unwrap_or_default().ports;
    ports.sort_by_key(|port| (port.container, port.protocol, port.address, port.host));
    ports
}

/// By the id of the container.
pub fn of_all(paths: &Paths, all: &[Seen]) -> HashMap<String, Vec<Published>> {
    let told = |seen: &Seen| Some((seen.record.id.clone(), published(paths, seen))).filter(|(_, ports)| !ports.is_empty());
    all.iter().filter_map(told).collect()
}
