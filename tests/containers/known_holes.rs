//! Holes that other engines had, tried again, each by its number. What must not change is a directory of the host, or our own program.

use crate::common::{Image, Layer, Mend, Report, Store, Victim, archive, race_rounds, test_images};
use serde_json::json;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tar::EntryType;

#[test]
fn cve_2026_88265_the_host_s_dev_null_keeps_its_owner_and_mode() {
    let store = Store::new();
    let about = || std::fs::metadata("/dev/null").map(|about| (about.uid(), about.gid(), about.mode())).expect("/dev/null");
    let before = about();
    let _as_it_was = Mend;
    store.ok(&["run", "--rm", "-u", "alice", "box", "sh", "-c", "chown 1000 /dev/null; chmod 600 /dev/null; true"]);
    store.ok(&["run", "--rm", "box", "sh", "-c", "chown 1000 /dev/null; chmod 600 /dev/null; chmod 600 /proc/self/fd/0; true"]);
    let id = store.ok(&["run", "-d", "box", "sleep", "1000"]);
    store.ok(&["exec", "-u", "alice", &id, "sh", "-c", "chmod 600 /dev/stdin 2>/dev/null; true"]);
    assert_eq!(about(), before);
}

#[test]
fn cve_2019_5736_an_entrypoint_that_is_the_engine_itself() {
    the_engine_as_entrypoint(&Store::new());
}

pub fn the_engine_as_entrypoint(store: &Store) {
    let before = archive::sha256(&std::fs::read(&store.program).expect("the program"));
    let base = test_images::box_image();
    let layer = Layer::new()
        .file("evil", 0o755, "#!/proc/self/exe --version\n")
        .symlink("evil2", "/proc/self/exe")
        .symlink("evil3", "/proc/1/exe")
        .tar();
    store.load(&Image { tag: "evil".into(), layers: vec![base.layers[0].clone(), layer], ..base }.docker_archive()).ok();
    let id = store.ok(&["run", "-d", "evil", "sleep", "1000"]);
    for command in ["/evil", "/evil2", "/evil3", "/proc/self/exe", "/proc/1/exe"] {
        // What happens is its own affair, as long as it ends and our own program is not run inside.
        let ran = store.tare(&["run", "--rm", "evil", command, "version"]);
        assert!(!ran.stdout.contains(env!("CARGO_PKG_VERSION")), "the host's program was run inside: {}", ran.story());
        let ran = store.tare(&["exec", &id, command, "version"]);
        assert!(!ran.stdout.contains(env!("CARGO_PKG_VERSION")), "the host's program was run inside: {}", ran.story());
    }
    assert_eq!(archive::sha256(&std::fs::read(&store.program).expect("the program")), before);
}

#[test]
fn cve_2019_5736_the_engine_s_program_cannot_be_opened_for_writing_from_inside() {
    the_engine_opened_for_writing(&Store::new(), race_rounds());
}

pub fn the_engine_opened_for_writing(store: &Store, rounds: u32) {
    let before = archive::sha256(&std::fs::read(&store.program).expect("the program"));
    let size = std::fs::metadata(&store.program).expect("the program").len().to_string();
    for flags in [&[][..], &["--cap-add", "SYS_PTRACE"], &["--cap-add", "ALL", "--security-opt", "seccomp=unconfined"]] {
        let mut left = rounds;
        while left > 0 {
            let seconds = if crate::common::in_vm() { "30" } else { "3" };
            let id = store.ok(&[&["run", "-d"], flags, &["box", "/probe", "overwrite-exe", seconds, &size]].concat());
            crate::common::eventually("the attacker is ready", || store.ok(&["logs", &id]).contains("ready"));
            let mut entered = 0;
            while left > 0 {
                // It fails when the attacker's time is over.
                if store.tare(&["exec", &id, "true"]).code != 0 {
                    break;
                }
                entered += 1;
                left -= 1;
            }
            assert!(entered > 0, "nothing entered");
            assert_eq!(store.ok(&["wait", &id]), "0", "{flags:?}: {}", store.ok(&["logs", &id]));
            let told = store.ok(&["logs", &id]);
            assert!(told.contains("breaches 0"), "{flags:?}: the host's program was reachable: {told}");
            store.ok(&["rm", &id]);
        }
    }
    assert_eq!(archive::sha256(&std::fs::read(&store.program).expect("the program")), before);
}

