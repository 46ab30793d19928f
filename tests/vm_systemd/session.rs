//! From a login: a scope for each container, made by the user's own systemd.

use crate::common::{eventually, process};
use crate::has_systemd;
use crate::user::{User, group_of, parent_of, read};

#[test]
fn limits_are_kept_and_seen_and_nothing_is_left() {
    if !has_systemd() {
        return;
    }
    let ann = User::new("ann").lingers().with_image();
    ann.ok("tare run -d --name web --network none -m 64m --cpus 0.5 --pids-limit 20 busybox sleep 1000");
    let pid = ann.pid("web");
    let group = group_of(&pid);
    assert_eq!((read(&group, "memory.max"), read(&group, "pids.max")), ((64 << 20).to_string(), "20".into()));
    assert_eq!(read(&group, "cpu.max"), "50000 100000");
    let id = group.file_name().expect("a name").to_string_lossy().into_owned();
    let scope = group.ancestors().nth(2).expect("a scope");
    assert!(scope.ends_with(format!("user@{}.service/tare.slice/tare-{}.scope", ann.uid(), &id[..12])), "{}", scope.display());
    // The session in which it was started is over: its monitor has left it before.
    assert_eq!(group_of(&parent_of(&pid)), scope.join("tare/monitors"));
    let shown = ann.ok("systemctl --user show -P Description --no-pager 'tare-*.scope'");
    assert!(shown.contains("container web"), "{shown}");

    // Who enters is held to the same, from another session too, and dies of it alone.
    ann.ok("tare exec -d web sleep 1000");
    eventually("it is in the group", || read(&group, "cgroup.procs").lines().count() == 3);
    assert_eq!(ann.says("tare exec web tail /dev/zero").code, 137);
    let forks = ann.says("tare exec web sh -c 'for i in $(seq 40); do sleep 1000 & done'");
    assert!(forks.stderr.contains("fork"), "{}", forks.story());
    ann.ok("tare pause web");
    assert_eq!(read(&group, "cgroup.freeze"), "1");
    ann.ok("tare unpause web && tare update -m 80m web");
    assert_eq!(read(&group, "memory.max"), (80 << 20).to_string());
    assert!(ann.ok("tare stats --no-stream web").contains("80MiB"));

    // CVE-2023-25809: nobody in it writes into the groups of the host.
    for view in ["private", "host"] {
        let script = "cd /sys/fs/cgroup && ! mkdir x && ! echo 0 >cgroup.procs && ! find . -writable -type f | grep .";
        let ran = ann.says(&format!("tare run --rm --network none --cgroupns {view} busybox sh -c '{script}'"));
        assert_eq!(ran.code, 0, "{view}: {}", ran.story());
    }

    assert_eq!(ann.says("tare run --name greedy --network none -m 32m busybox tail /dev/zero").code, 137);
    assert_eq!(ann.ok("tare inspect -f '{{.State.OOMKilled}}' greedy"), "true");
    assert_eq!(ann.says("tare run --rm --network none busybox nosuchprogram").code, 127);
    // Its monitor is killed, and everything with it.
    ann.ok("tare run -d --name victim --network none busybox sleep 1000");
    let monitor: i32 = parent_of(&ann.pid("victim")).parse().expect("a number");
    // SAFETY: a process that we started.
    assert_eq!(unsafe { libc::kill(monitor, libc::SIGKILL) }, 0);
    eventually("it is told", || ann.ok("tare inspect -f '{{.State.Status}}' victim") == "exited");
    ann.ok("tare restart -t 0 web");
    assert_eq!(read(&group_of(&ann.pid("web")), "memory.max"), (80 << 20).to_string());
    ann.ok("tare run -d --name sliced --network none --cgroup-parent batch.slice busybox sleep 1000");
    let slice = group_of(&ann.pid("sliced")).ancestors().nth(3).expect("a slice").to_owned();
    assert!(slice.ends_with("batch.slice"), "{}", slice.display());
    let refused = ann.says("tare run --rm --network none --cgroup-parent /batch busybox true");
    assert!(refused.code == 125 && refused.stderr.contains("--cgroup-parent NAME.slice"), "{}", refused.story());
    ann.ok("tare rm -f web greedy victim sliced");
    eventually("no group and no scope is left", || ann.groups().is_empty());
    assert_eq!(ann.ok("systemctl --user list-units --all --plain --no-legend 'tare-*.scope'"), "");
}

#[test]
fn a_controller_that_is_not_given_is_named_and_the_hint_is_true() {
    if !has_systemd() {
        return;
    }
    let ben = User::new("ben");
    let refused = ben.without_session(&["run", "-m", "64m", "nosuchimage"]);
    assert_eq!(refused.code, 125, "{}", refused.story());
    let ben = ben.lingers().with_image();
    let line = "tare run --rm --network none --cpuset-cpus 0 busybox true";
    let refused = ben.says(line);
    assert!(refused.code == 125 && refused.stderr.contains("the cpuset controller is not given to you"), "{}", refused.story());
    assert!(refused.stderr.contains("Delegate=cpu cpuset io memory pids"), "{}", refused.stderr);
    let dir = format!("/etc/systemd/system/user@{}.service.d", ben.uid());
    std::fs::create_dir_all(&dir).expect("a directory");
    std::fs::write(format!("{dir}/delegate.conf"), "[Service]\nDelegate=cpu cpuset io memory pids\n").expect("a file");
    process::tool(&["systemctl", "daemon-reload"]).ok();
    process::tool(&["systemctl", "restart", &format!("user@{}.service", ben.uid())]).ok();
    ben.ok(line);
}

#[test]
fn without_a_session_limits_are_refused_with_what_helps() {
    if !has_systemd() {
        return;
    }
    let cem = User::new("cem");
    let archive = crate::common::image_dir().join("busybox.tar");
    cem.without_session(&["load", "-qi", archive.to_str().expect("utf-8")]).ok();
    let refused = cem.without_session(&["run", "--rm", "--network", "none", "-m", "64m", "busybox", "true"]);
    assert!(refused.code == 125 && refused.stderr.contains("no control group is given to you"), "{}", refused.story());
    assert!(refused.stderr.contains("loginctl enable-linger cem"), "{}", refused.stderr);
    cem.without_session(&["run", "--rm", "--network", "none", "busybox", "true"]).ok();
    // As soon as his systemd runs it is found, although nobody says where.
    let cem = cem.lingers();
    cem.without_session(&["run", "--rm", "--network", "none", "-m", "64m", "busybox", "true"]).ok();
}
