//! Resources where none can be limited: each refused by its name, and what is no limit is no reason to refuse.

use super::bundle::Bundle;
use crate::common::{cannot, cgroup2, has_controllers};
use serde_json::json;

#[test]
fn what_cgroup_v2_has_not_is_refused_by_its_name() {
    let mut bundle = Bundle::of(&["true"]);
    for (resources, name) in [
        (json!({"memory": {"swappiness": 10}}), "memory.swappiness"),
        (json!({"memory": {"disableOOMKiller": true}}), "memory.disableOOMKiller"),
        (json!({"memory": {"kernel": 1000}}), "memory.kernel"),
        (json!({"memory": {"kernelTCP": 1000}}), "memory.kernelTCP"),
        (json!({"cpu": {"realtimeRuntime": 1000}}), "cpu.realtimeRuntime"),
        (json!({"cpu": {"realtimePeriod": 1000}}), "cpu.realtimePeriod"),
        (json!({"cpu": {"idle": 2}}), "cpu.idle"),
        (json!({"blockIO": {"leafWeight": 10}}), "blockIO.leafWeight"),
        (json!({"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "leafWeight": 10}]}}), "blockIO.leafWeight"),
        (json!({"blockIO": {"weight": 5}}), "a weight of 5"),
        (json!({"network": {"classID": 1}}), "network.classID"),
        (json!({"network": {"priorities": [{"name": "lo", "priority": 1}]}}), "network.priorities"),
        (json!({"hugepageLimits": [{"pageSize": "2M", "limit": 0}]}), "hugepageLimits"),
        (json!({"rdma": {"mlx5_1": {}}}), "rdma"),
        (json!({"unified": {"../cgroup.procs": "1"}}), "unified"),
        (json!({"unified": {"cgroup.procs": "1"}}), "unified"),
        (json!({"unified": {"a/b.c": "1"}}), "unified"),
    ] {
        bundle.config["linux"]["resources"] = resources;
        bundle.write();
        bundle.refuses(&["create", "one"], name);
        bundle.assert_nothing_left();
    }
}

#[test]
fn a_limit_without_its_controller_is_refused_by_its_name() {
    if has_controllers() {
        let _ = cannot("this host can keep limits; tests/vm shows that it does");
        return;
    }
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    let device = json!([{"major": 8, "minor": 0, "rate": 5}]);
    let limits = [
        (json!({"memory": {"limit": 64 << 20}}), "limit memory"),
        (json!({"memory": {"reservation": 64 << 20}}), "limit memory"),
        (json!({"cpu": {"shares": 512}}), "limit processors"),
        (json!({"cpu": {"period": 50_000, "quota": 1000}}), "limit processors"),
        (json!({"cpu": {"burst": 1000}}), "limit processors"),
        (json!({"cpu": {"idle": 1}}), "limit processors"),
        (json!({"cpu": {"cpus": "0"}}), "the set of processors"),
        (json!({"cpu": {"mems": "0"}}), "the set of processors"),
        (json!({"pids": {"limit": 0}}), "the number of processes"),
        (json!({"pids": {"limit": 5}}), "the number of processes"),
        (json!({"blockIO": {"weight": 100}}), "the use of disks"),
        (json!({"blockIO": {"weightDevice": [{"major": 8, "minor": 0, "weight": 100}]}}), "the use of disks"),
        (json!({"blockIO": {"throttleReadBpsDevice": device}}), "the use of disks"),
        (json!({"blockIO": {"throttleWriteIOPSDevice": device}}), "the use of disks"),
        (json!({"rdma": {"mlx5_1": {"hcaHandles": 3}}}), "RDMA adapters"),
        (json!({"unified": {"memory.high": "1000"}}), "limit memory"),
    ];
    for (resources, name) in &limits {
        bundle.config["linux"]["resources"] = resources.clone();
        bundle.write();
        bundle.refuses(&["create", "one"], name);
        bundle.assert_nothing_left();
    }
    bundle.config["linux"]["resources"] = json!({});
    bundle.write();
    bundle.call(&["create", "one"]);
    for (resources, name) in &limits {
        std::fs::write(bundle.dir.join("update.json"), resources.to_string()).expect("a file");
        bundle.refuses(&["update", "-r", "update.json", "one"], name);
    }
    for option in ["--memory=64m", "--cpu-share=512", "--pids-limit=5", "--cpuset-cpus=0", "--blkio-weight=100", "--cpu-burst=1000"] {
        bundle.refuses(&["update", option, "one"], "cannot limit");
    }
    for option in ["--kernel-memory=1000", "--kernel-memory-tcp=1000", "--cpu-rt-period=1000", "--cpu-rt-runtime=1000"] {
        bundle.refuses(&["update", "one", option], "cgroup v2 has nothing like it");
    }
    for option in ["--l3-cache-schema", "--mem-bw-schema"] {
        bundle.refuses(&["update", option, "L3:0=f", "one"], option);
    }
}

/// The one controller that nobody has in cgroup v1, so that hosts with both kinds have it in v2.
#[test]
fn huge_pages_are_limited_or_refused() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.config["linux"]["resources"] = json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 3 << 20}]});
    bundle.write();
    let Some((top, _)) = cgroup2().filter(|(_, all)| all.iter().any(|one| one == "hugetlb")) else {
        bundle.refuses(&["create", "one"], "huge pages");
        return;
    };
    let _as_it_was = HugePages::as_they_are(&top);
    bundle.call(&["create", "one"]);
    let group = bundle.group().expect("a group");
    for file in ["hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"] {
        assert_eq!(std::fs::read_to_string(group.join(file)).expect(file), "2097152\n", "whole pages");
    }
    let update = |limits: serde_json::Value| {
        std::fs::write(bundle.dir.join("update.json"), json!({ "hugepageLimits": limits }).to_string()).expect("a file");
    };
    update(json!([{"pageSize": "2MB", "limit": 0}, {"pageSize": "3MB", "limit": 0}]));
    bundle.refuses(&["update", "-r", "update.json", "one"], "no hugetlb.3MB.max");
    assert_eq!(std::fs::read_to_string(group.join("hugetlb.2MB.max")).expect("a file"), "2097152\n", "all or nothing");
    update(json!([{"pageSize": "2MB", "limit": 0}]));
    bundle.call(&["update", "-r", "update.json", "one"]);
    assert_eq!(std::fs::read_to_string(group.join("hugetlb.2MB.max")).expect("a file"), "0\n");
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn values_that_mean_nothing_are_no_wishes() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["linux"]["resources"] = json!({
        "memory": {"limit": -1, "swap": -1, "reservation": 0, "kernel": 0, "kernelTCP": -1, "disableOOMKiller": false, "useHierarchy": true},
        "cpu": {"shares": 0, "quota": -1, "period": 0, "burst": 0, "idle": 0, "realtimeRuntime": 0, "cpus": "", "mems": ""},
        "pids": {"limit": -1},
        "blockIO": {"weight": 0, "leafWeight": 0, "weightDevice": [], "throttleReadBpsDevice": []},
        "network": {"classID": 0, "priorities": []},
        "hugepageLimits": [], "rdma": {}, "unified": {},
    });
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    bundle.config["linux"]["resources"] = json!({"pids": {}});
    assert!(bundle.run("tare").status.success());
    bundle.config["process"]["args"] = json!(["sleep", "1000"]);
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.call(&["update", "one", "--memory", "-1", "--pids-limit", "-1", "--cpu-share", "0", "--cpuset-cpus", ""]);
    bundle.refuses(&["update", "--memory", "much", "one"], "--memory much");
}

/// The controller is handed on from the top group by the first limit; a host that had not handed it on gets it back at the end.
struct HugePages(Vec<std::path::PathBuf>);

impl HugePages {
    fn as_they_are(top: &std::path::Path) -> HugePages {
        let groups = ["tare-oci-test", ""].map(|group| top.join(group).join("cgroup.subtree_control"));
        let has = |file: &std::path::PathBuf| std::fs::read_to_string(file).is_ok_and(|text| text.contains("hugetlb"));
        HugePages(groups.into_iter().filter(|file| !has(file)).collect())
    }
}

impl Drop for HugePages {
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = std::fs::write(file, "-hugetlb");
        }
    }
}
