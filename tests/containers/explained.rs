//! `--explain`: what is told is what is done, and without it nothing is different. And the time line that every start keeps.

use crate::common::process::Ran;
use crate::common::registry::Registry;
use crate::common::strace::{self, Seen};
use crate::common::{Store, eventually};
use serde_json::Value;

/// What is told, a line each, of a command that answers with this code.
fn events(ran: &Ran) -> Vec<Value> {
    let lines = ran.stderr.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}"))).collect()
}

fn steps(events: &[Value]) -> Vec<(String, String)> {
    let of = |event: &Value, name: &str| event[name].as_str().expect("a text").to_owned();
    events.iter().filter(|event| event["event"] == "step").map(|event| (of(event, "who"), of(event, "title"))).collect()
}

fn has(steps: &[(String, String)], who: &str, title: &str) -> bool {
    steps.iter().any(|(by, step)| by == who && step == title)
}

#[test]
fn a_start_is_told_step_by_step_by_those_who_take_them() {
    let store = Store::new();
    store.ok(&["create", "--name", "told", "--network", "none", "box", "sh", "-c", "echo from inside; exit 7"]);
    let ran = store.tare(&["start", "-a", "--explain=json", "told"]).expect_code(7);
    assert_eq!(ran.stdout, "from inside\n", "{ran}");
    let events = events(&ran);
    let steps = steps(&events);
    for (who, title) in [
        ("command", "find the container"),
        ("command", "make the monitor"),
        ("monitor", "make a process in new namespaces"),
        ("first process, outside", "make the new root the only root"),
        ("first process, inside", "mount the kernel's own file systems"),
        ("its command", "filter system calls"),
        ("its command", "execute the command"),
        ("monitor", "write down how it ended"),
    ] {
        assert!(has(&steps, who, title), "{who} {title}: {steps:#?}");
    }
    // Nobody looks into the user's program.
    let after = events.iter().position(|event| event["event"] == "became" && event["program"] == "sh").expect("it became a shell");
    let pid = &events[after]["pid"];
    assert!(events[after + 1..].iter().all(|event| &event["pid"] != pid), "the user's program is his own affair");
}

/// Under strace nobody else can look on, so these are two runs that are alike.
#[test]
fn what_is_told_is_what_strace_sees() {
    if !strace::is_here() {
        return;
    }
    let store = Store::new();
    let run = |more: &[&'static str]| [&["run", "--rm", "--network", "none", "--hostname", "alike"], more, &["box", "true"]].concat();
    // The first one makes what all others find.
    store.ok(&run(&[]));
    let told = store.tare(&run(&["--explain=json"])).expect_code(0);
    let seen = strace::processes(&strace::run(&store.command(&run(&[])), &store));
    let told = told_processes(&events(&told));
    assert_eq!((told.len(), seen.len()), (4, 4), "command, monitor, child and process");
    for (index, who) in ["command", "monitor", "child", "process"].iter().enumerate() {
        let seen = part_that_is_looked_at(index, &seen[index]);
        let told = match index {
            // Only who is looked at asks to end with who looks on.
            0 => from_the_first_look_at("/index.json", &told[0]),
            1 => until_it_watches(&told[1]),
            _ => told[index].clone(),
        };
        let seen = match index {
            0 => from_the_first_look_at("/index.json", &seen),
            1 => until_it_watches(&seen),
            _ => seen,
        };
        let names = |calls: &[Seen]| calls.iter().map(|seen| seen.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&told), names(&seen), "{who}\ntold {told:#?}\nseen {seen:#?}");
        assert!(!seen.is_empty(), "{who}");
    }
}

/// In the order in which they appear, the calls that strace is asked for.
fn told_processes(events: &[Value]) -> Vec<Vec<Seen>> {
    let mut pids: Vec<i64> = Vec::new();
    let mut all: Vec<Vec<Seen>> = Vec::new();
    for event in events {
        let pid = event["pid"].as_i64().expect("a pid");
        let index = pids.iter().position(|known| *known == pid).unwrap_or_else(|| {
            pids.push(pid);
            all.push(Vec::new());
            pids.len() - 1
        });
        let name = event["name"].as_str().unwrap_or_default();
        if event["event"] == "call" && strace::is_telling(name) {
            all[index].push(Seen { name: strace::older_name(name).to_owned(), line: event.to_string() });
        }
    }
    all
}

