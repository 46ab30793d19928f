//! Thousands of short lives in one container: no zombie stays, and neither its monitor nor its reaper grows.

use crate::common::{Store, eventually, rounds};

/// What could leak: descriptors, and memory of its own in kB.
fn holdings(pid: i32) -> (usize, u64) {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").count();
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("its memory");
    let dirty = text
        .lines()
        .filter_map(|line| line.strip_prefix("Private_Dirty:"))
        .filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    (descriptors, dirty.sum())
}

fn pids(store: &Store, name: &str) -> [i32; 2] {
    let state = &store.inspect(name)["State"];
    ["Pid", "MonitorPid"].map(|field| i32::try_from(state[field].as_i64().expect(field)).expect("a pid"))
}

fn assert_no_growth(before: &[(usize, u64)], after: &[(usize, u64)]) {
    for (before, after) in before.iter().zip(after) {
        assert_eq!(before.0, after.0, "descriptors (first process, monitor): {before:?}, then {after:?}");
        // A page or two may be touched for the first time.
        assert!(after.1 <= before.1 + 16, "kB (first process, monitor): {before:?}, then {after:?}");
    }
}

/// Nobody is left but those who must be there. What has just ended may be a zombie for a moment.
fn assert_alone(store: &Store, name: &str) {
    eventually("there are only reaper, sleep, sh, ls and wc", || {
        store.ok(&["exec", name, "sh", "-c", "ls -d /proc/[0-9]* | wc -l"]) == "5"
    });
}

#[test]
fn ten_thousand_orphans_leave_no_zombie() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "box", "sleep", "1000"]);
    store.ok(&["exec", "one", "/probe", "orphans", "100"]);
    let pids = pids(&store, "one");
    let before = pids.map(holdings);
    for _ in 0..10 {
        assert_eq!(store.ok(&["exec", "one", "/probe", "orphans", "1000"]), "zombies 0");
    }
    assert_no_growth(&before, &pids.map(holdings));
    assert_alone(&store, "one");
}

#[test]
fn a_thousand_execs_leave_nothing() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "box", "sleep", "1000"]);
    store.ok(&["exec", "one", "true"]);
    let pids = pids(&store, "one");
    let before = pids.map(holdings);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let count = rounds(1000).max(1000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < count {
                    store.tare(&["exec", "one", "/probe", "exit", "7"]).expect_code(7);
                }
            });
        }
    });
    assert_no_growth(&before, &pids.map(holdings));
    assert_alone(&store, "one");
}