#[test]
fn cve_2024_21626_what_enters_a_container_has_nothing_of_the_host_open() {
    let store = Store::new();
    // Each of these would be found in the process that enters, if it were not left behind.
    let (input, output) = (store.file("input", "x"), store.file("output", ""));
    let (mut left, mut seen, mut tries) = (race_rounds(), false, 0);
    // On a busy machine the attacker may come too late every time; a race that was never run proves nothing.
    while left > 0 || !seen {
        tries += 1;
        assert!(seen || tries < 20, "the attacker never saw anything");
        let seconds = if crate::common::in_vm() { "30" } else { "3" };
        let id = store.ok(&["run", "-d", "--cap-add", "SYS_PTRACE", "box", "/probe", "snoop-descriptors", seconds]);
        crate::common::eventually("the attacker is ready", || store.ok(&["logs", &id]).contains("ready"));
        let mut entered = 0;
        loop {
            let mut command = store.command(&["exec", "-i", &id, "true"]);
            command.stdin(std::fs::File::open(&input).expect("a file"));
            command.stdout(std::fs::OpenOptions::new().append(true).open(&output).expect("a file"));
            if !command.stderr(std::process::Stdio::null()).status().expect("the program runs").success() {
                break;
            }
            entered += 1;
        }
        assert!(entered > 0, "nothing entered");
        left = left.saturating_sub(entered);
        let code = store.ok(&["wait", &id]);
        let told = store.ok(&["logs", &id]);
        assert!(code == "0" && told.contains("breaches 0"), "{told}");
        seen |= told.contains("seen 1");
        store.ok(&["rm", &id]);
    }
}

#[test]
fn cve_2024_21626_no_directory_of_the_host_as_working_directory() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    let id = store.ok(&["run", "-d", "box", "sleep", "1000"]);
    for fd in 3..=14 {
        // One that is missing would be made before it is seen to be outside.
        let made = format!("/proc/self/fd/{fd}/../../../../../../../../../../..{}/made", victim.path());
        for words in [&["run", "--rm", "-w", &made, "box", "true"][..], &["exec", "-w", &made, &id, "true"]] {
            store.tare(words);
            victim.assert_untouched("the working directory");
        }
        let dir = format!("/proc/self/fd/{fd}");
        for words in [&["run", "--rm", "-w", &dir, "box", "/probe"][..], &["exec", "-w", &dir, &id, "/probe"]] {
            let ran = store.tare(words);
            if ran.code != 0 {
                crate::common::store::assert_proper_error(&ran);
                continue;
            }
            let report = Report::parse(&ran.stdout);
            let cwd = report.text("cwd");
            assert!(
                cwd.starts_with('/') && !cwd.contains("unreachable") && Path::new(cwd).components().count() <= 5,
                "{words:?}: cwd is {cwd}"
            );
            let up = store.tare(&[&words[..words.len() - 1], &["cat", "../../../../../../../../../../../etc/passwd"]].concat());
            assert!(up.code != 0 || up.stdout.contains("Alice"), "{words:?}: this is another passwd: {}", up.story());
        }
    }
}

