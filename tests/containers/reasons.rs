//! `why`: what a container died of, told from what it left.

use crate::common::{Layer, Store};
use serde_json::Value;

/// Runs a command in the box, under this name.
fn run(store: &Store, name: &str, flags: &[&str], command: &[&str]) {
    store.tare(&[&["run", "--name", name], flags, &["box"], command].concat());
}

fn why(store: &Store, name: &str) -> Value {
    serde_json::from_str(&store.ok(&["why", "--json", name])).expect("JSON")
}

/// The first finding of a rule.
fn finding(answer: &Value, rule: &str) -> Value {
    let found = answer["Findings"].as_array().expect("findings").iter().find(|finding| finding["Rule"] == rule);
    found.unwrap_or_else(|| panic!("nothing of {rule}: {answer:#}")).clone()
}

fn what(answer: &Value, rule: &str) -> String {
    finding(answer, rule)["What"].as_str().expect("a sentence").to_owned()
}

fn evidence(answer: &Value, rule: &str) -> String {
    let all = finding(answer, rule)["Evidence"].clone();
    all.as_array().expect("evidence").iter().map(|line| line.as_str().expect("a line").to_owned() + "\n").collect()
}

#[test]
fn codes_that_the_command_chose() {
    let store = Store::new();
    run(&store, "bad", &[], &["sh", "-c", "echo oh no >&2; exit 3"]);
    let answer = why(&store, "bad");
    assert!(what(&answer, "exit-code").contains("chose exit code 3"));
    assert_eq!(answer["Output"][0], "oh no");
    run(&store, "shell", &[], &["sh"]);
    assert!(evidence(&why(&store, "shell"), "exit-code").contains("nobody could type anything"));
    run(&store, "typo", &[], &["sh", "-c", "slep 5"]);
    let answer = why(&store, "typo");
    assert!(
        what(&answer, "exit-code").contains("did not find") && what(&answer, "program").contains("a program called slep"),
        "{answer:#}"
    );
    // The file is there; it is its interpreter that is not.
    run(&store, "script", &["-w", "/tmp"], &["sh", "-c", "printf '#!/bin/bash\\n' > x; chmod +x x; ./x"]);
    let answer = why(&store, "script");
    assert!(
        what(&answer, "program").contains("is a script for /bin/bash") && finding(&answer, "program")["Certainty"] == "likely",
        "{answer:#}"
    );
    assert!(store.ok(&["why", "bad"]).starts_with("bad ended "));
}

#[test]
fn signals_and_who_sent_them() {
    let store = Store::new();
    for name in ["killed", "stopped", "patience", "outside"] {
        let command: &[&str] =
            if name == "patience" { &["sh", "-c", "trap '' TERM; while :; do sleep 1000; done"] } else { &["sleep", "1000"] };
        store.ok(&[&["run", "-d", "--name", name, "box"], command].concat());
    }
    store.ok(&["kill", "-s", "USR1", "killed"]);
    store.wait_for_state("killed", "exited");
    assert!(what(&why(&store, "killed"), "signal").contains("tare kill has sent it SIGUSR1"));
    store.ok(&["stop", "stopped"]);
    assert!(what(&why(&store, "stopped"), "signal").contains("tare stop asked it to end with SIGTERM"));
    store.ok(&["stop", "-t", "1", "patience"]);
    assert!(what(&why(&store, "patience"), "signal").contains("killed when the time was over"));
    crate::common::process::tool(&["kill", "-9", &store.pid("outside").to_string()]).ok();
    store.wait_for_state("outside", "exited");
    let answer = why(&store, "outside");
    assert!(what(&answer, "signal").contains("somebody on the host"), "{answer:#}");
    assert!(answer["Unknown"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().starts_with("who sent SIGKILL")));
    run(&store, "crash", &[], &["sh", "-c", "kill -SEGV $$"]);
    assert!(what(&why(&store, "crash"), "signal").contains("segmentation fault"));
}

