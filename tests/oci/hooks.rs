//! Hooks: each at its moment, where the specification puts it, with the container's state on its input.

use super::bundle::Bundle;
use serde_json::{Value, json};

/// Each hook notes where it is and what it read.
fn with_hooks(bundle: &mut Bundle) {
    let note = bundle.dir.join("notes");
    let script = bundle.dir.join("hook");
    std::fs::create_dir_all(&note).expect("a directory");
    let text = format!("#!/bin/sh\ncat > {0}/$1.json\nreadlink /proc/self/ns/mnt > {0}/$1.mnt\nls / > {0}/$1.root\n", note.display());
    std::fs::write(&script, text).expect("a script");
    make_executable(&script);
    let inside = bundle.root("inside");
    std::fs::write(&inside, "#!/bin/sh\ncat > /start.json\n").expect("a script");
    make_executable(&inside);
    let hook = |name: &str| json!([{"path": script, "args": ["hook", name], "env": ["PATH=/usr/bin:/bin"]}]);
    bundle.config["hooks"] = json!({
        "prestart": hook("prestart"), "createRuntime": hook("createRuntime"), "createContainer": hook("createContainer"),
        "startContainer": [{"path": "/inside", "env": ["PATH=/bin"]}], "poststart": hook("poststart"), "poststop": hook("poststop"),
    });
}

fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("chmod");
}

#[test]
fn every_hook_runs_at_its_moment() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    with_hooks(&mut bundle);
    bundle.config["annotations"] = json!({"org.example.a": "b"});
    bundle.write();
    let note = |name: &str| std::fs::read_to_string(bundle.dir.join("notes").join(name)).ok();
    let state = |name: &str| -> Value { serde_json::from_str(&note(&format!("{name}.json")).unwrap_or_default()).unwrap_or_default() };

    bundle.call(&["create", "one"]);
    let pid = bundle.state("one")["pid"].clone();
    for name in ["prestart", "createRuntime", "createContainer"] {
        let state = state(name);
        assert_eq!(
            (&state["status"], &state["pid"], &state["annotations"]["org.example.a"]),
            (&json!("creating"), &pid, &json!("b")),
            "{name}"
        );
    }
    let own = std::fs::read_link("/proc/self/ns/mnt").expect("a link").display().to_string();
    assert_eq!(note("createRuntime.mnt").as_deref().map(str::trim), Some(own.as_str()), "createRuntime is run on the host");
    let inner = std::fs::read_link(format!("/proc/{pid}/ns/mnt")).expect("a link").display().to_string();
    assert_eq!(
        note("createContainer.mnt").as_deref().map(str::trim),
        Some(inner.as_str()),
        "createContainer in the container's namespaces"
    );
    assert_eq!(note("createContainer.root"), note("createRuntime.root"), "and before its root is entered");
    assert!(note("poststart.json").is_none() && !bundle.root("start.json").exists(), "nothing of the start yet");

    bundle.call(&["start", "one"]);
    let started: Value = serde_json::from_str(&std::fs::read_to_string(bundle.root("start.json")).expect("startContainer")).expect("JSON");
    assert_eq!(started["status"], "created");
    assert_eq!(state("poststart")["status"], "running");
    bundle.call(&["delete", "--force", "one"]);
    assert_eq!(state("poststop")["status"], "stopped");
    bundle.assert_nothing_left();
}

#[test]
fn a_hook_sees_the_container_s_mounts_from_outside() {
    let mut bundle = Bundle::of(&["cat", "/tmp/made-by-hook"]);
    bundle.config["mounts"].as_array_mut().expect("mounts").push(json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}));
    let script = bundle.dir.join("hook");
    std::fs::write(&script, format!("#!/bin/sh\necho hello > {}/tmp/made-by-hook\n", bundle.root("").display())).expect("a script");
    make_executable(&script);
    bundle.config["hooks"] = json!({"createContainer": [{"path": script, "env": ["PATH=/bin"]}]});
    let ran = bundle.run("tare");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "hello\n", "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(!bundle.root("tmp/made-by-hook").exists());
    bundle.assert_nothing_left();
}

#[test]
fn a_hook_that_fails_hangs_or_vanishes_leaves_nothing() {
    let failing = ["sh", "-c", "echo it broke >&2; exit 3"];
    for (kind, hook, words) in [
        ("prestart", json!({"path": "/bin/sh", "args": failing}), "it broke"),
        ("createRuntime", json!({"path": "/bin/sh", "args": failing}), "exit status: 3"),
        ("createContainer", json!({"path": "/bin/sh", "args": failing}), "it broke"),
        ("createRuntime", json!({"path": "/no/such/hook"}), "/no/such/hook"),
        ("createRuntime", json!({"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}), "did not end within 1 s"),
    ] {
        let mut bundle = Bundle::of(&["true"]);
        bundle.config["hooks"] = json!({ kind: [hook] });
        bundle.write();
        let error = bundle.refuses(&["create", "one"], words);
        assert!(error.contains(kind), "{kind}: {error}");
        bundle.assert_nothing_left();
    }
}

/// "Continue the lifecycle at step 12": what is destroyed has its hooks of the end.
#[test]
fn the_end_of_what_could_not_begin_has_its_hooks_too() {
    for kind in ["prestart", "createRuntime", "createContainer"] {
        let mut bundle = Bundle::of(&["true"]);
        let said = bundle.dir.join("said");
        let notes = json!({"path": "/bin/sh", "args": ["sh", "-c", format!("cat > {}; exit 7", said.display())]});
        bundle.config["hooks"] = json!({ kind: [{"path": "/bin/false"}], "poststop": [notes, notes] });
        bundle.write();
        let error = bundle.refuses(&["create", "one"], kind);
        assert_eq!(error.matches("poststop").count(), 2, "each is carried out, and its failure told: {error}");
        let state: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(said).expect("the hook ran")).expect("a state");
        assert_eq!((state["status"].as_str(), state["id"].as_str(), &state["pid"]), (Some("stopped"), Some("one"), &json!(null)));
        bundle.assert_nothing_left();
    }
}

#[test]
fn a_poststart_hook_that_fails_stops_the_container() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.config["hooks"] = json!({"poststart": [{"path": "/bin/false"}]});
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.refuses(&["start", "one"], "poststart");
    crate::common::eventually("it is stopped", || bundle.status("one") == "stopped");
    bundle.call(&["delete", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn a_poststop_hook_that_fails_keeps_nothing_back() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["hooks"] = json!({"poststop": [{"path": "/bin/false"}]});
    let ran = bundle.run("tare");
    assert_eq!(ran.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("poststop"), "it is said");
    bundle.assert_nothing_left();
}
