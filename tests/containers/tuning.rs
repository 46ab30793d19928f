//! Flags of `run` that tune a container: settings of the kernel, groups, scores, names, and files that tell of it. Limits that
//! need cgroup v2's controllers are in `tests/vm`.

use crate::common::{Image, Layer, Store, cannot, cgroup2, eventually};
use serde_json::json;

fn groups_of(store: &Store, flags: &[&str]) -> Vec<i64> {
    let mut groups: Vec<i64> = store.probe(flags).texts("groups").iter().map(|text| text.parse().expect("a gid")).collect();
    groups.sort_unstable();
    groups
}

#[test]
fn further_groups_by_name_and_number() {
    let store = Store::new();
    // Beside those that the image gives the user (10 and 29 for alice).
    let groups = groups_of(&store, &["-u", "alice", "--group-add", "nogroup", "--group-add", "4711", "--group-add", "audio"]);
    for gid in [10, 29, 4711, 65534] {
        assert_eq!(groups.iter().filter(|have| **have == gid).count(), 1, "{gid} once in {groups:?}");
    }
    // A user without an entry, and a group that was named with the user, get them too.
    assert!(groups_of(&store, &["-u", "5555:6666", "--group-add", "audio"]).contains(&29));
    let error = store.fails(125, &["run", "--rm", "--group-add", "nosuchgroup", "box", "true"]);
    assert!(error.contains("nosuchgroup") && error.contains("/etc/group"), "{error}");
    let id = store.ok(&["run", "-d", "--group-add", "audio", "box", "sleep", "1000"]);
    assert!(store.ok(&["exec", &id, "id", "-G"]).split(' ').any(|gid| gid == "29"), "exec has them too");
    assert_eq!(store.inspect(&id)["HostConfig"]["GroupAdd"], json!(["audio"]));
}

#[test]
fn the_score_for_want_of_memory_is_the_command_s() {
    let store = Store::new();
    let read = ["box", "cat", "/proc/self/oom_score_adj"];
    assert_eq!(store.ok(&[&["run", "--rm", "--oom-score-adj", "700"], &read[..]].concat()), "700");
    let id = store.ok(&["run", "-d", "--oom-score-adj", "701", "box", "sleep", "1000"]);
    assert_eq!(store.ok(&["exec", &id, "cat", "/proc/self/oom_score_adj"]), "701", "exec is scored alike");
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").expect("a score");
    assert_eq!(store.ok(&["exec", &id, "cat", "/proc/1/oom_score_adj"]), own.trim(), "the reaper ends last");
    assert_eq!(store.inspect(&id)["HostConfig"]["OomScoreAdj"], 701);
    for bad in ["1001", "-1001", "x", ""] {
        store.fails(125, &["run", "--rm", "--oom-score-adj", bad, "box", "true"]);
    }
}

#[test]
fn a_lower_score_needs_the_right_to_lower_it() {
    let store = Store::new();
    let ran = store.tare(&["run", "--rm", "--oom-score-adj", "-500", "box", "cat", "/proc/self/oom_score_adj"]);
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:\t")).expect("CapEff");
    const CAP_SYS_RESOURCE: u64 = 1 << 24;
    if u64::from_str_radix(held, 16).expect("hex") & CAP_SYS_RESOURCE != 0 {
        assert_eq!(ran.ok(), "-500");
    } else {
        assert_eq!(ran.code, 125, "{}", ran.story());
        assert!(ran.stderr.contains("--oom-score-adj") && ran.stderr.contains("CAP_SYS_RESOURCE"), "{}", ran.stderr);
        store.assert_nothing_left();
    }
}

#[test]
fn a_limit_above_our_own_is_refused_by_its_name() {
    let store = Store::new();
    // fs.nr_open bounds it even for those who may raise limits.
    let error = store.fails(125, &["run", "--rm", "--ulimit", "nofile=2000000000", "box", "true"]);
    assert!(error.contains("--ulimit nofile=2000000000"), "{error}");
}

