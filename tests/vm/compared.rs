//! `linux.resources`, as the kernel has it under tare, runc and crun: what the files of the container's group say.

use crate::bundle::Bundle;
use crate::common::{cgroup2, has_controllers};
use crate::differential::wanted;
use crate::differential::{Facts, Part, REFUSED, compare, peers};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn every_limit_is_kept_alike() {
    assert!(has_controllers() || !crate::common::in_vm());
    if !has_controllers() {
        let _ = crate::common::cannot("this host keeps its controllers in cgroup v1; scripts/vm runs these tests");
        return;
    }
    let Some(peers) = peers() else { return };
    let _above = Above::new();
    let parts: Vec<Box<dyn Part>> = [memory(), processors(), disks(), others(), impossible()]
        .into_iter()
        .map(|changes| Box::new(Limits(changes)) as Box<dyn Part>)
        .collect();
    compare(&parts, &peers, wanted::IN_GROUPS);
}

/// Who mounts cgroup2 in the machine's own view of groups sets anew how it is mounted everywhere.
#[test]
fn the_host_s_groups_stay_mounted_as_they_are() {
    let settings = || {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
        mounts.lines().find_map(|line| Some(line.split_once(" - cgroup2 ")?.1.to_owned()))
    };
    let before = settings();
    if !before.as_ref().is_some_and(|settings| settings.contains("nsdelegate")) {
        let _ = crate::common::cannot("cgroup2 is not mounted with nsdelegate");
        return;
    }
    let mut bundle = Bundle::of(&["cat", "/sys/fs/cgroup/cgroup.controllers"]);
    bundle.config["linux"]["namespaces"].as_array_mut().expect("a list").retain(|namespace| namespace["type"] != "cgroup");
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert_eq!(settings(), before);
}

/// The group above the containers', with every controller, which no runtime makes or removes.
struct Above(PathBuf);

impl Above {
    fn new() -> Above {
        let (top, controllers) = cgroup2().expect("a cgroup2 mount");
        let above = Above(top.join("tare-oci-test"));
        std::fs::create_dir_all(above.0.join("stays")).expect("a group");
        for controller in controllers {
            std::fs::write(above.0.join("cgroup.subtree_control"), format!("+{controller}")).expect("a controller");
        }
        above
    }
}

impl Drop for Above {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(self.0.join("stays"));
        let _ = std::fs::remove_dir(&self.0);
    }
}

struct Limits(Vec<Value>);

impl Part for Limits {
    fn names(&self) -> Vec<(String, Option<&'static str>)> {
        let unseen = |resources: &Value| (resources == &json!({"cpu": {}, "memory": {}})).then_some("empty wishes are none");
        self.0.iter().map(|resources| (resources.to_string(), unseen(resources))).collect()
    }
    fn see(&self, runtime: &str) -> Vec<Facts> {
        std::iter::once(&json!({})).chain(&self.0).map(|resources| seen(resources, runtime)).collect()
    }
}

