//! Restart policies: who comes back, how often, and after what time.

use crate::common::{Random, Store, eventually, leftovers, rounds};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::time::Duration;

fn restarts_of(store: &Store, name: &str) -> i64 {
    store.inspect(name)["RestartCount"].as_i64().expect("RestartCount")
}

fn monitor_of(store: &Store, name: &str) -> i32 {
    i32::try_from(store.inspect(name)["State"]["MonitorPid"].as_i64().expect("MonitorPid")).expect("a pid")
}

fn runs_in_log(store: &Store, name: &str) -> usize {
    store.ok(&["logs", name]).lines().count()
}

/// One that has crashed so often that its monitor waits for a while.
fn waiting(store: &Store, name: &str, policy: &str) {
    store.ok(&["run", "-d", "--name", name, "--restart", policy, "box", "sh", "-c", "echo run; exit 3"]);
    // After the fifth run it waits for more than a second.
    eventually("it has crashed often", || restarts_of(store, name) >= 5);
    store.wait_for_state(name, "restarting");
}

#[test]
fn on_failure_comes_back_as_often_as_it_says() {
    let store = Store::new();
    let ran = store.tare(&["run", "--name", "job", "--restart", "on-failure:2", "box", "sh", "-c", "echo run; exit 4"]).expect_code(4);
    assert_eq!(ran.stdout, "run\n", "whoever started it sees the first run, and no more");
    eventually("it has given up", || store.state("job") == "exited");
    assert_eq!(store.ok(&["logs", "job"]), "run\nrun\nrun");
    assert_eq!(restarts_of(&store, "job"), 2);
    assert_eq!(store.inspect("job")["HostConfig"]["RestartPolicy"], serde_json::json!({"Name": "on-failure", "MaximumRetryCount": 2}));
    // One that ends well stays down.
    store.tare(&["run", "--name", "fine", "--restart", "on-failure", "box", "true"]).expect_code(0);
    eventually("it rests", || store.state("fine") == "exited");
    assert_eq!(restarts_of(&store, "fine"), 0);
    store.fails(125, &["run", "--rm", "--restart", "always", "box", "true"]);
}

#[test]
fn a_container_that_comes_back_is_the_same_one_and_everything_else_is_fresh() {
    let store = Store::new();
    let script = "echo \"$(hostname) $(cat /kept 2>/dev/null) $(ls /tmp) $(readlink /proc/self/ns/net) $$\"; echo kept > /kept; touch /tmp/x; sleep 0.2";
    let file = store.dir.join("pid");
    let file = file.to_str().expect("utf-8");
    let flags = ["run", "-d", "--name", "web", "--restart", "always", "--pidfile", file, "--tmpfs", "/tmp", "-v", "data:/data"];
    store.ok(&[&flags[..], &["--time-offset", "boottime=1h", "box", "sh", "-c", script]].concat());
    eventually("it has come back", || runs_in_log(&store, "web") >= 3);
    let log = store.ok(&["logs", "web"]);
    let lines: Vec<Vec<&str>> = log.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!(lines[0][0], lines[2][0], "the same name of the host");
    assert_eq!((lines[0][1], lines[2][1]), ("", "kept"), "its files are kept, {log}");
    assert_eq!(lines[2][2], "", "what lay in memory is gone: {log}");
    store.wait_for_state("web", "running");
    eventually("its pid file tells the process of this run", || {
        std::fs::read_to_string(file).is_ok_and(|text| text.trim().parse() == Ok(store.pid("web")))
    });
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", monitor_of(&store, "web"))).expect("fd").count();
    let before = descriptors();
    let runs = runs_in_log(&store, "web");
    eventually("two more runs", || runs_in_log(&store, "web") >= runs + 2);
    store.wait_for_state("web", "running");
    eventually("the monitor holds no more than before", || descriptors() <= before);
    store.ok(&["rm", "-f", "web"]);
    assert!(!std::path::Path::new(file).exists());
    store.ok(&["volume", "rm", "data"]);
    store.assert_nothing_left();
}

#[test]
fn what_waits_to_come_back_is_told_as_restarting() {
    let store = Store::new();
    waiting(&store, "web", "always");
    let line = store.ok(&["ps", "--filter", "status=restarting", "--format", "{{.State}} {{.Status}}"]);
    assert!(line.starts_with("restarting Restarting (3) ") && line.ends_with(" ago"), "{line}");
    let state = &store.inspect("web")["State"];
    assert_eq!(
        (&state["Restarting"], &state["Running"], &state["Pid"], &state["ExitCode"]),
        (&true.into(), &true.into(), &0.into(), &3.into())
    );
    for words in [&["exec", "web", "true"][..], &["attach", "web"], &["pause", "web"], &["top", "web"], &["kill", "-s", "HUP", "web"]] {
        let error = store.refuses(words);
        assert!(error.contains("is restarting"), "{words:?}: {error}");
    }
    assert!(store.fails(1, &["rm", "web"]).contains("restarting"));
    assert_eq!(store.ok(&["start", "web"]), "web", "there is nothing to do");
    store.ok(&["rename", "web", "other"]);
    // The next run bears the new name.
    let runs = runs_in_log(&store, "other");
    eventually("it comes back under its new name", || runs_in_log(&store, "other") > runs);
    assert_eq!(store.names(true), ["other"]);
    store.ok(&["rm", "-f", "other"]);
    store.assert_nothing_left();
}

