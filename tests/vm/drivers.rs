//! Engines give limits through tare, and read what their containers use.

use crate::can_limit;
use crate::common::drivers::{Containerd, Docker, Podman};
use crate::common::kubelet::{Kubelet, Message};
use crate::common::world::World;
use crate::common::{cgroup2, eventually};
use std::path::{Path, PathBuf};

/// The group below the world's whose name has this part.
fn group(world: &World, part: &str) -> PathBuf {
    let above = cgroup2().expect("a cgroup2 mount").0.join(&world.group[1..]);
    let groups = std::fs::read_dir(&above).unwrap_or_else(|e| panic!("{}: {e}", above.display())).flatten().map(|entry| entry.path());
    groups.into_iter().find(|path| path.to_string_lossy().contains(part)).unwrap_or_else(|| panic!("no group of {part}"))
}

fn read(group: &Path, file: &str) -> String {
    std::fs::read_to_string(group.join(file)).unwrap_or_else(|e| panic!("{}/{file}: {e}", group.display())).trim().to_owned()
}

/// 32 MB without swap, 20 processes, half a processor.
fn assert_limits(group: &Path) {
    let files = ["memory.max", "pids.max", "cpu.max"].map(|file| read(group, file));
    assert_eq!(files, ["33554432".to_owned(), "20".to_owned(), "50000 100000".to_owned()]);
}

#[test]
fn docker_s_limits_are_kept_and_its_figures_are_true() {
    if !can_limit() {
        return;
    }
    // This machine has no other runtime.
    let Some(docker) = Docker::new(&["--default-runtime", "tare", "--bridge", "none", "--iptables=false"]) else { return };
    let run = |flags: &[&str], words: &[&str]| docker.call(&[&["run"], flags, &["busybox"], words].concat());
    let limits = ["-m", "32m", "--memory-swap", "32m", "--pids-limit", "20", "--cpus", "0.5"];
    let id = run(&[&["-d", "--name", "web"], &limits[..]].concat(), &["sleep", "1000"]).ok();
    let group = group(&docker.world, &id);
    assert_limits(&group);
    let told = docker.ok(&["stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", "web"]);
    assert!(told.ends_with(" / 32MiB 1"), "{told}");
    assert!(!told.starts_with("0B"), "{told}");

    run(&["--name", "glutton", "-m", "16m", "--memory-swap", "16m"], &["tail", "/dev/zero"]).expect_code(137);
    eventually("the want of memory is told", || docker.ok(&["inspect", "-f", "{{.State.OOMKilled}}", "glutton"]) == "true");
    docker.ok(&["pause", "web"]);
    assert_eq!(read(&group, "cgroup.freeze"), "1");
    docker.ok(&["unpause", "web"]);

    // Here root has every capability, so it can give all of them that Docker knows.
    let all = run(&["--rm", "--privileged"], &["sh", "-c", "grep CapEff /proc/self/status; grep ' /sys/fs/cgroup ' /proc/mounts"]).ok();
    assert!(all.contains("3fffffffff") && all.contains("rw,"), "{all}");
    docker.ok(&["rm", "-f", "web", "glutton"]);
    docker.world.assert_no_groups();
}

#[test]
fn containerd_s_limits_are_kept_and_its_figures_are_true() {
    if !can_limit() {
        return;
    }
    let Some(containerd) = Containerd::new(|_| String::new()) else { return };
    let limits = ["-d", "--memory-limit", "33554432", "--cpu-quota", "50000", "--cpu-period", "100000", "--cpu-shares", "512"];
    containerd.run(&limits, "web", &["sleep", "1000"]).ok();
    let group = group(&containerd.world, "web");
    let files = ["memory.max", "cpu.max", "cpu.weight"].map(|file| read(&group, file));
    assert_eq!(files[..2], ["33554432", "50000 100000"]);
    assert!(files[2].parse::<u64>().is_ok_and(|weight| weight < 100), "{files:?}");
    let figures = containerd.ok(&["task", "metrics", "web"]);
    let figure = |name: &str| figures.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    assert_eq!((figure("memory.usage_limit"), figure("pids.current")), (Some(33_554_432), Some(1)), "{figures}");
    containerd.ok(&["task", "kill", "-s", "SIGKILL", "web"]);
    eventually("it has stopped", || containerd.ok(&["task", "ls"]).contains("STOPPED"));
    containerd.ok(&["task", "delete", "web"]);
    containerd.world.assert_no_groups();
}

#[test]
fn podman_s_limits_are_kept_and_its_figures_are_true() {
    if !can_limit() {
        return;
    }
    let Some(podman) = Podman::new("") else { return };
    let limits = ["--memory", "32m", "--memory-swap", "32m", "--pids-limit", "20", "--cpus", "0.5"];
    let id = podman.run(&[&["-d", "--name", "web", "--network", "none"], &limits[..], &["busybox", "sleep", "1000"]].concat()).ok();
    assert_limits(&group(&podman.world, &id));
    let told = podman.ok(&["stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", "web"]);
    assert!(told.ends_with(" / 33.55MB 1"), "{told}");
    let glutton = ["--name", "glutton", "--network", "none", "--memory", "16m", "--memory-swap", "16m", "busybox", "tail", "/dev/zero"];
    podman.run(&glutton).expect_code(137);
    podman.ok(&["rm", "-f", "-t", "0", "web", "glutton"]);
    podman.world.assert_no_groups();
}

#[test]
fn kubernetes_s_limits_are_kept() {
    if !can_limit() {
        return;
    }
    let Some(kubelet) = Kubelet::new("") else { return };
    let pod = kubelet.run_pod("web");
    let resources = Message::default().number(1, 100_000).number(2, 50_000).number(3, 512).number(4, 32 << 20);
    let id = kubelet.start(&pod, "main", &["sleep", "1000"], resources);
    let world = &kubelet.containerd.world;
    let files = ["cpu.max", "memory.max"].map(|file| read(&group(world, &id), file));
    assert_eq!(files, ["50000 100000", "33554432"]);
    assert_eq!(read(&group(world, &pod.id), "cpu.weight"), "1", "the sandbox itself needs next to nothing");
    assert_eq!(kubelet.exec(&id, &["cat", "/sys/fs/cgroup/memory.max"]), (0, "33554432\n".into()));
    kubelet.remove(&pod);
    world.assert_no_groups();
}
