//! `tree`: the picture of a container says what /proc says.

use crate::common::Store;
use crate::common::town::Town;
use serde_json::Value;

fn tree(store: &Store, words: &[&str]) -> Value {
    serde_json::from_str(&store.ok(&[&["tree", "--json"], words].concat())).expect("JSON")
}

/// All processes of a tree, from the root on.
fn flat(processes: &Value, into: &mut Vec<Value>) {
    for one in processes.as_array().expect("processes") {
        into.push(one.clone());
        flat(&one["Children"], into);
    }
}

fn link(pid: i32, kind: &str) -> u64 {
    let link = std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).expect("a namespace");
    link.to_str().and_then(|text| text.split_once(":[")?.1.strip_suffix(']')?.parse().ok()).expect("its number")
}

#[test]
fn processes_have_their_numbers_outside_and_inside() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "box", "sh", "-c", "sleep 1000 & exec sleep 2000"]);
    crate::common::eventually("both sleep", || store.ok(&["top", "web"]).matches("sleep").count() >= 2);
    let mut all = Vec::new();
    flat(&tree(&store, &["web"])["Containers"][0]["Processes"], &mut all);
    let of_role = |role: &str| all.iter().find(|one| one["Role"] == role).unwrap_or_else(|| panic!("no {role}: {all:?}"));
    let about = store.inspect("web");
    assert_eq!(of_role("monitor")["Pid"], about["State"]["MonitorPid"]);
    assert_eq!((&of_role("reaper")["Pid"], &of_role("reaper")["PidInside"]), (&about["State"]["Pid"], &1.into()));
    let told: Vec<(i64, String)> = all
        .iter()
        .filter(|one| one["Role"] == "container")
        .map(|one| (one["PidInside"].as_i64().unwrap(), one["Command"].as_str().unwrap().to_owned()))
        .collect();
    let seen = store.ok(&["exec", "web", "ps", "-o", "pid,args"]);
    assert_eq!(told.len(), 2);
    for (pid, command) in told {
        assert!(seen.lines().any(|line| line.trim() == format!("{pid} {command}")), "{pid} {command}:\n{seen}");
    }
}

#[test]
fn what_exec_has_brought_in_is_told_apart() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.ok(&["exec", "-d", "web", "sleep", "2000"]);
    let roles = || {
        let mut all = Vec::new();
        flat(&tree(&store, &["web"])["Containers"][0]["Processes"], &mut all);
        let exec = all.iter().filter(|one| one["Role"] == "exec").map(|one| one["Command"].as_str().unwrap().to_owned());
        exec.collect::<Vec<_>>()
    };
    crate::common::eventually("it has become the program", || roles() == ["sleep 2000"]);
}

#[test]
fn namespaces_are_those_of_proc_and_it_is_said_who_shares_them() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "one", "box", "sleep", "1000"]);
    store.ok(&["run", "-d", "--name", "two", "--network", "container:one", "--uts", "host", "box", "sleep", "1000"]);
    let told = tree(&store, &["two"]);
    let of = |kind: &str| told["Containers"][0]["Namespaces"].as_array().unwrap().iter().find(|one| one["Kind"] == kind).cloned().unwrap();
    let pid = store.pid("two");
    for kind in ["mnt", "pid", "net", "uts", "ipc", "cgroup"] {
        assert_eq!(of(kind)["Number"], link(pid, kind), "{kind}");
    }
    assert_eq!((&of("net")["Whose"], &of("net")["With"][0]), (&"container".into(), &"one".into()));
    assert_eq!((&of("uts")["Whose"], &of("pid")["Whose"]), (&"host".into(), &"container".into()));
    assert_eq!(of("pid")["With"].as_array().map(Vec::len), Some(0));
    // Who sees the other's processes has none of them.
    store.ok(&["run", "-d", "--name", "three", "--pid", "container:one", "box", "sleep", "3000"]);
    let mut all = Vec::new();
    flat(&tree(&store, &["three"])["Containers"][0]["Processes"], &mut all);
    let own: Vec<&str> = all.iter().filter(|one| one["Role"] == "container").map(|one| one["Command"].as_str().unwrap()).collect();
    assert_eq!(own, ["sleep 3000"]);
    let text = store.ok(&["tree"]);
    assert!(text.contains("the host's: uts") && text.contains("with one: net") && text.contains("that of one"), "{text}");
}

