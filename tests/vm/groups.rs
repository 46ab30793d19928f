//! The group itself: below another one, with controllers handed on all the way down.

use super::{limit, store};
use crate::common::{cgroup2, eventually};

#[test]
fn limits_reach_a_group_far_below() {
    let Some(store) = store() else { return };
    let top = cgroup2().expect("a cgroup2 mount").0;
    let name = format!("tare-far-{}", std::process::id());
    let parent = format!("/{name}/one/two");
    let flags = ["--cgroup-parent", &parent, "-m", "64m", "--pids-limit", "20", "--cpuset-cpus", "0", "--cpus", "0.5"];
    store.ok(&[&["run", "-d", "--name", "deep"], &flags[..], &["box", "sleep", "1000"]].concat());
    assert_eq!(limit(&store, "deep", "memory.max"), (64 << 20).to_string());
    assert_eq!((limit(&store, "deep", "pids.max"), limit(&store, "deep", "cpuset.cpus")), ("20".into(), "0".into()));
    assert!(super::group(&store, "deep").starts_with(top.join(&name).join("one/two")));
    // It dies with everything in it, as any other.
    store.ok(&["exec", "-d", "deep", "sleep", "1000"]);
    store.ok(&["rm", "-f", "deep"]);
    eventually("the groups that were made are gone", || !top.join(&name).exists());
    store.assert_nothing_left();
}

#[test]
fn a_group_with_processes_hands_nothing_on() {
    let Some(store) = store() else { return };
    let group = cgroup2().expect("a cgroup2 mount").0.join(format!("tare-busy-{}", std::process::id()));
    std::fs::create_dir(&group).expect("a group");
    let mut inside = std::process::Command::new("sleep").arg("1000").spawn().expect("sleep");
    std::fs::write(group.join("cgroup.procs"), inside.id().to_string()).expect("cgroup.procs");
    let parent = group.file_name().and_then(|name| name.to_str()).expect("a name");
    let ran = store.tare(&["run", "--rm", "--cgroup-parent", parent, "-m", "64m", "box", "true"]);
    let plain = store.tare(&["run", "--rm", "--cgroup-parent", parent, "box", "true"]);
    let members = std::fs::read_to_string(group.join("cgroup.procs")).expect("cgroup.procs");
    let _ = inside.kill();
    let _ = inside.wait();
    eventually("the group is empty", || std::fs::remove_dir(&group).is_ok());
    assert_eq!(ran.code, 125, "{}", ran.story());
    assert!(ran.stderr.contains("processes are in it") && ran.stderr.contains("--cgroup-parent"), "{}", ran.stderr);
    assert_eq!(plain.code, 0, "without limits it can be done: {}", plain.story());
    assert_eq!(members.trim(), inside.id().to_string(), "nobody else's process was moved");
}

#[test]
fn a_rule_for_devices_holds_here_too() {
    let Some(store) = store() else { return };
    let script = "mknod /f c 10 229 && exec 3</f && echo opened";
    let with = |flags: &[&str]| store.tare(&[&["run", "--rm"], flags, &["box", "sh", "-c", script]].concat()).stdout;
    if std::fs::File::open("/dev/fuse").is_err() {
        let _ = crate::common::cannot("there is no /dev/fuse here");
        return;
    }
    assert_eq!((with(&[]).as_str(), with(&["--device-cgroup-rule", "c 10:229 r"]).as_str()), ("", "opened\n"));
}
