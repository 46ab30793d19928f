//! Namespaces that are shared with another container or joined by path, clocks of a container's own, and the files of names.

use super::run_basics::host_namespace;
use crate::common::{Report, Store, archive, eventually, process};
use serde_json::{Value, json};
use std::path::Path;

const KINDS: [&str; 8] = ["mnt", "pid", "ipc", "uts", "net", "cgroup", "user", "time"];

/// In which of a container's namespaces its first process and the reporter of `report` meet.
fn shared(store: &Store, name: &str, report: &Report) -> Vec<&'static str> {
    let pid = store.pid(name);
    let theirs = |kind: &str| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).expect("a namespace").display().to_string();
    KINDS.into_iter().filter(|kind| report.namespace(kind) == theirs(kind)).collect()
}

fn kill_9(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("kill");
}

fn has_clocks() -> bool {
    Path::new("/proc/self/ns/time").exists() || !crate::common::cannot("this kernel has no time namespaces")
}

#[test]
fn the_network_of_another_container() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "-h", "web.example", "--add-host", "db:10.1.2.3", "--dns", "9.9.9.9", "box", "sleep", "1000"]);
    let report = store.probe(&["--network", "container:web"]);
    assert_eq!(shared(&store, "web", &report), ["net", "user", "time"]);
    assert_eq!(report.text("hostname"), "web.example", "the name goes with the network, as in docker");
    for file in ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"] {
        let theirs = store.ok(&["exec", "web", "cat", file]);
        assert_eq!(store.ok(&["run", "--rm", "--network", "container:web", "box", "cat", file]), theirs, "{file}");
    }
    // One network means one loopback interface.
    store.ok(&["exec", "-d", "web", "sh", "-c", "mkdir /w; echo hello >/w/x; busybox httpd -f -p 127.0.0.1:7777 -h /w"]);
    eventually("a server of the one answers the other", || {
        let words = ["run", "--rm", "--network", "container:web", "box", "busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:7777/x"];
        store.tare(&words).stdout == "hello\n"
    });
    let inspected = store.inspect("web")["Id"].as_str().expect("an id").to_string();
    let id = store.ok(&["run", "-d", "--name", "beside", "--network", "container:web", "box", "sleep", "1000"]);
    assert_eq!(store.inspect(&id)["HostConfig"]["NetworkMode"], format!("container:{inspected}"), "a name may be somebody else's tomorrow");
    // What is shared outlives whoever made it.
    store.ok(&["kill", "web"]);
    let report = Report::parse(&store.ok(&["exec", "beside", "/probe"]));
    assert_eq!(report.0["interfaces"]["lo"]["up"], 1);
    assert_eq!(store.ok(&["exec", "beside", "cat", "/etc/hostname"]), "web.example");
}

#[test]
fn the_processes_of_another_container() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "box", "/probe", "wait-signals"]);
    let report = store.probe(&["--pid", "container:one"]);
    assert_eq!(shared(&store, "one", &report), ["pid", "user", "time"]);
    assert!(report.number("pid") > 2, "pid 1 is there already");
    store.ok(&["run", "--rm", "--pid", "container:one", "box", "sh", "-c", "kill -10 $(pidof probe)"]);
    eventually("a signal goes from one to the other", || store.ok(&["logs", "one"]).contains("got 10"));
    store.ok(&["run", "-d", "--name", "two", "--pid", "container:one", "box", "sleep", "1234"]);
    for name in ["one", "two"] {
        let seen = store.ok(&["exec", name, "ps"]);
        assert!(seen.contains("wait-signals") && seen.contains("sleep 1234"), "{name} sees both:\n{seen}");
        assert_eq!(shared(&store, "one", &Report::parse(&store.ok(&["exec", name, "/probe"]))).contains(&"mnt"), name == "one");
    }
    store.tare(&["run", "--rm", "--pid", "container:one", "box", "/probe", "exit", "7"]).expect_code(7);
    store.tare(&["run", "--rm", "--pid", "container:one", "box", "/probe", "signal-self", "15"]).expect_code(143);
    store.tare(&["run", "--rm", "--init=false", "--pid", "container:one", "box", "/probe", "exit", "3"]).expect_code(3);
    store.ok(&["stop", "two"]);
    assert_eq!(store.state("one"), "running");
    store.ok(&["start", "two"]);
    // With its first process a pid namespace ends, and everybody in it.
    store.ok(&["kill", "one"]);
    assert_eq!((store.ok(&["wait", "one"]), store.ok(&["wait", "two"])), ("137".into(), "137".into()));
    store.ok(&["rm", "one", "two"]);
    store.assert_nothing_left();
}

