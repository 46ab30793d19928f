//! The fast way of packets to published ports on hosts with firewalls of every temper: they see the interface and the sender that are
//! true, they are told when they stand in the way, and nothing of ours is left when the last port is gone.

use crate::common::eventually;
use crate::common::town::{Machine, Town};
use crate::common::{installed, lacking};

const DROPPED: &str = "connect: no answer";

/// A base chain of somebody else, with these rules and no others.
fn chain(host: &Machine, hook: &str, policy: &str, rules: &[&str]) {
    let mut script =
        format!("add table inet foreign\nadd chain inet foreign {hook} {{ type filter hook {hook} priority 0; policy {policy}; }}\n");
    script += &format!("flush chain inet foreign {hook}\n");
    rules.iter().for_each(|rule| script += &format!("add rule inet foreign {hook} {rule}\n"));
    host.sh(&format!("nft -f - <<'END'\n{script}END"));
}

/// Somebody who was told what to do does it.
fn obey(host: &Machine, told: &str, program: &str) {
    let hint = told.lines().filter_map(|line| line.strip_prefix("hint: ")).find(|hint| hint.starts_with(program));
    host.sh(hint.unwrap_or_else(|| panic!("no hint for {program} in\n{told}")));
}

#[test]
fn rules_by_interface_see_the_true_one_and_strict_ways_back_are_kept() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    town.host.sh("for which in all default lan0; do echo 1 >/proc/sys/net/ipv4/conf/$which/rp_filter; done");
    store.serve("web", &["-p", "8080:80", "-p", "5353:53/udp"], &["tcp", "80", "udp", "53"]);
    // The host forwards what begins at lan0, and nothing else.
    chain(&town.host, "forward", "drop", &["ct state established,related accept", "iifname lan0 ct state new accept"]);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    client.hears("udp", "192.0.2.1", 5353, "you are 192.0.2.2");
    client.hears("tcp", "2001:db8::1", 8080, "you are 2001:db8::2");
    client.hears("udp", "2001:db8::1", 5353, "you are 2001:db8::2");
    // And the other way round.
    chain(&town.host, "forward", "accept", &["ct state established,related accept", "iifname lan0 drop"]);
    assert_eq!(client.ask("tcp", "192.0.2.1", 8080), DROPPED);
    assert_eq!(client.ask("tcp", "2001:db8::1", 8080), DROPPED);
    assert_eq!(client.ask("udp", "192.0.2.1", 5353), "recv: no answer");
}

#[test]
fn an_interface_that_comes_later_leads_to_ports_too() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    store.serve("web", &["-p", "8080:80"], &["tcp", "80"]);
    // Only the new interface answers for the new address.
    town.host.sh("for which in all lan0; do echo 1 >/proc/sys/net/ipv4/conf/$which/arp_ignore; done
         ip link add lan1 link lan0 type macvlan mode bridge
         ip addr add 198.51.100.1/24 dev lan1; ip link set lan1 up");
    client.sh("ip addr add 198.51.100.2/24 dev lan0");
    client.hears("tcp", "198.51.100.1", 8080, "you are 198.51.100.2");
    // The next port that is published gives it a filter of its own, and rules see its name.
    store.serve("next", &["-p", "8081:80"], &["tcp", "80"]);
    chain(&town.host, "forward", "drop", &["ct state established,related accept", "iifname lan1 ct state new accept"]);
    client.hears("tcp", "198.51.100.1", 8080, "you are 198.51.100.2");
    assert_eq!(client.ask("tcp", "192.0.2.1", 8080), DROPPED);
}

#[test]
fn what_is_not_published_is_not_reached_by_who_knows_the_way() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    store.serve("web", &["-p", "8080:80"], &["tcp", "80", "tcp", "81"]);
    let place = store.place("web", "bridge");
    client.sh(&format!("ip route add {}/32 via 192.0.2.1", place.address));
    for port in [80, 81] {
        assert_eq!(client.ask("tcp", &place.address, port), DROPPED);
        town.host.hears("tcp", &place.address, port, &format!("you are {}", place.gateway));
    }
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
}

#[test]
fn an_output_policy_of_drop_is_said_with_what_to_do() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    store.serve("web", &["-p", "8080:80"], &["tcp", "80"]);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    chain(&town.host, "output", "drop", &["ct state established,related accept"]);
    assert_eq!(client.ask("tcp", "192.0.2.1", 8080), DROPPED);
    obey(&town.host, &store.ok(&["system", "check"]), "nft ");
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    assert!(!store.ok(&["system", "check"]).contains("In the way: the chain output"), "what is settled is not said again");
}

#[test]
fn the_rules_of_iptables_are_opened_by_iptables() {
    let Some(town) = Town::new() else { return };
    if ["iptables", "ip6tables"].iter().any(|tool| !installed(tool) && lacking(tool)) {
        return;
    }
    let (store, client) = (town.store(), town.machine("client"));
    client.serve("tcp", 7000);
    store.serve("web", &["-p", "8080:80"], &["tcp", "80"]);
    for (program, client_address, host_address) in [("iptables", "192.0.2.2", "192.0.2.1"), ("ip6tables", "2001:db8::2", "2001:db8::1")] {
        // As Docker leaves it, with the chain that belongs to the administrator.
        town.host.sh(&format!("{program} -P FORWARD DROP; {program} -N DOCKER-USER; {program} -A FORWARD -j DOCKER-USER"));
        assert_eq!(client.ask("tcp", host_address, 8080), DROPPED);
        assert_eq!(store.ask_from("web", "tcp", client_address, 7000), DROPPED);
        obey(&town.host, &store.ok(&["system", "check"]), &format!("{program} -I DOCKER-USER "));
        client.hears("tcp", host_address, 8080, &format!("you are {client_address}"));
        store.hears_from("web", "tcp", client_address, 7000, &format!("you are {host_address}"));
    }
}

#[test]
fn the_door_goes_with_the_last_port() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    let door = || town.host.sh("ip -o link").lines().filter(|line| line.contains(": td") || line.contains(": th")).count();
    store.serve("one", &["-p", "8080:80"], &["tcp", "80"]);
    store.serve("two", &["-p", "127.0.0.1:8081:80"], &["tcp", "80"]);
    assert_eq!(door(), 2);
    store.ok(&["rm", "-f", "one"]);
    assert_eq!(door(), 2, "somebody needs it still");
    store.ok(&["rm", "-f", "two"]);
    eventually("the door is gone", || door() == 0);
    assert!(!town.host.sh("ip route; ip -6 route").contains(" td"));
}

#[test]
fn a_port_that_leads_to_another_by_now_is_left_to_him() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    store.serve("web", &["-p", "8080:80"], &["tcp", "80"]);
    let tables = town.host.sh("nft list tables ip");
    let table = tables.lines().find_map(|line| line.strip_prefix("table ip ")).expect("a table of ours").to_owned();
    let port = "tcp . 8080";
    town.host.sh(&format!(
        "nft 'delete element ip {table} container {{ {port} }}; add element ip {table} container {{ {port} : 10.9.9.9 . 99 }}'"
    ));
    store.ok(&["rm", "-f", "web"]);
    let rules = town.host.sh("nft list ruleset");
    assert!(rules.contains("tcp . 8080 : 10.9.9.9 . 99"), "{rules}");
}
