//! `ps`: Docker's columns, filters by state, and formats.

use crate::common::{Store, eventually};
use serde_json::Value;

#[test]
fn ps_has_docker_s_columns() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    let text = store.ok(&["ps"]);
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().expect("a heading").split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    assert_eq!(heading, ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"]);
    let row: Vec<&str> = lines.next().expect("a row").split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    assert_eq!((row[0], row[1], row[2], row[row.len() - 1]), (&id[..12], "box", "\"sleep 1000\"", "web"), "{text}");
    assert!(row[3].ends_with("ago") && row[4].starts_with("Up "), "{text}");
    assert_eq!(lines.next(), None);
}

#[test]
fn ps_shows_the_running_and_a_shows_all() {
    let store = Store::new();
    store.tare(&["run", "--name", "done", "box", "/probe", "exit", "3"]).expect_code(3);
    store.ok(&["create", "--name", "new", "box"]);
    store.ok(&["run", "-d", "--name", "busy", "box", "sleep", "1000"]);
    assert_eq!(store.names(false), ["busy"]);
    assert_eq!(store.names(true), ["busy", "new", "done"], "the newest first");
    let text = store.ok(&["ps", "-a"]);
    let row = |name: &str| text.lines().find(|line| line.ends_with(name)).unwrap_or_else(|| panic!("{name} is missing:\n{text}"));
    assert!(row("done").contains("Exited (3) "), "{text}");
    assert!(row("new").contains("Created"), "{text}");
}

#[test]
fn ps_quiet_latest_and_last() {
    let store = Store::new();
    let ids: Vec<String> = ["aa", "bb", "cc"].iter().map(|name| store.ok(&["create", "--name", name, "box"])).collect();
    assert_eq!(store.ok(&["ps", "-aq"]).lines().collect::<Vec<_>>(), [&ids[2][..12], &ids[1][..12], &ids[0][..12]]);
    assert_eq!(store.ok(&["ps", "-aq", "--no-trunc"]).lines().next(), Some(ids[2].as_str()));
    assert_eq!(store.ok(&["ps", "-lq"]), &ids[2][..12]);
    assert_eq!(store.ok(&["ps", "-n", "2", "-q"]).lines().count(), 2);
    assert_eq!(store.ok(&["ps", "-q"]), "");
}

#[test]
fn ps_filters() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "busy", "--label", "tier=web", "box", "sleep", "1000"]);
    store.tare(&["run", "--name", "done", "--label", "tier=job", "box", "/probe", "exit", "3"]).expect_code(3);
    store.ok(&["create", "--name", "new", "probe"]);
    for (filter, expected) in [
        ("name=bus", "busy"),
        ("status=exited", "done"),
        ("status=created", "new"),
        ("status=running", "busy"),
        ("exited=3", "done"),
        ("label=tier=web", "busy"),
        ("label=tier", "done busy"),
        ("ancestor=probe", "new"),
        ("name=nothing", ""),
    ] {
        let names = store.ok(&["ps", "-a", "-f", filter, "--format", "{{.Names}}"]).lines().collect::<Vec<_>>().join(" ");
        assert_eq!(names, expected, "-f {filter}");
    }
    let id = store.inspect("new")["Id"].as_str().expect("Id").to_string();
    assert_eq!(store.ok(&["ps", "-aq", "--filter", &format!("id={}", &id[..8])]), &id[..12]);
    // Filters of one name widen, of several narrow.
    let both = store.ok(&["ps", "-a", "-f", "status=exited", "-f", "status=created", "--format", "{{.Names}}"]);
    assert_eq!(both.lines().count(), 2, "{both}");
    assert_eq!(store.ok(&["ps", "-aq", "-f", "status=exited", "-f", "name=busy"]), "");
    let error = store.refuses(&["ps", "-f", "colour=red"]);
    assert!(error.contains("colour"), "{error}");
}

#[test]
fn ps_formats() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "--name", "web", "--label", "a=b", "box", "sleep", "1000"]);
    assert_eq!(
        store.ok(&["ps", "--format", "{{.ID}} {{.Image}} {{.Command}} {{.Names}} {{.State}}"]),
        format!("{} box \"sleep 1000\" web running", &id[..12])
    );
    assert_eq!(store.ok(&["ps", "--no-trunc", "--format", "{{.ID}}"]), id);
    assert_eq!(store.ok(&["ps", "--format", "{{.Label \"a\"}}|{{.Labels}}"]).split('|').next(), Some("b"));
    assert_eq!(store.ok(&["ps", "--format", "name:\\t{{.Names}}"]), "name:\tweb");
    let table = store.ok(&["ps", "--format", "table {{.Names}}\t{{.Status}}"]);
    let mut lines = table.lines();
    assert_eq!(lines.next().map(|line| line.split_whitespace().collect::<Vec<_>>()), Some(vec!["NAMES", "STATUS"]));
    assert!(lines.next().is_some_and(|line| line.starts_with("web ") && line.contains("Up ")), "{table}");
    let text = store.ok(&["ps", "--format", "json"]);
    let object: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("one JSON object on a line ({e}): {text}"));
    for (name, value) in [
        ("ID", &id[..12]),
        ("Names", "web"),
        ("Image", "box"),
        ("State", "running"),
        ("Command", "\"sleep 1000\""),
        ("Labels", "a=b,org.example.kind=box"),
    ] {
        let seen = object[name].as_str().unwrap_or_default();
        assert!(seen == value || name == "Labels" && seen.contains("a=b"), "{name} is {seen}");
    }
    for name in ["CreatedAt", "RunningFor", "Status", "Ports", "Mounts", "Networks", "Size", "LocalVolumes"] {
        assert!(object.get(name).is_some_and(Value::is_string), "{name} is missing: {text}");
    }
    let same: Value = serde_json::from_str(&store.ok(&["ps", "--format", "{{json .}}"])).expect("json");
    assert_eq!(same["Names"], "web");
    let error = store.refuses(&["ps", "--format", "{{.Colour}}"]);
    assert!(error.contains("Colour"), "{error}");
}

#[test]
fn a_long_command_is_shortened() {
    let store = Store::new();
    store.ok(&["create", "--name", "long", "box", "echo", "one two three four five six seven"]);
    let short = store.ok(&["ps", "-a", "--format", "{{.Command}}"]);
    assert!(short.starts_with("\"echo 'one two") && short.ends_with("…\"") && short.chars().count() <= 22, "{short}");
    let long = store.ok(&["ps", "-a", "--no-trunc", "--format", "{{.Command}}"]);
    assert!(long.contains("six seven"), "{long}");
}

#[test]
fn ps_follows_the_truth() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "short", "box", "sleep", "0.3"]);
    eventually("ps sees the end", || store.names(false).is_empty());
    assert!(store.ok(&["ps", "-a"]).contains("Exited (0)"));
}

#[test]
fn an_empty_list_is_a_heading() {
    let store = Store::empty();
    assert_eq!(store.ok(&["ps", "-a"]).lines().count(), 1);
    assert_eq!(store.ok(&["images"]).lines().count(), 1);
    assert_eq!(store.ok(&["ps", "-aq"]), "");
}