#[test]
fn settings_of_the_kernel_that_are_the_container_s_own() {
    let store = Store::new();
    let flags = [
        "--sysctl",
        "net.core.somaxconn=77",
        "--sysctl",
        "net/ipv4/ip_unprivileged_port_start=80",
        "--sysctl",
        "kernel.shmmax=123456",
        "--sysctl",
        "kernel.sem=250 32000 100 127",
        "--sysctl",
        "fs.mqueue.msg_max=5",
        "--sysctl",
        "kernel.domainname=by-sysctl",
    ];
    let host = std::fs::read_to_string("/proc/sys/kernel/shmmax").expect("shmmax");
    let words = "cd /proc/sys; cat net/core/somaxconn net/ipv4/ip_unprivileged_port_start kernel/shmmax kernel/sem fs/mqueue/msg_max kernel/domainname";
    let seen = store.ok(&[&["run", "--rm"], &flags[..], &["box", "sh", "-c", words]].concat());
    assert_eq!(seen.replace('\t', " "), "77\n80\n123456\n250 32000 100 127\n5\nby-sysctl");
    assert_eq!(std::fs::read_to_string("/proc/sys/kernel/shmmax").expect("shmmax"), host, "the host's is as it was");
    // /proc/sys is read-only all the same.
    let ran = store.tare(&[&["run", "--rm"], &flags[..2], &["box", "sh", "-c", "echo 1 >/proc/sys/net/core/somaxconn"]].concat());
    assert_ne!(ran.code, 0, "{}", ran.story());
    let id = store.ok(&[&["create"], &flags[..2], &["box"]].concat());
    assert_eq!(store.inspect(&id)["HostConfig"]["Sysctls"], json!({"net.core.somaxconn": "77"}));
}

#[test]
fn settings_of_the_whole_machine_are_refused_by_name() {
    let store = Store::new();
    for (flags, word) in [
        (&["--sysctl", "kernel.panic=1"][..], "kernel.panic"),
        (&["--sysctl", "vm.overcommit_memory=1"], "vm.overcommit_memory"),
        (&["--sysctl", "kernel.hostname=x"], "--hostname"),
        (&["--network", "host", "--sysctl", "net.core.somaxconn=1"], "--network"),
        (&["--ipc", "host", "--sysctl", "kernel.shmmax=1"], "--ipc"),
        (&["--uts", "host", "--sysctl", "kernel.domainname=x"], "--uts"),
        (&["--sysctl", "net/../kernel/panic=1"], "name of a setting"),
        (&["--sysctl", "net.no.such.thing=1"], "net.no.such.thing"),
        (&["--sysctl", "net.core.somaxconn=many"], "net.core.somaxconn"),
    ] {
        let error = store.fails(125, &[&["run", "--rm"], flags, &["box", "true"]].concat());
        assert!(error.contains(word), "{flags:?}: {error}");
    }
    store.assert_nothing_left();
}

/// Runs with a volume whose mount point the image leads below /proc; gives what stands in the volume's file afterwards.
fn caught_by(store: &Store, link: &str, file: &str, flags: &[&str]) -> String {
    store.load_over_box("trap", Layer::new().symlink("trap", link).tar());
    let caught = store.file(&format!("volume/{file}"), "untouched");
    let volume = format!("{}:/trap", caught.parent().expect("a directory").display());
    // Whether such a container may start at all is another question.
    store.tare(&[&["run", "--rm", "-v", &volume], flags, &["trap", "true"]].concat());
    std::fs::read_to_string(&caught).expect("the file")
}

#[test]
fn cve_2025_52881_no_mount_catches_a_setting_of_the_kernel() {
    let store = Store::new();
    assert_eq!(caught_by(&store, "/proc/sys/net/core", "somaxconn", &["--sysctl", "net.core.somaxconn=78"]), "untouched");
}

#[test]
fn cve_2025_52881_no_mount_catches_the_score_for_want_of_memory() {
    let store = Store::new();
    // Without our reaper the command is process 1.
    assert_eq!(caught_by(&store, "/proc/1", "oom_score_adj", &["--init=false", "--oom-score-adj", "500"]), "untouched");
}

#[test]
fn shared_memory_has_the_size_that_was_asked_for() {
    let store = Store::new();
    let options = |flags: &[&str]| store.probe(flags).mount("/dev/shm").expect("/dev/shm").super_options;
    assert!(options(&[]).contains("size=65536k"));
    assert!(options(&["--shm-size", "1m"]).contains("size=1024k"));
    let ran = store.tare(&["run", "--rm", "--shm-size", "64k", "box", "dd", "if=/dev/zero", "of=/dev/shm/x", "bs=1k", "count=65"]);
    assert!(ran.code != 0 && ran.stderr.contains("No space"), "{}", ran.story());
    let error = store.fails(125, &["run", "--rm", "--ipc", "host", "--shm-size", "1m", "box", "true"]);
    assert!(error.contains("--shm-size") && error.contains("--ipc"), "{error}");
    let id = store.ok(&["create", "--shm-size", "1m", "box"]);
    assert_eq!(store.inspect(&id)["HostConfig"]["ShmSize"], 1 << 20);
}

