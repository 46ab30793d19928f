//! What a bundle and a command line point to: hooks, sockets, files for pids and logs, a disk that cannot be written.

use super::Bundle;
use crate::common::process::run;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

/// The error is on standard error and in both forms of the log, and nothing is left.
fn fails_in_words(bundle: &Bundle, words: &[&str], part: &str) {
    bundle.refuses(words, part);
    bundle.assert_nothing_left();
    for format in ["text", "json"] {
        let log = bundle.dir.join(format!("{format}.log"));
        let _ = std::fs::remove_file(&log);
        bundle.refuses(&[&["--log", log.to_str().expect("utf-8"), "--log-format", format], words].concat(), part);
        let text = std::fs::read_to_string(&log).expect("the log");
        let said = match format {
            "json" => serde_json::from_str::<Value>(text.lines().last().expect("a line")).expect("JSON")["msg"].to_string(),
            _ => text.lines().last().expect("a line").to_owned(),
        };
        assert!(said.contains(&part.replace('"', "\\\"")) && text.contains("error"), "{format}: {text}");
        bundle.assert_nothing_left();
    }
}

#[test]
fn hooks_that_cannot_be_run() {
    let mut bundle = Bundle::of(&["true"]);
    std::fs::write(bundle.dir.join("no-program"), "neither script nor program").expect("a file");
    std::fs::set_permissions(bundle.dir.join("no-program"), std::fs::Permissions::from_mode(0o755)).expect("chmod");
    std::fs::write(bundle.dir.join("not-executable"), "#!/bin/sh\n").expect("a file");
    let path = |name: &str| bundle.dir.join(name).display().to_string();
    let bad = [path("no-program"), path("not-executable"), path("vanished"), path("rootfs"), "/bin/sh/x".to_owned()];
    for kind in ["prestart", "createRuntime", "createContainer", "startContainer", "poststart"] {
        for path in &bad {
            bundle.config["hooks"] = json!({ kind: [{ "path": path }] });
            bundle.write();
            fails_in_words(&bundle, &["run", "one"], kind);
        }
    }
}

/// Also one that leaves somebody behind who holds its streams, and one that never reads its input.
#[test]
fn hooks_that_hang() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["annotations"] = json!({"large": "x".repeat(100 << 10)});
    for kind in ["prestart", "createRuntime", "createContainer", "startContainer", "poststart"] {
        let sleep = if kind == "startContainer" { "/bin/sleep" } else { "/usr/bin/sleep" };
        bundle.config["hooks"] = json!({ kind: [{"path": sleep, "args": ["sleep", "1000"], "timeout": 1}] });
        bundle.write();
        let ran = run(bundle.command("tare", &["run", "one"]), None);
        assert!(ran.code != 0 && ran.stderr.contains("did not end within 1 s"), "{kind}: {}", ran.story());
        bundle.assert_nothing_left();
    }
    bundle.config["hooks"] = json!({"poststop": [{"path": "/usr/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}]});
    bundle.write();
    let ran = run(bundle.command("tare", &["run", "one"]), None);
    assert!(ran.code == 0 && ran.stderr.contains("did not end within 1 s"), "it is told, and holds nothing back: {}", ran.story());
    bundle.assert_nothing_left();
    let script = "sleep 1000 & echo $! > left-behind; exit 0";
    bundle.config["hooks"] =
        json!({"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", script], "timeout": 20, "env": ["PATH=/bin:/usr/bin"]}]});
    bundle.write();
    let mut command = bundle.command("tare", &["create", "one"]);
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("tare runs");
    let pid = std::fs::read_to_string(bundle.dir.join("left-behind")).expect("its pid").trim().parse().expect("a number");
    // SAFETY: the process is this test's own.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    assert!(status.success());
    bundle.call(&["delete", "--force", "one"]);
}

#[test]
fn files_that_cannot_be_written() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.write();
    for pid_file in ["nosuch/pid", "/proc/pid", "config.json/pid"] {
        fails_in_words(&bundle, &["create", "--pid-file", pid_file, "one"], pid_file);
        fails_in_words(&bundle, &["run", "--pid-file", pid_file, "one"], pid_file);
    }
    // A log that cannot be written hides no error.
    bundle.refuses(&["--log", "nosuch/log", "create", "--pid-file", "nosuch/pid", "one"], "nosuch/pid");
    let shelf = bundle.shelf.clone();
    for bad in ["/proc/nosuch".into(), bundle.dir.join("config.json")] {
        bundle.shelf = bad;
        bundle.refuses(&["create", "one"], &bundle.shelf.display().to_string());
    }
    bundle.shelf = shelf;
    bundle.assert_nothing_left();
}

#[test]
fn a_console_socket_that_takes_no_terminal() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["process"]["terminal"] = json!(true);
    bundle.write();
    drop(UnixListener::bind(bundle.dir.join("not-listening")).expect("a socket"));
    for socket in ["nosuch", "nosuch/socket", "not-listening", "config.json", "rootfs", ""] {
        fails_in_words(&bundle, &["create", "--console-socket", socket, "one"], "over at");
    }
    fails_in_words(&bundle, &["create", "one"], "nobody is named who takes the terminal");
    bundle.config["process"]["terminal"] = json!(false);
    bundle.write();
    fails_in_words(&bundle, &["create", "--console-socket", "nosuch", "one"], "process.terminal is not set");
}

