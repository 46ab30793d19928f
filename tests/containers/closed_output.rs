//! Commands whose reader has left (`| head -1`), or whose output finds no room: they do their work and say so by their exit code.

use crate::common::{Ran, Store, process};
use std::process::Stdio;

/// As a shell reports a program that died of SIGPIPE.
const NOBODY_READS: i32 = 141;

/// With a pipe for standard output that nobody reads any more.
fn unheard(store: &Store, words: &[&str]) -> Ran {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = store.command(words);
    let child = command.stdin(Stdio::null()).stdout(Stdio::from(writer)).stderr(Stdio::piped()).spawn().expect("tare");
    drop(command);
    finish(child, words)
}

fn finish(child: std::process::Child, words: &[&str]) -> Ran {
    use std::os::unix::process::ExitStatusExt;
    let output = child.wait_with_output().expect("wait");
    let ran = Ran {
        command: words.join(" "),
        code: output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0)),
        stdout: String::new(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        raw: Vec::new(),
        took: std::time::Duration::ZERO,
    };
    assert!(!ran.stderr.contains("panicked"), "{}", ran.story());
    ran
}

#[test]
fn every_command_does_its_work_though_nobody_reads() {
    let store = Store::new();
    let archive = store.file("root.tar", crate::common::Layer::new().file("x", 0o644, "x").tar());
    let archive = archive.to_str().expect("utf-8");
    for words in [
        &["create", "--name", "made", "box", "sh", "-c", "echo hello"][..],
        &["start", "made"],
        &["wait", "made"],
        &["logs", "made"],
        &["ps", "-a"],
        &["images"],
        &["images", "-q"],
        &["inspect", "made"],
        &["image", "inspect", "box"],
        &["info"],
        &["version"],
        &["completion", "bash"],
        &["import", archive, "from:tar"],
        &["run", "-d", "--name", "up", "box", "sleep", "1000"],
        &["kill", "-s", "URG", "up"],
        &["stop", "-t", "0", "up"],
        &["rmi", "from:tar"],
        &["rm", "made", "up"],
    ] {
        let ran = unheard(&store, words);
        assert_eq!((ran.code, ran.stderr.as_str()), (NOBODY_READS, ""), "{}", ran.story());
    }
    assert!(store.names(true).is_empty(), "both are removed, though the first could not be told");
    for words in [&["help"][..], &["run", "--help"], &["--version"]] {
        let code = unheard(&store, words).code;
        assert!([0, NOBODY_READS].contains(&code), "{words:?}: {code}");
    }
    store.assert_nothing_left();
}

#[test]
fn an_archive_that_is_loaded_is_loaded() {
    let store = Store::empty();
    let archive = store.file("box.tar", crate::common::test_images::box_image().docker_archive());
    let ran = unheard(&store, &["load", "-i", archive.to_str().expect("utf-8")]);
    assert_eq!((ran.code, ran.stderr.as_str()), (NOBODY_READS, ""), "{}", ran.story());
    assert!(store.ok(&["images"]).contains("box"));
}

#[test]
fn an_error_is_still_an_error() {
    let store = Store::new();
    let ran = unheard(&store, &["inspect", "nosuch"]);
    assert_eq!(ran.code, 1, "{}", ran.story());
    assert!(ran.stderr.contains("nosuch"), "{}", ran.story());
}

#[test]
fn a_complaint_that_nobody_hears_is_no_panic() {
    let store = Store::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = store.command(&["inspect", "nosuch"]);
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(writer)).status().expect("tare");
    assert_eq!(status.code(), Some(1), "as if it had been heard, and not 101 or 134");
}

#[test]
fn a_full_disk_behind_the_output_is_an_error() {
    let store = Store::new();
    for words in [&["ps"][..], &["images"], &["version"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        let mut command = store.command(words);
        let child = command.stdin(Stdio::null()).stdout(Stdio::from(full)).stderr(Stdio::piped()).spawn().expect("tare");
        let ran = finish(child, words);
        assert_eq!(ran.code, 1, "{}", ran.story());
        assert!(ran.stderr.starts_with("tare: cannot write to standard output: "), "{}", ran.story());
    }
}

#[test]
fn a_long_log_stops_being_read_when_nobody_listens() {
    let store = Store::new();
    store.ok(&["run", "--name", "loud", "box", "sh", "-c", "seq 1 100000"]);
    let line = format!(
        "{} logs loud | head -1; {} logs -f loud | head -1",
        crate::common::program().display(),
        crate::common::program().display()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &line]).env("TARE_ROOT", &store.root).env("TARE_RUN", &store.run).env("TARE_NETWORK", "none");
    let ran = process::run(command, None);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "1\n1\n", ""), "{}", ran.story());
}
