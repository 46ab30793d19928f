//! Containers find each other by name, and the rest of the world by the name servers that they were given.

use crate::common::process::{Ran, tool};
use crate::common::town::Town;
use crate::common::{Store, eventually, installed, lacking};

/// Python in the network of a container, with a question ready: no image of ours has it, and to the name server it is the same.
fn python(store: &Store, container: &str, script: &str) -> Ran {
    const QUESTION: &str = r#"
import os, socket, struct
SERVER = ('127.0.0.11', 53)
def question(name, kind=1):
    labels = b''.join(bytes([len(label)]) + label.encode() for label in name.split('.'))
    return struct.pack('>6H', 0x1234, 0x100, 1, 0, 0, 0) + labels + struct.pack('>BHH', 0, kind, 1)
def by_udp(name, kind=1):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(20)
    s.sendto(question(name, kind), SERVER)
    return s.recv(70000)
def by_tcp(name, kind=1):
    s = socket.create_connection(SERVER, 20)
    q = question(name, kind)
    s.sendall(struct.pack('>H', len(q)) + q)
    f = s.makefile('rb')
    return f.read(struct.unpack('>H', f.read(2))[0])
def summary(reply):
    return reply[3] & 15, struct.unpack('>H', reply[6:8])[0], bool(reply[2] & 2)
"#;
    tool(&["nsenter", "-t", &store.pid(container).to_string(), "-n", "python3", "-c", &format!("{QUESTION}{script}")])
}

fn has_tools() -> bool {
    ["python3", "nsenter"].iter().all(|tool| installed(tool) || !lacking(tool))
}

fn sleeper(store: &Store, name: &str, flags: &[&str]) {
    store.ok(&[&["run", "-d", "--name", name], flags, &["box", "sleep", "1000"]].concat());
}

/// The addresses of a name, or what an address is called, as a container finds them.
fn lookup(store: &Store, from: &str, name: &str) -> Vec<String> {
    let said = store.tare(&["exec", from, "nslookup", name]).stdout;
    let answers = said.lines().skip_while(|line| !line.starts_with("Name:") && !line.contains("name = "));
    let answer = |line: &str| {
        let text = line.split_once("name = ").or_else(|| line.split_once(": ").filter(|(what, _)| what.starts_with("Address")))?.1;
        Some(text.split_whitespace().last()?.to_owned())
    };
    let mut found: Vec<String> = answers.filter_map(answer).collect();
    found.sort();
    found
}

/// The process that serves a container's names and ports.
fn porter(store: &Store, container: &str) -> Option<i32> {
    let parent = |pid: i32| -> Option<i32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
    };
    let monitor = parent(store.pid(container))?;
    let name = |pid: i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let all = std::fs::read_dir("/proc").expect("/proc").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.into_iter().find(|pid| name(*pid).trim() == "tare-porter" && parent(*pid) == Some(monitor))
}

/// Nobody waits until it has begun.
fn first_porter(store: &Store, container: &str) -> i32 {
    eventually("a porter begins", || porter(store, container).is_some());
    porter(store, container).expect("a porter")
}

#[test]
fn neighbours_are_found_by_every_name_they_have_and_only_as_long_as_they_run() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    store.ok(&["network", "create", "back"]);
    store.ok(&["network", "create", "front"]);
    sleeper(&store, "web", &["--network", "back"]);
    assert!(lookup(&store, "web", "db").is_empty());
    // One who comes later is found by those who were there.
    sleeper(&store, "db", &["--network", "back", "--network-alias", "database"]);
    sleeper(&store, "stranger", &["--network", "front"]);
    let address = store.place("db", "back").address;
    let id = store.inspect("db")["Id"].as_str().expect("Id").to_owned();
    for name in ["db", "DB", "database", &id[..12], "db.back"] {
        assert_eq!(lookup(&store, "web", name), [address.as_str()], "{name}");
    }
    assert_eq!(lookup(&store, "db", "web"), [store.place("web", "back").address]);
    assert_eq!(lookup(&store, "web", &address), ["database.back", "db.back"]);
    for name in ["stranger", "stranger.front", "db.front", "nobody"] {
        assert!(lookup(&store, "web", name).is_empty(), "{name}");
    }
    assert!(lookup(&store, "stranger", "db").is_empty());
    store.ok(&["restart", "-t", "0", "db"]);
    assert_eq!(lookup(&store, "web", "db"), [store.place("db", "back").address]);
    store.ok(&["rm", "-f", "db"]);
    for name in ["db", "database", &id[..12], &address] {
        assert!(lookup(&store, "web", name).is_empty(), "{name} is still found");
    }
}

