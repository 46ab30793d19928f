//! The container's networks: addresses, cables, the way out, and the ports on which others come in.

use super::{Deed, Subject, namespaces, nothing, quote};
use crate::engine::claim::Claimed;
use crate::network::Network;
use crate::options::Network as Wish;
use crate::options::ports::PortWish;
use crate::record::network::Endpoint;
use oci_spec::runtime::LinuxNamespaceType as Type;

pub fn claim(subject: &Subject) -> Vec<Deed> {
    let Some(claimed) = &subject.outline.claimed else {
        return match subject.outline.record.wishes.network {
            Wish::Host => nothing("--network host: it has the host's"),
            _ => nothing("--network none: it has none"),
        };
    };
    let one = |endpoint: &Endpoint| {
        let all: Vec<String> = endpoint.addresses().iter().map(ToString::to_string).collect();
        Deed::new(format!("{} gets {} in network {}: free at this moment", endpoint.interface, all.join(" and "), endpoint.network))
            .cannot("it takes them without asking, so start no other container of this network meanwhile")
    };
    claimed.joined.endpoints.iter().map(one).collect()
}

pub fn plug_in(subject: &Subject) -> Vec<Deed> {
    let Some(claimed) = &subject.outline.claimed else { return nothing("it is in no network of ours") };
    if subject.is_ordinary {
        return vec![
            Deed::new("plug it into bridges that lie in a network namespace of yours, and start pasta, which leads it out")
                .cannot("only root plugs cables into the host; here it stays alone with its loopback"),
        ];
    }
    let mut deeds = Vec::new();
    for (network, endpoint) in claimed.networks.iter().zip(&claimed.joined.endpoints) {
        deeds.push(bridge(network));
        deeds.push(cable(network, endpoint));
    }
    deeds.extend(addresses(claimed));
    if claimed.networks.iter().any(|network| !network.internal) {
        deeds.push(forward());
    }
    deeds.push(rules(subject, claimed));
    let rate = subject.outline.record.wishes.net_rate;
    if rate.inward.is_some() || rate.outward.is_some() {
        deeds.push(Deed::new("slow the cable down at both ends (a token bucket)").cannot("see tc-tbf(8)"));
    }
    deeds.push(
        Deed::new("a porter answers questions for names, and calls of the host itself to published ports")
            .cannot("it is a process of tare's; the container asks the name servers in its /etc/resolv.conf"),
    );
    deeds
}

/// The first container of a network makes it.
fn bridge(network: &Network) -> Deed {
    let name = &network.bridge;
    let mut lines = format!(
        "if ! outside ip link show {name} >/dev/null 2>&1; then\n    outside ip link add {name} type bridge\n    echo {name} >>\"$work/bridges\"\n"
    );
    for range in network.ranges() {
        let without_asking = if range.gateway.is_ipv6() { " nodad" } else { "" };
        lines.push_str(&format!("    outside ip addr add {}/{} dev {name}{without_asking}\n", range.gateway, range.subnet.length()));
    }
    lines.push_str(&format!("    outside ip link set {name} up\nfi"));
    let gateways: Vec<String> = network.ranges().map(|range| range.gateway.to_string()).collect();
    Deed::new(format!("make bridge {name} on the host, with {} on it, unless it is there", gateways.join(" and ")))
        .lines(lines)
        .undo("[ ! -e \"$work/bridges\" ] || while read -r bridge; do ip link del \"$bridge\"; done <\"$work/bridges\"")
}

fn cable(network: &Network, endpoint: &Endpoint) -> Deed {
    let (here, there) = (&endpoint.host_interface, &endpoint.interface);
    let mtu = network.mtu.map(|mtu| format!(" mtu {mtu}")).unwrap_or_default();
    let lines = format!(
        "outside ip link add {here}{mtu} type veth peer name {there}{mtu} address {} netns $$\noutside ip link set {here} master {} up",
        endpoint.mac, network.bridge
    );
    Deed::new(format!("a cable: {here} in the bridge, {there} in the container ({})", endpoint.mac))
        .lines(lines)
        .undo(format!("ip link del {here} 2>/dev/null || :"))
}