#[test]
fn whoever_stops_it_is_obeyed_at_once_while_it_waits_and_while_it_runs() {
    let store = Store::new();
    for (policy, words) in [
        ("always", vec!["stop"]),
        ("unless-stopped", vec!["kill"]),
        ("on-failure", vec!["kill", "-s", "TERM"]),
        ("always", vec!["rm", "-f"]),
    ] {
        for runs in [false, true] {
            match runs {
                true => drop(store.ok(&["run", "-d", "--name", "web", "--restart", policy, "box", "/probe", "sleep", "1000"])),
                false => waiting(&store, "web", policy),
            }
            let begun = if runs { 0 } else { runs_in_log(&store, "web") };
            store.ok(&[&words[..], &["web"]].concat());
            if words[0] != "rm" {
                eventually("it rests", || store.state("web") == "exited");
                std::thread::sleep(Duration::from_millis(300));
                assert_eq!(store.state("web"), "exited", "{policy} {words:?}");
                assert_eq!(runs_in_log(&store, "web"), begun, "{policy} {words:?}: not one more run");
                store.ok(&["rm", "web"]);
            }
            store.assert_nothing_left();
        }
    }
}

/// Between the end of one run and the begin of the next there are many moments.
#[test]
fn a_stop_at_any_moment_is_the_last_word() {
    let store = Store::new();
    let mut random = Random::new();
    for round in 0..rounds(100).div_ceil(4) {
        store.ok(&["run", "-d", "--name", "web", "--restart", "always", "box", "sh", "-c", "exit 1"]);
        std::thread::sleep(Duration::from_millis(95) + random.moment() * 2);
        let how: &[&str] = if round % 2 == 0 { &["stop", "web"] } else { &["rm", "-f", "web"] };
        store.ok(how);
        if round % 2 == 0 {
            assert_eq!(store.state("web"), "exited");
            store.ok(&["start", "web"]);
            store.ok(&["rm", "-f", "web"]);
        }
        assert_eq!(store.ok(&["ps", "-aq"]), "");
    }
    store.assert_nothing_left();
}

#[test]
fn restart_and_wait_meet_one_that_waits() {
    let store = Store::new();
    waiting(&store, "web", "always");
    // The end of the run that comes.
    assert_eq!(store.ok(&["wait", "web"]), "3");
    store.wait_for_state("web", "restarting");
    let gone = store.start(&["wait", "--condition", "removed", "web"]);
    let before = restarts_of(&store, "web");
    assert!(before >= 5);
    store.ok(&["restart", "web"]);
    assert!(restarts_of(&store, "web") < before, "somebody has started it, and it is counted from there");
    store.ok(&["rm", "-f", "web"]);
    let code = gone.wait().ok();
    assert!(["3", "137"].contains(&code.as_str()), "how its last run ended: {code}");
    // Who waits while it is stopped hears of it.
    waiting(&store, "web", "always");
    let waiting = store.start(&["wait", "web"]);
    std::thread::sleep(Duration::from_millis(50));
    store.ok(&["stop", "web"]);
    assert_eq!(waiting.wait().ok(), "3");
    store.ok(&["rm", "web"]);
    store.assert_nothing_left();
}

#[test]
fn a_signal_that_is_not_meant_to_end_it_changes_nothing() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "--restart", "always", "box", "sh", "-c", "echo run; exec sleep 1000"]);
    store.ok(&["kill", "-s", "USR1", "web"]);
    eventually("it has died of it and is back", || runs_in_log(&store, "web") == 2);
    // ctrl-c before one that is shown is meant to end it.
    let mut shown = store.start(&["run", "--name", "shown", "--restart", "always", "box", "sh", "-c", "echo ready; exec sleep 1000"]);
    shown.expect("ready");
    kill(Pid::from_raw(shown.pid()), Signal::SIGINT).expect("kill");
    shown.wait().expect_code(130);
    eventually("it rests", || store.state("shown") == "exited");
    // A program that is killed by somebody else comes back.
    let runs = runs_in_log(&store, "web");
    eventually("it runs", || store.state("web") == "running");
    kill(Pid::from_raw(store.pid("web")), Signal::SIGKILL).expect("kill");
    eventually("it is back", || runs_in_log(&store, "web") > runs);
}

