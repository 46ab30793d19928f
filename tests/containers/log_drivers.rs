//! `--log-driver` and `--log-opt`, and what `logs` makes of times and details.

use crate::common::{Store, eventually};
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

#[test]
fn without_a_log_output_is_shown_and_kept_nowhere() {
    let store = Store::new();
    let ran = store.tare(&["run", "--name", "quiet", "--log-driver", "none", "box", "sh", "-c", "echo out; echo err >&2"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "out\n", "err\n"), "{}", ran.story());
    let error = store.fails(1, &["logs", "quiet"]);
    assert!(error.contains("no log") && error.contains("--log-driver none") && error.contains("hint: tare attach quiet"), "{error}");
    let about = store.inspect("quiet");
    assert_eq!((&about["LogPath"], &about["HostConfig"]["LogConfig"]["Type"]), (&"".into(), &"none".into()));
    let id = about["Id"].as_str().expect("Id");
    assert!(!store.root.join("container").join(id).join("log").exists());

    store.ok(&["run", "-di", "--name", "later", "--log-driver", "none", "box", "cat"]);
    let mut attached = store.start(&["attach", "later"]);
    attached.send("hello\n");
    attached.expect("hello");
}

#[test]
fn passthrough_is_the_caller_s_own_stream() {
    let store = Store::new();
    for flags in [&["-d"][..], &[]] {
        let (output, error) = (store.file("out", ""), store.file("err", ""));
        let open = |path| Stdio::from(std::fs::OpenOptions::new().append(true).open(path).expect("a file"));
        let script = "echo to stdout; echo to stderr >&2; sleep 1000";
        let words = [&["run"], flags, &["--name", "direct", "--log-driver", "passthrough", "box", "sh", "-c", script]].concat();
        let mut command = store.command(&words);
        let mut running = command.stdin(Stdio::null()).stdout(open(&output)).stderr(open(&error)).spawn().expect("tare");
        let text = |path| std::fs::read_to_string(path).expect("a file");
        eventually("the container writes", || text(&output).contains("to stdout\n") && text(&error).contains("to stderr\n"));
        // Nobody stands between: the container's descriptors are these very files.
        let pid = store.pid("direct");
        let command = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("children");
        for (number, path) in [(1, &output), (2, &error)] {
            let theirs = std::fs::metadata(format!("/proc/{}/fd/{number}", command.trim())).expect("a descriptor");
            let ours = std::fs::metadata(path).expect("a file");
            assert_eq!((theirs.dev(), theirs.ino()), (ours.dev(), ours.ino()), "descriptor {number}");
        }
        let complaint = store.fails(1, &["logs", "direct"]);
        assert!(complaint.contains("no log") && complaint.contains("passthrough"), "{complaint}");
        let complaint = store.fails(1, &["attach", "direct"]);
        assert!(complaint.contains("cannot attach") && complaint.contains("passthrough"), "{complaint}");
        store.ok(&["rm", "-f", "direct"]);
        running.wait().expect("wait");
    }
    let ran = store.tare_with(&["run", "-i", "--rm", "--log-driver=passthrough", "box", "sh", "-c", "cat; exit 7"], "through\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (7, "through\n"), "{}", ran.story());
    store.assert_nothing_left();
}

#[test]
fn passthrough_starts_again_with_the_streams_of_who_starts_it() {
    let store = Store::new();
    store.ok(&["create", "--name", "direct", "--log-driver", "passthrough", "box", "echo", "hello"]);
    for _ in 0..2 {
        assert_eq!(store.tare(&["start", "-a", "direct"]).stdout, "hello\n");
    }
}

#[test]
fn passthrough_never_hands_a_terminal_over() {
    let store = Store::new();
    let error = store.fails(125, &["run", "-t", "--log-driver", "passthrough", "box", "true"]);
    assert!(error.contains("passthrough") && error.contains("--tty"), "{error}");
    let mut person = store.terminal(&["run", "--rm", "--log-driver", "passthrough", "box", "echo", "shown"]);
    assert_eq!(person.wait(), 125);
    assert!(person.shown.contains("is a terminal") && !person.shown.contains("shown\r"), "{}", person.shown);
    store.assert_nothing_left();
}

#[test]
fn what_is_not_kept_is_refused_by_name() {
    let store = Store::new();
    for (words, named) in [
        (&["--log-driver", "syslog"][..], "syslog"),
        (&["--log-opt", "compress=true"], "compress"),
        (&["--log-opt", "mode=non-blocking"], "non-blocking"),
        (&["--log-opt", "max-size=0"], "max-size"),
        (&["--log-opt", "path=/x"], "path"),
        (&["--log-driver", "none", "--log-opt", "max-size=1m"], "max-size"),
    ] {
        let error = store.refuses(&[&["run"], words, &["box", "true"]].concat());
        assert!(error.contains(named) && error.contains("hint: "), "{words:?}: {error}");
    }
    store.assert_nothing_left();
}

#[test]
fn details_are_what_was_asked_for_beside_the_lines() {
    let store = Store::new();
    let asked = ["--log-opt", "labels=team,from", "--log-opt", "env=MODE", "--log-opt", "tag={{.Name}}"];
    let words = [&["run", "--name", "web", "--label", "team=a b", "-e", "MODE=x"], &asked[..], &["box", "echo", "hello"]].concat();
    store.ok(&words);
    assert_eq!(store.ok(&["logs", "web"]), "hello");
    assert_eq!(store.ok(&["logs", "--details", "web"]), "MODE=x,tag=web,team=a+b hello");
    let line = store.ok(&["logs", "--details", "-t", "web"]);
    let (time, rest) = line.split_once(' ').expect("a time first");
    assert!(crate::common::parse_time(time) && rest == "MODE=x,tag=web,team=a+b hello", "{line}");
    store.ok(&["run", "--name", "plain", "box", "echo", "hello"]);
    // The line begins behind the first space, also where nothing stands before it.
    assert_eq!(store.ok(&["logs", "--details", "plain"]), " hello");
}

#[test]
fn a_period_may_be_said_in_every_way() {
    let store = Store::new();
    store.ok(&["run", "--name", "talk", "box", "sh", "-c", "for i in 1 2 3 4; do echo $i; sleep 0.3; done"]);
    let all = store.ok(&["logs", "-t", "talk"]);
    let times: Vec<&str> = all.lines().map(|line| line.split(' ').next().expect("a time")).collect();
    let logs = |words: &[&str]| store.ok(&[&["logs"], words, &["talk"]].concat()).replace('\n', "");
    assert_eq!(logs(&["--since", times[2]]), "34", "the moment itself belongs to it");
    assert_eq!(logs(&["--until", times[1]]), "12");
    assert_eq!(logs(&["--since", times[1], "--until", times[2]]), "23");
    assert_eq!(logs(&["--since", times[1], "--tail", "1"]), "4");
    assert_eq!(logs(&["--until", times[2], "--tail", "2"]), "23", "the last ones of the period");
    assert_eq!(logs(&["--since", "10m"]), "1234");
    assert_eq!(logs(&["--until", "10m"]), "");
    assert_eq!(logs(&["--since", "1700000000.5"]), "1234");
    assert_eq!(logs(&["--since", "2100-01-01"]), "");
    let error = store.fails(125, &["logs", "--since", "yesterday", "talk"]);
    assert!(error.contains("--since") && error.contains("yesterday"), "{error}");
}

#[test]
fn a_follower_s_period_ends_though_the_container_goes_on() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "talk", "box", "sh", "-c", "echo first; sleep 1000"]);
    eventually("it has spoken", || store.ok(&["logs", "talk"]) == "first");
    let ran = store.tare(&["logs", "-f", "--until", "0s", "talk"]).expect_code(0);
    assert_eq!(ran.stdout, "first\n");
    assert_eq!(store.state("talk"), "running");
}
