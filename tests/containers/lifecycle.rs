//! create, start, stop, kill, wait, rm, attach: one container's life, with Docker's meaning and codes.

use crate::common::{Store, eventually, parse_time};
use serde_json::Value;

#[test]
fn create_start_wait_logs_rm() {
    let store = Store::new();
    let id = store.ok(&["create", "--name", "job", "box", "sh", "-c", "echo working; exit 4"]);
    assert_eq!(id.len(), 64);
    assert_eq!(store.state("job"), "created");
    assert_eq!(store.ok(&["start", "job"]), "job", "start says what it started, as it was called");
    assert_eq!(store.ok(&["wait", "job"]), "4");
    assert_eq!(store.ok(&["logs", "job"]), "working");
    assert_eq!(store.state("job"), "exited");
    assert_eq!(store.ok(&["rm", "job"]), "job");
    store.fails(1, &["inspect", "job"]);
    store.assert_nothing_left();
}

#[test]
fn containers_are_found_by_id_name_and_prefix() {
    let store = Store::new();
    let id = store.ok(&["create", "--name", "fred", "box"]);
    for word in [id.as_str(), &id[..12], &id[..5], "fred", "/fred"] {
        assert_eq!(store.inspect(word)["Id"], id.as_str(), "{word}");
    }
}

#[test]
fn a_name_wins_over_a_prefix() {
    let store = Store::new();
    let id = store.ok(&["create", "--name", "first", "box"]);
    let second = store.ok(&["create", "--name", &id[..4], "box"]);
    assert_eq!(store.inspect(&id[..4])["Id"], second.as_str());
}

#[test]
fn an_ambiguous_prefix_is_refused() {
    let store = Store::new();
    let mut ids: Vec<String> = Vec::new();
    // Seventeen ids have two with the same first digit.
    let prefix = loop {
        let id = store.ok(&["create", "box"]);
        if let Some(other) = ids.iter().find(|other| other[..1] == id[..1]) {
            break other[..1].to_string();
        }
        ids.push(id);
    };
    let error = store.fails(1, &["inspect", &prefix]);
    assert!(
        error.contains(&prefix)
            && (error.contains("ambiguous")
                || error.contains("more than one")
                || error.contains("several")
                || error.contains("containers")),
        "{error}"
    );
}

#[test]
fn kill_sends_the_signal_that_was_asked_for() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "listener", "box", "/probe", "wait-signals"]);
    eventually("it listens", || store.ok(&["logs", "listener"]).contains("ready"));
    for (signal, number) in [("HUP", 1), ("SIGINT", 2), ("usr1", 10), ("15", 15), ("SIGRTMIN+1", 35)] {
        assert_eq!(store.ok(&["kill", "-s", signal, "listener"]), "listener");
        eventually("the signal arrives", || {
            store.ok(&["logs", "listener"]).contains(&format!("got {number}\n"))
                || store.ok(&["logs", "listener"]).ends_with(&format!("got {number}"))
        });
    }
    assert_eq!(store.state("listener"), "running");
    store.ok(&["kill", "--signal", "USR2", "listener"]);
    assert_eq!(store.ok(&["wait", "listener"]), "0");
}

#[test]
fn kill_without_words_ends_it_with_137() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "aa", "box", "sleep", "1000"]);
    store.ok(&["run", "-d", "--name", "bb", "box", "/probe", "wait-signals"]);
    assert_eq!(store.ok(&["kill", "aa", "bb"]), "aa\nbb");
    assert_eq!(store.ok(&["wait", "aa", "bb"]), "137\n137");
    assert_eq!(store.inspect("aa")["State"]["ExitCode"], 137);
}

#[test]
fn kill_of_several_goes_on_after_a_failure() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "there", "box", "sleep", "1000"]);
    let ran = store.tare(&["kill", "missing", "there"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "there\n"), "{}", ran.story());
    assert!(ran.stderr.contains("missing"), "{}", ran.stderr);
    eventually("it is dead", || store.state("there") == "exited");
}

#[test]
fn stop_asks_first_and_insists_later() {
    let store = Store::new();
    store.ok(&[
        "run",
        "-d",
        "--name",
        "polite",
        "box",
        "sh",
        "-c",
        "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.1; done",
    ]);
    eventually("it is ready", || store.ok(&["logs", "polite"]).contains("ready"));
    assert_eq!(store.ok(&["stop", "polite"]), "polite");
    assert_eq!(store.inspect("polite")["State"]["ExitCode"], 5);
    assert!(store.ok(&["logs", "polite"]).contains("bye"));

    store.ok(&["run", "-d", "--name", "deaf", "box", "/probe", "wait-signals"]);
    eventually("it listens", || store.ok(&["logs", "deaf"]).contains("ready"));
    let ran = store.tare(&["stop", "-t", "1", "deaf"]);
    assert_eq!(ran.code, 0, "{}", ran.story());
    assert!(ran.took.as_millis() >= 900, "{:?}", ran.took);
    assert_eq!(store.inspect("deaf")["State"]["ExitCode"], 137);
}

