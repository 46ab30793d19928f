//! What needs cgroup v2 with its controllers: limits that bite. Runs in the throw-away machine (`scripts/vm`), and on any host that has them.
//!
//! Nothing here measures time exactly: in an emulated machine everything is up to 24 times slower.

#[path = "../common/mod.rs"]
mod common;

mod building;
#[path = "../oci/bundle.rs"]
mod bundle;
mod compared;
#[path = "../oci/differential/mod.rs"]
mod differential;
mod disks;
mod drivers;
mod explained;
mod given;
mod groups;
mod machine;
mod memory;
mod outward;
mod power_cut;
mod processors;
mod resources;
mod systemd;
mod updates;
mod usage;

use common::{Report, Store, cgroup2, eventually, has_controllers};
use std::path::PathBuf;

/// A store, where limits can be kept.
fn store() -> Option<Store> {
    can_limit().then(Store::new)
}

/// Says why not. In the machine made for it, not being able is a failure.
fn can_limit() -> bool {
    assert!(has_controllers() || !common::in_vm(), "this machine was made for cgroup v2, and has no memory, cpu and pids controllers");
    has_controllers() || !common::cannot("this host keeps its controllers in cgroup v1; scripts/vm runs these tests")
}

/// The container's group, as its own process names it.
fn group(store: &Store, name: &str) -> PathBuf {
    let text = std::fs::read_to_string(format!("/proc/{}/cgroup", store.pid(name))).expect("cgroup");
    let path = text.lines().find_map(|line| line.strip_prefix("0::")).expect("a group in cgroup v2").to_string();
    cgroup2().expect("a cgroup2 mount").0.join(path.trim_start_matches('/'))
}

/// A file of the container's group, or of the one above it, where a limit may just as well stand.
fn limit(store: &Store, name: &str, file: &str) -> String {
    let group = group(store, name);
    let read = |dir: &std::path::Path| std::fs::read_to_string(dir.join(file)).map(|text| text.trim().to_string());
    read(&group).unwrap_or_else(|e| panic!("{}/{file}: {e}", group.display()))
}

#[test]
fn limits_are_written_and_can_be_read_back() {
    let Some(store) = store() else { return };
    let flags = ["-m", "64m", "--memory-swap", "96m", "--cpus", "0.5", "--cpu-shares", "512", "--pids-limit", "50"];
    store.ok(&[&["run", "-d", "--name", "small"], &flags[..], &["box", "sleep", "1000"]].concat());
    assert_eq!(limit(&store, "small", "memory.max"), (64 << 20).to_string());
    assert_eq!(
        limit(&store, "small", "memory.swap.max"),
        (32 << 20).to_string(),
        "docker counts memory and swap together, cgroup v2 apart"
    );
    assert_eq!(limit(&store, "small", "cpu.max"), "50000 100000");
    let weight: u64 = limit(&store, "small", "cpu.weight").parse().expect("a number");
    assert!((15..=60).contains(&weight), "512 shares are half of the usual weight, here {weight}");
    assert_eq!(limit(&store, "small", "pids.max"), "50");
    let host = &store.inspect("small")["HostConfig"];
    assert_eq!(
        (&host["Memory"], &host["MemorySwap"], &host["NanoCpus"], &host["CpuShares"], &host["PidsLimit"]),
        (&(64u64 << 20).into(), &(96u64 << 20).into(), &500_000_000.into(), &512.into(), &50.into()),
        "{host}"
    );
}

/// Shown to people, like the others of `tests/transcripts/`.
#[test]
fn the_page_on_limits() {
    if !can_limit() {
        return;
    }
    let store = Store::empty();
    assert!(common::transcript::play(&store, include_str!("../transcripts/limits.md")) > 10);
    store.assert_nothing_left();
}

/// This machine's kernel may be older than 6.8, which has a page for all the names of layers.
#[test]
fn five_hundred_layers_stack_on_an_older_kernel() {
    let Some(store) = store() else { return };
    let base = common::test_images::box_image();
    let mut layers = vec![base.layers[0].clone()];
    layers.extend((1..500).map(|i| common::Layer::new().file("last", 0o644, format!("{i}\n")).tar()));
    store.load(&common::Image { tag: "tower".into(), layers, ..base }.docker_archive()).ok();
    assert_eq!(store.ok(&["run", "--rm", "tower", "sh", "-c", "cat /last; test -e /dev/null && test -s /etc/hosts && pwd"]), "499\n/");
}

