//! Created, running, paused, stopped, gone: each state as the runtime specification names it, and each step out of order refused.

use super::bundle::Bundle;
use crate::common::{eventually, process::run, rounds};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

#[test]
fn create_and_start_are_two_steps() {
    let bundle = Bundle::of(&["sh", "-c", "echo here > /started; exec sleep 1000"]);
    bundle.write();
    bundle.call(&["create", "--pid-file", "pid", "one"]);
    let state = bundle.state("one");
    assert_eq!((state["status"].as_str(), state["id"].as_str()), (Some("created"), Some("one")));
    assert_eq!(state["bundle"].as_str(), bundle.dir.to_str());
    assert!(!bundle.root("started").exists(), "the program has run before start");
    let pid = std::fs::read_to_string(bundle.dir.join("pid")).expect("the pid file");
    assert_eq!(pid, state["pid"].to_string());

    bundle.call(&["start", "one"]);
    assert_eq!(bundle.status("one"), "running");
    eventually("the program runs", || bundle.root("started").exists());
    bundle.refuses(&["start", "one"], "it is running, not created");
    bundle.refuses(&["delete", "one"], "it is running, not stopped");
    bundle.call(&["kill", "one", "KILL"]);
    eventually("it has stopped", || bundle.status("one") == "stopped");
    bundle.refuses(&["kill", "one"], "is not running");
    bundle.refuses(&["start", "one"], "it is stopped, not created");
    bundle.call(&["delete", "one"]);
    bundle.refuses(&["state", "one"], "does not exist");
    bundle.refuses(&["delete", "one"], "does not exist");
    bundle.assert_nothing_left();
}

#[test]
fn a_created_container_holds_nothing_of_its_caller() {
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    // A pipe of ours that create inherits: it must not be open in the process that waits.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut command = bundle.command("tare", &["create", "one"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    keep_on_exec(&writer);
    assert!(command.status().expect("tare runs").success());
    drop((command, writer));
    let mut reader = reader;
    let mut end = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut end).expect("the pipe's end");
    assert_eq!(bundle.status("one"), "created");
}

/// containerd's shim reads both streams of `create` to their end where the container has a terminal.
#[test]
fn a_created_container_with_a_terminal_holds_none_of_its_caller_s_streams() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.config["process"]["terminal"] = json!(true);
    bundle.write();
    let _console = std::os::unix::net::UnixListener::bind(bundle.dir.join("console")).expect("a socket");
    run(bundle.command("tare", &["create", "--console-socket", "console", "one"]), None).ok();
    let fd = |number: i32| std::fs::read_link(format!("/proc/{}/fd/{number}", bundle.state("one")["pid"])).expect("a descriptor");
    assert_eq!([0, 1, 2].map(fd), ["/dev/pts/0"; 3].map(std::path::PathBuf::from));
}

/// "Runtimes SHOULD NOT fail if the container configuration requests capabilities that cannot be granted", says the specification.
#[test]
fn capabilities_that_the_caller_lacks_are_left_out_and_told() {
    const WAKE_ALARM: i32 = 35;
    let mut bundle = Bundle::of(&["grep", "CapEff", "/proc/self/status"]);
    let set = json!(["CAP_KILL", "CAP_WAKE_ALARM"]);
    bundle.config["process"]["capabilities"] = json!({ "bounding": set, "effective": set, "permitted": set, "ambient": set });
    bundle.write();
    let mut command = bundle.command("tare", &["--log", "log", "run", "one"]);
    // SAFETY: one system call between fork and exec, which then gives nothing that is not bounding.
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_CAPBSET_DROP, WAKE_ALARM) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    let ran = run(command, None);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "CapEff:\t0000000000000020\n"), "{}", ran.story());
    assert!(ran.stderr.contains("CAP_WAKE_ALARM cannot be given") && !ran.stderr.contains("CAP_KILL"), "{}", ran.stderr);
    let log = std::fs::read_to_string(bundle.dir.join("log")).expect("the log");
    assert!(log.contains("level=warning") && log.contains("CAP_KILL cannot be ambient"), "{log}");
    bundle.assert_nothing_left();
}

/// buildah deletes at once, and without force.
#[test]
fn a_container_whose_start_failed_has_stopped() {
    let mut bundle = Bundle::of(&["/garbage"]);
    // Its end takes a while: the kernel takes all of these away first.
    let mounts = bundle.config["mounts"].as_array_mut().expect("mounts");
    mounts.extend((0..300).map(|number| json!({ "destination": format!("/tmp/{number}"), "type": "tmpfs", "source": "tmpfs" })));
    bundle.write();
    std::fs::write(bundle.root("garbage"), "\u{1}").expect("a file");
    std::fs::set_permissions(bundle.root("garbage"), std::fs::Permissions::from_mode(0o755)).expect("its mode");
    for _ in 0..rounds(20) {
        bundle.call(&["create", "one"]);
        bundle.refuses(&["start", "one"], "/garbage");
        assert_eq!(bundle.status("one"), "stopped");
        bundle.call(&["delete", "one"]);
    }
    bundle.assert_nothing_left();
}

