//! A service manager behind the runtime: it learns when the container is ready (sd_notify(3)), and hands sockets over
//! (sd_listen_fds(3)).

use super::bundle::Bundle;
use crate::common::{eventually, patience};
use serde_json::json;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

/// What a manager has heard.
struct Manager(UnixDatagram);

impl Manager {
    fn of(bundle: &Bundle) -> Manager {
        let socket = UnixDatagram::bind(bundle.dir.join("manager")).expect("a socket");
        socket.set_nonblocking(true).expect("a flag");
        Manager(socket)
    }
    fn heard(&self) -> Option<String> {
        let mut buffer = [0; 4096];
        self.0.recv(&mut buffer).ok().map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned())
    }
}

/// Calls the runtime as a manager would; what it says goes nowhere.
fn under_manager(bundle: &Bundle, words: &[&str]) -> std::process::Child {
    let mut command = bundle.command("tare", words);
    command.env("NOTIFY_SOCKET", bundle.dir.join("manager")).stdout(Stdio::null()).spawn().expect("tare runs")
}

fn succeeds(mut child: std::process::Child) {
    assert!(child.wait().expect("it ends").success());
}

/// Says this and that, waits for /go, and is ready then.
const SERVICE: &str = "/probe notify STATUS=soon; /probe notify MAINPID=1; touch /begun; until test -e /go; do sleep 0.01; done; \
                       /probe notify 'READY=1\nSTATUS=here'; exec sleep 1000";

#[test]
fn start_waits_until_the_container_is_ready() {
    let mut bundle = Bundle::of(&["sh", "-c", SERVICE]);
    bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    make_writable(&bundle.root(""));
    bundle.write();
    let manager = Manager::of(&bundle);
    succeeds(under_manager(&bundle, &["create", "one"]));
    let mut start = under_manager(&bundle, &["start", "one"]);
    eventually("the service has begun", || bundle.root("begun").exists());
    assert_eq!(bundle.status("one"), "running");
    assert!(start.try_wait().expect("a child").is_none(), "start has not waited");
    assert_eq!(manager.heard(), None, "only what is meant for the manager goes on");
    std::fs::write(bundle.root("go"), "").expect("a file");
    succeeds(start);
    assert_eq!(manager.heard(), Some(format!("MAINPID={}\nREADY=1", bundle.state("one")["pid"])));
    // Neither the path of the manager's socket nor the directory of ours leads anywhere else.
    assert_eq!(bundle.call(&["exec", "one", "sh", "-c", "ls /run/notify; echo $NOTIFY_SOCKET"]), "notify.sock\n\n");
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

fn make_writable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).expect("chmod");
}

#[test]
fn run_waits_too_where_it_is_detached() {
    let bundle = Bundle::of(&["sh", "-c", SERVICE]);
    bundle.write();
    let manager = Manager::of(&bundle);
    let mut run = under_manager(&bundle, &["run", "--detach", "one"]);
    eventually("the service has begun", || bundle.root("begun").exists());
    assert!(run.try_wait().expect("a child").is_none(), "run has not waited");
    std::fs::write(bundle.root("go"), "").expect("a file");
    succeeds(run);
    assert_eq!(manager.heard(), Some(format!("MAINPID={}\nREADY=1", bundle.state("one")["pid"])));
}

#[test]
fn run_tells_while_it_stays() {
    let bundle = Bundle::of(&["sh", "-c", SERVICE]);
    bundle.write();
    let manager = Manager::of(&bundle);
    let mut run = under_manager(&bundle, &["run", "one"]);
    std::fs::write(bundle.root("go"), "").expect("a file");
    let mut heard = None;
    eventually("the manager has heard", || {
        heard = heard.take().or_else(|| manager.heard());
        heard.is_some()
    });
    assert_eq!(heard, Some(format!("MAINPID={}\nREADY=1", bundle.state("one")["pid"])));
    bundle.call(&["kill", "one", "KILL"]);
    assert_eq!(run.wait().expect("run ends").code(), Some(137));
    bundle.assert_nothing_left();
}

#[test]
fn start_does_not_wait_for_who_has_ended() {
    let bundle = Bundle::of(&["true"]);
    bundle.write();
    let manager = Manager::of(&bundle);
    succeeds(under_manager(&bundle, &["create", "one"]));
    let begun = std::time::Instant::now();
    succeeds(under_manager(&bundle, &["start", "one"]));
    assert!(begun.elapsed() < patience());
    assert_eq!(manager.heard(), None);
}

#[test]
fn without_a_manager_there_is_no_socket() {
    let bundle = Bundle::of(&["sh", "-c", "/probe notify READY=1; test -e /run/notify || echo no directory"]);
    bundle.write();
    assert_eq!(bundle.call(&["run", "one"]), "nobody wants to know\nno directory\n");
}

#[test]
fn a_manager_s_sockets_are_handed_on_to_process_1() {
    let mut bundle = Bundle::of(&["sh", "-c", "echo $LISTEN_PID $LISTEN_FDS $LISTEN_FDNAMES; cat <&3; cat <&4; ls /proc/self/fd | wc -l"]);
    bundle.config["process"]["env"].as_array_mut().expect("variables").push(json!("LISTEN_FDS=77"));
    bundle.write();
    std::fs::write(bundle.dir.join("first"), "first\n").expect("a file");
    std::fs::write(bundle.dir.join("second"), "second\n").expect("a file");
    let before = "exec 3<first 4<second; export LISTEN_FDS=1 LISTEN_FDNAMES=web LISTEN_PID";
    let ran = bundle.through_a_shell(&format!("{before}=$$"), &["run", "--preserve-fds", "1", "one"]);
    let (out, error) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    // Three streams, the two, and the listing itself.
    assert_eq!(out, "1 1 web\nfirst\nsecond\n6\n", "{error}");
    // They were meant for somebody else: process 1 gets neither the words nor the descriptors.
    let ran = bundle.through_a_shell(&format!("{before}=1"), &["run", "one"]);
    let out = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(out, "77\n4\n", "{}", String::from_utf8_lossy(&ran.stderr));
}
