//! `--explain=sh`: the script makes the same container as tare does. For each line the probe's report from inside the one is compared
//! with that from the other, field by field; what may differ stands in one table, with the reason.

use crate::common::probe::Mount;
use crate::common::process::Ran;
use crate::common::town::Town;
use crate::common::{Layer, Report, Running, Store, cannot, cgroup2, eventually, installed, lacking};
use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a shell cannot do, and so is not the same.
const MAY_DIFFER: &[(&str, &str)] = &[
    ("pid", "the command is pid 1, because the reaper is a program of tare's"),
    ("ppid", "the same"),
    ("pgid", "tare begins a session for the command; a script's command stays in that of the script"),
    ("sid", "the same"),
    ("status Seccomp", "no tool of every host loads a filter"),
    ("status Seccomp_filters", "the same"),
    ("fd 0", "both are the host's /dev/null, at another place of its mounts"),
    ("fd 1", "a pipe to the monitor, or to the test"),
    ("fd 2", "the same"),
];

/// The words behind `tare run --rm`, and what they are about.
macro_rules! alike {
    ($($name:ident: $($flag:expr)*;)*) => { $(
        #[test]
        fn $name() {
            let Some(store) = store() else { return };
            assert_alike(&store, &[$($flag),*], "box");
        }
    )* };
}

alike! {
    nothing_asked_for:;
    a_user_by_name: "--user" "alice";
    a_number_with_a_group_and_one_more: "--user" "77:audio" "--group-add" "wheel" "--group-add" "4321";
    read_only_with_a_place_to_write: "--read-only" "--tmpfs" "/scratch:size=1m,exec" "--tmpfs" "/tmp";
    few_capabilities: "--cap-drop" "ALL" "--cap-add" "NET_BIND_SERVICE" "--cap-add" "CHOWN";
    no_capabilities_and_no_new_privileges: "--cap-drop" "ALL" "--security-opt" "no-new-privileges" "-u" "1000:1000";
    privileged: "--privileged";
    named_and_in_a_directory: "--hostname" "lighthouse" "--domainname" "sea" "-e" "COLOUR=it's \"green\" $HOME" "-e" "FROM_IMAGE" "-w" "/home/alice/new";
    the_network_of_the_host: "--network" "host";
    the_processes_of_the_host: "--pid" "host";
    the_memory_of_the_host: "--ipc" "host";
    the_name_of_the_host: "--uts" "host";
    the_groups_of_the_host: "--cgroupns" "host";
    without_a_reaper: "--init=false";
    limits_of_the_process: "--ulimit" "nofile=100:200" "--ulimit" "core=0";
    a_score_for_want_of_memory: "--oom-score-adj" "500";
    settings_of_the_kernel: "--sysctl" "net.ipv4.ip_unprivileged_port_start=80" "--sysctl" "kernel.shmmax=65536";
    devices: "--device" "/dev/zero:/dev/more/nothing:r" "--device" "/dev/full:/dev/filled";
    shared_memory: "--shm-size" "1m";
    left_out_on_purpose: "--without=mount,masks,uts" "--without=caps";
    clocks: "--time-offset" "boottime=1h,monotonic=1h";
}

#[test]
fn directories_of_the_host() {
    let Some(store) = store() else { return };
    std::fs::create_dir_all(store.dir.join("a b/inner")).expect("a directory");
    let file = store.file("note", "from outside\n");
    let (dir, file) = (store.dir.join("a b").display().to_string(), file.display().to_string());
    // What is not there is made by both, in the image behind a link that leads nowhere on the host.
    let (read, written, single) = (format!("{dir}:/read/here:ro"), format!("{dir}:/written"), format!("{file}:/etc/note:ro"));
    assert_alike(&store, &["-v", &read, "-v", &written, "-v", &single], "box");
}

#[test]
fn several_layers_and_links_that_lead_elsewhere() {
    let Some(store) = store() else { return };
    let layer = Layer::new().symlink("var/run", "/tmp/run").dir("tmp/run/", 0o755).symlink("etc/resolv.conf", "/tmp/run/resolv.conf");
    store.load_over_box("linked", layer.tar());
    assert_alike(&store, &["--tmpfs", "/var/run/inner:mode=700"], "linked");
    assert!(!Path::new("/tmp/run/inner").exists() && !Path::new("/tmp/run/resolv.conf").exists(), "a link of the image has led out");
}

/// In its usual network, whose bridge is there already, or the script makes it.
#[test]
fn a_network_with_addresses() {
    for is_made in [false, true] {
        assert_alike_in_networks(&[], |store| {
            // Its addresses of IPv6 are made up when it is written down.
            store.ok(if is_made { &["run", "--rm", "box", "true"] } else { &["network", "ls"] });
        });
    }
}

