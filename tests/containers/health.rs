//! Health checks.

use crate::common::{Image, Random, Store, cgroup2, eventually, leftovers, rounds, test_images};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::time::Duration;

/// Healthy as long as /ok is there; looked at all the time.
const OFTEN: &[&str] = &["--health-cmd", "echo looked; test -e /ok", "--health-interval", "100ms", "--health-retries", "2"];

fn run(store: &Store, name: &str, flags: &[&str], command: &[&str]) -> String {
    store.ok(&[&["run", "-d", "--name", name], flags, &["box"], command].concat())
}

fn health(store: &Store, name: &str) -> Value {
    store.inspect(name)["State"]["Health"].clone()
}

fn is(store: &Store, name: &str, state: &str) {
    eventually(&format!("{name} is {state}"), || health(store, name)["Status"] == state);
}

fn status(store: &Store, name: &str) -> String {
    store.ok(&["ps", "-a", "--filter", &format!("name={name}"), "--format", "{{.Status}}"])
}

/// The monitor's children that are not the container.
fn nurses(store: &Store, name: &str) -> Vec<i32> {
    let state = &store.inspect(name)["State"];
    let (monitor, first) = (&state["MonitorPid"], &state["Pid"]);
    let children = std::fs::read_to_string(format!("/proc/{monitor}/task/{monitor}/children")).unwrap_or_default();
    children.split_whitespace().map(|pid| pid.parse().expect("a pid")).filter(|pid: &i32| json!(pid) != *first).collect()
}

fn kill_9(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill");
}

#[test]
fn a_container_is_told_as_its_checks_find_it() {
    let store = Store::new();
    run(&store, "slow", &["--health-cmd", "true", "--health-interval", "1h"], &["sleep", "1000"]);
    assert!(status(&store, "slow").ends_with(" (health: starting)"), "{}", status(&store, "slow"));
    assert_eq!(health(&store, "slow"), json!({"Status": "starting", "FailingStreak": 0, "Log": []}));

    run(&store, "web", OFTEN, &["sh", "-c", "touch /ok; exec sleep 1000"]);
    is(&store, "web", "healthy");
    assert!(status(&store, "web").ends_with(" (healthy)"), "{}", status(&store, "web"));
    store.ok(&["exec", "web", "rm", "/ok"]);
    is(&store, "web", "unhealthy");
    assert!(status(&store, "web").ends_with(" (unhealthy)"), "{}", status(&store, "web"));
    eventually("the log is full", || health(&store, "web")["Log"].as_array().is_some_and(|log| log.len() == 5));
    let found = health(&store, "web");
    assert!(found["FailingStreak"].as_u64().is_some_and(|streak| streak >= 2), "{found:#}");
    let last = &found["Log"][4];
    assert_eq!((&last["ExitCode"], &last["Output"]), (&1.into(), &"looked\n".into()), "{found:#}");
    assert!(last["Start"].as_str() < last["End"].as_str(), "{last:#}");
    for (state, name) in [("starting", "slow"), ("unhealthy", "web"), ("healthy", "")] {
        assert_eq!(store.ok(&["ps", "--filter", &format!("health={state}"), "--format", "{{.Names}}"]), name, "{state}");
    }
    store.ok(&["exec", "web", "touch", "/ok"]);
    assert_eq!(store.ok(&["wait", "--condition", "healthy", "web"]), "0");
    eventually("it was told each time", || {
        let events = std::fs::read_to_string(store.run.join("events")).expect("events");
        let told: Vec<&str> = events.lines().filter_map(|line| Some(line.split_once("health_status: ")?.1.split_once('"')?.0)).collect();
        told == ["healthy", "unhealthy", "healthy"]
    });

    assert_eq!(store.inspect("web")["Config"]["Healthcheck"]["Interval"], 100_000_000);
    store.ok(&["stop", "web"]);
    assert!(status(&store, "web").starts_with("Exited") && !status(&store, "web").contains("health"));
    assert_eq!(health(&store, "web")["Status"], "healthy", "what was found last is still known");
    store.ok(&["rm", "-f", "web", "slow"]);
    store.assert_nothing_left();
}