#[test]
fn files_and_mounts() {
    let store = Store::new();
    std::fs::create_dir(store.dir.join("shared")).unwrap();
    let bind = format!("{}:/shared:ro", store.dir.join("shared").display());
    store.ok(&[
        "run",
        "-d",
        "--name",
        "web",
        "-v",
        "home:/data",
        "-v",
        &bind,
        "--tmpfs",
        "/scratch",
        "box",
        "sh",
        "-c",
        "echo 1234 > /file; exec sleep 1000",
    ]);
    let files = || tree(&store, &["web"])["Containers"][0]["Files"].clone();
    crate::common::eventually("it has written", || files()["Written"] == 5);
    let told = files();
    assert_eq!(told["Layers"][0]["Id"], store.inspect("box")["RootFS"]["Layers"][0].as_str().unwrap().trim_start_matches("sha256:"));
    let wished: Vec<String> = told["Wished"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {} {}", one["Target"].as_str().unwrap(), one["What"].as_str().unwrap(), one["ReadOnly"]))
        .collect();
    for expected in ["/data volume home false", "/shared of the host true", "/scratch in memory false"] {
        assert!(wished.iter().any(|one| one == expected), "{wished:?}");
    }
    let others: Vec<&str> = told["Others"].as_array().unwrap().iter().map(|one| one["Target"].as_str().unwrap()).collect();
    assert!(others.contains(&"/proc") && others.contains(&"/etc/hosts") && !others.contains(&"/data"), "{others:?}");
    assert!(store.ok(&["tree", "web"]).lines().all(|line| !line.contains('\t')));
    store.ok(&["rm", "-f", "web"]);
    store.ok(&["volume", "rm", "home"]);
}

#[test]
fn one_that_has_ended_and_none_at_all() {
    let store = Store::new();
    assert!(store.ok(&["tree"]).contains("no container runs"));
    store.tare(&["run", "--name", "over", "box", "sh", "-c", "exit 3"]);
    let text = store.ok(&["tree", "over"]);
    assert!(text.contains("ended") && text.contains("it does not run (tare why over)") && text.contains("upper"), "{text}");
    assert_eq!(tree(&store, &["over"])["Containers"][0]["Status"], "exited");
    assert_eq!(tree(&store, &[])["Containers"].as_array().map(Vec::len), Some(0));
    assert!(store.fails(1, &["tree", "ove"]).contains("did you mean over?"));
}

#[test]
fn cables_and_ports() {
    let Some(town) = Town::new() else { return };
    let mut store = Store::new();
    store.machine = Some(town.host.clone());
    store.ok(&["network", "create", "shop"]);
    store.ok(&["run", "-d", "--name", "web", "--network", "shop", "-p", "8080:80", "box", "sleep", "1000"]);
    let place = tree(&store, &["web"])["Containers"][0]["Network"].clone();
    let about = store.inspect("web")["NetworkSettings"]["Networks"]["shop"].clone();
    assert_eq!((&place["Cables"][0]["Addresses"][0], &place["Cables"][0]["Interface"]), (&about["IPAddress"], &"eth0".into()));
    assert_eq!(place["Cables"][0]["Gateways"][0], about["Gateway"]);
    assert!(place["Interfaces"].as_array().unwrap().iter().any(|name| name == "eth0"));
    assert_eq!((&place["Ports"][0]["Host"], &place["Ports"][0]["Container"]), (&8080.into(), &80.into()));
    let text = store.ok(&["tree"]);
    assert!(
        text.contains(":8080 → 80/tcp")
            && text.contains("bridges")
            && text.contains(&format!("{} web", place["Cables"][0]["HostInterface"].as_str().unwrap())),
        "{text}"
    );
    store.ok(&["rm", "-f", "web"]);
    store.ok(&["network", "rm", "shop"]);
}