/// One leads out, and the other nowhere.
#[test]
fn two_networks_of_one_s_own() {
    assert_alike_in_networks(&["--network", "inner", "--network", "name=outer,ip=10.77.0.9,mac-address=02:00:00:00:00:77"], |store| {
        store.ok(&["network", "create", "--internal", "--subnet", "10.78.0.0/24", "inner"]);
        store.ok(&["network", "create", "--subnet", "10.77.0.0/24", "--gateway", "10.77.0.7", "outer"]);
    });
}

fn assert_alike_in_networks(flags: &[&str], prepare: impl Fn(&Store)) {
    const LOOK: &str = "ip -o addr | sed 's/valid_lft.*//'; ip route; ip -6 route; cat /etc/hosts; ip -o link | grep -o 'link/ether [^ ]*'";
    let Some((town, mut store)) = Town::new().zip(store()) else { return };
    if store.person.is_some() && cannot("only root plugs cables into the host") {
        return;
    }
    store.machine = Some(town.host.clone());
    prepare(&store);
    // Whoever was in them has given its addresses back a moment after its end.
    let claimed = || run_in(&store, &["sh", "-c", "ls r/network/*/address 2>/dev/null"]).stdout;
    eventually("all addresses are free", || !claimed().contains("10."));
    let before = state_of(&town);
    let (flags, look) = ([&["--hostname", "lighthouse", "-p", "8080:80"], flags].concat(), ["sh", "-c", LOOK]);
    let found = run_script(&store, &script(&store, &flags, "box", &look)).ok();
    assert_eq!(state_of(&town), before, "the script leaves the host as it was");
    let expected = store.ok(&[&["run", "--rm"], &flags[..], &["box"], &look].concat());
    assert_eq!(without_interface_numbers(&found), without_interface_numbers(&expected));
    assert!(found.contains("default via") && found.contains("eth0"), "{found}");
}

/// The container by hand reaches others, and is reached at a published port.
#[test]
fn it_goes_out_and_others_come_in() {
    let Some((town, mut store)) = Town::new().zip(store()) else { return };
    if store.person.is_some() && cannot("only root plugs cables into the host") {
        return;
    }
    let other = town.machine("other");
    store.machine = Some(town.host.clone());
    other.serve("tcp", 7000);
    let script_out = script(&store, &[], "box", &["/probe", "ask", "tcp", other.address().as_str(), "7000"]);
    assert_eq!(run_script(&store, &script_out).ok(), format!("you are {}", town.host.address()));
    std::fs::create_dir(store.dir.join("shared")).expect("a directory");
    let shared = format!("{}:/shared", store.dir.join("shared").display());
    let serve = "/probe serve tcp 80 & until [ -e /shared/end ]; do sleep 0.1; done";
    let script_in = script(&store, &["-p", "8080:80", "-v", &shared], "box", &["sh", "-c", serve]);
    let mut command = Command::new("sh");
    store.tell(command.arg(store.file("by-hand.sh", script_in)).env("TMPDIR", &store.dir));
    let running = Running::spawn(command);
    eventually("somebody listens", || running.seen().contains("ready"));
    assert_eq!(other.ask("tcp", &town.host.address(), 8080), format!("you are {}", other.address()));
    store.file("shared/end", "");
    running.wait().ok();
}

#[test]
fn a_command_that_is_not_there_and_codes_of_those_that_are() {
    let Some(store) = store() else { return };
    for (command, code) in [(&["sh", "-c", "exit 7"][..], 7), (&["nosuch"], 127)] {
        assert_eq!(run_script(&store, &script(&store, &[], "box", command)).code, code, "{command:?}");
    }
    let ran = run_script(&store, &script(&store, &[], "box", &["echo", "it's", "$HOME", "a  b", "INSIDE\nINSIDE\nEND"]));
    assert_eq!(ran.ok(), "it's $HOME a  b INSIDE\nINSIDE\nEND");
}

