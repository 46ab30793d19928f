//! Published ports, asked from everywhere: loopback, the host's own address, another machine, another container. The server tells
//! each the address that it sees, so a test knows whose it was.

use crate::common::town::{Machine, Town};
use crate::common::{Store, eventually, lacking};

/// `probe serve` behind a published port.
fn server(store: &Store, flags: &[&str]) {
    store.serve("web", flags, &["tcp", "80", "udp", "53"]);
}

fn silent(machine: &Machine, protocol: &str, address: &str, port: u16) {
    let heard = machine.ask(protocol, address, port);
    assert!(heard.contains(": "), "{} asks {protocol} {address} {port} and hears {heard:?}", machine.name);
}

#[test]
fn a_port_is_reached_from_everywhere_and_the_client_is_known() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    server(&store, &["-p", "8080:80", "-p", "5353:53/udp"]);
    let place = store.place("web", "bridge");
    for (protocol, port) in [("tcp", 8080), ("udp", 5353)] {
        client.hears(protocol, "192.0.2.1", port, "you are 192.0.2.2");
        client.hears(protocol, "2001:db8::1", port, "you are 2001:db8::2");
        town.host.hears(protocol, "192.0.2.1", port, "you are 192.0.2.1");
        town.host.hears(protocol, "2001:db8::1", port, "you are 2001:db8::1");
        // Nobody inside can have an answer from 127.0.0.1 of another network: what comes by loopback comes from the gateway.
        town.host.hears(protocol, "127.0.0.1", port, &format!("you are {}", place.gateway));
        town.host.hears(protocol, "127.9.9.9", port, &format!("you are {}", place.gateway));
        town.host.hears(protocol, "::1", port, &format!("you are {}", place.gateway6));
    }
    for line in ["tcp from 192.0.2.2", "tcp from 2001:db8::2", "udp from 192.0.2.2", "udp from 2001:db8::2"] {
        // What the server says reaches the log by its monitor, in its own time.
        eventually(&format!("the log has {line:?}"), || store.ok(&["logs", "web"]).contains(line));
    }
    // Who is gone answers no more.
    store.ok(&["rm", "-f", "web"]);
    for machine in [&*town.host, &client] {
        assert_eq!(machine.ask("tcp", "192.0.2.1", 8080), "connect: refused");
        assert_eq!(machine.ask("tcp", "2001:db8::1", 8080), "connect: refused");
    }
    assert_eq!(town.host.ask("tcp", "127.0.0.1", 8080), "connect: refused");
}

#[test]
fn other_containers_and_itself_reach_it_by_the_host_s_address() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    store.ok(&["network", "create", "--ipv6", "apart"]);
    server(&store, &["-p", "8080:80", "-p", "5353:53/udp"]);
    store.ok(&["run", "-d", "--name", "neighbour", "box", "sleep", "1000"]);
    store.ok(&["run", "-d", "--name", "stranger", "--network", "apart", "box", "sleep", "1000"]);
    for who in ["neighbour", "stranger", "web"] {
        for (protocol, address, port) in [("tcp", "192.0.2.1", 8080), ("tcp", "2001:db8::1", 8080), ("udp", "192.0.2.1", 5353)] {
            eventually(&format!("{who} is answered by {protocol} {address}"), || {
                store.ask_from(who, protocol, address, port).starts_with("you are ")
            });
        }
    }
}

#[test]
fn on_one_address_only() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    town.host.sh("ip addr add 192.0.2.101/24 dev lan0");
    server(&store, &["-p", "127.0.0.1:8080:80", "-p", "[::1]:8080:80", "-p", "192.0.2.101:8081:80", "-p", "[2001:db8::1]:8082:80"]);
    let place = store.place("web", "bridge");
    town.host.hears("tcp", "127.0.0.1", 8080, &format!("you are {}", place.gateway));
    town.host.hears("tcp", "::1", 8080, &format!("you are {}", place.gateway6));
    for machine in [&*town.host, &client] {
        silent(machine, "tcp", "192.0.2.1", 8080);
        silent(machine, "tcp", "2001:db8::1", 8080);
        silent(machine, "tcp", "192.0.2.1", 8081);
        silent(machine, "tcp", "192.0.2.1", 8082);
    }
    client.hears("tcp", "192.0.2.101", 8081, "you are 192.0.2.2");
    client.hears("tcp", "2001:db8::1", 8082, "you are 2001:db8::2");
    // A neighbour on the street who sends 127.0.0.1 to us by its wire gets nowhere.
    client.sh("ip addr del 127.0.0.1/8 dev lo; echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
        ip route add 127.0.0.1 via 192.0.2.1 dev lan0 src 192.0.2.2");
    silent(&client, "tcp", "127.0.0.1", 8080);
}