#[test]
fn orphans_in_a_shared_pid_namespace_are_reaped_by_their_own_container() {
    let store = Store::new();
    // This pid 1 reaps nobody.
    store.ok(&["run", "-d", "--name", "careless", "--init=false", "box", "sleep", "1000"]);
    let script = "for i in 1 2 3 4 5; do (sleep 0.1 &) ; done; sleep 1; grep -h '^State:' /proc/[0-9]*/status";
    let states = store.ok(&["run", "--rm", "--pid", "container:careless", "box", "sh", "-c", script]);
    assert!(!states.contains('Z'), "a zombie:\n{states}");
}

#[test]
fn a_terminal_in_the_namespaces_of_another_container() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "--ipc", "shareable", "box", "sleep", "1000"]);
    let flags = ["--pid", "container:one", "--network", "container:one", "--ipc", "container:one"];
    let mut person = store.terminal(&[&["run", "-it", "--rm"], &flags[..], &["box", "sh"]].concat());
    person.expect("# ");
    assert_eq!(person.ask("tty"), "/dev/pts/0");
    person.send("exit 3\n");
    assert_eq!(person.wait(), 3);
}

#[test]
fn the_shared_memory_of_another_container() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "--ipc", "shareable", "box", "sh", "-c", "echo from one >/dev/shm/one; sleep 1000"]);
    eventually("it has written", || store.tare(&["exec", "one", "cat", "/dev/shm/one"]).stdout == "from one\n");
    let report = store.probe(&["--ipc", "container:one"]);
    assert_eq!(shared(&store, "one", &report), ["ipc", "user", "time"]);
    let mount = report.mount("/dev/shm").expect("/dev/shm");
    assert!(mount.kind == "tmpfs" && mount.has("noexec") && mount.has("nosuid") && mount.has("nodev"), "{mount:?}");
    let both = ["run", "--rm", "--ipc", "container:one", "box", "sh", "-c", "cat /dev/shm/one; echo from two >/dev/shm/two"];
    assert_eq!(store.ok(&both), "from one");
    assert_eq!(store.ok(&["exec", "one", "cat", "/dev/shm/two"]), "from two");
    assert!(!Path::new("/dev/shm/two").exists(), "the host's is another one");
}

#[test]
fn memory_that_is_not_for_sharing_is_not_shared() {
    let store = Store::new();
    for flags in [&[][..], &["--ipc", "private"], &["--ipc", "none"]] {
        let id = store.ok(&[&["run", "-d"], flags, &["box", "sleep", "1000"]].concat());
        let error = store.fails(125, &["run", "--rm", "--ipc", &format!("container:{id}"), "box", "true"]);
        assert!(error.contains("not for sharing") && error.contains("--ipc shareable"), "{error}");
    }
    store.ok(&["run", "-d", "--name", "open", "--ipc", "host", "box", "sleep", "1000"]);
    assert_eq!(store.probe(&["--ipc", "container:open"]).namespace("ipc"), host_namespace("ipc"));
}

#[test]
fn without_ipc_there_is_no_shared_memory() {
    let store = Store::new();
    let report = store.probe(&["--ipc", "none"]);
    assert!(report.mount("/dev/shm").is_none() && report.0["dev"]["shm"].is_null(), "{}", report.0["dev"]);
    assert_ne!(report.namespace("ipc"), host_namespace("ipc"));
}

#[test]
fn a_container_that_moves_its_shared_memory_lends_only_its_own_files() {
    let store = Store::new();
    let victim = store.file("victim/secret", "of the host");
    let dir = victim.parent().expect("a directory").display().to_string();
    let script = format!("umount /dev/shm && rmdir /dev/shm && ln -s {dir} /dev/shm && echo done; sleep 1000");
    store.ok(&["run", "-d", "--name", "evil", "--privileged", "--ipc", "shareable", "box", "sh", "-c", &script]);
    eventually("the trap is set", || store.ok(&["logs", "evil"]).contains("done"));
    let ran = store.tare(&["run", "--rm", "--ipc", "container:evil", "box", "sh", "-c", "ls /dev/shm; echo x >/dev/shm/x"]);
    assert!(ran.code != 0 && !ran.stdout.contains("secret"), "{}", ran.story());
    assert!(!victim.with_file_name("x").exists());
    // The same directory in the container itself is what the link means.
    store.ok(&["exec", "evil", "sh", "-c", &format!("mkdir -p {dir} && echo own >{dir}/file")]);
    assert_eq!(store.ok(&["run", "--rm", "--ipc", "container:evil", "box", "ls", "/dev/shm"]), "file");
}

