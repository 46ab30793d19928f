//! `stats`: what containers use, as others count it too, again and again until nobody looks any more.

use crate::common::terminal::CTRL_C;
use crate::common::{Store, eventually};
use serde_json::Value;

/// One look at one container.
fn look(store: &Store, name: &str) -> Value {
    let text = store.ok(&["stats", "--no-stream", "--format", "json", name]);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("no JSON ({e}):\n{text}"))
}

fn percent(look: &Value, field: &str) -> f64 {
    look[field].as_str().and_then(|text| text.strip_suffix('%')?.parse().ok()).unwrap_or_else(|| panic!("{look}"))
}

/// The first of `1.5MiB / 2GiB`, in bytes.
fn used(look: &Value, field: &str) -> f64 {
    let text = look[field].as_str().and_then(|text| text.split(" / ").next()).unwrap_or_else(|| panic!("{look}"));
    let end = text.find(|letter: char| letter.is_ascii_alphabetic()).expect("a unit");
    let unit = match &text[end..] {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        other => panic!("{other} in {look}"),
    };
    text[..end].parse::<f64>().expect("a number") * unit
}

#[test]
fn who_is_busy_and_who_is_not() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "busy", "box", "sh", "-c", "while :; do :; done"]);
    let id = store.ok(&["run", "-d", "--name", "lazy", "box", "sleep", "1000"]);
    let (busy, lazy) = (look(&store, "busy"), look(&store, "lazy"));
    assert!(percent(&busy, "CPUPerc") > 1.0 && percent(&busy, "CPUPerc") < 130.0, "{busy}");
    assert!(percent(&lazy, "CPUPerc") < 1.0, "{lazy}");
    assert_eq!((lazy["Name"].as_str(), lazy["Container"].as_str(), lazy["ID"].as_str()), (Some("lazy"), Some("lazy"), Some(&id[..12])));
    assert_eq!((lazy["NetIO"].as_str(), lazy["PIDs"].as_str()), (Some("0B / 0B"), Some("2")), "a reaper and its command: {lazy}");
    let memory = std::fs::read_to_string("/proc/meminfo").expect("meminfo");
    let total: f64 = memory.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number");
    let gibibytes = format!("{:.1}", total / 1_048_576.0);
    assert!(
        lazy["MemUsage"]
            .as_str()
            .expect("text")
            .split(" / ")
            .nth(1)
            .is_some_and(|limit| limit.starts_with(&gibibytes[..gibibytes.len() - 1])),
        "{lazy}"
    );
}

#[test]
fn memory_files_and_processes_are_counted() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "eater", "box", "/probe", "eat-memory", "50", "1000000"]);
    eventually("it has eaten", || store.ok(&["logs", "eater"]).contains("ate 50"));
    let eater = look(&store, "eater");
    let memory = used(&eater, "MemUsage");
    assert!((50.0..58.0).contains(&(memory / 1_048_576.0)), "{eater}");
    assert!(percent(&eater, "MemPerc") > 0.0, "{eater}");

    store.ok(&["run", "-d", "--name", "crowd", "box", "sh", "-c", "for i in 1 2 3 4 5; do sleep 1000 & done; wait"]);
    eventually("all are there", || look(&store, "crowd")["PIDs"] == "7");
    // What was written by somebody who has ended counts with who waited for him.
    store.ok(&[
        "run",
        "-d",
        "--name",
        "writer",
        "box",
        "sh",
        "-c",
        "dd if=/dev/zero of=/big bs=1M count=8 2>/dev/null; sync; echo done; sleep 1000",
    ]);
    eventually("it has written", || store.ok(&["logs", "writer"]).contains("done"));
    let writer = look(&store, "writer");
    let written = writer["BlockIO"].as_str().expect("text").split(" / ").nth(1).expect("two numbers").to_string();
    let on_disk = std::fs::metadata(&store.root).is_ok() && !crate::common::in_vm();
    assert!(written.ends_with("MB") || !on_disk, "{writer}");
}

#[test]
fn the_columns_are_docker_s() {
    let store = Store::new();
    store.ok(&["create", "--name", "rest", "box", "true"]);
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    let table = store.ok(&["stats", "--no-stream"]);
    let (heading, rows) = table.split_once('\n').expect("a row");
    assert!(heading.split("  ").map(str::trim).filter(|word| !word.is_empty()).eq([
        "CONTAINER ID",
        "NAME",
        "CPU %",
        "MEM USAGE / LIMIT",
        "MEM %",
        "NET I/O",
        "BLOCK I/O",
        "PIDS"
    ]));
    assert!(rows.lines().count() == 1 && rows.contains("web"), "{table}");
    let names = |words: &[&str]| store.ok(&[&["stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}"], words].concat());
    assert_eq!(names(&["-a"]), "web 2\nrest 0");
    assert_eq!(names(&["rest", "web"]), "rest 0\nweb 2", "in the order in which they were named");
    let id = store.ok(&["stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.Container}}", "web"]);
    assert!(id.len() == 64 + 4 && id.ends_with(" web"), "{id}");
}

#[test]
fn errors_come_before_the_first_look() {
    let store = Store::new();
    assert!(store.fails(1, &["stats", "nosuch"]).contains("no such container: nosuch"));
    store.refuses(&["stats", "--format", "{{.Nope"]);
    store.refuses(&["stats", "--format", "{{.Nope"]);
    assert!(store.ok(&["stats", "--no-stream"]).starts_with("CONTAINER ID"), "of nobody there is a heading");
}

#[test]
fn rounds_go_on_until_nobody_reads() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "old", "box", "sleep", "1000"]);
    let mut rounds = store.start(&["stats", "--format", "{{.Name}}"]);
    rounds.expect("old");
    store.ok(&["run", "-d", "--name", "young", "box", "sleep", "1000"]);
    rounds.expect("young\nold");
    store.ok(&["rm", "-f", "old"]);
    rounds.expect("young\nyoung\n");
    assert!(!rounds.is_over());
    // All that were asked for are gone.
    let of_one = store.start(&["stats", "--format", "json", "young"]);
    store.ok(&["rm", "-f", "young"]);
    of_one.wait().expect_code(0);
    let mut pipeline = store.start_script("tare stats | head -n 1; echo over");
    pipeline.expect("over");
    pipeline.wait().expect_code(0);
}

#[test]
fn on_a_terminal_the_table_stands_still() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "old", "box", "sleep", "1000"]);
    let mut person = store.terminal(&["stats"]);
    let before = person.settings();
    person.expect("old");
    person.expect("\x1b[H");
    store.ok(&["run", "-d", "--name", "young", "box", "sleep", "1000"]);
    person.expect("young");
    store.ok(&["rm", "-f", "old"]);
    person.expect("young");
    person.expect("\x1b[H");
    // Each round is painted over the last one, to the end of each line and of the screen.
    let mut round = person.expect("\x1b[H");
    // Rounds that were painted meanwhile were not read yet.
    for _ in 0..20 {
        if round.contains("old") {
            round = person.expect("\x1b[H");
        }
    }
    assert!(!round.contains("\x1b[2J") && !round.contains("old"), "{round:?}");
    assert!(round.contains("PIDS\x1b[K\r\n") && round.ends_with("\x1b[K\r\n\x1b[J"), "{round:?}");
    person.resize(2, 200);
    person.expect("\x1b[2J");
    person.expect("… and 2 more");
    person.send(CTRL_C);
    assert_eq!(person.wait(), 130);
    assert_eq!(person.settings(), before);
}