/// It took the connection and went: its business, and no reason to hang.
#[test]
fn a_console_socket_that_closes_at_once() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.config["process"]["terminal"] = json!(true);
    bundle.write();
    let listener = UnixListener::bind(bundle.dir.join("socket")).expect("a socket");
    let closes = std::thread::spawn(move || (0..3).for_each(|_| drop(listener.accept())));
    for _ in 0..3 {
        let said = bundle.try_call(&["create", "--console-socket", "socket", "one"]);
        match said.code {
            0 => drop(bundle.call(&["delete", "--force", "one"])),
            _ => assert!(said.error.contains("over at"), "{}", said.error),
        }
        bundle.assert_nothing_left();
    }
    closes.join().expect("the listener");
}

#[test]
fn a_process_to_execute_that_is_none() {
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    bundle.call(&["run", "-d", "one"]);
    let process = json!({"cwd": "/", "args": ["true"], "user": {"uid": 0, "gid": 0}}).to_string();
    let file = bundle.dir.join("process.json");
    for length in (0..process.len()).step_by(10) {
        std::fs::write(&file, &process[..length]).expect("a file");
        bundle.refuses(&["exec", "--process", "process.json", "one"], "process.json is damaged");
    }
    for (text, part) in [
        (r#"{"cwd": "/", "user": {"uid": 0, "gid": 0}}"#, "no command"),
        (r#"{"cwd": "/", "args": [], "user": {"uid": 0, "gid": 0}}"#, "no command"),
        (r#"{"cwd": "tmp", "args": ["true"], "user": {"uid": 0, "gid": 0}}"#, "not an absolute path"),
        (r#"{"cwd": "/", "args": ["true"], "user": {"uid": -1, "gid": 0}}"#, "damaged"),
        (r#"{"cwd": "/nosuch\u0000", "args": ["true"], "user": {"uid": 0, "gid": 0}}"#, "nosuch"),
    ] {
        std::fs::write(&file, text).expect("a file");
        bundle.refuses(&["exec", "--process", "process.json", "one"], part);
    }
    for (words, part) in [
        (&["exec", "--process", "nosuch", "one"][..], "cannot read nosuch"),
        (&["exec", "--process", "/dev/zero", "one"], "/dev/zero is damaged"),
        (&["exec", "--process", ".", "one"], "cannot read ."),
        (&["exec", "--cwd", "tmp", "one", "true"], "not an absolute path"),
        (&["exec", "--cwd", "", "one", "true"], "not an absolute path"),
        (&["exec", "--cgroup", "../..", "one", "true"], "leads upwards"),
        (&["exec", "--cgroup", "nosuch", "one", "true"], "no group nosuch"),
        (&["exec", "--cap", "CAP_NOSUCH", "one", "true"], "unknown capability"),
        (&["exec", "--preserve-fds", "400", "one", "true"], "is not open"),
        (&["exec", "--pid-file", "nosuch/pid", "one", "true"], "nosuch/pid"),
        (&["exec", "-t", "-d", "--console-socket", "nosuch", "one", "true"], "cannot reach nosuch"),
        (&["exec", "-t", "-d", "one", "true"], "nobody is named"),
        (&["exec", "one"], "no command"),
    ] {
        bundle.refuses(words, part);
    }
    let pids: Vec<i64> = serde_json::from_str(&bundle.call(&["ps", "-f", "json", "one"])).expect("JSON");
    crate::common::eventually("nobody is left of those that were refused", || {
        pids.len() == 1 || bundle.call(&["ps", "one"]).lines().count() == 2
    });
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

/// In mounts of our own, which nobody else sees.
#[test]
fn a_bundle_on_a_disk_that_cannot_be_written() {
    let mut bundle = Bundle::of(&["true"]);
    let shelf = crate::common::fresh_directory(&std::env::temp_dir(), "tare-oci-shelf-");
    let call = |bundle: &Bundle, shelf: &std::path::Path| {
        bundle.write();
        let dir = bundle.dir.display();
        let script = format!("mount --bind {dir} {dir} && mount -o remount,bind,ro {dir} && cd {dir} && exec \"$@\"");
        let mut command = Command::new("unshare");
        command
            .args(["-m", "sh", "-c", &script, "sh"])
            .arg(crate::common::program())
            .args(["oci", "--root"])
            .arg(shelf)
            .args(["run", "one"]);
        run(command, None)
    };
    let ran = call(&bundle, &shelf);
    assert_eq!(ran.code, 0, "{}", ran.story());
    bundle.config["mounts"]
        .as_array_mut()
        .expect("mounts")
        .push(json!({"destination": "/missing/place", "type": "tmpfs", "source": "tmpfs"}));
    let ran = call(&bundle, &shelf);
    assert!(ran.code != 0 && ran.stderr.contains("/missing/place") && ran.stderr.contains("Read-only"), "{}", ran.story());
    let ran = call(&bundle, &bundle.dir.join("shelf/new"));
    assert!(ran.code != 0 && ran.stderr.contains("shelf/new") && ran.stderr.contains("Read-only"), "{}", ran.story());
    bundle.assert_nothing_left();
    assert_eq!(std::fs::read_dir(&shelf).expect("a directory").count(), 0);
    std::fs::remove_dir(&shelf).expect("the shelf is empty");
}