#[test]
fn stop_ends_a_plain_program_at_once() {
    // A program without handlers would, as pid 1, not even notice SIGTERM: that is what the reaper is for.
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "plain", "box", "sleep", "1000"]);
    let ran = store.tare(&["stop", "plain"]);
    assert_eq!(ran.code, 0, "{}", ran.story());
    assert_eq!(store.inspect("plain")["State"]["ExitCode"], 143, "not killed when the patience was over");
    assert_eq!(store.ok(&["stop", "plain"]), "plain", "stopping what is stopped is no error");
}

#[test]
fn wait_waits_and_can_be_repeated() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "soon", "box", "sh", "-c", "sleep 0.5; exit 6"]);
    let waiting = store.start(&["wait", "soon"]);
    assert_eq!(waiting.wait().ok(), "6");
    assert_eq!(store.ok(&["wait", "soon"]), "6");
}

#[test]
fn a_running_container_is_removed_only_by_force() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "busy", "box", "sleep", "1000"]);
    let error = store.fails(1, &["rm", "busy"]);
    assert!(error.contains("busy") && error.contains("running") && error.contains("hint: "), "{error}");
    assert_eq!(store.state("busy"), "running");
    assert_eq!(store.ok(&["rm", "-f", "busy"]), "busy");
    store.assert_nothing_left();
}

#[test]
fn rm_of_several_goes_on_after_a_failure() {
    let store = Store::new();
    store.ok(&["create", "--name", "aa", "box"]);
    store.ok(&["create", "--name", "bb", "box"]);
    let ran = store.tare(&["rm", "aa", "missing", "bb"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, "aa\nbb\n"), "{}", ran.story());
    store.assert_nothing_left();
}

#[test]
fn a_name_is_free_again_after_rm() {
    let store = Store::new();
    for _ in 0..3 {
        store.ok(&["run", "--name", "again", "box", "true"]);
        store.ok(&["rm", "again"]);
    }
    store.ok(&["run", "--rm", "--name", "again", "box", "true"]);
    store.ok(&["run", "--rm", "--name", "again", "box", "true"]);
}

#[test]
fn start_attaches_when_asked() {
    let store = Store::new();
    store.ok(&["create", "--name", "echo", "-i", "box", "sh", "-c", "read line; echo got $line; exit 3"]);
    let ran = store.tare_with(&["start", "-a", "-i", "echo"], "a line\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (3, "got a line\n"), "{}", ran.story());
    store.ok(&["create", "--name", "aa", "box", "true"]);
    store.ok(&["create", "--name", "bb", "box", "true"]);
    assert_eq!(store.ok(&["start", "aa", "bb"]), "aa\nbb");
}

#[test]
fn starting_what_runs_is_no_error() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "busy", "box", "sleep", "1000"]);
    let pid = store.pid("busy");
    store.ok(&["start", "busy"]);
    assert_eq!(store.pid("busy"), pid);
}

#[test]
fn attach_shows_and_forwards() {
    let store = Store::new();
    store.ok(&[
        "run",
        "-d",
        "-i",
        "--name",
        "talk",
        "box",
        "sh",
        "-c",
        "while read line; do echo heard $line; echo noise >&2; [ $line = bye ] && exit 8; done",
    ]);
    let mut attached = store.start(&["attach", "talk"]);
    attached.send("one\n");
    attached.expect("heard one");
    let mut second = store.start(&["attach", "talk"]);
    second.send("two\n");
    second.expect("heard two");
    attached.expect("heard two");
    drop(second);
    assert_eq!(store.state("talk"), "running", "one viewer may go");
    // As in docker: after `run -d -i` the end of a viewer's input is not the end of the container's.
    attached.send("bye\n");
    let ran = attached.wait();
    assert_eq!(ran.code, 8, "the container's code comes back: {}", ran.story());
    assert!(ran.stderr.contains("noise"), "the streams are kept apart: {}", ran.story());
}

#[test]
fn attach_to_what_does_not_run_is_refused() {
    let store = Store::new();
    store.ok(&["create", "--name", "still", "box"]);
    let error = store.fails(1, &["attach", "still"]);
    assert!(error.contains("still") && error.contains("hint: "), "{error}");
}

