//! What the next command makes of what a crash or a power cut has left: lost monitors, torn records, half-made containers.

use crate::common::{Random, Store, eventually, leftovers, process, rounds};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn kill_9(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill");
}

fn monitor_of(store: &Store, name: &str) -> i32 {
    i32::try_from(store.inspect(name)["State"]["MonitorPid"].as_i64().expect("MonitorPid")).expect("a pid")
}

fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

/// After the machine was started: whatever lies on tmpfs is gone, and so are all processes.
fn lose_power(store: &Store) {
    for name in store.names(false) {
        kill_9(monitor_of(store, &name));
    }
    eventually("all processes have ended", || {
        let left = leftovers::find(store, &leftovers::ids(store));
        !left.iter().any(|what| what.starts_with("process"))
    });
    std::fs::remove_dir_all(&store.run).expect("the run directory");
}

#[test]
fn a_program_that_outlives_its_monitor_is_ended_by_the_next_command() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "--name", "stubborn", "--init=false", "box", "/probe", "outlive-parent"]);
    eventually("it is ready", || store.ok(&["logs", "stubborn"]).contains("ready"));
    let (pid, monitor) = (store.pid("stubborn"), monitor_of(&store, "stubborn"));
    kill_9(monitor);
    eventually("the monitor is dead", || !is_alive(monitor));
    std::thread::sleep(Duration::from_millis(50));
    assert!(is_alive(pid), "nobody but us ends it");
    assert_eq!(store.ok(&["ps", "-q"]), "");
    eventually("it is ended", || !is_alive(pid));
    let state = &store.inspect(&id)["State"];
    assert_eq!((&state["ExitCode"], &state["Reason"]), (&137.into(), &"monitor lost".into()), "{state:#}");
    assert!(store.ok(&["ps", "-a"]).contains("(monitor lost)"));
    assert_eq!(store.ok(&["start", "stubborn"]), "stubborn", "it is whole");
}

#[test]
fn the_name_of_a_lost_container_is_free_for_the_next_one() {
    let store = Store::new();
    store.ok(&["run", "-d", "--rm", "--name", "web", "box", "sleep", "1000"]);
    let monitor = monitor_of(&store, "web");
    kill_9(monitor);
    eventually("the monitor is dead", || !is_alive(monitor));
    assert_eq!(store.ok(&["run", "--rm", "--name", "web", "box", "echo", "again"]), "again");
    // One that is kept still has its name, though it does not run.
    store.ok(&["run", "-d", "--name", "kept", "box", "sleep", "1000"]);
    kill_9(monitor_of(&store, "kept"));
    assert!(store.fails(125, &["run", "--name", "kept", "box", "true"]).contains("in use"));
}

#[test]
fn whoever_shows_a_lost_container_leaves_nothing_of_it() {
    let store = Store::new();
    for (word, code) in [("--rm", 125), ("--init=true", 125)] {
        let mut running = store.start(&["run", word, "--name", "shown", "box", "sh", "-c", "echo ready; sleep 1000"]);
        running.expect("ready");
        kill_9(monitor_of(&store, "shown"));
        let ran = running.wait().expect_code(code);
        assert!(ran.stderr.contains("monitor is lost"), "{}", ran.story());
    }
    assert_eq!(store.ok(&["wait", "shown"]), "137");
    assert_eq!(store.ok(&["rm", "shown"]), "shown");
    store.assert_nothing_left();
}

