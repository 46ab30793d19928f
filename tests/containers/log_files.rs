//! Logs that people leave running: bounded, rotated under their readers, and never in a container's way.

use crate::common::{Running, Store, eventually, process};
use nix::sys::signal::Signal;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where the log of a container lies.
fn directory(store: &Store, name: &str) -> PathBuf {
    let path = store.inspect(name)["LogPath"].as_str().expect("LogPath").to_owned();
    Path::new(&path).parent().expect("a directory").to_path_buf()
}

/// Names and sizes of the log's files. One that is renamed while we look may be seen twice, or not at all.
fn files(directory: &Path) -> Vec<(String, u64)> {
    let entries = std::fs::read_dir(directory).expect("the container's directory");
    let named = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let name = entry.file_name().into_string().ok()?;
        (name == "log" || name.starts_with("log.")).then_some(())?;
        Some((name, entry.metadata().ok()?.len()))
    });
    named.collect()
}

fn numbers(text: &str) -> Vec<u64> {
    text.lines().map(|line| line.parse().unwrap_or_else(|_| panic!("a number, and no part of one: {line:?}"))).collect()
}

#[test]
fn a_day_s_worth_of_output_takes_no_more_room_than_was_given() {
    let store = Store::new();
    let megabytes = if crate::common::in_vm() { 20 } else { 500 };
    let script = format!("yes $(head -c 900 /dev/zero | tr '\\0' x) | head -c {megabytes}000000");
    store.ok(&["run", "-d", "--name", "loud", "--log-opt", "max-size=1m", "--log-opt", "max-file=3", "box", "sh", "-c", &script]);
    let directory = directory(&store, "loud");
    let mut looks = 0;
    while store.state("loud") == "running" {
        let found = files(&directory);
        let total: u64 = found.iter().map(|(_, size)| size).sum();
        assert!(total <= 4 << 20, "{found:?}");
        assert!(found.iter().all(|(name, size)| ["log", "log.1", "log.2"].contains(&name.as_str()) && *size <= 1 << 20), "{found:?}");
        looks += 1;
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(looks > 2, "it was over before anybody looked");
    let lines = store.tare(&["logs", "loud"]).stdout.lines().count();
    assert!((1500..3500).contains(&lines), "the newest 2 to 3 MiB are kept: {lines} lines");
    assert_eq!(store.inspect("loud")["HostConfig"]["LogConfig"]["Config"]["max-size"], "1m");
}

#[test]
fn a_log_is_bounded_when_nothing_is_said() {
    let store = Store::new();
    store.ok(&[
        "run",
        "--name",
        "loud",
        "--log-opt",
        "labels=x",
        "box",
        "sh",
        "-c",
        "yes a line of some length, to be written often | head -c 20000000 >&2",
    ]);
    let found = files(&directory(&store, "loud"));
    assert!(found.len() > 1 && found.iter().all(|(_, size)| *size <= 10 << 20), "{found:?}");
    assert!(found.iter().map(|(_, size)| size).sum::<u64>() <= 30 << 20, "{found:?}");
}

/// The container writes so many lines whenever it is told to: the test knows when the follower has seen them.
const ON_DEMAND: &str = "while read first last; do seq $first $last; done";

#[test]
fn a_follower_gets_every_line_once_through_every_rotation() {
    let store = Store::new();
    for count in ["1", "2", "4"] {
        let name = format!("talk{count}");
        let keep = format!("max-file={count}");
        store.ok(&["run", "-di", "--name", &name, "--log-opt", "max-size=20k", "--log-opt", &keep, "box", "sh", "-c", ON_DEMAND]);
        let mut writer = store.start(&["attach", &name]);
        let mut follower = store.start(&["logs", "-f", &name]);
        // About 250 lines in a file: less than one file at a time never outruns the reader, whatever the machine does.
        for burst in 0..40 {
            writer.send(&format!("{} {}\n", burst * 150 + 1, burst * 150 + 150));
            follower.expect(&format!("\n{}\n", burst * 150 + 150));
        }
        store.ok(&["kill", &name]);
        let ran = follower.wait().expect_code(0);
        assert_eq!(ran.stderr, "", "nothing is missing, and nothing is said to be");
        assert!(numbers(&ran.stdout).into_iter().eq(1..=6000), "each line once, in order, with {count} files");
        assert!(files(&directory(&store, &name)).len() <= count.parse().expect("a number"));
        let kept = numbers(&store.ok(&["logs", &name]));
        assert!(kept.iter().copied().eq(6001 - kept.len() as u64..=6000), "the newest are kept, in order");
        assert_eq!(numbers(&store.ok(&["logs", "--tail", "200", &name])), kept[kept.len().saturating_sub(200)..]);
    }
}

#[test]
fn a_follower_that_cannot_keep_up_says_so_and_never_makes_the_container_wait() {
    let store = Store::new();
    store.ok(&["run", "-di", "--name", "talk", "--log-opt", "max-size=20k", "--log-opt", "max-file=2", "box", "sh", "-c", ON_DEMAND]);
    let mut writer = store.start(&["attach", "talk"]);
    let mut follower = store.start(&["logs", "-f", "talk"]);
    writer.send("1 10\n");
    follower.expect("\n10\n");
    // Three readers that never read: a follower, one that attends, and one that has vanished without a word.
    let attending = store.start(&["attach", "--no-stdin", "talk"]);
    let vanished = store.start(&["attach", "--no-stdin", "talk"]);
    let mut next = 11;
    eventually("both attend", || {
        writer.send(&format!("{next} {next}\n"));
        next += 1;
        !attending.seen().is_empty() && !vanished.seen().is_empty()
    });
    for reader in [&follower, &attending] {
        reader.signal(Signal::SIGSTOP);
    }
    vanished.signal(Signal::SIGKILL);
    writer.send(&format!("{next} 200000\n"));
    eventually("the container has written everything", || store.ok(&["logs", "--tail", "1", "talk"]) == "200000");
    follower.signal(Signal::SIGCONT);
    attending.signal(Signal::SIGCONT);
    follower.expect("\n200000\n");
    store.ok(&["kill", "talk"]);
    let ran = follower.wait().expect_code(0);
    assert!(ran.stderr.contains("lines are missing"), "{}", ran.stderr);
    let seen = numbers(&ran.stdout);
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "nothing comes twice, and nothing out of turn");
    drop((writer, attending, vanished));
}