#[test]
fn the_other_container_must_be_there_and_run() {
    let store = Store::new();
    for flag in ["--network", "--pid", "--ipc"] {
        let error = store.fails(125, &["run", "--rm", flag, "container:nobody", "box", "true"]);
        assert!(error.contains("no such container: nobody"), "{error}");
        store.fails(125, &["run", "--rm", flag, "container:", "box", "true"]);
    }
    store.ok(&["create", "--name", "late", "--ipc", "shareable", "box", "sleep", "1000"]);
    for flag in ["--network", "--pid", "--ipc"] {
        let error = store.fails(125, &["run", "--rm", flag, "container:late", "box", "true"]);
        assert!(error.contains("container late is not running") && error.contains("hint: tare start late"), "{error}");
    }
    store.ok(&["create", "--name", "guest", "--network", "container:late", "box", "sleep", "1000"]);
    assert_eq!(store.tare(&["start", "guest"]).code, 1);
    store.ok(&["start", "late"]);
    store.ok(&["start", "guest"]);
    store.ok(&["stop", "-t", "0", "guest"]);
    store.ok(&["rm", "-f", "late"]);
    store.ok(&["run", "-d", "--name", "late", "box", "sleep", "1000"]);
    let ran = store.tare(&["start", "guest"]);
    assert!(ran.code == 1 && ran.stderr.contains("not there any more"), "another one of that name is not meant: {}", ran.story());
}

#[test]
fn a_lost_monitor_takes_a_container_in_shared_namespaces_with_it() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "--ipc", "shareable", "box", "sleep", "1000"]);
    let flags = ["--pid", "container:one", "--network", "container:one", "--ipc", "container:one"];
    for init in ["--init=true", "--init=false"] {
        let script = "(sleep 1001 &) ; exec sleep 1002";
        let id = store.ok(&[&["run", "-d", init], &flags[..], &["box", "sh", "-c", script]].concat());
        eventually("it runs", || store.ok(&["exec", "one", "ps"]).contains("sleep 1002"));
        let monitor = store.inspect(&id)["State"]["MonitorPid"].as_i64().expect("a monitor");
        kill_9(i32::try_from(monitor).expect("a pid"));
        eventually("it is found to be dead", || store.inspect(&id)["State"]["ExitCode"] == 137);
        store.ok(&["rm", "-f", &id]);
        let is_seen = |seen: &str| seen.contains("sleep 1001") || seen.contains("sleep 1002");
        eventually("nothing of it is left in the other's view", || !is_seen(&store.ok(&["exec", "one", "ps"])));
    }
    store.ok(&["rm", "-f", "one"]);
    store.assert_nothing_left();
}

#[test]
fn cve_2019_5736_not_through_a_shared_pid_namespace_either() {
    the_engine_seen_by_a_neighbour(&Store::new());
}

pub fn the_engine_seen_by_a_neighbour(store: &Store) {
    let before = archive::sha256(&std::fs::read(&store.program).expect("the program"));
    let size = std::fs::metadata(&store.program).expect("the program").len().to_string();
    let seconds = if crate::common::in_vm() { "30" } else { "3" };
    // Without the right to trace, our program is not even seen before it is another one.
    for (capability, word) in [("SYS_PTRACE", "breaches 0"), ("SYS_CHROOT", "held 0 ")] {
        let id = store.ok(&["run", "-d", "--cap-add", capability, "box", "/probe", "overwrite-exe", seconds, &size]);
        eventually("the attacker is ready", || store.ok(&["logs", &id]).contains("ready"));
        let pid = format!("container:{id}");
        let again = store.ok(&["create", "--pid", &pid, "box", "true"]);
        for _ in 0..if crate::common::in_vm() { 5 } else { 20 } {
            let ran = store.tare(&["run", "--rm", "--pid", &pid, "box", "true"]);
            assert!(ran.code == 0 || store.state(&id) != "running", "{}", ran.story());
            if ran.code != 0 || store.tare(&["start", "-a", &again]).code != 0 {
                break;
            }
        }
        assert_eq!(store.ok(&["wait", &id]), "0", "{}", store.ok(&["logs", &id]));
        let told = store.ok(&["logs", &id]);
        assert!(told.contains(word), "{capability}: the host's program was reachable: {told}");
    }
    assert_eq!(archive::sha256(&std::fs::read(&store.program).expect("the program")), before);
}

