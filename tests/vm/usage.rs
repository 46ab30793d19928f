//! `stats` where groups count memory, tasks and disks themselves, and what `events` tells of want of memory.

use super::{group, store};
use crate::common::eventually;
use serde_json::Value;

#[test]
fn what_the_group_counts_is_shown() {
    let Some(store) = store() else { return };
    let flags = ["-m", "64m", "--memory-swap", "64m", "--pids-limit", "30"];
    store.ok(&[&["run", "-d", "--name", "eater"], &flags[..], &["box", "/probe", "eat-memory", "32", "1000000"]].concat());
    eventually("it has eaten", || store.ok(&["logs", "eater"]).contains("ate 32"));
    let look: Value = serde_json::from_str(&store.ok(&["stats", "--no-stream", "--format", "json", "eater"])).expect("JSON");
    let memory = look["MemUsage"].as_str().expect("text");
    let (used, limit) = memory.split_once("MiB / ").unwrap_or_else(|| panic!("{look}"));
    assert!((32.0..40.0).contains(&used.parse::<f64>().expect("a number")) && limit == "64MiB", "{look}");
    let percent: f64 = look["MemPerc"].as_str().and_then(|text| text.strip_suffix('%')?.parse().ok()).expect("a number");
    assert!((50.0..63.0).contains(&percent), "{look}");
    let tasks = std::fs::read_to_string(group(&store, "eater").join("pids.current")).expect("pids.current");
    assert_eq!(look["PIDs"].as_str(), Some(tasks.trim()), "{look}");

    // Files that were read are in memory too, and are not counted as long as nobody comes back to them.
    store.ok(&["exec", "eater", "sh", "-c", "dd if=/dev/zero of=/big bs=1M count=16 2>/dev/null; sync; cat /big >/dev/null"]);
    let later: Value = serde_json::from_str(&store.ok(&["stats", "--no-stream", "--format", "json", "eater"])).expect("JSON");
    let used: f64 = later["MemUsage"].as_str().and_then(|text| text.split_once("MiB")?.0.parse().ok()).unwrap_or_else(|| panic!("{later}"));
    let current: f64 =
        std::fs::read_to_string(group(&store, "eater").join("memory.current")).expect("memory.current").trim().parse().expect("a number");
    assert!(used < 50.0 && current / 1_048_576.0 > used, "{later}, and {current} bytes in all");
}

#[test]
fn want_of_memory_is_an_event() {
    let Some(store) = store() else { return };
    let ran = store.tare(&["run", "--name", "greedy", "-m", "32m", "--memory-swap", "32m", "box", "/probe", "eat-memory", "200"]);
    assert_eq!(ran.code, 137, "{}", ran.story());
    let told = store.ok(&["events", "--since", "0", "--until", "0s", "--format", "{{.Action}}", "-f", "container=greedy"]);
    assert_eq!(told.lines().collect::<Vec<_>>(), ["create", "attach", "start", "oom", "die"]);
}