#[test]
fn the_domain_name_is_its_own() {
    let store = Store::new();
    let host = std::fs::read_to_string("/proc/sys/kernel/domainname").expect("domainname");
    assert_eq!(store.ok(&["run", "--rm", "--domainname", "example.org", "box", "cat", "/proc/sys/kernel/domainname"]), "example.org");
    assert_eq!(std::fs::read_to_string("/proc/sys/kernel/domainname").expect("domainname"), host);
    store.fails(125, &["run", "--rm", "--uts", "host", "--domainname", "x", "box", "true"]);
    let id = store.ok(&["create", "--domainname", "example.org", "box"]);
    assert_eq!(store.inspect(&id)["Config"]["Domainname"], "example.org");
}

/// A device that a default container may not open, and what its file is called here.
fn a_device() -> Option<(&'static str, &'static str)> {
    [("/dev/fuse", "c 10:229"), ("/dev/net/tun", "c 10:200")].into_iter().find(|(path, _)| std::fs::File::open(path).is_ok())
}

#[test]
fn a_rule_for_devices_opens_what_it_names() {
    let store = Store::new();
    let Some((_, device)) = a_device() else {
        let _ = cannot("there is neither /dev/fuse nor /dev/net/tun here");
        return;
    };
    let script = format!("mknod /d {} && exec 3</d && echo opened", device.replace(':', " "));
    let open = |rule: &str| {
        let flags: Vec<&str> = if rule.is_empty() { vec![] } else { vec!["--device-cgroup-rule", rule] };
        store.tare(&[&["run", "--rm"], &flags[..], &["box", "sh", "-c", &script]].concat()).stdout
    };
    assert_eq!(open(""), "", "a default container may not open it");
    assert_eq!(open(&format!("{device} r")), "opened\n");
    assert_eq!(open("c *:* r"), "opened\n");
    assert_eq!(open(&format!("{device} w")), "", "to write is not to read");
    assert_eq!(open("b *:* rwm"), "");
    for bad in ["", "c 10:229", "d 1:1 r", "c 1:1 x", "c 1:1 r;"] {
        let error = store.fails(125, &["run", "--rm", "--device-cgroup-rule", bad, "box", "true"]);
        assert!(error.contains("--device-cgroup-rule"), "{error}");
    }
    let id = store.ok(&["create", "--device-cgroup-rule", "b 8:* r", "box"]);
    assert_eq!(store.inspect(&id)["HostConfig"]["DeviceCgroupRules"], json!(["b 8:* r"]));
}

#[test]
fn a_group_above_is_made_and_goes_with_the_last_container() {
    let store = Store::new();
    let Some((top, _)) = cgroup2() else {
        let _ = cannot("there is no cgroup2 mount here");
        return;
    };
    let name = format!("tare-test-{}", std::process::id());
    let parent = format!("/{name}/deep");
    let run = |words: &[&str]| store.ok(&[&["run", "-d", "--cgroup-parent", &parent], words, &["box", "sleep", "1000"]].concat());
    let (one, two) = (run(&["--name", "one"]), run(&["--name", "two"]));
    for id in [&one, &two] {
        let group = std::fs::read_to_string(format!("/proc/{}/cgroup", store.pid(id))).expect("cgroup");
        assert!(group.lines().any(|line| line == format!("0::{parent}/{id}")), "{group}");
    }
    assert_eq!(store.inspect("one")["HostConfig"]["CgroupParent"], *parent);
    // What looks for the group finds it there.
    store.ok(&["exec", "one", "true"]);
    store.ok(&["kill", "one"]);
    store.ok(&["wait", "one"]);
    store.ok(&["rm", "one"]);
    assert!(top.join(&name).join("deep").is_dir(), "the other container is still in it");
    store.ok(&["rm", "-f", "two"]);
    eventually("the groups that were made are gone", || !top.join(&name).exists());
    store.assert_nothing_left();
}

