//! A config.json that is none, or says what cannot be.

use super::Bundle;
use serde_json::{Value, json};

#[test]
fn a_config_that_is_no_config_is_refused() {
    let bundle = Bundle::new();
    let config = bundle.dir.join("config.json");
    let refused = |text: &str, words: &str| {
        std::fs::write(&config, text).expect("write");
        bundle.refuses(&["create", "one"], words);
        bundle.assert_nothing_left();
    };
    std::fs::remove_file(&config).expect("remove");
    bundle.refuses(&["create", "one"], "No such file");
    refused("", "damaged");
    refused("{\"ociVersion\": \"1.0.0\", \"proc", "damaged");
    refused(&format!("{}{}", "[".repeat(1000), "]".repeat(1000)), "damaged");
    // In a field that nobody knows depth does no harm; what is missing is told.
    refused(&format!("{{\"ociVersion\":\"1.0.0\",\"x\":{}1{}}}", "[".repeat(1000), "]".repeat(1000)), "no root");
    let large = std::fs::File::create(&config).expect("a file");
    large.set_len(100 << 20).expect("100 MiB");
    bundle.refuses(&["create", "one"], "longer than");
    bundle.assert_nothing_left();
}

#[test]
fn a_value_that_makes_no_sense_is_refused_by_name() {
    let cases: &[(&str, Value, &str)] = &[
        ("/ociVersion", json!("2.0.0"), "ociVersion"),
        ("/ociVersion", json!("one"), "ociVersion"),
        ("/root/path", json!("nosuch"), "root"),
        ("/root/path", json!(""), "root.path"),
        ("/root/path", json!("/etc/passwd"), "not a directory"),
        ("/process/cwd", json!("tmp"), "not an absolute path"),
        ("/process/args", json!([]), "process.args"),
        ("/process", json!(null), "process"),
        ("/linux", json!(null), "linux"),
        ("/linux/namespaces", json!([{"type": "pid"}]), "mount namespace"),
        ("/linux/namespaces", json!([{"type": "mount"}, {"type": "mount"}]), "two mount namespaces"),
        ("/linux/namespaces", json!([{"type": "mount"}, {"type": "uts"}, {"type": "network", "path": "/etc/passwd"}]), "network"),
        (
            "/linux/namespaces",
            json!([{"type": "mount"}, {"type": "uts"}, {"type": "network", "path": "/proc/self/ns/uts"}]),
            "another kind",
        ),
        ("/linux/cgroupsPath", json!("/a/../../b"), "upwards"),
        ("/process/ioPriority", json!({"class": "IOPRIO_CLASS_BE", "priority": 9}), "ioPriority"),
        ("/linux/personality", json!({"domain": "LINUX", "flags": ["X"]}), "personality"),
        ("/process/user", json!({"uid": -1, "gid": 0}), "damaged"),
        ("/process/user", json!({"uid": 4_294_967_296_u64, "gid": 0}), "damaged"),
        ("/process/user", json!({"uid": 0, "gid": 0, "umask": 0o1000}), "umask"),
        ("/process/consoleSize", json!({"height": 65_536, "width": 80}), "consoleSize"),
        ("/process/rlimits", json!([{"type": "RLIMIT_NOFILE", "soft": 2, "hard": 1}]), "nofile"),
        ("/process/rlimits", json!([{"type": "RLIMIT_X", "soft": 1, "hard": 1}]), "RLIMIT_X"),
        ("/process/oomScoreAdj", json!(1_000_000), "oom"),
        ("/process/capabilities/bounding", json!(["CAP_NOSUCH"]), "CAP_NOSUCH"),
        ("/process/cwd", json!("/a\u{0}b"), "/a"),
        ("/process/args", json!(["a\u{0}b"]), "zero byte"),
        ("/process/env", json!(["A=\u{0}"]), "zero byte"),
        ("/root/path", json!("rootfs\u{0}"), "root"),
        ("/hostname", json!("a\u{0}b"), "sethostname"),
        ("/hostname", json!("x".repeat(65)), "sethostname"),
        ("/domainname", json!("a\u{0}b"), "setdomainname"),
        ("/mounts/0/destination", json!("/a\u{0}b"), "mount"),
        ("/mounts/0/type", json!("nosuch"), "nosuch"),
        ("/mounts/0/type", json!("a\u{0}b"), "mount"),
        ("/mounts/0/options", json!(["mode=\u{0}"]), "mount"),
        ("/mounts/0/options", json!(["nosuchoption=1"]), "mount"),
        ("/linux/devices", json!([{"path": "/dev/x", "type": "c", "major": 4_294_967_297_i64, "minor": 3}]), "/dev/x 4294967297:3"),
        ("/linux/devices", json!([{"path": "/dev/x", "type": "b", "major": 1, "minor": -1}]), "/dev/x 1:-1"),
        ("/linux/devices", json!([{"path": "/dev/x", "type": "z", "major": 1, "minor": 1}]), "damaged"),
        ("/linux/devices", json!([{"path": "/", "type": "c", "major": 1, "minor": 3}]), "make /"),
        ("/linux/maskedPaths", json!(["/a\u{0}b"]), "hide"),
        ("/linux/readonlyPaths", json!(["/a\u{0}b"]), "protect"),
        ("/linux/cgroupsPath", json!("/"), "names no group"),
        ("/linux/cgroupsPath", json!("/a\u{0}b"), "group"),
        ("/linux/cgroupsPath", json!("/x".repeat(3_000)), "group"),
        ("/linux/sysctl", json!({"net.ipv4.ip_forward": "a\u{0}b"}), "ip_forward"),
        ("/linux/sysctl", json!({"net.../../../kernel/panic": "1"}), "panic"),
        ("/linux/sysctl", json!({"kernel.panic": "1"}), "not the container's own"),
        ("/linux/timeOffsets", json!({"monotonic": {"secs": 1}}), "clocks"),
        ("/linux/seccomp", json!({"defaultAction": "SCMP_ACT_NOSUCH"}), "SCMP_ACT_NOSUCH"),
        ("/hooks", json!({"poststop": [{"path": "relative"}]}), "poststop hook"),
        ("/hooks", json!({"poststart": [{"path": "/bin/true", "timeout": -1}]}), "timeout is negative"),
        ("/hooks", json!({"createRuntime": {"path": "/bin/true"}}), "damaged"),
    ];
    for (place, value, words) in cases {
        let mut bundle = Bundle::of(&["true"]);
        let (above, last) = place.rsplit_once('/').expect("a place");
        let above = bundle.config.pointer_mut(above).expect(above);
        match last.parse::<usize>() {
            Ok(index) => above[index] = value.clone(),
            Err(_) => above[last] = value.clone(),
        }
        bundle.write();
        eprintln!("{place} = {value}");
        // Some can only be tried by the process itself, at its start.
        bundle.refuses(&["run", "one"], words);
        if *place == "/linux/cgroupsPath" {
            bundle.config["linux"]["cgroupsPath"] = json!(null);
        }
        bundle.assert_nothing_left();
    }
}