#[test]
fn after_a_power_cut_kept_containers_are_there_and_others_are_gone() {
    let store = Store::new();
    store.ok(&["create", "--name", "created", "box", "cat", "/mark"]);
    store.ok(&["run", "--name", "ended", "box", "sh", "-c", "echo marked > /mark"]);
    store.ok(&["run", "-d", "--name", "ran", "box", "sh", "-c", "echo marked > /mark; sleep 1000"]);
    store.ok(&["run", "-d", "--rm", "--name", "fleeting", "box", "sleep", "1000"]);
    eventually("it has written", || store.tare(&["exec", "ran", "cat", "/mark"]).code == 0);
    lose_power(&store);
    // A disk may keep the record and lose the name.
    std::fs::remove_file(store.root.join("name/ended")).expect("its name");
    // And what commands leave that are cut off in the middle.
    let id = "abc".repeat(21) + "d";
    std::fs::create_dir_all(store.root.join("container").join(&id).join("upper")).expect("a half-made container");
    std::os::unix::fs::symlink(&id, store.root.join("name/halfmade")).expect("its name");
    std::os::unix::fs::symlink("def".repeat(21) + "a", store.root.join("name/nobody")).expect("a name alone");
    std::fs::create_dir_all(store.root.join(format!("unfinished/container-{id}/deep"))).expect("a half-removed container");

    let listed = store.ok(&["ps", "-a", "--format", "{{.Names}} {{.State}}"]);
    assert_eq!(listed.lines().collect::<Vec<_>>(), ["ran exited", "ended exited", "created created"]);
    assert_eq!(store.inspect("ran")["State"]["Reason"], "machine went down");
    assert_eq!(store.inspect("ended")["State"]["ExitCode"], 0);
    for name in ["halfmade", "nobody", "fleeting"] {
        store.ok(&["run", "--rm", "--name", name, "box", "true"]);
    }
    store.tare(&["start", "-a", "created"]).expect_code(1);
    for name in ["ended", "ran"] {
        store.ok(&["start", name]);
        eventually("what was written is still there", || store.ok(&["ps", "-a"]).contains(name));
    }
    store.ok(&["rm", "-f", "created", "ended", "ran"]);
    store.assert_nothing_left();
}

/// Every way in which a record may come back from a power cut.
fn torn(text: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty", Vec::new()),
        ("zeroed", vec![0; text.len()]),
        ("half", text[..text.len() / 2].to_vec()),
        ("garbage", b"\xff\xfe{[garbage".to_vec()),
    ]
}

#[test]
fn a_torn_record_is_named_and_does_not_hide_the_others() {
    let store = Store::new();
    store.ok(&["create", "--name", "whole", "box", "true"]);
    for (how, _) in torn(b"") {
        let id = store.ok(&["create", "--name", "torn", "box", "true"]);
        let record = store.root.join("container").join(&id).join("container.json");
        let text = std::fs::read(&record).expect("the record");
        let (_, bytes) = torn(&text).into_iter().find(|(name, _)| *name == how).expect("the same list");
        std::fs::write(&record, bytes).expect("tear it");

        assert_eq!(store.names(true), ["torn", "whole"], "{how}");
        let listed = store.ok(&["ps", "-a"]);
        assert!(listed.lines().any(|line| line.contains(&id[..12]) && line.contains("Dead (damaged)")), "{how}:\n{listed}");
        for words in [vec!["inspect", "torn"], vec!["start", "torn"], vec!["logs", "torn"], vec!["rm", "torn"], vec!["rm", &id[..8]]] {
            let error = store.fails(1, &words);
            assert!(error.contains(&id[..12]) && error.contains("damaged"), "{how}, {words:?}: {error}");
            assert!(error.contains(&format!("tare rm -f {}", &id[..12])), "{how}, {words:?}: {error}");
        }
        store.fails(125, &["run", "--name", "torn", "box", "true"]);
        assert_eq!(store.ok(&["rm", "-f", "torn"]), "torn", "{how}");
        store.ok(&["run", "--rm", "--name", "torn", "box", "true"]);
    }
    assert_eq!(store.names(true), ["whole"]);
    store.tare(&["start", "-a", "whole"]).expect_code(0);
}

