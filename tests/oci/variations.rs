//! Changes to a config.json, one at a time, each of which a runtime must obey: for the comparison with other runtimes.

use serde_json::{Value, json};

/// A name, and what is put where (a JSON pointer; `-` at its end: appended to a list).
pub struct Variation {
    pub name: String,
    pub changes: Vec<(String, Value)>,
}

fn one(place: &str, value: Value) -> Variation {
    let mut name = format!("{place} = {value}");
    name.truncate(name.char_indices().nth(150).map_or(name.len(), |(at, _)| at));
    Variation { name, changes: vec![(place.to_owned(), value)] }
}

fn several(changes: &[(&str, Value)]) -> Variation {
    let changes: Vec<(String, Value)> = changes.iter().map(|(place, value)| ((*place).to_owned(), value.clone())).collect();
    let mut name: String = changes.iter().map(|(place, value)| format!("{place} = {value}; ")).collect();
    name.truncate(name.char_indices().nth(150).map_or(name.len(), |(at, _)| at));
    Variation { name, changes }
}

pub fn all() -> Vec<Variation> {
    let mut all = vec![several(&[])];
    all.extend(users());
    all.extend(processes());
    all.extend(capabilities());
    all.extend(limits());
    all.extend(names_and_namespaces());
    all.extend(mounts());
    all.extend(hidden_paths());
    all.extend(devices());
    all.extend(filters());
    all
}

fn users() -> Vec<Variation> {
    let user = |value: Value| one("/process/user", value);
    vec![
        user(json!({"uid": 0, "gid": 0})),
        user(json!({"uid": 1000, "gid": 1000})),
        user(json!({"uid": 1000, "gid": 0})),
        user(json!({"uid": 0, "gid": 5})),
        user(json!({"uid": 65534, "gid": 65534})),
        user(json!({"uid": 4294967294u32, "gid": 4294967294u32})),
        user(json!({"uid": 7, "gid": 8, "additionalGids": [9, 10, 11]})),
        user(json!({"uid": 0, "gid": 0, "additionalGids": [5, 6]})),
        user(json!({"uid": 1, "gid": 1, "additionalGids": [1, 1, 2]})),
        user(json!({"uid": 0, "gid": 0, "umask": 0})),
        user(json!({"uid": 0, "gid": 0, "umask": 63})),
        user(json!({"uid": 1000, "gid": 1000, "umask": 511})),
        user(json!({"uid": 3, "gid": 4, "umask": 18, "additionalGids": [20]})),
    ]
}

fn processes() -> Vec<Variation> {
    vec![
        one("/process/args", json!(["/probe", "describe", "two words", "", "ä"])),
        one("/process/args", json!(["probe"])),
        one("/process/cwd", json!("/tmp")),
        one("/process/cwd", json!("/proc")),
        one("/process/cwd", json!("/new/dir")),
        one("/process/cwd", json!("/tmp/../etc")),
        one("/process/env", json!([])),
        one("/process/env", json!(["A=1", "B=two words", "C="])),
        one("/process/env", json!(["PATH=/bin", "HOME=/tmp", "A=1"])),
        one("/process/env", json!(["HOME=", "A==", "Ä=ö"])),
        one("/process/noNewPrivileges", json!(true)),
        one("/process/noNewPrivileges", json!(false)),
        one("/process/oomScoreAdj", json!(0)),
        one("/process/oomScoreAdj", json!(100)),
        one("/process/oomScoreAdj", json!(1000)),
        one("/process/scheduler", json!({"policy": "SCHED_OTHER", "nice": 5})),
        one("/process/scheduler", json!({"policy": "SCHED_BATCH", "nice": 3})),
        one("/process/scheduler", json!({"policy": "SCHED_IDLE"})),
        one("/process/ioPriority", json!({"class": "IOPRIO_CLASS_BE", "priority": 3})),
        one("/process/ioPriority", json!({"class": "IOPRIO_CLASS_IDLE", "priority": 0})),
        one("/linux/personality", json!({"domain": "LINUX"})),
        one("/annotations", json!({"org.example.a": "b", "org.example.c": "d"})),
    ]
}

