//! `exec`: a second process in a running container sees and may what the first does, no more.

use crate::common::store::parse_attempts;
use crate::common::{Report, Running, Store, eventually};

fn running(store: &Store, flags: &[&str]) -> String {
    store.ok(&[&["run", "-d"], flags, &["box", "sleep", "1000"]].concat())
}

#[test]
fn exec_gives_output_and_exit_code() {
    let store = Store::new();
    let id = running(&store, &[]);
    let ran = store.tare(&["exec", &id, "sh", "-c", "echo out; echo err >&2; exit 9"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (9, "out\n", "err\n"), "{}", ran.story());
    store.tare(&["exec", &id, "/probe", "signal-self", "9"]).expect_code(137);
    assert_eq!(store.tare_with(&["exec", "-i", &id, "cat"], "hello").ok(), "hello");
    assert_eq!(store.tare_with(&["exec", &id, "cat"], "hello").ok(), "");
}

#[test]
fn exec_sees_what_the_first_process_sees() {
    let store = Store::new();
    let id = running(&store, &["--ulimit", "nofile=300:400", "-w", "/tmp", "-e", "A=b"]);
    let first = Report::parse(&store.ok(&["run", "--rm", "--ulimit", "nofile=300:400", "-w", "/tmp", "-e", "A=b", "box", "/probe"]));
    let second = Report::parse(&store.ok(&["exec", &id, "/probe"]));
    for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "SigBlk", "SigIgn"] {
        assert_eq!(first.status(name), second.status(name), "{name}");
    }
    assert_eq!(first.rlimit("nofile"), second.rlimit("nofile"));
    for name in ["uid", "gid", "umask", "cwd"] {
        assert_eq!(first.0[name], second.0[name], "{name}");
    }
    let targets = |report: &Report| report.mounts().iter().map(|mount| mount.target.clone()).collect::<Vec<_>>();
    assert_eq!(targets(&first), targets(&second));
    assert_eq!(second.env("A").as_deref(), Some("b"), "the container's environment holds for exec too");
    assert_eq!(second.env("FROM_IMAGE").as_deref(), Some("yes"));
    assert_eq!(second.fds().into_keys().collect::<Vec<_>>(), [0, 1, 2], "{:?}", second.fds());
    let pid = store.pid(&id);
    for name in ["mnt", "pid", "ipc", "uts", "net", "cgroup"] {
        let inside = std::fs::read_link(format!("/proc/{pid}/ns/{name}")).expect("a namespace");
        assert_eq!(second.namespace(name), inside.to_string_lossy(), "exec joins {name}");
    }
}

#[test]
fn exec_is_in_the_container_s_group() {
    let store = Store::new();
    let id = running(&store, &[]);
    let mut other = store.start(&["exec", &id, "sh", "-c", "echo ready; sleep 1000"]);
    other.expect("ready");
    let first = std::fs::read_to_string(format!("/proc/{}/cgroup", store.pid(&id))).expect("cgroup");
    let inside = store.ok(&["exec", &id, "cat", "/proc/self/cgroup"]);
    let unified = inside.lines().find(|line| line.starts_with("0::")).expect("a unified group");
    assert!(!unified.contains(".."), "exec is inside the cgroup namespace: {unified}");
    if let Some((mount, _)) = crate::common::cgroup2() {
        let group = first.lines().find_map(|line| line.strip_prefix("0::")).expect("a unified group");
        let members = std::fs::read_to_string(mount.join(group.trim_start_matches('/')).join("cgroup.procs")).expect("cgroup.procs");
        assert!(members.lines().count() >= 3, "reaper, sleep and the second process: {members}");
    }
    store.ok(&["kill", &id]);
    other.wait().expect_code(137);
}

#[test]
fn exec_takes_its_own_user_environment_and_directory() {
    let store = Store::new();
    let id = running(&store, &["-e", "KEPT=1", "-e", "CHANGED=1"]);
    let report = Report::parse(&store.ok(&["exec", "-u", "alice", "-e", "CHANGED=2", "-e", "NEW=3", "-w", "/home", &id, "/probe"]));
    assert_eq!((report.number("uid"), report.number("gid"), report.text("cwd")), (1000, 1000, "/home"));
    assert_eq!((report.env("KEPT"), report.env("CHANGED"), report.env("NEW")), (Some("1".into()), Some("2".into()), Some("3".into())));
    assert_eq!(report.env("HOME").as_deref(), Some("/home/alice"));
    assert_eq!(report.hex("CapEff"), 0);
}

