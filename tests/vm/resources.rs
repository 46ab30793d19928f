//! `linux.resources` of a bundle, and `update`: what is written to the group's files, and what it does to the processes.

use super::bundle::Bundle;
use crate::common::{cannot, cgroup2, eventually, has_controllers, in_vm};
use serde_json::{Value, json};
use std::path::PathBuf;

/// A bundle that sleeps, with these resources; says why not where no limit can be kept.
fn bundle(resources: Value) -> Option<Bundle> {
    if !has_controllers() {
        assert!(!in_vm(), "this machine was made for cgroup v2, and has no memory, cpu and pids controllers");
        let _ = cannot("this host keeps its controllers in cgroup v1; scripts/vm runs these tests");
        return None;
    }
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.config["linux"]["resources"] = resources;
    bundle.write();
    Some(bundle)
}

fn started(resources: Value) -> Option<Bundle> {
    let bundle = bundle(resources)?;
    bundle.call(&["run", "--detach", "one"]);
    Some(bundle)
}

fn file(bundle: &Bundle, name: &str) -> String {
    let path = bundle.group().expect("a group").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).trim().to_owned()
}

fn files(bundle: &Bundle, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| file(bundle, name)).collect()
}

/// `update` by a file with this.
fn update(bundle: &Bundle, resources: &Value) {
    std::fs::write(bundle.dir.join("update.json"), resources.to_string()).expect("a file");
    bundle.call(&["update", "-r", "update.json", "one"]);
}

const LIMITS: [&str; 6] = ["memory.max", "memory.swap.max", "memory.low", "cpu.weight", "cpu.max", "pids.max"];