#[test]
fn the_pids_limit_stops_a_fork_bomb() {
    let Some(store) = store() else { return };
    let told = store.ok(&["run", "--rm", "--pids-limit", "20", "box", "/probe", "fork-until-error", "100"]);
    let count: u32 = told.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{told}"));
    assert!(told.ends_with("EAGAIN") && (16..=20).contains(&count), "{told}");
    let ran = store.tare(&["run", "--rm", "--pids-limit", "-1", "box", "/probe", "fork-until-error", "30"]);
    assert!(ran.stdout.starts_with("forked 30 "), "{}", ran.story());
}

#[test]
fn kill_ends_a_fork_bomb() {
    let Some(store) = store() else { return };
    store.ok(&["run", "-d", "--name", "bomb", "--pids-limit", "60", "box", "/probe", "fork-bomb"]);
    eventually("the bomb has gone off", || limit(&store, "bomb", "pids.current").parse::<u32>().is_ok_and(|count| count >= 50));
    let group = group(&store, "bomb");
    assert_eq!(store.ok(&["kill", "bomb"]), "bomb");
    assert_eq!(store.ok(&["wait", "bomb"]), "137");
    eventually("every process is dead and the group is gone", || !group.exists());
    store.ok(&["rm", "bomb"]);
    store.assert_nothing_left();
}

#[test]
fn rm_by_force_ends_a_fork_bomb() {
    let Some(store) = store() else { return };
    store.ok(&["run", "-d", "--name", "bomb", "--pids-limit", "60", "box", "/probe", "fork-bomb"]);
    eventually("the bomb has gone off", || limit(&store, "bomb", "pids.current").parse::<u32>().is_ok_and(|count| count >= 50));
    store.ok(&["rm", "-f", "bomb"]);
    store.assert_nothing_left();
}

#[test]
fn exec_counts_towards_the_same_limits() {
    let Some(store) = store() else { return };
    store.ok(&["run", "-d", "--name", "host", "-m", "32m", "--memory-swap", "32m", "--pids-limit", "20", "box", "sleep", "1000"]);
    let first = group(&store, "host");
    let mut second = store.start(&["exec", "host", "sh", "-c", "echo ready; sleep 1000"]);
    second.expect("ready");
    let members = std::fs::read_to_string(first.join("cgroup.procs")).expect("cgroup.procs").lines().count();
    assert!(members >= 3, "reaper, sleep and the second process: {members}");
    store.tare(&["exec", "host", "/probe", "eat-memory", "200"]).expect_code(137);
    let told = store.ok(&["exec", "host", "/probe", "fork-until-error", "100"]);
    assert!(told.ends_with("EAGAIN"), "{told}");
    store.ok(&["kill", "host"]);
    second.wait().expect_code(137);
}

#[test]
fn the_group_is_hidden_and_read_only_inside() {
    let Some(store) = store() else { return };
    let report = store.probe(&["-m", "64m"]);
    assert_eq!(report.texts("cgroup"), ["0::/"]);
    let mount = report.mount("/sys/fs/cgroup").expect("/sys/fs/cgroup");
    assert!(mount.kind == "cgroup2" && mount.has("ro"), "{mount:?}");
    assert_eq!(
        store.ok(&["run", "--rm", "-m", "64m", "box", "cat", "/sys/fs/cgroup/memory.max"]),
        (64 << 20).to_string(),
        "a program can read its own limit"
    );
    let ran = store.tare(&["run", "--rm", "-m", "64m", "box", "sh", "-c", "echo max >/sys/fs/cgroup/memory.max"]);
    assert_ne!(ran.code, 0, "{}", ran.story());
}