#[test]
fn the_host_s_view_of_groups() {
    let store = Store::new();
    let report = store.probe(&["--cgroupns", "host"]);
    assert_eq!(report.namespace("cgroup"), host_namespace("cgroup"));
    assert!(report.texts("cgroup").iter().any(|line| line.len() > "0::/".len() + 60), "the whole path: {:?}", report.texts("cgroup"));
    assert_ne!(store.probe(&["--cgroupns", "private"]).namespace("cgroup"), host_namespace("cgroup"));
    let id = store.ok(&["run", "-d", "--cgroupns=host", "box", "sleep", "1000"]);
    assert_eq!(Report::parse(&store.ok(&["exec", &id, "/probe"])).namespace("cgroup"), host_namespace("cgroup"));
}

#[test]
fn clocks_of_its_own() {
    if !has_clocks() {
        return;
    }
    let store = Store::new();
    let host = store.probe(&[]);
    let (hour, week) = (3600, 7 * 24 * 3600);
    store.ok(&["run", "-d", "--name", "later", "--time-offset", "monotonic=1h,boottime=168h", "box", "sleep", "1000"]);
    let there = Report::parse(&store.ok(&["exec", "later", "/probe"]));
    let first = store.probe(&["--time-offset", "monotonic=1h,boottime=168h"]);
    for report in [&there, &first] {
        assert_ne!(report.namespace("time"), host_namespace("time"));
        for (clock, offset) in [("monotonic", hour), ("boottime", week)] {
            let apart = report.0["clocks"][clock].as_i64().expect("a clock") - host.0["clocks"][clock].as_i64().expect("a clock");
            assert!((offset..offset + 300).contains(&apart), "{clock} stands {apart} seconds apart");
        }
        let wall = report.0["clocks"]["realtime"].as_i64().expect("a clock") - host.0["clocks"]["realtime"].as_i64().expect("a clock");
        assert!((0..300).contains(&wall), "the wall clock is everybody's: {wall}");
    }
    assert_eq!(shared(&store, "later", &there), KINDS, "exec goes into the same");
    // A little back, as far as this machine has come.
    let back = store.probe(&["--time-offset", "monotonic=-1.5"]);
    assert!(back.0["clocks"]["monotonic"].as_i64() < Some(host.0["clocks"]["monotonic"].as_i64().expect("a clock") + 300));
    assert_eq!(store.probe(&[]).namespace("time"), host_namespace("time"), "without the flag it is the host's");
}

#[test]
fn clocks_that_cannot_be_are_refused() {
    let store = Store::new();
    if has_clocks() {
        let error = store.fails(125, &["run", "--rm", "--time-offset", "boottime=-1000000h", "box", "true"]);
        assert!(error.contains("before zero"), "{error}");
    }
    for words in ["1h", "wall=1h", "monotonic=soon", "monotonic=1s,monotonic=2s"] {
        store.fails(125, &["run", "--rm", "--time-offset", words, "box", "true"]);
    }
    store.assert_nothing_left();
}

/// A created container whose `config.json` has other namespaces: what the runtime is told by others than our own engine.
fn with_namespaces(store: &Store, change: impl Fn(&mut Vec<Value>)) -> String {
    let id = store.ok(&["create", "box", "/probe"]);
    let path = store.root.join("container").join(&id).join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).expect("config.json")).expect("JSON");
    change(config["linux"]["namespaces"].as_array_mut().expect("namespaces"));
    std::fs::write(&path, config.to_string()).expect("config.json");
    id
}

/// In place of a new one.
fn joined(all: &mut Vec<Value>, kind: &str, path: &str) {
    all.retain(|one| one["type"] != kind);
    all.push(json!({ "type": kind, "path": path }));
}

