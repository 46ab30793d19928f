//! `events`: every deed is told once, in Docker's words, in its order, and to everybody who listens.

use crate::common::{Running, Store, eventually, leftovers};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Write;
use std::path::PathBuf;

/// What has happened so far, in this form.
fn told(store: &Store, format: &str, filters: &[&str]) -> Vec<String> {
    let filters = filters.iter().flat_map(|filter| ["-f", filter]);
    let words: Vec<&str> = ["events", "--since", "0", "--until", "0s", "--format", format].into_iter().chain(filters).collect();
    store.ok(&words).lines().map(str::to_string).collect()
}

fn actions(store: &Store, name: &str) -> Vec<String> {
    told(store, "{{.Action}}", &[&format!("container={name}")])
}

fn log(store: &Store) -> PathBuf {
    store.run.join("events")
}

/// Somebody who listens already.
fn listening(store: &Store, words: &[&str]) -> Running {
    let mut listener = store.start(&[&["events", "--since", "0"], words].concat());
    // The oldest deed is seen: from here on it follows.
    store.ok(&["tag", "box", "mark:1"]);
    listener.expect("mark");
    listener
}

#[test]
fn a_life_from_beginning_to_end() {
    let store = Store::new();
    store.ok(&["run", "--rm", "--name", "brief", "box", "true"]);
    assert_eq!(actions(&store, "brief"), ["create", "attach", "start", "die", "destroy"]);

    store.ok(&["run", "-d", "--name", "web", "-l", "tier=front", "box", "sleep", "1000"]);
    store.ok(&["kill", "-s", "WINCH", "web"]);
    store.ok(&["stop", "web"]);
    store.ok(&["start", "web"]);
    store.ok(&["restart", "web"]);
    store.ok(&["top", "web"]);
    store.ok(&["rename", "web", "shop"]);
    store.ok(&["rm", "-f", "shop"]);
    let seen = told(&store, "{{.Action}} {{.Actor.Attributes.name}}", &["label=tier=front"]);
    let words = "create start kill kill die stop start kill die stop start restart top";
    let mut expected: Vec<String> = words.split(' ').map(|word| format!("{word} web")).collect();
    expected.extend(["rename", "kill", "die", "destroy"].map(|word| format!("{word} shop")));
    assert_eq!(seen, expected);
}

#[test]
fn what_belongs_to_a_deed_is_told_with_it() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.ok(&["rename", "web", "shop"]);
    store.ok(&["kill", "-s", "USR1", "shop"]);
    store.ok(&["wait", "shop"]);
    let line = |event: &str| store.ok(&["events", "--since", "0", "--until", "0s", "-f", &format!("event={event}")]);
    let rename = line("rename");
    assert!(rename.ends_with(&format!(" container rename {id} (image=box, name=shop, oldName=/web, org.example.kind=box)")), "{rename}");
    assert!(crate::common::parse_time(rename.split(' ').next().expect("a time")), "{rename}");
    assert!(line("kill").contains("signal=10"), "{}", line("kill"));
    let died = line("die");
    assert!(died.contains("exitCode=138") && died.contains("execDuration="), "{died}");
    let json: serde_json::Value = serde_json::from_str(&told(&store, "json", &["event=die"])[0]).expect("JSON");
    assert_eq!((json["Type"].as_str(), json["status"].as_str(), json["from"].as_str()), (Some("container"), Some("die"), Some("box")));
    assert_eq!((json["Actor"]["ID"].as_str(), json["scope"].as_str()), (Some(id.as_str()), Some("local")));
    let nanos = json["timeNano"].as_u64().expect("a time");
    assert_eq!(json["time"].as_u64(), Some(nanos / 1_000_000_000));
}

#[test]
fn each_exec_has_an_id_of_its_own() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.tare(&["exec", "web", "sh", "-c", "exit 3"]).expect_code(3);
    store.ok(&["exec", "-d", "web", "sh", "-c", "exit 4"]);
    eventually("both have ended", || told(&store, "json", &["event=exec_die"]).len() == 2);
    let form = "{{.Actor.Attributes.execID}} {{.Action}} {{.Actor.Attributes.exitCode}}";
    let all = told(&store, form, &["event=exec_create", "event=exec_start", "event=exec_die"]);
    for code in [3, 4] {
        let id = all.iter().find_map(|line| line.strip_suffix(&format!(" exec_die {code}"))).unwrap_or_else(|| panic!("{all:?}"));
        let of_it: Vec<&str> = all.iter().filter_map(|line| line.strip_prefix(id)).collect();
        let none = "<no value>";
        let expected = [
            format!(" exec_create: sh -c exit {code} {none}"),
            format!(" exec_start: sh -c exit {code} {none}"),
            format!(" exec_die {code}"),
        ];
        assert_eq!(of_it, expected, "{all:?}");
    }
}