/// `create` writes the same, and neither leaves anything.
#[test]
fn to_explain_makes_nothing() {
    let Some(store) = store() else { return };
    let files = || {
        let list = |dir: &Path| run_in(&store, &["find", dir.to_str().expect("utf-8"), "-mindepth", "1"]).stdout;
        (list(&store.root), list(&store.run))
    };
    // What a session of an ordinary user begins with is there.
    store.ok(&["ps"]);
    let before = files();
    let missing = store.dir.join("not-there");
    let flags = ["--name", "web", "-v", "fresh:/data", "-v", &format!("{}:/x", missing.display()), "-m", "64m"];
    let one = store.ok(&[&["run", "--explain=sh"], &flags[..], &["box", "sh"]].concat());
    let other = store.ok(&[&["create", "--explain=sh"], &flags[..], &["box", "sh"]].concat());
    store.ok(&[&["explain", "run"], &flags[..], &["box", "sh"]].concat());
    assert_eq!(files(), before);
    assert!(!missing.exists());
    // But for the id, which is made up each time.
    let ids = |text: &str| text.lines().filter(|line| !line.contains("lower=")).count();
    assert_eq!(ids(&one), ids(&other));
}

/// The words of both ways are those of the steps, and all of them.
#[test]
fn every_step_has_its_block() {
    let store = Store::new();
    let (script, plain) = (store.ok(&["run", "--explain=sh", "box"]), store.ok(&["explain", "run", "box"]));
    let json: serde_json::Value = serde_json::from_str(&store.ok(&["explain", "--json", "run", "box"])).expect("JSON");
    let steps = json.as_array().expect("a list");
    assert_eq!(steps.len(), 34);
    for step in steps {
        let (number, title) = (step["step"].as_u64().expect("a number"), step["title"].as_str().expect("a title"));
        assert!(script.contains(&format!("# --- {number} of 34: {title} ---")), "{title}");
        assert!(plain.contains(&format!("{number:2}  {title}\n")), "{title}");
        assert!(!step["deeds"].as_array().expect("deeds").is_empty(), "{title}");
    }
    assert!(run_in(&store, &["sh", "-n", store.file("script.sh", script).to_str().expect("utf-8")]).ok().is_empty());
    for words in [
        &["explain", "run", "--network", "container:x", "box"][..],
        &["explain", "run", "nosuch"],
        &["explain", "run", "--nosuch", "box"],
        &["explain", "nosuch"],
    ] {
        store.refuses(words);
    }
}

fn store() -> Option<Store> {
    let tools = ["unshare", "mount", "capsh", "findmnt", "prlimit", "ip", "nft", "awk"];
    if tools.iter().any(|tool| !installed(tool) && lacking(tool)) {
        return None;
    }
    Some(Store::new())
}

fn assert_alike(store: &Store, flags: &[&str], image: &str) {
    let mounts = || {
        std::fs::read_to_string("/proc/self/mounts")
            .expect("mounts")
            .lines()
            .filter(|line| line.contains(&store.dir.display().to_string()))
            .count()
    };
    let before = mounts();
    let (expected, found) = (compared(&by_tare(store, flags, image)), compared(&by_hand(store, flags, image)));
    assert_eq!(mounts(), before, "the script leaves no mount");
    let differing: Vec<String> = expected
        .keys()
        .chain(found.keys())
        .filter(|key| expected.get(*key) != found.get(*key) && !MAY_DIFFER.iter().any(|(field, _)| field == key))
        .map(|key| format!("{key}\n    tare:    {:?}\n    by hand: {:?}", expected.get(key), found.get(key)))
        .collect();
    assert!(differing.is_empty(), "{flags:?}: not the same\n{}", differing.join("\n"));
}

fn by_tare(store: &Store, flags: &[&str], image: &str) -> Report {
    Report::parse(&store.ok(&[&["run", "--rm"], flags, &[image, "/probe"]].concat()))
}

fn by_hand(store: &Store, flags: &[&str], image: &str) -> Report {
    Report::parse(&run_script(store, &script(store, flags, image, &["/probe"])).ok())
}

fn script(store: &Store, flags: &[&str], image: &str, command: &[&str]) -> String {
    store.ok(&[&["run", "--rm", "--explain=sh"], flags, &[image], command].concat())
}

/// And it leaves nothing.
fn run_script(store: &Store, script: &str) -> Ran {
    let path = store.file("by-hand.sh", script);
    let ran = run_in(store, &["sh", path.to_str().expect("utf-8")]);
    let left: Vec<String> = std::fs::read_dir(&store.dir)
        .expect("the test's directory")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter(|name| name.starts_with("by-hand.") && name != "by-hand.sh")
        .collect();
    assert_eq!(left, Vec::<String>::new(), "{ran}");
    ran
}

