//! An init that wants to be process 1 and keep groups: systemd, in a Debian that boots; and what it is given, seen with less.

use crate::common::booted::Booted;
use crate::common::{Store, cgroup2, eventually};

#[test]
fn a_debian_boots_serves_and_switches_itself_off() {
    let store = Store::new();
    let Some(machine) = Booted::boot(&store, "machine", &["--init=false"]) else { return };
    assert!(store.ok(&["logs", "machine"]).contains("Welcome to"), "the console is its terminal");
    assert_eq!(machine.run(&["systemd-detect-virt", "--container"]), "container-other");
    let id = store.inspect("machine")["Id"].as_str().expect("an id")[..32].to_owned();
    assert_eq!(machine.run(&["cat", "/etc/machine-id"]), id);
    machine.serve("hello", "PrivateTmp=yes", "echo hello from a service; exec sleep 1000");
    eventually("the journal has it", || machine.run(&["journalctl", "-u", "hello"]).contains("hello from a service"));
    assert_eq!(machine.run(&["systemctl", "is-active", "hello"]), "active");
    assert!(store.ok(&["top", "machine"]).contains("sleep 1000"));

    machine.switch_off();
    store.ok(&["start", "machine"]);
    machine.wait_until_up();
    assert_eq!(machine.run(&["cat", "/etc/machine-id"]), id, "its files are what they were");
    store.ok(&["pause", "machine"]);
    store.ok(&["rm", "-f", "machine"]);
    store.assert_nothing_left();
}

#[test]
fn without_a_terminal_and_without_a_record_it_stops_as_well() {
    let store = Store::new();
    let Some(machine) = Booted::boot(&store, "machine", &["--tty=false", "--rm", "--read-only", "--tmpfs", "/var/lib/systemd:exec"]) else {
        return;
    };
    assert_eq!(machine.run(&["sh", "-c", "touch /run/x /tmp/y && ! touch /z 2>/dev/null && echo so"]), "so");
    assert_eq!(store.ok(&["stop", "machine"]), "machine");
    store.assert_nothing_left();
}

const SURVEY: &str =
    "grep -E ' (/run|/run/lock|/tmp|/sys/fs/cgroup) ' /proc/mounts | cut -d ' ' -f 2,4 | cut -d , -f 1; echo ${container-none}";

#[test]
fn only_an_init_is_given_what_systemd_wants() {
    let store = Store::new();
    let plain = store.ok(&["run", "--rm", "box", "sh", "-c", SURVEY]);
    assert!(plain.ends_with("none") && !plain.contains("/run") && !plain.contains("/tmp") && !plain.contains(" rw"), "{plain}");
    let given = store.ok(&["run", "--rm", "--systemd", "always", "box", "sh", "-c", SURVEY]);
    assert!(given.contains("/run rw\n") && given.contains("/run/lock rw\n") && given.contains("/tmp rw\n"), "{given}");
    assert!(given.ends_with("tare"), "{given}");
    assert_eq!(given.contains("/sys/fs/cgroup rw\n"), cgroup2().is_some(), "{given}");
    let own = ["--systemd=always", "-e", "container=mine", "--tmpfs", "/tmp:ro", "-v", "kept:/run"];
    let given = store.ok(&[&["run", "--rm"], &own[..], &["box", "sh", "-c", SURVEY]].concat());
    assert!(given.contains("/tmp ro\n") && given.ends_with("mine") && given.matches("/run ").count() == 1, "{given}");
    store.ok(&["volume", "rm", "kept"]);
}

#[test]
fn it_is_asked_with_the_signal_that_systemd_expects() {
    let store = Store::new();
    let signal = |flags: &[&str], command: &str| {
        store.ok(&[&["create", "--name", "asked"], flags, &["box", command]].concat());
        let signal = store.inspect("asked")["Config"]["StopSignal"].as_str().expect("a signal").to_owned();
        store.ok(&["rm", "asked"]);
        signal
    };
    assert_eq!(signal(&[], "/sbin/init"), "SIGRTMIN+3");
    assert_eq!(signal(&["--stop-signal", "SIGTERM"], "/sbin/init"), "SIGTERM");
    assert_eq!(signal(&["--systemd", "false"], "/sbin/init"), "SIGTERM");
    assert_eq!(signal(&["--init"], "/sbin/init"), "SIGTERM");
    assert_eq!(signal(&[], "sh"), "SIGTERM");
}

#[test]
fn what_contradicts_itself_is_refused() {
    let store = Store::new();
    for flags in [&["--init"][..], &["--pid", "host"], &["--cgroupns", "host"]] {
        let told = store.fails(125, &[&["run", "--systemd", "always"], flags, &["box", "true"]].concat());
        assert!(told.contains("contradict") && told.contains(flags[0]), "{told}");
    }
    assert!(store.fails(125, &["run", "--systemd", "perhaps", "box", "true"]).contains("neither true, false nor always"));
}

/// Ours stand in the group above, where the container does not come.
#[test]
fn what_it_writes_among_its_groups_lifts_no_bound_of_ours() {
    if cgroup2().is_none() {
        return;
    }
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "writer", "--systemd", "always", "box", "sleep", "1000"]);
    let inside = |script: &str| store.tare(&["exec", "writer", "sh", "-c", script]);
    inside("for file in /sys/fs/cgroup/*; do echo max >$file; echo 1000000 >$file; done 2>/dev/null");
    let deep = inside("cd /sys/fs/cgroup && for n in $(seq 100); do mkdir d && cd d || exit 1; done; echo all");
    assert!(!deep.stdout.contains("all"), "{}", deep.story());
    let group = store.inspect("writer")["State"]["Pid"].as_i64().map(|pid| format!("/proc/{pid}/cgroup")).expect("a pid");
    let group = std::fs::read_to_string(group).expect("a group");
    let own = group.lines().find_map(|line| line.strip_prefix("0::/")).expect("a group of cgroup v2");
    let above = cgroup2().expect("cgroup2").0.join(own).parent().expect("a group above").to_owned();
    let read = |name: &str| std::fs::read_to_string(above.join(name)).expect("a bound").trim().to_owned();
    assert_eq!((read("cgroup.max.depth"), read("cgroup.max.descendants")), ("64".into(), "20000".into()));
    assert!(read("cgroup.procs").is_empty(), "nobody is up there");
    store.ok(&["rm", "-f", "writer"]);
    store.assert_nothing_left();
}

/// No path of the host's can be as long as the names that it may nest.
#[test]
fn deep_groups_with_long_names_go_with_it() {
    if cgroup2().is_none() {
        return;
    }
    let store = Store::new();
    let script = "cd /sys/fs/cgroup; name=$(printf %0250d 0); for n in $(seq 40); do mkdir $name && cd $name || break; done; \
                  echo $$ >cgroup.procs && echo in; sleep 1000";
    store.ok(&["run", "-d", "--name", "deep", "--systemd", "always", "box", "sh", "-c", script]);
    eventually("it is down there", || store.ok(&["logs", "deep"]) == "in");
    assert!(store.ok(&["top", "deep"]).contains("sleep"), "whoever is down there is counted");
    store.ok(&["rm", "-f", "deep"]);
    store.assert_nothing_left();
}