#[test]
fn a_check_is_a_process_of_the_container_and_no_more() {
    let store = Store::new();
    let command = "grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status; id -u; ls /proc/self/fd | wc -w; pwd; echo $MARK";
    let flags = ["--user", "1000", "--workdir", "/tmp", "-e", "MARK=seen", "--health-interval", "50ms", "--health-cmd", command];
    run(&store, "web", &flags, &["sleep", "1000"]);
    eventually("it was checked", || health(&store, "web")["Log"].as_array().is_some_and(|log| !log.is_empty()));
    let by_exec = store.ok(&["exec", "web", "sh", "-c", command]);
    assert_eq!(health(&store, "web")["Log"][0]["Output"].as_str().map(str::trim_end), Some(by_exec.as_str()));
    // The nurse itself holds nothing while it sleeps: no lock, no stream, no socket of the monitor's.
    run(&store, "slow", &["--health-cmd", "true", "--health-interval", "1h"], &["sleep", "1000"]);
    let open = || {
        let entries = std::fs::read_dir(format!("/proc/{}/fd", nurses(&store, "slow")[0])).expect("its descriptors");
        let files = entries.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        files.map(|file| file.display().to_string()).collect::<Vec<_>>()
    };
    eventually("it sleeps", || open() == ["/dev/null", "/dev/null", "/dev/null", "anon_inode:[pidfd]"]);
}