fn keep_on_exec(fd: &impl std::os::fd::AsRawFd) {
    // SAFETY: a flag of a descriptor of ours.
    unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, 0) };
}

#[test]
fn an_id_is_given_once() {
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.refuses(&["create", "one"], "exists already");
    assert_eq!(bundle.status("one"), "created");
    bundle.refuses(&["create", "../one"], "is no container id");
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn a_process_that_was_killed_has_stopped_while_it_is_still_a_zombie() {
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    // `run` is its parent, and we stop `run`: so nobody waits for the process.
    let mut run = bundle.command("tare", &["run", "one"]).spawn().expect("tare runs");
    eventually("it runs", || bundle.try_call(&["state", "one"]).out.contains("\"running\""));
    let pid = bundle.state("one")["pid"].as_i64().expect("a pid") as i32;
    let send = |pid: i32, signal: i32| unsafe { libc::kill(pid, signal) };
    send(run.id() as i32, libc::SIGSTOP);
    send(pid, libc::SIGKILL);
    eventually("a zombie counts as stopped", || bundle.status("one") == "stopped");
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it is still there");
    assert!(stat.contains(") Z "), "{stat}");
    send(run.id() as i32, libc::SIGCONT);
    assert_eq!(run.wait().expect("run ends").code(), Some(137));
    bundle.assert_nothing_left();
}

#[test]
fn run_waits_and_tells_the_exit_code() {
    let bundle = Bundle::of(&["sh", "-c", "echo out; echo err >&2; exit 7"]);
    let ran = bundle.run("tare");
    assert_eq!(ran.status.code(), Some(7));
    assert_eq!((ran.stdout.as_slice(), ran.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    bundle.assert_nothing_left();
}

#[test]
fn a_paused_container_stands_still() {
    if crate::common::cgroup2().is_none() {
        let _ = crate::common::cannot("this host has no cgroup2");
        return;
    }
    let bundle = Bundle::of(&["sh", "-c", "while :; do echo . >> /beats; sleep 0.01; done"]);
    bundle.write();
    bundle.call(&["run", "--detach", "one"]);
    let beats = || std::fs::metadata(bundle.root("beats")).map_or(0, |about| about.len());
    eventually("it beats", || beats() > 2);
    bundle.call(&["pause", "one"]);
    assert_eq!(bundle.status("one"), "paused");
    let before = beats();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(beats(), before);
    bundle.refuses(&["exec", "one", "true"], "it is paused");
    bundle.call(&["resume", "one"]);
    eventually("it beats again", || beats() > before);
    bundle.refuses(&["resume", "one"], "is not paused");
    bundle.call(&["kill", "--all", "one", "KILL"]);
    eventually("it has stopped", || bundle.status("one") == "stopped");
    bundle.call(&["delete", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn exec_runs_beside_and_tells_the_exit_code() {
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    bundle.call(&["run", "-d", "one"]);
    assert_eq!(bundle.call(&["exec", "one", "cat", "/proc/1/comm"]), "sleep\n");
    assert_eq!(bundle.try_call(&["exec", "one", "sh", "-c", "exit 9"]).code, 9);
    assert_eq!(
        bundle.call(&["exec", "-u", "1000:7", "-g", "8", "-e", "A=b", "--cwd", "/tmp", "one", "sh", "-c", "id -u; id -G; echo $A; pwd"]),
        "1000\n7 8\nb\n/tmp\n"
    );
    bundle.refuses(&["exec", "-u", "alice", "one", "true"], "not the number");
    bundle.refuses(&["exec", "one", "nosuch"], "executable file not found");
    bundle.refuses(&["exec", "--cwd", "/nosuch", "one", "true"], "/nosuch");
    assert!(!bundle.root("nosuch").exists(), "it is made for the first process only");
    let process = json!({"cwd": "/", "args": ["sh", "-c", "echo $X"], "env": ["PATH=/bin", "X=y"], "user": {"uid": 0, "gid": 0}});
    std::fs::write(bundle.dir.join("process.json"), process.to_string()).expect("a file");
    assert_eq!(bundle.call(&["exec", "--process", "process.json", "one"]), "y\n");
    bundle.call(&["exec", "--detach", "--pid-file", "second", "one", "sleep", "1000"]);
    let second = std::fs::read_to_string(bundle.dir.join("second")).expect("the pid file");
    let pids: Vec<i64> = serde_json::from_str(&bundle.call(&["ps", "-f", "json", "one"])).expect("JSON");
    assert!(pids.contains(&second.parse().expect("a pid")), "{pids:?} {second}");
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn list_shows_what_is_there() {
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    bundle.call(&["create", "one"]);
    assert_eq!(bundle.call(&["list", "-q"]), "one\n");
    let all: serde_json::Value = serde_json::from_str(&bundle.call(&["list", "-f", "json"])).expect("JSON");
    assert_eq!((all[0]["id"].as_str(), all[0]["status"].as_str()), (Some("one"), Some("created")));
    assert!(bundle.call(&["list"]).contains("created"));
    bundle.call(&["delete", "-f", "one"]);
    assert_eq!(bundle.call(&["list", "-q"]), "");
    // As engines say it: gone is what they want.
    bundle.call(&["delete", "--force", "one"]);
}