#[test]
fn bytes_that_are_no_text_come_back_exactly() {
    let store = Store::new();
    store.ok(&["run", "--name", "raw", "box", "sh", "-c", "head -c 2000000 /dev/urandom >/tmp/r; cat /tmp/r; md5sum </tmp/r >&2"]);
    let ran = store.tare(&["logs", "raw"]);
    assert_eq!(ran.raw.len(), 2_000_000);
    let mut child = std::process::Command::new("md5sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("md5sum");
    child.stdin.take().expect("a pipe").write_all(&ran.raw).expect("write");
    let sum = child.wait_with_output().expect("md5sum");
    assert_eq!(String::from_utf8_lossy(&sum.stdout), ran.stderr, "the same bytes");
}

#[test]
fn lines_of_a_mebibyte_come_whole_out_of_several_files() {
    let store = Store::new();
    let script = "for letter in a b c; do head -c 1048576 /dev/zero | tr '\\0' $letter; echo; done";
    store.ok(&["run", "--name", "long", "--log-opt", "max-size=500k", "--log-opt", "max-file=20", "box", "sh", "-c", script]);
    assert!(files(&directory(&store, "long")).len() > 4);
    let whole: String = ["a", "b", "c"].map(|letter| letter.repeat(1 << 20) + "\n").concat();
    assert!(store.tare(&["logs", "long"]).stdout == whole);
    assert!(store.tare(&["logs", "--tail", "1", "long"]).stdout == whole[2 * ((1 << 20) + 1)..]);
}

#[test]
fn a_killed_monitor_leaves_a_log_that_can_be_read_and_goes_on() {
    let store = Store::new();
    let script = "i=0; while :; do seq $i $((i + 9999)); i=$((i + 10000)); done";
    store.ok(&["create", "--name", "loud", "--log-opt", "max-size=30k", "--log-opt", "max-file=3", "box", "sh", "-c", script]);
    for attempt in 0..12 {
        store.ok(&["start", "loud"]);
        eventually("it writes", || files(&directory(&store, "loud")).len() == 3);
        std::thread::sleep(std::time::Duration::from_millis(attempt * 3));
        let monitor = store.inspect("loud")["State"]["MonitorPid"].as_i64().expect("MonitorPid");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(monitor).expect("a pid")), Signal::SIGKILL).expect("kill");
        eventually("it is lost", || store.state("loud") == "exited");
        // Readable, in order, and nothing but whole lines. What the killed one had begun to write is missing.
        let ran = store.tare(&["logs", "loud"]).expect_code(0);
        let seen = numbers(&ran.stdout);
        let breaks: Vec<_> = seen.windows(2).filter(|pair| pair[0] + 1 != pair[1]).collect();
        assert!(seen.len() > 300, "{} lines are kept", seen.len());
        assert!(breaks.len() <= 1 && breaks.iter().all(|pair| pair[1] < pair[0]), "only a new start begins anew: {breaks:?}");
        let last = seen.last().expect("a last line").to_string();
        assert_eq!(store.ok(&["logs", "--tail", "1", "loud"]), last);
    }
}

#[test]
fn a_follower_outlives_the_file_it_reads() {
    let store = Store::new();
    store.ok(&["run", "-di", "--name", "talk", "box", "sh", "-c", ON_DEMAND]);
    let mut writer = store.start(&["attach", "talk"]);
    let mut follower: Running = store.start(&["logs", "-f", "talk"]);
    writer.send("1 5\n");
    follower.expect("5\n");
    // As people do who want room on the disk.
    process::tool(&["truncate", "-s", "0", directory(&store, "talk").join("log").to_str().expect("utf-8")]).ok();
    writer.send("6 7\n");
    follower.expect("7\n");
    store.ok(&["kill", "talk"]);
    assert!(numbers(&follower.wait().expect_code(0).stdout).into_iter().eq(1..=7));
}