#[test]
fn what_takes_too_long_is_ended_with_everything_it_began() {
    let store = Store::new();
    // One that left its session and its parent.
    let command = "echo begun; (setsid sh -c 'exec sleep 4711' &) ; exec sleep 4711";
    run(
        &store,
        "web",
        &["--health-interval", "50ms", "--health-timeout", "300ms", "--health-retries", "1", "--health-cmd", command],
        &["sleep", "1000"],
    );
    is(&store, "web", "unhealthy");
    let first = &health(&store, "web")["Log"][0];
    assert_eq!((&first["ExitCode"], &first["Output"]), (&(-1).into(), &"Health check exceeded timeout (300ms)".into()));
    if cgroup2().is_none() {
        return eprintln!("skipped: without control groups only the check itself is ended");
    }
    let count = || store.ok(&["top", "web"]).matches("sleep 4711").count();
    for _ in 0..10 {
        assert!(count() <= 2, "no more than those of one check");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_a_check_leaves_running_on_purpose_goes_on() {
    let store = Store::new();
    let command = "pidof httpd || httpd -p 8080 -h /etc";
    run(&store, "web", &["--health-interval", "100ms", "--health-cmd", command], &["sleep", "1000"]);
    is(&store, "web", "healthy");
    eventually("some checks", || health(&store, "web")["Log"].as_array().is_some_and(|log| log.len() == 5));
    assert_eq!(store.ok(&["exec", "web", "pidof", "httpd"]).split(' ').count(), 1, "begun once, and still there");
    store.ok(&["rm", "-f", "web"]);
    store.assert_nothing_left();
}

#[test]
fn much_output_is_cut_and_holds_nobody_up() {
    let store = Store::new();
    run(&store, "web", &["--health-interval", "50ms", "--health-cmd", "yes | head -c 300000"], &["sleep", "1000"]);
    is(&store, "web", "healthy");
    let output = health(&store, "web")["Log"][0]["Output"].as_str().expect("output").to_owned();
    assert_eq!((output.len(), output.ends_with("...")), (4096 + 3, true));
    run(&store, "none", &["--health-interval", "50ms", "--health-retries", "1", "--health-cmd", "exec nosuchprogram"], &["sleep", "1000"]);
    is(&store, "none", "unhealthy");
    assert_eq!(health(&store, "none")["Log"][0]["ExitCode"], 127);
}

#[test]
fn failures_do_not_count_while_it_starts() {
    let store = Store::new();
    let flags = ["--health-start-period", "1h", "--health-start-interval", "50ms", "--health-interval", "1h"];
    run(&store, "web", &[OFTEN, &flags].concat(), &["sleep", "1000"]);
    eventually("it was checked often", || health(&store, "web")["Log"].as_array().is_some_and(|log| log.len() == 5));
    let found = health(&store, "web");
    assert_eq!((&found["Status"], &found["FailingStreak"]), (&"starting".into(), &0.into()), "{found:#}");
    store.ok(&["exec", "web", "touch", "/ok"]);
    is(&store, "web", "healthy");
}

#[test]
fn nobody_checks_what_is_paused() {
    let store = Store::new();
    run(&store, "web", OFTEN, &["sh", "-c", "touch /ok; exec sleep 1000"]);
    is(&store, "web", "healthy");
    if store.tare(&["pause", "web"]).code != 0 {
        return eprintln!("skipped: no control group, so nothing can be paused");
    }
    // One that had begun may still be written down. If they went on, no two looks would ever be the same.
    let mut before = health(&store, "web");
    eventually("nobody checks any more", || {
        std::thread::sleep(Duration::from_millis(500));
        let now = health(&store, "web");
        std::mem::replace(&mut before, now.clone()) == now
    });
    assert!(status(&store, "web").ends_with("(Paused)"), "{}", status(&store, "web"));
    store.ok(&["unpause", "web"]);
    eventually("it is checked again", || health(&store, "web") != before);
    assert_eq!(health(&store, "web")["Status"], "healthy");
}

#[test]
fn who_has_no_check_has_no_nurse() {
    let store = Store::new();
    run(&store, "plain", &[], &["sleep", "1000"]);
    run(&store, "off", &["--no-healthcheck"], &["sleep", "1000"]);
    for name in ["plain", "off"] {
        assert_eq!(nurses(&store, name), [0; 0]);
        assert!(!status(&store, name).contains("health"));
        assert_eq!(health(&store, name), Value::Null);
    }
    assert!(store.fails(1, &["wait", "--condition", "healthy", "plain"]).contains("no health check"));
    for words in [
        &["run", "--health-interval", "1s", "box", "true"][..],
        &["run", "--no-healthcheck", "--health-cmd", "true", "box", "true"],
        &["run", "--health-cmd", "true", "--health-interval", "1", "box", "true"],
    ] {
        store.fails(125, words);
    }
    assert_eq!(store.names(true).len(), 2);
}

#[test]
fn a_run_after_a_crash_begins_with_no_finds() {
    let store = Store::new();
    let flags = ["--restart", "always", "--health-cmd", "true", "--health-interval", "50ms"];
    run(&store, "web", &flags, &["sh", "-c", "sleep 0.5; exit 1"]);
    is(&store, "web", "healthy");
    eventually("it waits for its next run", || store.inspect("web")["State"]["Status"] == "restarting");
    eventually("it runs", || store.state("web") == "running");
    is(&store, "web", "healthy");
    assert_eq!(nurses(&store, "web").len(), 1);
    store.ok(&["rm", "-f", "web"]);
    store.assert_nothing_left();
}

#[test]
fn a_nurse_that_is_killed_has_a_successor() {
    let store = Store::new();
    run(&store, "web", OFTEN, &["sh", "-c", "touch /ok; exec sleep 1000"]);
    is(&store, "web", "healthy");
    for _ in 0..3 {
        let old = nurses(&store, "web");
        assert_eq!(old.len(), 1);
        kill_9(old[0]);
        eventually("there is another one", || nurses(&store, "web").len() == 1 && nurses(&store, "web") != old);
    }
    store.ok(&["exec", "web", "rm", "/ok"]);
    is(&store, "web", "unhealthy");
    store.ok(&["rm", "-f", "web"]);
    store.assert_nothing_left();
}

#[test]
fn kill_9_of_monitor_or_nurse_at_any_moment_leaves_nothing() {
    let store = Store::new();
    let mut random = Random::new();
    for round in 0..rounds(100).div_ceil(4) {
        run(&store, "web", &["--health-cmd", "sleep 0.01", "--health-interval", "1ms"], &["sleep", "1000"]);
        let monitor = i32::try_from(store.inspect("web")["State"]["MonitorPid"].as_i64().expect("MonitorPid")).expect("a pid");
        std::thread::sleep(random.moment() * 4);
        if let (Some(nurse), true) = (nurses(&store, "web").first(), round % 2 == 0) {
            let _ = kill(Pid::from_raw(*nurse), Signal::SIGKILL);
        }
        kill_9(monitor);
        eventually("it is told", || store.state("web") == "exited");
        assert_eq!(store.inspect("web")["State"]["Reason"], "monitor lost", "round {round}");
        store.ok(&["rm", "web"]);
        let left = leftovers::find(&store, &leftovers::ids(&store));
        assert!(left.is_empty(), "round {round}: {left:?}");
    }
}

#[test]
fn an_image_brings_its_own_check() {
    let store = Store::new();
    let base = test_images::box_image();
    let check = json!({"Test": ["CMD", "test", "-e", "/ok"], "Interval": 100_000_000, "Retries": 1});
    let mut config = base.config.clone();
    config["Healthcheck"] = check.clone();
    store.load(&Image { tag: "checked".into(), ..base }.with_config(config).docker_archive()).ok();
    let run = |name: &str, flags: &[&str]| store.ok(&[&["run", "-d", "--name", name], flags, &["checked", "sleep", "1000"]].concat());
    run("web", &[]);
    is(&store, "web", "unhealthy");
    assert_eq!(store.inspect("web")["Config"]["Healthcheck"], check);
    run("other", &["--health-cmd", "true"]);
    is(&store, "other", "healthy");
    run("off", &["--no-healthcheck"]);
    assert_eq!((nurses(&store, "off").len(), health(&store, "off")), (0, Value::Null));
    store.ok(&["rm", "-f", "web", "other", "off"]);
}
