//! Each flag of `run`, seen from inside.

use super::run_basics::host_namespace;
use crate::common::{Report, Store};

#[test]
fn environment_from_flags_files_and_the_caller() {
    let store = Store::new();
    let file = store.file("env", "# a comment\nFROM_FILE=file\nBOTH=file\n\nSPACED=a b  c\nCALLER_FILE\n");
    let mut command = store.command(&[
        "run",
        "--rm",
        "-e",
        "BOTH=flag",
        "-e",
        "EMPTY=",
        "--env",
        "CALLER",
        "-e",
        "NOT_SET",
        "--env-file",
        file.to_str().expect("utf-8"),
        "box",
        "/probe",
    ]);
    command.env("CALLER", "caller").env("CALLER_FILE", "caller too");
    let report = Report::parse(&crate::common::process::run(command, None).ok());
    for (name, value) in [
        ("FROM_FILE", Some("file")),
        ("BOTH", Some("flag")),
        ("EMPTY", Some("")),
        ("SPACED", Some("a b  c")),
        ("CALLER", Some("caller")),
        ("CALLER_FILE", Some("caller too")),
        ("NOT_SET", None),
        ("FROM_IMAGE", Some("yes")),
    ] {
        assert_eq!(report.env(name).as_deref(), value, "{name}");
    }
}

#[test]
fn a_flag_replaces_what_the_image_sets() {
    let store = Store::new();
    let report = store.probe(&["-e", "FROM_IMAGE=no", "-e", "HOME=/elsewhere", "-e", "HOSTNAME=liar"]);
    assert_eq!(report.env("FROM_IMAGE").as_deref(), Some("no"));
    assert_eq!(report.env("HOME").as_deref(), Some("/elsewhere"));
    assert_eq!(report.env("HOSTNAME").as_deref(), Some("liar"));
    let names: Vec<String> = report.texts("env").iter().map(|line| line.split('=').next().unwrap_or_default().to_string()).collect();
    assert_eq!(names.iter().filter(|name| *name == "FROM_IMAGE").count(), 1, "one value for one name");
}

#[test]
fn the_working_directory_is_made_when_it_is_missing() {
    let store = Store::new();
    assert_eq!(store.probe(&["-w", "/tmp"]).text("cwd"), "/tmp");
    assert_eq!(store.probe(&["--workdir", "/made/here"]).text("cwd"), "/made/here");
}

#[test]
fn users_by_name_and_number() {
    let store = Store::new();
    for (user, uid, gid, groups, home) in [
        ("alice", 1000, 1000, vec![10, 29, 1000], "/home/alice"),
        ("1000", 1000, 1000, vec![10, 29, 1000], "/home/alice"),
        ("alice:wheel", 1000, 10, vec![10], "/home/alice"),
        ("alice:29", 1000, 29, vec![29], "/home/alice"),
        ("1:2", 1, 2, vec![2], "/"),
        ("5555", 5555, 0, vec![0], "/"),
        ("5555:6666", 5555, 6666, vec![6666], "/"),
        (":29", 0, 29, vec![29], "/root"),
        ("4242", 77, 78, vec![78], "/"), // a name wins over a number
        ("root", 0, 0, vec![0, 10], "/root"),
    ] {
        let report = store.probe(&["-u", user]);
        assert_eq!((report.number("uid"), report.number("gid")), (uid, gid), "-u {user}");
        assert_eq!((report.number("euid"), report.number("egid")), (uid, gid), "-u {user}");
        let mut seen: Vec<i64> = report.texts("groups").iter().map(|text| text.parse().expect("a gid")).collect();
        seen.sort_unstable();
        // The primary group may or may not be repeated among the supplementary ones.
        assert!(
            seen == groups
                || seen.iter().chain(&[gid]).all(|one| groups.contains(one) || *one == gid)
                    && groups.iter().all(|one| seen.contains(one) || *one == gid),
            "-u {user}: groups {seen:?}, expected {groups:?}"
        );
        assert_eq!(report.env("HOME").as_deref(), Some(home), "-u {user}");
    }
}