/// Created is enough: the limits stand before anything runs.
fn seen(resources: &Value, runtime: &str) -> Facts {
    let mut bundle = Bundle::bare();
    for (name, value) in resources.as_object().expect("members") {
        bundle.config["linux"]["resources"][name] = value.clone();
    }
    // A group that nobody had: runc 1.1 leaves some behind.
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    bundle.config["linux"]["cgroupsPath"] = json!(format!("/tare-oci-test/{runtime}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
    bundle.write();
    let file = |name: &str| std::fs::File::create(bundle.dir.join(name)).expect("a file");
    let mut create = bundle.command(runtime, &["create", "one"]);
    let created = create.stdout(file("stdout")).stderr(file("stderr")).status().expect("a runtime").success();
    let facts = match created {
        true => files(&bundle.group().expect("a group")),
        false => Facts::from([(REFUSED.into(), json!(std::fs::read_to_string(bundle.dir.join("stderr")).expect("a file")))]),
    };
    let _ = bundle.command(runtime, &["delete", "--force", "one"]).output();
    let _ = bundle.group().map(std::fs::remove_dir);
    facts
}

/// Every file of a controller that says what shall be, and not how it is.
fn files(group: &std::path::Path) -> Facts {
    let is_wish = |name: &str| {
        !["stat", "events", "current", "pressure", "peak", "effective", "reclaim"].iter().any(|word| name.contains(word))
            && (!name.starts_with("cgroup.") || name.contains(".max.") || name == "cgroup.freeze")
    };
    let entries = std::fs::read_dir(group).expect("the group").flatten();
    let names = entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name().to_string_lossy().into_owned());
    let read = |name: String| Some((name.clone(), json!(std::fs::read_to_string(group.join(&name)).ok()?.trim())));
    names.filter(|name| is_wish(name)).filter_map(read).collect()
}

fn memory() -> Vec<Value> {
    let memory = |value: Value| json!({"memory": value});
    const MIB: i64 = 1 << 20;
    vec![
        memory(json!({"limit": 64 * MIB})),
        memory(json!({"limit": 64 * MIB + 1})),
        memory(json!({"limit": 64 * MIB, "swap": 96 * MIB})),
        memory(json!({"limit": 64 * MIB, "swap": 64 * MIB})),
        memory(json!({"limit": 64 * MIB, "swap": -1})),
        memory(json!({"limit": 64 * MIB, "swap": 0})),
        memory(json!({"limit": 64 * MIB, "reservation": 32 * MIB})),
        memory(json!({"reservation": 32 * MIB})),
        memory(json!({"reservation": 32 * MIB, "limit": 64 * MIB, "swap": 128 * MIB})),
        memory(json!({"limit": -1, "swap": 64 * MIB})),
        json!({"unified": {"memory.high": (48 * MIB).to_string()}}),
        json!({"unified": {"memory.max": (48 * MIB).to_string(), "memory.min": MIB.to_string()}}),
        json!({"unified": {"memory.oom.group": "1"}}),
        json!({"memory": {"limit": 64 * MIB}, "unified": {"memory.max": (48 * MIB).to_string()}}),
    ]
}

fn processors() -> Vec<Value> {
    let cpu = |value: Value| json!({"cpu": value});
    vec![
        cpu(json!({"shares": 2})),
        cpu(json!({"shares": 10})),
        cpu(json!({"shares": 512})),
        cpu(json!({"shares": 2048})),
        cpu(json!({"shares": 262_144})),
        cpu(json!({"shares": 1_000_000})),
        cpu(json!({"quota": 50_000})),
        cpu(json!({"quota": 50_000, "period": 200_000})),
        cpu(json!({"quota": -1, "period": 50_000})),
        cpu(json!({"period": 50_000})),
        cpu(json!({"quota": 50_000, "burst": 10_000})),
        cpu(json!({"quota": 50_000, "period": 100_000, "burst": 50_000})),
        cpu(json!({"cpus": "0"})),
        cpu(json!({"cpus": "0-1"})),
        cpu(json!({"cpus": "0,1", "mems": "0"})),
        cpu(json!({"mems": "0"})),
        cpu(json!({"shares": 512, "quota": 20_000, "period": 100_000, "cpus": "1", "mems": "0"})),
        json!({"unified": {"cpu.weight": "77"}}),
        json!({"unified": {"cpu.max": "30000 100000", "cpu.max.burst": "1000"}}),
        json!({"unified": {"cpu.weight.nice": "-3"}}),
        json!({"unified": {"cpuset.cpus": "1", "cpuset.mems": "0"}}),
    ]
}

fn disks() -> Vec<Value> {
    let numbers = std::fs::read_to_string("/sys/block/vda/dev").unwrap_or_default();
    let (major, minor) = numbers.trim().split_once(':').unwrap_or(("254", "0"));
    let [major, minor] = [major, minor].map(|number| number.parse::<i64>().expect("a number"));
    let rate = |rate: u64| json!([{"major": major, "minor": minor, "rate": rate}]);
    let io = |value: Value| json!({"blockIO": value});
    vec![
        io(json!({"throttleReadBpsDevice": rate(1 << 20)})),
        io(json!({"throttleWriteBpsDevice": rate(1 << 20)})),
        io(json!({"throttleReadIOPSDevice": rate(100)})),
        io(json!({"throttleWriteIOPSDevice": rate(100)})),
        io(json!({"throttleReadBpsDevice": rate(1 << 20), "throttleWriteBpsDevice": rate(2 << 20), "throttleReadIOPSDevice": rate(50),
            "throttleWriteIOPSDevice": rate(60)})),
        io(json!({"weight": 10})),
        io(json!({"weight": 500})),
        io(json!({"weight": 1000})),
        json!({"unified": {"io.max": format!("{major}:{minor} rbps=1048576")}}),
    ]
}

fn others() -> Vec<Value> {
    vec![
        json!({"pids": {"limit": 50}}),
        json!({"pids": {"limit": 1}}),
        json!({"unified": {"pids.max": "77"}}),
        json!({"unified": {"hugetlb.2MB.max": "0"}}),
        json!({"pids": {"limit": 50}, "memory": {"limit": 64 << 20}, "cpu": {"shares": 512, "quota": 50_000}}),
        json!({"cpu": {}, "memory": {}}),
    ]
}

fn impossible() -> Vec<Value> {
    vec![
        json!({"memory": {"limit": 64 << 20, "swap": 32 << 20}}),
        json!({"cpu": {"cpus": "0-500"}}),
        json!({"cpu": {"cpus": "x"}}),
        json!({"cpu": {"quota": 1}}),
        json!({"unified": {"no.such.file": "1"}}),
        json!({"unified": {"memory.max": "much"}}),
        json!({"unified": {"../memory.max": "1"}}),
        json!({"hugepageLimits": [{"pageSize": "3MB", "limit": 1}]}),
        json!({"blockIO": {"throttleReadBpsDevice": [{"major": 99, "minor": 99, "rate": 5}]}}),
    ]
}
