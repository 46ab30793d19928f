//! Processors: how much of them, and which.

use super::{limit, store};
use crate::common::{Store, cannot, cgroup2, eventually};

/// A number of cpu.stat.
fn counted(store: &Store, name: &str, what: &str) -> u64 {
    let text = limit(store, name, "cpu.stat");
    let number = text.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(' ')).and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("no {what} in:\n{text}"))
}

#[test]
fn the_cpu_limit_throttles() {
    let Some(store) = store() else { return };
    store.ok(&["run", "-d", "--name", "hot", "--cpus", "0.2", "box", "/probe", "burn-cpu", "1000"]);
    let throttled = || {
        let text = limit(&store, "hot", "cpu.stat");
        text.lines().find_map(|line| line.strip_prefix("nr_throttled ")).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    eventually("cpu.stat counts that it was throttled", || throttled() >= 3);
    store.ok(&["kill", "hot"]);
}

#[test]
fn a_quota_throttles_as_much_as_it_says() {
    let Some(store) = store() else { return };
    store.ok(&["run", "-d", "--name", "tenth", "--cpu-quota", "5000", "--cpu-period", "50000", "box", "/probe", "burn-cpu", "1000"]);
    store.ok(&["run", "-d", "--name", "free", "--cpu-quota", "-1", "box", "/probe", "burn-cpu", "1000"]);
    assert_eq!((limit(&store, "tenth", "cpu.max").as_str(), limit(&store, "free", "cpu.max").as_str()), ("5000 50000", "max 100000"));
    let (tenth, free) = (counted(&store, "tenth", "usage_usec"), counted(&store, "free", "usage_usec"));
    eventually("the free one has used two seconds", || counted(&store, "free", "usage_usec") > free + 2_000_000);
    let (tenth, free) = (counted(&store, "tenth", "usage_usec") - tenth, counted(&store, "free", "usage_usec") - free);
    assert!(tenth < free / 2, "a tenth of a processor did {tenth} µs of work while a whole one did {free}");
    assert!(counted(&store, "tenth", "nr_throttled") > 0);
    let host = &store.inspect("tenth")["HostConfig"];
    assert_eq!((&host["CpuQuota"], &host["CpuPeriod"]), (&5000.into(), &50_000.into()));
    store.ok(&["kill", "tenth", "free"]);
}

#[test]
fn a_period_alone_is_kept() {
    let Some(store) = store() else { return };
    store.ok(&["run", "-d", "--name", "plain", "--cpu-period", "50000", "box", "sleep", "1000"]);
    assert_eq!(limit(&store, "plain", "cpu.max"), "max 50000");
    for contradiction in [&["--cpus", "1", "--cpu-quota", "50000"][..], &["--cpus", "1", "--cpu-period", "50000"]] {
        let error = store.fails(125, &[&["run", "--rm"], contradiction, &["box", "true"]].concat());
        assert!(error.contains("--cpus") && error.contains("--cpu-quota"), "{error}");
    }
}

#[test]
fn only_the_processors_that_were_named() {
    let Some(store) = store() else { return };
    let last = std::thread::available_parallelism().expect("processors").get() - 1;
    let last = last.to_string();
    store.ok(&["run", "-d", "--name", "one", "--cpuset-cpus", &last, "--cpuset-mems", "0", "box", "sleep", "1000"]);
    assert_eq!((limit(&store, "one", "cpuset.cpus"), limit(&store, "one", "cpuset.cpus.effective")), (last.clone(), last.clone()));
    assert_eq!(limit(&store, "one", "cpuset.mems"), "0");
    // Seen by the first process, by one that enters, and by a program that counts.
    let status = std::fs::read_to_string(format!("/proc/{}/status", store.pid("one"))).expect("status");
    assert!(status.contains(&format!("Cpus_allowed_list:\t{last}\n")), "{status}");
    let seen = store.ok(&["exec", "one", "sh", "-c", "nproc; grep Mems_allowed_list /proc/self/status"]);
    assert_eq!(seen, "1\nMems_allowed_list:\t0");
    let host = &store.inspect("one")["HostConfig"];
    assert_eq!((&host["CpusetCpus"], &host["CpusetMems"]), (&last.as_str().into(), &"0".into()));
    let error = store.fails(125, &["run", "--rm", "--cpuset-cpus", "0-500", "box", "true"]);
    assert!(error.contains("no processor") && error.contains("this machine has 0"), "{error}");
}

#[test]
fn processors_that_the_group_above_does_not_have_are_not_left_out_in_silence() {
    let Some(store) = store() else { return };
    if std::thread::available_parallelism().expect("processors").get() < 2 {
        let _ = cannot("this machine has one processor only");
        return;
    }
    let top = cgroup2().expect("a cgroup2 mount").0;
    let parent = format!("tare-first-{}", std::process::id());
    std::fs::create_dir(top.join(&parent)).expect("a group");
    std::fs::write(top.join(&parent).join("cpuset.cpus"), "0").expect("cpuset.cpus");
    let run = |list: &str| store.tare(&["run", "--rm", "--cgroup-parent", &parent, "--cpuset-cpus", list, "box", "nproc"]);
    let (first, both) = (run("0"), run("0-1"));
    eventually("the group is empty", || std::fs::remove_dir(top.join(&parent)).is_ok());
    assert_eq!(first.ok(), "1");
    assert_eq!(both.code, 125, "{}", both.story());
    assert!(both.stderr.contains("cpuset.cpus.effective"), "{}", both.stderr);
}