#[test]
fn a_group_above_that_was_there_stays() {
    let store = Store::new();
    let Some((top, _)) = cgroup2() else {
        let _ = cannot("there is no cgroup2 mount here");
        return;
    };
    let name = format!("tare-kept-{}", std::process::id());
    std::fs::create_dir(top.join(&name)).expect("a group");
    let ran = store.tare(&["run", "--rm", "--cgroup-parent", &format!("{name}/made"), "box", "true"]);
    eventually("what was made is gone", || !top.join(&name).join("made").exists());
    let stayed = top.join(&name).is_dir();
    let _ = std::fs::remove_dir(top.join(&name));
    assert_eq!(ran.code, 0, "{}", ran.story());
    assert!(stayed, "a group of somebody else's was removed");
    for bad in ["..", "/a/../b", "", "a/cgroup.procs"] {
        store.fails(125, &["run", "--rm", "--cgroup-parent", bad, "box", "true"]);
    }
}

#[test]
fn annotations_and_ports_are_kept_and_shown() {
    let store = Store::new();
    let layers = crate::common::test_images::box_image().layers;
    let image = Image::new("ports", layers).with_config(json!({"Cmd": ["sh"], "ExposedPorts": {"80/tcp": {}, "53/udp": {}}}));
    store.load(&image.docker_archive()).ok();
    let id = store.ok(&["create", "--annotation", "org.example.a=b=c", "--expose", "8000-8001", "--expose", "80", "ports"]);
    let seen = store.inspect(&id);
    assert_eq!(seen["Config"]["ExposedPorts"], json!({"53/udp": {}, "80/tcp": {}, "8000/tcp": {}, "8001/tcp": {}}));
    assert_eq!(seen["HostConfig"]["Annotations"], json!({"org.example.a": "b=c"}));
    let config = std::fs::read_to_string(store.root.join("container").join(&id).join("config.json")).expect("config.json");
    let config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
    assert_eq!(config["annotations"]["org.example.a"], "b=c");
    for (flag, bad) in
        [("--annotation", "a"), ("--annotation", "=b"), ("--annotation", "tare.seccomp=x"), ("--expose", "0"), ("--expose", "x")]
    {
        store.fails(125, &["run", "--rm", flag, bad, "box", "true"]);
    }
}

#[test]
fn another_machine_s_platform_is_refused() {
    let store = Store::new();
    store.ok(&["run", "--rm", "--platform", "linux", "box", "true"]);
    let other = if cfg!(target_arch = "aarch64") { "linux/amd64" } else { "linux/arm64" };
    let error = store.fails(125, &["run", "--rm", "--platform", other, "box", "true"]);
    assert!(error.contains("this machine is linux/") && error.contains("hint: "), "{error}");
}

#[test]
fn a_file_tells_the_id_while_it_is_true() {
    let store = Store::new();
    let file = store.dir.join("id");
    let words = file.to_str().expect("utf-8");
    let id = store.ok(&["create", "--cidfile", words, "box"]);
    assert_eq!(std::fs::read_to_string(&file).expect("the id"), id);
    let error = store.fails(125, &["run", "--rm", "--cidfile", words, "box", "true"]);
    assert!(error.contains("exists already") && error.contains(words), "{error}");
    assert_eq!(std::fs::read_to_string(&file).expect("the id"), id, "it still names the first container");
    std::fs::remove_file(&file).expect("remove it");
    // A container that is nowhere is named nowhere: not made, or not started and not kept.
    store.fails(125, &["run", "--cidfile", words, "nosuchimage"]);
    assert!(!file.exists());
    assert_eq!(store.tare(&["run", "--rm", "--cidfile", words, "box", "/no/such/program"]).code, 127);
    assert!(!file.exists());
    assert_eq!(store.tare(&["run", "--cidfile", words, "box", "/no/such/program"]).code, 127);
    let kept = std::fs::read_to_string(&file).expect("the id");
    assert_eq!(store.state(&kept), "created");
    store.fails(125, &["run", "--rm", "--cidfile", "/no/such/directory/id", "box", "true"]);
}

#[test]
fn a_file_tells_the_first_process_while_it_runs() {
    let store = Store::new();
    let file = store.dir.join("pid");
    // A relative name is one in the caller's directory.
    let id = store.ok(&["run", "-d", "--pidfile", "pid", "box", "sleep", "1000"]);
    let read = || std::fs::read_to_string(&file).expect("the pid file").trim().to_string();
    assert_eq!(read(), store.pid(&id).to_string());
    store.ok(&["kill", &id]);
    store.ok(&["wait", &id]);
    eventually("the number is gone with the process", || !file.exists());
    store.ok(&["start", &id]);
    assert_eq!(read(), store.pid(&id).to_string(), "and there again");
    store.ok(&["rm", "-f", &id]);
    eventually("the number is gone with the container", || !file.exists());
    let error = store.fails(125, &["run", "--rm", "--pidfile", "/no/such/directory/pid", "box", "sleep", "1000"]);
    assert!(error.contains("--pidfile"), "{error}");
    store.assert_nothing_left();
}