#[test]
fn cve_2026_30892_exec_never_runs_as_root_by_mistake() {
    let store = Store::new();
    let id = running(&store, &[]);
    for (user, uid, gid) in [
        ("1", 1, 1),
        ("1:2", 1, 2),
        ("01", 1, 1),
        ("alice", 1000, 1000),
        ("4242", 77, 78),
        ("5555", 5555, 0),
        ("4294967294", 4_294_967_294, 0),
    ] {
        let ran = store.tare(&["exec", "-u", user, &id, "/probe"]);
        if ran.code != 0 {
            // Refusing is safe: 01 and the largest number need no meaning.
            assert!(matches!(user, "01" | "4294967294"), "-u {user}: {}", ran.story());
            continue;
        }
        let report = Report::parse(&ran.stdout);
        assert_eq!((report.number("uid"), report.number("gid"), report.number("euid")), (uid, gid, uid), "-u {user}");
    }
    for user in [
        "4294967295",
        "4294967296",
        "-1",
        "nosuchuser",
        "alice:nosuchgroup",
        "1:4294967295",
        "1:-1",
        "1:2:3",
        "99999999999999999999",
        " ",
        ":",
    ] {
        let flag = format!("--user={user}");
        let ran = store.tare(&["exec", &flag, &id, "id"]);
        assert_ne!(ran.code, 0, "{flag} must be refused: {}", ran.story());
        assert!(!ran.stdout.contains("uid=0"), "{flag}: {}", ran.story());
    }
}

#[test]
fn exec_detached_returns_at_once() {
    let store = Store::new();
    let id = running(&store, &[]);
    let ran = store.tare(&["exec", "-d", &id, "sh", "-c", "sleep 0.2; touch /tmp/done; sleep 1000"]);
    assert_eq!(ran.code, 0, "{}", ran.story());
    eventually("the detached process works", || store.tare(&["exec", &id, "test", "-e", "/tmp/done"]).code == 0);
}

#[test]
fn exec_privileged_is_privileged() {
    let store = Store::new();
    let id = running(&store, &[]);
    let answers = parse_attempts(&store.ok(&["exec", "--privileged", &id, "/probe", "try", "mount-tmpfs", "set-hostname"]));
    assert!(answers.iter().all(|(_, answer)| answer == "OK"), "{answers:?}");
    let answers = parse_attempts(&store.ok(&["exec", &id, "/probe", "try", "mount-tmpfs", "set-hostname"]));
    assert!(answers.iter().all(|(_, answer)| answer == "EPERM"), "{answers:?}");
}

#[test]
fn exec_errors_name_the_cause() {
    let store = Store::new();
    let id = running(&store, &["--name", "busy"]);
    let error = store.fails(127, &["exec", &id, "no-such-command"]);
    assert!(error.contains("no-such-command"), "{error}");
    let error = store.fails(126, &["exec", &id, "/not-executable"]);
    assert!(error.contains("/not-executable"), "{error}");
    store.fails(126, &["exec", &id, "/etc"]);
    let error = store.fails(1, &["exec", "missing", "true"]);
    assert!(error.contains("missing"), "{error}");
    store.ok(&["create", "--name", "still", "box"]);
    let error = store.fails(1, &["exec", "still", "true"]);
    assert!(error.contains("still") && error.contains("not running") && error.contains("hint: "), "{error}");
}

#[test]
fn the_container_s_end_ends_every_exec() {
    let store = Store::new();
    let id = running(&store, &[]);
    let mut shells: Vec<Running> = (0..3).map(|_| store.start(&["exec", &id, "sh", "-c", "echo ready; sleep 1000"])).collect();
    for shell in &mut shells {
        shell.expect("ready");
    }
    store.ok(&["stop", &id]);
    for shell in shells {
        shell.wait().expect_code(137);
    }
    store.ok(&["rm", &id]);
    store.assert_nothing_left();
}

#[test]
fn exec_does_not_keep_a_finished_container_alive() {
    let store = Store::new();
    let mut running = store.start(&["run", "-i", "--name", "short", "box", "sh", "-c", "echo ready; cat"]);
    running.expect("ready");
    store.ok(&["exec", "-d", "short", "sleep", "1000"]);
    running.close_stdin();
    running.wait().expect_code(0);
    assert_eq!(store.ok(&["wait", "short"]), "0");
}

