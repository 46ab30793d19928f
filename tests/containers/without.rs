//! `--without`: each part is really left out, what it was good for is told, and the host stays as it is.

use crate::common::Store;

/// What a shell says in a container without these parts, and what is said about it.
fn run(store: &Store, parts: &str, script: &str) -> (String, String) {
    let ran = store.tare(&["run", "--rm", "--without", parts, "box", "sh", "-c", script]).expect_code(0);
    (ran.stdout.trim_end().to_owned(), ran.stderr)
}

#[test]
fn namespaces_are_the_host_s() {
    let store = Store::new();
    for (part, name) in [("pid", "pid"), ("net", "net"), ("uts", "uts"), ("ipc", "ipc"), ("cgroup", "cgroup")] {
        let link = format!("/proc/self/ns/{name}");
        let inside = |words: &[&str]| store.ok(&[&["run", "--rm"], words, &["box", "readlink", &link]].concat());
        let host = std::fs::read_link(&link).expect("a namespace").display().to_string();
        assert_ne!(inside(&[]), host, "{part}: the usual");
        assert_eq!(inside(&["--without", part]), host, "{part}");
    }
    store.assert_nothing_left();
}

#[test]
fn rights_are_not_taken_and_nothing_is_hidden() {
    let store = Store::new();
    let (text, told) = run(&store, "caps,seccomp,masks", "grep -E '^(CapEff|Seccomp):' /proc/self/status; wc -c < /proc/timer_list");
    let own = std::fs::read_to_string("/proc/self/status").expect("our own status");
    let own = own.lines().find_map(|line| line.strip_prefix("CapEff:")).expect("our capabilities").trim();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], [&format!("CapEff:\t{own}"), "Seccomp:\t0"], "{text}");
    assert_ne!(lines[2], "0", "timers of the machine are seen");
    for part in ["without caps: ", "without seccomp: ", "without masks: ", "try: "] {
        assert!(told.contains(part), "{told}");
    }
    let usual = store.ok(&["run", "--rm", "box", "sh", "-c", "wc -c < /proc/timer_list"]);
    assert_eq!(usual, "0");
}

#[test]
fn devices_are_not_guarded() {
    let store = Store::new();
    // The first loop device, or none of this number: the guard is asked before anybody looks.
    let open = "mknod /tmp/device b 7 0; (: < /tmp/device) 2>&1 | grep -c 'not permitted'; true";
    assert_eq!(run(&store, "devices", open).0, "0");
    assert_eq!(store.ok(&["run", "--rm", "box", "sh", "-c", open]), "1");
}

#[test]
fn the_program_is_pid_1_without_a_reaper() {
    let store = Store::new();
    assert_eq!(run(&store, "reaper", "echo $$").0, "1");
    assert_eq!(store.ok(&["run", "--rm", "box", "sh", "-c", "echo $$"]), "2");
}

/// In a mount namespace of the lesson: there the host's files are behind the root, and on the host nothing moves.
#[test]
fn without_a_root_of_its_own_it_can_climb_out_and_the_host_s_mounts_stay() {
    let store = Store::new();
    let before = std::fs::read_to_string("/proc/self/mountinfo").expect("the host's mounts");
    let secret = store.file("of-the-host", "seen");
    let climb = format!("ls {0} 2>/dev/null; nsenter -m -t 1 cat {0}", secret.display());
    let (text, told) = run(&store, "mount,caps", &climb);
    assert_eq!(text, "seen", "not by its name, but by climbing out; {told}");
    // With its own root there is nothing to climb to.
    let usual =
        store.tare(&["run", "--rm", "--without", "caps", "box", "nsenter", "-m", "-t", "1", "cat", secret.to_str().expect("utf-8")]);
    assert_ne!(usual.code, 0, "{usual}");
    assert_eq!(std::fs::read_to_string("/proc/self/mountinfo").expect("the host's mounts"), before);
    store.assert_nothing_left();
}

#[test]
fn a_lesson_is_marked_and_does_not_come_back() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "lesson", "--without", "ipc", "--without=uts", "box", "sleep", "1000"]);
    assert!(store.ok(&["ps"]).contains("(without uts, ipc)"));
    let error = store.fails(125, &["run", "--restart", "always", "--without", "ipc", "box", "true"]);
    assert!(error.contains("--without and --restart contradict each other"), "{error}");
    for words in [&["--pid", "container:lesson", "--without", "pid"][..], &["--network", "none", "--without", "net"]] {
        let error = store.fails(125, &[&["run"], words, &["box", "true"]].concat());
        assert!(error.contains("contradict each other"), "{error}");
    }
    let error = store.fails(125, &["run", "--without", "secomp", "box", "true"]);
    assert!(error.contains("seccomp"), "{error}");
    // And as it was made it comes back by hand.
    store.ok(&["kill", "lesson"]);
    store.ok(&["start", "lesson"]);
    assert!(store.ok(&["ps"]).contains("(without uts, ipc)"));
}
