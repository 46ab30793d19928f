//! Networks.

use super::{Example, Page};
use crate::explain::live::network::{self, Kind};
use crate::explain::tree::port_text;
use crate::trace::Step;

const WORDS: &str = "
A new network namespace is empty: one loopback interface, and that is down. To
reach anybody the container needs a cable. A veth pair is one: two interfaces,
and what goes into the one comes out of the other. One end is put into the
container and called eth0, the other stays on the host and is plugged into a
bridge, which is a switch in the kernel. All containers of a network hang on
the same bridge and hear each other.

To the world: the bridge has an address, which is the containers' gateway. The
host passes packets on, and lets them look as if they came from itself, because
nobody outside knows the containers' addresses (masquerading).

From the world: nobody outside reaches a container, unless a port of the host
is published (-p 8080:80). Names: in a network that you made, containers find
each other by name; they ask 127.0.0.11, inside, which asks outside for the
rest.
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::PlugIn),
        further: "man 7 network_namespaces; man 4 veth; ip link; nft list ruleset; tare network inspect",
    }
}

fn live(example: &Example) -> Vec<String> {
    let Some(seen) = &example.seen else { return of_machine(example) };
    if example.is_at_rest() {
        return example.at_rest();
    }
    let place = network::of(&example.paths, seen, &example.running);
    let mut lines = vec![format!("interfaces inside: {}", place.interfaces.join(" "))];
    lines.push(match &place.kind {
        Kind::Alone => "it has a network of its own and no cable (--network none)".to_owned(),
        Kind::Hosts => "these are the host's: it has no network of its own (--network host)".to_owned(),
        Kind::Of(name) => format!("these are those of container {name}, whose network it shares"),
        Kind::Bridged => "its cables:".to_owned(),
    });
    for cable in &place.cables {
        let one = &cable.endpoint;
        let addresses = one.addresses().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let gateways = cable.gateways.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        lines.push(format!(
            "  {} {addresses} ── {} on bridge {} ({gateways}), network {}",
            one.interface, one.host_interface, cable.bridge, one.network
        ));
    }
    lines.extend(place.ports.iter().map(|port| format!("port {}", port_text(port))));
    lines
}

fn of_machine(example: &Example) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let names: Vec<&str> = table.lines().skip(2).filter_map(|line| Some(line.split_once(':')?.0.trim())).collect();
    let networks = crate::network::list(&example.paths).unwrap_or_default();
    let mut lines = vec![format!("interfaces: {}", names.join(" "))];
    lines.extend(networks.iter().take(5).map(|network| {
        let ranges = network.ranges().map(|range| range.subnet.to_string()).collect::<Vec<_>>().join(" ");
        format!("network {} on bridge {}: {ranges}", network.name, network.bridge)
    }));
    lines
}