#[test]
fn ranges_random_ports_and_all_that_the_image_names() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    store.serve("range", &["-p", "7000-7002:80-82"], &["tcp", "80", "tcp", "81", "tcp", "82"]);
    for port in 7000..=7002 {
        client.hears("tcp", "192.0.2.1", port, "you are 192.0.2.2");
    }
    silent(&client, "tcp", "192.0.2.1", 7003);
    store.serve("random", &["-p", "80"], &["tcp", "80"]);
    store.serve("all", &["-P", "--expose", "80", "--expose", "81/tcp"], &["tcp", "80", "tcp", "81"]);
    let said = store.ok(&["port", "all"]);
    assert!(said.contains("80/tcp -> 0.0.0.0:") && said.contains("81/tcp -> [::]:"), "{said}");
    let mut ports = Vec::new();
    for (name, port) in [("random", "80"), ("all", "80"), ("all", "81/tcp")] {
        let said = store.ok(&["port", name, port]);
        let found: u16 = said.lines().next().and_then(|line| line.rsplit(':').next()).and_then(|port| port.parse().ok()).expect("a port");
        assert_eq!(said, format!("0.0.0.0:{found}\n[::]:{found}"), "one number for both kinds of addresses");
        client.hears("tcp", "192.0.2.1", found, "you are 192.0.2.2");
        client.hears("tcp", "2001:db8::1", found, "you are 2001:db8::2");
        ports.push(found);
    }
    ports.dedup();
    assert_eq!(ports.len(), 3, "{ports:?}");
}

#[test]
fn a_port_in_use_names_who_holds_it() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    server(&store, &["-p", "8080:80"]);
    let error = store.fails(125, &["run", "-d", "--name", "second", "-p", "8080:80", "box", "true"]);
    assert!(error.contains("8080") && error.contains("web"), "{error}");
    // What could not begin is there, as Docker leaves it, and begins when the port is free.
    store.ok(&["rm", "-f", "web"]);
    town.host.serve("tcp", 9090);
    let error = store.fails(125, &["run", "--rm", "-p", "9090:80", "box", "true"]);
    assert!(error.contains("9090") && error.contains("probe"), "{error}");
    // Another store of the same machine.
    let other = town.store();
    store.serve("mine", &["-p", "8090:80"], &["tcp", "80"]);
    let error = other.fails(125, &["run", "--rm", "-p", "8090:80", "box", "true"]);
    assert!(error.contains("8090"), "{error}");
    // Nothing is left of those who failed.
    for wrong in ["70000:80", "80:70000", "0.0.0.0.0:80:80", "80:80/icmp", "8000-8002:80-81", "-5:80", "192.0.2.77:8099:80", "x"] {
        store.refuses(&["run", "--rm", "-p", wrong, "box", "true"]);
    }
    store.ok(&["rm", "-f", "mine"]);
    let _ = store.tare(&["rm", "-f", "second"]);
    eventually("only the town's own server listens", || {
        let listeners = town.host.sh("ss -Hlntu");
        listeners.lines().all(|line| line.contains(":9090"))
    });
}

