//! The options of runc and of crun: each is taken, before and after the id, or refused by its name.

use super::bundle::Bundle;
use crate::common::eventually;
use serde_json::{Value, json};
use std::os::fd::AsRawFd;

fn sleeping() -> Bundle {
    let bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    bundle
}

#[test]
fn options_stand_before_and_after_the_id() {
    let bundle = sleeping();
    let dir = bundle.dir.to_str().expect("utf-8");
    bundle.call(&["create", "one", "--bundle", dir, "--pid-file=pid"]);
    // Of its own group.
    let mut config = bundle.config.clone();
    config["linux"]["cgroupsPath"] = format!("{}-two", config["linux"]["cgroupsPath"].as_str().expect("a path")).into();
    std::fs::write(bundle.dir.join("two.json"), config.to_string()).expect("a file");
    bundle.call(&["create", "-b", dir, "-f", "two.json", "two"]);
    bundle.call(&["kill", "one", "--all", "KILL"]);
    bundle.call(&["kill", "-a", "two", "9"]);
    bundle.call(&["delete", "one", "--force"]);
    bundle.call(&["delete", "-f", "two"]);
    bundle.assert_nothing_left();
}

#[test]
fn global_options_of_both_are_taken() {
    let bundle = sleeping();
    let log = bundle.dir.join("log");
    let words = ["--debug", "--log", "log", "--log-format", "json", "--rootless", "auto", "--criu", "criu", "--cgroup-manager", "cgroupfs"];
    bundle.call(&[&words[..], &["create", "--no-subreaper", "--no-new-keyring", "one"]].concat());
    let written = std::fs::read_to_string(&log).expect("a log");
    let line: Value = serde_json::from_str(written.lines().next().expect("--debug says something")).expect("JSON");
    assert_eq!(line["level"], "debug");
    bundle.call(&["--log=file:log2", "--debug", "state", "one"]);
    assert!(std::fs::read_to_string(bundle.dir.join("log2")).expect("crun's form of a log").contains("level=debug"));
    for (words, part) in [
        (&["--log", "journald:x", "state", "one"][..], "--log journald:x"),
        (&["--log=syslog:x", "state", "one"], "--log syslog:x"),
        (&["--rootless", "maybe", "state", "one"], "maybe"),
        (&["--cgroup-manager", "disabled", "create", "two"], "--cgroup-manager=disabled"),
        (&["--cgroup-manager", "nosuch", "create", "two"], "nosuch"),
    ] {
        bundle.refuses(words, part);
    }
}

#[test]
fn words_that_make_no_sense_reach_the_engine_s_log() {
    let bundle = sleeping();
    bundle.refuses(&["--log", "log", "--log-format=json", "create", "--nosuch", "one"], "--nosuch");
    let line: Value = serde_json::from_str(&std::fs::read_to_string(bundle.dir.join("log")).expect("a log")).expect("JSON");
    assert!(line["level"] == "error" && line["msg"].as_str().is_some_and(|text| text.contains("--nosuch")), "{line}");
}

/// Where it does run, tests/vm shows what becomes of it.
#[test]
fn systemd_is_asked_only_where_it_runs() {
    if std::fs::exists("/run/systemd/system").expect("/run") {
        let _ = crate::common::cannot("systemd runs here");
        return;
    }
    let bundle = sleeping();
    for option in ["--systemd-cgroup", "--cgroup-manager=systemd"] {
        bundle.refuses(&[option, "create", "one"], "systemd does not run here");
        bundle.assert_nothing_left();
    }
}

#[test]
fn what_is_not_supported_is_refused_by_its_name() {
    let bundle = sleeping();
    bundle.call(&["create", "one"]);
    for words in [
        &["kill", "--regex", "o.*"][..],
        &["delete", "--regex", "o.*"],
        &["update", "--l3-cache-schema=L3:0=f", "one"],
        &["update", "--mem-bw-schema=MB:0=20", "one"],
        &["ps", "one", "-ef"],
        &["checkpoint", "--image-path", "x", "--leave-running", "one"],
        &["restore", "--image-path", "x", "one"],
    ] {
        let name =
            words.iter().find(|word| word.starts_with('-') && words[0] != "checkpoint" && words[0] != "restore").unwrap_or(&words[0]);
        let error = bundle.refuses(words, name.split('=').next().expect("a name"));
        assert!(!error.contains("unexpected argument"), "{error}");
    }
    bundle.call(&["update", "--l3-cache-schema", "", "one"]);
}

