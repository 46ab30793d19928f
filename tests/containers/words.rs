//! What the program says of itself and of this machine: help, the long forms of commands, what is possible here.

use crate::common::{Store, cannot, has_controllers, process};
use serde_json::Value;
use std::os::unix::process::CommandExt;

#[test]
fn what_info_says_of_limits_is_what_happens() {
    let store = Store::new();
    let about: Value = serde_json::from_str(&store.ok(&["info", "--format", "json"])).expect("json");
    let ability = |name: &str| {
        let all = about["Abilities"].as_array().expect("a list of abilities");
        all.iter().find(|one| one["Name"] == name).unwrap_or_else(|| panic!("{name} in {about}")).clone()
    };
    for one in about["Abilities"].as_array().expect("a list") {
        assert!(["yes", "partly", "no", "unknown"].iter().any(|word| one["State"] == *word), "{one}");
        assert!(one["Why"].as_str().is_some_and(|why| !why.is_empty()), "it says why: {one}");
    }
    // What was tried for the table must be what a container meets.
    let memory = ability("memory");
    assert_eq!(memory["State"] == "yes", has_controllers(), "{memory}");
    let ran = store.tare(&["run", "--rm", "-m", "64m", "box", "true"]);
    assert_eq!(memory["State"] == "yes", ran.code == 0, "{memory}: {}", ran.story());
    if memory["State"] != "yes" {
        assert!(memory["Advice"].as_str().is_some_and(|advice| advice.contains("boot")), "{memory}");
        let warnings = about["Warnings"].as_array().expect("a list");
        assert!(warnings.iter().any(|line| line.as_str().is_some_and(|line| line.starts_with("no memory: "))), "{warnings:?}");
    }
    for name in ["namespaces", "overlay", "paths beneath a root", "seccomp"] {
        assert_eq!(ability(name)["State"], "yes", "containers run here, so this is there");
    }
    // Whoever becomes root of a user namespace has them all, in there.
    let own = std::fs::read_to_string("/proc/self/status").expect("status");
    let bounding = own.lines().find_map(|line| line.strip_prefix("CapBnd:\t")).expect("CapBnd");
    let last: u32 = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").expect("last").trim().parse().expect("a number");
    let has_all = u64::from_str_radix(bounding, 16).expect("hex").count_ones() == last + 1;
    assert_eq!(ability("own capabilities")["State"], if has_all || store.person.is_some() { "yes" } else { "partly" });
    let shown = store.ok(&["info"]);
    assert!(shown.contains("\n  own capabilities"), "{shown}");
    store.assert_nothing_left();
}

#[test]
fn long_forms_do_what_short_ones_do() {
    let store = Store::new();
    store.ok(&["container", "create", "--name", "web", "box", "true"]);
    assert_eq!(store.ok(&["container", "ls", "-aq"]), store.ok(&["ps", "-aq"]));
    assert_eq!(store.ok(&["image", "ls", "-q"]), store.ok(&["images", "-q"]));
    assert_eq!(store.ok(&["container", "run", "--rm", "box", "echo", "container", "ls"]), "container ls");
    // A noun looks only at its own: `box` is an image and no container.
    store.fails(1, &["container", "inspect", "box"]);
    store.fails(1, &["image", "inspect", "web"]);
    assert_eq!(store.ok(&["container", "inspect", "-f", "{{.Name}}", "web"]), "/web");
    assert_eq!(store.tare(&["container", "run", "nosuchimage"]).code, 125);
    store.ok(&["container", "rm", "web"]);
    let error = store.fails(125, &["container", "strat", "web"]);
    assert!(error.contains("container strat") && error.contains("did you mean start"), "{error}");
    let error = store.fails(125, &["image", "frobnicate"]);
    assert!(error.contains("tare image --help"), "{error}");
    assert!(store.ok(&["help", "container", "ls"]).contains("Usage: tare ps"));
}