#[test]
fn another_user_than_root_has_no_capabilities_in_force() {
    let store = Store::new();
    let report = store.probe(&["-u", "alice"]);
    assert_eq!((report.hex("CapEff"), report.hex("CapPrm"), report.hex("CapInh"), report.hex("CapAmb")), (0, 0, 0, 0));
    let ran = store.tare(&["run", "--rm", "-u", "5555", "box", "cat", "/home/alice/hers"]);
    assert_eq!(ran.code, 1, "{}", ran.story());
    assert_eq!(store.ok(&["run", "--rm", "-u", "alice", "box", "cat", "/home/alice/hers"]), "hers");
}

#[test]
fn the_hostname_can_be_chosen() {
    let store = Store::new();
    let report = store.probe(&["-h", "web.example"]);
    assert_eq!(report.text("hostname"), "web.example");
    // Without a network there is no address for a line in /etc/hosts, in docker neither.
    let files = store.ok(&["run", "--rm", "--hostname", "web", "box", "cat", "/etc/hostname"]);
    assert_eq!(files, "web");
}

#[test]
fn the_entrypoint_can_be_replaced_and_taken_away() {
    let store = Store::new();
    assert_eq!(store.ok(&["run", "--rm", "--entrypoint", "echo", "box", "hello"]), "hello");
    assert_eq!(store.ok(&["run", "--rm", "--entrypoint", "/bin/echo", "box"]), "", "the image's command goes with its entrypoint");
    store.ok(&["run", "--rm", "--entrypoint", "", "probe", "/probe", "exit", "0"]);
}

#[test]
fn flags_behind_the_image_belong_to_the_command() {
    let store = Store::new();
    assert_eq!(store.ok(&["run", "--rm", "box", "echo", "--rm", "-it", "--name", "x"]), "--rm -it --name x");
    assert_eq!(store.ok(&["run", "--rm", "box", "echo", "--", "-d"]), "-- -d");
}

#[test]
fn short_flags_may_be_written_together() {
    let store = Store::new();
    let id = store.ok(&["run", "-di", "--rm", "box", "cat"]);
    assert_eq!(id.len(), 64);
    store.ok(&["kill", &id]);
}

#[test]
fn a_read_only_container_can_write_only_its_mounts() {
    let store = Store::new();
    let answers = store.attempts(&["--read-only", "--tmpfs", "/tmp"], &["write-root", "write-tmp", "write-shm", "write-null"]);
    assert_eq!(
        answers,
        [("write-root", "EROFS"), ("write-tmp", "OK"), ("write-shm", "OK"), ("write-null", "OK")]
            .map(|(a, b)| (a.to_string(), b.to_string()))
    );
    assert!(store.probe(&["--read-only"]).mount("/").expect("a root").has("ro"));
}

#[test]
fn tmpfs_takes_options() {
    let store = Store::new();
    let report = store.probe(&[
        "--tmpfs",
        "/a",
        "--tmpfs",
        "/b:size=64k,mode=1770,ro,exec",
        "--mount",
        "type=tmpfs,target=/c,tmpfs-size=1m,tmpfs-mode=700",
    ]);
    let a = report.mount("/a").expect("/a");
    assert_eq!(a.kind, "tmpfs");
    assert!(a.has("nosuid") && a.has("nodev") && a.has("noexec"), "{a:?}");
    let b = report.mount("/b").expect("/b");
    assert!(b.has("ro") && !b.has("noexec") && b.super_options.contains("size=64k") && b.super_options.contains("mode=1770"), "{b:?}");
    let c = report.mount("/c").expect("/c");
    assert!(c.super_options.contains("size=1024k") && c.super_options.contains("mode=700"), "{c:?}");
}

#[test]
fn ulimits_are_set() {
    let store = Store::new();
    let report = store.probe(&["--ulimit", "nofile=256:512", "--ulimit", "core=0", "--ulimit", "nproc=1000"]);
    assert_eq!(report.rlimit("nofile"), (256, 512));
    assert_eq!(report.rlimit("core"), (0, 0));
    assert_eq!(report.rlimit("nproc"), (1000, 1000));
}