#[test]
fn images_and_volumes_have_events_too() {
    let store = Store::new();
    store.ok(&["tag", "box", "other:1"]);
    store.ok(&["rmi", "other:1"]);
    assert_eq!(told(&store, "{{.Action}} {{.Actor.Attributes.name}}", &["type=image"]), ["tag other:1", "untag other:1"]);
    let id = store.ok(&["run", "--rm", "-v", "data:/data", "-v", "/own", "box", "sh", "-c", "cat /proc/sys/kernel/hostname"]);
    let seen = told(&store, "{{.Action}} {{.Actor.Attributes.destination}}", &["volume=data"]);
    assert_eq!(seen, ["create <no value>", "mount /data", "unmount <no value>"]);
    let mounted = told(&store, "{{.Actor.Attributes.container}}", &["event=mount", "volume=data"]);
    assert!(mounted[0].starts_with(&id), "{mounted:?}");
    // The nameless one goes with its container.
    let own: Vec<String> =
        told(&store, "{{.Action}} {{.Actor.ID}}", &["type=volume"]).into_iter().filter(|line| !line.ends_with("data")).collect();
    let verbs: Vec<&str> = own.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(verbs, ["create", "mount", "unmount", "destroy"], "{own:?}");
    store.ok(&["volume", "rm", "data"]);
    store.ok(&["volume", "prune", "-f"]);
    store.ok(&["container", "prune", "-f"]);
    assert_eq!(told(&store, "{{.Type}} {{.Actor.Attributes.reclaimed}}", &["event=prune"]), ["volume 0", "container 0"]);
}

#[test]
fn without_since_only_the_future_is_told() {
    let store = Store::new();
    store.ok(&["run", "--rm", "--name", "early", "box", "true"]);
    let mut listener = store.start(&["events", "--format", "{{.Action}} {{.Actor.Attributes.name}}"]);
    eventually("it listens", || {
        store.ok(&["run", "--rm", "--name", "late", "box", "true"]);
        listener.seen().contains("destroy late")
    });
    assert!(!listener.seen().contains("early"), "{}", listener.seen());
    assert!(!listener.is_over());
    listener.signal(Signal::SIGINT);
    listener.wait();
}

