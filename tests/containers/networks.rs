//! Containers in networks: what they see of them, whom they reach, and who is kept from them. Each test has a town of its own.

use crate::common::Store;
use crate::common::town::Town;

fn sleeper(store: &Store, name: &str, flags: &[&str]) {
    store.ok(&[&["run", "-d", "--name", name], flags, &["box", "sleep", "1000"]].concat());
}

fn inside(store: &Store, name: &str, script: &str) -> String {
    store.ok(&["exec", name, "sh", "-c", script])
}

const REFUSED: &str = "connect: refused";

#[test]
fn everybody_has_an_address_a_way_out_and_a_loopback() {
    let Some(town) = Town::new() else { return };
    let (store, other) = (town.store(), town.machine("other"));
    sleeper(&store, "one", &[]);
    let place = store.place("one", "bridge");
    let shown = inside(&store, "one", "ip -o addr; ip route; ip -6 route; ip -o link");
    assert!(shown.contains(&format!("inet {}/", place.address)), "{shown}");
    assert!(shown.contains(&format!("inet6 {}/64", place.address6)), "{shown}");
    assert!(!shown.lines().any(|line| line.contains(&place.address6) && line.contains("tentative")), "{shown}");
    assert!(shown.contains(&format!("default via {} dev eth0", place.gateway)), "{shown}");
    assert!(shown.contains(&format!("default via {} dev eth0", place.gateway6)), "{shown}");
    assert!(shown.contains(&place.mac), "{shown}");
    // Whoever says no is there.
    for address in ["127.0.0.1", "::1", &place.gateway, &place.gateway6, "192.0.2.1", "2001:db8::1"] {
        assert_eq!(store.ask_from("one", "tcp", address, 9), REFUSED, "{address}");
    }
    // The host reaches it, and it knows itself by its name.
    for address in [&place.address, &place.address6] {
        assert_eq!(town.host.ask("tcp", address, 9), REFUSED, "{address}");
    }
    let id = store.inspect("one")["Id"].as_str().expect("Id").to_owned();
    let hosts = inside(&store, "one", "cat /etc/hosts");
    let own = |address: &str| hosts.lines().any(|line| line.split_whitespace().eq([address, &id[..12]]));
    assert!(own(&place.address), "{hosts}");
    // Outside it has the host's address, because nobody there knows a way to its own.
    for protocol in ["tcp", "udp"] {
        other.serve(protocol, 7000);
        store.hears_from("one", protocol, "192.0.2.2", 7000, "you are 192.0.2.1");
        store.hears_from("one", protocol, "2001:db8::2", 7000, "you are 2001:db8::1");
    }
}

#[test]
fn none_host_and_another_container_s() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    sleeper(&store, "alone", &["--network", "none"]);
    let links = inside(&store, "alone", "ip -o link; ip route");
    assert_eq!((links.lines().count(), links.contains("lo:") && links.contains("UP")), (1, true), "{links}");
    sleeper(&store, "host", &["--network", "host"]);
    assert!(inside(&store, "host", "ip addr").contains("192.0.2.1/24"));
    store.serve("one", &[], &["tcp", "80"]);
    sleeper(&store, "guest", &["--network", "container:one"]);
    store.hears_from("guest", "tcp", "127.0.0.1", 80, "you are 127.0.0.1");
    assert!(inside(&store, "guest", "ip addr").contains(&store.place("one", "bridge").address));
    // The guest's end takes nothing away from its host.
    store.ok(&["rm", "-f", "guest"]);
    assert_eq!(store.ask_from("one", "tcp", "127.0.0.1", 80), "you are 127.0.0.1");
    // Nobody was made a network who wanted none.
    store.ok(&["rm", "-f", "one", "host", "alone"]);
    for flags in [&["--network", "nosuch"][..], &["--network", "container:nosuch"], &["--network", ""]] {
        let words = [&["run", "--rm"], flags, &["box", "true"]].concat();
        let error = store.refuses(&words);
        assert!(flags[1].is_empty() || error.contains("nosuch"), "{error}");
    }
}