#[test]
fn a_killed_exec_client_leaves_the_container_running() {
    let store = Store::new();
    let id = running(&store, &[]);
    let mut client = store.start(&["exec", &id, "sh", "-c", "echo ready; sleep 1000"]);
    client.expect("ready");
    client.signal(nix::sys::signal::SIGKILL);
    client.wait().expect_code(137);
    assert_eq!(store.state(&id), "running");
}

#[test]
fn a_hundred_execs_leave_no_zombie() {
    let store = Store::new();
    let id = running(&store, &[]);
    for _ in 0..if crate::common::in_vm() { 5 } else { 30 } {
        store.ok(&["exec", &id, "true"]);
    }
    let states = store.ok(&["exec", &id, "sh", "-c", "cat /proc/[0-9]*/stat | cut -d' ' -f3"]);
    assert!(!states.contains('Z'), "{states}");
}

#[test]
fn the_detach_keys_leave_an_exec_running() {
    let store = Store::new();
    let id = running(&store, &["--name", "box"]);
    let mut person = store.terminal(&["exec", "-it", &id, "sh", "-c", "echo ready; read x; sleep 1000"]);
    person.expect("ready");
    person.send("word");
    person.send(crate::common::terminal::DETACH);
    assert_eq!(person.wait(), 0, "{}", person.shown);
    assert!(!person.is_raw(), "the terminal is as it was");
    let processes = || store.ok(&["exec", &id, "ps"]);
    assert!(processes().contains("echo ready"), "the command goes on: {}", processes());
    let ours = processes().lines().filter(|line| line.contains("tare") && !line.contains("tare-init")).count();
    assert_eq!(ours, 0, "nothing of ours is to be seen in the container: {}", processes());
    store.ok(&["rm", "-f", &id]);
    store.assert_nothing_left();
}

#[test]
fn what_an_exec_writes_after_its_user_has_left_never_blocks_it() {
    let store = Store::new();
    let id = running(&store, &[]);
    let script = "read x; for i in $(seq 1 20000); do echo a line that nobody reads; done; tty >/tmp/done; sleep 1000";
    let mut person = store.terminal(&["exec", "-it", "--detach-keys", "ctrl-a,d", &id, "sh", "-c", script]);
    eventually("the command runs", || store.ok(&["exec", &id, "ps"]).contains("seq"));
    person.send("go\n\x01d");
    assert_eq!(person.wait(), 0, "{}", person.shown);
    eventually("it writes to its end", || store.tare(&["exec", &id, "grep", "-q", "/dev/pts/", "/tmp/done"]).code == 0);
    let error = store.fails(125, &["exec", "-t", "--detach-keys", "hyper-x", &id, "true"]);
    assert!(error.contains("--detach-keys"), "{error}");
    store.ok(&["rm", "-f", &id]);
    store.assert_nothing_left();
}

#[test]
fn variables_come_from_files_and_what_was_typed_wins() {
    let store = Store::new();
    let id = running(&store, &["-e", "A=container", "-e", "KEPT=1"]);
    let one = store.file("one.env", "# a comment\nA=file\nB=file\nHOME_OF_CALLER\n");
    let other = store.file("other.env", "B=other\nC=a b \"c\"\n");
    let mut command = store.command(&[
        "exec",
        "--env-file",
        one.to_str().expect("utf-8"),
        "--env-file",
        other.to_str().expect("utf-8"),
        "-e",
        "A=typed",
        &id,
        "/probe",
    ]);
    command.env("HOME_OF_CALLER", "here");
    let report = Report::parse(&crate::common::process::run(command, None).ok());
    for (name, value) in [("A", "typed"), ("B", "other"), ("C", "a b \"c\""), ("KEPT", "1"), ("HOME_OF_CALLER", "here")] {
        assert_eq!(report.env(name).as_deref(), Some(value), "{name}");
    }
    let wrong = store.file("wrong.env", "A=1\nB C=2\n");
    assert!(store.refuses(&["exec", "--env-file", wrong.to_str().expect("utf-8"), &id, "true"]).contains("line 2"));
    assert!(store.refuses(&["exec", "--env-file", "/nosuch", &id, "true"]).contains("/nosuch"));
    assert!(store.refuses(&["exec", "--env-file", "/dev/zero", &id, "true"]).contains("longer"));
}
