//! After a start of the machine: `system start`, and the unit of `generate systemd`.

use crate::common::{Store, eventually, leftovers};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::PathBuf;
use std::process::Command;

fn monitor_of(store: &Store, name: &str) -> i32 {
    i32::try_from(store.inspect(name)["State"]["MonitorPid"].as_i64().expect("MonitorPid")).expect("a pid")
}

/// The power is cut, and the machine comes up: no process, and nothing on tmpfs.
fn lose_power(store: &Store) {
    for name in store.names(false) {
        kill(Pid::from_raw(monitor_of(store, &name)), Signal::SIGKILL).expect("kill");
    }
    eventually("all processes have ended", || {
        let left = leftovers::find(store, &leftovers::ids(store));
        !left.iter().any(|what| what.starts_with("process"))
    });
    std::fs::remove_dir_all(&store.run).expect("the run directory");
}

/// The machine goes down as it should, and comes up.
fn reboot(store: &Store) {
    store.ok(&["system", "stop"]);
    assert_eq!(store.names(false), [""; 0], "nobody runs");
    std::fs::remove_dir_all(&store.run).expect("the run directory");
}

const POLICIES: [&str; 4] = ["no", "on-failure", "always", "unless-stopped"];

/// One of each policy that runs, one that was stopped, one that has ended well, and one that was never started.
fn some_of_each(store: &Store) {
    for policy in POLICIES {
        let run = |name: &str, command: &[&str]| {
            let name = format!("{policy}-{name}");
            store.ok(&[&["run", "-d", "--name", &name, "--restart", policy, "box"], command].concat());
            name
        };
        run("running", &["sh", "-c", "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"]);
        let stopped = run("stopped", &["sleep", "1000"]);
        store.ok(&["stop", &stopped]);
        if ["no", "on-failure"].contains(&policy) {
            let ended = run("ended", &["true"]);
            eventually("it has ended", || store.state(&ended) == "exited");
        }
        store.ok(&["create", "--name", &format!("{policy}-created"), "--restart", policy, "box", "sleep", "1000"]);
    }
    for policy in POLICIES {
        eventually("it listens", || store.ok(&["logs", &format!("{policy}-running")]) == "up");
    }
}

fn check_who_is_back(store: &Store) {
    let mut back: Vec<String> = store.ok(&["system", "start"]).lines().map(str::to_owned).collect();
    let order = back.clone();
    back.sort();
    assert_eq!(back, ["always-running", "always-stopped", "on-failure-running", "unless-stopped-running"]);
    assert_eq!(order[0], "on-failure-running", "the oldest first");
    let mut running = store.names(false);
    running.sort();
    assert_eq!(running, back);
    assert_eq!(store.ok(&["system", "start"]), "", "and they are there");
}

#[test]
fn after_a_power_cut_who_should_run_does() {
    let store = Store::new();
    some_of_each(&store);
    lose_power(&store);
    check_who_is_back(&store);
    assert_eq!(store.inspect("no-running")["State"]["Reason"], "machine went down");
}

#[test]
fn after_an_orderly_end_of_the_machine_who_should_run_does() {
    let store = Store::new();
    some_of_each(&store);
    reboot(&store);
    let state = &store.inspect("no-running")["State"];
    assert_eq!((&state["ExitCode"], &state["Status"]), (&0.into(), &"exited".into()), "it had time to end: {state:#}");
    check_who_is_back(&store);
    // One that is stopped by hand now stays so, also over the next start.
    store.ok(&["stop", "unless-stopped-running"]);
    reboot(&store);
    let back = store.ok(&["system", "start"]);
    assert!(!back.contains("unless-stopped") && back.contains("always-running"), "{back}");
}

#[test]
fn one_that_crashes_all_the_time_comes_back_and_one_that_has_given_up_does_not() {
    let store = Store::new();
    for (name, policy) in [("loop", "always"), ("some", "on-failure:1")] {
        store.ok(&["run", "-d", "--name", name, "--restart", policy, "box", "sh", "-c", "exit 1"]);
    }
    eventually("it has given up", || store.state("some") == "exited");
    eventually("it waits", || store.state("loop") == "restarting");
    lose_power(&store);
    assert!(store.ok(&["ps", "-a", "--filter", "name=loop"]).contains("(machine went down)"));
    assert_eq!(store.ok(&["system", "start"]), "loop");
    assert!(store.inspect("loop")["RestartCount"].as_i64().is_some_and(|count| count < 3), "it is counted from the start");
    eventually("it waits again", || store.state("loop") == "restarting");
    assert_eq!(store.ok(&["system", "stop"]), "loop");
    assert_eq!(store.state("loop"), "exited");
    assert_eq!(store.ok(&["system", "start"]), "loop", "the machine stopped it, and nobody by hand");
}