#[test]
fn what_cannot_be_executed_is_looked_into() {
    let store = Store::new();
    let program = |machine: u16, loader: &str| {
        let mut bytes = vec![0u8; 0x200];
        let mut put = |at: usize, number: u64, length: usize| bytes[at..at + length].copy_from_slice(&number.to_le_bytes()[..length]);
        put(0, u64::from_le_bytes(*b"\x7fELF\x02\x01\x01\0"), 8);
        put(16, 2, 2);
        put(18, u64::from(machine), 2);
        put(20, 1, 4);
        put(32, 64, 8);
        put(52, 64, 2);
        put(54, 56, 2);
        put(56, 1, 2);
        put(64, 3, 4);
        put(72, 0x100, 8);
        put(96, loader.len() as u64 + 1, 8);
        bytes[0x100..0x100 + loader.len()].copy_from_slice(loader.as_bytes());
        bytes
    };
    let (own, foreign) = if cfg!(target_arch = "x86_64") { (62, 183) } else { (183, 62) };
    let layer = Layer::new()
        .file("scripts/for-bash", 0o755, "#!/bin/bash\necho\n")
        .file("scripts/from-windows", 0o755, "#!/bin/sh\r\necho\r\n")
        .file("scripts/no-mode", 0o644, "#!/bin/sh\n")
        .symlink("scripts/link", "for-bash")
        .file("programs/for-glibc", 0o755, program(own, "/lib64/ld-linux-x86-64.so.2"))
        .file("programs/elsewhere", 0o755, program(foreign, "/lib/ld.so"))
        .file("programs/text", 0o755, "hello\n")
        .file("lib/ld-musl-x86_64.so.1", 0o755, "");
    store.load_over_box("traps", layer.tar());
    for (word, code, words) in [
        ("/scripts/for-bash", 127, "is a script for /bin/bash, and there is no /bin/bash"),
        ("/scripts/link", 127, "is a script for /bin/bash"),
        ("/scripts/from-windows", 127, "line ends of Windows"),
        ("/scripts/no-mode", 126, "nobody may execute it"),
        ("/programs/for-glibc", 127, "needs the loader /lib64/ld-linux-x86-64.so.2"),
        ("/programs/elsewhere", 126, "was built for"),
        ("/programs/text", 126, "neither a program"),
        ("/scripts", 126, "is a directory"),
        ("slep", 127, "no directory of its PATH has a program called slep"),
        ("echo hello", 127, "no directory of its PATH"),
    ] {
        let ran = store.tare(&["run", "--name", "trap", "traps", word]);
        let answer = why(&store, "trap");
        assert_eq!(answer["LastEnd"]["ExitCode"], ran.code, "{word}");
        assert!([code, 126, 127].contains(&ran.code) && what(&answer, "program").contains(words), "{word}: {answer:#}");
        store.ok(&["rm", "trap"]);
    }
    // What is mounted lies over the image, whose file of that name is none.
    let script = store.file("mounted", "#!/bin/bash\n");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    let bind = format!("{}:/mounted", script.display());
    store.tare(&["run", "--name", "mounted", "-v", &bind, "traps", "/mounted"]);
    assert!(what(&why(&store, "mounted"), "program").contains("is a script for /bin/bash"));
    store.tare(&["run", "--name", "glibc", "traps", "/programs/for-glibc"]);
    assert!(evidence(&why(&store, "glibc"), "program").contains("it was built for glibc, and the image has musl"));
    store.tare(&["run", "--name", "near", "traps", "slep"]);
    assert!(finding(&why(&store, "near"), "program")["Try"][0].as_str().unwrap().contains("sleep"));
    store.tare(&["run", "--name", "blank", "traps", "echo hello"]);
    assert!(evidence(&why(&store, "blank"), "program").contains("taken for the name of one program"));
}

#[test]
fn what_is_forbidden_is_not_called_missing() {
    let store = Store::new();
    let layer = Layer::new().dir("closed", 0o700).file("closed/program", 0o755, "#!/bin/nosuch\n");
    store.load_over_box("closed", layer.tar());
    let ran = store.tare(&["run", "--name", "user", "-u", "1000", "closed", "/closed/program"]);
    assert_eq!(ran.code, 126);
    let answer = why(&store, "user");
    assert!(what(&answer, "program").contains("user 1000 may not pass through /closed"), "{answer:#}");
    let copy = "printf '#!/bin/sh\\n' > /t/x; chmod +x /t/x; /t/x";
    run(&store, "memory", &["--tmpfs", "/t"], &["sh", "-c", copy]);
    let answer = why(&store, "memory");
    assert!(what(&answer, "program").contains("lies in the mount /t, from which nothing may be executed"), "{answer:#}");
    assert!(!answer["Findings"].as_array().unwrap().iter().any(|finding| finding["Rule"] == "refused"), "{answer:#}");
}

