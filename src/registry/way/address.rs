//! Where a registry is: its name as it stands in a reference, and the host behind it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Docker Hub's name is not that of its host.
const HUB: &str = "docker.io";
const HUB_HOST: &str = "registry-1.docker.io";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// As in a reference: `docker.io`, `registry.example.com:5000`.
    pub name: String,
    /// Host, and port where it is not the usual one.
    pub host: String,
    pub plain: Plain,
}

/// Whether it is spoken to without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    No,
    /// If it does not understand TLS: nobody stands between us and our own machine.
    Perhaps,
    /// The user wants it so.
    Yes,
}

impl Address {
    pub fn is_host(text: &str) -> bool {
        is_host(text)
    }

    pub fn of(registry: &str) -> Address {
        let host = if registry == HUB { HUB_HOST } else { registry };
        let plain = if is_loopback(without_port(host)) { Plain::Perhaps } else { Plain::No };
        Address { name: registry.to_owned(), host: host.to_owned(), plain }
    }
}

/// A host's name or address, perhaps with a port, and nothing else.
pub fn is_host(text: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let (is_name, rest) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address.parse::<Ipv6Addr>().is_ok(), rest),
        None => {
            let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            (name.split('.').all(label), rest)
        }
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    is_name && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
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
            assert_eq!(Address::of(name).plain == Plain::Perhaps, plain, "{name}");
        }
        assert!(is_link_local("169.254.169.254") && is_link_local("fe80::1") && is_link_local("::ffff:169.254.1.1"));
        assert!(!is_link_local("10.0.0.1") && !is_link_local("example.com"));
    }

    #[test]
    fn a_host_is_a_name_and_perhaps_a_port() {
        for host in ["a", "a.b:5000", "10.0.0.1", "[::1]", "[fe80::1]:80"] {
            assert!(is_host(host), "{host}");
        }
        for wrong in ["", "a/b", "a:", "a:x", "a:99999", "me@a", "[::1", "[x]", "::1", "a b", "a..b"] {
            assert!(!is_host(wrong), "{wrong}");
        }
    }
}
