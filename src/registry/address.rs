//! Where a registry is: its name as it stands in a reference, and the host behind it.

use std::net::{IpAddr, Ipv4Addr};

/// Docker Hub's name is not that of its host.
const HUB: &str = "docker.io";
const HUB_HOST: &str = "registry-1.docker.io";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As in a reference: `docker.io`, `registry.example.com:5000`.
    pub name: String,
    /// Host, and port where it is not the usual one.
    pub host: String,
    /// It may be spoken to without TLS: nobody stands between us and our own machine.
    pub may_be_plain: bool,
}

impl Address {
    pub fn of(registry: &str) -> Address {
        let host = if registry == HUB { HUB_HOST } else { registry };
        Address { name: registry.to_owned(), host: host.to_owned(), may_be_plain: is_loopback(without_port(host)) }
    }
}

/// `[::1]:5000` is `::1`, `host:80` is `host`.
pub fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

pub fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Addresses that exist on one wire only: clouds answer there with their machines' own secrets.
pub fn is_link_local(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(address)) => Ipv4Addr::is_link_local(&address),
        Ok(IpAddr::V6(address)) => {
            address.is_unicast_link_local() || address.to_ipv4_mapped().is_some_and(|address| address.is_link_local())
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_machine_may_be_plain() {
        assert_eq!(Address::of("docker.io").host, "registry-1.docker.io");
        for (name, plain) in
            [("127.0.0.1:5000", true), ("127.8.8.8", true), ("[::1]:5000", true), ("localhost:5000", true), ("example.com", false)]
        {
            assert_eq!(Address::of(name).may_be_plain, plain, "{name}");
        }
        assert!(is_link_local("169.254.169.254") && is_link_local("fe80::1") && is_link_local("::ffff:169.254.1.1"));
        assert!(!is_link_local("10.0.0.1") && !is_link_local("example.com"));
    }
}