#[test]
fn the_version_names_the_specification_s() {
    let bundle = Bundle::new();
    for word in ["--version", "-v", "-V"] {
        let told = bundle.call(&[word]);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines, [concat!("tare-oci version ", env!("CARGO_PKG_VERSION")), "spec: 1.3.0"], "{word}");
    }
}

/// Where pivot_root works, too, the root can be moved; what the process sees is the same.
#[test]
fn no_pivot_changes_nothing_that_is_seen() {
    let bundle = Bundle::of(&["sh", "-c", "ls /; readlink /proc/self/root; cd /..; pwd; awk '$5 == \"/\"' /proc/self/mountinfo | wc -l"]);
    bundle.write();
    let seen = bundle.call(&["run", "one"]);
    assert!(seen.contains("probe\n") && seen.ends_with("/\n/\n1\n"), "{seen}");
    assert_eq!(bundle.call(&["run", "--no-pivot", "one"]), seen);
    bundle.assert_nothing_left();
}

#[test]
fn preserved_descriptors_are_counted_from_three() {
    let bundle = sleeping();
    std::fs::write(bundle.dir.join("text"), "hello").expect("a file");
    bundle.call(&["run", "--detach", "one"]);
    let ran = bundle.through_a_shell("exec 3<text", &["exec", "--preserve-fds", "1", "one", "cat", "/proc/self/fd/3"]);
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "hello", "{}", String::from_utf8_lossy(&ran.stderr));
    bundle.refuses(&["exec", "--preserve-fds", "9", "one", "true"], "is not open");
}

#[test]
fn a_pidfd_is_handed_over() {
    let bundle = sleeping();
    let path = bundle.dir.join("pidfd");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let words = [
        &["create", "--pidfd-socket", "pidfd", "one"][..],
        &["start", "one"],
        &["exec", "-d", "--pidfd-socket", "pidfd", "one", "sleep", "9"],
    ];
    for words in words {
        bundle.call(words);
        if words[0] == "start" {
            continue;
        }
        let (client, _) = listener.accept().expect("somebody has connected");
        let pid = pid_of(&received(&client));
        let pids: Vec<i64> = serde_json::from_str(&bundle.call(&["ps", "-f", "json", "one"])).expect("JSON");
        assert!(pids.contains(&pid), "{words:?}: {pid} of {pids:?}");
    }
}

/// The descriptor that comes with a message.
fn received(client: &impl AsRawFd) -> std::os::fd::OwnedFd {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
    let mut bytes = [0; 64];
    let mut io = [std::io::IoSliceMut::new(&mut bytes)];
    let mut space = nix::cmsg_space!(std::os::fd::RawFd);
    let message = recvmsg::<()>(client.as_raw_fd(), &mut io, Some(&mut space), MsgFlags::empty()).expect("a message");
    let fd = message.cmsgs().expect("control messages").find_map(|control| match control {
        ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
        _ => None,
    });
    // SAFETY: the kernel has just given it to us.
    unsafe { std::os::fd::FromRawFd::from_raw_fd(fd.expect("a descriptor")) }
}

fn pid_of(pidfd: &impl AsRawFd) -> i64 {
    let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).expect("fdinfo");
    about.lines().find_map(|line| line.strip_prefix("Pid:")).and_then(|pid| pid.trim().parse().ok()).expect("a pidfd")
}

