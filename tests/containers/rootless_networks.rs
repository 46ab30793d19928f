//! Networks of an ordinary user: bridges in a namespace of his own, and a pasta for each container that has a way out. What this host
//! shows of it is a town (`common/town.rs`); its own network is never touched, nor could be.

use crate::common::ordinary::{Person, WayOut};
use crate::common::town::{Machine, Town};
use crate::common::{Store, eventually, installed, lacking, process, transcript};

fn ann() -> Person {
    Person::with_ranges().on_a_machine_with(WayOut::Open)
}

/// A town with pasta in it.
fn town() -> Option<Town> {
    if !installed("pasta") && lacking("pasta") {
        return None;
    }
    Town::new()
}

/// A web server that writes down who asks. It waits for the question: the first versions of pasta are slow to tell a server who speaks
/// first that somebody is there.
fn web(store: &Store, flags: &[&str]) {
    store.ok(&[
        &["run", "-d", "--name", "web"],
        flags,
        &["box", "sh", "-c", "mkdir /www; echo hello >/www/index.html; httpd -f -v -h /www"],
    ]
    .concat());
}

fn get(machine: &Machine, address: &str, port: u16) -> String {
    let ask = format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 5 ncat {address} {port} 2>/dev/null; exit 0");
    machine.run(&["sh", "-c", &ask]).stdout
}

fn is_answered(machine: &Machine, address: &str, port: u16) {
    eventually(&format!("{} is answered at {address}", machine.name), || get(machine, address, port).contains("hello"));
}

/// Those of a container's monitor.
fn pastas(store: &Store, container: &str) -> Vec<i32> {
    let parent = |pid: i32| stat(pid).and_then(|(_, parent)| parent.parse::<i32>().ok());
    let first = store.inspect(container)["State"]["Pid"].as_i64().expect("a pid") as i32;
    let monitor = parent(first).expect("a monitor");
    all_processes().filter(|pid| parent(*pid) == Some(monitor) && is_pasta(*pid)).collect()
}

fn all_processes() -> impl Iterator<Item = i32> {
    std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn is_pasta(pid: i32) -> bool {
    stat(pid).is_some_and(|(name, _)| name.starts_with("passt") || name.starts_with("pasta"))
}

/// Name and parent.
fn stat(pid: i32) -> Option<(String, String)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (before, behind) = text.rsplit_once(')')?;
    Some((before.split_once('(')?.1.to_owned(), behind.split_whitespace().nth(1)?.to_owned()))
}

#[test]
fn containers_of_an_internal_network_find_each_other_without_pasta_or_tun() {
    for person in [Person::with_ranges(), Person::single()] {
        let store = Store::of(person.on_a_machine_with(WayOut::NoPasta));
        store.ok(&["network", "create", "--internal", "--ipv6", "back"]);
        store.ok(&["run", "-d", "--name", "db", "--network", "back", "--network-alias", "sql", "box", "sleep", "1000"]);
        for name in ["db", "sql", "db.back"] {
            store.ok(&["run", "--rm", "--network", "back", "box", "ping", "-c1", "-W5", name]);
        }
        let routes = store.ok(&["run", "--rm", "--network", "back", "box", "ip", "route"]);
        assert!(!routes.contains("default"), "{routes}");
        assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong");
        let error = store.fails(125, &["run", "--network", "back", "-p", "8080:80", "box", "true"]);
        assert!(error.contains("internal"), "{error}");
        store.ok(&["rm", "-f", "db"]);
        store.ok(&["network", "rm", "back"]);
        store.assert_nothing_left();
    }
}

#[test]
fn ten_begin_at_once_and_meet_in_one_namespace() {
    let store = Store::of(Person::with_ranges());
    store.ok(&["network", "create", "--internal", "back"]);
    let begun: Vec<_> = (0..10)
        .map(|number| store.start(&["run", "-d", "--name", &format!("c{number}"), "--network", "back", "box", "sleep", "1000"]))
        .collect();
    begun.into_iter().for_each(|one| drop(one.wait().ok()));
    for number in 0..10 {
        store.ok(&["exec", "c3", "ping", "-c1", "-W5", &format!("c{number}")]);
    }
    // Whoever is on record as the namespace's holder may go: the others hold it as well.
    for number in (0..10).filter(|number| ![3, 7].contains(number)) {
        store.ok(&["rm", "-f", &format!("c{number}")]);
    }
    store.ok(&["run", "--rm", "--network", "back", "box", "ping", "-c1", "-W5", "c7"]);
    store.ok(&["exec", "c3", "ping", "-c1", "-W5", "c7"]);
}

