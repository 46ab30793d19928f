//! What a default container must not be able to do, tried from inside. Holes by their numbers: known_holes.rs.

use crate::common::store::parse_attempts;
use crate::common::{Layer, Report, Store, program, test_images};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Docker's fourteen: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap.
const DEFAULT_CAPABILITIES: u64 = 0xa804_25fb;

#[test]
fn the_default_capabilities_are_docker_s() {
    let store = Store::new();
    let report = store.probe(&[]);
    assert_eq!(format!("{:x}", report.hex("CapEff")), format!("{DEFAULT_CAPABILITIES:x}"));
    assert_eq!(report.hex("CapPrm"), DEFAULT_CAPABILITIES);
    assert_eq!(report.hex("CapBnd"), DEFAULT_CAPABILITIES);
}

#[test]
fn capabilities_can_be_added_and_dropped() {
    let store = Store::new();
    let effective = |flags: &[&str]| store.probe(flags).hex("CapEff");
    assert_eq!(effective(&["--cap-drop", "ALL"]), 0);
    assert_eq!(effective(&["--cap-drop", "all", "--cap-add", "NET_ADMIN"]), 1 << 12);
    assert_eq!(effective(&["--cap-drop", "chown"]), DEFAULT_CAPABILITIES & !1);
    assert_eq!(effective(&["--cap-add", "cap_sys_ptrace", "--cap-drop", "CAP_MKNOD"]), (DEFAULT_CAPABILITIES | 1 << 19) & !(1 << 27));
    let all = effective(&["--cap-add", "ALL"]);
    assert!(all & 1 << 21 != 0 && all & DEFAULT_CAPABILITIES == DEFAULT_CAPABILITIES, "{all:x}");
    assert_eq!(effective(&["--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"]) & 1 << 21, 0);
}

#[test]
fn cve_2022_29162_no_capability_is_inheritable() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "--cap-add", "NET_ADMIN", "box", "sleep", "1000"]);
    let reports = [
        store.probe(&[]),
        store.probe(&["--cap-add", "NET_ADMIN"]),
        store.probe(&["--cap-add", "NET_ADMIN", "-u", "alice"]),
        Report::parse(&store.ok(&["exec", &id, "/probe"])),
        Report::parse(&store.ok(&["exec", "-u", "alice", &id, "/probe"])),
        Report::parse(&store.ok(&["exec", "--privileged", &id, "/probe"])),
    ];
    for report in reports {
        assert_eq!((report.hex("CapInh"), report.hex("CapAmb")), (0, 0));
    }
}

#[test]
fn a_filter_is_in_force_and_can_be_chosen() {
    let store = Store::new();
    let report = store.probe(&[]);
    assert_eq!((report.status("Seccomp").as_str(), report.status("NoNewPrivs").as_str()), ("2", "0"));
    assert_eq!(store.probe(&["--security-opt", "seccomp=unconfined"]).status("Seccomp"), "0");
    assert_eq!(store.probe(&["--security-opt", "no-new-privileges"]).status("NoNewPrivs"), "1");
    assert_eq!(store.probe(&["--security-opt", "no-new-privileges:true"]).status("NoNewPrivs"), "1");
    assert_eq!(store.probe(&["--security-opt", "no-new-privileges=false"]).status("NoNewPrivs"), "0");
    let profile = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]});
    let file = store.file("profile.json", profile.to_string());
    let flag = format!("seccomp={}", file.display());
    let ran = store.tare(&["run", "--rm", "--security-opt", &flag, "box", "mkdir", "/x"]);
    assert!(ran.code == 1 && ran.stderr.contains("No space left"), "{}", ran.story());
    assert_eq!(store.probe(&["--security-opt", &flag]).status("Seccomp"), "2");
    let broken = store.file("broken.json", "{\"defaultAction\": \"SCMP_ACT_COLOUR\"}");
    store.fails(125, &["run", "--rm", "--security-opt", &format!("seccomp={}", broken.display()), "box", "true"]);
}

