//! `logs`: what the container said, its two streams kept apart.

use crate::common::Store;

#[test]
fn the_streams_come_back_as_they_were() {
    let store = Store::new();
    store.ok(&["run", "--name", "talk", "box", "/probe", "write-lines", "3"]);
    let ran = store.tare(&["logs", "talk"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (0, "out 1\nout 2\nout 3\n", "err 1\nerr 2\nerr 3\n"),
        "{}",
        ran.story()
    );
}

#[test]
fn the_tail_counts_lines_of_both() {
    let store = Store::new();
    store.ok(&["run", "--name", "talk", "box", "/probe", "write-lines", "50", "1"]);
    let ran = store.tare(&["logs", "--tail", "4", "talk"]);
    assert_eq!(ran.stdout.lines().count() + ran.stderr.lines().count(), 4, "{}", ran.story());
    assert!(ran.stderr.ends_with("err 50\n"), "{}", ran.story());
    let all = store.tare(&["logs", "--tail", "all", "talk"]);
    assert_eq!(all.stdout.lines().count(), 50);
    assert_eq!(store.tare(&["logs", "-n", "0", "talk"]).stdout, "");
}

#[test]
fn times_are_put_before_lines() {
    let store = Store::new();
    store.ok(&["run", "--name", "talk", "box", "echo", "hello"]);
    let text = store.ok(&["logs", "-t", "talk"]);
    let (time, rest) = text.split_once(' ').expect("a time and a text");
    assert_eq!(rest, "hello");
    assert!(crate::common::parse_time(time) && time.ends_with('Z') && time.contains('.'), "{time}");
}

#[test]
fn follow_goes_on_until_the_end() {
    let store = Store::new();
    store.ok(&["run", "-d", "-i", "--name", "talk", "box", "sh", "-c", "echo first; read x; echo second; sleep 0.2; echo third"]);
    let mut following = store.start(&["logs", "-f", "talk"]);
    following.expect("first");
    assert!(!following.is_over());
    let mut attached = store.start(&["attach", "talk"]);
    attached.send("go\n");
    following.expect("third");
    assert_eq!(following.wait().expect_code(0).stdout, "first\nsecond\nthird\n");
}

#[test]
fn bytes_and_unfinished_lines_are_kept() {
    let store = Store::new();
    store.ok(&["run", "--name", "bytes", "box", "printf", "a\\000b\\377c\\r\\nno end"]);
    assert_eq!(store.tare(&["logs", "bytes"]).raw, b"a\0b\xffc\r\nno end");
}

#[test]
fn a_long_line_comes_whole() {
    let store = Store::new();
    store.ok(&["run", "--name", "long", "box", "sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo"]);
    let ran = store.tare(&["logs", "long"]);
    assert_eq!(ran.raw.len(), 300_001);
    let ran = store.tare(&["logs", "--tail", "1", "long"]);
    assert_eq!(ran.raw.len(), 300_001);
}

#[test]
fn logs_of_a_second_run_are_added() {
    let store = Store::new();
    store.ok(&["run", "--name", "twice", "box", "echo", "once"]);
    store.ok(&["start", "-a", "twice"]);
    assert_eq!(store.ok(&["logs", "twice"]), "once\nonce");
}

#[test]
fn a_container_that_never_ran_said_nothing() {
    let store = Store::new();
    store.ok(&["create", "--name", "mute", "box"]);
    assert_eq!(store.ok(&["logs", "mute"]), "");
    assert_eq!(store.ok(&["logs", "-f", "mute"]), "");
}
