//! What forbids containers to an ordinary user is told with what helps, and `info` shows all of it to everybody.

use crate::common::{Person, Store, process};
use serde_json::Value;
use std::process::Command;

fn rows(json: &str) -> Vec<Value> {
    let about: Value = serde_json::from_str(json).unwrap_or_else(|e| panic!("{e}: {json}"));
    about["Abilities"].as_array().expect("a list").clone()
}

fn row<'a>(rows: &'a [Value], name: &str) -> &'a Value {
    rows.iter().find(|row| row["Name"] == name).unwrap_or_else(|| panic!("{name} in {rows:?}"))
}

#[test]
fn info_shows_a_user_what_he_has() {
    let store = Store::of(Person::with_ranges());
    let rows = rows(&store.ok(&["info", "-f", "json"]));
    for name in ["user namespace", "further ids", "newuidmap", "place of the store", "pasta", "/dev/net/tun", "control groups"] {
        assert_eq!(row(&rows, name)["Group"], "Without root");
    }
    for name in ["user namespace", "further ids", "newuidmap", "place of the store", "birth in a cgroup", "device program", "overlay"] {
        assert_eq!(row(&rows, name)["State"], "yes", "containers run here: {}", row(&rows, name));
    }
    assert!(row(&rows, "further ids")["Why"].as_str().is_some_and(|why| why.starts_with("2000000-2065535")), "{rows:?}");
    let wrong: Vec<&Value> =
        rows.iter().filter(|row| row["Why"].as_str().is_some_and(|why| why.contains("although we are root"))).collect();
    assert!(wrong.is_empty(), "what only root of the machine may, no sandbox forbids: {wrong:?}");
    // Nobody's limits are promised that would be refused.
    let can_limit = row(&rows, "memory")["State"] == "yes";
    let ran = store.tare(&["run", "--rm", "--network", "none", "-m", "64m", "box", "true"]);
    assert_eq!(can_limit, ran.code == 0, "{}", ran.story());
    assert!(can_limit || ran.stderr.contains("hint: "), "{}", ran.story());
    store.ok(&["run", "--rm", "--network", "none", "box", "true"]);
}

#[test]
fn who_has_no_ids_is_told_of_free_ones() {
    let store = Store::of(Person::single());
    let rows = rows(&store.ok(&["info", "-f", "json"]));
    let ids = row(&rows, "further ids");
    assert_eq!(ids["State"], "no");
    let advice = ids["Advice"].as_str().expect("text");
    assert!(advice.starts_with("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ann"), "{advice}");
}

#[test]
fn where_no_namespace_may_be_made_it_is_said_why() {
    // A user namespace of the test's own has its own limits of such namespaces, user_namespaces(7); who is root here is 1777 there.
    let store = Store::empty_of(None);
    let script = "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"";
    let within = |words: &[&str]| {
        let plain = store.command(words);
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-user=1777", "--map-group=1777", "--keep-caps", "sh", "-c", script, "sh"]);
        command.arg(plain.get_program()).args(plain.get_args());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        process::run(command, None)
    };
    let refused = within(&["ps"]);
    assert_eq!(refused.code, 1, "{}", refused.story());
    assert!(refused.stderr.contains("user.max_user_namespaces is 0") && refused.stderr.contains("hint: sudo sysctl"), "{}", refused.stderr);
    let rows = rows(&within(&["info", "-f", "json"]).ok());
    let namespace = row(&rows, "user namespace");
    assert_eq!(namespace["State"], "no");
    assert!(namespace["Why"].as_str().is_some_and(|why| why.contains("max_user_namespaces is 0")), "{namespace}");
}