/// The first process up to the reaper, and the command's up to the user's program.
fn part_that_is_looked_at(index: usize, seen: &[Seen]) -> Vec<Seen> {
    let last = match index {
        2 => seen.iter().position(|seen| seen.name == "execveat"),
        3 => seen.iter().rposition(|seen| seen.name == "execve"),
        _ => None,
    };
    seen[..last.map_or(seen.len(), |last| last + 1)].to_vec()
}

fn from_the_first_look_at(place: &str, calls: &[Seen]) -> Vec<Seen> {
    let first = calls.iter().position(|seen| seen.line.contains(place));
    calls[first.expect("it looks there")..].to_vec()
}

/// Now and then a monitor looks for what others have left, when its own work is done.
fn until_it_watches(calls: &[Seen]) -> Vec<Seen> {
    let last = calls.iter().rposition(|seen| seen.name == "sendmsg").expect("it opens the gate");
    calls[..=last].to_vec()
}

/// Recorded before there were explanations. They depend on what the machine shows, so that is recorded, too.
const CALLS_OF_A_RUN: &str = include_str!("explained/calls_of_a_run.txt");

#[test]
fn without_an_explanation_a_run_makes_the_calls_that_it_always_made() {
    if !strace::is_here() {
        return;
    }
    let store = Store::new();
    let trace = strace::run(&store.command(&["run", "--rm", "--network", "none", "--hostname", "alike", "box", "true"]), &store);
    let seen = strace::processes(&trace);
    assert_eq!(seen.len(), 4, "command, monitor, child and process");
    let parts = [
        from_the_first_look_at("/s/version", &seen[0]),
        until_it_watches(&seen[1]),
        part_that_is_looked_at(2, &seen[2]),
        part_that_is_looked_at(3, &seen[3]),
    ];
    let line = |calls: &Vec<Seen>| calls.iter().map(|seen| seen.name.as_str()).collect::<Vec<_>>().join(" ");
    let now = format!("{}\n{}\n", machine(), parts.iter().map(line).collect::<Vec<_>>().join("\n"));
    if CALLS_OF_A_RUN.lines().next() != now.lines().next() {
        eprintln!("skipped: recorded on another kind of machine; here it is\n{now}");
    } else {
        assert_eq!(now, CALLS_OF_A_RUN);
    }
    // What is new: one page that all of them share, for the time line.
    assert_eq!(trace.matches("MAP_SHARED|MAP_ANONYMOUS").count(), 1, "the page of the time line");
    assert_eq!(trace.matches("ptrace(").count(), 0, "nobody looks on");
}

/// What changes the calls of a start: kinds of groups, and which paths there are to hide.
fn machine() -> String {
    let hidden =
        ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug"];
    let more =
        ["/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/proc/sysrq-trigger", "/sys/firmware", "/sys/devices/virtual/powercap"];
    let there: Vec<&str> = hidden.into_iter().chain(more).filter(|path| std::path::Path::new(path).exists()).collect();
    let groups = if std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists() { "unified" } else { "hybrid" };
    let user = if crate::common::ordinary::Person::of_this_run().is_some() { "a user's" } else { "root's" };
    format!("{user} {groups} {}", there.join(" "))
}

#[test]
fn every_verb_answers_as_it_does_without() {
    let store = Store::new();
    store.file("context/Dockerfile", "FROM box\nRUN echo built > /built\n");
    store.ok(&["run", "-d", "--name", "one", "box", "sleep", "1000"]);
    let explained = |words: &[&str], code: i32, title: &str| {
        let ran = store.tare(words).expect_code(code);
        assert!(ran.stderr.contains(title), "{title}: {ran}");
        ran
    };
    explained(&["exec", "--explain", "one", "sh", "-c", "exit 5"], 5, "join the container's namespaces");
    explained(&["exec", "--explain=full", "one", "no-such-thing"], 127, "execute the command");
    explained(&["stop", "--explain", "-t", "0", "one"], 0, "ask the container to end");
    explained(&["start", "--explain=full", "one"], 0, "pivot_root(\".\", \".\") = 0");
    explained(&["kill", "--explain=full", "one"], 0, "end every process of the group");
    explained(&["rm", "--explain", "-f", "one"], 0, "remove its files");
    explained(&["rm", "--explain", "nobody"], 1, "find the container");
    let built = explained(&["build", "--explain", "-q", "-t", "built", "context"], 0, "make a layer of what was written");
    assert!(built.stdout.starts_with("sha256:"), "{built}");
    let error = store.fails(125, &["stop", "--explain=loudly", "one"]);
    assert!(error.contains("short, full"), "{error}");
    store.assert_nothing_left();
}