#[test]
fn networks_are_connected_and_left_while_it_runs() {
    let store = Store::of(Person::with_ranges());
    for network in ["back", "front"] {
        store.ok(&["network", "create", "--internal", network]);
    }
    store.ok(&["run", "-d", "--name", "db", "--network", "back", "box", "sleep", "1000"]);
    store.ok(&["run", "-d", "--name", "web", "--network", "front", "--cap-add", "NET_ADMIN", "box", "sleep", "1000"]);
    assert_ne!(store.tare(&["exec", "web", "ping", "-c1", "-W1", "db"]).code, 0);
    store.ok(&["network", "connect", "back", "web"]);
    store.ok(&["exec", "web", "ping", "-c1", "-W5", "db"]);
    store.ok(&["network", "disconnect", "back", "web"]);
    assert_ne!(store.tare(&["exec", "web", "ping", "-c1", "-W1", "db"]).code, 0);
    // Two networks of one user are apart, whatever address is asked.
    let address = store.inspect("db")["NetworkSettings"]["Networks"]["back"]["IPAddress"].as_str().expect("an address").to_owned();
    store.ok(&["exec", "web", "ip", "route", "add", "default", "dev", "eth0"]);
    assert_ne!(store.tare(&["exec", "web", "ping", "-c1", "-W1", &address]).code, 0);
}

#[test]
fn what_is_missing_is_told_before_anything_is_made() {
    for (way_out, expected) in [(WayOut::NoPasta, "apt install passt"), (WayOut::NoTun, "chmod 666 /dev/net/tun")] {
        let store = Store::of(Person::with_ranges().on_a_machine_with(way_out));
        let error = store.fails(125, &["run", "--network", "bridge", "box", "true"]);
        assert!(error.contains(expected) && error.contains("--network none or host") && error.contains("--internal"), "{error}");
        assert_eq!(store.ok(&["ps", "-aq"]), "");
        store.ok(&["run", "--rm", "--network", "none", "box", "true"]);
    }
}

#[test]
fn a_published_port_shows_the_client_s_address() {
    let Some(town) = town() else { return };
    let (store, client) = (town.store_of(ann()), town.machine("client"));
    web(&store, &["-p", "8080:80"]);
    is_answered(&client, "192.0.2.1", 8080);
    is_answered(&client, "2001:db8::1", 8080);
    is_answered(&town.host, "127.0.0.1", 8080);
    eventually("the server knows who asked", || {
        let log = store.tare(&["logs", "web"]);
        let log = log.stdout + &log.stderr;
        log.contains("192.0.2.2]") && log.contains("[2001:db8::2]")
    });
    store.ok(&["run", "-d", "--name", "udp", "-p", "5353:53/udp", "box", "/probe", "serve", "udp", "53"]);
    client.hears("udp", "192.0.2.1", 5353, "you are 192.0.2.2");
    client.hears("udp", "2001:db8::1", 5353, "you are 2001:db8::2");
    assert_eq!(store.ok(&["port", "web"]), "80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080");
    store.ok(&["rm", "-f", "web", "udp"]);
    assert_eq!(get(&client, "192.0.2.1", 8080), "");
    store.assert_nothing_left();
}

#[test]
fn it_gets_out_and_has_its_own_addresses_all_the_same() {
    let Some(town) = town() else { return };
    let (store, client) = (town.store_of(ann()), town.machine("client"));
    client.serve("tcp", 99);
    client.serve("udp", 98);
    store.ok(&["network", "create", "--ipv6", "back"]);
    store.ok(&["run", "-d", "--name", "db", "--network", "back", "box", "sleep", "1000"]);
    store.ok(&["run", "-d", "--name", "web", "--network", "back", "--add-host", "me:host-gateway", "box", "sleep", "1000"]);
    for (protocol, port) in [("tcp", 99), ("udp", 98)] {
        store.hears_from("web", protocol, "192.0.2.2", port, "you are 192.0.2.1");
        store.hears_from("web", protocol, "2001:db8::2", port, "you are 2001:db8::1");
    }
    store.ok(&["exec", "web", "ping", "-c1", "-W5", "db"]);
    // What pasta drops is sent again soon.
    for kind in ["-4", "-6"] {
        let net = format!("--net=/proc/{}/ns/net", store.pid("web"));
        let routes = process::tool(&["nsenter", &net, "ip", kind, "route", "show", "default"]).ok();
        assert!(routes.contains("dev out0") && routes.contains("rto_min lock 40ms"), "{routes}");
    }
    let place = store.place("web", "back");
    assert!(store.ok(&["exec", "web", "ip", "addr", "show", "eth0"]).contains(&place.address));
    assert!(store.ok(&["exec", "web", "cat", "/etc/hosts"]).contains("192.0.2.1\tme"));
    // What the host keeps on its loopback is nobody's in a container, by whatever name.
    town.host.serve("tcp", 97);
    for address in ["127.0.0.1", &place.gateway] {
        assert!(store.ask_from("web", "tcp", address, 97).contains(": "), "{address}");
    }
    // Without its last network that leads out it is in, but gets nowhere.
    store.ok(&["network", "create", "--internal", "apart"]);
    store.ok(&["network", "connect", "apart", "web"]);
    store.ok(&["network", "disconnect", "back", "web"]);
    assert!(store.ask_from("web", "tcp", "192.0.2.2", 99).contains("no way"));
    store.ok(&["network", "connect", "back", "web"]);
    store.hears_from("web", "tcp", "192.0.2.2", 99, "you are 192.0.2.1");
}

