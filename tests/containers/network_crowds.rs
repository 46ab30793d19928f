//! Very many at once: nobody shares an address, and nothing is left of them, in the kernel or in the records.

use super::crowds::shared_out;
use crate::common::town::Town;
use crate::common::{Store, eventually};
use std::collections::BTreeSet;
use std::path::Path;

/// How many there are in a crowd: `TARE_CROWD` for fewer.
fn crowd() -> usize {
    std::env::var("TARE_CROWD").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// What one has of its network that nobody else may have.
fn addresses(store: &Store, names: &[String]) -> Vec<[String; 3]> {
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}} {{.MacAddress}}{{end}}";
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let told = store.ok(&[&["inspect", "-f", format], &names[..]].concat());
    let three = |line: &str| <[String; 3]>::try_from(line.split(' ').map(str::to_owned).collect::<Vec<_>>()).expect("three words");
    told.lines().map(three).collect()
}

/// The files below a directory, which is not there when nobody has been.
fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let below = |entry: std::fs::DirEntry| match entry.path().is_dir() {
        true => files(&entry.path()),
        false => vec![entry.path().display().to_string()],
    };
    entries.flat_map(below).collect()
}

/// Claims of addresses and names.
fn claims(store: &Store) -> Vec<String> {
    let all = files(&store.run.join("network")).into_iter();
    all.filter(|path| path.contains("/address/") || path.contains("/name/")).collect()
}

/// What stays is a bridge with its routes, and tables of ours in which nobody stands.
fn assert_only_ours(before: &str, after: &str) {
    let mut in_our_table = false;
    for line in after.lines().filter(|line| !before.lines().any(|old| old == *line)) {
        let is_ours = ["tare-", "table ip tare", "table ip6 tare"].iter().any(|word| line.contains(word));
        in_our_table |= line.starts_with("table ip tare") || line.starts_with("table ip6 tare");
        assert!(is_ours || in_our_table, "{line:?} is left in\n{after}");
        assert!(!line.contains(" . 80"), "somebody's port is left in\n{after}");
    }
    let lost: Vec<&str> = before.lines().filter(|old| !after.lines().any(|line| line == *old)).collect();
    assert!(lost.is_empty(), "gone is {lost:?}");
}

#[test]
fn two_hundred_with_published_ports_come_and_go_three_times() {
    let Some(town) = Town::new() else { return };
    let (store, client, count) = (town.store(), town.machine("client"), crowd());
    let before = town.host.snapshot();
    store.ok(&["run", "--rm", "-p", "8080:80", "probe", "exit", "0"]);
    eventually("it has left", || claims(&store).is_empty());
    let empty = town.host.snapshot();
    assert_only_ours(&before, &empty);
    for round in 0..3 {
        let name = |number: usize| format!("r{round}n{number}");
        let port = |number: usize| u16::try_from(20_000 + number).expect("a port");
        shared_out(count, |number| {
            let published = format!("{}:80", port(number));
            store.ok(&["run", "-d", "--name", &name(number), "-p", &published, "probe", "serve", "tcp", "80"]);
        });
        let names: Vec<String> = (0..count).map(name).collect();
        let all = addresses(&store, &names);
        for kind in 0..3 {
            let different: BTreeSet<&String> = all.iter().map(|one| &one[kind]).collect();
            assert_eq!(different.len(), count, "round {round}: {different:?}");
        }
        for number in [0, count / 2, count - 1] {
            client.hears("tcp", "192.0.2.1", port(number), "you are 192.0.2.2");
            town.host.hears("tcp", &all[number][0], 80, &format!("you are {}", store.place(&name(number), "bridge").gateway));
        }
        shared_out(count, |number| match number % 4 {
            0 => {
                store.ok(&["kill", &name(number)]);
                store.ok(&["rm", "-f", &name(number)]);
            }
            1 => drop(store.ok(&["rm", "-f", &name(number)])),
            2 => {
                store.ok(&["stop", "-t", "0", &name(number)]);
                store.ok(&["rm", &name(number)]);
            }
            // Whoever watches over it dies first, and cannot tidy up.
            _ => {
                let monitor =
                    i32::try_from(store.inspect(&name(number))["State"]["MonitorPid"].as_i64().expect("MonitorPid")).expect("a pid");
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor), nix::sys::signal::Signal::SIGKILL).expect("kill");
                store.ok(&["rm", "-f", &name(number)]);
            }
        });
        store.assert_nothing_left();
        eventually("no claim is left", || claims(&store).is_empty());
        let mut after = String::new();
        let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while after != empty && std::time::Instant::now() < end {
            after = town.host.snapshot();
        }
        assert_eq!(after, empty, "round {round}");
    }
    assert_eq!(town.host.sh("ss -Hlntu"), "", "nobody listens any more");
}

#[test]
fn one_port_wished_by_many_is_one_s() {
    let Some(town) = Town::new() else { return };
    let store = town.store();
    let begun = std::sync::Mutex::new(Vec::new());
    shared_out(16, |number| {
        let name = format!("n{number}");
        let ran = store.tare(&["run", "-d", "--name", &name, "-p", "8080:80", "probe", "serve", "tcp", "80"]);
        match ran.code {
            0 => begun.lock().expect("a list").push(name),
            _ => assert!(ran.stderr.contains("8080"), "{}", ran.story()),
        }
    });
    let begun = begun.into_inner().expect("a list");
    assert_eq!(begun.len(), 1, "{begun:?}");
    assert_eq!(claims(&store).len(), 2, "one address of each kind: {:?}", claims(&store));
}