#[test]
fn ctrl_c_is_the_command_s_and_an_end_from_outside_is_passed_on() {
    let store = Store::new();
    store.ok(&["create", "--name", "waits", "box", "sh", "-c", "trap 'echo asked; exit 9' TERM; echo ready; while :; do sleep 0.1; done"]);
    let mut running = store.start(&["start", "-a", "--explain", "waits"]);
    running.expect("ready");
    running.signal(nix::sys::signal::Signal::SIGTERM);
    eventually("the container hears of it", || store.state("waits") == "exited");
    assert_eq!(store.inspect("waits")["State"]["ExitCode"], 9);
    drop(running);
}

#[test]
fn a_start_keeps_its_time_line_while_it_runs_and_when_it_has_ended() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "box", "sleep", "1000"]);
    let running = store.ok(&["explain", "start", "one"]);
    for title in ["find the image", "make a process in new namespaces", "make the new root the only root", "execute the command"] {
        assert!(running.contains(title), "{title}:\n{running}");
    }
    store.ok(&["kill", "one"]);
    eventually("it has ended", || store.state("one") == "exited");
    assert_eq!(store.ok(&["explain", "start", "one"]), running, "the same when it is written down");
    let chrome: Value = serde_json::from_str(&store.ok(&["explain", "start", "--format", "chrome", "one"])).expect("JSON");
    let spans: Vec<&Value> = chrome["traceEvents"].as_array().expect("events").iter().filter(|event| event["ph"] == "X").collect();
    assert!(spans.len() > 20, "{chrome}");
    assert!(spans.iter().all(|span| span["dur"].as_f64().is_some_and(|took| took >= 0.0)), "{chrome}");
    let svg = store.ok(&["explain", "start", "--format", "svg", "one"]);
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{svg}");
    assert_eq!(svg.matches("<title>").count(), spans.len());
}

#[test]
fn each_start_has_a_time_line_of_its_own() {
    let store = Store::new();
    for name in ["one", "two"] {
        store.ok(&["create", "--name", name, "box", "sleep", "1000"]);
    }
    let error = store.fails(1, &["explain", "start", "one"]);
    assert!(error.contains("there is no time line of container one: it was never started"), "{error}");
    store.ok(&["start", "one", "two"]);
    for name in ["one", "two"] {
        let text = store.ok(&["explain", "start", name]);
        assert_eq!(text.matches("execute the command").count(), 1 + usize::from(text.contains("longest: execute")), "{text}");
    }
    // A start that fails keeps how far it came.
    store.fails(127, &["run", "--name", "three", "box", "no-such-thing"]);
    assert!(store.ok(&["explain", "start", "three"]).contains("execute the command"));
}

#[test]
fn what_comes_from_a_registry_or_an_archive_is_told() {
    let Some(registry) = Registry::plain() else { return };
    let store = Store::new();
    let name = format!("{}/team/box:1", registry.host);
    store.ok(&["tag", "box", &name]);
    store.ok(&["push", "-q", &name]);
    let archive = store.dir.join("box.tar").display().to_string();
    store.ok(&["save", "-o", &archive, "box"]);
    store.ok(&["rmi", "-f", "box", &name]);
    let ends_with = |ran: Ran, title: &str| {
        let text = format!("{ran}");
        let ran = ran.expect_code(0);
        let steps = steps(&events(&ran));
        assert!(steps.iter().any(|(_, step)| step == "fetch the layers, check and unpack them"), "{text}");
        assert_eq!(steps.first().map(|(_, step)| step.as_str()), Some(title), "{text}");
        assert!(steps.iter().any(|(_, step)| step == "give the image its name"), "{text}");
    };
    ends_with(store.tare(&["pull", "-q", "--explain=json", &name]), "ask the registry what the name stands for");
    store.ok(&["rmi", "-f", &name]);
    ends_with(store.tare(&["load", "-q", "--explain=json", "-i", &archive]), "read the archive");
}