#[test]
fn a_monitor_that_was_lost_is_no_stop_by_hand() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "--restart", "unless-stopped", "box", "sleep", "1000"]);
    kill(Pid::from_raw(monitor_of(&store, "web")), Signal::SIGKILL).expect("kill");
    eventually("it is told", || store.state("web") == "exited");
    assert_eq!(store.ok(&["system", "start"]), "web");
    // Its monitor is killed while somebody stops it: what he wanted counts.
    store.ok(&["rm", "-f", "web"]);
    store.ok(&["run", "-d", "--name", "web", "--restart", "unless-stopped", "box", "/probe", "wait-signals"]);
    eventually("it listens", || store.ok(&["logs", "web"]).contains("ready"));
    let stopping = store.start(&["stop", "-t", "30", "web"]);
    eventually("it is asked", || store.ok(&["logs", "web"]).contains("got 15"));
    kill(Pid::from_raw(monitor_of(&store, "web")), Signal::SIGKILL).expect("kill");
    stopping.wait().ok();
    assert_eq!(store.state("web"), "exited");
    assert_eq!(store.ok(&["system", "start"]), "");
}

#[test]
fn one_that_cannot_start_does_not_keep_the_others() {
    let store = Store::new();
    let dir = store.dir.join("src");
    std::fs::create_dir(&dir).expect("a directory");
    let mount = format!("type=bind,source={},target=/src", dir.display());
    store.ok(&["run", "-d", "--name", "first", "--restart", "always", "--mount", &mount, "box", "sleep", "1000"]);
    store.ok(&["run", "-d", "--name", "base", "--restart", "always", "box", "sleep", "1000"]);
    store.ok(&[
        "run",
        "-d",
        "--name",
        "guest",
        "--restart",
        "always",
        "--network",
        "container:base",
        "--pid",
        "container:base",
        "box",
        "sleep",
        "1000",
    ]);
    lose_power(&store);
    std::fs::remove_dir(&dir).expect("remove it");
    let ran = store.tare(&["system", "start"]).expect_code(1);
    assert_eq!(ran.stdout, "base\nguest\n", "whose namespaces are shared comes first");
    assert!(ran.stderr.contains("cannot start container first") && ran.stderr.lines().count() <= 2, "{}", ran.stderr);
    std::fs::create_dir(&dir).expect("a directory");
    assert_eq!(store.ok(&["system", "start"]), "first");
}

#[test]
fn all_are_stopped_at_the_same_time() {
    let store = Store::new();
    for name in ["one", "two", "three", "four"] {
        store.ok(&["run", "-d", "--name", name, "--stop-timeout", "3", "box", "/probe", "wait-signals"]);
        eventually("it listens", || store.ok(&["logs", name]).contains("ready"));
    }
    store.ok(&["run", "-d", "--rm", "--name", "brief", "box", "sleep", "1000"]);
    let ran = store.tare(&["system", "stop"]);
    assert!(ran.took < std::time::Duration::from_secs(12), "one after the other would take twelve seconds: {:?}", ran.took);
    let mut stopped: Vec<String> = ran.ok().lines().map(str::to_owned).collect();
    stopped.sort();
    assert_eq!(stopped, ["brief", "four", "one", "three", "two"]);
    store.ok(&["container", "prune", "-f"]);
    store.assert_nothing_left();
}

/// What systemd itself says of a unit.
fn verify(store: &Store, name: &str, text: &str) {
    let unit: PathBuf = store.file(name, text);
    let verified = match Command::new("systemd-analyze").args(["verify", "--man=no", unit.to_str().expect("utf-8")]).output() {
        Ok(output) => output,
        Err(_) if std::env::var_os("MUST_RUN").is_none() => return eprintln!("skipped: no systemd-analyze"),
        Err(e) => panic!("cannot run systemd-analyze: {e}"),
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    let of_ours: Vec<&str> = said.lines().filter(|line| line.contains(name)).collect();
    assert!(verified.status.success() && of_ours.is_empty(), "{said}\n{text}");
}

/// The command line behind a key of a unit, as systemd would split it.
fn command<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap_or_else(|| panic!("no {key} in\n{text}"));
    line.trim_start_matches('-').split(' ').collect()
}

#[test]
fn the_units_are_right_and_their_commands_do_what_they_say() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "--restart", "always", "box", "sleep", "1000"]);
    store.ok(&["create", "--name", "job", "--stop-signal", "INT", "box", "/probe", "exit", "3"]);
    let all = store.ok(&["generate", "systemd"]);
    verify(&store, "tare-all.service", &all);
    let one = store.ok(&["generate", "systemd", "job"]);
    verify(&store, "tare-job.service", &one);
    assert!(one.contains("SuccessExitStatus=130\n"), "{one}");

    // As systemd calls them: with nothing of our environment.
    let call = |words: Vec<&str>| Command::new(words[0]).args(&words[1..]).env_clear().current_dir("/").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&call(command(&all, "ExecStop")).stdout), "web\n");
    assert_eq!(store.state("web"), "exited");
    assert_eq!(String::from_utf8_lossy(&call(command(&all, "ExecStart")).stdout), "web\n");
    assert_eq!(store.state("web"), "running");
    assert_eq!(call(command(&one, "ExecStart")).status.code(), Some(3));

    assert!(store.fails(1, &["generate", "systemd", "web"]).contains("--restart always"));
    store.ok(&["create", "--rm", "--name", "brief", "box", "true"]);
    assert!(store.fails(1, &["generate", "systemd", "brief"]).contains("--rm"));
    let odd = store.dir.join("50% \"odd\"");
    let unit = store.ok(&["--root", odd.to_str().expect("utf-8"), "generate", "systemd"]);
    verify(&store, "tare-odd.service", &unit);
}