#[test]
fn the_spec_s_numbers_become_those_of_cgroup_v2() {
    let Some(bundle) = started(json!({
        "memory": {"limit": 64 << 20, "swap": 96 << 20, "reservation": 16 << 20, "checkBeforeUpdate": true, "kernel": -1},
        "cpu": {"shares": 1024, "quota": 50_000, "period": 100_000, "burst": 20_000, "cpus": "0", "mems": "0"},
        "pids": {"limit": 50},
        "unified": {"memory.high": "33554432", "cgroup.max.descendants": "5"},
    })) else {
        return;
    };
    assert_eq!(files(&bundle, &LIMITS), ["67108864", "33554432", "16777216", "100", "50000 100000", "50"]);
    assert_eq!(files(&bundle, &["cpu.max.burst", "cpuset.cpus", "cpuset.mems"]), ["20000", "0", "0"]);
    assert_eq!(files(&bundle, &["memory.high", "cgroup.max.descendants"]), ["33554432", "5"]);
    assert_eq!(bundle.call(&["exec", "one", "cat", "/sys/fs/cgroup/memory.max"]), "67108864\n");
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn an_idle_container_gets_what_nobody_else_wants() {
    let Some(bundle) = started(json!({"cpu": {"idle": 1}})) else { return };
    assert_eq!(file(&bundle, "cpu.idle"), "1");
    bundle.call(&["update", "--cpu-idle", "0", "--cpu-share", "2048", "one"]);
    assert_eq!(file(&bundle, "cpu.idle"), "0");
    assert!(file(&bundle, "cpu.weight").parse::<u32>().expect("a number") > 100);
}

/// Runtime-spec 1.3: zero is a limit, -1 is none.
#[test]
fn a_pids_limit_of_zero_leaves_the_first_process_alone() {
    let Some(mut bundle) = bundle(json!({})) else { return };
    bundle.config["process"]["args"] = json!(["/probe", "fork-until-error", "3"]);
    bundle.config["linux"]["resources"] = json!({"pids": {"limit": 0}});
    let ran = bundle.run("tare");
    assert!(String::from_utf8_lossy(&ran.stdout).starts_with("forked 0 "), "{ran:?}");
    for none in [json!({"pids": {}}), json!({"pids": {"limit": -1}})] {
        bundle.config["linux"]["resources"] = none.clone();
        let ran = bundle.run("tare");
        assert!(String::from_utf8_lossy(&ran.stdout).starts_with("forked 3 "), "{none}: {ran:?}");
    }
    bundle.assert_nothing_left();
}

#[test]
fn a_process_dies_of_a_memory_limit_that_came_later() {
    let Some(bundle) = started(json!({})) else { return };
    assert_eq!(bundle.call(&["exec", "one", "/probe", "eat-memory", "60"]), "ate 60 MB\n");
    bundle.call(&["update", "--memory", "32m", "--memory-swap", "32m", "one"]);
    assert_eq!(bundle.try_call(&["exec", "one", "/probe", "eat-memory", "60"]).code, 137);
    bundle.call(&["update", "one", "--memory", "-1"]);
    assert_eq!(files(&bundle, &LIMITS[..2]), ["max", "max"]);
    assert_eq!(bundle.call(&["exec", "one", "/probe", "eat-memory", "60"]), "ate 60 MB\n");
}

#[test]
fn a_fork_fails_at_a_limit_that_came_later() {
    let Some(bundle) = started(json!({})) else { return };
    bundle.call(&["update", "--pids-limit", "5", "one"]);
    let told = bundle.try_call(&["exec", "one", "/probe", "fork-until-error", "20"]).out;
    assert!(told.trim_end().ends_with("EAGAIN"), "{told}");
    bundle.call(&["update", "--pids-limit=-1", "one"]);
    let told = bundle.try_call(&["exec", "one", "/probe", "fork-until-error", "20"]).out;
    assert!(told.starts_with("forked 20 "), "{told}");
}

#[test]
fn less_processor_time_is_felt_at_once() {
    let Some(mut bundle) = bundle(json!({})) else { return };
    bundle.config["process"]["args"] = json!(["sh", "-c", "while :; do :; done"]);
    bundle.write();
    bundle.call(&["run", "--detach", "one"]);
    let throttled = || file(&bundle, "cpu.stat").lines().any(|line| line.strip_prefix("nr_throttled ").is_some_and(|count| count != "0"));
    assert!(!throttled());
    bundle.call(&["update", "--cpu-quota", "10000", "--cpu-period", "100000", "one"]);
    eventually("it is throttled", throttled);
}

#[test]
fn each_option_changes_its_own_file() {
    let Some(bundle) = started(json!({"memory": {"limit": 64 << 20, "swap": 96 << 20}, "cpu": {"quota": 50_000, "period": 100_000}}))
    else {
        return;
    };
    bundle.call(&["update", "--cpu-period", "50000", "one"]);
    assert_eq!(file(&bundle, "cpu.max"), "50000 50000", "the quota stays");
    bundle.call(&["update", "--cpu-quota", "25000", "--cpu-burst", "10000", "one"]);
    assert_eq!(files(&bundle, &["cpu.max", "cpu.max.burst"]), ["25000 50000", "10000"]);
    bundle.call(&["update", "--cpu-burst", "4000", "--cpu-quota", "5000", "one"]);
    assert_eq!(files(&bundle, &["cpu.max", "cpu.max.burst"]), ["5000 50000", "4000"], "the burst shrinks before the quota");
    bundle.call(&["update", "--memory-swap", "128m", "one"]);
    assert_eq!(files(&bundle, &LIMITS[..2]), ["67108864", "67108864"], "128 MiB together, 64 of them memory");
    bundle.call(&["update", "--memory-reservation", "8m", "--cpuset-cpus", "0", "--cpuset-mems", "0", "one"]);
    assert_eq!(files(&bundle, &["memory.low", "cpuset.cpus", "cpuset.mems"]), ["8388608", "0", "0"]);
    bundle.call(&["update", "--memory", "1g", "--memory-swap", "-1", "one"]);
    assert_eq!(files(&bundle, &LIMITS[..2]), ["1073741824", "max"]);
}

#[test]
fn resources_come_from_a_file_or_from_the_input() {
    let Some(bundle) = started(json!({"pids": {"limit": 50}})) else { return };
    update(&bundle, &json!({"memory": {"limit": 64 << 20}, "cpu": {"shares": 512}, "pids": {"limit": 20}}));
    assert_eq!(files(&bundle, &["memory.max", "pids.max"]), ["67108864", "20"]);
    std::fs::write(bundle.dir.join("input"), json!({"pids": {"limit": 30}}).to_string()).expect("a file");
    let mut command = bundle.command("tare", &["update", "--resources", "-", "--pids-limit", "7", "one"]);
    let input = std::fs::File::open(bundle.dir.join("input")).expect("a file");
    assert!(command.stdin(input).status().expect("tare runs").success());
    assert_eq!(files(&bundle, &["memory.max", "pids.max"]), ["67108864", "30"], "what is not named stays, and the option is not looked at");
    update(&bundle, &json!({"memory": {"limit": 0}, "pids": {}}));
    assert_eq!(files(&bundle, &["memory.max", "pids.max"]), ["67108864", "30"], "zero and nothing are no wishes");
    bundle.refuses(&["update", "-r", "nosuch", "one"], "cannot read nosuch");
    std::fs::write(bundle.dir.join("update.json"), "{\"pids\":").expect("a file");
    bundle.refuses(&["update", "-r", "update.json", "one"], "the resources make no sense");
}

#[test]
fn where_one_limit_is_refused_all_stay_as_they_were() {
    let Some(bundle) =
        started(json!({"memory": {"limit": 64 << 20, "reservation": 4 << 20}, "cpu": {"shares": 500, "mems": "0"}, "pids": {"limit": 50}}))
    else {
        return;
    };
    let names = ["memory.max", "memory.low", "memory.swap.max", "cpu.weight", "cpu.max", "cpuset.cpus", "pids.max"];
    let before = files(&bundle, &names);
    let wishes = ["--memory", "32m", "--memory-reservation", "8m", "--memory-swap", "64m", "--cpu-share", "2", "--cpu-quota", "5000"];
    let error = bundle.refuses(&[&["update"], &wishes[..], &["--pids-limit", "9", "--cpuset-cpus", "4000", "one"]].concat(), "cpuset.cpus");
    assert_eq!(files(&bundle, &names), before, "{error}");
}

/// cgroup v2 would kill to make room.
#[test]
fn memory_that_is_in_use_is_not_taken_away_where_that_is_asked_for() {
    let Some(mut bundle) = bundle(json!({"memory": {"limit": 64 << 20}})) else { return };
    bundle.config["process"]["args"] = json!(["sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=20; echo > /full; exec sleep 1000"]);
    bundle.write();
    bundle.call(&["run", "--detach", "one"]);
    eventually("memory is in use", || bundle.root("full").exists());
    std::fs::write(bundle.dir.join("update.json"), json!({"memory": {"limit": 8 << 20, "checkBeforeUpdate": true}}).to_string())
        .expect("a file");
    bundle.refuses(&["update", "-r", "update.json", "one"], "are in use already");
    assert_eq!((file(&bundle, "memory.max").as_str(), bundle.status("one").as_str()), ("67108864", "running"));
}

#[test]
fn the_rates_of_a_disk_can_be_changed() {
    let Some(bundle) = started(json!({})) else { return };
    let Some(disk) = disk() else {
        let _ = cannot("no disk of this machine has a name of two numbers");
        return;
    };
    let rate = |key: &str, rate: u64| json!({"blockIO": {key: [{"major": disk.0, "minor": disk.1, "rate": rate}]}});
    update(&bundle, &rate("throttleReadBpsDevice", 1 << 20));
    update(&bundle, &rate("throttleWriteIOPSDevice", 100));
    assert_eq!(file(&bundle, "io.max"), format!("{}:{} rbps=1048576 wbps=max riops=max wiops=100", disk.0, disk.1));
    let mut refused = rate("throttleReadBpsDevice", 5);
    refused["cpu"] = json!({"cpus": "4000"});
    refused["unified"] = json!({"memory.nosuch": "1"});
    std::fs::write(bundle.dir.join("update.json"), refused.to_string()).expect("a file");
    bundle.refuses(&["update", "-r", "update.json", "one"], "cpuset.cpus");
    assert!(file(&bundle, "io.max").contains("rbps=1048576 "), "{}", file(&bundle, "io.max"));
    update(&bundle, &rate("throttleReadBpsDevice", 0));
    assert!(file(&bundle, "io.max").contains("rbps=max "), "{}", file(&bundle, "io.max"));
    update(&bundle, &json!({"unified": {"io.max": format!("{}:{} rbps=7\n{}:{} wbps=8", disk.0, disk.1, disk.0, disk.1)}}));
    assert!(file(&bundle, "io.max").contains("rbps=7 wbps=8 "), "each line is written: {}", file(&bundle, "io.max"));
}

/// The disk of the root.
fn disk() -> Option<(u64, u64)> {
    let dev = std::fs::read_dir("/sys/block").ok()?.flatten().find(|entry| entry.file_name().to_string_lossy().starts_with("vd"))?;
    let text = std::fs::read_to_string(dev.path().join("dev")).ok()?;
    let (major, minor) = text.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The kernel has a weight for all disks and one for each, or neither: then each of them is refused.
#[test]
fn weights_at_the_disks_are_kept_or_refused() {
    let Some(mut bundle) = bundle(json!({})) else { return };
    let disk = disk().unwrap_or((8, 0));
    let wishes = [json!({"weight": 300}), json!({"weightDevice": [{"major": disk.0, "minor": disk.1, "weight": 300}]})];
    for block_io in &wishes {
        bundle.config["linux"]["resources"] = json!({"blockIO": block_io});
        bundle.write();
        let said = bundle.try_call(&["create", "one"]);
        let group = bundle.group().expect("a group");
        let has_file = said.code == 0 && (group.join("io.weight").exists() || group.join("io.bfq.weight").exists());
        match said.code {
            0 => assert!(has_file, "kept without a file to keep it in"),
            _ => assert!(said.error.contains("weigh") || said.error.contains("weight"), "{}", said.error),
        }
        bundle.call(&["delete", "--force", "one"]);
        bundle.assert_nothing_left();
    }
}

#[test]
fn huge_pages_are_limited_where_the_kernel_has_them() {
    let pages = PathBuf::from("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
    let has = cgroup2().is_some_and(|(_, all)| all.iter().any(|one| one == "hugetlb")) && std::fs::write(&pages, "4").is_ok();
    let Some(mut bundle) = bundle(json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 3 << 20}]})) else { return };
    if !has {
        bundle.refuses(&["create", "one"], "huge pages");
        bundle.assert_nothing_left();
        return;
    }
    let mount = json!({"destination": "/huge", "type": "hugetlbfs", "source": "huge", "options": ["pagesize=2M"]});
    bundle.config["mounts"].as_array_mut().expect("mounts").push(mount);
    bundle.write();
    bundle.call(&["run", "--detach", "one"]);
    assert_eq!(files(&bundle, &["hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"]), ["2097152", "2097152"], "whole pages");
    bundle.call(&["exec", "one", "fallocate", "-l", "2M", "/huge/one"]);
    assert_ne!(bundle.try_call(&["exec", "one", "fallocate", "-l", "4M", "/huge/two"]).code, 0);
    update(&bundle, &json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 8 << 20}]}));
    bundle.call(&["exec", "one", "fallocate", "-l", "4M", "/huge/three"]);
    bundle.config["linux"]["resources"] = json!({"hugepageLimits": [{"pageSize": "3MB", "limit": 0}]});
    bundle.call(&["delete", "--force", "one"]);
    bundle.write();
    bundle.refuses(&["create", "one"], "no hugetlb.3MB.max");
    bundle.assert_nothing_left();
    let _ = std::fs::write(pages, "0");
}

