//! The caller's own streams, which the container gets as they are: their owner and mode on the host must stay.

use super::Bundle;
use crate::common::process::tool;
use crate::common::{Mend, Report};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

fn about(path: &Path) -> (u32, u32, u32) {
    std::fs::metadata(path).map(|about| (about.uid(), about.gid(), about.mode())).expect("a file of the host")
}

fn open(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).expect("a file")
}

/// Guards: `give_streams` in runtime/identity.rs gives away pipes alone, and a fifo with a name is none (`file::is_pipe`).
#[test]
fn cve_2026_88265_what_the_caller_hands_over_stays_the_caller_s() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.write();
    let (file, fifo) = (bundle.dir.join("a-file"), bundle.dir.join("a-fifo"));
    std::fs::write(&file, "x").expect("a file");
    tool(&["mkfifo", "-m", "640", &fifo.display().to_string()]).ok();
    for path in [&file, &fifo] {
        let before = about(path);
        bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
        bundle.write();
        let mut run = bundle.command("tare", &["run", "one"]);
        run.stdin(open(path)).stdout(open(path)).stderr(open(path));
        assert!(run.status().expect("tare runs").success(), "{}", path.display());
        assert_eq!(about(path), before, "{}", path.display());
        bundle.config["process"]["args"] = json!(["sleep", "1000"]);
        bundle.write();
        bundle.call(&["run", "-d", "one"]);
        let mut exec = bundle.command("tare", &["exec", "-u", "1000:1000", "one", "true"]);
        exec.stdin(open(path)).stdout(open(path)).stderr(open(path));
        assert!(exec.status().expect("tare runs").success(), "{}", path.display());
        assert_eq!(about(path), before, "{}", path.display());
        bundle.call(&["delete", "--force", "one"]);
        bundle.config["process"]["args"] = json!(["true"]);
    }
}

/// Root in the container is root to the file behind the descriptor. Guard: `place_streams` in runtime/child.rs takes the container's
/// own null device in place of the host's, or an empty file in memory.
#[test]
fn cve_2026_88265_the_host_s_null_device_is_not_handed_over() {
    let _as_it_was = Mend;
    let null = Path::new("/dev/null");
    let before = about(null);
    for has_own in [true, false] {
        let mut bundle =
            Bundle::of(&["sh", "-c", "for fd in 0 1 2; do chmod 600 /proc/self/fd/$fd; chown 7 /proc/self/fd/$fd; done; sleep 1000"]);
        bundle.config["process"]["capabilities"] =
            json!({"bounding": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"], "permitted": ["CAP_CHOWN"]});
        if !has_own {
            bundle.share_dev();
            bundle.config["linux"]["maskedPaths"] = json!([]);
        }
        bundle.write();
        let with_null = |words: &[&str]| {
            let mut command = bundle.command("tare", words);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(command.status().expect("tare runs").success(), "{words:?}");
        };
        with_null(&["run", "-d", "one"]);
        crate::common::eventually("it has tried", || bundle.call(&["exec", "one", "ps"]).contains("sleep 1000"));
        assert_eq!(about(null), before, "by the first process");
        with_null(&["exec", "one", "sh", "-c", "for fd in 0 1 2; do chmod 600 /proc/self/fd/$fd; done; true"]);
        assert_eq!(about(null), before, "by a further one");
        bundle.call(&["delete", "--force", "one"]);
        bundle.assert_nothing_left();
    }
}

/// They still do what a null device does.
#[test]
fn what_stands_for_the_null_device_can_be_read_and_written() {
    for has_own in [true, false] {
        let mut bundle = Bundle::of(&["sh", "-c", "cat && echo lost"]);
        if !has_own {
            bundle.share_dev();
            bundle.config["linux"]["maskedPaths"] = json!([]);
        }
        bundle.write();
        let mut run = bundle.command("tare", &["run", "one"]);
        run.stdin(Stdio::null()).stdout(Stdio::null());
        assert!(run.status().expect("tare runs").success());
    }
}

/// No socket of ours has an abstract name, which everybody in the network namespace could reach. Guard: `channel::listen` has a path.
#[test]
fn cve_2020_15257_no_abstract_socket_in_the_host_s_network() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.without_namespace("network");
    bundle.write();
    let sockets = || -> Vec<String> {
        let text = std::fs::read_to_string("/proc/net/unix").expect("sockets");
        text.lines().filter_map(|line| line.split_whitespace().nth(7)).filter(|name| name.starts_with('@')).map(str::to_owned).collect()
    };
    let name = bundle.dir.file_name().expect("a name").to_string_lossy().into_owned();
    for words in [&["create", "attack-id"][..], &["start", "attack-id"], &["exec", "attack-id", "true"]] {
        bundle.call(words);
        let ours: Vec<String> =
            sockets().into_iter().filter(|socket| [name.as_str(), "tare", "attack-id"].iter().any(|word| socket.contains(word))).collect();
        assert!(ours.is_empty(), "{words:?}: {ours:?}");
    }
    bundle.call(&["delete", "--force", "attack-id"]);
}

/// Guard: `open_pty` opens the container's own; the sizes come from its own master.
#[test]
fn a_terminal_is_one_of_the_container_s_own() {
    let mut bundle = Bundle::of(&["/probe"]);
    bundle.config["process"]["terminal"] = json!(true);
    let ran = bundle.run("tare");
    let report = Report::parse(&String::from_utf8_lossy(&ran.stdout).replace('\r', ""));
    assert_eq!(report.fds().get(&0).map(String::as_str), Some("/dev/pts/0"));
    bundle.assert_nothing_left();
}