#[test]
fn every_command_has_help_with_an_example() {
    let store = Store::empty();
    let overview = store.ok(&["help"]);
    let names: Vec<&str> = overview
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once("  "))
        .map(|(name, _)| name)
        .filter(|name| !name.is_empty() && !name.starts_with("-"))
        .collect();
    assert!(names.len() > 20 && names.contains(&"run"), "{names:?}");
    for name in names.iter().filter(|name| !name.starts_with("tare ")) {
        let help = store.ok(&["help", name]);
        assert!(
            help.contains("Usage: tare ")
                && help.contains("Example")
                && help.contains(&format!("  tare {name}")) | help.contains(&format!(": tare {name}")),
            "{name}:\n{help}"
        );
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{name}: lines fit a page:\n{help}");
    }
    let help = store.ok(&["run", "--help"]);
    let headings: Vec<&str> = help.lines().filter(|line| !line.starts_with(' ') && line.ends_with(':')).collect();
    for heading in ["Streams:", "Process:", "What it sees:", "Network:", "Rights:", "Limits:"] {
        assert_eq!(headings.iter().filter(|known| **known == heading).count(), 1, "{headings:?}");
    }
    assert!(!help.contains("BOOL"), "{help}");
}

#[test]
fn what_a_container_has_written_is_its_size() {
    let store = Store::new();
    store.ok(&[
        "run",
        "--name",
        "writer",
        "box",
        "sh",
        "-c",
        "head -c 5000 /dev/zero > /big; ln /big /again; ln -s /big /link; rm /etc/group",
    ]);
    store.ok(&["create", "--name", "idle", "box", "true"]);
    let about: Value = serde_json::from_str(&store.ok(&["inspect", "-s", "writer"])).expect("json");
    let own = about[0]["SizeRw"].as_u64().expect("a number");
    // The file once, whatever its names, and the four letters of the symbolic link.
    assert_eq!(own, 5004, "{about}");
    let image: Value = serde_json::from_str(&store.ok(&["image", "inspect", "box"])).expect("json");
    assert_eq!(about[0]["SizeRootFs"].as_u64(), Some(own + image[0]["Size"].as_u64().expect("a size")));
    assert!(serde_json::from_str::<Value>(&store.ok(&["inspect", "writer"])).expect("json")[0].get("SizeRw").is_none());
    let shown = store.ok(&["ps", "-as"]);
    assert!(shown.lines().next().is_some_and(|line| line.ends_with("SIZE")) && shown.contains("5kB (virtual "), "{shown}");
    let sizes = store.ok(&["ps", "-a", "--format", "{{.Names}} {{.Size}}"]);
    assert!(sizes.contains("writer 5kB (virtual ") && sizes.contains("idle 0B (virtual "), "{sizes}");
    assert!(!store.ok(&["ps", "-a"]).contains("SIZE"));
    store.ok(&["rm", "writer", "idle"]);
    store.assert_nothing_left();
}

#[test]
fn who_may_not_look_is_not_told_that_there_is_nothing() {
    let store = Store::new();
    store.ok(&["create", "--name", "hidden", "box", "true"]);
    let as_nobody = |words: &[&str]| {
        let mut command = store.command(words);
        command.uid(65534).gid(65534);
        command
    };
    if as_nobody(&["version"]).output().is_err() && cannot("the program lies where only root can execute it") {
        return;
    }
    for words in [&["ps"][..], &["images"], &["inspect", "hidden"]] {
        let ran = process::run(as_nobody(words), None);
        assert!(ran.code == 1 && ran.stderr.contains("it belongs to user 0, and you are 65534"), "{words:?}: {}", ran.story());
    }
    // What the machine can do may be asked by everybody; and a key that is pressed answers with nothing.
    assert!(process::run(as_nobody(&["info"]), None).ok().contains("only root can try"));
    assert_eq!(process::run(as_nobody(&["__complete", "zsh", "rm", ""]), None).ok(), "");
}