#[test]
fn words_that_the_kernel_does_not_know_are_refused() {
    let Some(mut bundle) = bundle(json!({})) else { return };
    for (resources, part) in [
        (json!({"unified": {"memory.nosuch": "1"}}), "no memory.nosuch"),
        (json!({"unified": {"nosuch.max": "1"}}), "no nosuch controller"),
        (json!({"unified": {"memory.max": "many"}}), "memory.max = many"),
        (json!({"rdma": {"mlx5_1": {"hcaHandles": 3}}}), "rdma.max = mlx5_1 hca_handle=3"),
        (json!({"cpu": {"quota": 5_000, "burst": 6_000}}), "cpu.max.burst"),
    ] {
        bundle.config["linux"]["resources"] = resources;
        bundle.write();
        bundle.refuses(&["create", "one"], part);
        bundle.assert_nothing_left();
    }
}

#[test]
fn devices_stay_what_they_were() {
    let Some(bundle) = started(json!({"devices": [{"allow": false, "access": "rwm"}], "pids": {"limit": 50}})) else { return };
    update(&bundle, &json!({"devices": [{"allow": false, "access": "rwm"}], "pids": {"limit": 20}}));
    assert_eq!(file(&bundle, "pids.max"), "20", "engines hand over what the container has already");
    std::fs::write(bundle.dir.join("update.json"), json!({"devices": [{"allow": true, "access": "rwm"}]}).to_string()).expect("a file");
    bundle.refuses(&["update", "-r", "update.json", "one"], "resources.devices");
    bundle.call(&["delete", "--force", "one"]);
    bundle.refuses(&["update", "--pids-limit", "5", "one"], "does not exist");
    bundle.assert_nothing_left();
}

