//! podman drives its containers with tare: run, exec, kill, pause, logs, networks, pods.

use crate::common::drivers::Podman;
use crate::common::world::NETWORK;
use crate::common::{Terminal, cgroup2, eventually, installed, lacking};

/// Where controllers lie in cgroup v1 no limit can be kept, and root may not raise its own here.
const NO_LIMITS: &str = "pids_limit = 0\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]";

#[test]
fn podman_runs_executes_pauses_and_kills() {
    let Some(podman) = Podman::new(NO_LIMITS) else { return };
    let run = |words: &[&str]| podman.run(&[&["--rm", "--network", "none", "busybox"], words].concat());
    // As the README has it.
    let readme = include_str!("../../README.md");
    let line = readme.lines().find_map(|line| line.trim().strip_prefix("podman --runtime /usr/local/bin/tare-oci run "));
    let words: Vec<&str> = line.expect("a line for podman").split(' ').collect();
    assert_eq!(podman.run(&words).ok(), "hello");
    run(&["sh", "-c", "exit 7"]).expect_code(7);
    run(&["nosuch"]).expect_code(127);
    run(&["/etc"]).expect_code(126);

    podman.run(&["-d", "--name", "web", "--network", "none", "busybox", "sh", "-c", "echo logged; exec sleep 1000"]).ok();
    assert_eq!(podman.ok(&["exec", "web", "cat", "/proc/1/comm"]), "sleep");
    podman.call(&["exec", "web", "nosuch"]).expect_code(127);
    podman.call(&["exec", "web", "sh", "-c", "exit 5"]).expect_code(5);
    podman.call(&["exec", "-w", "/nosuch", "web", "true"]).expect_code(127);
    assert!(podman.ok(&["exec", "-t", "web", "tty"]).starts_with("/dev/pts/"));
    eventually("its log", || podman.ok(&["logs", "web"]) == "logged");
    if cgroup2().is_some() {
        podman.ok(&["pause", "web"]);
        assert_eq!(podman.ok(&["inspect", "-f", "{{.State.Status}}", "web"]), "paused");
        podman.ok(&["unpause", "web"]);
    }
    assert!(podman.ok(&["top", "web"]).contains("sleep 1000"));
    podman.ok(&["kill", "web"]);
    assert_eq!(podman.ok(&["wait", "web"]), "137");
    podman.ok(&["start", "web"]);
    podman.ok(&["stop", "-t", "0", "web"]);
    podman.ok(&["rm", "web"]);
    podman.world.assert_no_groups();
}

#[test]
fn podman_s_terminal_is_a_terminal() {
    let Some(podman) = Podman::new(NO_LIMITS) else { return };
    let group = &podman.world.group;
    let words = ["run", "--cgroup-parent", group, "-it", "--rm", "--network", "none", "busybox", "sh"];
    let mut person = Terminal::spawn(podman.command(&words), 33, 77);
    person.expect("# ");
    assert_eq!(person.ask("tty"), "/dev/pts/0");
    assert_eq!(person.ask("stty size"), "33 77");
    person.send("exit 3\n");
    assert_eq!(person.wait(), 3);
}

#[test]
fn podman_builds_images() {
    let Some(podman) = Podman::new(NO_LIMITS) else { return };
    let file = podman.world.path("Containerfile");
    let steps = "FROM docker.io/library/busybox\nRUN id -u > /built\nUSER 1000\nRUN id -u > /tmp/second\nCMD cat /built /tmp/second\n";
    std::fs::write(&file, steps).expect("a file");
    let context = podman.world.path("context");
    std::fs::create_dir(&context).expect("a directory");
    podman.ok(&["build", "--pull=never", "--network", "none", "-t", "built", "-f", &file, &context]);
    assert_eq!(podman.run(&["--rm", "--network", "none", "localhost/built"]).ok(), "0\n1000");
}

#[test]
fn podman_s_network_reaches_from_container_to_container() {
    let Some(podman) = Podman::new(NO_LIMITS) else { return };
    let serve = "echo here > /tmp/index.html; exec httpd -f -p 80 -h /tmp";
    podman.run(&["-d", "--name", "web", "busybox", "sh", "-c", serve]).ok();
    let address = podman.ok(&["inspect", "-f", "{{.NetworkSettings.IPAddress}}", "web"]);
    assert!(address.starts_with(NETWORK), "{address}");
    let url = format!("http://{address}/");
    eventually("the other one answers", || podman.run(&["--rm", "busybox", "wget", "-qO-", &url]).stdout == "here\n");
    podman.ok(&["rm", "-f", "-t", "0", "web"]);
    podman.world.assert_no_groups();
}

#[test]
fn podman_s_pods_share_namespaces() {
    let Some(podman) = Podman::new(NO_LIMITS) else { return };
    if !installed("catatonit") {
        let _ = lacking("catatonit, which waits in podman's pods");
        return;
    }
    let group = &podman.world.group;
    podman.ok(&["pod", "create", "--cgroup-parent", group, "--name", "pod", "--network", "none", "--share", "ipc,net,uts,pid"]);
    podman.ok(&["run", "-d", "--pod", "pod", "--name", "first", "busybox", "sleep", "1000"]);
    let seen = podman.ok(&["run", "--rm", "--pod", "pod", "busybox", "ps"]);
    assert!(seen.contains("sleep 1000"), "they share their pids:\n{seen}");
    let space = |name: &str, kind: &str| podman.ok(&["exec", name, "readlink", &format!("/proc/self/ns/{kind}")]);
    podman.ok(&["run", "-d", "--pod", "pod", "--name", "second", "busybox", "sleep", "1000"]);
    for kind in ["net", "ipc", "uts", "pid"] {
        assert_eq!(space("first", kind), space("second", kind), "{kind}");
    }
    assert_ne!(space("first", "mnt"), space("second", "mnt"));
    podman.ok(&["pod", "rm", "-f", "-t", "0", "pod"]);
    podman.world.assert_no_groups();
}