#[test]
fn exec_obeys_each_of_its_options() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.config["process"]["env"] = json!(["PATH=/bin", "A=old", "B=kept"]);
    bundle.config["process"]["noNewPrivileges"] = json!(false);
    bundle.write();
    bundle.call(&["run", "-d", "one"]);
    assert_eq!(
        bundle.call(&["exec", "--env", "A=new", "-e", "C=", "one", "sh", "-c", "env | grep '^[ABC]=' | sort"]),
        "A=new\nB=kept\nC=\n"
    );
    let status = |options: &[&str], field: &str| {
        let told = bundle.call(&[&["exec"], options, &["one", "cat", "/proc/self/status"]].concat());
        let line = told.lines().find_map(|line| line.strip_prefix(field).map(str::trim).map(str::to_owned));
        line.unwrap_or_else(|| panic!("{told}"))
    };
    assert_eq!((status(&[], "NoNewPrivs:"), status(&["--no-new-privs"], "NoNewPrivs:")), ("0".into(), "1".into()));
    let capabilities = |options: &[&str]| u64::from_str_radix(&status(options, "CapEff:"), 16).expect("hexadecimal");
    assert_eq!(capabilities(&["--cap", "CAP_SYS_NICE", "-c", "sys_time"]) ^ capabilities(&[]), 1 << 23 | 1 << 25);
    assert_eq!(status(&["--user=5:6", "--additional-gids=7", "-g", "8"], "Groups:"), "7 8");
    assert_eq!(status(&["-u", "5:6"], "Uid:"), "5\t5\t5\t5");
    bundle.refuses(&["exec", "--apparmor", "nosuch", "one", "true"], "apparmor");
    bundle.refuses(&["exec", "--process-label", "nosuch", "one", "true"], "SELinux");
    bundle.refuses(&["exec", "--tty", "--detach", "one", "true"], "--console-socket");
    assert_eq!(bundle.call(&["exec", "--tty=false", "one", "sh", "-c", "tty; true"]), "not a tty\n");
    bundle.refuses(&["exec", "--cap", "nosuch", "one", "true"], "nosuch");
    bundle.refuses(&["exec", "one"], "no command");
}

#[test]
fn exec_goes_to_a_group_below() {
    let bundle = sleeping();
    let Some(group) = bundle.group() else {
        let _ = crate::common::cannot("this host has no cgroup2");
        return;
    };
    bundle.call(&["run", "-d", "one"]);
    std::fs::create_dir(group.join("below")).expect("a group");
    bundle.call(&["exec", "-d", "--cgroup", "below", "--pid-file", "pid", "one", "sleep", "1000"]);
    let pid = std::fs::read_to_string(bundle.dir.join("pid")).expect("a pid file");
    assert_eq!(std::fs::read_to_string(group.join("below/cgroup.procs")).expect("a group").trim(), pid);
    let pids: Vec<i64> = serde_json::from_str(&bundle.call(&["ps", "-f", "json", "one"])).expect("JSON");
    assert_eq!(pids.len(), 2, "a process below counts");
    bundle.refuses(&["exec", "--cgroup", "nosuch", "one", "true"], "nosuch");
    bundle.refuses(&["exec", "--cgroup", "../..", "one", "true"], "upwards");
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn exec_waits_in_a_paused_container_where_it_may() {
    let bundle = sleeping();
    if bundle.group().is_none() {
        let _ = crate::common::cannot("this host has no cgroup2");
        return;
    }
    bundle.call(&["run", "-d", "one"]);
    bundle.call(&["pause", "one"]);
    bundle.refuses(&["exec", "one", "true"], "it is paused");
    let mut waiting = bundle.command("tare", &["exec", "--ignore-paused", "one", "touch", "/touched"]).spawn().expect("tare runs");
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(!bundle.root("touched").exists(), "it stands still as the others");
    bundle.call(&["resume", "one"]);
    assert!(waiting.wait().expect("it ends").success());
    assert!(bundle.root("touched").exists());
}

#[test]
fn run_keeps_what_has_ended_where_it_shall() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["annotations"] = json!({"a": "b"});
    bundle.write();
    bundle.call(&["run", "--keep", "one"]);
    let state = bundle.state("one");
    assert_eq!((&state["status"], &state["pid"], &state["annotations"]), (&json!("stopped"), &json!(0), &json!({"a": "b"})));
    bundle.call(&["delete", "one"]);
    bundle.assert_nothing_left();
}