#[test]
fn several_networks_and_the_way_out_through_the_first() {
    let Some(town) = Town::new() else { return };
    let (store, other) = (town.store(), town.machine("other"));
    store.ok(&["network", "create", "front"]);
    store.ok(&["network", "create", "back"]);
    sleeper(&store, "both", &["--network", "front", "--network", "back"]);
    store.serve("web", &["--network", "front"], &["tcp", "80"]);
    store.serve("db", &["--network", "back"], &["tcp", "80"]);
    let (front, back) = (store.place("both", "front"), store.place("both", "back"));
    assert_ne!(front.gateway, back.gateway);
    let shown = inside(&store, "both", "ip -o -4 addr; ip route");
    assert!(shown.lines().any(|line| line.contains("eth0") && line.contains(&front.address)), "{shown}");
    assert!(shown.lines().any(|line| line.contains("eth1") && line.contains(&back.address)), "{shown}");
    assert_eq!(shown.matches("default via").count(), 1, "{shown}");
    assert!(shown.contains(&format!("default via {} dev eth0", front.gateway)), "{shown}");
    store.hears_from("both", "tcp", &store.place("web", "front").address, 80, &format!("you are {}", front.address));
    store.hears_from("both", "tcp", &store.place("db", "back").address, 80, &format!("you are {}", back.address));
    other.serve("tcp", 7000);
    store.hears_from("both", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
}

#[test]
fn addresses_as_they_were_wished() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    let words = ["network", "create", "--subnet", "10.80.0.0/24", "--gateway", "10.80.0.9", "--ip-range", "10.80.0.64/26"];
    store.ok(&[&words[..], &["--ipv6", "--subnet", "fd80:1::/64", "net"]].concat());
    sleeper(&store, "any", &["--network", "net"]);
    let any = store.place("any", "net");
    let last: u8 = any.address.strip_prefix("10.80.0.").and_then(|last| last.parse().ok()).expect("an address in it");
    assert!((64..128).contains(&last) && any.gateway == "10.80.0.9", "{any:?}");
    let wishes = ["--network", "net", "--ip", "10.80.0.200", "--ip6", "fd80:1::77", "--mac-address", "02:00:5e:00:53:01"];
    sleeper(&store, "wished", &wishes);
    let shown = inside(&store, "wished", "ip addr show eth0");
    for wish in ["10.80.0.200/24", "fd80:1::77/64", "02:00:5e:00:53:01"] {
        assert!(shown.contains(wish), "no {wish}:\n{shown}");
    }
    for (flags, why) in [
        (&["--ip", "10.80.0.200"][..], "in use"),
        (&["--ip", "10.81.0.5"], "10.80.0.0/24"),
        (&["--ip", "10.80.0.9"], "gateway"),
        (&["--ip", "10.80.0.255"], "10.80.0.255"),
        (&["--ip6", "fd80:1::77"], "in use"),
        (&["--ip6", "fd81::1"], "fd80:1::/64"),
        (&["--ip", "10.80.0.300"], "10.80.0.300"),
        (&["--mac-address", "nonsense"], "nonsense"),
    ] {
        let error = store.refuses(&[&["run", "--rm", "--network", "net"], flags, &["box", "true"]].concat());
        assert!(error.contains(why), "{flags:?}: {error}");
    }
    // One that could not begin holds no address, and one that has gone gives its own back.
    store.ok(&["rm", "-f", "wished"]);
    sleeper(&store, "again", &wishes);
    assert_eq!(store.place("again", "net").address, "10.80.0.200");
}

#[test]
fn an_internal_network_has_no_way_out_and_no_way_in() {
    let Some(town) = Town::new() else { return };
    let (store, other) = (town.store(), town.machine("other"));
    store.ok(&["network", "create", "--internal", "--subnet", "10.82.0.0/24", "inner"]);
    store.serve("one", &["--network", "inner"], &["tcp", "80"]);
    sleeper(&store, "two", &["--network", "inner"]);
    sleeper(&store, "stranger", &[]);
    let (one, two) = (store.place("one", "inner"), store.place("two", "inner"));
    store.hears_from("two", "tcp", &one.address, 80, &format!("you are {}", two.address));
    other.serve("tcp", 7000);
    store.hears_from("stranger", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
    assert_ne!(store.ask_from("two", "tcp", "192.0.2.2", 7000), "you are 192.0.2.1");
    assert!(!inside(&store, "two", "ip route; ip -6 route").contains("default"));
    // Not with a route of its own either, nor from another network, nor by somebody outside who knows the way.
    let rebel = "ip route add default via 10.82.0.1; exec /probe ask tcp 192.0.2.2 7000 1";
    let heard = store.tare(&["run", "--rm", "--network", "inner", "--cap-add", "NET_ADMIN", "box", "sh", "-ec", rebel]);
    assert!(heard.stdout.starts_with("connect: no"), "{}", heard.story());
    let heard = store.ask_from("stranger", "tcp", &one.address, 80);
    assert!(heard.starts_with("connect: no"), "{heard}");
    other.sh(&format!("ip route add {} via 192.0.2.1", one.address));
    assert_eq!(other.ask("tcp", &one.address, 80), "connect: no answer");
}

#[test]
fn networks_are_kept_apart_and_neighbours_are_not() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    store.ok(&["network", "create", "--ipv6", "left"]);
    store.ok(&["network", "create", "--ipv6", "right"]);
    store.serve("left1", &["--network", "left"], &["tcp", "80"]);
    sleeper(&store, "left2", &["--network", "left"]);
    sleeper(&store, "right1", &["--network", "right"]);
    sleeper(&store, "usual", &[]);
    let (server, neighbour) = (store.place("left1", "left"), store.place("left2", "left"));
    store.hears_from("left2", "tcp", &server.address, 80, &format!("you are {}", neighbour.address));
    store.hears_from("left2", "tcp", &server.address6, 80, &format!("you are {}", neighbour.address6));
    for stranger in ["right1", "usual"] {
        for address in [&server.address, &server.address6] {
            let heard = store.ask_from(stranger, "tcp", address, 80);
            assert!(heard.starts_with("connect: no"), "{stranger} asks {address} and hears {heard:?}");
        }
    }
}