#[test]
fn namespaces_are_joined_by_their_paths() {
    let store = Store::new();
    let clocks: &[&str] = if has_clocks() { &["--time-offset", "boottime=10h"] } else { &[] };
    store.ok(&[&["run", "-d", "--name", "other"], clocks, &["box", "sleep", "1000"]].concat());
    let pid = store.pid("other");
    let all = [("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup"), ("pid", "pid"), ("time", "time")];
    let all = if clocks.is_empty() { &all[..5] } else { &all[..] };
    for (kind, file) in all {
        let id = with_namespaces(&store, |spaces| joined(spaces, kind, &format!("/proc/{pid}/ns/{file}")));
        let report = Report::parse(&store.ok(&["start", "-a", &id]));
        let mut expected: Vec<&str> = vec!["user", file];
        if clocks.is_empty() {
            expected.push("time");
        }
        let found = shared(&store, "other", &report);
        assert!(found.len() == expected.len() && expected.iter().all(|kind| found.contains(kind)), "{kind}: {found:?}");
    }
    let id = with_namespaces(&store, |spaces| all.iter().for_each(|(kind, file)| joined(spaces, kind, &format!("/proc/{pid}/ns/{file}"))));
    let report = Report::parse(&store.ok(&["start", "-a", &id]));
    assert_eq!(KINDS.len() - shared(&store, "other", &report).len(), 1, "all but the mounts");
}

#[test]
fn a_path_that_is_no_such_namespace_is_refused() {
    let store = Store::new();
    let fifo = store.dir.join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let fifo = fifo.display().to_string();
    for (kind, path, word) in [
        ("network", "/proc/self/ns/uts", "another kind"),
        ("pid", "/proc/self/ns/pid_for_children", ""),
        ("network", "/etc/passwd", "no namespace"),
        ("ipc", "/", "no namespace"),
        ("uts", &fifo, "no namespace"),
        ("network", "/nowhere", "No such file"),
        ("network", "proc/self/ns/../ns/uts", "another kind"),
        ("mount", "/proc/self/ns/mnt", "mount namespace"),
        ("user", "/proc/self/ns/uts", "another kind"),
        ("network", &format!("/{}", "./".repeat(40_000)), "80001 bytes"),
    ] {
        let id = with_namespaces(&store, |spaces| joined(spaces, kind, path));
        let ran = store.tare(&["start", "-a", &id]);
        if word.is_empty() {
            assert_eq!(Report::parse(&ran.ok()).namespace("pid"), host_namespace("pid"));
            continue;
        }
        assert!(ran.code != 0 && ran.stderr.contains(word), "{kind} {path:.40}: {}", ran.story());
        crate::common::store::assert_proper_error(&ran);
    }
}