/// Runtime-spec 1.3, "State".
#[test]
fn the_state_is_as_specified() {
    let mut bundle = sleeping();
    bundle.config["ociVersion"] = json!("1.1.0");
    bundle.write();
    bundle.call(&["create", "one"]);
    let state = bundle.state("one");
    let state: oci_spec::runtime::State = serde_json::from_value(state).expect("the library reads it");
    assert_eq!((state.version().as_str(), state.id().as_str(), state.bundle()), ("1.1.0", "one", &bundle.dir));
    assert_eq!(state.status().to_string(), "created");
    assert!(std::fs::exists(format!("/proc/{}", state.pid().expect("a pid"))).expect("proc"));
}

/// Runtime-spec 1.3, "Features Structure".
#[test]
fn the_features_are_as_specified() {
    let bundle = Bundle::new();
    let told = bundle.call(&["features"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let mut known = told.clone();
    // Of which the library does not know all yet.
    known["linux"]["seccomp"]["archs"] = json!([]);
    let features: oci_spec::runtime::Features = serde_json::from_value(known).expect("the library reads it");
    assert_eq!((features.oci_version_min().as_str(), features.oci_version_max().as_str()), ("1.0.0", "1.3.0"));
    for list in
        ["/hooks", "/mountOptions", "/linux/namespaces", "/linux/capabilities", "/linux/seccomp/actions", "/linux/memoryPolicy/modes"]
    {
        assert!(told.pointer(list).and_then(Value::as_array).is_some_and(|all| !all.is_empty()), "{list}: {told}");
    }
    let cgroup = json!({"v1": false, "v2": true, "systemd": told["linux"]["cgroup"]["systemd"], "systemdUser": false, "rdma": true});
    assert_eq!(told["linux"]["cgroup"], cgroup);
    // What it says of a thing, it does.
    for (name, enabled) in [("idmap", "/linux/mountExtensions/idmap/enabled"), ("selinux", "/linux/selinux/enabled")] {
        assert!(told.pointer(enabled).is_some_and(Value::is_boolean), "{name}");
    }
}

#[test]
fn spec_writes_where_it_is_told() {
    let bundle = Bundle::new();
    bundle.call(&["spec", "--bundle", ".", "--file", "other.json"]);
    let read = |name: &str| -> Value { serde_json::from_str(&std::fs::read_to_string(bundle.dir.join(name)).expect(name)).expect("JSON") };
    assert_eq!(read("other.json")["process"]["args"], json!(["sh"]));
    bundle.refuses(&["spec", "-f", "other.json"], "exists already");
    bundle.call(&["spec", "--rootless", "-f", "third.json"]);
    assert!(read("third.json")["linux"]["uidMappings"].is_array());
}

#[test]
fn events_and_stats_have_runc_s_form() {
    let bundle = sleeping();
    bundle.call(&["run", "-d", "one"]);
    let stats: Value = serde_json::from_str(&bundle.call(&["events", "--stats", "one"])).expect("JSON");
    assert_eq!((&stats["type"], &stats["id"]), (&json!("stats"), &json!("one")));
    for number in ["/data/cpu/usage/total", "/data/memory/usage/usage", "/data/memory/usage/limit", "/data/pids/current"] {
        assert!(stats.pointer(number).is_some_and(Value::is_u64), "{number}: {stats}");
    }
    bundle.refuses(&["events", "--interval", "0s", "one"], "--interval");
    bundle.refuses(&["events", "--interval", "soon", "one"], "soon");
    let out = std::fs::File::create(bundle.dir.join("events")).expect("a file");
    let mut events = bundle.command("tare", &["events", "one", "--interval=50ms"]).stdout(out).spawn().expect("tare runs");
    let lines = || std::fs::read_to_string(bundle.dir.join("events")).expect("a file").lines().count();
    eventually("it goes on", || lines() >= 3);
    bundle.call(&["kill", "one", "KILL"]);
    assert!(events.wait().expect("it ends with the container").success());
    bundle.refuses(&["events", "--stats", "one"], "is not running");
}