#[test]
fn cve_2019_18837_2025_24965_2026_41579_symlinks_of_the_image_in_place_of_what_we_mount() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    let source = store.file("source", "mounted");
    let in_victim = |name: &str| format!("{}/{name}", victim.path());
    for (what, layer) in [
        ("/etc leads out", Layer::new().file(".wh.etc", 0o644, "").symlink("etc", victim.path())),
        ("/etc/hosts leads out", Layer::new().symlink("etc/hosts", &in_victim("hosts"))),
        ("/etc/hostname leads out", Layer::new().symlink("etc/hostname", &in_victim("hostname"))),
        ("/etc/resolv.conf leads out", Layer::new().symlink("etc/resolv.conf", &in_victim("resolv.conf"))),
        ("/etc/hosts leads up", Layer::new().symlink("etc/hosts", "../../../../../../../../../../tmp/x")),
        ("/dev leads out", Layer::new().symlink("dev", victim.path())),
        ("/proc leads out", Layer::new().symlink("proc", victim.path())),
        ("/sys leads out", Layer::new().symlink("sys", victim.path())),
        (
            "/dev/null leads out",
            Layer::new()
                .dir("dev/", 0o755)
                .symlink("dev/null", &in_victim("null"))
                .symlink("dev/console", &in_victim("console"))
                .symlink("dev/ptmx", &in_victim("ptmx")),
        ),
        ("/dev/shm leads out", Layer::new().dir("dev/", 0o755).symlink("dev/shm", victim.path()).symlink("dev/pts", victim.path())),
        ("/mnt leads out", Layer::new().symlink("mnt", victim.path())),
        ("/proc is a file", Layer::new().file("proc", 0o644, "x")),
        ("/dev is a file", Layer::new().file("dev", 0o644, "x")),
        ("/etc is a file", Layer::new().file(".wh.etc", 0o644, "").file("etc", 0o644, "x")),
    ] {
        let tag = "crooked";
        store.load_over_box(tag, layer.tar());
        let bind = format!("{}:/mnt/deep/file", source.display());
        for flags in [
            &["run", "--rm"][..],
            &["run", "--rm", "-t"],
            &["run", "--rm", "-v", &bind],
            &["run", "--rm", "--read-only", "--tmpfs", "/mnt/tmp"],
        ] {
            let ran = store.tare(&[flags, &[tag, "/probe"]].concat());
            victim.assert_untouched(what);
            if ran.code == 0 {
                let report = Report::parse(&ran.stdout.replace('\r', ""));
                assert_eq!(report.mount("/proc").map(|mount| mount.kind).as_deref(), Some("proc"), "{what}: /proc is the real one");
            } else {
                assert!([125, 126, 127].contains(&ran.code), "{what}: {}", ran.story());
                crate::common::store::assert_proper_error(&crate::common::Ran {
                    stderr: format!("{}{}", ran.stderr, if ran.stderr.is_empty() { &ran.stdout } else { "" }),
                    ..ran
                });
            }
            store.assert_nothing_left();
        }
        assert!(!Path::new("/tmp/x").exists(), "{what}");
        store.ok(&["rmi", tag]);
    }
}

#[test]
fn cve_2019_16884_nothing_may_be_mounted_over_proc() {
    let store = Store::new();
    let dir = store.file("shared/file", "x").parent().expect("a directory").display().to_string();
    for flags in [
        ["-v".to_string(), format!("{dir}:/proc")],
        ["--tmpfs".into(), "/proc".into()],
        ["-v".into(), format!("{dir}:/proc/self")],
        ["--tmpfs".into(), "/proc/sys/kernel".into()],
        ["-v".into(), format!("{dir}:/proc/self/attr")],
    ] {
        let ran = store.tare(&["run", "--rm", &flags[0], &flags[1], "box", "true"]);
        assert_eq!(ran.code, 125, "{flags:?}: {}", ran.story());
        crate::common::store::assert_proper_error(&ran);
        store.assert_nothing_left();
    }
}

#[test]
fn cve_2021_30465_2024_45310_mount_targets_that_are_exchanged_during_the_start() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    let shared = store.dir.join("shared");
    std::fs::create_dir_all(shared.join("dir")).expect("a directory");
    std::os::unix::fs::symlink(victim.path(), shared.join("link")).expect("a symlink");
    let source = store.file("source/file", "mounted").parent().expect("a directory").display().to_string();
    let flag = format!("{}:/shared", shared.display());
    let racer = store.ok(&["run", "-d", "-v", &flag, "box", "/probe", "exchange", "/shared/dir", "/shared/link"]);
    crate::common::eventually("the racer is ready", || store.ok(&["logs", &racer]).contains("ready"));
    let (deep, file) = (format!("{source}:/shared/dir/made/here"), format!("{source}/file:/shared/dir/a-file"));
    for _ in 0..race_rounds() {
        let ran = store.tare(&["run", "--rm", "-v", &flag, "-v", &deep, "-v", &file, "box", "true"]);
        assert!([0, 125].contains(&ran.code), "{}", ran.story());
        victim.assert_untouched("the race");
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    assert!(!mounts.contains(store.dir.to_str().expect("utf-8")), "{mounts}");
}

#[test]
fn ghsa_q6r4_a_working_directory_through_a_symlink() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    store.load_over_box("crooked", Layer::new().symlink("a", victim.path()).tar());
    for flags in [&["-w", "/a/b"][..], &["-w", "/a"], &["-w", "/a/../../../b"], &["-u", "alice", "-w", "/a/b"]] {
        let ran = store.tare(&[&["run", "--rm"], flags, &["crooked", "pwd"]].concat());
        victim.assert_untouched("WORKDIR");
        assert!([0, 125, 126].contains(&ran.code), "{}", ran.story());
    }
}