#[test]
fn namespaces_of_the_host_can_be_asked_for() {
    let store = Store::new();
    for (flags, name) in [
        (["--network", "host"], "net"),
        (["--net", "host"], "net"),
        (["--pid", "host"], "pid"),
        (["--ipc", "host"], "ipc"),
        (["--uts", "host"], "uts"),
    ] {
        let report = store.probe(&flags);
        assert_eq!(report.namespace(name), host_namespace(name), "{flags:?}");
        for other in ["mnt", "cgroup"] {
            assert_ne!(report.namespace(other), host_namespace(other), "{flags:?} leaves {other} alone");
        }
    }
}

#[test]
fn with_the_host_s_network_sys_and_resolv_conf_are_the_host_s() {
    let store = Store::new();
    let report = store.probe(&["--network", "host"]);
    let hosts =
        std::fs::read_dir("/sys/class/net").expect("interfaces").filter_map(Result::ok).filter(|entry| entry.path().is_dir()).count();
    assert_eq!(report.0["interfaces"].as_object().expect("interfaces").len(), hosts);
}

#[test]
fn a_container_in_the_host_s_pid_namespace_can_be_ended() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "--pid", "host", "box", "sleep", "1000"]);
    let pid = store.pid(&id);
    assert_eq!(store.ok(&["exec", &id, "sh", "-c", &format!("kill -0 {pid} && echo seen")]), "seen");
    store.ok(&["rm", "-f", &id]);
    store.assert_nothing_left();
}

#[test]
fn a_device_of_the_host_can_be_given() {
    let store = Store::new();
    // An ordinary user gives what he may open himself, under another name.
    let of_root = ["/dev/loop-control", "/dev/fuse", "/dev/kmsg", "/dev/net/tun"];
    let candidates = if store.person.is_some() { &["/dev/zero"][..] } else { &of_root[..] };
    let Some(device) = candidates.iter().find(|path| std::path::Path::new(path).exists()) else {
        let _ = crate::common::cannot("there is no device here that a default container lacks");
        return;
    };
    let words = format!("{device}:/dev/given:r");
    let report = store.probe(&["--device", &words]);
    assert_eq!(report.0["dev"]["given"]["type"], "char", "{}", report.0["dev"]);
    assert_eq!(store.ok(&["run", "--rm", "--device", &words, "box", "sh", "-c", "exec 3</dev/given && echo opened"]), "opened");
    if store.person.is_some() {
        return;
    }
    // Read was given, write was not: the device program says no, whatever the node's mode is.
    let ran = store.tare(&["run", "--rm", "--device", &words, "box", "sh", "-c", "exec 3>/dev/given"]);
    assert_ne!(ran.code, 0, "{}", ran.story());
}

#[test]
fn privileged_gives_everything() {
    let store = Store::new();
    let report = store.probe(&["--privileged"]);
    let bounding = std::fs::read_to_string("/proc/self/status").expect("status");
    let own = bounding
        .lines()
        .find_map(|line| line.strip_prefix("CapBnd:\t"))
        .map(|hex| u64::from_str_radix(hex, 16).expect("hex"))
        .expect("CapBnd");
    assert_eq!((report.hex("CapEff"), report.hex("CapBnd")), (own, own));
    assert_eq!(report.status("Seccomp"), "0");
    assert!(!report.mount("/sys").expect("/sys").has("ro"));
    assert!(report.mount("/proc/kcore").is_none(), "nothing is masked");
    let answers = store.attempts(&["--privileged"], &["mount-tmpfs", "mknod-kmsg", "set-hostname"]);
    assert!(answers.iter().all(|(_, answer)| answer == "OK"), "{answers:?}");
    assert_ne!(report.namespace("pid"), host_namespace("pid"), "it is still a container");
}

#[test]
fn labels_come_from_flags_and_from_the_image() {
    let store = Store::new();
    let id = store.ok(&["create", "--label", "tier=web", "-l", "empty", "box"]);
    let labels = &store.inspect(&id)["Config"]["Labels"];
    assert_eq!((&labels["tier"], &labels["empty"], &labels["org.example.kind"]), (&"web".into(), &"".into(), &"box".into()), "{labels}");
}

