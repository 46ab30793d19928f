//! What goes through a published port by the host's loopback: nothing is lost, the end of one direction is not that of the other, and
//! very many may come at once.

use crate::common::town::Town;
use crate::common::{installed, lacking};

/// A script for the host; `at` connects to a port of loopback, by IPv4 or IPv6.
fn python(town: &Town, script: &str) -> String {
    const BEGIN: &str = r#"
import hashlib, resource, socket, threading, time
def at(host, port):
    s = socket.create_connection((host, port), 20)
    s.settimeout(60)
    return s
"#;
    town.host.run(&["python3", "-c", &format!("{BEGIN}{script}")]).ok()
}

fn has_python() -> bool {
    installed("python3") || !lacking("python3")
}

#[test]
fn megabytes_arrive_as_they_were_and_one_end_may_come_before_the_other() {
    let Some(town) = Town::new() else { return };
    if !has_python() {
        return;
    }
    let store = town.store();
    // The one answers when it has heard the end; the other speaks, whatever it hears.
    let script = "nc -ll -p 80 -e sha256sum & nc -ll -p 81 -e sh -c 'yes 0123456789 | head -c 50000000'; wait";
    store.ok(&["run", "-d", "--name", "web", "-p", "8080:80", "-p", "8081:81", "box", "sh", "-c", script]);
    let said = python(
        &town,
        r#"
data = bytes(range(256)) * 200000
for host in ('127.0.0.1', '::1'):
    for patience in range(400):
        try:
            s = at(host, 8080); s.sendall(data); s.shutdown(socket.SHUT_WR)
            heard = s.makefile('rb').read()
            if heard: break
        except OSError: pass
        time.sleep(0.05)
    assert heard.split()[0].decode() == hashlib.sha256(data).hexdigest(), heard
    for patience in range(400):
        try:
            heard = at(host, 8081).makefile('rb').read()
            if heard: break
        except OSError: pass
        time.sleep(0.05)
    assert heard == (b'0123456789\n' * 5000000)[:50000000], len(heard)
    print(host, 'well')
"#,
    );
    assert_eq!(said, "127.0.0.1 well\n::1 well");
}

#[test]
fn a_thousand_come_at_once() {
    let Some(town) = Town::new() else { return };
    if !has_python() {
        return;
    }
    let store = town.store();
    store.ok(&["run", "-d", "--name", "web", "-p", "8080:80", "box", "nc", "-ll", "-p", "80", "-e", "cat"]);
    let said = python(
        &town,
        r#"
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
def echo(s, word):
    s.sendall(word)
    return s.recv(len(word), socket.MSG_WAITALL) == word
while True:
    try:
        if echo(at('127.0.0.1', 8080), b'there'): break
    except OSError: pass
all = [at('127.0.0.1', 8080) for _ in range(1000)]
for word in (b'one', b'another'):
    assert all and [echo(s, word) for s in all] == [True] * 1000
print(len(all))
"#,
    );
    assert_eq!(said, "1000");
}

#[test]
fn whoever_has_the_port_is_named() {
    let Some(town) = Town::new() else { return };
    if !has_python() {
        return;
    }
    let store = town.store();
    store.ok(&["run", "-d", "--name", "first", "-p", "8080:80", "-p", "5353:53/udp", "box", "sleep", "1000"]);
    town.host.start(&["python3", "-c", "import socket, time\ns = socket.create_server(('127.0.0.1', 9000))\ntime.sleep(1000)"]);
    crate::common::eventually("python listens", || town.host.ask("tcp", "127.0.0.1", 9000) != "connect: refused");
    for (flag, holder) in [
        ("8080:80", "container first has published it"),
        ("127.0.0.1:8080:80", "container first has published it"),
        ("5353:53/udp", "container first has published it"),
        ("9000:80", "python3 (process "),
    ] {
        let error = store.fails(125, &["run", "--name", "second", "-p", flag, "box", "true"]);
        assert!(error.contains("is in use") && error.contains(holder), "{flag}: {error}");
        store.ok(&["rm", "-f", "second"]);
    }
    // The other protocol has numbers of its own, and so has every other address.
    store.ok(&["run", "--rm", "-p", "8080:80/udp", "-p", "127.0.0.9:9000:80", "box", "true"]);
    // Who has ended needs none any more.
    store.ok(&["rm", "-f", "first"]);
    store.ok(&["run", "--rm", "-p", "8080:80", "box", "true"]);
}

#[test]
fn where_nobody_listens_and_where_somebody_goes_away_there_is_a_reset() {
    let Some(town) = Town::new() else { return };
    if !has_python() {
        return;
    }
    let store = town.store();
    let script = "nc -ll -p 82 -e sleep 1 & nc -ll -p 80 -e cat";
    store.ok(&["run", "-d", "--name", "web", "-p", "8080:80", "-p", "8081:81", "-p", "8082:82", "box", "sh", "-c", script]);
    let said = python(
        &town,
        r#"
# A reset may come before the words are on their way.
def end(port, words):
    try:
        s = at('127.0.0.1', port)
        s.sendall(words)
        return 'end' if s.recv(9) == b'' else 'words'
    except (ConnectionResetError, BrokenPipeError): return 'reset'
while end(8080, b'x') != 'words': pass
print(end(8081, b'x'))
# Its peer goes with words unread.
print(end(8082, b'x' * 1000))
"#,
    );
    assert_eq!(said, "reset\nreset");
}

#[test]
fn a_range_may_be_of_thousands() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    let script = "ulimit -n; exec /probe serve tcp 12345";
    store.ok(&["run", "-d", "--name", "web", "-p", "10000-12999:10000-12999", "box", "sh", "-c", script]);
    let from_gateway = || format!("you are {}", store.place("web", "bridge").gateway);
    town.host.hears("tcp", "127.0.0.1", 12345, &from_gateway());
    store.ok(&["restart", "-t", "0", "web"]);
    town.host.hears("tcp", "127.0.0.1", 12345, &from_gateway());
    // What its porter needs is nothing to the container.
    let limits: Vec<String> = store.ok(&["logs", "web"]).lines().filter(|line| line.parse::<u64>().is_ok()).map(str::to_owned).collect();
    assert_eq!(limits.len(), 2);
    assert_eq!(limits[0], limits[1]);
}
