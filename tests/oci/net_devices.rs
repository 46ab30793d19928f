//! Network interfaces that are moved into a container, in a network namespace of the tests' own.

use super::bundle::Bundle;
use crate::common::program;
use serde_json::json;
use std::process::{Command, Output};

/// The script finds one end of a pair as `near`, with addresses of all kinds, and `oci` as the runtime.
fn beside_own_network(bundle: &Bundle, script: &str) -> Output {
    bundle.write();
    let before = format!(
        "set -e; cd {}; oci() {{ {} oci --root shelf/tare \"$@\"; }}; ip link add near type veth peer name far
         ip link set near mtu 1402 address 02:00:00:00:00:07; ip addr add 10.1.2.3/24 brd + dev near; ip addr add 10.1.2.4/24 dev near
         ip addr add 169.254.9.9/16 scope link dev near; ip addr add 10.9.9.9/24 valid_lft 100 preferred_lft 100 dev near
         ip -6 addr add fd00::5/64 nodad dev near; ip link set far up\n",
        bundle.dir.display(),
        program().display()
    );
    Command::new("unshare").args(["-n", "sh", "-c", &(before + script)]).output().expect("unshare runs")
}

fn with_device(words: &[&str], devices: serde_json::Value) -> Bundle {
    let mut bundle = Bundle::of(words);
    bundle.config["linux"]["netDevices"] = devices;
    bundle
}

#[test]
fn a_device_moves_with_its_addresses_and_is_switched_on() {
    for (wish, name) in [(json!({}), "near"), (json!({"name": "eth7"}), "eth7"), (json!({"name": ""}), "near")] {
        let bundle = with_device(&["ip", "addr", "show", "dev", name], json!({"near": wish}));
        let ran = beside_own_network(&bundle, "oci create one; ip link show near 2>/dev/null && echo still here; oci start one; sleep 0.2");
        let seen = String::from_utf8_lossy(&ran.stdout);
        for expected in ["mtu 1402", "02:00:00:00:00:07", "10.1.2.3/24 brd 10.1.2.255", "10.1.2.4/24", "fd00::5/64", ",UP"] {
            assert!(seen.contains(expected), "no {expected}: {seen} {}", String::from_utf8_lossy(&ran.stderr));
        }
        for unexpected in ["169.254.9.9", "10.9.9.9", "still here"] {
            assert!(!seen.contains(unexpected), "{unexpected}: {seen}");
        }
        bundle.call(&["delete", "one"]);
        bundle.assert_nothing_left();
    }
}

#[test]
fn it_moves_into_a_network_that_exists_too() {
    let mut bundle = with_device(&["ip", "link", "show", "dev", "eth7"], json!({"near": {"name": "eth7"}, "far": {}}));
    for namespace in bundle.config["linux"]["namespaces"].as_array_mut().expect("namespaces") {
        if namespace["type"] == "network" {
            namespace["path"] = json!(bundle.dir.join("net"));
        }
    }
    // Without a mount it ends with its process; so a process holds it, and a link names it.
    let ran = beside_own_network(
        &bundle,
        "unshare -n sleep 1000 & holder=$!; while [ $(readlink /proc/$holder/ns/net) = $(readlink /proc/$$/ns/net) ]; do sleep 0.01; done
         ln -s /proc/$holder/ns/net net; oci run one; ip link | grep -c veth || true; nsenter -t $holder -n ip -o link | grep -c '[r7]@'; kill $holder",
    );
    let seen = String::from_utf8_lossy(&ran.stdout);
    assert!(seen.contains("eth7@far") && seen.ends_with("\n0\n2\n"), "{seen} {}", String::from_utf8_lossy(&ran.stderr));
    bundle.assert_nothing_left();
}

#[test]
fn what_cannot_be_moved_is_told_and_nothing_is_left() {
    for (devices, words) in [
        (json!({"nosuch": {}}), "cannot move network device nosuch into the container: No such device"),
        (json!({"lo": {"name": "lo2"}}), "cannot move network device lo into the container"),
        (json!({"near": {"name": "lo"}}), "cannot move network device near into the container: it has a lo already"),
        (json!({"near": {"name": "a/b"}}), "cannot move network device near into the container: a name there has at most 15 letters"),
        (json!({"near": {"name": "far-too-long-a-name"}}), "cannot move network device near into the container"),
    ] {
        let bundle = with_device(&["true"], devices.clone());
        let ran = beside_own_network(&bundle, "oci create one && echo made; ip link show near >/dev/null && echo still here");
        let error = String::from_utf8_lossy(&ran.stderr);
        assert!(error.contains(words), "{devices}: {error}");
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "still here\n", "{devices}");
        bundle.assert_nothing_left();
    }
    let mut bundle = with_device(&["true"], json!({"near": {}}));
    bundle.config["linux"]["namespaces"].as_array_mut().expect("namespaces").retain(|namespace| namespace["type"] != "network");
    bundle.write();
    bundle.refuses(&["create", "one"], "it has no network namespace of its own");
}
