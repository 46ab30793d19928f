//! Memory: what ends a container that takes too much, what is swapped out, and what is kept for it.

use super::{group, limit, store};
use crate::common::{Store, cgroup2, eventually, process};
use std::path::Path;

#[test]
fn memory_swap_minus_one_is_without_end() {
    let Some(store) = store() else { return };
    store.ok(&["run", "-d", "--name", "swapper", "-m", "64m", "--memory-swap", "-1", "box", "sleep", "1000"]);
    assert_eq!(limit(&store, "swapper", "memory.swap.max"), "max");
    store.ok(&["run", "-d", "--name", "plain", "-m", "64m", "box", "sleep", "1000"]);
    assert_eq!(limit(&store, "plain", "memory.swap.max"), (64 << 20).to_string(), "as much swap again as memory, as docker does");
}

#[test]
fn the_memory_limit_kills_and_it_is_told() {
    let Some(store) = store() else { return };
    let ran = store.tare(&["run", "--name", "greedy", "-m", "32m", "--memory-swap", "32m", "box", "/probe", "eat-memory", "200"]);
    assert_eq!(ran.code, 137, "{}", ran.story());
    assert!(!ran.stdout.contains("ate"), "{}", ran.story());
    let state = &store.inspect("greedy")["State"];
    assert_eq!((&state["OOMKilled"], &state["ExitCode"]), (&true.into(), &137.into()), "{state}");
    let row = store.ok(&["ps", "-a", "--format", "{{.Status}}"]);
    assert!(row.contains("137") && row.to_lowercase().contains("memory"), "ps tells that memory was the reason: {row}");
    let why = store.ok(&["why", "greedy"]);
    assert!(why.contains("it ran out of memory") && why.contains("limit  32MiB (--memory)"), "{why}");
    assert!(why.contains("try: tare update --memory 64m --memory-swap 64m greedy"), "{why}");
    // The kernel tells the peak since 5.19; it is the limit, up to some pages.
    let peak = state_of_why(&store, "greedy");
    assert!(peak.is_none_or(|peak| (24 << 20..=32 << 20).contains(&peak)), "{peak:?}");
    assert_eq!(store.ok(&["run", "--rm", "-m", "64m", "box", "/probe", "eat-memory", "20"]), "ate 20 MB");
    let ran = store.tare(&["run", "--name", "other", "-m", "64m", "box", "/probe", "signal-self", "9"]);
    assert_eq!(ran.code, 137);
    assert_eq!(store.inspect("other")["State"]["OOMKilled"], false, "137 alone is no want of memory");
}

fn state_of_why(store: &Store, name: &str) -> Option<u64> {
    store.ok(&["why", "--format", "{{.LastEnd.MemoryPeak}}", name]).parse().ok()
}

#[test]
fn a_child_killed_for_memory_does_not_end_the_container() {
    let Some(store) = store() else { return };
    let ran = store.tare(&[
        "run",
        "--rm",
        "-m",
        "32m",
        "--memory-swap",
        "32m",
        "box",
        "sh",
        "-c",
        "/probe eat-memory 200; echo child ended with $?",
    ]);
    assert!(ran.code == 0 && ran.stdout.contains("child ended with 137"), "{}", ran.story());
}

#[test]
fn want_of_memory_inside_is_nobody_else_s() {
    let Some(store) = store() else { return };
    store.ok(&["run", "-d", "--name", "bystander", "-m", "32m", "box", "sleep", "1000"]);
    for round in 0..3 {
        let name = format!("greedy{round}");
        let ran = store.tare(&["run", "--name", &name, "-m", "16m", "--memory-swap", "16m", "box", "/probe", "eat-memory", "500"]);
        assert_eq!(ran.code, 137, "{}", ran.story());
        assert_eq!(store.inspect(&name)["State"]["OOMKilled"], true);
    }
    assert_eq!(store.state("bystander"), "running");
    assert_eq!(store.ok(&["exec", "bystander", "echo", "alive"]), "alive");
    assert!(limit(&store, "bystander", "memory.events").contains("oom_kill 0"));
}

#[test]
fn a_score_may_be_lowered_by_who_may() {
    let Some(store) = store() else { return };
    assert_eq!(store.ok(&["run", "--rm", "--oom-score-adj", "-500", "box", "cat", "/proc/self/oom_score_adj"]), "-500");
    assert_eq!(store.ok(&["run", "--rm", "--oom-score-adj", "900", "box", "cat", "/proc/self/oom_score_adj"]), "900");
}

/// A file to swap to, for as long as this lives.
struct Swap(std::path::PathBuf);

impl Swap {
    fn on(store: &Store) -> Swap {
        let file = store.dir.join("swap");
        let name = file.to_str().expect("utf-8");
        // Written out: the kernel swaps to no file with holes.
        process::tool(&["dd", "if=/dev/zero", &format!("of={name}"), "bs=1M", "count=96"]).ok();
        process::tool(&["chmod", "600", name]).ok();
        process::tool(&["mkswap", name]).ok();
        process::tool(&["swapon", name]).ok();
        Swap(file)
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        process::tool(&["swapoff", self.0.to_str().expect("utf-8")]);
    }
}

