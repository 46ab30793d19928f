//! containerd and its shim drive containers with tare, as a Kubernetes node does: run, exec, kill, pause, delete.

use crate::common::drivers::Containerd;
use crate::common::{Terminal, cgroup2, eventually};

/// `ctr` asks for the usual share of processors, which only cgroup v2's controller could give.
const NO_SHARES: [&str; 2] = ["--cpu-shares", "0"];

#[test]
fn containerd_runs_executes_pauses_and_kills() {
    let Some(containerd) = Containerd::new(|_| String::new()) else { return };
    let run = |id: &str, words: &[&str]| containerd.run(&[&NO_SHARES[..], &["--rm"]].concat(), id, words);
    assert_eq!(run("one", &["echo", "hello"]).ok(), "hello");
    run("two", &["sh", "-c", "exit 7"]).expect_code(7);
    let refused = run("three", &["nosuch"]).expect_code(1);
    assert!(refused.stderr.contains("executable file not found"), "{}", refused.story());

    containerd.run(&[&NO_SHARES[..], &["-d"]].concat(), "web", &["sleep", "1000"]).ok();
    let status = || {
        let told = containerd.ok(&["task", "ls"]);
        let line = told.lines().find(|line| line.starts_with("web ")).unwrap_or_else(|| panic!("{told}"));
        line.split_whitespace().last().expect("a status").to_owned()
    };
    assert_eq!(status(), "RUNNING");
    let exec = |words: &[&str]| containerd.call(&[&["task", "exec", "--exec-id", "second"], words].concat());
    assert_eq!(exec(&["web", "cat", "/proc/1/comm"]).ok(), "sleep");
    exec(&["web", "sh", "-c", "exit 5"]).expect_code(5);
    assert_eq!(exec(&["--cwd", "/tmp", "--user", "1000", "web", "sh", "-c", "pwd; id -u"]).ok(), "/tmp\n1000");
    containerd.ok(&["task", "exec", "-d", "--exec-id", "third", "web", "sleep", "2000"]);
    assert_eq!(containerd.ok(&["task", "ps", "web"]).lines().count(), 3, "a heading and two processes");
    if cgroup2().is_some() {
        containerd.ok(&["task", "pause", "web"]);
        assert_eq!(status(), "PAUSED");
        containerd.ok(&["task", "resume", "web"]);
        assert_eq!(status(), "RUNNING");
    }
    containerd.ok(&["task", "kill", "-s", "SIGKILL", "web"]);
    eventually("it has stopped", || status() == "STOPPED");
    assert!(containerd.call(&["task", "delete", "web"]).stderr.contains("exit code 137"));
    containerd.ok(&["container", "delete", "web"]);
    containerd.world.assert_no_groups();
}

#[test]
fn containerd_s_terminal_is_a_terminal() {
    let Some(containerd) = Containerd::new(|_| String::new()) else { return };
    let mut command = containerd.command(&["run", "--rm", "-t"]);
    command.args(NO_SHARES).arg("--runc-binary").arg(containerd.world.path("tare-oci"));
    command.args(["--cgroup", &format!("{}/one", containerd.world.group), crate::common::drivers::BUSYBOX, "one", "sh"]);
    let mut person = Terminal::spawn(command, 33, 77);
    person.expect("# ");
    // The shim takes away what makes a new line of a line's end.
    person.send("tty; sleep 0.5; stty size\n");
    person.expect("/dev/pts/0");
    person.expect("33 77");
    person.send("exit 3\n");
    assert_eq!(person.wait(), 3);
    containerd.world.assert_no_groups();
}