#[test]
fn a_number_that_is_no_longer_true_goes_with_the_repair() {
    let store = Store::new();
    let file = store.dir.join("pid");
    let id = store.ok(&["run", "-d", "--pidfile", "pid", "box", "sleep", "1000"]);
    let monitor = store.inspect(&id)["State"]["MonitorPid"].as_i64().expect("a pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor as i32), nix::sys::signal::Signal::SIGKILL).expect("kill");
    eventually("the container is known to have ended", || store.state(&id) == "exited");
    eventually("the next command takes the number away", || store.ok(&["ps", "-aq"]).len() == 12 && !file.exists());
    // A number that somebody else wrote there meanwhile is theirs.
    store.ok(&["start", &id]);
    std::fs::write(&file, "1\n").expect("another number");
    store.ok(&["rm", "-f", &id]);
    store.assert_nothing_left();
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "1\n");
}

#[test]
fn rates_are_for_whole_disks_of_this_host() {
    let store = Store::new();
    let plain = store.file("plain", "");
    for (device, word) in
        [("/dev/null", "block device"), (plain.to_str().expect("utf-8"), "block device"), ("/no/such/disk", "No such file")]
    {
        let error = store.fails(125, &["run", "--rm", "--device-read-bps", &format!("{device}:1m"), "box", "true"]);
        assert!(error.contains(device) && error.contains(word), "{error}");
    }
    store.assert_nothing_left();
}

#[test]
fn sets_name_what_this_machine_has() {
    let store = Store::new();
    let error = store.fails(125, &["run", "--rm", "--cpuset-cpus", "0,9999", "box", "true"]);
    assert!(
        error.contains("--cpuset-cpus") && error.contains("no processor 9999") && error.contains("hint: this machine has 0"),
        "{error}"
    );
    let error = store.fails(125, &["run", "--rm", "--cpuset-mems", "63", "box", "true"]);
    assert!(error.contains("--cpuset-mems") && error.contains("63"), "{error}");
}

#[test]
fn swappiness_is_refused_with_the_reason() {
    let store = Store::new();
    let error = store.fails(125, &["run", "--rm", "--memory-swappiness", "10", "box", "true"]);
    assert!(error.contains("--memory-swappiness") && error.contains("cgroup v2 has no swappiness"), "{error}");
}

#[test]
fn an_image_s_words_are_all_obeyed() {
    let store = Store::new();
    let layers = crate::common::test_images::box_image().layers;
    let config = json!({
        "Entrypoint": ["/probe"], "Cmd": ["wait-signals"], "Env": ["PATH=/bin", "A=image"], "User": "alice:wheel",
        "WorkingDir": "/made/by/the/start", "StopSignal": "SIGUSR2", "Labels": {"org.example.x": "y"},
    });
    store.load(&Image::new("wordy", layers).with_config(config).docker_archive()).ok();
    let id = store.ok(&["run", "-d", "wordy"]);
    eventually("it listens", || store.ok(&["logs", &id]).contains("ready"));
    assert_eq!(store.ok(&["exec", &id, "pwd"]), "/made/by/the/start");
    assert_eq!(store.ok(&["exec", &id, "id", "-un"]), "alice");
    assert_eq!(store.ok(&["exec", &id, "id", "-gn"]), "wheel");
    assert_eq!(store.ok(&["exec", &id, "sh", "-c", "echo $A"]), "image");
    let seen = store.inspect(&id);
    assert_eq!(
        (&seen["Config"]["StopSignal"], &seen["Config"]["Labels"]["org.example.x"], &seen["Config"]["WorkingDir"]),
        (&json!("SIGUSR2"), &json!("y"), &json!("/made/by/the/start"))
    );
    store.ok(&["stop", &id]);
    assert!(store.ok(&["logs", &id]).contains("got 12"), "the image's signal asked it to end");
    assert_eq!(store.ok(&["run", "--rm", "wordy", "exit", "0"]), "", "arguments follow the image's entrypoint");
}
