//! The words behind `pasta`. Only such as all versions of it know, the first one in a Debian among them.

use super::{INTERFACE, MTU, Outlet};
use crate::network::bridge;
use crate::options::ports::Protocol;
use crate::record::network::Published;
use std::net::IpAddr;

/// Its stdin is the network namespace, and it tells its number on stdout when it is ready.
pub fn words(outlet: &Outlet) -> Vec<String> {
    // It shall not end when the name of the namespace does: whoever started it ends it.
    let mut words: Vec<String> =
        ["pasta", "--foreground", "--quiet", "--netns", "/proc/self/fd/0", "--no-netns-quit"].map(str::to_owned).into();
    let mut add = |option: &str, value: &str| words.extend([option.to_owned(), value.to_owned()]);
    add("--pid", "/proc/self/fd/1");
    add("--ns-ifname", INTERFACE);
    add("--mtu", &MTU.to_string());
    add("--interface", outlet.like.as_deref().unwrap_or("lo"));
    if let Some((address, gateway)) = outlet.v4 {
        add("--address", &address.to_string());
        add("--netmask", "32");
        add("--gateway", &gateway.to_string());
    }
    if let Some((address, gateway)) = outlet.v6 {
        add("--address", &address.to_string());
        add("--gateway", &gateway.to_string());
    }
    if let Some(gateway) = outlet.gateways().next() {
        add("--mac-addr", &crate::options::networks::Mac(bridge::mac_of(gateway)).to_string());
    }
    for (option, protocol) in [("--tcp-ports", Protocol::Tcp), ("--udp-ports", Protocol::Udp)] {
        let ports = ports(&outlet.ports, protocol);
        match ports.is_empty() {
            true => add(option, "none"),
            false => ports.iter().for_each(|port| add(option, port)),
        }
    }
    // What the host has on its loopback is the host's.
    add("--tcp-ns", "none");
    add("--udp-ns", "none");
    let switches = ["--no-map-gw", "--no-dhcp", "--no-dhcpv6", "--no-ra"];
    words.extend(switches.map(str::to_owned));
    match (outlet.v4, outlet.v6) {
        (Some(_), None) => words.push("--ipv4-only".to_owned()),
        (None, Some(_)) => words.push("--ipv6-only".to_owned()),
        _ => {}
    }
    words
}

/// It wants an interface of the host, to take from it what it is not told: one that has an IPv6 address of its link, or it speaks no
/// IPv6. Which one is the same. Where there is none it takes loopback, which is there also on a host without a way out.
pub fn interface_with_v6() -> Option<String> {
    first_with_a_link_address(&std::fs::read_to_string("/proc/self/net/if_inet6").ok()?)
}

/// proc_pid_net(5): address, index, length, scope, flags, name.
fn first_with_a_link_address(table: &str) -> Option<String> {
    const OF_THE_LINK: &str = "20";
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_the_link = lines.filter(|words| words.len() == 6 && words[3] == OF_THE_LINK);
    of_the_link.min_by_key(|words| u32::from_str_radix(words[1], 16).unwrap_or(u32::MAX)).map(|words| words[5].to_owned())
}

/// As it wants them: a range at once, and no address where it is every address of both kinds.
fn ports(published: &[Published], protocol: Protocol) -> Vec<String> {
    let mut all: Vec<&Published> = published.iter().filter(|port| port.protocol == protocol).collect();
    let has = |one: &Published, address: IpAddr| {
        all.iter().any(|port| port.address == address && (port.host, port.container) == (one.host, one.container))
    };
    let [any4, any6] = [IpAddr::from([0, 0, 0, 0]), IpAddr::from([0u16; 8])];
    let of_both: Vec<Published> = all.iter().filter(|port| port.address == any4 && has(port, any6)).map(|port| **port).collect();
    let is_of_both = |port: &Published| {
        port.address.is_unspecified() && of_both.iter().any(|one| (one.host, one.container) == (port.host, port.container))
    };
    all.retain(|port| !is_of_both(port));
    let mut wanted: Vec<(Option<IpAddr>, u16, u16)> = of_both.iter().map(|port| (None, port.host, port.container)).collect();
    wanted.extend(all.iter().map(|port| (Some(port.address), port.host, port.container)));
    wanted.sort_unstable();
    let mut ranges: Vec<Range> = Vec::new();
    for (address, host, container) in wanted {
        match ranges.last_mut().filter(|range| range.goes_on_with(address, host, container)) {
            Some(range) => range.more += 1,
            None => ranges.push(Range { address, host, container, more: 0 }),
        }
    }
    ranges.iter().map(Range::spell).collect()
}

/// Ports that follow each other, on both sides.
struct Range {
    address: Option<IpAddr>,
    host: u16,
    container: u16,
    /// Behind the first.
    more: u16,
}

impl Range {
    fn goes_on_with(&self, address: Option<IpAddr>, host: u16, container: u16) -> bool {
        let next = |first: u16| first.checked_add(self.more)?.checked_add(1);
        (self.address, next(self.host), next(self.container)) == (address, Some(host), Some(container))
    }

    fn spell(&self) -> String {
        let Range { host, container, more, .. } = self;
        let address = self.address.map(|address| format!("{address}/")).unwrap_or_default();
        match more {
            0 => format!("{address}{host}:{container}"),
            more => format!("{address}{host}-{}:{container}-{}", host + more, container + more),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(address: &str, host: u16, container: u16, protocol: Protocol) -> Published {
        Published { address: address.parse().unwrap(), host, container, protocol }
    }

    #[test]
    fn ports_are_spelt_as_it_wants_them() {
        use Protocol::{Tcp, Udp};
        let both = |host, container| [port("0.0.0.0", host, container, Tcp), port("::", host, container, Tcp)];
        let mut all = [both(8080, 80), both(8081, 81), both(9000, 90)].concat();
        all.extend([port("127.0.0.1", 7000, 70, Tcp), port("::1", 7001, 70, Tcp), port("0.0.0.0", 5000, 53, Udp)]);
        assert_eq!(ports(&all, Tcp), ["8080-8081:80-81", "9000:90", "127.0.0.1/7000:70", "::1/7001:70"]);
        assert_eq!(ports(&all, Udp), ["0.0.0.0/5000:53"]);
    }

    #[test]
    fn an_interface_that_speaks_ipv6_has_an_address_of_its_link() {
        let table = "00000000000000000000000000000001 01 80 10 80       lo\n20010db8000000000000000000000001 02 40 00 80 eth0\n\
                     fe80000000000000000000000000000a 0b 40 20 80   wlan0\nfe800000000000000000000000000009 03 40 20 80   eth1\n";
        assert_eq!(first_with_a_link_address(table).as_deref(), Some("eth1"));
        assert_eq!(first_with_a_link_address("00000000000000000000000000000001 01 80 10 80       lo\n"), None);
    }

    #[test]
    fn a_container_without_ipv6_gets_none() {
        let v4 = Some(("10.208.0.5".parse().unwrap(), "10.208.0.1".parse().unwrap()));
        let words = words(&Outlet { v4, ..Outlet::default() }).join(" ");
        for expected in [
            "--interface lo ",
            "--address 10.208.0.5 --netmask 32 --gateway 10.208.0.1",
            "--tcp-ports none --udp-ports none",
            "--ipv4-only",
        ] {
            assert!(words.contains(expected), "{words}");
        }
    }
}
