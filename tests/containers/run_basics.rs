//! `tare run` without special wishes: the exit code, the streams, and the surroundings that a program finds itself in.

use crate::common::{Image, Layer, Report, Store, eventually};
use serde_json::json;

#[test]
fn run_gives_the_command_s_output_and_exit_code() {
    let store = Store::new();
    let ran = store.tare(&["run", "--rm", "box", "sh", "-c", "echo to stdout; echo to stderr >&2; exit 7"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (7, "to stdout\n", "to stderr\n"), "{}", ran.story());
    store.assert_nothing_left();
}

#[test]
fn every_exit_code_is_passed_on() {
    let store = Store::new();
    for code in [0, 1, 2, 124, 125, 126, 127, 128, 137, 255] {
        store.tare(&["run", "--rm", "box", "/probe", "exit", &code.to_string()]).expect_code(code);
    }
}

#[test]
fn a_command_ended_by_a_signal_gives_128_and_its_number() {
    let store = Store::new();
    for signal in [1, 2, 6, 9, 11, 15] {
        store.tare(&["run", "--rm", "box", "/probe", "signal-self", &signal.to_string()]).expect_code(128 + signal);
    }
}

#[test]
fn the_image_s_command_runs_when_none_is_given() {
    let store = Store::new();
    let ran = store.tare_with(&["run", "--rm", "-i", "box"], "echo from the shell\n");
    assert_eq!(ran.ok(), "from the shell");
}

#[test]
fn an_image_of_one_static_program_is_enough() {
    let store = Store::new();
    let report = Report::parse(&store.ok(&["run", "--rm", "probe"]));
    assert_eq!(report.texts("argv"), ["/probe"]);
    assert_eq!(report.text("cwd"), "/");
    for needed in ["/proc", "/dev", "/sys", "/dev/pts", "/dev/shm", "/dev/mqueue"] {
        assert!(report.mount(needed).is_some(), "{needed} must be mounted even in an empty image");
    }
    assert_eq!(store.tare(&["run", "--rm", "probe", "exit", "3"]).code, 3, "arguments follow the image's entrypoint");
}

#[test]
fn standard_input_reaches_the_container_only_with_i() {
    let store = Store::new();
    assert_eq!(store.tare_with(&["run", "--rm", "-i", "box", "cat"], "hello").ok(), "hello");
    assert_eq!(store.tare_with(&["run", "--rm", "box", "cat"], "hello").ok(), "");
}

#[test]
fn a_megabyte_goes_through_unchanged() {
    let store = Store::new();
    let data: Vec<u8> = (0..1_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let ran = store.tare_with(&["run", "--rm", "-i", "box", "cat"], data.clone());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.raw == data, "{} bytes came back of {}", ran.raw.len(), data.len());
}

#[test]
fn all_output_has_come_when_the_command_returns() {
    let store = Store::new();
    let ran = store.tare(&["run", "--rm", "box", "sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout.lines().count(), 20_000);
    assert_eq!(ran.stdout.lines().last(), Some("line 19999"));
}

#[test]
fn a_reader_that_goes_away_does_not_hang_the_run() {
    let store = Store::new();
    let mut command = store.command(&["run", "--rm", "box", "yes"]);
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().expect("spawn");
    let mut block = [0; 100];
    std::io::Read::read_exact(child.stdout.as_mut().expect("a pipe"), &mut block).expect("the first output");
    drop(child.stdout.take());
    // The reader is gone; docker's client dies of it and leaves the container to its fate. Ours may do either, but must not spin or hang.
    let pid = i32::try_from(child.id()).expect("a pid");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).ok();
    child.wait().expect("wait");
    let names = store.names(false);
    for name in names {
        store.ok(&["rm", "-f", &name]);
    }
}

#[test]
fn the_surroundings_are_those_of_a_default_container() {
    let store = Store::new();
    let report = store.probe(&[]);
    assert_eq!((report.number("uid"), report.number("gid"), report.text("umask")), (0, 0, "0022"));
    assert_eq!(report.text("cwd"), "/");
    assert_eq!(report.texts("argv"), ["/probe"]);
    assert_eq!(report.env("PATH").as_deref(), Some("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
    assert_eq!(report.env("HOME").as_deref(), Some("/root"));
    assert_eq!(report.env("FROM_IMAGE").as_deref(), Some("yes"));
    assert_eq!(report.env("HOSTNAME").as_deref(), Some(report.text("hostname")));
    let names: Vec<String> = report.texts("env").iter().filter_map(|line| line.split_once('=')).map(|(name, _)| name.to_string()).collect();
    let known = ["PATH", "HOME", "FROM_IMAGE", "HOSTNAME"];
    assert!(names.iter().all(|name| known.contains(&name.as_str())), "nothing of the host's environment comes in: {names:?}");
}

#[test]
fn the_hostname_is_the_short_id() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "box", "sleep", "1000"]);
    let report = Report::parse(&store.ok(&["exec", &id, "/probe"]));
    assert_eq!(report.text("hostname"), &id[..12]);
    assert_eq!(store.ok(&["exec", &id, "cat", "/etc/hostname"]), &id[..12]);
    let hosts = store.ok(&["exec", &id, "cat", "/etc/hosts"]);
    assert!(hosts.lines().any(|line| line.starts_with("127.0.0.1") && line.contains("localhost")), "{hosts}");
}

#[test]
fn six_namespaces_are_new_and_the_other_two_are_ours() {
    let store = Store::new();
    let report = store.probe(&[]);
    for name in ["mnt", "pid", "ipc", "uts", "net", "cgroup"] {
        assert_ne!(report.namespace(name), host_namespace(name), "{name} must be a namespace of its own");
    }
    let is_root_s = store.person.is_none();
    assert_eq!(report.namespace("user") == host_namespace("user"), is_root_s, "an ordinary user's containers live in one of his");
}

pub fn host_namespace(name: &str) -> String {
    std::fs::read_link(format!("/proc/self/ns/{name}")).expect("a namespace").to_string_lossy().into_owned()
}

#[test]
fn pid_1_is_the_reaper_and_the_command_is_its_child() {
    let store = Store::new();
    let report = store.probe(&[]);
    assert_eq!(report.number("ppid"), 1, "the command is a child of pid 1");
    let processes = store.ok(&["run", "--rm", "box", "ps", "-o", "pid,args"]);
    assert_eq!(processes.lines().count(), 3, "the heading, the reaper and ps:\n{processes}");
    assert!(!processes.lines().nth(1).expect("pid 1").contains("ps -o"), "pid 1 is not the command:\n{processes}");
}

#[test]
fn orphans_are_reaped() {
    let store = Store::new();
    assert_eq!(store.ok(&["run", "--rm", "box", "/probe", "orphans", "50"]), "zombies 0");
}

#[test]
fn without_a_reaper_the_command_is_pid_1() {
    let store = Store::new();
    let report = store.probe(&["--init=false"]);
    assert_eq!((report.number("pid"), report.number("ppid")), (1, 0));
    store.tare(&["run", "--rm", "--init=false", "box", "/probe", "exit", "9"]).expect_code(9);
}

#[test]
fn an_image_with_an_init_of_its_own_gets_to_be_pid_1() {
    let store = Store::new();
    let probe = std::fs::read(crate::common::test_images::probe()).expect("the probe");
    for init in ["sbin/init", "sbin/tini", "usr/bin/dumb-init", "init"] {
        let parents: Vec<&str> = init.match_indices('/').map(|(at, _)| &init[..=at]).collect();
        let layer = parents.iter().fold(Layer::new(), |layer, dir| layer.dir(dir, 0o755)).file(init, 0o755, &probe);
        let image = Image::new("withinit", vec![layer.tar()]).with_config(json!({"Entrypoint": [format!("/{init}")]}));
        store.load(&image.docker_archive()).ok();
        let report = Report::parse(&store.ok(&["run", "--rm", "withinit"]));
        assert_eq!(report.number("pid"), 1, "/{init} is a known init");
        let report = Report::parse(&store.ok(&["run", "--rm", "--init", "withinit"]));
        assert_ne!(report.number("pid"), 1, "--init asks for our reaper all the same");
    }
}

#[test]
fn when_the_command_ends_its_children_end_too() {
    let store = Store::new();
    let ran = store.tare(&["run", "--rm", "box", "/probe", "leave-child", "1000"]);
    assert_eq!(ran.ok(), "parent done");
    store.assert_nothing_left();
}

#[test]
fn the_loopback_interface_is_up_and_alone() {
    let store = Store::new();
    for flags in [&[][..], &["--network", "none"], &["--net=none"]] {
        let report = store.probe(flags);
        let interfaces = report.0["interfaces"].as_object().expect("interfaces");
        assert_eq!(interfaces.keys().collect::<Vec<_>>(), ["lo"], "{flags:?}");
        assert_eq!(interfaces["lo"], json!({"up": 1, "loopback": 1}));
    }
    assert_eq!(store.ok(&["run", "--rm", "box", "sh", "-c", "ping -c1 -w5 127.0.0.1 >/dev/null && echo answered"]), "answered");
}

#[test]
fn changes_stay_in_the_container() {
    let store = Store::new();
    store.ok(&["run", "--rm", "box", "sh", "-c", "echo changed >/etc/passwd; rm -rf /home; mkdir /new"]);
    let seen =
        store.ok(&["run", "--rm", "box", "sh", "-c", "head -n1 /etc/passwd; cat /home/alice/hers; ls -d /new 2>/dev/null || echo no /new"]);
    assert_eq!(seen, "root:x:0:0:root:/root:/bin/sh\nhers\nno /new");
}

#[test]
fn a_kept_container_keeps_its_files() {
    let store = Store::new();
    store.ok(&["run", "--name", "kept", "box", "sh", "-c", "echo once >>/count; wc -l </count"]);
    assert_eq!(store.ok(&["start", "-a", "kept"]), "2");
    assert_eq!(store.ok(&["start", "-a", "kept"]), "3");
}

#[test]
fn the_terminalless_run_forwards_signals() {
    let store = Store::new();
    let mut running = store.start(&["run", "--rm", "--name", "listener", "box", "/probe", "wait-signals"]);
    running.expect("ready");
    for (signal, number) in
        [(nix::sys::signal::SIGHUP, 1), (nix::sys::signal::SIGINT, 2), (nix::sys::signal::SIGTERM, 15), (nix::sys::signal::SIGUSR1, 10)]
    {
        running.signal(signal);
        running.expect(&format!("got {number}"));
    }
    running.signal(nix::sys::signal::SIGUSR2);
    let ran = running.wait();
    assert_eq!(ran.code, 0, "{}", ran.story());
    assert_eq!(ran.stdout, "ready\ngot 1\ngot 2\ngot 15\ngot 10\ngot 12\n", "each signal comes once, in order");
}

#[test]
fn the_container_outlives_the_command_that_started_it() {
    let store = Store::new();
    let mut running = store.start(&["run", "--name", "survivor", "box", "sh", "-c", "echo started; sleep 1000"]);
    running.expect("started");
    running.signal(nix::sys::signal::SIGKILL);
    running.wait().expect_code(137);
    assert_eq!(store.state("survivor"), "running");
    assert_eq!(store.ok(&["exec", "survivor", "echo", "alive"]), "alive");
}

#[test]
fn a_lost_monitor_takes_its_container_along_and_is_reported() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "--name", "orphan", "box", "sleep", "1000"]);
    let pid = store.pid("orphan");
    let monitor = parent_of(pid);
    assert!(monitor > 1, "the container's parent is its monitor");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(monitor), nix::sys::signal::SIGKILL).expect("kill the monitor");
    eventually("the container dies with its monitor", || !std::path::Path::new(&format!("/proc/{pid}")).exists() || is_zombie(pid));
    let about = store.inspect(&id);
    assert_eq!(about["State"]["Status"], "exited", "{about:#}");
    assert_eq!(about["State"]["ExitCode"], 137);
    assert!(about["State"]["Error"].as_str().is_some_and(|text| text.contains("monitor")), "{}", about["State"]);
    assert_eq!(store.ok(&["start", "orphan"]), "orphan", "it can be started again");
}

