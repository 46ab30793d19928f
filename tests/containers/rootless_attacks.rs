//! What a container of an ordinary user must not reach: his other containers, which live in the same user namespace, his own files and
//! processes, those of root, and the program itself where it is his.

use super::{known_holes, namespaces};
use crate::common::store::parse_attempts;
use crate::common::{Person, Store, race_rounds};
use std::os::unix::fs::MetadataExt;

const BOTH: [fn() -> Person; 2] = [Person::with_ranges, Person::single];

/// His program is his own file: root of a container, who is the same person, could write it if he got hold of it.
fn with_program_of_his_own(person: Person) -> Store {
    let mut store = Store::of(person);
    let copy = store.dir.join("tare");
    std::fs::copy(&store.program, &copy).expect("a copy of the program");
    person.owns(&copy);
    store.program = copy;
    store
}

#[test]
fn cve_2019_5736_a_program_of_the_user_s_own_cannot_be_overwritten() {
    known_holes::the_engine_opened_for_writing(&with_program_of_his_own(Person::with_ranges()), race_rounds().min(20));
}

#[test]
fn cve_2019_5736_a_program_of_the_user_s_own_as_entrypoint() {
    known_holes::the_engine_as_entrypoint(&with_program_of_his_own(Person::single()));
}

#[test]
fn cve_2019_5736_a_program_of_the_user_s_own_seen_by_a_neighbour() {
    namespaces::the_engine_seen_by_a_neighbour(&with_program_of_his_own(Person::with_ranges()));
}

/// Only what a container is told to share with another is a way to it.
#[test]
fn the_user_s_other_containers_are_out_of_reach() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        store.ok(&["run", "-d", "--name", "other", "box", "sh", "-c", "echo secret >/dev/shm/secret; exec sleep 4711"]);
        let pid = store.pid("other").to_string();
        let script = format!(
            "kill -9 {pid} 2>&1; ls /proc/{pid} 2>&1; ps | grep -c 471[1]; ls /dev/shm; ls -d /proc/[0-9]*/root/dev/shm/secret 2>/dev/null; \
             for p in /proc/[0-9]*; do cat $p/environ 2>/dev/null | tr '\\0' '\\n' | grep TARE_; done; true"
        );
        // Also with every right that can be given.
        for flags in [&[][..], &["--cap-add", "ALL"], &["--privileged"], &["--security-opt", "seccomp=unconfined"]] {
            let seen = store.ok(&[&["run", "--rm"], flags, &["box", "sh", "-c", &script]].concat());
            assert!(seen.contains("No such process") && seen.contains("No such file"), "{flags:?}: {seen}");
            assert!(!seen.contains("secret") && !seen.contains("TARE_"), "{flags:?}: {seen}");
        }
        assert_eq!(store.state("other"), "running");
    }
}

/// Who sees all processes is still none of them: their memory, files and descriptors are closed to him, and so are those of other
/// containers and of their monitors, which belong to the same user.
#[test]
fn with_the_host_s_processes_in_sight_none_can_be_entered() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        store.ok(&["run", "-d", "--name", "other", "--cap-add", "NET_ADMIN", "box", "sleep", "4711"]);
        let other = store.pid("other");
        let status = std::fs::read_to_string(format!("/proc/{other}/status")).expect("a process");
        let monitor: i32 = status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("a parent").trim().parse().expect("a number");
        let mut shell = std::process::Command::new("sleep");
        shell.arg("1000").env("SECRET", "of the user");
        person.takes(&mut shell, &store.dir.join("home"), &[]);
        let his = crate::common::Running::spawn(shell);
        for (what, pid) in [("another container", other), ("its monitor", monitor), ("the user's", his.pid()), ("root's", 1)] {
            let script = format!(
                "cd /proc/{pid}; for f in environ root cwd exe fd mem; do {{ cat $f || ls $f/ || ls -l $f; }} 2>&1; done; echo end"
            );
            let seen = store.ok(&["run", "--rm", "--pid", "host", "box", "sh", "-c", &script]);
            assert!(seen.contains("end") && seen.contains("ermission denied"), "{what}: {seen}");
            for secret in ["SECRET", "TARE_", "HOSTNAME=", "bin", " -> "] {
                assert!(!seen.contains(secret), "{what} can be read ({secret}): {seen}");
            }
        }
        assert_eq!(store.state("other"), "running");
    }
}

#[test]
fn what_is_forbidden_by_default_is_forbidden_to_an_ordinary_user_s_containers() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        let names = [
            "mknod-kmsg",
            "mknod-mem",
            "mount-tmpfs",
            "mount-cgroup",
            "remount-proc-sys",
            "remount-sys",
            "unmask-kcore",
            "pivot-root",
            "fsopen",
            "open-tree",
            "unshare-user",
            "unshare-mount",
            "unshare-net",
            "clone-user",
            "setns",
            "keyctl",
            "add-key",
            "bpf",
            "perf-event-open",
            "ptrace-1",
            "userfaultfd",
            "io-uring-setup",
            "open-by-handle-at",
            "set-hostname",
            "reboot",
        ];
        let answers = parse_attempts(&store.ok(&[&["run", "--rm", "box", "/probe", "try"], &names[..]].concat()));
        assert_eq!(answers.len(), names.len(), "{answers:?}");
        for (name, answer) in answers {
            assert!(answer.ends_with("EPERM"), "{name}: {answer}");
        }
    }
}

/// As much as it can have, and that is not the machine.
#[test]
fn privileged_is_root_of_the_namespace_and_not_of_the_machine() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        let script = "mknod /kmsg c 1 11 2>&1; echo x 2>&1 >/proc/sysrq-trigger; cat /proc/kcore 2>&1 | head -c 1; \
                      echo /x 2>&1 >/proc/sys/kernel/core_pattern; chmod 600 /dev/null 2>&1; chown 1 /dev/null 2>&1; dmesg -c 2>&1 | head -1; \
                      chroot /proc/1/root true && echo chroot; id -u";
        let before = std::fs::metadata("/dev/null").expect("/dev/null");
        let seen = store.ok(&["run", "--rm", "--privileged", "box", "sh", "-c", script]);
        assert!(seen.ends_with('0'), "{seen}");
        let after = std::fs::metadata("/dev/null").expect("/dev/null");
        assert_eq!((before.uid(), before.mode()), (after.uid(), after.mode()), "CVE-2026-88265: {seen}");
        assert!(!std::fs::read_to_string("/proc/sys/kernel/core_pattern").expect("a setting").starts_with("/x"), "{seen}");
        assert!(seen.contains("mknod: /kmsg: Operation not permitted"), "{seen}");
    }
}