#[test]
fn what_a_default_container_may_not_do() {
    let store = Store::new();
    let expected: &[(&str, &[&str])] = &[
        ("mknod-kmsg", &["EPERM"]),
        ("mknod-mem", &["EPERM"]),
        ("mknod-sda", &["EPERM"]),
        ("mknod-vda", &["EPERM"]),
        ("mknod-loop", &["EPERM"]),
        ("mknod-fuse", &["EPERM"]),
        ("mount-tmpfs", &["EPERM"]),
        ("mount-cgroup", &["EPERM"]),
        ("remount-proc-sys", &["EPERM"]),
        ("remount-sys", &["EPERM"]),
        ("unmask-kcore", &["EPERM"]),
        ("pivot-root", &["EPERM"]),
        ("fsopen", &["EPERM"]),
        ("open-tree", &["EPERM"]),
        ("unshare-user", &["EPERM"]),
        ("unshare-mount", &["EPERM"]),
        ("unshare-net", &["EPERM"]),
        ("clone-user", &["EPERM"]),
        // Its flags lie in memory where a filter cannot read them; ENOSYS makes libc fall back to clone.
        ("clone3", &["ENOSYS"]),
        ("setns", &["EPERM"]),
        ("keyctl", &["EPERM"]),
        ("add-key", &["EPERM"]),
        ("bpf", &["EPERM"]),
        ("perf-event-open", &["EPERM"]),
        ("kexec-load", &["EPERM"]),
        ("init-module", &["EPERM"]),
        ("delete-module", &["EPERM"]),
        ("reboot", &["EPERM"]),
        ("swapon", &["EPERM"]),
        ("acct", &["EPERM"]),
        ("userfaultfd", &["EPERM"]),
        ("io-uring-setup", &["EPERM"]),
        ("open-by-handle-at", &["EPERM"]),
        ("syslog", &["EPERM"]),
        ("quotactl", &["EPERM"]),
        ("lookup-dcookie", &["EPERM", "ENOSYS"]),
        ("personality", &["EPERM"]),
        ("set-time", &["EPERM"]),
        ("set-hostname", &["EPERM"]),
        ("ptrace-1", &["EPERM"]),
        ("x32", &["EPERM", "ENOSYS"]),
        ("socket-vsock", &["EPERM", "EAFNOSUPPORT"]),
        ("lo-down", &["EPERM"]),
        // ENOENT: some kernels are built without.
        ("write-sysrq", &["EROFS", "ENOENT"]),
        ("write-core-pattern", &["EROFS"]),
        ("write-irq", &["EROFS", "ENOENT"]),
        ("write-uevent-helper", &["EROFS", "ENOENT"]),
        ("mkdir-cgroup", &["EROFS", "ENOENT"]),
        ("read-kcore", &["EMPTY", "ENOENT"]),
        ("read-keys", &["EMPTY"]),
        ("read-timer-list", &["EMPTY", "ENOENT"]),
        ("read-firmware", &["ENOENT"]),
        ("write-exe-1", &["EACCES", "EPERM", "ETXTBSY", "EROFS", "ENOENT"]),
        ("raise-nofile", &["EPERM"]),
        ("nice", &["EACCES", "EPERM"]),
        ("exec-shm", &["EACCES"]),
    ];
    let names: Vec<&str> = expected.iter().map(|(name, _)| *name).collect();
    let mut answers: BTreeMap<String, String> = store.attempts(&[], &names).into_iter().collect();
    if store.person.is_some() {
        // In a user namespace such a file cannot even be made, so it is not opened; and what is root's is closed before it is read-only.
        let changed = |answer: &mut String| match answer.as_str() {
            "mknod:EPERM" => *answer = "EPERM".into(),
            "EACCES" => *answer = "EROFS".into(),
            _ => {}
        };
        answers.iter_mut().filter(|(name, _)| name.starts_with("mknod") || name.starts_with("write-")).for_each(|(_, one)| changed(one));
    }
    let wrong: Vec<String> = expected
        .iter()
        .filter(|(name, allowed)| !answers.get(*name).is_some_and(|answer| allowed.contains(&answer.as_str())))
        .map(|(name, allowed)| format!("{name}: {:?}, expected one of {allowed:?}", answers.get(*name)))
        .collect();
    assert!(wrong.is_empty(), "\n  {}", wrong.join("\n  "));
}

#[test]
fn what_a_default_container_may_do() {
    let store = Store::new();
    let names =
        ["mknod-null", "socket-raw", "socket-unix", "chown", "setuid", "chroot", "write-root", "write-tmp", "write-shm", "write-null"];
    let cannot = |name: &str| store.person.is_some() && name == "mknod-null";
    let wrong: Vec<_> = store.attempts(&[], &names).into_iter().filter(|(name, answer)| answer != "OK" && !cannot(name)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn exec_may_not_do_more_than_the_container() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "box", "sleep", "1000"]);
    let names = [
        "mknod-kmsg",
        "mount-tmpfs",
        "unshare-user",
        "keyctl",
        "write-sysrq",
        "write-core-pattern",
        "setns",
        "bpf",
        "io-uring-setup",
        "raise-nofile",
    ];
    let answers = parse_attempts(&store.ok(&[&["exec", &id, "/probe", "try"], &names[..]].concat()));
    assert_eq!(answers, store.attempts(&[], &names));
}