#[test]
fn a_torn_spec_is_named_when_it_is_needed() {
    let store = Store::new();
    let id = store.ok(&["create", "--name", "torn", "box", "true"]);
    let spec = store.root.join("container").join(&id).join("config.json");
    let text = std::fs::read(&spec).expect("the spec");
    for (how, bytes) in torn(&text) {
        std::fs::write(&spec, bytes).expect("tear it");
        let error = store.fails(1, &["start", "torn"]);
        assert!(error.contains("torn") && error.contains("damaged"), "{how}: {error}");
        assert_eq!(store.state("torn"), "created", "{how}: it can be looked at");
    }
    store.ok(&["rm", "torn"]);
    store.assert_nothing_left();
}

#[test]
fn a_torn_record_of_a_running_container_is_removed_with_it() {
    let store = Store::new();
    for file in ["container.json", "state.json"] {
        for word in ["--rm", "--init=true"] {
            let id = store.ok(&["run", "-d", word, "--name", "torn", "box", "sleep", "1000"]);
            let places = [store.root.join("container").join(&id).join(file), store.run.join("container").join(&id).join(file)];
            let path = places.iter().find(|path| path.exists()).expect("the record");
            std::fs::write(path, "{").expect("tear it");
            assert_eq!(store.ok(&["ps", "-aq"]), &id[..12], "{file} {word}");
            assert_eq!(store.ok(&["rm", "-f", "torn"]), "torn", "{file} {word}");
            store.assert_nothing_left();
        }
    }
}

/// The store as a power cut would leave it at some moment, if the disk kept the order of all that was done.
#[test]
fn a_store_copied_at_any_moment_is_whole() {
    let store = Store::new();
    let mut random = Random::new();
    for round in 0..rounds(100).div_ceil(5) {
        let work = store.start_script(
            "tare run --name one box sh -c 'echo 1 > /mark' & tare create --name two box cat /mark; tare run --rm --name three box true; \
             tare start -a two || :; tare rm two; wait; tare start one; tare wait one; tare rm one",
        );
        std::thread::sleep(random.moment() * 8);
        let copy = store.dir.join("copy");
        // Files vanish while they are copied.
        process::tool(&["cp", "-a", store.root.to_str().expect("utf-8"), copy.to_str().expect("utf-8")]);
        work.wait().ok();
        store.assert_nothing_left();
        // The machine goes down, and comes up with the disk as it was at that moment.
        for gone in [&store.root, &store.run] {
            std::fs::remove_dir_all(gone).expect("the old store");
        }
        std::fs::rename(&copy, &store.root).expect("the copy takes its place");

        for name in store.names(true) {
            assert!(["one", "two"].contains(&name.as_str()), "round {round}: only kept containers: {name}");
            let ran = store.tare(&["start", "-a", &name]);
            assert!(ran.code == 0 || name == "two", "round {round}: {}", ran.story());
            store.ok(&["rm", &name]);
        }
        store.assert_nothing_left();
    }
}

/// Whether a name in a directory begins so.
fn any(dir: &Path, beginning: &str) -> Option<PathBuf> {
    let mut entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(beginning)))
}

#[test]
fn a_container_in_the_making_is_left_alone() {
    let store = Store::new();
    store.ok(&["run", "--rm", "box", "true"]);
    // Whoever looks for leftovers all the time takes nothing away from those who begin.
    let sweeper = store.start_script("while [ ! -e stop ]; do tare ps -aq; done >/dev/null");
    let second = store.start_script("while [ ! -e stop ]; do tare ps -aq; done >/dev/null");
    for _ in 0..rounds(100).div_ceil(2) {
        store.ok(&["run", "--rm", "box", "true"]);
        let id = store.ok(&["create", "box", "true"]);
        store.tare(&["start", "-a", &id]).expect_code(0);
        store.ok(&["rm", &id]);
    }
    store.file("stop", "");
    sweeper.wait().ok();
    second.wait().ok();
    assert_eq!(any(&store.run.join("container"), ""), None);
    store.assert_nothing_left();
}