#[test]
fn all_of_one_name_are_told_in_turn() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    if !has_tools() {
        return;
    }
    store.ok(&["network", "create", "back"]);
    let aliases: Vec<String> = (0..100).map(|number| format!("service-{number}")).collect();
    let flags = aliases.iter().flat_map(|alias| ["--network-alias", alias]).chain(["--network", "back"]).collect::<Vec<_>>();
    sleeper(&store, "busy", &flags);
    for number in 0..5 {
        sleeper(&store, &format!("one{number}"), &["--network", "back", "--network-alias", "all"]);
    }
    let mut addresses: Vec<String> = (0..5).map(|number| store.place(&format!("one{number}"), "back").address).collect();
    addresses.sort();
    assert_eq!(lookup(&store, "busy", "all"), addresses);
    let own = store.place("busy", "back").address;
    for alias in [&aliases[0], &aliases[57], &aliases[99]] {
        assert_eq!(lookup(&store, "one0", alias), [own.as_str()], "{alias}");
    }
    let firsts = python(&store, "busy", "print(len({by_udp('all')[-4:] for _ in range(20)}))").ok();
    assert!(firsts.trim().parse::<usize>().expect("a number") > 1, "everybody gets the same one first");
    // Everything of one who has many names: an address, no address of IPv6, no mail.
    let kinds = python(&store, "one0", "print([summary(ask('busy', kind)) for ask in (by_udp, by_tcp) for kind in (1, 28, 15)])").ok();
    assert_eq!(kinds.trim(), "[(0, 1, False), (0, 0, False), (0, 0, False), (0, 1, False), (0, 0, False), (0, 0, False)]");
}

/// Tells its questions, and answers each of the kind A with 203.0.113.7; what begins with `big` with so many that it takes TCP.
const SERVER: &str = r#"
import socket, struct, sys, threading
def reply(q, is_tcp):
    end = q.index(b'\0', 12) + 5
    name = q[13:13 + q[12]].decode()
    print(name, flush=True)
    count = 60 if name.startswith('big') else 1
    cut = count > 1 and not is_tcp
    head = q[:2] + (b'\x83' if cut else b'\x81') + b'\x80\0\1' + struct.pack('>H', 0 if cut else count) + b'\0\0\0\0'
    one = b'\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4' + bytes([203, 0, 113, 7])
    return head + q[12:end] + (b'' if cut else one * count)
def tcp():
    s = socket.create_server(('0.0.0.0', 53))
    while True:
        c, _ = s.accept()
        f = c.makefile('rb')
        while head := f.read(2):
            r = reply(f.read(struct.unpack('>H', head)[0]), True)
            c.sendall(struct.pack('>H', len(r)) + r)
        c.close()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(('0.0.0.0', 53))
threading.Thread(target=tcp, daemon=True).start()
while True:
    q, p = u.recvfrom(4096)
    u.sendto(reply(q, False), p)
"#;

#[test]
fn other_names_are_asked_of_the_servers_that_the_container_was_given() {
    let Some(town) = Town::new() else { return };
    if !has_tools() {
        return;
    }
    let (store, server) = (town.store(), town.machine("server"));
    server.start(&["python3", "-c", SERVER]);
    store.ok(&["network", "create", "back"]);
    store.ok(&["network", "create", "--internal", "vault"]);
    let dns = ["--dns", "192.0.2.2"];
    sleeper(&store, "web", &[&["--network", "back"], &dns[..]].concat());
    sleeper(&store, "inner", &[&["--network", "vault"], &dns[..]].concat());
    eventually("a name of elsewhere is found", || lookup(&store, "web", "example.test").contains(&"203.0.113.7".to_owned()));
    let answers =
        python(&store, "web", "print([summary(ask(name)) for ask in (by_udp, by_tcp) for name in ('one.test', 'big.test')])").ok();
    assert_eq!(answers.trim(), "[(0, 1, False), (0, 0, True), (0, 1, False), (0, 60, False)]");
    // Names of ours are nobody else's, not even to be asked for what they have not.
    assert_eq!(python(&store, "web", "print(summary(by_udp('web', 28)))").ok().trim(), "(0, 0, False)");
    // In a network without a way out nobody is asked: questions would be a way out.
    assert_eq!(python(&store, "inner", "print(summary(by_udp('secret.test')))").ok().trim(), "(3, 0, False)");
    assert_eq!(lookup(&store, "inner", "inner"), [store.place("inner", "vault").address]);
    // A server that is not there: the next one is asked, and without one it is said in time.
    sleeper(&store, "second", &["--network", "back", "--dns", "192.0.2.77", "--dns", "192.0.2.2"]);
    assert_eq!(python(&store, "second", "print(summary(by_udp('one.test')))").ok().trim(), "(0, 1, False)");
    sleeper(&store, "lost", &["--network", "back", "--dns", "192.0.2.77"]);
    assert_eq!(python(&store, "lost", "print(summary(by_udp('one.test')))").ok().trim(), "(2, 0, False)");
}

