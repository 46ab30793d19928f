//! A Debian with systemd in a container that is limited: it deals out what it got among its services, and lifts nothing.

use super::{can_limit, group, store};
use crate::common::booted::Booted;
use crate::common::eventually;

#[test]
fn systemd_deals_out_what_the_container_got_and_lifts_nothing() {
    if !can_limit() {
        return;
    }
    let Some(store) = store() else { return };
    let Some(machine) = Booted::boot(&store, "machine", &["-m", "256m", "--memory-swap", "256m", "--pids-limit", "200"]) else { return };
    // Process 1 sits in its own scope, below what it sees as the top, below the group with our limits.
    let scope = group(&store, "machine");
    assert!(scope.ends_with("own/init.scope"), "{}", scope.display());
    let ours = scope.ancestors().nth(2).expect("a group above").to_owned();
    let limit = |name: &str| std::fs::read_to_string(ours.join(name)).expect("a limit").trim().to_owned();
    let limits = || (limit("memory.max"), limit("memory.swap.max"), limit("pids.max"));
    assert_eq!(limits(), ((256 << 20).to_string(), "0".into(), "200".into()));
    let dealt_out = machine.run(&["cat", "/sys/fs/cgroup/cgroup.subtree_control"]);
    assert!(dealt_out.contains("memory") && dealt_out.contains("pids"), "{dealt_out}");

    let lift = "for file in /sys/fs/cgroup/*.max; do echo max >$file; done; mkdir /sys/fs/cgroup/x && rmdir /sys/fs/cgroup/x && echo own";
    assert_eq!(store.tare(&["exec", "machine", "sh", "-c", lift]).stdout.trim(), "own", "it may make groups");
    assert_eq!(limits(), ((256 << 20).to_string(), "0".into(), "200".into()));

    // A service is held to its share, and all of them together to ours.
    machine.serve("greedy", "MemoryMax=20M", "exec tail /dev/zero");
    eventually("it was ended", || machine.run(&["systemctl", "show", "--value", "-p", "Result", "greedy"]) == "oom-kill");
    machine.serve("boundless", "MemoryMax=infinity", "exec tail /dev/zero");
    eventually("it was ended, too", || machine.run(&["systemctl", "show", "--value", "-p", "Result", "boundless"]) == "oom-kill");
    let survived = machine.run(&["systemctl", "is-active", "dbus", "systemd-journald"]);
    assert_eq!(survived, "active\nactive");
    machine.run(&["systemctl", "reset-failed"]);

    store.ok(&["pause", "machine"]);
    store.ok(&["unpause", "machine"]);
    machine.wait_until_up();
    machine.switch_off();
    store.ok(&["rm", "machine"]);
    store.assert_nothing_left();
    assert!(!ours.exists());
}