#[test]
fn until_ends_it_also_in_the_future() {
    let store = Store::new();
    store.ok(&["run", "--rm", "--name", "first", "box", "true"]);
    // A moment between the two: the later one is not told any more.
    let between = store.ok(&["events", "--since", "0", "--until", "0s", "--format", "{{.TimeNano}}", "-f", "event=destroy"]);
    let (seconds, nanos) = between.split_at(between.len() - 9);
    store.ok(&["run", "--rm", "--name", "second", "box", "true"]);
    let seen = store.ok(&["events", "--until", &format!("{seconds}.{nanos}"), "--format", "{{.Actor.Attributes.name}} {{.Action}}"]);
    assert!(seen.ends_with("first destroy") && !seen.contains("second"), "{seen}");

    let soon = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time") + std::time::Duration::from_secs(3);
    let until = format!("{}.{:09}", soon.as_secs(), soon.subsec_nanos());
    let mut listener = store.start(&["events", "--since", "0", "--until", &until, "--format", "{{.Actor.Attributes.name}}"]);
    listener.expect("second");
    let is_over = listener.is_over();
    assert!(
        !is_over || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time") >= soon,
        "its time has not come"
    );
    let ran = listener.wait().expect_code(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    assert!(now >= soon, "it waited: {}", ran.story());
}

#[test]
fn it_ends_when_nobody_reads_any_more_although_nothing_happens() {
    let store = Store::new();
    store.ok(&["tag", "box", "mark:1"]);
    let mut pipeline = store.start_script("tare events --since 0 | head -n 1; echo over");
    pipeline.expect("over");
    assert!(pipeline.seen().contains("mark:1"), "{}", pipeline.seen());
    pipeline.wait().expect_code(0);
}

#[test]
fn the_file_is_bounded_and_a_listener_loses_nothing() {
    let store = Store::new();
    let mut listener = listening(&store, &["--format", "{{.Actor.Attributes.name}}"]);
    // Deeds of a long day: so many that the file is put aside a few times, while somebody listens.
    let line = std::fs::read_to_string(log(&store)).expect("events").trim().replace("mark:1", "@");
    let mut marks = Vec::new();
    for round in 0..4 {
        let day: String = (0..1 + (1 << 20) / line.len()).map(|number| line.replace('@', &format!("r{round}n{number}")) + "\n").collect();
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(log(&store))
            .and_then(|mut file| file.write_all(day.as_bytes()))
            .expect("events");
        let mark = format!("after:{round}");
        store.ok(&["tag", "box", &mark]);
        listener.expect(&format!("{mark}\n"));
        marks.push(mark);
    }
    let size = |path: &str| std::fs::metadata(store.run.join(path)).map_or(0, |about| about.len());
    assert!(size("events") + size("events.1") < 4 << 20, "{} and {}", size("events"), size("events.1"));
    assert!(size("events.1") > 0, "the one before is kept");
    assert_eq!(listener.seen_err(), "", "nothing was missed");
    let seen = listener.seen();
    assert_eq!(seen.matches("\nr3n").count(), seen.matches("\nr0n").count(), "of no day more than of another");
    assert!(told(&store, "{{.Actor.Attributes.name}}", &[]).contains(&marks[3]), "the newest is there for those who come later");
    listener.signal(Signal::SIGINT);
    listener.wait();
}

#[test]
fn many_at_once_who_find_it_full_lose_nothing() {
    let store = Store::new();
    store.ok(&["tag", "box", "mark:1"]);
    let line = std::fs::read_to_string(log(&store)).expect("events");
    let day = line.repeat(((1 << 20) - 4 * line.len()) / line.len());
    std::fs::write(log(&store), day).expect("events");
    std::thread::scope(|scope| {
        for client in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..10 {
                    store.ok(&["create", "--name", &format!("c{client}n{number}"), "box", "true"]);
                }
            });
        }
    });
    assert!(store.run.join("events.1").exists(), "it was full");
    let mut names = told(&store, "{{.Actor.Attributes.name}}", &["event=create"]);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 80, "{names:?}");
}

#[test]
fn half_a_line_spoils_no_other() {
    let store = Store::new();
    store.ok(&["tag", "box", "one:1"]);
    // Its writer was killed, or the disk was full.
    let append = |bytes: &[u8]| {
        std::fs::OpenOptions::new().append(true).open(log(&store)).and_then(|mut file| file.write_all(bytes)).expect("events")
    };
    append(b"\n{\"Type\":\"image\",\"Acti");
    store.ok(&["tag", "box", "two:1"]);
    append(b"\xff\xfe\0garbage\n\n[]\n");
    store.ok(&["tag", "box", "three:1"]);
    assert_eq!(told(&store, "{{.Actor.Attributes.name}}", &[]), ["one:1", "two:1", "three:1"]);
}

#[test]
fn who_finds_a_lost_container_tells_of_its_end() {
    let store = Store::new();
    for (name, flags) in [("kept", &[][..]), ("brief", &["--rm"])] {
        store.ok(&[&["run", "-d", "--name", name], flags, &["box", "sleep", "1000"]].concat());
        let monitor = store.inspect(name)["State"]["MonitorPid"].as_i64().expect("a monitor");
        kill(Pid::from_raw(monitor as i32), Signal::SIGKILL).expect("kill");
    }
    eventually("both are found", || store.names(false).is_empty());
    assert_eq!(actions(&store, "kept"), ["create", "start", "die"]);
    assert_eq!(actions(&store, "brief"), ["create", "start", "die", "destroy"]);
    assert_eq!(told(&store, "{{.Actor.Attributes.exitCode}}", &["event=die"]), ["137", "137"]);
    assert!(!leftovers::ids(&store).is_empty());
}

#[test]
fn what_cannot_happen_is_refused_and_not_waited_for() {
    let store = Store::new();
    for (filter, hint) in
        [("event=strat", "start"), ("daemon=me", "container"), ("type=plugin", "image"), ("web", "KEY=VALUE"), ("colour=red", "label")]
    {
        let error = store.refuses(&["events", "-f", filter]);
        assert!(error.contains(hint), "{filter}: {error}");
    }
    store.refuses(&["events", "--since", "yesterday"]);
    store.refuses(&["events", "--format", "{{.Action"]);
    assert_eq!(store.ok(&["events", "--until", "0s"]), "", "nothing has happened yet, and that is no error");
}