#[test]
fn cve_2026_47262_etc_passwd_is_a_trap() {
    let store = Store::new();
    let huge = vec![b'x'; 30 << 20];
    for (what, layer, may_work) in [
        ("a fifo", Layer::new().file("etc/.wh.passwd", 0o644, "").fifo("etc/passwd"), false),
        ("thirty megabytes", Layer::new().file("etc/passwd", 0o644, &huge), false),
        (
            "a symlink to the host",
            Layer::new().symlink("etc/passwd", "/etc/shadow").symlink("etc/group", "../../../../../../etc/gshadow"),
            false,
        ),
        (
            "a symlink inside",
            Layer::new().symlink("etc/passwd", "../passwd").file(
                "passwd",
                0o644,
                "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n",
            ),
            true,
        ),
        ("a device", Layer::new().device("etc/passwd", EntryType::Char, 1, 5), false),
        ("a directory", Layer::new().file("etc/.wh.passwd", 0o644, "").dir("etc/passwd/", 0o755), false),
    ] {
        store.load_over_box("trap", layer.tar());
        let ran = store.tare(&["run", "--rm", "-u", "alice", "trap", "/probe"]);
        assert_eq!(ran.code == 0, may_work, "{what}: {}", ran.story());
        // A number needs no file; docker reads it for the groups, and goes on without.
        let ran = store.tare(&["run", "--rm", "-u", "1000:1000", "trap", "/probe"]);
        assert!([0, 125, 126].contains(&ran.code), "{what}: {}", ran.story());
        store.ok(&["rmi", "trap"]);
    }
    store.assert_nothing_left();
}

#[test]
fn cve_2022_23648_a_volume_path_that_climbs_out() {
    let store = Store::new();
    let base = test_images::box_image();
    for volume in ["/../../../../../../../../etc", "/proc/self/root", "../etc", ""] {
        let config = json!({"Cmd": ["/probe"], "Volumes": {volume: {}}});
        store.load(&Image { tag: "volume".into(), config, ..base.clone() }.docker_archive()).ok();
        let ran = store.tare(&["run", "--rm", "volume", "cat", "/etc/passwd"]);
        assert!(ran.code != 0 || ran.stdout.contains("Alice") || ran.stdout.is_empty(), "{volume}: {}", ran.story());
        store.ok(&["rmi", "-f", "volume"]);
    }
}

#[test]
fn cve_2019_14271_2026_41567_nothing_of_the_image_is_run_or_loaded_by_us() {
    let store = Store::new();
    // The marks would be made on the host if one of these ran there, and in the container if it ran inside before the command.
    let trap = "#!/bin/sh\ntouch /trapped\n";
    let mut layer = Layer::new();
    for name in ["bin/mount", "bin/xz", "bin/gzip", "usr/bin/unpigz", "bin/zstd", "sbin/iptables", "bin/newuidmap", "bin/id", "bin/getent"]
    {
        layer = layer.file(name, 0o755, trap);
    }
    store.load_over_box("trapped", layer.file("lib/x86_64-linux-gnu/libnss_files.so.2", 0o755, "not a library").tar());
    let id = store.ok(&["run", "-d", "-u", "alice", "trapped", "sleep", "1000"]);
    assert_eq!(store.tare(&["exec", "-u", "root", &id, "ls", "/trapped"]).code, 1);
    assert!(!Path::new("/trapped").exists());
}

#[test]
fn cve_2020_15257_no_abstract_sockets() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "-i", "--network", "host", "box", "sleep", "1000"]);
    let sockets = std::fs::read_to_string("/proc/net/unix").expect("sockets");
    let ours: Vec<&str> = sockets
        .lines()
        .filter(|line| {
            line.contains('@') && (line.contains(&id) || line.contains("tare") || line.contains(store.dir.to_str().expect("utf-8")))
        })
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
}

#[test]
fn cve_2022_0492_no_way_to_a_writable_cgroup() {
    let store = Store::new();
    let answers = store.attempts(&[], &["mount-cgroup", "mkdir-cgroup", "unshare-user"]);
    assert!(answers.iter().all(|(_, answer)| answer != "OK"), "{answers:?}");
    let group = store.ok(&["run", "--rm", "box", "cat", "/proc/self/cgroup"]);
    assert!(
        group.lines().filter(|line| line.starts_with("0::")).all(|line| line == "0::/"),
        "the group's name on the host is not shown: {group}"
    );
}