/// In the container. The first network that has a gateway leads out.
fn addresses(claimed: &Claimed) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let (mut way_out4, mut way_out6) = (true, true);
    for endpoint in &claimed.joined.endpoints {
        let interface = &endpoint.interface;
        deeds.push(Deed::new(format!("switch {interface} on")).clear(format!("ip link set {interface} up")));
        let v4 = endpoint.ip.map(|(address, length, gateway)| (format!("{address}/{length}"), gateway.map(|gateway| gateway.to_string())));
        let v6 = endpoint
            .ip6
            .map(|(address, length, gateway)| (format!("{address}/{length} nodad"), gateway.map(|gateway| gateway.to_string())));
        for (address, gateway, leads_out) in
            [v4.map(|(address, gateway)| (address, gateway, &mut way_out4)), v6.map(|(address, gateway)| (address, gateway, &mut way_out6))]
                .into_iter()
                .flatten()
        {
            let shown = address.split(' ').next().unwrap_or_default();
            deeds.push(Deed::new(format!("{interface} has {shown}")).clear(format!("ip addr add {address} dev {interface}")));
            if let Some(gateway) = gateway.filter(|_| *leads_out) {
                *leads_out = false;
                deeds.push(
                    Deed::new(format!("everything else goes to {gateway}"))
                        .clear(format!("ip route add default via {gateway} dev {interface}")),
                );
            }
        }
    }
    deeds
}

fn forward() -> Deed {
    const SETTING: &str = "/proc/sys/net/ipv4/ip_forward";
    Deed::new("let the host pass packets on")
        .lines(format!(
            "# For IPv6 tare does the same, and sees to it that the host still listens to its own router.\noutside sh -c 'cat {SETTING} >\"$work/ip_forward\" && echo 1 >{SETTING}'"
        ))
        .undo(format!("[ ! -s \"$work/ip_forward\" ] || cat \"$work/ip_forward\" >{SETTING}"))
}

/// The same as `network/rules/` has, for this container alone; published ports in the simple way.
fn rules(subject: &Subject, claimed: &Claimed) -> Deed {
    let ports = &subject.outline.record.wishes.ports;
    let table = format!("by_hand_{:.10}", subject.outline.record.id);
    let mut told = vec!["containers leave under the host's address".to_owned(), "nobody comes in but to published ports".to_owned()];
    told.extend(
        ports.iter().map(|port| format!("port {} of the host leads to {}/{}", host_port(port), port.container, port.protocol.word())),
    );
    let mut text = format!("table inet {table} {{\n    chain forward {{\n        type filter hook forward priority filter\n");
    for network in &claimed.networks {
        let bridge = &network.bridge;
        text.push_str(&format!("        iifname {bridge} oifname {bridge} accept\n"));
        if network.internal {
            text.push_str(&format!("        iifname {bridge} drop\n"));
        }
        text.push_str(&format!("        oifname {bridge} ct status dnat accept\n        oifname {bridge} ct state new drop\n"));
    }
    text.push_str("    }\n    chain leave {\n        type nat hook postrouting priority srcnat\n");
    for network in claimed.networks.iter().filter(|network| !network.internal) {
        for range in network.ranges() {
            let family = if range.subnet.is_v4() { "ip" } else { "ip6" };
            text.push_str(&format!("        {family} saddr {} oifname != {} masquerade\n", range.subnet, network.bridge));
        }
    }
    text.push_str("    }\n");
    if let (false, (Some(address), _)) = (ports.is_empty(), claimed.joined.addresses()) {
        text.push_str("    chain come_in {\n        type nat hook prerouting priority dstnat\n");
        for port in ports {
            let to = port.address.map_or("fib daddr type local".to_owned(), |address| format!("ip daddr {address}"));
            let (word, host) = (port.protocol.word(), host_port(port));
            text.push_str(&format!("        {to} {word} dport {host} dnat ip to {address}:{}\n", port.container));
        }
        text.push_str("    }\n");
    }
    text.push('}');
    let remark = if ports.is_empty() {
        ""
    } else {
        "# The usual way of ports, which goes round the host's own firewall; tare takes a longer one, which does not.\n"
    };
    Deed::new(format!("make rules: {}", told.join("; ")))
        .lines(format!("{remark}outside nft -f - {}", quote::document(&text)))
        .undo(format!("nft delete table inet {table} 2>/dev/null || :"))
}

/// Where none was said tare takes any that is free.
fn host_port(port: &PortWish) -> u16 {
    port.host.unwrap_or(port.container)
}

pub fn loopback(subject: &Subject) -> Vec<Deed> {
    match namespaces::has(subject, Type::Network) {
        true => vec![Deed::new("switch lo on").clear("ip link set lo up")],
        false => nothing("its network is the host's"),
    }
}