/// In the machine of the store.
fn run_in(store: &Store, words: &[&str]) -> Ran {
    let mut command = Command::new(words[0]);
    store.tell(command.args(&words[1..]).env("TMPDIR", &store.dir).current_dir(&store.dir).stdin(Stdio::null()));
    // What else whoever runs the tests has open is not the script's.
    // SAFETY: one system call between fork and exec.
    unsafe {
        command.pre_exec(|| match libc::syscall(libc::SYS_close_range, 3, u32::MAX, 4 /* CLOSE_RANGE_CLOEXEC */) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
    let running = Running::spawn(command);
    let group = cgroup2().map(|(top, _)| top.join(format!("by-hand-{}", running.pid())));
    let ran = running.wait();
    assert!(group.is_none_or(|group| !group.exists()), "a group is left by {ran}");
    ran
}

/// Interfaces, rules, whether packets are passed on.
fn state_of(town: &Town) -> [String; 3] {
    // What nobody uses any more is taken away by the kernel, a moment later.
    let links = || {
        town.host
            .run(&["ip", "-o", "link"])
            .ok()
            .lines()
            .filter_map(|line| Some(line.split(": ").nth(1)?.to_owned()))
            .collect::<Vec<_>>()
            .join(" ")
    };
    [links(), town.host.run(&["nft", "list", "tables"]).ok(), town.host.run(&["cat", "/proc/sys/net/ipv4/ip_forward"]).ok()]
}

fn without_interface_numbers(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| {
            line.split_once(": ").filter(|(number, _)| number.parse::<u32>().is_ok()).map_or(line, |(_, rest)| rest).trim().to_owned()
        })
        .collect()
}

/// Field by field, in words that are the same in two runs.
fn compared(report: &Report) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let mut set = |name: &str, value: String| fields.insert(name.to_owned(), value);
    for name in ["pid", "ppid", "pgid", "sid", "uid", "gid", "euid", "egid", "umask", "groups", "cwd", "terminal", "interfaces", "rlimits"]
    {
        set(name, report.0[name].to_string());
    }
    let hostname = report.text("hostname");
    set("hostname", unnamed(hostname, hostname));
    for (kind, link) in report.0["namespaces"].as_object().expect("namespaces") {
        let host = std::fs::read_link(format!("/proc/self/ns/{kind}")).expect("a namespace");
        let is_host = link.as_str() == host.to_str();
        set(&format!("namespace {kind}"), if is_host { "the host's".into() } else { "its own".into() });
    }
    let mut env: Vec<String> = report.texts("env").iter().map(|variable| unnamed(variable, hostname)).collect();
    env.sort();
    set("env", env.join("\n"));
    set("argv", report.texts("argv").join(" "));
    for (name, about) in report.0["dev"].as_object().expect("dev") {
        set(&format!("/dev/{name}"), about.to_string());
    }
    for (fd, target) in report.fds() {
        set(&format!("fd {fd}"), target);
    }
    for name in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "Groups", "Uid", "Gid"] {
        set(&format!("status {name}"), report.status(name));
    }
    // The kernel lists them by the age of their copies; what counts is which lies above which in one place.
    let mut mounts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mount in report.mounts() {
        mounts.entry(mount.target.clone()).or_default().push(shown(&mount));
    }
    for (target, all) in mounts {
        set(&format!("mounts at {target}"), all.join("\n"));
    }
    let groups: Vec<String> = report.texts("cgroup").iter().map(|line| line.split('/').next().unwrap_or_default().to_owned()).collect();
    set("groups of processes", groups.join(" "));
    // A clock of its own is an hour before the host's.
    let boottime = report.0["clocks"]["boottime"].as_i64().expect("a clock") - uptime();
    set("clock", (boottime > 1800).to_string());
    fields
}

fn uptime() -> i64 {
    let text = std::fs::read_to_string("/proc/uptime").expect("uptime");
    text.split('.').next().and_then(|seconds| seconds.parse().ok()).expect("seconds")
}

/// A container that nobody named is called by its id.
fn unnamed(text: &str, hostname: &str) -> String {
    let is_id = hostname.len() == 12 && hostname.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { text.replace(hostname, "ID") } else { text.to_owned() }
}

/// Where the layers lie is not the container's business.
fn shown(mount: &Mount) -> String {
    let super_options: Vec<&str> =
        mount.super_options.split(',').filter(|option| !option.contains("dir=/") && !option.contains("lowerdir=")).collect();
    let (mut options, propagation) = (mount.options.clone(), mount.propagation.join(" "));
    options.sort();
    // What a mount copies from a shared one of the host has a number there.
    let propagation = propagation.split(':').next().unwrap_or_default().to_owned();
    format!(
        "{} {} {} [{}] {propagation} - {} {}",
        mount.target,
        mount.kind,
        mount.root,
        options.join(","),
        mount.source,
        super_options.join(",")
    )
}