#[test]
fn inspect_has_docker_s_shape() {
    let store = Store::new();
    let id = store.ok(&[
        "run",
        "-d",
        "--name",
        "web",
        "-e",
        "A=b",
        "-w",
        "/tmp",
        "-u",
        "alice",
        "-h",
        "host1",
        "--stop-signal",
        "INT",
        "box",
        "sleep",
        "1000",
    ]);
    let about = store.inspect("web");
    assert_eq!(about["Id"], id.as_str());
    assert_eq!(about["Name"], "/web");
    assert!(about["Image"].as_str().is_some_and(|text| text.starts_with("sha256:") && text.len() == 71), "{}", about["Image"]);
    assert!(parse_time(about["Created"].as_str().expect("Created")));
    let state = &about["State"];
    assert_eq!(state["Status"], "running");
    for (name, value) in [("Running", true), ("Paused", false), ("Restarting", false), ("OOMKilled", false), ("Dead", false)] {
        assert_eq!(state[name], value, "{name}");
    }
    assert_eq!((&state["ExitCode"], &state["Error"]), (&Value::from(0), &Value::from("")));
    assert!(parse_time(state["StartedAt"].as_str().expect("StartedAt")));
    assert_eq!(state["FinishedAt"], "0001-01-01T00:00:00Z");
    let config = &about["Config"];
    for (name, value) in [("Hostname", "host1"), ("User", "alice"), ("Image", "box"), ("WorkingDir", "/tmp"), ("StopSignal", "SIGINT")] {
        let seen = config[name].as_str().unwrap_or_default();
        assert!(seen == value || format!("SIG{seen}") == value, "Config.{name} is {seen}, expected {value}");
    }
    assert_eq!(config["Cmd"], serde_json::json!(["sleep", "1000"]));
    assert_eq!(config["Entrypoint"], Value::Null);
    assert_eq!((&config["Tty"], &config["OpenStdin"]), (&Value::from(false), &Value::from(false)));
    assert!(config["Env"].as_array().is_some_and(|list| list.contains(&"A=b".into())));
    assert!(config["Labels"].is_object());
    for name in ["Memory", "NanoCpus", "CpuShares"] {
        assert_eq!(about["HostConfig"][name], 0, "HostConfig.{name}");
    }
    assert!(about["Mounts"].is_array());
    assert!(about["Path"] == "sleep" && about["Args"] == serde_json::json!(["1000"]), "{} {}", about["Path"], about["Args"]);
    assert_eq!(about["RestartCount"], 0);

    store.ok(&["kill", "web"]);
    store.ok(&["wait", "web"]);
    let state = &store.inspect("web")["State"];
    assert_eq!(
        (&state["Status"], &state["Running"], &state["Pid"], &state["ExitCode"]),
        (&"exited".into(), &false.into(), &0.into(), &137.into())
    );
    assert!(state["FinishedAt"].as_str().is_some_and(|text| text.starts_with("20")));
}

#[test]
fn inspect_of_several_and_with_a_format() {
    let store = Store::new();
    store.ok(&["create", "--name", "aa", "box"]);
    store.ok(&["create", "--name", "bb", "box"]);
    let all: Value = serde_json::from_str(&store.ok(&["inspect", "aa", "bb"])).expect("json");
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    assert_eq!(store.ok(&["inspect", "-f", "{{.State.Status}}", "aa", "bb"]), "created\ncreated");
    assert_eq!(store.ok(&["inspect", "--format", "{{.Name}} {{.Config.Image}}", "aa"]), "/aa box");
    let ran = store.tare(&["inspect", "aa", "missing"]);
    assert_eq!(ran.code, 1, "{}", ran.story());
    assert!(ran.stderr.contains("missing"));
}

#[test]
fn a_started_command_that_is_missing_leaves_the_container_created() {
    let store = Store::new();
    store.ok(&["create", "--name", "broken", "box", "/no/such/command"]);
    let ran = store.tare(&["start", "broken"]);
    assert_eq!(ran.code, 1, "{}", ran.story());
    assert!(ran.stderr.contains("/no/such/command"), "{}", ran.stderr);
    let state = &store.inspect("broken")["State"];
    assert_eq!((&state["Running"], &state["ExitCode"]), (&false.into(), &127.into()), "{state}");
    assert!(state["Error"].as_str().is_some_and(|text| text.contains("/no/such/command")), "{state}");
}

#[test]
fn version_and_info_tell_what_this_is() {
    let store = Store::new();
    assert!(store.ok(&["version"]).contains(env!("CARGO_PKG_VERSION")));
    assert!(store.ok(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
    let info = store.ok(&["info"]);
    for word in ["Containers", "Images", "overlay", "Kernel", "Cgroup"] {
        assert!(info.to_lowercase().contains(&word.to_lowercase()), "info says nothing of {word}:\n{info}");
    }
}