#[test]
fn ports_come_and_go_while_it_runs() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    server(&store, &[]);
    silent(&client, "tcp", "192.0.2.1", 8080);
    store.ok(&["port", "add", "web", "-p", "8080:80", "-p", "5353:53/udp"]);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    client.hears("udp", "2001:db8::1", 5353, "you are 2001:db8::2");
    town.host.hears("tcp", "127.0.0.1", 8080, &format!("you are {}", store.place("web", "bridge").gateway));
    let said = store.ok(&["port", "web"]);
    assert!(said.contains("80/tcp -> 0.0.0.0:8080") && said.contains("53/udp -> 0.0.0.0:5353"), "{said}");
    let error = store.fails(1, &["port", "add", "web", "-p", "8080:80"]);
    assert!(error.contains("8080"), "{error}");
    // It stays when it is started again.
    store.ok(&["restart", "-t", "0", "web"]);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    store.ok(&["port", "rm", "web", "-p", "8080:80"]);
    assert_eq!(client.ask("tcp", "192.0.2.1", 8080), "connect: refused");
    assert_eq!(town.host.ask("tcp", "127.0.0.1", 8080), "connect: refused");
    client.hears("udp", "192.0.2.1", 5353, "you are 192.0.2.2");
    store.fails(1, &["port", "rm", "web", "-p", "8080:80"]);
}

#[test]
fn a_firewall_that_is_loaded_again_takes_nothing_but_the_client_s_address() {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    client.serve("tcp", 7000);
    server(&store, &["-p", "8080:80"]);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    let rules = town.host.sh("nft list ruleset");
    town.host.sh("nft flush ruleset");
    // The porter's sockets are there still.
    let gateway = format!("you are {}", store.place("web", "bridge").gateway);
    client.hears("tcp", "192.0.2.1", 8080, &gateway);
    town.host.hears("tcp", "127.0.0.1", 8080, &gateway);
    store.ok(&["system", "check"]);
    assert_eq!(town.host.sh("nft list ruleset"), rules);
    client.hears("tcp", "192.0.2.1", 8080, "you are 192.0.2.2");
    store.hears_from("web", "tcp", "192.0.2.2", 7000, "you are 192.0.2.1");
}

#[test]
fn sctp_is_forwarded_by_the_rules_alone() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    // Whether this kernel speaks it or not: what the rules forward, only the client and the server need to speak.
    store.ok(&["run", "-d", "--name", "signals", "-p", "9999:99/sctp", "box", "sleep", "1000"]);
    let rules = town.host.sh("nft list ruleset");
    let address = store.place("signals", "bridge").address;
    let element = |line: &str| line.contains("sctp") && line.contains("9999");
    assert!(rules.lines().any(element) && rules.contains(&address), "{rules}");
    assert_eq!(store.ok(&["port", "signals"]).lines().next(), Some("99/sctp -> 0.0.0.0:9999"));
    store.ok(&["rm", "-f", "signals"]);
    eventually("its element is gone", || !town.host.sh("nft list ruleset").lines().any(element));
}

fn fetched(machine: &Machine, address: &str) -> String {
    let mut page = String::new();
    eventually(&format!("a page comes from {address} to {}", machine.name), || {
        let ran = machine.run(&["curl", "-gsS", "-m", "3", &format!("http://{address}:8080/")]);
        page = ran.stdout;
        ran.code == 0
    });
    page
}

fn a_real_server(image: &str) {
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store(), town.machine("client"));
    if store.load_built(&format!("web-{image}")).is_none() {
        let _ = lacking(&format!("web-{image}.tar: images/web/build {image}"));
        return;
    }
    store.ok(&["run", "-d", "--name", "web", "-p", "8080:80", &format!("web:{image}")]);
    for (machine, address, seen) in [
        (&client, "192.0.2.1", Some("192.0.2.2")),
        (&client, "[2001:db8::1]", Some("2001:db8::2")),
        (&*town.host, "127.0.0.1", None),
        (&*town.host, "[::1]", None),
        (&*town.host, "192.0.2.1", Some("192.0.2.1")),
    ] {
        let page = fetched(machine, address);
        assert!(page.contains("<h1>"), "{page}");
        let known = |line: &str| {
            seen.is_none_or(|seen| {
                line.starts_with(seen) || line.starts_with(&format!("[::ffff:{seen}]")) || line.starts_with(&format!("[{seen}]"))
            })
        };
        // The server writes about it when the page has gone already.
        eventually(&format!("the log knows {} by {address}", machine.name), || store.ok(&["logs", "web"]).lines().any(known));
    }
}

#[test]
fn busybox_httpd() {
    a_real_server("busybox");
}

#[test]
fn nginx_on_debian() {
    a_real_server("nginx");
}
