//! Hosts where something else rules: firewalls, VPNs, kernels without a part. What they forbid stays forbidden, and is said.

use crate::common::process::run;
use crate::common::test_images::probe;
use crate::common::town::Town;
use crate::common::{Store, program};

/// Another's firewall, as ufw, firewalld and Docker leave it. The address families of nftables stand side by side.
fn firewall(town: &Town, chain: &str, policy: &str, rule: &str) {
    let hook = format!("type filter hook {chain} priority 0; policy {policy};");
    town.host.sh(&format!("nft 'add table inet foreign; add chain inet foreign {chain} {{ {hook} }}'"));
    town.host.sh(&format!("nft flush chain inet foreign {chain}"));
    if !rule.is_empty() {
        town.host.sh(&format!("nft 'add rule inet foreign {chain} {rule}'"));
    }
}

fn web(store: &Store) {
    store.serve("web", &["-p", "8080:80", "-p", "5353:53/udp"], &["tcp", "80", "udp", "53"]);
}

const DROPPED: &str = "connect: no answer";

#[test]
fn a_drop_in_the_host_s_input_chain_holds_for_published_ports_moby_22054() {
    let Some(town) = Town::new() else { return };
    let (store, client, friend) = (town.store(), town.machine("client"), town.machine("friend"));
    web(&store);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    for rule in ["tcp dport 8080 drop", "iifname lan0 tcp dport 8080 drop", "ip saddr 192.0.2.2 drop", "tcp dport != 22 drop"] {
        firewall(&town, "input", "accept", rule);
        assert_eq!(client.ask("tcp", "192.0.2.1", 8080), DROPPED, "{rule}");
        let others = if rule.contains("saddr") { "you are 192.0.2.3" } else { DROPPED };
        assert_eq!(friend.ask("tcp", "192.0.2.1", 8080), others, "{rule}");
    }
    firewall(&town, "input", "accept", "ip6 saddr 2001:db8::2 drop");
    assert_eq!(client.ask("tcp", "2001:db8::1", 8080), DROPPED);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    firewall(&town, "input", "accept", "udp dport 5353 drop");
    assert_eq!(client.ask("udp", "192.0.2.1", 5353), "recv: no answer");
    // A refusal is heard as one.
    firewall(&town, "input", "accept", "tcp dport 8080 reject with tcp reset");
    assert_eq!(client.ask("tcp", "192.0.2.1", 8080), "connect: refused");
    // A policy of drop, and what a host's firewall always has beside it.
    firewall(&town, "input", "drop", "ct state established,related accept");
    assert_eq!(client.ask("tcp", "192.0.2.1", 8080), DROPPED);
    town.host.sh("nft add rule inet foreign input tcp dport 8080 accept");
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    firewall(&town, "input", "accept", "");
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
}

#[test]
fn a_drop_in_the_host_s_forward_chain_holds_for_published_ports() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    web(&store);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    for rule in ["tcp dport 80 drop", "iifname lan0 drop", "ip saddr 192.0.2.2 drop"] {
        firewall(&town, "forward", "accept", rule);
        assert_eq!(client.ask("tcp", "192.0.2.1", 8080), DROPPED, "{rule}");
    }
    firewall(&town, "forward", "accept", "");
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    client.hears("tcp", "2001:db8::1", 8080, "you are 2001:db8::2");
}

