//! Why a container ended is told in one line, where its exit code alone does not tell it.

use crate::common::{Store, eventually};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// As `ps -a` and `inspect` tell it.
fn assert_told(store: &Store, name: &str, code: i32, reason: &str) {
    eventually(&format!("{name} has ended"), || store.state(name) == "exited");
    let state = &store.inspect(name)["State"];
    assert_eq!((&state["ExitCode"], &state["Reason"]), (&code.into(), &reason.into()), "{name}: {state:#}");
    let status = store.ok(&["ps", "-a", "--filter", &format!("name={name}"), "--format", "{{.Status}}"]);
    let end = if reason.is_empty() { "ago".to_string() } else { format!("ago ({reason})") };
    assert!(status.starts_with(&format!("Exited ({code}) ")) && status.ends_with(&end), "{name}: {status}");
}

#[test]
fn a_code_of_the_command_s_own_needs_no_words() {
    let store = Store::new();
    store.tare(&["run", "--name", "fine", "box", "true"]).expect_code(0);
    store.tare(&["run", "--name", "failed", "box", "/probe", "exit", "3"]).expect_code(3);
    assert_told(&store, "fine", 0, "");
    assert_told(&store, "failed", 3, "");
}

#[test]
fn what_a_command_of_ours_did_is_told() {
    let store = Store::new();
    for name in ["killed", "asked", "stopped"] {
        store.ok(&["run", "-d", "--name", name, "box", "sleep", "1000"]);
    }
    store.ok(&["run", "-d", "--name", "deaf", "box", "/probe", "wait-signals"]);
    store.ok(&["kill", "killed"]);
    store.ok(&["kill", "-s", "USR1", "asked"]);
    store.ok(&["stop", "stopped"]);
    eventually("it listens", || store.ok(&["logs", "deaf"]).contains("ready"));
    store.ok(&["stop", "-t", "0", "deaf"]);
    assert_told(&store, "killed", 137, "SIGKILL by tare kill");
    assert_told(&store, "asked", 138, "SIGUSR1 by tare kill");
    assert_told(&store, "stopped", 143, "stopped");
    assert_told(&store, "deaf", 137, "killed: did not stop in time");
}

#[test]
fn a_kill_that_was_not_ours_is_told_from_one_of_ours() {
    let store = Store::new();
    for (name, reaper) in [("command", "--init=true"), ("reaper", "--init=true"), ("alone", "--init=false")] {
        store.ok(&["run", "-d", reaper, "--name", name, "box", "/probe", "wait-signals"]);
        eventually("it listens", || store.ok(&["logs", name]).contains("ready"));
        // One that it survives, and that is not what ends it.
        store.ok(&["kill", "-s", "HUP", name]);
        eventually("it has heard", || store.ok(&["logs", name]).contains("got 1"));
        let first = store.pid(name);
        let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children")).expect("children");
        let command = children.split_whitespace().next().map_or(first, |pid| pid.parse().expect("a pid"));
        let victim = if name == "command" { command } else { first };
        kill(Pid::from_raw(victim), Signal::SIGKILL).expect("kill");
    }
    assert_told(&store, "command", 137, "killed by SIGKILL, not by tare");
    assert_told(&store, "reaper", 137, "killed by SIGKILL from outside");
    assert_told(&store, "alone", 137, "killed by SIGKILL from outside");
    // What was told of the last run does not stick to the next.
    store.ok(&["start", "command"]);
    assert_eq!(store.inspect("command")["State"]["Reason"], "");
    store.ok(&["kill", "-s", "USR2", "command"]);
    assert_told(&store, "command", 0, "");
}

#[test]
fn what_the_kernel_judged_is_told() {
    let store = Store::new();
    let profile = store.file(
        "profile.json",
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]}"#,
    );
    let seccomp = format!("seccomp={}", profile.display());
    for (name, flags, command, code, reason) in [
        ("cpu", vec!["--ulimit", "cpu=1:10"], vec!["/probe", "burn-cpu", "20"], 152, "used up its processor time: --ulimit cpu"),
        (
            "size",
            vec!["--ulimit", "fsize=1000"],
            vec!["dd", "if=/dev/zero", "of=/f", "bs=4000", "count=1"],
            153,
            "wrote too long a file: --ulimit fsize",
        ),
        ("crash", vec![], vec!["/probe", "signal-self", "11"], 139, "crashed: SIGSEGV"),
        ("call", vec!["--security-opt", &seccomp], vec!["mkdir", "/d"], 159, "forbidden system call: --security-opt seccomp"),
        ("hangup", vec![], vec!["/probe", "signal-self", "1"], 129, "killed by SIGHUP"),
    ] {
        let words = [vec!["run", "--name", name], flags, vec!["box"], command].concat();
        store.tare(&words).expect_code(code);
        assert_told(&store, name, code, reason);
    }
}