#[test]
fn a_right_that_was_given_can_be_used() {
    let store = Store::new();
    let answer = |flags: &[&str], name: &str| store.attempts(flags, &[name]).remove(0).1;
    assert_eq!(answer(&["--cap-add", "SYS_ADMIN"], "mount-tmpfs"), "OK", "the filter follows the capabilities");
    assert_eq!(answer(&["--cap-add", "SYS_ADMIN"], "set-hostname"), "OK");
    assert_eq!(answer(&["--cap-add", "NET_ADMIN"], "lo-down"), "OK");
    assert_eq!(answer(&["--cap-drop", "NET_RAW"], "socket-raw"), "EPERM");
    assert_eq!(answer(&["--cap-drop", "MKNOD"], "mknod-null"), "mknod:EPERM");
    assert_eq!(answer(&["--cap-drop", "CHOWN"], "chown"), "EPERM");
    // Even with every capability the device program stands.
    assert_eq!(answer(&["--cap-add", "ALL"], "mknod-kmsg"), "EPERM");
}

#[test]
fn only_the_three_streams_are_open() {
    let store = Store::new();
    // Called by a careless program: descriptors without close-on-exec, and signals ignored and blocked.
    let line = format!("exec 7</etc/passwd 8</etc 9<>/dev/null; trap '' HUP INT PIPE; exec {} run --rm box /probe", program().display());
    let mut command = store.command(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &line]);
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))));
    command = shell;
    let report = Report::parse(&crate::common::process::run(command, None).ok());
    assert_eq!(report.fds().into_keys().collect::<Vec<_>>(), [0, 1, 2], "{:?}", report.fds());
    // Signals 32 and 33 are libc's own: whoever was started by posix_spawn has them ignored.
    assert_eq!((report.hex("SigIgn") & !0x1_8000_0000, report.hex("SigBlk")), (0, 0));
    // Pid 1 keeps nothing of the host either.
    let inside = store.ok(&["run", "--rm", "--cap-add", "SYS_PTRACE", "box", "sh", "-c", "ls -l /proc/1/fd/"]);
    assert!(!inside.contains("/etc"), "{inside}");
}

#[test]
fn the_streams_are_ours_and_not_files_of_the_host() {
    // What a container holds open it can chmod, truncate and open anew for reading, through /proc/self/fd: so never the caller's own file.
    let store = Store::new();
    let id = store.ok(&["run", "-d", "box", "sleep", "1000"]);
    for words in [
        &["run", "--rm", "box", "/probe"][..],
        &["exec", &id, "/probe"],
        &["run", "--rm", "-i", "box", "/probe"],
        &["exec", "-i", &id, "/probe"],
    ] {
        let open = || std::fs::OpenOptions::new().create(true).append(true).open(store.dir.join("target")).expect("a file");
        std::fs::write(store.dir.join("target"), "").expect("an empty file");
        let mut command = store.command(words);
        command.stdin(std::fs::File::open("/etc/passwd").expect("a file")).stdout(open()).stderr(open());
        assert!(command.status().expect("run").success());
        let report = Report::parse(&std::fs::read_to_string(store.dir.join("target")).expect("the report"));
        for (fd, target) in report.fds() {
            assert!(
                ["pipe:", "socket:", "/dev/null", "anon_inode:"].iter().any(|kind| target.starts_with(kind)),
                "{words:?}: descriptor {fd} is {target}"
            );
        }
    }
}

