//! `explain TOPIC`: each has a page, and what it shows of a container is what /proc shows.

use crate::common::Store;

fn names(store: &Store) -> Vec<String> {
    let list = store.ok(&["explain"]);
    let lines = list
        .lines()
        .take_while(|line| !line.starts_with("Of "))
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next().map(str::to_owned));
    lines.collect()
}

#[test]
fn every_topic_has_a_page_for_every_example() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.ok(&["create", "--name", "rest", "box"]);
    let topics = names(&store);
    for expected in [
        "namespaces",
        "overlay",
        "pivot-root",
        "cgroups",
        "capabilities",
        "seccomp",
        "pid1",
        "images",
        "whiteouts",
        "networks",
        "user-namespaces",
    ] {
        assert!(topics.iter().any(|topic| topic == expected), "{expected}: {topics:?}");
    }
    for topic in &topics {
        assert!(store.ok(&["explain", topic]).contains("On this machine, now"), "{topic}");
        assert!(store.ok(&["explain", topic, "web"]).contains("Container web, now"), "{topic}");
        assert!(store.ok(&["explain", topic, "rest"]).contains("Container rest, which does not run"), "{topic}");
        assert!(store.ok(&["explain", topic, "web"]).lines().count() <= 46, "{topic} is longer than a screen");
    }
}

#[test]
fn what_is_shown_is_true() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "--cap-drop", "ALL", "--cap-add", "CHOWN", "box", "sh", "-c", "rm /script; exec sleep 1000"]);
    crate::common::eventually("it has removed it", || store.ok(&["diff", "web"]).contains("D /script"));
    let pid = store.pid("web");
    let link = std::fs::read_link(format!("/proc/{pid}/ns/net")).expect("a link");
    let number = link.to_str().and_then(|text| text.split_once(":[")?.1.strip_suffix(']')).expect("its number").to_owned();
    assert!(store.ok(&["explain", "namespaces", "web"]).contains(&number));
    let capabilities = store.ok(&["explain", "capabilities", "web"]);
    assert!(capabilities.contains("CapBnd: 0000000000000001") && capabilities.contains("at most: CHOWN\n"), "{capabilities}");
    assert!(store.ok(&["explain", "seccomp", "web"]).contains("Seccomp 2: filtered, 1 filter loaded"));
    let mounts = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).expect("its mounts");
    let upper = mounts.split([',', ' ']).find_map(|word| word.strip_prefix("upperdir=")).expect("an overlay").to_owned();
    assert!(store.ok(&["explain", "overlay", "web"]).contains(&format!("upperdir  {upper}")));
    assert!(store.ok(&["explain", "whiteouts", "web"]).contains("/script is gone: there is a whiteout"));
    assert!(store.ok(&["explain", "pid1", "web"]).contains(&format!("{pid} → 1")));
    store.ok(&["run", "-d", "--name", "two", "--privileged", "--network", "container:web", "box", "sleep", "1000"]);
    assert!(store.ok(&["explain", "namespaces", "two"]).contains("shared with web"));
    assert!(!store.ok(&["explain", "seccomp", "two"]).contains("refused, for example"));
    let id = store.inspect("web")["Image"].as_str().expect("an id").to_owned();
    assert!(store.ok(&["explain", "images", "web"]).contains(&id[7..19]));
}

#[test]
fn mistypings_are_met_with_what_was_meant() {
    let store = Store::new();
    assert!(store.refuses(&["explain", "namespace"]).contains("did you mean namespaces"));
    assert!(store.refuses(&["explain", "caps"]).contains("tare explain capabilities"));
    assert!(store.refuses(&["explain", "stop"]).contains("tare stop --explain"));
    store.ok(&["create", "--name", "web", "box"]);
    assert!(store.refuses(&["explain", "web"]).contains("tare tree web"));
    assert!(store.refuses(&["explain", "frobnicate"]).contains("tare explain lists what there is"));
    assert!(store.refuses(&["explain", "overlay", "nosuch"]).contains("no such container"));
    assert!(store.ok(&["explain", "OVERLAY"]).starts_with("overlay:"));
}
