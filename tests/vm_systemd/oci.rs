//! The strict runtime from a login: `--systemd-cgroup` asks the user's own systemd, and a session is no hindrance.

use crate::common::eventually;
use crate::has_systemd;
use crate::user::{User, group_of, read};
use serde_json::{Value, json};

#[test]
fn a_scope_of_the_user_s_own_systemd_keeps_the_limits() {
    if !has_systemd() {
        return;
    }
    let eva = User::new("eva").lingers().with_image();
    eva.ok("mkdir -p b/rootfs && tare create --name box --network none busybox && tare export box | tar -C b/rootfs -x && tare rm box");
    eva.ok("tare oci spec --rootless -b b");
    let file = "/home/eva/b/config.json";
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("config.json")).expect("JSON");
    config["process"]["terminal"] = json!(false);
    config["process"]["args"] = json!(["sleep", "1000"]);
    config["linux"]["resources"] =
        json!({ "memory": { "limit": 64 << 20 }, "pids": { "limit": 20 }, "cpu": { "quota": 50000, "period": 100_000 } });
    std::fs::write(file, config.to_string()).expect("config.json");

    let tare = "tare oci --systemd-cgroup";
    eva.ok(&format!("{tare} create -b b one </dev/null >said 2>&1 || {{ cat said; exit 1; }}"));
    // Each of these is a session of its own.
    eva.ok(&format!("{tare} start one"));
    let state: Value = serde_json::from_str(&eva.ok(&format!("{tare} state one"))).expect("JSON");
    let group = group_of(&state["pid"].to_string());
    assert!(group.ends_with(format!("user@{}.service/user.slice/tare-one.scope", eva.uid())), "{}", group.display());
    assert_eq!((read(&group, "memory.max"), read(&group, "pids.max")), ((64 << 20).to_string(), "20".into()));
    assert_eq!(read(&group, "cpu.max"), "50000 100000");
    assert_eq!(read(&group, "cgroup.procs"), state["pid"].to_string(), "nobody else is in it");

    let greedy = eva.says(&format!("{tare} exec one tail /dev/zero"));
    assert_eq!(greedy.code, 137, "{}", greedy.story());
    let forks = eva.says(&format!("{tare} exec one sh -c 'for i in $(seq 40); do sleep 1000 >/dev/null 2>&1 & done'"));
    assert!(forks.stderr.contains("fork"), "{}", forks.story());
    eva.ok(&format!("{tare} pause one"));
    assert_eq!(read(&group, "cgroup.freeze"), "1");
    eva.ok(&format!("{tare} resume one && {tare} update --memory 80000000 one"));
    assert_eq!(read(&group, "memory.max"), (80_000_000 / 4096 * 4096).to_string());
    eva.ok(&format!("{tare} delete --force one"));
    eventually("no group is left", || !group.exists());
    assert_eq!(eva.ok("systemctl --user list-units --all --plain --no-legend 'tare-one.scope'"), "");
}