#[test]
fn names_are_given_or_invented() {
    let store = Store::new();
    store.ok(&["create", "--name", "web-1_a.b", "box"]);
    let id = store.ok(&["create", "box"]);
    let name = store.inspect(&id)["Name"].as_str().expect("a name").to_string();
    assert!(name.starts_with('/') && name.len() > 3, "{name}");
    assert!(store.names(true).contains(&"web-1_a.b".to_string()));
}

#[test]
fn detached_prints_the_id_and_returns_at_once() {
    let store = Store::new();
    let ran = store.tare(&["run", "-d", "box", "sleep", "1000"]);
    assert_eq!(ran.code, 0, "{}", ran.story());
    let id = ran.stdout.trim_end();
    assert!(id.len() == 64 && id.chars().all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase()), "{id}");
    assert_eq!(ran.stdout.lines().count(), 1);
    assert_eq!(store.state(id), "running");
}

#[test]
fn a_detached_rm_container_goes_away_by_itself() {
    let store = Store::new();
    store.ok(&["run", "-d", "--rm", "box", "/probe", "exit", "3"]);
    crate::common::eventually("the container is removed when it ends", || store.ok(&["ps", "-aq"]).is_empty());
    store.assert_nothing_left();
}

#[test]
fn stop_signal_and_timeout_can_be_chosen() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "patient", "--stop-signal", "SIGUSR2", "box", "/probe", "wait-signals"]);
    crate::common::eventually("it listens", || store.ok(&["logs", "patient"]).contains("ready"));
    store.ok(&["stop", "patient"]);
    assert_eq!(store.inspect("patient")["State"]["ExitCode"], 0);
    assert!(store.ok(&["logs", "patient"]).contains("got 12"));

    store.ok(&["run", "-d", "--name", "deaf", "--stop-timeout", "1", "box", "/probe", "wait-signals"]);
    crate::common::eventually("it listens", || store.ok(&["logs", "deaf"]).contains("ready"));
    let ran = store.tare(&["stop", "deaf"]);
    assert_eq!(ran.code, 0, "{}", ran.story());
    assert!(ran.took.as_millis() >= 900, "it was given a second: {:?}", ran.took);
    assert_eq!(store.inspect("deaf")["State"]["ExitCode"], 137);
}

#[test]
fn what_needs_a_network_is_refused_without_one() {
    let store = Store::new();
    for (flags, word) in [
        (["-p", "80:80"], "TARE_NETWORK"),
        (["--publish", "80:80"], "--network bridge"),
        (["--net-rate", "1m:1m"], "--net-rate and --network none contradict"),
        (["--ip", "10.0.0.5"], "--ip belongs to a network"),
        (["--network", "mynet"], "tare network create mynet"),
        (["--network", "brigde"], "did you mean bridge?"),
    ] {
        let error = store.fails(125, &["run", "--rm", flags[0], flags[1], "box", "true"]);
        assert!(error.contains(word), "{flags:?}: {error}");
    }
    store.assert_nothing_left();
}

#[test]
fn a_host_without_controllers_refuses_limits_and_says_what_helps() {
    if crate::common::has_controllers() {
        let _ = crate::common::cannot("this host has the controllers; tests/vm shows that they work");
        return;
    }
    let store = Store::new();
    for flags in [["-m", "64m"], ["--memory-swap", "64m"], ["--cpus", "0.5"], ["--cpu-shares", "512"], ["--pids-limit", "20"]] {
        let ran = store.tare(&["run", "--rm", flags[0], flags[1], "box", "true"]);
        assert_eq!(ran.code, 125, "{flags:?}: {}", ran.story());
        assert!(ran.stderr.contains("hint: "), "{flags:?}: {}", ran.stderr);
    }
    let error = store.fails(125, &["run", "--rm", "--name", "web1", "-m", "64m", "box", "true"]);
    assert!(error.contains("memory") && error.contains("cgroup v1"), "{error}");
    assert!(error.contains("systemd.unified_cgroup_hierarchy=1"), "{error}");
    store.assert_nothing_left();
}