/// There the length of all paths together was counted in 16 bits, and with it which namespaces are joined.
#[test]
fn cve_2021_43784_no_length_switches_namespaces_off() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "other", "box", "sleep", "1000"]);
    let long = |file: &str| format!("/proc/{}{}/ns/{file}", "./".repeat(1900), store.pid("other"));
    let all = [("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("cgroup", "cgroup"), ("pid", "pid")];
    let id = with_namespaces(&store, |spaces| all.iter().for_each(|(kind, file)| joined(spaces, kind, &long(file))));
    let report = Report::parse(&store.ok(&["start", "-a", &id]));
    assert_eq!(shared(&store, "other", &report).len(), 7, "all of them, and the two of the host: {:?}", report.0["namespaces"]);
    let id = with_namespaces(&store, |spaces| spaces.extend((0..50).map(|_| json!({ "type": "network", "path": long("net") }))));
    let ran = store.tare(&["start", "-a", &id]);
    assert!(ran.code != 0 && ran.stderr.contains("two network namespaces"), "{}", ran.story());
}

#[test]
fn a_container_finds_its_own_name() {
    let store = Store::new();
    for flags in [&[][..], &["-h", "web"], &["-h", "web.example"]] {
        let words =
            [&["run", "--rm"], flags, &["box", "sh", "-c", "hostname -i; ping -c 1 -W 5 $(hostname) >/dev/null && echo heard"]].concat();
        assert_eq!(store.ok(&words), "127.0.1.1\nheard", "{flags:?}");
    }
    let hosts = store.ok(&["run", "--rm", "-h", "web.example", "box", "cat", "/etc/hosts"]);
    assert!(hosts.ends_with("127.0.1.1\tweb.example web") && hosts.starts_with("127.0.0.1\tlocalhost\n"), "{hosts}");
    // The host's network has the host's names, and the container one of them.
    let host_s = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    let report = store.probe(&["--network", "host"]);
    assert_eq!(report.text("hostname"), own.trim());
    assert!(store.ok(&["run", "--rm", "--network", "host", "box", "cat", "/etc/hosts"]).starts_with(host_s.trim_end()));
    let named = store.ok(&["run", "--rm", "--network", "host", "-h", "else.where", "box", "sh", "-c", "hostname; cat /etc/hosts"]);
    assert!(named.starts_with("else.where\n") && named.ends_with("127.0.1.1\telse.where else"), "{named}");
}

#[test]
fn names_and_servers_can_be_added() {
    let store = Store::new();
    let cat = |flags: &[&str], file: &str| store.ok(&[&["run", "--rm"], flags, &["box", "cat", file]].concat());
    let hosts = cat(&["--add-host", "db:10.0.0.1", "--add-host=six=[2001:db8::1]", "--add-host", "six:::2"], "/etc/hosts");
    assert!(hosts.ends_with("\n10.0.0.1\tdb\n2001:db8::1\tsix\n::2\tsix"), "{hosts}");
    let pinged = store.ok(&["run", "--rm", "--add-host", "db:127.0.0.9", "box", "sh", "-c", "ping -c 1 -W 5 db | head -n 1"]);
    assert!(pinged.contains("127.0.0.9"), "{pinged}");
    let own = cat(&["-h", "web", "--add-host", "web:10.0.0.7"], "/etc/hosts");
    assert!(own.ends_with("\n10.0.0.7\tweb") && !own.contains("127.0.1.1"), "a wish for its own name counts: {own}");
    let resolv = cat(
        &["--dns", "9.9.9.9", "--dns=2001:DB8::53", "--dns-search", "a.example", "--dns-search", "b", "--dns-opt", "ndots:2"],
        "/etc/resolv.conf",
    );
    for line in ["nameserver 9.9.9.9", "nameserver 2001:db8::53", "search a.example b", "options ndots:2"] {
        assert!(resolv.lines().any(|one| one == line), "{line}: {resolv}");
    }
    assert_eq!(resolv.lines().filter(|line| line.starts_with("nameserver")).count(), 2, "instead of the host's: {resolv}");
    for (flag, value) in [
        ("--add-host", "db"),
        ("--add-host", "db:x"),
        ("--add-host", "a\nb:1.2.3.4"),
        ("--dns", "x"),
        ("--dns-search", "a b"),
        ("--dns-option", "a\nb"),
    ] {
        store.fails(125, &["run", "--rm", flag, value, "box", "true"]);
    }
    let error = store.fails(125, &["run", "--rm", "--add-host", "host.docker.internal:host-gateway", "box", "true"]);
    assert!(error.contains("bridge"), "{error}");
}

#[test]
fn the_files_of_names_are_written_anew_and_gone_afterwards() {
    let store = Store::new();
    store.ok(&[
        "create",
        "--name",
        "twice",
        "--add-host",
        "db:10.0.0.1",
        "box",
        "sh",
        "-c",
        "cat /etc/hosts; echo 6.6.6.6 evil >>/etc/hosts",
    ]);
    for _ in 0..2 {
        let hosts = store.ok(&["start", "-a", "twice"]);
        assert!(hosts.contains("10.0.0.1\tdb") && !hosts.contains("evil"), "{hosts}");
    }
    let ran = store.tare(&["run", "--rm", "--read-only", "box", "sh", "-c", "echo x >>/etc/hosts"]);
    assert!(ran.code != 0 && ran.stderr.contains("Read-only"), "{}", ran.story());
}

/// The run directory is memory of the host: who fills it keeps everybody else from starting.
#[test]
fn a_container_cannot_fill_the_host_s_memory_through_its_files() {
    let store = Store::new();
    let script =
        "for file in hosts hostname resolv.conf; do head -c 4000000 /dev/zero >>/etc/$file; done 2>&1; wc -c /etc/hosts; sleep 1000";
    let id = store.ok(&["run", "-d", "box", "sh", "-c", script]);
    eventually("it has tried", || store.ok(&["logs", &id]).contains("/etc/hosts\n") || store.ok(&["logs", &id]).ends_with("/etc/hosts"));
    let told = store.ok(&["logs", &id]);
    let size: u64 = told.lines().last().and_then(|line| line.split(' ').next()?.parse().ok()).expect("a size");
    assert!((100_000..400_000).contains(&size), "a program may write there, and finds an end: {told}");
    let used = process::tool(&["du", "-sk", store.run.to_str().expect("utf-8")]).ok();
    let kilobytes: u64 = used.split_whitespace().next().expect("a number").parse().expect("a number");
    assert!(kilobytes < 200, "the run directory holds {kilobytes} kB");
}