/// Told when it happens, not when the next look is due, and before the end that it may bring.
#[test]
fn events_tell_who_died_for_want_of_memory() {
    let Some(mut bundle) = bundle(json!({"memory": {"limit": 32 << 20, "swap": 32 << 20}})) else { return };
    bundle.config["process"]["args"] = json!(["sh", "-c", "until test -e /go; do sleep 0.1; done; exec /probe eat-memory 200"]);
    bundle.write();
    bundle.call(&["run", "--detach", "one"]);
    let out = std::fs::File::create(bundle.dir.join("events")).expect("a file");
    let mut events = bundle.command("tare", &["events", "--interval", "1h", "one"]).stdout(out).spawn().expect("tare runs");
    let told = || -> Vec<Value> {
        let text = std::fs::read_to_string(bundle.dir.join("events")).expect("a file");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    eventually("it watches", || !told().is_empty());
    assert_eq!(bundle.try_call(&["exec", "one", "/probe", "eat-memory", "200"]).code, 137);
    eventually("it tells of the first", || told().len() == 2);
    std::fs::write(bundle.root("go"), "").expect("a file");
    assert!(events.wait().expect("it ends with the container").success());
    let kinds: Vec<_> = told().iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect();
    assert_eq!(kinds, ["stats", "oom", "oom"]);
    let stats = &told()[0]["data"];
    assert_eq!((&stats["memory"]["usage"]["limit"], &stats["pids"]["limit"]), (&json!(32 << 20), &json!(0)), "{stats}");
    assert!(
        stats["memory"]["usage"]["usage"].as_u64().is_some_and(|bytes| bytes > 0) && stats["memory"]["raw"]["anon"].is_u64(),
        "{stats}"
    );
    assert!(stats["hugetlb"].is_object() && stats["blkio"]["ioServiceBytesRecursive"].is_array(), "{stats}");
}