#[test]
fn swap_takes_what_memory_does_not_and_no_more() {
    let Some(store) = store() else { return };
    if !Path::new("/proc/swaps").exists() {
        let _ = crate::common::cannot("this kernel does not swap");
        return;
    }
    let _swap = Swap::on(&store);
    let eat = |both: &str, megabytes: &str| {
        store.tare(&["run", "--rm", "-m", "16m", "--memory-swap", both, "box", "/probe", "eat-memory", megabytes])
    };
    assert_eq!(eat("64m", "40").ok(), "ate 40 MB", "16 MB of memory and 48 of swap hold 40");
    assert_eq!(eat("64m", "90").code, 137, "but not 90, although the machine could swap them");
    assert_eq!(eat("16m", "40").code, 137, "the same number twice is no swap at all");
    let words = ["--name", "eater", "-m", "16m", "--memory-swap", "64m", "box", "/probe", "eat-memory", "40", "1000000"];
    store.ok(&[&["run", "-d"], &words[..]].concat());
    eventually("it has eaten", || store.ok(&["logs", "eater"]).contains("ate 40 MB"));
    let used: u64 = limit(&store, "eater", "memory.swap.current").parse().expect("a number");
    assert!((20 << 20..=48 << 20).contains(&used), "{used} bytes of swap are used");
    store.ok(&["kill", "eater"]);
    store.ok(&["wait", "eater"]);
}

#[test]
fn what_is_kept_for_a_container_is_known_to_the_group_above() {
    let Some(store) = store() else { return };
    let above = || std::fs::read_to_string(group(&store, "first").parent().expect("a group").join("memory.low")).expect("memory.low");
    let promised = || above().trim().parse::<u64>().expect("a number");
    store.ok(&["run", "-d", "--name", "first", "--memory-reservation", "24m", "box", "sleep", "1000"]);
    assert_eq!(limit(&store, "first", "memory.low"), (24 << 20).to_string());
    assert_eq!(store.inspect("first")["HostConfig"]["MemoryReservation"], 24 << 20);
    // Others may run beside this test, but none of them with a reservation.
    assert_eq!(promised(), 24 << 20);
    store.ok(&["run", "-d", "--name", "second", "--memory-reservation", "8m", "-m", "16m", "box", "sleep", "1000"]);
    assert_eq!(promised(), 32 << 20);
    store.ok(&["rm", "-f", "second"]);
    eventually("the promise is taken back", || promised() == 24 << 20);
    let error = store.fails(125, &["run", "--rm", "--memory-reservation", "32m", "-m", "16m", "box", "true"]);
    assert!(error.contains("--memory-reservation is larger than --memory"), "{error}");
}

/// How much of 40 MB that a container has read stays in memory, while another one reads much more in the same small group.
fn left_under_pressure(store: &Store, name: &str, flags: &[&str]) -> u64 {
    let top = cgroup2().expect("a cgroup2 mount").0;
    let parent = format!("tare-squeeze-{name}");
    let squeezed = top.join(&parent);
    std::fs::create_dir(&squeezed).expect("a group");
    std::fs::write(squeezed.join("memory.max"), (80 << 20).to_string()).expect("memory.max");
    // Files that are holes are read without a disk, and lie in memory like any other.
    for (file, length) in [("small", 40), ("large", 300)] {
        let file = std::fs::File::create(store.dir.join(format!("{file}-{name}"))).expect("a file");
        file.set_len(length << 20).expect("its length");
    }
    let volume = format!("{}:/data:ro", store.dir.display());
    let words = [&["run", "-d", "--name", name, "--cgroup-parent", &parent, "-m", "80m", "-v", &volume], flags].concat();
    let script = format!("cat /data/small-{name} >/dev/null; echo read; sleep 10000");
    store.ok(&[&words[..], &["box", "sh", "-c", &script]].concat());
    eventually("it has read", || store.ok(&["logs", name]).contains("read"));
    let large = format!("/data/large-{name}");
    store.ok(&["run", "--rm", "--cgroup-parent", &parent, "-v", &volume, "box", "sh", "-c", &format!("cat {large} >/dev/null")]);
    let left = limit(store, name, "memory.current").parse().expect("a number");
    store.ok(&["rm", "-f", name]);
    eventually("the group is empty", || std::fs::remove_dir(&squeezed).is_ok());
    left
}

#[test]
fn what_is_kept_for_a_container_stays_when_others_want_it() {
    let Some(store) = store() else { return };
    let kept = left_under_pressure(&store, "kept", &["--memory-reservation", "50m"]);
    let open = left_under_pressure(&store, "open", &[]);
    assert!(kept > 38 << 20, "of 40 MB that were reserved {kept} bytes are left");
    assert!(open < kept * 3 / 4, "without a reservation {open} bytes are left, with one {kept}");
}