#[test]
fn no_group_is_left() {
    let Some(store) = store() else { return };
    let id = store.ok(&["run", "-d", "--name", "aa", "-m", "64m", "box", "sleep", "1000"]);
    let group = group(&store, "aa");
    assert!(group.display().to_string().contains(&id[..12]), "{}", group.display());
    store.ok(&["stop", "aa"]);
    eventually("the group is gone when the container has ended", || !group.exists());
    store.ok(&["start", "aa"]);
    assert_eq!(limit(&store, "aa", "memory.max"), (64 << 20).to_string(), "the limit holds after a new start");
    store.ok(&["rm", "-f", "aa"]);
    store.assert_nothing_left();
}

#[test]
fn limits_that_cannot_be_are_refused() {
    let Some(store) = store() else { return };
    for flags in
        [&["-m", "1m"][..], &["-m", "64m", "--memory-swap", "32m"], &["--cpus", "10000"], &["--cpu-shares", "1"], &["--memory-swap", "64m"]]
    {
        let ran = store.tare(&[&["run", "--rm"], flags, &["box", "true"]].concat());
        // Docker accepts shares of one and rounds them up; either is an answer.
        assert!(ran.code == 125 || ran.code == 0 && flags[0] == "--cpu-shares", "{flags:?}: {}", ran.story());
        store.assert_nothing_left();
    }
}

#[test]
fn the_device_program_stands_here_too() {
    let Some(store) = store() else { return };
    let answers = store.attempts(&[], &["mknod-null", "mknod-kmsg", "mknod-mem", "mknod-vda"]);
    let words: Vec<&str> = answers.iter().map(|(_, answer)| answer.as_str()).collect();
    assert_eq!(words, ["OK", "EPERM", "EPERM", "EPERM"], "{answers:?}");
}

#[test]
fn info_knows_what_is_here_and_what_is_not() {
    let Some(store) = store() else { return };
    let told = store.ok(&["info", "--format", "{{range .Abilities}}{{.Name}}={{.State}}\n{{end}}"]);
    for here in ["memory=yes", "cpu=yes", "pids=yes", "cgroup.kill=yes", "overlay=yes"] {
        assert!(told.lines().any(|line| line == here), "{here}:\n{told}");
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let release = (numbers.next().expect("a number"), numbers.next().expect("a number"));
    // Such a kernel takes any option of an overlay, and looks at it only when it is mounted.
    if release < (6, 5) {
        assert!(told.lines().any(|line| line == "layers told one by one=no"), "{told}");
    }
}

#[test]
fn a_default_container_is_the_same_here() {
    let Some(store) = store() else { return };
    let report: Report = store.probe(&[]);
    assert_eq!(report.number("ppid"), 1);
    assert_eq!(report.status("Seccomp"), "2");
    assert_eq!(format!("{:x}", report.hex("CapEff")), "a80425fb");
    assert_eq!(report.fds().into_keys().collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(store.ok(&["run", "--rm", "box", "/probe", "orphans", "10"]), "zombies 0");
}

#[test]
fn a_shell_on_a_terminal_here_too() {
    let Some(store) = store() else { return };
    let mut person = store.terminal(&["run", "-it", "--rm", "-m", "64m", "box", "sh"]);
    person.expect("# ");
    assert_eq!(person.ask("tty"), "/dev/pts/0");
    person.send("exit 3\n");
    assert_eq!(person.wait(), 3);
    assert!(!person.is_raw());
}

#[test]
fn a_store_on_a_tmpfs_takes_opaque_directories() {
    // Before 6.6 a tmpfs has no user.* attributes; the trusted.* ones are enough for root.
    let Some(store) = store() else { return };
    let place = store.dir.join("tmpfs");
    std::fs::create_dir(&place).expect("a directory");
    let words = |name: &str| place.join(name).display().to_string();
    nix::mount::mount(Some("none"), &place, Some("tmpfs"), nix::mount::MsFlags::empty(), None::<&str>).expect("a tmpfs");
    let first = common::Layer::new().dir("b/", 0o755).file("b/old", 0o644, "x").tar();
    let second = common::Layer::new().dir("b/", 0o755).file("b/.wh..wh..opq", 0o644, "").tar();
    let archive = store.file("opaque.tar", common::Image::new("opaque", vec![first, second]).docker_archive());
    let ran = store.tare(&["--root", &words("s"), "load", "-i", archive.to_str().expect("utf-8")]);
    nix::mount::umount(&place).expect("unmount");
    ran.ok();
}
