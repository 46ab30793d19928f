//! Many at once: nobody waits for a lock that all share, no name is lost, nothing is removed twice.

use crate::common::{Ran, Store, eventually, rounds};
use std::collections::BTreeSet;

const CLIENTS: usize = 16;

/// The same deed by all clients at once; what each heard.
fn at_once(store: &Store, clients: usize, words: impl Fn(usize) -> Vec<String> + Sync) -> Vec<Ran> {
    let start = std::sync::Barrier::new(clients);
    let run = |client: usize| {
        let words = words(client);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        start.wait();
        let ran = store.tare(&words);
        assert!(!ran.stderr.contains("panicked"), "{}", ran.story());
        ran
    };
    let run = &run;
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients).map(|client| scope.spawn(move || run(client))).collect();
        clients.into_iter().map(|client| client.join().expect("a client")).collect()
    })
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| word.to_string()).collect()
}

/// Each client's share of a list, one after the other, all clients at once.
pub fn shared_out(count: usize, deed: impl Fn(usize) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    deed(number);
                }
            });
        }
    });
}

#[test]
fn three_hundred_containers_by_sixteen_clients_three_times() {
    let store = Store::new();
    let count = 300;
    for round in 0..3 {
        let name = |number: usize| format!("r{round}n{number}");
        shared_out(count, |number| drop(store.ok(&["run", "-d", "--name", &name(number), "box", "sleep", "1000"])));
        let listed: BTreeSet<String> = store.names(false).into_iter().collect();
        assert_eq!(listed, (0..count).map(name).collect(), "round {round}");
        // A third is killed, a third is stopped, a third is removed as it runs.
        shared_out(count, |number| match number % 3 {
            0 => drop(store.ok(&["kill", &name(number)])),
            1 => drop(store.ok(&["stop", &name(number)])),
            _ => drop(store.ok(&["rm", "-f", &name(number)])),
        });
        eventually("all have ended", || store.names(false).is_empty());
        assert_eq!(store.names(true).len(), count * 2 / 3);
        shared_out(count, |number| {
            if number % 3 < 2 {
                let state = &store.inspect(&name(number))["State"];
                let expected = if number % 3 == 0 { 137 } else { 143 };
                assert_eq!(state["ExitCode"], expected, "{state:#}");
                store.ok(&["rm", &name(number)]);
            }
        });
        store.assert_nothing_left();
    }
}

#[test]
fn a_name_claimed_by_many_is_given_to_one() {
    let store = Store::new();
    for round in 0..rounds(20).min(100) {
        let kept = round % 2 == 0;
        let heard = at_once(&store, CLIENTS, |_| {
            words(if kept { &["create", "--name", "one", "box"] } else { &["create", "--rm", "--name", "one", "box"] })
        });
        let winners: Vec<&str> = heard.iter().filter(|ran| ran.code == 0).map(|ran| ran.stdout.trim_end()).collect();
        assert_eq!(winners.len(), 1, "round {round}: {:?}", heard.iter().map(Ran::story).collect::<Vec<_>>());
        assert!(heard.iter().filter(|ran| ran.code != 0).all(|ran| ran.stderr.contains("name one is in use")), "round {round}");
        assert_eq!(store.inspect("one")["Id"], winners[0]);
        assert_eq!(store.ok(&["ps", "-aq"]).lines().count(), 1);
        store.ok(&["rm", "one"]);
        store.assert_nothing_left();
    }
}

#[test]
fn a_container_removed_by_many_is_removed_by_one() {
    let store = Store::new();
    for round in 0..rounds(20).min(100) {
        let runs = round % 2 == 0;
        match runs {
            true => drop(store.ok(&["run", "-d", "--name", "one", "box", "sleep", "1000"])),
            false => drop(store.ok(&["create", "--name", "one", "box"])),
        }
        let heard = at_once(&store, CLIENTS, |_| words(if runs { &["rm", "-f", "one"] } else { &["rm", "one"] }));
        let winners = heard.iter().filter(|ran| ran.stdout == "one\n").count();
        let stories = || heard.iter().map(Ran::story).collect::<Vec<_>>().join("\n");
        assert_eq!(winners, 1, "round {round}: {}", stories());
        assert!(
            heard.iter().filter(|ran| ran.stdout.is_empty()).all(|ran| ran.stderr.contains("no such container: one")),
            "round {round}: {}",
            stories()
        );
        store.assert_nothing_left();
    }
}

#[test]
fn a_container_started_by_many_is_started_once() {
    let store = Store::new();
    store.ok(&["create", "--name", "one", "box", "sh", "-c", "echo started; sleep 1000"]);
    for round in 0..rounds(20).min(100) {
        let heard = at_once(&store, CLIENTS, |_| words(&["start", "one"]));
        assert!(heard.iter().all(|ran| ran.stdout == "one\n"), "round {round}: {:?}", heard.iter().map(Ran::story).collect::<Vec<_>>());
        eventually("it has spoken", || store.ok(&["logs", "one"]).lines().count() == round + 1);
        let heard = at_once(&store, CLIENTS, |client| words(if client % 2 == 0 { &["kill", "one"] } else { &["stop", "one"] }));
        let fine = |ran: &&Ran| ran.code == 0 || ran.stderr.contains("not running");
        assert!(heard.iter().all(|ran| fine(&ran)), "round {round}: {:?}", heard.iter().map(Ran::story).collect::<Vec<_>>());
        eventually("it has ended", || store.state("one") == "exited");
    }
    assert_eq!(store.ok(&["logs", "one"]).lines().count(), rounds(20).min(100));
}

#[test]
fn everybody_does_everything_to_one_container() {
    let store = Store::new();
    let deeds: &[&[&str]] = &[
        &["start", "one"],
        &["stop", "-t", "1", "one"],
        &["kill", "one"],
        &["rm", "one"],
        &["rm", "-f", "one"],
        &["run", "-d", "--name", "one", "box", "sleep", "1000"],
        &["run", "-d", "--rm", "--name", "one", "box", "sleep", "0.01"],
        &["create", "--name", "one", "box", "sleep", "0.01"],
        &["inspect", "one"],
        &["ps", "-a"],
    ];
    let known =
        ["in use", "no such container", "not running", "is running", "removed meanwhile", "has just ended", "before it could start"];
    shared_out(32 * rounds(20).min(100), |number| {
        let ran = store.tare(deeds[number * 7 % deeds.len()]);
        assert!(ran.code == 0 || known.iter().any(|words| ran.stderr.contains(words)), "{}", ran.story());
        assert!(!ran.stderr.contains("panicked"), "{}", ran.story());
    });
    store.tare(&["rm", "-f", "one"]);
    eventually("all monitors have ended", || store.ok(&["ps", "-aq"]).is_empty());
    store.assert_nothing_left();
}

/// Of many new names one is the container's at the end, and the others are free.
#[test]
fn a_container_that_many_rename_has_one_name() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "box", "sleep", "1000"]);
    for round in 0..10 {
        let all: Vec<_> =
            (0..4).map(|one| store.command(&["rename", &id, &format!("name-{round}-{one}")]).spawn().expect("tare runs")).collect();
        all.into_iter().for_each(|mut one| assert!(one.wait().expect("an end").success()));
        let name = store.ok(&["ps", "--format", "{{.Names}}"]);
        for dir in [store.root.join("name"), store.run.join("name")] {
            let names: Vec<_> = std::fs::read_dir(dir).expect("names").flatten().map(|entry| entry.file_name()).collect();
            assert_eq!(names, [name.as_str()]);
        }
    }
}
