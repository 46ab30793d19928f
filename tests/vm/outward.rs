//! An ordinary user's way out: here /dev/net/tun may be opened, as on most machines, and pasta goes through it.

use crate::common::ordinary::Person;
use crate::common::town::Town;
use crate::common::{cannot, eventually, in_vm, installed, lacking};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const TUN: &str = "/dev/net/tun";

/// The machine itself is changed: it is thrown away.
#[test]
fn an_ordinary_user_s_container_goes_out_and_is_reached_with_its_client_s_address() {
    if !in_vm() {
        let _ = cannot("it changes who may open /dev/net/tun; scripts/vm runs it");
        return;
    }
    if ["pasta", "ncat"].iter().any(|program| !installed(program) && lacking(program)) {
        return;
    }
    let Some(town) = Town::new() else { return };
    let (store, client) = (town.store_of(Person::with_ranges()), town.machine("client"));
    let whose = |mode| std::fs::set_permissions(Path::new(TUN), PermissionsExt::from_mode(mode)).expect("the mode of /dev/net/tun");

    whose(0o600);
    let error = store.fails(125, &["run", "--rm", "-p", "8080:80", "box", "true"]);
    assert!(error.contains("cannot open /dev/net/tun") && error.contains("sudo chmod 666 /dev/net/tun"), "{error}");
    // As the hint says.
    whose(0o666);

    // A server that waits for the question: the first versions of pasta are slow to tell one who speaks first that somebody is there.
    let server = "mkdir /www; echo hello >/www/index.html; /probe serve udp 53 & exec httpd -f -v -h /www";
    store.ok(&["run", "-d", "--name", "web", "-p", "8080:80", "-p", "5353:53/udp", "box", "sh", "-c", server]);
    for address in ["192.0.2.1", "2001:db8::1"] {
        let ask = format!("printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 10 ncat {address} 8080; exit 0");
        eventually(&format!("{address} answers"), || client.run(&["sh", "-c", &ask]).stdout.ends_with("\n\r\nhello\n"));
    }
    let logs = store.tare(&["logs", "web"]).stderr;
    assert!(logs.contains("192.0.2.2]") && logs.contains("[2001:db8::2]"), "{logs}");
    client.hears("udp", "192.0.2.1", 5353, "you are 192.0.2.2");

    // Outside it is the user of this host who asks.
    for (protocol, port) in [("tcp", 7000), ("udp", 7001)] {
        client.serve(protocol, port);
        store.hears_from("web", protocol, "192.0.2.2", port, "you are 192.0.2.1");
    }
    store.hears_from("web", "tcp", "2001:db8::2", 7000, "you are 2001:db8::1");
    store.ok(&["rm", "-f", "web"]);
    store.assert_nothing_left();
}
