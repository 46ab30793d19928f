//! `features` is true: every word that it lists is understood.

use super::bundle::Bundle;
use serde_json::{Value, json};

fn features() -> Value {
    serde_json::from_str(&Bundle::new().call(&["features"])).expect("JSON")
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|word| word.as_str().expect("a word").to_owned()).collect()
}

#[test]
fn every_mount_option_that_is_listed_is_understood() {
    let listed = words(&features()["mountOptions"]);
    assert!(listed.is_sorted() && listed.len() > 50);
    // A bind has a source, and so has what is mapped; what is mounted anew must be there: `mounts.rs`, `users.rs`.
    let mut bundle = Bundle::of(&["true"]);
    for word in listed.iter().filter(|word| !["bind", "idmap", "rbind", "remount", "ridmap"].contains(&word.as_str())) {
        bundle.config["mounts"][1] = json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": [word]});
        let ran = bundle.run("tare");
        let error = String::from_utf8_lossy(&ran.stderr);
        // Deprecated, and refused by some kernels.
        assert!(ran.status.success() || word == "mand", "{word}: {error}");
    }
}

#[test]
fn every_word_of_filters_that_is_listed_is_understood() {
    let seccomp = features()["linux"]["seccomp"].clone();
    let rule = |action: &str, op: &str| json!({"names": ["getppid"], "action": action, "args": [{"index": 0, "value": 1, "valueTwo": 1, "op": op}]});
    let mut bundle = Bundle::of(&["true"]);
    let agent = super::agent::Agent::default().listen(&bundle.dir.join("agent"), &[]);
    bundle.config["linux"]["seccomp"] = json!({
        "defaultAction": "SCMP_ACT_ALLOW",
        "listenerPath": bundle.dir.join("agent"),
        "architectures": seccomp["archs"],
        "flags": seccomp["supportedFlags"],
        "syscalls": words(&seccomp["actions"]).iter().flat_map(|action| words(&seccomp["operators"]).iter().map(|op| rule(action, op)).collect::<Vec<_>>()).collect::<Vec<_>>(),
    });
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(agent.told(0)["fds"], json!(["seccompFd"]));
    assert_eq!(seccomp["knownFlags"], seccomp["supportedFlags"]);
}

#[test]
fn every_other_word_that_is_listed_is_understood() {
    let linux = features()["linux"].clone();
    let mut bundle = Bundle::of(&["true"]);
    let all = &linux["capabilities"];
    bundle.config["process"]["capabilities"] = json!({"bounding": all});
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for mode in words(&linux["memoryPolicy"]["modes"]) {
        let nodes = if ["MPOL_DEFAULT", "MPOL_LOCAL"].contains(&mode.as_str()) { "" } else { "0" };
        bundle.config["linux"]["memoryPolicy"] = json!({"mode": mode, "nodes": nodes});
        let ran = bundle.run("tare");
        let error = String::from_utf8_lossy(&ran.stderr);
        // The kernel may be too old for one, or have no nodes: it is asked.
        assert!(ran.status.success() || error.contains("set the memory policy"), "{mode}: {error}");
    }
}

#[test]
fn who_enters_is_on_the_same_machine() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.config["linux"]["personality"] = json!({"domain": "LINUX32"});
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.call(&["start", "one"]);
    assert_ne!(bundle.call(&["exec", "one", "uname", "-m"]).trim(), std::env::consts::ARCH);
    bundle.call(&["delete", "--force", "one"]);
}
