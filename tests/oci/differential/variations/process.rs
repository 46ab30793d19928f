//! The process: its user, rights, limits and surroundings, and how it ends.

use super::{Variation, one, several};
use serde_json::{Value, json};

pub fn all() -> Vec<Variation> {
    [users(), programs(), settings(), capabilities(), limits(), terminals(), impossible()].into_iter().flatten().collect()
}

fn users() -> Vec<Variation> {
    let user = |value: Value| one("/process/user", value);
    vec![
        user(json!({"uid": 1000, "gid": 1000})),
        user(json!({"uid": 1000, "gid": 0})),
        user(json!({"uid": 0, "gid": 5})),
        user(json!({"uid": 65534, "gid": 65534})),
        user(json!({"uid": 2147483647u32, "gid": 2147483647u32})),
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

/// What is run, where, with which variables, and how it ends.
fn programs() -> Vec<Variation> {
    let args = |words: &[&str]| one("/process/args", json!(words));
    vec![
        args(&["/probe", "survey", "two words", "", "ä"]),
        several(&[("/process/args", json!(["probe", "survey"])), ("/process/env", json!(["PATH=/nowhere:/"]))]),
        several(&[("/process/args", json!(["./probe", "survey"])), ("/process/cwd", json!("/"))]),
        args(&["/probe", "exit", "0"]),
        args(&["/probe", "exit", "1"]),
        args(&["/probe", "exit", "125"]),
        args(&["/probe", "exit", "255"]),
        args(&["/probe", "signal-self", "9"]),
        args(&["/probe", "signal-self", "15"]),
        args(&["/bin/sh", "-c", "kill -11 $$; echo survived"]),
        args(&["/bin/sh", "-c", "echo $0 $# $PATH", "a", "b"]),
        args(&["/bin/sh", "-c", "read line; echo \"read $line $?\""]),
        one("/process/cwd", json!("/tmp")),
        one("/process/cwd", json!("/proc")),
        one("/process/cwd", json!("/new/dir")),
        one("/process/cwd", json!("/tmp/../etc")),
        one("/process/cwd", json!("/etc/link/below")),
        several(&[("/process/cwd", json!("/made/for/him")), ("/process/user", json!({"uid": 1000, "gid": 1000}))]),
        one("/process/env", json!([])),
        one("/process/env", json!(["A=1", "B=two words", "C="])),
        one("/process/env", json!(["PATH=/bin", "HOME=/tmp", "A=1"])),
        one("/process/env", json!(["HOME=", "A==", "Ä=ö"])),
        one("/process/env", json!(["A=1", "A=2", "PATH=/bin"])),
        several(&[("/process/env", json!(["A=1"])), ("/process/user", json!({"uid": 1000, "gid": 1000}))]),
        several(&[("/process/env", json!(["A=1"])), ("/process/user", json!({"uid": 4242, "gid": 1}))]),
    ]
}

fn settings() -> Vec<Variation> {
    let scheduler = |value: Value| one("/process/scheduler", value);
    let io = |class: &str, priority: i32| one("/process/ioPriority", json!({"class": class, "priority": priority}));
    vec![
        one("/process/noNewPrivileges", json!(false)),
        one("/process/oomScoreAdj", json!(100)),
        one("/process/oomScoreAdj", json!(1000)),
        scheduler(json!({"policy": "SCHED_OTHER", "nice": 5})),
        scheduler(json!({"policy": "SCHED_BATCH", "nice": 3})),
        scheduler(json!({"policy": "SCHED_IDLE"})),
        io("IOPRIO_CLASS_BE", 3),
        io("IOPRIO_CLASS_IDLE", 0),
        one("/linux/personality", json!({"domain": "LINUX32"})),
        several(&[]).flags(&["--preserve-fds", "1"]),
        several(&[]).flags(&["--no-new-keyring"]),
        one("/linux/personality", json!({"domain": "LINUX"})).unseen("the caller's is the same"),
        one("/annotations", json!({"org.example.a": "b"})).unseen("they are for engines"),
        one("/ociVersion", json!("1.3.0")).unseen("every 1.x is read alike"),
        one("/org.example.unknown", json!({"a": [1]})).unseen("the specification: unknown fields are passed over"),
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
            let plain = json!({"bounding": set, "effective": set, "permitted": set});
            all.push(several(&[("/process/capabilities", plain), ("/process/user", user.clone())]));
            let ambient = json!({"bounding": set, "effective": set, "permitted": set, "inheritable": set, "ambient": set});
            all.push(several(&[("/process/capabilities", ambient), ("/process/user", user)]));
        }
    }
    let sets = |value: Value| one("/process/capabilities", value);
    all.push(sets(json!({"bounding": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]})));
    all.push(sets(json!({"bounding": ["CAP_KILL"]})));
    all.push(sets(json!({"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"]})));
    all.push(sets(json!({"bounding": ["CAP_KILL"], "inheritable": ["CAP_KILL"]})));
    all.push(sets(json!({})));
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
        limit("RLIMIT_SIGPENDING", 100, 200),
        limit("RLIMIT_LOCKS", 100, 200),
        limit("RLIMIT_RSS", 1 << 30, 1 << 31),
        limit("RLIMIT_RTTIME", 1_000_000, 2_000_000),
        one(
            "/process/rlimits",
            json!([{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}, {"type": "RLIMIT_CORE", "soft": 1, "hard": 2}]),
        ),
    ]
}

fn terminals() -> Vec<Variation> {
    let terminal = ("/process/terminal", json!(true));
    vec![
        one("/process/terminal", json!(true)),
        several(&[terminal.clone(), ("/process/consoleSize", json!({"height": 33, "width": 99}))]),
        several(&[terminal.clone(), ("/process/user", json!({"uid": 1000, "gid": 1000}))]),
        several(&[terminal, ("/root/readonly", json!(true))]),
        one("/process/consoleSize", json!({"height": 33, "width": 99})).unseen("there is no terminal"),
    ]
}

/// What cannot be must be refused.
fn impossible() -> Vec<Variation> {
    vec![
        one("/process/args", json!(["/no/such/program"])),
        one("/process/args", json!(["no-such-program"])),
        one("/process/args", json!(["/etc/passwd"])),
        one("/process/args", json!([])),
        one("/process/cwd", json!("tmp")),
        one("/process/cwd", json!("/etc/passwd")),
        one("/process/rlimits", json!([{"type": "RLIMIT_NOSUCH", "soft": 1, "hard": 1}])),
        one("/process/rlimits", json!([{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}])),
        one("/process/oomScoreAdj", json!(1001)),
    ]
}
