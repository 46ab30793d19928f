//! A person at a terminal: `run -it`, typed into through a pty.

use crate::common::terminal::{CTRL_C, CTRL_D, CTRL_Z, DETACH};
use crate::common::{Store, eventually};

#[test]
fn a_shell_on_a_terminal() {
    let store = Store::new();
    let image = store.alpine();
    let mut person = store.terminal(&["run", "-it", "--rm", "--name", "shell", &image, "sh"]);
    person.expect("# ");
    assert!(person.is_raw(), "the user's terminal is raw while the container's does the work");
    assert_eq!(person.ask("tty"), "/dev/pts/0");
    assert_eq!(person.ask("echo $((6*7))"), "42");

    let processes = person.ask("ps -o pid,args 2>/dev/null || ps");
    let first =
        processes.lines().find(|line| line.trim_start().starts_with("1 ")).unwrap_or_else(|| panic!("pid 1 is not shown:\n{processes}"));
    assert!(!first.contains("sh"), "pid 1 is the reaper:\n{processes}");
    assert!(
        processes.lines().any(|line| line.trim_end().ends_with("sh") && !line.trim_start().starts_with("1 ")),
        "the shell is shown:\n{processes}"
    );

    // ctrl-c ends what the shell runs, not the shell; and it comes once.
    person.send("sleep 1000\n");
    person.expect("sleep 1000");
    eventually("sleep runs", || store.ok(&["exec", "shell", "ps"]).contains("sleep 1000"));
    person.send(CTRL_C);
    assert_eq!(person.ask("echo still here"), "still here");

    // A second shell beside it.
    let mut second = store.terminal(&["exec", "-it", "shell", "sh"]);
    second.expect("# ");
    assert_eq!(second.ask("tty"), "/dev/pts/1");
    assert_eq!(second.ask("echo from the second"), "from the second");
    second.send("exit 5\n");
    assert_eq!(second.wait(), 5);

    person.resize(33, 111);
    eventually("the size arrives inside", || person.ask("stty size") == "33 111");
    person.send("exit 3\n");
    assert_eq!(person.wait(), 3);
    assert!(!person.is_raw(), "the terminal is as it was");
    store.assert_nothing_left();
}

#[test]
fn the_container_s_terminal_is_complete() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--rm", "box", "/probe"]);
    assert_eq!(person.wait(), 0);
    let report = crate::common::Report::parse(&person.shown.replace('\r', ""));
    let terminal = &report.0["terminal"];
    for name in ["stdin", "stdout", "stderr", "controlling"] {
        assert_eq!(terminal[name], 1, "{name}: {terminal}");
    }
    assert_eq!((&terminal["rows"], &terminal["columns"]), (&24.into(), &80.into()), "the size is there from the first moment");
    assert_eq!(terminal["foreground"], report.number("pgid"), "the command is in the foreground");
    assert_eq!(report.number("sid"), report.number("pid"), "the command leads its session");
    assert_eq!(report.fds().into_keys().collect::<Vec<_>>(), [0, 1, 2], "{:?}", report.fds());
    assert!(report.fds().values().all(|target| target == "/dev/pts/0"), "{:?}", report.fds());
    assert_eq!(report.env("TERM").as_deref(), Some("xterm"));
    assert_eq!(report.0["dev"]["console"]["type"], "char");
}

#[test]
fn without_t_there_is_no_terminal_inside() {
    let store = Store::new();
    let report = store.probe(&[]);
    let terminal = &report.0["terminal"];
    assert_eq!((&terminal["stdin"], &terminal["stdout"], &terminal["controlling"]), (&0.into(), &0.into(), &0.into()));
    assert_eq!(report.env("TERM"), None);
}

#[test]
fn ctrl_c_reaches_the_container_once() {
    let store = Store::new();
    let mut person = store.terminal(&[
        "run",
        "-it",
        "--rm",
        "--name",
        "trapper",
        "box",
        "sh",
        "-c",
        "trap 'echo caught' INT; echo ready; while :; do sleep 0.1; done",
    ]);
    person.expect("ready");
    person.send(CTRL_C);
    person.expect("caught");
    std::thread::sleep(std::time::Duration::from_millis(500));
    store.ok(&["kill", "trapper"]);
    person.wait();
    assert_eq!(person.shown.matches("caught").count(), 1, "{}", person.shown);
}

#[test]
fn ctrl_c_ends_a_plain_program() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--rm", "box", "sleep", "1000"]);
    eventually("it runs", || !store.names(false).is_empty());
    eventually("sleep has begun", || {
        // Typed too early, the key would meet a process that is not there yet.
        let name = store.names(false).first().cloned().unwrap_or_default();
        store.tare(&["exec", &name, "ps"]).stdout.contains("sleep 1000")
    });
    person.send(CTRL_C);
    assert_eq!(person.wait(), 130);
    assert!(!person.is_raw());
}

#[test]
fn ctrl_c_without_a_terminal_inside_reaches_the_container_once() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "--rm", "box", "/probe", "wait-signals"]);
    person.expect("ready");
    person.send(CTRL_C);
    person.expect("got 2");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(person.shown.matches("got 2").count(), 1, "{}", person.shown);
    let name = store.names(false).remove(0);
    store.ok(&["kill", "-s", "USR2", &name]);
    assert_eq!(person.wait(), 0);
}