#[test]
fn a_start_that_fails_ends_it_and_is_told() {
    let store = Store::new();
    let dir = store.dir.join("src");
    std::fs::create_dir(&dir).expect("a directory");
    let mount = format!("type=bind,source={},target=/src", dir.display());
    store.ok(&["run", "-d", "--name", "web", "--restart", "always", "--mount", &mount, "box", "sh", "-c", "sleep 0.3; exit 1"]);
    std::fs::remove_dir(&dir).expect("remove it");
    eventually("it has given up", || store.state("web") == "exited");
    let state = &store.inspect("web")["State"];
    assert_eq!(state["ExitCode"], 125, "{state:#}");
    assert!(state["Error"].as_str().is_some_and(|error| error.contains("src")), "{state:#}");
    assert!(store.ok(&["ps", "-a"]).contains("could not be started again"));
    store.ok(&["rm", "web"]);
    store.assert_nothing_left();
}

#[test]
fn a_neighbour_s_namespaces_are_joined_again() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "base", "box", "sleep", "1000"]);
    let script = "readlink /proc/self/ns/net; sleep 0.1";
    store.ok(&["run", "-d", "--name", "web", "--network", "container:base", "--restart", "always", "box", "sh", "-c", script]);
    eventually("it has come back", || runs_in_log(&store, "web") >= 3);
    let theirs = store.ok(&["exec", "base", "readlink", "/proc/self/ns/net"]);
    assert!(store.ok(&["logs", "web"]).lines().all(|line| line == theirs));
}

#[test]
fn each_run_has_a_terminal_of_its_own() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--name", "shell", "--restart", "always", "box", "sh"]);
    person.expect("# ");
    assert!(person.ask("tty").contains("/dev/pts/0"));
    person.send("exit 5\n");
    assert_eq!(person.wait(), 5, "the first run is whose person started it");
    eventually("it is back", || restarts_of(&store, "shell") == 1 && store.state("shell") == "running");
    let mut back = store.terminal(&["attach", "shell"]);
    back.send("\n");
    back.expect("# ");
    assert!(back.ask("tty").contains("/dev/pts/0"));
    back.send("exit 6\n");
    assert_eq!(back.wait(), 6);
    store.ok(&["rm", "-f", "shell"]);
    store.assert_nothing_left();
}

#[test]
fn every_run_is_told_and_only_a_person_restarts() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "--restart", "on-failure:1", "box", "sh", "-c", "exit 1"]);
    eventually("it has given up", || store.state("web") == "exited");
    let told = || store.ok(&["events", "--since", "0", "--until", "0s", "--filter", "container=web", "--format", "{{.Action}}"]);
    eventually("all is told", || told().lines().collect::<Vec<_>>() == ["create", "start", "die", "start", "die"]);
}

#[test]
fn a_policy_that_is_changed_counts_at_the_next_end() {
    let store = Store::new();
    waiting(&store, "web", "always");
    let begun = runs_in_log(&store, "web");
    store.ok(&["update", "--restart", "no", "web"]);
    eventually("its pause is its end", || store.state("web") == "exited");
    assert_eq!((runs_in_log(&store, "web"), store.inspect("web")["State"]["ExitCode"].as_i64()), (begun, Some(3)));
    // And the other way round.
    store.ok(&["run", "-d", "--name", "other", "box", "sh", "-c", "echo run; sleep 0.5; exit 1"]);
    store.ok(&["update", "--restart", "on-failure:1", "other"]);
    eventually("it has come back once", || store.state("other") == "exited");
    assert_eq!(store.ok(&["logs", "other"]), "run\nrun");
}

#[test]
fn a_log_is_followed_through_all_runs() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "--restart", "on-failure:3", "box", "sh", "-c", "echo run; exit 1"]);
    assert_eq!(store.ok(&["logs", "-f", "web"]), "run\nrun\nrun\nrun");
}

/// Whatever the monitor was at: its container is gone with it, and the next command tells so.
#[test]
fn kill_9_of_the_monitor_at_any_moment_between_runs() {
    let store = Store::new();
    let mut random = Random::new();
    for round in 0..rounds(100).div_ceil(3) {
        store.ok(&["run", "-d", "--name", "web", "--restart", "always", "box", "sh", "-c", "exit 1"]);
        let monitor = monitor_of(&store, "web");
        std::thread::sleep(Duration::from_millis(90) + random.moment() * 2);
        kill(Pid::from_raw(monitor), Signal::SIGKILL).expect("kill");
        eventually("it is told", || store.state("web") == "exited");
        let state = &store.inspect("web")["State"];
        assert_eq!((&state["ExitCode"], &state["Reason"]), (&137.into(), &"monitor lost".into()), "round {round}: {state:#}");
        store.ok(&["rm", "web"]);
        let left = leftovers::find(&store, &leftovers::ids(&store));
        assert!(left.is_empty(), "round {round}: {left:?}");
    }
}