#[test]
fn a_port_that_cannot_be_had_is_told_with_who_has_it() {
    let Some(town) = town() else { return };
    let store = town.store_of(ann());
    web(&store, &["-p", "8080:80"]);
    let error = store.fails(125, &["run", "-p", "8080:80", "box", "true"]);
    assert!(error.contains("container web has published it"), "{error}");
    let error = store.fails(125, &["run", "-p", "80:80", "box", "true"]);
    assert!(error.contains("net.ipv4.ip_unprivileged_port_start=80"), "{error}");
    let error = store.fails(125, &["run", "-p", "9000:80/sctp", "box", "true"]);
    assert!(error.contains("tcp and udp only"), "{error}");
    let error = store.fails(1, &["port", "add", "web", "-p", "9000:90"]);
    assert!(error.contains("fixed while it runs") && error.contains("tare stop web"), "{error}");
    store.ok(&["stop", "-t", "0", "web"]);
    store.ok(&["port", "add", "web", "-p", "9000:80"]);
    store.ok(&["start", "web"]);
    is_answered(&town.host, "127.0.0.1", 9000);
    // Any that is free.
    store.ok(&["run", "-d", "--name", "any", "-p", "80", "box", "httpd", "-f"]);
    assert!(store.ok(&["port", "any", "80"]).starts_with("0.0.0.0:"));
}

#[test]
fn a_killed_pasta_is_followed_by_another_and_none_outlives_its_monitor() {
    let Some(town) = town() else { return };
    let (store, client) = (town.store_of(ann()), town.machine("client"));
    web(&store, &["-p", "8080:80"]);
    is_answered(&client, "192.0.2.1", 8080);
    let [first] = pastas(&store, "web")[..] else { panic!("one pasta: {:?}", pastas(&store, "web")) };
    kill(first);
    eventually("another pasta comes", || pastas(&store, "web").iter().any(|pid| *pid != first));
    is_answered(&client, "192.0.2.1", 8080);
    let last = pastas(&store, "web");
    let monitor = stat(last[0]).expect("a process").1.parse().expect("a pid");
    kill(monitor);
    eventually("it ends with the monitor", || last.iter().all(|pid| !is_pasta(*pid)));
    eventually("the container has ended", || store.ok(&["ps", "-q"]).is_empty());
}

#[test]
fn two_users_are_in_nobody_s_way() {
    let Some(town) = town() else { return };
    let (one, other) = (town.store_of(ann()), town.store_of(ann().neighbour()));
    web(&one, &["-p", "8080:80"]);
    web(&other, &["-p", "8081:80"]);
    is_answered(&town.host, "192.0.2.1", 8080);
    is_answered(&town.host, "192.0.2.1", 8081);
    let error = other.fails(125, &["run", "-p", "8080:80", "box", "true"]);
    assert!(error.contains("in use"), "{error}");
}

fn kill(pid: i32) {
    // SAFETY: a signal to a process of this test.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGKILL) }, 0);
}

/// Shown to people, like the others of `tests/transcripts/`.
#[test]
fn the_page_is_true() {
    let Some(town) = town() else { return };
    let mut store = Store::empty_of(Some(ann()));
    store.machine = Some(town.host.clone());
    assert!(transcript::play(&store, include_str!("../transcripts/rootless.md")) > 20);
    assert_eq!(store.ok(&["ps", "-aq"]), "");
    store.assert_nothing_left();
}
