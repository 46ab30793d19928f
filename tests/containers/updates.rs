//! `update` and `port`: what can be changed of a container that is there, and what is refused without a trace. Limits that bite are
//! in `tests/vm/updates.rs`.

use crate::common::{Store, has_controllers};
use serde_json::Value;

fn file(store: &Store, name: &str, file: &str) -> Vec<u8> {
    let id = store.inspect(name)["Id"].as_str().expect("an id").to_string();
    std::fs::read(store.root.join("container").join(id).join(file)).expect("a record")
}

/// As it is written down, for whoever starts it again.
fn policy(store: &Store, name: &str) -> Value {
    let record: Value = serde_json::from_slice(&file(store, name, "container.json")).expect("a record");
    record["wishes"]["restart"].clone()
}

#[test]
fn a_restart_policy_is_kept_of_those_that_run_and_those_that_rest() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.ok(&["create", "--name", "rest", "box", "true"]);
    assert_eq!(store.ok(&["update", "--restart", "unless-stopped", "web", "rest"]), "web\nrest");
    assert_eq!((policy(&store, "web"), policy(&store, "rest")), ("unless-stopped".into(), "unless-stopped".into()));
    store.ok(&["stop", "web"]);
    assert_eq!(policy(&store, "web"), "unless-stopped", "its monitor knew it otherwise when it began");
    store.ok(&["update", "--restart", "no", "web", "rest"]);
    assert_eq!((policy(&store, "web"), policy(&store, "rest")), ("no".into(), "no".into()));
    let told = store.ok(&["events", "--since", "0", "--until", "0s", "-f", "event=update", "--format", "{{.Actor.Attributes.name}}"]);
    assert_eq!(told, "web\nrest\nweb\nrest");
}

#[test]
fn a_new_name_and_a_new_policy_forget_nothing_of_each_other() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.ok(&["update", "--restart", "on-failure:3", "web"]);
    store.ok(&["rename", "web", "shop"]);
    std::thread::scope(|scope| {
        for policy in ["always", "no", "always", "unless-stopped"] {
            let store = &store;
            scope.spawn(move || store.ok(&["update", "--restart", policy, "shop"]));
        }
    });
    store.ok(&["update", "--restart", "on-failure:5", "shop"]);
    store.ok(&["stop", "-t", "0", "shop"]);
    assert_eq!(policy(&store, "shop"), serde_json::json!({ "on-failure": 5 }));
    assert_eq!(store.names(true), ["shop"]);
}

/// All or nothing: also what could have been kept is not.
#[test]
fn a_host_that_cannot_limit_says_so_and_changes_nothing() {
    let store = Store::new();
    if has_controllers() {
        return;
    }
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.ok(&["create", "--name", "rest", "box", "true"]);
    for name in ["web", "rest"] {
        let before = ["container.json", "config.json"].map(|record| file(&store, name, record));
        for flags in [["-m", "64m"], ["--cpus", "0.5"], ["--pids-limit", "10"]] {
            let error = store.fails(1, &["update", "--restart", "always", flags[0], flags[1], name]);
            assert!(error.contains(&format!("cannot update container {name}: cannot limit")) && error.contains("cgroup v1"), "{error}");
        }
        assert_eq!(["container.json", "config.json"].map(|record| file(&store, name, record)), before, "{name}");
    }
    store.ok(&["start", "rest"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_done() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.ok(&["run", "-d", "--rm", "--name", "brief", "box", "sleep", "1000"]);
    assert!(store.refuses(&["update", "web"]).contains("nothing to update"));
    for (flags, word) in [
        (&["--restart", "sometimes"][..], "sometimes"),
        (&["-m", "1m"], "6m"),
        (&["--memory-swap", "64m"], "--memory"),
        (&["--cpus", "1", "--cpu-quota", "5000"], "contradicts"),
        (&["--cpus", "4000"], "processors"),
        (&["--blkio-weight", "5"], "1000"),
    ] {
        let error = store.refuses(&[&["update"], flags, &["web"]].concat());
        assert!(error.contains(word), "{flags:?}: {error}");
    }
    assert!(store.fails(1, &["update", "--restart", "always", "brief"]).contains("--rm"));
    let ran = store.tare(&["update", "--restart", "always", "nosuch", "web"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "web\n"), "one that is not there keeps nobody from their turn: {}", ran.story());
    assert_eq!(policy(&store, "web"), "always");
}

#[test]
fn no_port_is_published_yet() {
    let store = Store::new();
    store.ok(&["create", "--name", "web", "--expose", "80", "box", "true"]);
    assert_eq!(store.ok(&["port", "web"]), "");
    assert!(store.fails(1, &["port", "web", "80"]).contains("no public port '80/tcp' published for web"));
    assert!(store.fails(1, &["port", "web", "53/udp"]).contains("no public port '53/udp' published for web"));
    assert!(store.refuses(&["port", "web", "http"]).contains("not a port"));
    assert!(store.fails(1, &["port", "nosuch"]).contains("no such container"));
}
