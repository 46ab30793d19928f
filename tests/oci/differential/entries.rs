//! A further process in a container, entered in many ways.

use super::variations::{Variation, one, several};
use super::{Facts, Part, REFUSED, runs};
use crate::bundle::Bundle;
use serde_json::{Value, json};
use std::process::Stdio;

/// A container, and what is executed in it one after the other.
struct Entries {
    container: Variation,
    entries: Vec<Entry>,
}

/// Words between `exec` and the container's id, and behind it; or a process written down.
struct Entry {
    flags: Vec<&'static str>,
    command: Vec<&'static str>,
    process: Option<Value>,
    unseen: Option<&'static str>,
}

const SURVEY: &[&str] = &["/probe", "survey"];

impl Entry {
    fn flags(flags: &[&'static str]) -> Entry {
        Entry { flags: flags.to_vec(), command: SURVEY.to_vec(), process: None, unseen: None }
    }
    fn command(command: &[&'static str]) -> Entry {
        Entry { command: command.to_vec(), ..Entry::flags(&[]) }
    }
    /// With these members beside those that there must be.
    fn process(members: Value) -> Entry {
        let mut process = json!({"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": SURVEY, "env": ["PATH=/bin"]});
        for (name, value) in members.as_object().expect("members") {
            process[name] = value.clone();
        }
        Entry { process: Some(process), command: Vec::new(), ..Entry::flags(&[]) }
    }
    fn name(&self) -> String {
        let process = self.process.as_ref().map(Value::to_string).unwrap_or_default();
        format!("exec {} {} {process}", self.flags.join(" "), self.command.join(" "))
    }

    fn seen(&self, bundle: &Bundle, runtime: &str) -> Facts {
        let mut words = vec!["exec"];
        words.extend(&self.flags);
        if let Some(process) = &self.process {
            std::fs::write(bundle.dir.join("process.json"), process.to_string()).expect("a file");
            words.extend(["--process", "process.json"]);
        }
        let has_terminal = self.flags.contains(&"--tty") || self.process.as_ref().is_some_and(|process| process["terminal"] == true);
        if has_terminal {
            words.extend(["--detach", "--console-socket", "console"]);
        }
        words.push("one");
        words.extend(&self.command);
        let ran = match has_terminal {
            true => runs::on_a_terminal(bundle, runtime, &words),
            false => runs::with_descriptor_3(bundle.command(runtime, &words)).output().expect("a runtime"),
        };
        runs::facts_of(&ran, bundle)
    }
}

impl Part for Entries {
    fn names(&self) -> Vec<(String, Option<&'static str>)> {
        self.entries.iter().map(|entry| (format!("{} in a container with {}", entry.name(), self.container.name), entry.unseen)).collect()
    }

    fn see(&self, runtime: &str) -> Vec<Facts> {
        let mut bundle = runs::bundle();
        bundle.config["process"]["args"] = json!(["/bin/busybox", "sleep", "10000"]);
        runs::change(&mut bundle, &self.container.changes);
        let errors = std::fs::File::create(bundle.dir.join("stderr")).expect("a file");
        let started = bundle.command(runtime, &["run", "--detach", "one"]).stdout(Stdio::null()).stderr(errors).status();
        let plain = Entry::flags(&[]);
        let seen = match started.expect("a runtime").success() {
            true => std::iter::once(&plain).chain(&self.entries).map(|entry| entry.seen(&bundle, runtime)).collect(),
            false => vec![
                Facts::from([(REFUSED.into(), json!(std::fs::read_to_string(bundle.dir.join("stderr")).expect("a file")))]);
                self.entries.len() + 1
            ],
        };
        let _ = bundle.command(runtime, &["delete", "--force", "one"]).output();
        seen
    }
}

pub fn parts() -> Vec<Box<dyn Part>> {
    let may = json!(["CAP_KILL", "CAP_CHOWN"]);
    let somebody = several(&[
        ("/process/user", json!({"uid": 1000, "gid": 1000, "additionalGids": [5], "umask": 63})),
        ("/process/capabilities", json!({"bounding": may, "effective": may, "permitted": may, "inheritable": may, "ambient": may})),
        ("/process/noNewPrivileges", json!(false)),
        ("/process/env", json!(["PATH=/bin:/", "HOME=/home", "FROM=config"])),
        ("/process/cwd", json!("/tmp")),
        ("/process/rlimits", json!([{"type": "RLIMIT_CORE", "soft": 1, "hard": 2}])),
        ("/process/oomScoreAdj", json!(100)),
    ]);
    let filter = json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getgroups", "chroot"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]});
    let filtered = one("/linux/seccomp", filter);
    let namespaces = json!([{"type": "mount"}, {"type": "ipc"}, {"type": "network"}, {"type": "uts"}]);
    let elsewhere = json!({"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"});
    let without = several(&[("/linux/namespaces", namespaces), ("/mounts/6", elsewhere)]);
    let parts = [
        Entries { container: several(&[]), entries: by_flags() },
        Entries { container: several(&[]), entries: by_process() },
        Entries { container: several(&[]), entries: endings() },
        Entries {
            container: somebody,
            entries: vec![
                Entry::flags(&["--user", "0:0"]),
                Entry::flags(&["--user", "1001"]),
                Entry::flags(&["--cap", "CAP_NET_RAW"]),
                Entry::flags(&["--no-new-privs"]),
                Entry::flags(&["--env", "FROM=flag"]),
                Entry::flags(&["--cwd", "/"]),
                Entry::flags(&["--tty"]),
                Entry::process(json!({})),
            ],
        },
        Entries {
            container: filtered,
            entries: vec![
                Entry::flags(&["--user", "1000:1000"]),
                Entry::process(json!({})),
                Entry::process(json!({"noNewPrivileges": true})),
            ],
        },
        Entries { container: without, entries: vec![Entry::flags(&["--user", "1000:1000"]), Entry::flags(&["--cwd", "/proc"])] },
    ];
    parts.into_iter().map(|part| Box::new(part) as Box<dyn Part>).collect()
}

fn by_flags() -> Vec<Entry> {
    vec![
        Entry::flags(&["--user", "1000"]),
        Entry::flags(&["--user", "1000:1000"]),
        Entry::flags(&["--user", "65534:5"]),
        Entry::flags(&["--user", "1000:1000", "--additional-gids", "7", "--additional-gids", "8"]),
        Entry::flags(&["--additional-gids", "5"]),
        Entry::flags(&["--cwd", "/tmp"]),
        Entry::flags(&["--cwd", "/etc/link/below"]),
        Entry::flags(&["--cwd", "/no/such/dir"]),
        Entry::flags(&["--env", "A=b"]),
        Entry::flags(&["--env", "A=b", "--env", "C=two words"]),
        Entry::flags(&["--env", "PATH=/nowhere"]),
        Entry::flags(&["--env", "HOME=/tmp"]),
        Entry::flags(&["--cap", "CAP_NET_RAW"]),
        Entry::flags(&["--cap", "CAP_NET_RAW", "--cap", "CAP_SYS_PTRACE"]),
        Entry::flags(&["--cap", "CAP_SYS_ADMIN", "--user", "1000:1000"]),
        Entry::flags(&["--preserve-fds", "1"]),
        Entry::flags(&["--tty"]),
        Entry::flags(&["--tty", "--user", "1000:1000"]),
        Entry { unseen: Some("the container's own is set as well"), ..Entry::flags(&["--no-new-privs"]) },
        Entry::flags(&["--user", "alice"]),
        Entry::flags(&["--cap", "CAP_NOSUCH"]),
        Entry::flags(&["--cwd", "tmp"]),
    ]
}

fn by_process() -> Vec<Entry> {
    let sets = |names: &[&str]| json!({"capabilities": {"bounding": names, "effective": names, "permitted": names}});
    vec![
        Entry::process(json!({})),
        Entry::process(json!({"user": {"uid": 7, "gid": 8, "additionalGids": [9, 10]}})),
        Entry::process(json!({"user": {"uid": 0, "gid": 0, "umask": 63}})),
        Entry::process(json!({"cwd": "/tmp"})),
        Entry::process(json!({"env": ["A=1", "B=two words"]})),
        Entry::process(json!({"env": []})),
        Entry::process(sets(&["CAP_KILL"])),
        Entry::process(sets(&["CAP_KILL", "CAP_NET_ADMIN"])),
        Entry::process(
            json!({"user": {"uid": 1000, "gid": 1000}, "capabilities": {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"],
            "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}}),
        ),
        Entry::process(json!({"noNewPrivileges": true})),
        Entry::process(json!({"oomScoreAdj": 500})),
        Entry::process(json!({"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}]})),
        Entry::process(json!({"scheduler": {"policy": "SCHED_BATCH", "nice": 3}})),
        Entry::process(json!({"ioPriority": {"class": "IOPRIO_CLASS_IDLE", "priority": 0}})),
        Entry::process(json!({"terminal": true})),
        Entry::process(json!({"terminal": true, "consoleSize": {"height": 33, "width": 99}})),
        Entry::process(json!({"args": ["survey"]})),
        Entry::process(json!({"args": []})),
        Entry::process(json!({"cwd": "tmp"})),
    ]
}

fn endings() -> Vec<Entry> {
    vec![
        Entry::command(&["/probe", "exit", "0"]),
        Entry::command(&["/probe", "exit", "7"]),
        Entry::command(&["/probe", "signal-self", "9"]),
        Entry::command(&["/bin/sh", "-c", "echo $PPID $0 $#", "a", "b"]),
        Entry::command(&["sh", "-c", "echo $PATH $HOME"]),
        Entry::command(&["./probe", "survey"]),
        Entry::command(&["/no/such/program"]),
        Entry::command(&["no-such-program"]),
        Entry::command(&["/etc/passwd"]),
    ]
}