fn parent_of(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("stat");
    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)).and_then(|text| text.parse().ok()).expect("a parent")
}

fn is_zombie(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')))
}

#[test]
fn ten_containers_at_once() {
    let store = Store::new();
    let running: Vec<_> = (0..10).map(|i| store.start(&["run", "--rm", "box", "/probe", "exit", &i.to_string()])).collect();
    for (i, one) in running.into_iter().enumerate() {
        one.wait().expect_code(i32::try_from(i).expect("small"));
    }
    store.assert_nothing_left();
}

#[test]
fn run_works_with_a_long_run_directory() {
    // A socket's path may have 108 bytes; the store's place is the user's choice.
    let store = Store::new();
    let long = store.dir.join("a-directory-with-a-rather-long-name".repeat(4));
    let words = ["--run-dir", long.to_str().expect("utf-8"), "run", "--rm", "box", "echo", "fine"];
    assert_eq!(store.ok(&words), "fine");
}

#[test]
fn root_and_run_dir_are_obeyed() {
    let store = Store::new();
    let other = store.dir.join("other");
    let words = ["--root", other.to_str().expect("utf-8"), "images", "-q"];
    assert_eq!(store.ok(&words), "", "another store has no images");
}

#[test]
fn an_alpine_shell_says_what_it_is() {
    let store = Store::new();
    let image = store.alpine();
    let text = store.ok(&["run", "--rm", &image, "sh", "-c", "cat /etc/alpine-release 2>/dev/null; echo $0 $((6*7))"]);
    assert!(text.ends_with("sh 42"), "{text}");
}