#[test]
fn a_forward_policy_of_drop_is_said_with_what_to_do() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    client.serve("tcp", 7000);
    firewall(&town, "forward", "drop", "ct state established,related accept");
    web(&store);
    // Nothing is accepted over the host's head.
    assert_eq!(store.ask_from("web", "tcp", "192.0.2.2", 7000), DROPPED);
    assert_eq!(client.ask("tcp", "192.0.2.1", 8080), DROPPED);
    // Loopback has nothing to do with it.
    town.host.hears("tcp", "127.0.0.1", 8080, &format!("you are {}", store.place("web", "bridge").gateway));
    let told = store.tare(&["system", "check"]);
    let told = told.stdout + &told.stderr;
    assert!(told.contains("forward") && told.contains("foreign"), "it says whose chain it is:\n{told}");
    // What it says is what helps.
    let command = told.lines().find_map(|line| line.find("nft ").map(|at| &line[at..])).unwrap_or_else(|| panic!("no command in\n{told}"));
    town.host.sh(command.trim_end_matches(['`', '.', ')']));
    store.hears_from("web", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
}

#[test]
fn a_route_of_somebody_else_is_chosen_around() {
    let Some(town) = Town::new() else { return };
    town.host.sh(
        "ip link add wg0 type bridge && ip link set wg0 up && ip route add 10.207.64.0/18 dev wg0 && ip route add 10.208.0.0/24 dev wg0",
    );
    let (store, client) = (town.store(), town.machine("client"));
    client.serve("tcp", 7000);
    store.serve("one", &[], &["tcp", "80"]);
    let address = store.place("one", "bridge").address;
    assert!(!address.starts_with("10.207."), "{address}");
    store.hears_from("one", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
    store.ok(&["network", "create", "free"]);
    store.serve("two", &["--network", "free"], &["tcp", "80"]);
    assert!(!store.place("two", "free").address.starts_with("10.208.0."));
    // Asked for, it is refused, and whose it is is said.
    for (subnet, whose) in [("10.207.64.0/24", "wg0"), ("10.207.0.0/16", "wg0"), ("192.0.2.0/25", "lan0"), ("2001:db8::/80", "lan0")] {
        let error = store.fails(1, &["network", "create", "--subnet", subnet, "wrong"]);
        assert!(error.contains(subnet) && error.contains(whose), "{error}");
    }
    // A VPN that takes all the world is a way out, and no network.
    town.host.sh("ip link add vpn type bridge && ip link set vpn up && ip route add 0.0.0.0/1 dev vpn && ip route add 128.0.0.0/1 dev vpn");
    store.ok(&["network", "create", "still"]);
    // One that comes later and is narrower takes packets away; the host is told.
    assert!(!store.ok(&["system", "check"]).contains("In the way"));
    town.host.sh("ip link add wg1 type bridge && ip link set wg1 up");
    let part = address.rsplit_once('.').expect("an address").0.to_owned() + ".128/25";
    town.host.sh(&format!("ip route add {part} dev wg1"));
    let told = store.ok(&["system", "check"]);
    assert!(told.contains(&part) && told.contains("wg1") && told.contains("network bridge"), "{told}");
}

#[test]
fn without_nf_tables_there_are_no_networks_and_it_is_said() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    // This kernel has them; so the sockets that lead to them are refused, as a kernel without them does, to all that the command starts.
    let without = |words: &[&str]| {
        let mut command = std::process::Command::new(probe());
        command.args(["without-netfilter".as_ref(), program().as_os_str()]).args(words).current_dir(&store.dir);
        store.tell(&mut command);
        run(command, None)
    };
    // What a network promises (a way out, and that others stay out) could not be kept: so it is said, and nothing is left.
    let ran = without(&["run", "-d", "--name", "web", "-p", "8080:80", "box", "/probe", "serve", "tcp", "80"]);
    assert_eq!(ran.code, 125, "{}", ran.story());
    assert!(["nf_tables", "hint: modprobe", "--network host"].iter().all(|word| ran.stderr.contains(word)), "{}", ran.story());
    assert_eq!(without(&["rm", "-f", "web"]).code, 0);
    assert_eq!(town.host.sh("ss -Hlntu; ip -o link | grep ': tc' || :"), "");
    for network in ["none", "host"] {
        let ran = without(&["run", "--rm", "--network", network, "box", "true"]);
        assert_eq!(ran.code, 0, "{}", ran.story());
    }
}