#[test]
fn the_devices_are_the_usual_ones() {
    let store = Store::new();
    let report = store.probe(&[]);
    let dev = report.0["dev"].as_object().expect("dev");
    for (name, major, minor) in [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)] {
        let one = &dev[name];
        assert_eq!(
            (&one["type"], &one["major"], &one["minor"], &one["mode"]),
            (&"char".into(), &major.into(), &minor.into(), &"0666".into()),
            "{name}: {one}"
        );
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
        ("core", "/proc/kcore"),
    ] {
        // Docker links core too; leaving it out is stricter.
        if let Some(one) = dev.get(name).or(if name == "core" { None } else { Some(&serde_json::Value::Null) }) {
            assert_eq!(one["target"], target, "{name}: {one}");
        }
    }
    let known = [
        "null", "zero", "full", "random", "urandom", "tty", "fd", "stdin", "stdout", "stderr", "ptmx", "core", "pts", "shm", "mqueue",
        "console",
    ];
    let others: Vec<&String> = dev.keys().filter(|name| !known.contains(&name.as_str())).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn the_mounts_are_the_usual_ones() {
    let store = Store::new();
    let report = store.probe(&[]);
    for (target, kind, options) in [
        ("/", "overlay", &["rw"][..]),
        ("/proc", "proc", &["nosuid", "nodev", "noexec"]),
        ("/dev", "tmpfs", &["nosuid"]),
        ("/dev/pts", "devpts", &["nosuid", "noexec"]),
        ("/dev/shm", "tmpfs", &["nosuid", "nodev", "noexec"]),
        ("/dev/mqueue", "mqueue", &["nosuid", "nodev", "noexec"]),
        ("/sys", "sysfs", &["ro", "nosuid", "nodev", "noexec"]),
    ] {
        let mount = report.mount(target).unwrap_or_else(|| panic!("{target} is not mounted"));
        assert_eq!(mount.kind, kind, "{target}");
        for option in options {
            assert!(mount.has(option), "{target} lacks {option}: {:?}", mount.options);
        }
    }
    for target in ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"] {
        if Path::new(target).exists() {
            assert!(report.mount(target).is_some_and(|mount| mount.has("ro")), "{target} must be read-only");
        }
    }
    for target in [
        "/proc/acpi",
        "/proc/asound",
        "/proc/kcore",
        "/proc/keys",
        "/proc/latency_stats",
        "/proc/timer_list",
        "/proc/sched_debug",
        "/proc/scsi",
        "/sys/firmware",
        "/sys/devices/virtual/powercap",
    ] {
        if Path::new(target).exists() {
            assert!(report.mount(target).is_some(), "{target} must be masked");
        }
    }
    for mount in report.mounts() {
        assert!(mount.propagation.is_empty(), "{} passes mounts on to the host: {:?}", mount.target, mount.propagation);
    }
    let host_root = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo").lines().count();
    assert!(report.mounts().len() < host_root + 40, "the host's mounts are gone");
    assert!(
        !report.mounts().iter().any(|mount| mount.target.contains("/old") || mount.target.contains(store.dir.to_str().expect("utf-8"))),
        "{:?}",
        report.mounts()
    );
}

#[test]
fn the_streams_can_be_opened_again_by_their_names() {
    let store = Store::new();
    for user in ["root", "alice"] {
        let ran = store.tare(&["run", "--rm", "-u", user, "box", "sh", "-c", "echo out >/dev/stdout; echo err >/dev/stderr"]);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "out\n", "err\n"), "{user}: {}", ran.story());
    }
}

#[test]
fn the_engine_s_secrets_are_not_in_the_container_s_view() {
    let store = Store::new();
    let report = store.probe(&[]);
    let text = report.0.to_string();
    let place = store.dir.to_str().expect("utf-8");
    let env = report.texts("env").join("\n");
    assert!(!env.contains("TARE_"), "{env}");
    assert!(report.fds().values().all(|target| !target.contains(place)), "{:?}", report.fds());
    // Overlay shows its directories in mountinfo, as docker's does; nothing else may name the store.
    let elsewhere = report.texts("mounts").iter().filter(|line| line.contains(place) && !line.contains(" overlay ")).count();
    assert!(elsewhere <= 3, "only /etc files may come from the store: {text}");
}

#[test]
fn setuid_programs_work_only_where_allowed() {
    let store = Store::new();
    store.load_over_box("setuid", Layer::new().file("rooted", 0o4755, std::fs::read(test_images::probe()).expect("the probe")).tar());
    let uid = |flags: &[&str]| {
        Report::parse(&store.ok(&[&["run", "--rm", "-u", "alice"], flags, &["setuid", "/rooted"]].concat())).number("euid")
    };
    assert_eq!(uid(&[]), 0, "a setuid program of the image works, as in docker");
    assert_eq!(uid(&["--security-opt", "no-new-privileges"]), 1000);
}

#[test]
fn a_terminal_is_not_shown_what_it_would_obey() {
    let store = Store::new();
    let label = "a=\u{1b}[31mred\u{9b}31m";
    let id = store.ok(&["create", "--label", label, "box", "true"]);
    for words in [&["ps", "-a", "--format", "{{.Labels}}\nend"][..], &["inspect", "-f", "{{.Config.Labels}}end", &id], &["inspect", &id]] {
        let mut person = store.terminal(words);
        let shown = person.expect(if words.len() == 2 { "MountLabel" } else { "end" });
        assert!(!shown.contains(['\u{1b}', '\u{9b}']) && shown.contains("\\u001b[31mred\\u009b31m"), "{words:?}: {shown:?}");
        assert_eq!(person.wait(), 0);
    }
    // A program that reads gets the bytes as they are.
    assert_eq!(store.ok(&["ps", "-a", "--format", "{{.Label \"a\"}}"]), &label[2..]);
}