fn capabilities() -> Vec<Variation> {
    let mut all = Vec::new();
    let sets = [
        json!([]),
        json!(["CAP_KILL"]),
        json!(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"]),
        json!(["CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_SYS_PTRACE"]),
    ];
    for set in &sets {
        for user in [json!({"uid": 0, "gid": 0}), json!({"uid": 1000, "gid": 1000})] {
            let same = json!({"bounding": set, "effective": set, "permitted": set, "inheritable": [], "ambient": []});
            all.push(several(&[("/process/capabilities", same), ("/process/user", user.clone())]));
            let ambient = json!({"bounding": set, "effective": set, "permitted": set, "inheritable": set, "ambient": set});
            all.push(several(&[("/process/capabilities", ambient), ("/process/user", user)]));
        }
    }
    all.push(one(
        "/process/capabilities",
        json!({"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]}),
    ));
    all.push(one("/process/capabilities", json!({"bounding": ["CAP_KILL"]})));
    all.push(one("/process/capabilities", json!({"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"]})));
    all.push(one("/process/capabilities", json!({})));
    all
}

fn limits() -> Vec<Variation> {
    let limit = |kind: &str, soft: u64, hard: u64| one("/process/rlimits", json!([{"type": kind, "soft": soft, "hard": hard}]));
    vec![
        limit("RLIMIT_NOFILE", 256, 512),
        limit("RLIMIT_NOFILE", 64, 64),
        limit("RLIMIT_CORE", 0, 0),
        limit("RLIMIT_CORE", 1000, 100_000),
        limit("RLIMIT_CPU", 100, 200),
        limit("RLIMIT_STACK", 1 << 20, 8 << 20),
        limit("RLIMIT_FSIZE", 1 << 20, 1 << 30),
        limit("RLIMIT_DATA", 1 << 28, 1 << 29),
        limit("RLIMIT_NPROC", 1000, 1000),
        limit("RLIMIT_MEMLOCK", 4096, 65536),
        limit("RLIMIT_AS", 1 << 30, 1 << 31),
        limit("RLIMIT_MSGQUEUE", 1000, 2000),
        one(
            "/process/rlimits",
            json!([{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 1, "hard": 2}]),
        ),
    ]
}

fn names_and_namespaces() -> Vec<Variation> {
    let spaces = |kinds: &[&str]| one("/linux/namespaces", Value::from(kinds.iter().map(|kind| json!({"type": kind})).collect::<Vec<_>>()));
    let sysctl = |value: Value| one("/linux/sysctl", value);
    vec![
        one("/hostname", json!("box")),
        one("/hostname", json!("a-very-long-name.example.org")),
        one("/domainname", json!("example.org")),
        several(&[("/hostname", json!("box")), ("/domainname", json!("example.org"))]),
        spaces(&["pid", "mount", "ipc", "uts", "network"]),
        spaces(&["pid", "mount", "ipc", "uts", "cgroup"]),
        spaces(&["mount", "ipc", "uts", "network", "cgroup"]),
        spaces(&["pid", "mount", "ipc", "uts", "network", "cgroup", "time"]),
        one("/linux/rootfsPropagation", json!("private")),
        one("/linux/rootfsPropagation", json!("slave")),
        one("/linux/rootfsPropagation", json!("shared")),
        one("/linux/rootfsPropagation", json!("unbindable")),
        one("/root/readonly", json!(true)),
        one("/root/readonly", json!(false)),
        sysctl(json!({"net.ipv4.ip_forward": "1"})),
        sysctl(json!({"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 1"})),
        sysctl(json!({"kernel.shm_rmid_forced": "1"})),
        sysctl(json!({"kernel.msgmax": "8000", "fs.mqueue.msg_max": "20"})),
        sysctl(json!({"kernel.sem": "100 2000 50 64"})),
        sysctl(json!({"kernel.domainname": "example.net"})),
    ]
}

fn mounts() -> Vec<Variation> {
    let mount = |value: Value| one("/mounts/-", value);
    let mut all = Vec::new();
    for options in [
        json!([]),
        json!(["ro"]),
        json!(["nosuid", "nodev", "noexec"]),
        json!(["ro", "nosuid"]),
        json!(["size=1m", "mode=0700"]),
        json!(["size=64k", "mode=1777", "uid=1000", "gid=1000"]),
        json!(["nr_inodes=10"]),
        json!(["noatime"]),
        json!(["nodiratime", "strictatime"]),
        json!(["relatime"]),
        json!(["sync"]),
        json!(["private"]),
        json!(["rslave"]),
        json!(["rshared"]),
        json!(["unbindable"]),
        json!(["ro", "rw"]),
        json!(["rw", "ro"]),
        json!(["noexec", "exec"]),
        json!(["defaults", "nodev"]),
    ] {
        all.push(mount(json!({"destination": "/mnt/here", "type": "tmpfs", "source": "tmpfs", "options": options})));
    }
    for options in [
        json!(["bind"]),
        json!(["rbind"]),
        json!(["bind", "ro"]),
        json!(["rbind", "ro"]),
        json!(["rbind", "rro"]),
        json!(["bind", "nosuid", "nodev", "noexec"]),
        json!(["rbind", "rslave"]),
        json!(["rbind", "private"]),
        json!(["rbind", "rprivate", "ro", "noatime"]),
        json!(["rbind", "rnosuid", "rnodev"]),
        json!(["rbind", "rnoexec", "rro"]),
        json!(["bind", "rw"]),
    ] {
        all.push(mount(json!({"destination": "/mnt/host", "type": "bind", "source": "SHARED", "options": options})));
        all.push(mount(json!({"destination": "/mnt/file", "type": "none", "source": "SHARED/file", "options": options})));
    }
    all.push(mount(json!({"destination": "/a/b/c/d", "type": "tmpfs", "source": "tmpfs"})));
    all.push(mount(json!({"destination": "/etc/link", "type": "tmpfs", "source": "tmpfs"})));
    all.push(mount(json!({"destination": "/second-proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]})));
    all.push(mount(json!({"destination": "/second-sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]})));
    all.push(mount(json!({"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]})));
    all.push(several(&[
        ("/mounts/-", json!({"destination": "/m", "type": "tmpfs", "source": "one"})),
        ("/mounts/-", json!({"destination": "/m/n", "type": "tmpfs", "source": "two"})),
        ("/mounts/-", json!({"destination": "/m", "type": "tmpfs", "source": "three"})),
    ]));
    all
}

fn hidden_paths() -> Vec<Variation> {
    vec![
        one("/linux/maskedPaths", json!([])),
        one("/linux/readonlyPaths", json!([])),
        one("/linux/maskedPaths", json!(["/etc/passwd"])),
        one("/linux/maskedPaths", json!(["/tmp", "/home"])),
        one("/linux/maskedPaths", json!(["/no/such/path", "/proc/kcore"])),
        one("/linux/readonlyPaths", json!(["/etc", "/tmp"])),
        one("/linux/readonlyPaths", json!(["/etc/passwd", "/no/such/path"])),
        several(&[("/linux/maskedPaths", json!(["/proc/keys"])), ("/linux/readonlyPaths", json!(["/proc/sys"]))]),
    ]
}

fn devices() -> Vec<Variation> {
    let device = |value: Value| one("/linux/devices", value);
    vec![
        device(json!([{"path": "/dev/one", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 0, "gid": 0}])),
        device(json!([{"path": "/dev/two", "type": "c", "major": 10, "minor": 229, "fileMode": 384, "uid": 1000, "gid": 5}])),
        device(json!([{"path": "/dev/deep/er", "type": "b", "major": 7, "minor": 0, "fileMode": 432, "uid": 1, "gid": 2}])),
        device(json!([{"path": "/dev/fifo", "type": "p", "fileMode": 420}])),
        device(json!([{"path": "/dev/u", "type": "u", "major": 1, "minor": 5}])),
        device(json!([{"path": "/dev/a", "type": "c", "major": 1, "minor": 3}, {"path": "/dev/b", "type": "c", "major": 1, "minor": 5}])),
    ]
}

fn filters() -> Vec<Variation> {
    let filter = |value: Value| one("/linux/seccomp", value);
    let rule = |names: &[&str], action: &str| json!({"names": names, "action": action});
    vec![
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW"})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"]})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule(&["gethostname", "uname"], "SCMP_ACT_ERRNO")]})),
        filter(
            json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getgroups"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}),
        ),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcwd"], "action": "SCMP_ACT_ERRNO", "errnoRet": 2}]})),
        filter(json!({"defaultAction": "SCMP_ACT_LOG"})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": []})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["prlimit64"], "action": "SCMP_ACT_ERRNO",
            "args": [{"index": 1, "value": 7, "op": "SCMP_CMP_EQ"}]}]})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["prlimit64"], "action": "SCMP_ACT_ERRNO",
            "args": [{"index": 1, "value": 7, "op": "SCMP_CMP_GT"}]}]})),
        filter(json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["prlimit64"], "action": "SCMP_ACT_ERRNO",
            "args": [{"index": 1, "value": 1, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}]}]})),
        several(&[
            ("/linux/seccomp", json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule(&["getgroups"], "SCMP_ACT_ERRNO")]})),
            ("/process/noNewPrivileges", json!(false)),
        ]),
    ]
}