#[test]
fn the_end_of_input_ends_the_shell() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--rm", "box", "sh"]);
    person.expect("# ");
    person.send(CTRL_D);
    assert_eq!(person.wait(), 0);
    assert!(!person.is_raw());
}

#[test]
fn job_control_works_inside() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--rm", "box", "sh"]);
    person.expect("# ");
    person.send("sleep 1000\n");
    let name = store.names(false).remove(0);
    eventually("sleep runs", || store.ok(&["exec", &name, "ps"]).contains("sleep 1000"));
    person.send(CTRL_Z);
    person.expect("Stopped");
    assert!(person.ask("jobs").contains("sleep 1000"));
    person.ask("kill -9 %1");
    assert!(!person.shown.contains("can't access tty"), "{}", person.shown);
    person.send("exit\nexit\n");
    person.wait();
}

#[test]
fn detach_and_come_back() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--name", "bath", "box", "sh"]);
    person.expect("# ");
    assert_eq!(person.ask("mark=kept; echo set"), "set");
    person.send(DETACH);
    assert_eq!(person.wait(), 0);
    assert!(!person.is_raw(), "the terminal is as it was");
    assert_eq!(store.state("bath"), "running");

    let mut back = store.terminal(&["attach", "bath"]);
    back.send("\n");
    back.expect("# ");
    assert_eq!(back.ask("echo $mark"), "kept");
    back.send("exit 6\n");
    assert_eq!(back.wait(), 6);
    assert_eq!(store.ok(&["wait", "bath"]), "6");
    assert!(store.ok(&["logs", "bath"]).contains("kept"));
}

#[test]
fn half_a_detach_is_typed_on() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--rm", "box", "sh", "-c", "stty raw -echo; echo ready; head -c 2 | od -An -tx1"]);
    person.expect("ready");
    person.send("\x10");
    person.send("x");
    person.expect("10 78");
    assert_eq!(person.wait(), 0);
}

#[test]
fn other_detach_keys() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--name", "keys", "--detach-keys", "ctrl-x,q", "box", "sh"]);
    person.expect("# ");
    person.send("\x18q");
    assert_eq!(person.wait(), 0);
    assert_eq!(store.state("keys"), "running");
}

#[test]
fn exec_on_a_terminal_follows_its_size_and_gives_it_back() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "host", "box", "sleep", "1000"]);
    let mut person = store.terminal(&["exec", "-it", "host", "sh"]);
    person.expect("# ");
    person.resize(40, 100);
    eventually("the size arrives inside", || person.ask("stty size") == "40 100");
    person.send("exit\n");
    person.wait();
    assert!(!person.is_raw());
    assert_eq!(store.state("host"), "running");
}

#[test]
fn resizing_is_told_to_the_program() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--rm", "box", "/probe", "watch-size"]);
    person.expect("size 24 80");
    person.resize(50, 132);
    person.expect("size 50 132");
    person.send(CTRL_C);
    assert_eq!(person.wait(), 130);
}

#[test]
fn a_detached_terminal_takes_the_size_of_who_attaches() {
    let store = Store::new();
    store.ok(&["run", "-dit", "--name", "later", "box", "sh"]);
    let mut person = store.terminal(&["attach", "later"]);
    person.send("\n");
    person.expect("# ");
    eventually("the size arrives inside", || person.ask("stty size") == "24 80");
    person.send("exit\n");
    assert_eq!(person.wait(), 0);
}

#[test]
fn the_terminal_is_restored_when_the_container_is_killed() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--name", "doomed", "box", "sh"]);
    person.expect("# ");
    store.ok(&["kill", "doomed"]);
    assert_eq!(person.wait(), 137);
    assert!(!person.is_raw());
}

#[test]
fn the_terminal_is_restored_when_the_client_is_asked_to_end() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--name", "asked", "box", "sh"]);
    person.expect("# ");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(person.child.id()).expect("a pid")), nix::sys::signal::SIGTERM)
        .expect("kill");
    // The shell ignores SIGTERM; who asked is the client's matter. Ended or not, the terminal must not stay raw after the end.
    std::thread::sleep(std::time::Duration::from_millis(300));
    store.ok(&["rm", "-f", "asked"]);
    person.wait();
    assert!(!person.is_raw());
}

#[test]
fn a_command_that_is_missing_leaves_the_terminal_as_it_was() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--rm", "box", "no-such-command"]);
    assert_eq!(person.wait(), 127);
    assert!(!person.is_raw());
    assert!(person.shown.contains("tare: ") && person.shown.contains("no-such-command"), "{}", person.shown);
    store.assert_nothing_left();
}

#[test]
fn a_terminal_is_asked_for_where_there_is_none() {
    let store = Store::new();
    let error = store.fails(125, &["run", "--rm", "-it", "box", "true"]);
    assert!(error.contains("terminal") || error.contains("TTY"), "{error}");
    // -t alone needs none outside: the container gets one, its output comes through.
    let ran = store.tare(&["run", "--rm", "-t", "box", "sh", "-c", "test -t 1 && echo a terminal"]);
    assert_eq!((ran.code, ran.stdout.trim_end()), (0, "a terminal"), "{}", ran.story());
}

#[test]
fn much_output_comes_whole_through_a_terminal() {
    let store = Store::new();
    let mut person = store.terminal(&["run", "-it", "--rm", "box", "seq", "1", "5000"]);
    assert_eq!(person.wait(), 0);
    let lines: Vec<&str> = person.shown.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[lines.len() - 1]), (5000, "1", "5000"));
}