#[test]
fn the_largest_packet_is_what_the_network_says() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    store.ok(&["network", "create", "-o", "com.docker.network.driver.mtu=1380", "narrow"]);
    sleeper(&store, "one", &["--network", "narrow"]);
    assert!(inside(&store, "one", "ip link show eth0").contains("mtu 1380"));
    for wrong in ["0", "many", "70000", "-1"] {
        store.refuses(&["network", "create", "-o", &format!("com.docker.network.driver.mtu={wrong}"), "wrong"]);
    }
}

#[test]
fn networks_change_while_it_runs() {
    let Some(town) = Town::new() else { return };
    let (store, other) = (town.store(), town.machine("other"));
    store.ok(&["network", "create", "--subnet", "10.81.0.0/24", "extra"]);
    store.serve("server", &["--network", "extra"], &["tcp", "80"]);
    sleeper(&store, "one", &[]);
    let server = store.place("server", "extra").address;
    assert!(store.ask_from("one", "tcp", &server, 80).starts_with("connect: no"));
    store.ok(&["network", "connect", "--ip", "10.81.0.50", "extra", "one"]);
    store.hears_from("one", "tcp", &server, 80, "you are 10.81.0.50");
    let again = store.fails(1, &["network", "connect", "extra", "one"]);
    assert!(again.contains("one") && again.contains("extra"), "{again}");
    // It stays so when it is started again.
    store.ok(&["restart", "-t", "0", "one"]);
    store.hears_from("one", "tcp", &server, 80, "you are 10.81.0.50");
    store.ok(&["network", "disconnect", "extra", "one"]);
    assert_eq!(inside(&store, "one", "ip -o link").lines().count(), 2);
    assert!(store.ask_from("one", "tcp", &server, 80).starts_with("connect: no"));
    other.serve("tcp", 7000);
    store.hears_from("one", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
    // From its last one, too, and into it again.
    store.ok(&["network", "disconnect", "bridge", "one"]);
    assert_eq!(inside(&store, "one", "ip -o link").lines().count(), 1);
    store.ok(&["network", "connect", "bridge", "one"]);
    store.hears_from("one", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
    for words in
        [["connect", "nosuch", "one"], ["connect", "extra", "nosuch"], ["disconnect", "extra", "one"], ["disconnect", "nosuch", "one"]]
    {
        let error = store.fails(1, &[&["network"], &words[..]].concat());
        assert!(error.contains(words[1]) || error.contains(words[2]), "{words:?}: {error}");
    }
}

#[test]
fn started_again_it_is_in_its_networks_again() {
    let Some(town) = Town::new() else { return };
    let (store, other) = (town.store(), town.machine("other"));
    other.serve("tcp", 7000);
    sleeper(&store, "one", &["--restart", "always"]);
    for round in ["restart", "stop and start", "killed"] {
        match round {
            "restart" => drop(store.ok(&["restart", "-t", "0", "one"])),
            "stop and start" => {
                store.ok(&["stop", "-t", "0", "one"]);
                store.ok(&["start", "one"]);
            }
            // Its monitor begins it again.
            _ => {
                let before = store.pid("one");
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(before), nix::sys::signal::Signal::SIGKILL).expect("kill");
                crate::common::eventually("it is back", || {
                    let state = &store.inspect("one")["State"];
                    state["Status"] == "running" && state["Pid"] != before
                });
            }
        }
        store.hears_from("one", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
        let place = store.place("one", "bridge");
        assert!(inside(&store, "one", "ip addr").contains(&place.address), "{round}");
        assert!(inside(&store, "one", "cat /etc/hosts").contains(&place.address), "{round}");
    }
}

#[test]
fn a_network_in_use_stays() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    store.ok(&["network", "create", "net"]);
    sleeper(&store, "one", &["--network", "net"]);
    let error = store.fails(1, &["network", "rm", "net"]);
    assert!(error.contains("net") && error.contains("one"), "it names who is in it: {error}");
    let error = store.fails(1, &["network", "rm", "bridge"]);
    assert!(error.contains("bridge"), "{error}");
    store.ok(&["rm", "-f", "one"]);
    let before = town.host.snapshot();
    store.ok(&["network", "rm", "net"]);
    let after = town.host.snapshot();
    assert!(before.contains("10.") && after.len() < before.len(), "its bridge is gone:\n{after}");
    assert!(store.fails(1, &["network", "rm", "net"]).contains("no such network"));
}

#[test]
fn two_stores_on_one_machine() {
    let Some(town) = Town::new() else { return };
    let (first, second, other) = (town.store(), town.store(), town.machine("other"));
    other.serve("tcp", 7000);
    first.serve("web", &["-p", "8081:80"], &["tcp", "80"]);
    second.serve("web", &["-p", "8082:80"], &["tcp", "80"]);
    let (one, two) = (first.place("web", "bridge"), second.place("web", "bridge"));
    assert_ne!((&one.address, &one.gateway), (&two.address, &two.gateway));
    for store in [&first, &second] {
        store.hears_from("web", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
    }
    other.hears("tcp", "192.0.2.1", 8081, "you are 192.0.2.2");
    other.hears("tcp", "192.0.2.1", 8082, "you are 192.0.2.2");
    // The end of one is nothing to the other.
    first.ok(&["rm", "-f", "web"]);
    other.hears("tcp", "192.0.2.1", 8082, "you are 192.0.2.2");
    assert!(other.ask("tcp", "192.0.2.1", 8081).starts_with("connect: "));
    second.hears_from("web", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
}

#[test]
fn a_host_without_ipv6() {
    let Some(town) = Town::new() else { return };
    town.host.sh("for which in all default lan0; do echo 1 >/proc/sys/net/ipv6/conf/$which/disable_ipv6; done");
    let (store, other) = (town.store(), town.machine("other"));
    other.serve("tcp", 7000);
    store.serve("one", &["-p", "8080:80"], &["tcp", "80"]);
    store.hears_from("one", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
    other.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    let place = store.place("one", "bridge");
    assert_eq!((place.address6.as_str(), place.gateway6.as_str()), ("", ""));
    assert!(!inside(&store, "one", "ip -6 addr").contains("scope global"), "{}", inside(&store, "one", "ip addr"));
}

#[test]
fn forwarding_that_was_off_is_switched_on() {
    let Some(town) = Town::new() else { return };
    town.host.sh("echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding");
    let (store, other) = (town.store(), town.machine("other"));
    other.serve("tcp", 7000);
    sleeper(&store, "one", &[]);
    store.hears_from("one", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
    store.hears_from("one", "tcp", "2001:db8::2", 7000, "you are 2001:db8::1");
}

/// CVE-2020-13401: a container plays the router, and the host sends its packets there.
#[test]
fn a_host_listens_to_no_router_on_a_bridge_and_goes_on_listening_to_its_own() {
    let Some(town) = Town::new() else { return };
    town.host.sh("echo 0 >/proc/sys/net/ipv6/conf/all/forwarding; echo 1 >/proc/sys/net/ipv6/conf/lan0/accept_ra
        ip -6 route del default; ip -6 route add default via 2001:db8::fe dev lan0 proto ra");
    let store = town.store();
    sleeper(&store, "one", &[]);
    let setting = |interface: &str| town.host.sh(&format!("cat /proc/sys/net/ipv6/conf/{interface}/accept_ra"));
    assert_eq!(setting("lan0").trim(), "2");
    let bridge = town.host.sh("ip -o link show type bridge").split(": ").nth(1).expect("a bridge").to_owned();
    assert_eq!(setting(&bridge).trim(), "0");
}