#[test]
fn refusals_are_guessed_from_what_was_written() {
    let store = Store::new();
    run(&store, "mounts", &[], &["mount", "-t", "tmpfs", "none", "/tmp"]);
    let guess = finding(&why(&store, "mounts"), "refused");
    assert_eq!(guess["Certainty"], "guess");
    assert!(
        guess["What"].as_str().unwrap().contains("CAP_SYS_ADMIN")
            && guess["Evidence"][0].as_str().unwrap().contains("the filter refuses mount"),
        "{guess:#}"
    );
    run(&store, "closed", &["--read-only"], &["touch", "/here"]);
    let answer = why(&store, "closed");
    assert!(what(&answer, "read-only").contains("/here is part of its root"), "{answer:#}");
    let bind = format!("{}:/data:ro", store.dir.display());
    run(&store, "data", &["-v", &bind], &["touch", "/data/x"]);
    assert!(what(&why(&store, "data"), "read-only").contains("lies in the mount /data"));
    run(&store, "kernel", &[], &["sh", "-c", "echo 1 > /proc/sys/kernel/panic"]);
    assert!(what(&why(&store, "kernel"), "read-only").contains("belongs to the kernel"));
    run(&store, "quiet", &["--log-driver", "none"], &["sh", "-c", "exit 1"]);
    assert!(why(&store, "quiet")["Unknown"][0].as_str().unwrap().contains("--log-driver"));
}

#[test]
fn what_runs_what_never_ran_and_what_could_not() {
    let store = Store::new();
    store.ok(&["create", "--name", "made", "box"]);
    assert!(what(&why(&store, "made"), "never-started").contains("never started"));
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    assert!(what(&why(&store, "web"), "running").contains("it runs"));
    assert!(store.ok(&["why", "web"]).starts_with("web is running"));
    store.ok(&["restart", "-t", "1", "web"]);
    assert!(what(&why(&store, "web"), "running").contains("it runs"));
    store.tare(&["run", "--name", "nowhere", "-w", "/etc/passwd", "box", "true"]);
    let answer = why(&store, "nowhere");
    assert!(!answer["Findings"].as_array().unwrap().is_empty() && what(&answer, "start").contains("could not be started"), "{answer:#}");
    assert!(store.fails(1, &["why", "nosuch"]).contains("no such container"));
    store.fails(125, &["why"]);
}

#[test]
fn one_that_stands_still() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.ok(&["pause", "web"]);
    assert!(what(&why(&store, "web"), "running").contains("paused"));
    store.ok(&["unpause", "web"]);
}

#[test]
fn a_monitor_that_was_killed() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    let monitor = store.inspect("web")["State"]["MonitorPid"].as_i64().expect("a pid");
    crate::common::process::tool(&["kill", "-9", &monitor.to_string()]).ok();
    store.wait_for_state("web", "exited");
    assert!(what(&why(&store, "web"), "start").contains("its monitor was killed"));
}

#[test]
fn policies_and_checks() {
    let store = Store::new();
    run(&store, "again", &["--restart", "on-failure:1"], &["sh", "-c", "exit 4"]);
    store.wait_for_state("again", "exited");
    assert!(what(&why(&store, "again"), "restart").contains("all that --restart on-failure:1 allows"));
    let check = ["--health-cmd", "echo ill; exit 5", "--health-interval", "1s", "--health-retries", "1"];
    store.ok(&[&["run", "-d", "--name", "ill"], &check[..], &["box", "sleep", "1000"]].concat());
    crate::common::eventually("it is found ill", || store.inspect("ill")["State"]["Health"]["Status"] == "unhealthy");
    assert!(evidence(&why(&store, "ill"), "health").contains("the last check ended with 5: ill"));
}

#[test]
fn one_that_was_removed_at_its_end_is_remembered() {
    let store = Store::new();
    store.tare(&["run", "--rm", "--name", "brief", "box", "sh", "-c", "exit 9"]);
    let error = store.fails(1, &["why", "brief"]);
    assert!(error.contains("ended less than a second ago with exit code 9") || error.contains("with exit code 9, after"), "{error}");
    assert!(error.contains("without --rm"), "{error}");
}