/// As resolvers for whole networks are.
#[test]
fn a_container_may_serve_names_itself() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    store.ok(&["network", "create", "back"]);
    store.serve("dns", &["--network", "back"], &["udp", "53", "tcp", "53"]);
    sleeper(&store, "web", &["--network", "back"]);
    let (dns, web) = (store.place("dns", "back"), store.place("web", "back"));
    for protocol in ["udp", "tcp"] {
        store.hears_from("web", protocol, &dns.address, 53, &format!("you are {}", web.address));
    }
    assert_eq!(lookup(&store, "dns", "web"), [web.address]);
}

#[test]
fn a_hostile_container_has_nothing_of_it() {
    let Some(town) = Town::new() else { return };
    if !has_tools() {
        return;
    }
    let store = town.store();
    store.ok(&["network", "create", "back"]);
    sleeper(&store, "evil", &["--network", "back", "--dns", "192.0.2.77"]);
    let before = first_porter(&store, "evil");
    let script = r#"
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for n in range(5000):
    for bytes_ in (os.urandom(n % 700), question('x%d.test' % n), question('evil')[:n % 40], b'\x12\x34\x01\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1'):
        try: s.sendto(bytes_, SERVER)
        except OSError: pass
held = []
for n in range(300):
    c = socket.create_connection(SERVER, 20)
    try: c.sendall(os.urandom(n) if n % 2 else struct.pack('>H', 2000))
    except OSError: pass
    held.append(c)
print(summary(by_udp('evil')), summary(by_tcp('evil')))
"#;
    assert_eq!(python(&store, "evil", script).ok().trim(), "(0, 1, False) (0, 1, False)");
    assert_eq!(porter(&store, "evil"), Some(before), "it is still the same");
    let memory = std::fs::read_to_string(format!("/proc/{before}/smaps_rollup")).expect("its memory");
    let private: u64 =
        memory.lines().filter_map(|line| line.strip_prefix("Private_Dirty:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()).sum();
    assert!(private < 8 << 10, "it holds {private} kB");
}

#[test]
fn it_has_no_rights_and_one_that_is_killed_gets_a_successor() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    store.ok(&["network", "create", "back"]);
    store.serve("web", &["--network", "back", "-p", "8080:80"], &["tcp", "80"]);
    let first = first_porter(&store, "web");
    let read = || std::fs::read_to_string(format!("/proc/{first}/status")).expect("its status");
    // It gives up its rights when it has begun already, and nobody waits for that.
    eventually("it is nobody", || read().contains("NoNewPrivs:\t1"));
    let status = read();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}"));
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!((field("Uid:").as_str(), field("Groups:").as_str()), ("65534 65534 65534 65534", ""));
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(field(set), "0000000000000000", "{set}");
    }
    assert_eq!(field("NoNewPrivs:"), "1");
    let open = std::fs::read_dir(format!("/proc/{first}/fd")).expect("its descriptors").flatten();
    for target in open.filter_map(|fd| std::fs::read_link(fd.path()).ok()) {
        let target = target.display().to_string();
        let known = ["/dev/null", "anon_inode:[eventpoll]", "anon_inode:[pidfd]"].contains(&target.as_str());
        assert!(known || target.starts_with("socket:") || target.starts_with("pidfd:") || target.ends_with("/back/name"), "{target}");
    }
    let place = store.place("web", "back");
    town.host.hears("tcp", "127.0.0.1", 8080, &format!("you are {}", place.gateway));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(first), nix::sys::signal::Signal::SIGKILL).expect("kill");
    eventually("another porter comes", || porter(&store, "web").is_some_and(|now| now != first));
    town.host.hears("tcp", "127.0.0.1", 8080, &format!("you are {}", place.gateway));
    assert_eq!(lookup(&store, "web", "web"), [place.address]);
}