/// No beginning of a config.json is one.
#[test]
fn a_config_that_was_cut_off_is_refused() {
    let bundle = Bundle::of(&["true"]);
    bundle.write();
    let whole = bundle.config.to_string();
    for length in (0..whole.len()).step_by(50) {
        std::fs::write(bundle.dir.join("config.json"), &whole[..length]).expect("write");
        bundle.refuses(&["create", "one"], "is damaged");
        bundle.assert_nothing_left();
    }
}

#[test]
fn a_config_that_is_no_file_is_refused_without_waiting() {
    let bundle = Bundle::of(&["true"]);
    let config = bundle.dir.join("config.json");
    std::fs::remove_file(&config).expect("remove");
    crate::common::process::tool(&["mkfifo", &config.display().to_string()]).ok();
    bundle.refuses(&["create", "one"], "cannot read");
    std::fs::remove_file(&config).expect("remove");
    std::fs::create_dir(&config).expect("a directory");
    bundle.refuses(&["create", "one"], "cannot read");
    for (words, part) in [
        (&["create", "-b", "nosuch", "one"][..], "cannot use bundle nosuch"),
        (&["create", "-b", "/dev/null", "one"], "/dev/null"),
        (&["create", "-f", "/dev/zero", "one"], "cannot read /dev/zero"),
    ] {
        bundle.refuses(words, part);
    }
    bundle.assert_nothing_left();
}

#[test]
fn a_root_may_be_named_in_any_way_that_leads_to_a_directory() {
    let mut bundle = Bundle::of(&["true"]);
    std::os::unix::fs::symlink("rootfs", bundle.dir.join("link")).expect("a symlink");
    for path in [
        "rootfs".into(),
        "./rootfs/".into(),
        bundle.root("").display().to_string(),
        "link".into(),
        "../".to_owned() + &bundle.dir.file_name().expect("a name").to_string_lossy() + "/rootfs",
    ] {
        bundle.config["root"]["path"] = json!(path);
        let ran = bundle.run("tare");
        assert!(ran.status.success(), "{path}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

#[test]
fn what_a_bundle_names_relatively_lies_in_the_bundle() {
    let mut bundle = Bundle::of(&["cat", "/mnt/f"]);
    std::fs::create_dir(bundle.dir.join("volume")).expect("a directory");
    std::fs::write(bundle.dir.join("volume/f"), "from the bundle").expect("a file");
    let mount = json!({"destination": "/mnt", "type": "bind", "source": "volume", "options": ["bind"]});
    bundle.config["mounts"].as_array_mut().expect("mounts").push(mount);
    bundle.write();
    let mut run = bundle.command("tare", &["run", "--bundle", bundle.dir.to_str().expect("utf-8"), "one"]);
    let ran = run.current_dir("/").output().expect("tare runs");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "from the bundle", "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Hooks inside the container hear of annotations through a socket, which takes so much and no more.
#[test]
fn annotations_are_told_as_a_whole_or_refused() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["annotations"] = json!({"large": "x".repeat(1 << 20)});
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    bundle.config["hooks"] = json!({"createRuntime": [{"path": "/bin/true"}], "poststop": [{"path": "/bin/true"}]});
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    for kind in ["createContainer", "startContainer"] {
        bundle.config["hooks"] = json!({ kind: [{"path": "/bin/true"}] });
        bundle.write();
        bundle.refuses(&["run", "one"], "annotations");
        bundle.assert_nothing_left();
    }
}

#[test]
fn fields_that_nobody_knows_mean_nothing() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["org.example.unknown"] = json!({"a": [1, 2]});
    bundle.config["linux"]["fromTheFuture"] = json!(true);
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn errors_go_to_the_log_in_both_forms() {
    let bundle = Bundle::of(&["nosuch"]);
    bundle.write();
    bundle.refuses(&["--log", "text.log", "create", "one"], "executable file not found");
    let text = std::fs::read_to_string(bundle.dir.join("text.log")).expect("the log");
    assert!(text.contains("level=error") && text.contains("executable file not found in $PATH"), "{text}");
    bundle.refuses(&["--log", "json.log", "--log-format", "json", "create", "one"], "nosuch");
    let json: Value = serde_json::from_str(&std::fs::read_to_string(bundle.dir.join("json.log")).expect("the log")).expect("JSON");
    assert_eq!(json["level"], "error");
    assert!(json["msg"].as_str().is_some_and(|text| text.contains("executable file not found in $PATH")), "{json}");
    bundle.assert_nothing_left();
}
