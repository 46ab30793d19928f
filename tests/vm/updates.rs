//! `update`: limits that are changed hold from then on, in the group, over a new start, and in what is shown.

use super::{group, limit, store};
use crate::common::Store;
use nix::mount::{MsFlags, mount, umount};
use serde_json::{Value, json};

fn resting(store: &Store, name: &str) {
    store.ok(&["stop", "-t", "0", name]);
}

fn config(store: &Store, name: &str) -> std::path::PathBuf {
    let id = store.inspect(name)["Id"].as_str().expect("an id").to_string();
    store.root.join("container").join(id).join("config.json")
}

#[test]
fn what_is_changed_bites_and_stays() {
    let Some(store) = store() else { return };
    store.ok(&["run", "-d", "--name", "web", "--cpus", "1", "box", "sleep", "1000"]);
    assert_eq!(store.ok(&["exec", "web", "/probe", "eat-memory", "100"]), "ate 100 MB");
    assert_eq!(store.ok(&["update", "-m", "32m", "--memory-swap", "32m", "--pids-limit", "12", "--cpu-shares", "512", "web"]), "web");
    store.tare(&["exec", "web", "/probe", "eat-memory", "100"]).expect_code(137);
    let told = store.ok(&["exec", "web", "/probe", "fork-until-error", "100"]);
    assert!(told.ends_with("EAGAIN"), "{told}");
    let check = |when: &str| {
        let limits = ["memory.max", "memory.swap.max", "pids.max", "cpu.max"].map(|file| limit(&store, "web", file));
        assert_eq!(limits, [(32u64 << 20).to_string().as_str(), "0", "12", "100000 100000"], "{when}");
        let host = &store.inspect("web")["HostConfig"];
        let shown = [&host["Memory"], &host["MemorySwap"], &host["PidsLimit"], &host["CpuShares"], &host["NanoCpus"]];
        assert_eq!(shown, [&json!(32 << 20), &json!(32 << 20), &json!(12), &json!(512), &json!(1_000_000_000)], "{when}: {host}");
    };
    check("at once");
    resting(&store, "web");
    store.ok(&["start", "web"]);
    check("after a new start");
    // Processors are given in one of two ways, and the later wish counts.
    store.ok(&["update", "--cpu-quota", "20000", "--cpu-period", "50000", "web"]);
    assert_eq!(limit(&store, "web", "cpu.max"), "20000 50000");
    assert_eq!(store.inspect("web")["HostConfig"]["NanoCpus"], 0);
}

#[test]
fn what_is_taken_back_limits_no_more() {
    let Some(store) = store() else { return };
    let flags = ["-m", "32m", "--memory-swap", "32m", "--cpu-shares", "512", "--memory-reservation", "16m", "--cpuset-cpus", "0"];
    store.ok(&[&["run", "-d", "--name", "web"], &flags[..], &["box", "sleep", "1000"]].concat());
    let back = ["-m", "0", "--memory-swap", "0", "--cpu-shares", "0", "--memory-reservation", "0", "--cpuset-cpus", ""];
    store.ok(&[&["update"], &back[..], &["web"]].concat());
    let limits = ["memory.max", "memory.low", "cpu.weight", "cpuset.cpus"].map(|file| limit(&store, "web", file));
    let above = std::fs::read_to_string(group(&store, "web").with_file_name("cpuset.cpus.effective")).expect("a set");
    assert_eq!(limits, ["max", "0", "100", above.trim()]);
    assert_eq!(store.ok(&["exec", "web", "/probe", "eat-memory", "100"]), "ate 100 MB");
    assert_eq!(store.inspect("web")["HostConfig"]["Memory"], 0);
}

#[test]
fn one_that_rests_starts_with_what_it_was_given_meanwhile() {
    let Some(store) = store() else { return };
    store.ok(&["create", "--name", "web", "-m", "64m", "box", "sleep", "1000"]);
    let before = std::fs::read(config(&store, "web")).expect("config.json");
    store.ok(&["update", "-m", "128m", "--pids-limit", "20", "web"]);
    store.ok(&["start", "web"]);
    let limits = ["memory.max", "memory.swap.max", "pids.max"].map(|file| limit(&store, "web", file));
    assert_eq!(limits, [(128u64 << 20).to_string(), (128u64 << 20).to_string(), "20".to_string()]);
    // Whoever is killed between the two writes leaves a config.json that the record does not agree with.
    resting(&store, "web");
    std::fs::write(config(&store, "web"), before).expect("config.json");
    store.ok(&["start", "web"]);
    assert_eq!(limit(&store, "web", "memory.max"), (128u64 << 20).to_string(), "what is shown is what holds");
}

#[test]
fn all_or_nothing() {
    let Some(store) = store() else { return };
    let parent = format!("/narrow{}", std::process::id());
    let flags = ["--cgroup-parent", &parent, "-m", "64m", "--pids-limit", "20", "--cpuset-cpus", "0"];
    store.ok(&[&["run", "-d", "--name", "web"], &flags[..], &["box", "sleep", "1000"]].concat());
    let above = group(&store, "web").parent().expect("a group above").to_owned();
    let file = config(&store, "web");
    // The names of capabilities stand in another order each time it is written.
    let resources = || {
        let config: Value = serde_json::from_slice(&std::fs::read(&file).expect("config.json")).expect("JSON");
        config["linux"]["resources"].clone()
    };
    let before = resources();
    let unchanged = |what: &str| {
        let limits = ["memory.max", "memory.swap.max", "pids.max"].map(|file| limit(&store, "web", file));
        assert_eq!(limits, [(64u64 << 20).to_string(), (64u64 << 20).to_string(), "20".to_string()], "{what}");
        assert_eq!(store.inspect("web")["HostConfig"]["Memory"], 64 << 20, "{what}");
        assert_eq!(resources(), before, "{what}");
    };
    store.fails(1, &["update", "-m", "32m", "--cpuset-cpus", "4000", "web"]);
    unchanged("no such processor");
    store.refuses(&["update", "-m", "32m", "--memory-swap", "16m", "web"]);
    unchanged("less of both together than of one");
    // The group above has one processor only, which the kernel tells when memory is limited already.
    std::fs::write(above.join("cpuset.cpus"), "0").expect("cpuset.cpus");
    let error = store.fails(1, &["update", "-m", "32m", "--cpuset-cpus", "0-1", "web"]);
    assert!(error.contains("cpuset.cpus"), "{error}");
    unchanged("a processor that is not handed down");
    store.ok(&["run", "-d", "--name", "free", "--cgroup-parent", &parent, "-m", "64m", "box", "sleep", "1000"]);
    store.fails(1, &["update", "--cpuset-cpus", "0-1", "free"]);
    assert!(["", "0"].contains(&limit(&store, "free", "cpuset.cpus").as_str()), "all that the group above has");
    // Nothing can be renamed to where something is mounted.
    for name in ["config.json", "container.json"] {
        let place = file.with_file_name(name);
        mount(Some(&place), &place, None::<&str>, MsFlags::MS_BIND, None::<&str>).expect("a mount");
        let ran = store.tare(&["update", "-m", "32m", "web"]);
        umount(&place).expect("unmount");
        assert_eq!(ran.code, 1, "{}", ran.story());
        unchanged(name);
    }
    store.ok(&["update", "-m", "32m", "web"]);
    assert_eq!(limit(&store, "web", "memory.max"), (32u64 << 20).to_string());
}
