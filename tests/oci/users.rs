//! Containers whose root is nobody outside: user namespaces, new and joined, and mounts whose files have other owners than on disk.

use super::bundle::Bundle;
use crate::common::eventually;
use serde_json::{Value, json};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

/// Whom the container's root is outside.
const OUTER: u32 = 200_000;

fn mapped() -> Value {
    json!([{ "containerID": 0, "hostID": OUTER, "size": 65536 }])
}

/// With a user namespace, and a root directory that belongs to it.
fn of_others(words: &[&str]) -> Bundle {
    let mut bundle = Bundle::of(words);
    bundle.config["linux"]["namespaces"].as_array_mut().expect("namespaces").push(json!({ "type": "user" }));
    bundle.config["linux"]["uidMappings"] = mapped();
    bundle.config["linux"]["gidMappings"] = mapped();
    give(&bundle.root(""), OUTER);
    bundle
}

/// The usual sets, and the right to give files away.
fn with_chown(bundle: &mut Bundle) {
    for set in ["bounding", "effective", "permitted"] {
        bundle.config["process"]["capabilities"][set].as_array_mut().expect("capabilities").push(json!("CAP_CHOWN"));
    }
}

fn give(tree: &Path, to: u32) {
    let given = Command::new("chown").args(["-Rh", &format!("{to}:{to}")]).arg(tree).status().expect("chown runs");
    assert!(given.success());
}

fn owner(path: &Path) -> (u32, u32) {
    let found = std::fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    (found.uid(), found.gid())
}

fn text(bundle: &Bundle) -> String {
    let ran = bundle.run("tare");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// A directory in the bundle with one file of this owner, bound at /data.
fn add_data(bundle: &mut Bundle, uid: u32, options: &[&str]) -> std::path::PathBuf {
    let data = bundle.dir.join("data");
    std::fs::create_dir_all(&data).expect("a directory");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o777)).expect("chmod");
    std::fs::write(data.join("file"), "x").expect("a file");
    chown(data.join("file"), Some(uid), Some(uid)).expect("chown");
    let mount = json!({ "destination": "/data", "type": "bind", "source": data, "options": options });
    bundle.config["mounts"].as_array_mut().expect("mounts").push(mount);
    data
}

#[test]
fn its_root_is_nobody_outside() {
    let script = "id -u; cat /proc/self/uid_map; touch /made; chown 7:8 /made; stat -c %t,%T /dev/null; echo x > /dev/null; \
                  hostname; ls /sys/class/net; mount | grep -c ' /proc '; cat /proc/sys/net/ipv4/ip_forward; exec sleep 1000";
    let mut bundle = of_others(&["sh", "-c", script]);
    with_chown(&mut bundle);
    bundle.config["linux"]["sysctl"] = json!({ "net.ipv4.ip_forward": "1" });
    // Where the container's root could not even look: all above the root is root's alone.
    std::fs::set_permissions(&bundle.dir, std::fs::Permissions::from_mode(0o700)).expect("chmod");
    bundle.write();
    bundle.call(&["create", "--pid-file", "pid", "one"]);
    let pid = std::fs::read_to_string(bundle.dir.join("pid")).expect("the pid file");
    assert_eq!(owner(Path::new(&format!("/proc/{pid}/ns"))).0, 0, "the waiting process shows itself to its own kind");
    bundle.call(&["start", "one"]);
    let status = || std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    eventually("it is there", || bundle.root("made").exists() && status().contains("Name:\tsleep"));
    assert!(status().contains(&format!("Uid:\t{OUTER}\t{OUTER}\t{OUTER}\t{OUTER}")), "{}", status());
    assert_eq!(owner(&bundle.root("made")), (OUTER + 7, OUTER + 8));

    let entered = bundle.call(&["exec", "one", "sh", "-c", "id -u; touch /second; cat /proc/self/uid_map"]);
    assert!(entered.starts_with("0\n") && entered.contains(&OUTER.to_string()), "{entered}");
    assert_eq!(owner(&bundle.root("second")), (OUTER, OUTER));
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn what_only_the_host_gives_is_given_all_the_same() {
    let mut bundle = of_others(&["sh", "-c", "ulimit -n; cat /proc/self/oom_score_adj; cut -d' ' -f40,41 /proc/self/stat"]);
    let score = -7;
    let may_lower = Command::new("sh").args(["-c", &format!("echo {score} > /proc/self/oom_score_adj")]).output().expect("sh runs");
    let score = if may_lower.status.success() { score } else { 400 };
    bundle.config["process"]["oomScoreAdj"] = json!(score);
    bundle.config["process"]["rlimits"] = json!([{ "type": "RLIMIT_NOFILE", "soft": 300, "hard": 301 }]);
    // Only root of the host may ask for it: SCHED_FIFO is number 1.
    bundle.config["process"]["scheduler"] = json!({ "policy": "SCHED_FIFO", "priority": 3 });
    let ran = bundle.run("tare");
    let error = String::from_utf8_lossy(&ran.stderr);
    if error.contains("set the scheduler") {
        // Not even root may here: then it fails at the cloner, by its name.
        bundle.config["process"].as_object_mut().expect("an object").remove("scheduler");
        assert_eq!(text(&bundle), format!("300\n{score}\n0 0\n"));
    } else {
        assert_eq!(String::from_utf8_lossy(&ran.stdout), format!("300\n{score}\n3 1\n"), "{error}");
    }
}

#[test]
fn another_user_may_be_any_of_it() {
    let mut bundle = of_others(&["sh", "-c", "id; stat -c 'queues of %u:%g' /dev/mqueue; echo fine > /tmp/x"]);
    bundle.config["process"]["user"] = json!({ "uid": 1000, "gid": 1001, "additionalGids": [5] });
    std::fs::set_permissions(bundle.root("tmp"), std::fs::Permissions::from_mode(0o1777)).expect("chmod");
    let said = text(&bundle);
    assert!(said.contains("uid=1000") && said.contains("gid=1001") && said.contains("queues of 0:0"), "{said}");
    assert_eq!(owner(&bundle.root("tmp/x")), (OUTER + 1000, OUTER + 1001));
    bundle.config["process"]["user"] = json!({ "uid": 70_000, "gid": 0 });
    assert!(!bundle.run("tare").status.success(), "nobody has this number in there");
    bundle.assert_nothing_left();
}

#[test]
fn a_user_namespace_can_be_shared() {
    let bundle = of_others(&["sleep", "1000"]);
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.call(&["start", "one"]);
    let pid = bundle.state("one")["pid"].to_string();
    let space = |kind: &str| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).expect("a namespace").display().to_string();

    let mut other =
        of_others(&["sh", "-c", "for kind in user net ipc; do readlink /proc/self/ns/$kind; done; cat /proc/self/uid_map; touch /made"]);
    for namespace in other.config["linux"]["namespaces"].as_array_mut().expect("namespaces") {
        let (kind, file) = match namespace["type"].as_str().expect("a type") {
            "user" => ("user", "user"),
            "network" => ("network", "net"),
            _ => continue,
        };
        *namespace = json!({ "type": kind, "path": format!("/proc/{pid}/ns/{file}") });
    }
    let said = text(&other);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!((lines[0], lines[1]), (space("user").as_str(), space("net").as_str()));
    assert_ne!(lines[2], space("ipc"));
    assert_eq!(owner(&other.root("made")), (OUTER, OUTER));
    // Said again, the mappings must be those of the namespace; they need not be said.
    other.config["linux"]["uidMappings"][0]["size"] = json!(1000);
    other.write();
    other.refuses(&["run", "two"], "find the mappings of config.json in the user namespace");
    for name in ["uidMappings", "gidMappings"] {
        other.config["linux"].as_object_mut().expect("an object").remove(name);
    }
    assert!(text(&other).contains(&OUTER.to_string()));
    other.assert_nothing_left();
}

#[test]
fn mappings_that_make_no_sense_are_refused() {
    let refused = |part: &str, change: &dyn Fn(&mut Value)| {
        let mut bundle = of_others(&["true"]);
        change(&mut bundle.config["linux"]);
        bundle.write();
        bundle.refuses(&["run", "one"], part);
        bundle.assert_nothing_left();
    };
    refused("has no user namespace", &|linux| {
        linux["namespaces"].as_array_mut().expect("namespaces").pop();
    });
    refused("maps no users", &|linux| {
        linux["uidMappings"] = json!([]);
        linux["gidMappings"] = json!([]);
    });
    refused("without the other", &|linux| linux["gidMappings"] = json!([]));
    refused("none of them is its root", &|linux| linux["uidMappings"] = json!([{ "containerID": 1, "hostID": 5, "size": 2 }]));
    // Two outer users for one: the kernel says no, after the process was made.
    refused("cannot map the container's users", &|linux| {
        linux["uidMappings"] = json!([{ "containerID": 0, "hostID": 5, "size": 9 }, { "containerID": 3, "hostID": 50, "size": 1 }]);
    });
    // CVE-2021-43784: more than a 16-bit length can count, none of it cut off.
    let many: Vec<Value> = (0..6000).map(|n| json!({ "containerID": n, "hostID": 100_000 + n, "size": 1 })).collect();
    refused("340 at most, and there are 6000", &|linux| linux["uidMappings"] = json!(many));
}

#[test]
fn as_many_mappings_as_the_kernel_takes() {
    let mut bundle = of_others(&["sh", "-c", "wc -l < /proc/self/uid_map"]);
    let many = |count: u32| json!((0..count).map(|n| json!({ "containerID": n, "hostID": OUTER + n, "size": 1 })).collect::<Vec<_>>());
    // All of them must also fit on the page that is written at once: 4096 bytes.
    bundle.config["linux"]["uidMappings"] = many(300);
    bundle.config["linux"]["gidMappings"] = many(10);
    assert_eq!(text(&bundle).trim(), "300");
}

#[test]
fn a_mount_can_have_other_owners_than_its_files() {
    // For a container without a user namespace: 1000 on disk is 5 in there, and back.
    let mut bundle = Bundle::of(&["sh", "-c", "stat -c %u:%g /data/file; touch /data/new; chown 5:5 /data/new"]);
    with_chown(&mut bundle);
    let data = add_data(&mut bundle, 1000, &["rbind", "idmap"]);
    let last = bundle.config["mounts"].as_array_mut().expect("mounts").last_mut().expect("a mount");
    last["uidMappings"] = json!([{ "containerID": 1000, "hostID": 5, "size": 10 }, { "containerID": 0, "hostID": 0, "size": 1 }]);
    last["gidMappings"] = last["uidMappings"].clone();
    assert_eq!(text(&bundle), "5:5\n");
    assert_eq!(owner(&data.join("new")), (1000, 1000));

    // Mappings alone wish for it just as well.
    bundle.config["mounts"].as_array_mut().expect("mounts").last_mut().expect("a mount")["options"] = json!(["bind"]);
    std::fs::remove_file(data.join("new")).expect("remove");
    assert_eq!(text(&bundle), "5:5\n");
}

#[test]
fn a_mount_takes_the_container_s_own_mappings() {
    let script = "stat -c %u /data/file /data/deep/file; touch /data/new";
    let mut bundle = of_others(&["sh", "-c", script]);
    let data = add_data(&mut bundle, 0, &["rbind", "idmap"]);
    std::fs::create_dir(data.join("deep")).expect("a directory");
    std::fs::write(data.join("deep/file"), "x").expect("a file");
    assert_eq!(text(&bundle), "0\n0\n", "root's files are the container's root's");
    assert_eq!(owner(&data.join("new")), (0, 0), "and what it makes is root's on disk");
    bundle.config["mounts"].as_array_mut().expect("mounts").last_mut().expect("a mount")["options"] = json!(["rbind"]);
    let plain = bundle.run("tare");
    assert_eq!(String::from_utf8_lossy(&plain.stdout), "65534\n65534\n", "without it they are nobody's");
}

#[test]
fn mounts_below_are_mapped_when_it_is_asked() {
    // In mounts of our own: the host does not see them.
    let seen = |option: &str| {
        let mut bundle = of_others(&["sh", "-c", "stat -c %u /data/file /data/deep/file"]);
        let data = add_data(&mut bundle, 0, &["rbind", option]);
        for dir in ["deep", "source"] {
            std::fs::create_dir(data.join(dir)).expect("a directory");
            std::fs::write(data.join(dir).join("file"), "x").expect("a file");
        }
        bundle.write();
        let (program, shelf) = (crate::common::program(), bundle.shelf.join("tare"));
        let script = "mount --bind \"$1/source\" \"$1/deep\" && exec \"$2\" oci --root \"$3\" run one";
        let ran = Command::new("unshare")
            .args(["-m", "sh", "-c", script, "sh"])
            .args([&data, &program, &shelf])
            .current_dir(&bundle.dir)
            .output();
        let ran = ran.expect("unshare runs");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).into_owned()
    };
    assert_eq!(seen("idmap"), "0\n65534\n");
    assert_eq!(seen("ridmap"), "0\n0\n");
}

#[test]
fn owners_that_cannot_be_mapped_are_refused() {
    let mut bundle = Bundle::of(&["true"]);
    add_data(&mut bundle, 0, &["bind", "idmap"]);
    bundle.write();
    bundle.refuses(&["run", "one"], "neither it nor the container says how");
    bundle.config["mounts"].as_array_mut().expect("mounts").pop();
    let tmpfs = json!({ "destination": "/data", "type": "tmpfs", "source": "tmpfs", "options": ["idmap"], "uidMappings": mapped(), "gidMappings": mapped() });
    bundle.config["mounts"].as_array_mut().expect("mounts").push(tmpfs);
    bundle.write();
    bundle.refuses(&["run", "one"], "which is no bind");
    bundle.assert_nothing_left();
}

#[test]
fn devices_are_the_host_s() {
    let mut bundle = of_others(&["sh", "-c", "stat -c '%F %t:%T' /dev/zero; head -c1 /dev/zero | wc -c"]);
    bundle.config["linux"]["devices"] = json!([{ "path": "/dev/zero", "type": "c", "major": 1, "minor": 5 }]);
    assert!(text(&bundle).starts_with("character special file 1:5\n"));
    bundle.config["linux"]["devices"] = json!([{ "path": "/dev/zero", "type": "c", "major": 1, "minor": 3 }]);
    bundle.write();
    bundle.refuses(&["run", "one"], "it is another device there");
    bundle.config["linux"]["devices"] = json!([{ "path": "/dev/nosuch", "type": "c", "major": 240, "minor": 77 }]);
    bundle.write();
    bundle.refuses(&["run", "one"], "take /dev/nosuch of the host");
    bundle.assert_nothing_left();
}

#[test]
fn its_group_is_its_own_where_it_may_write() {
    let mut bundle = of_others(&["sh", "-c", "mkdir /sys/fs/cgroup/below && echo made; rmdir /sys/fs/cgroup/below; exec sleep 1000"]);
    let Some(group) = bundle.group() else {
        let _ = crate::common::cannot("there is no cgroup2 mount here");
        return;
    };
    let mounts = bundle.config["mounts"].as_array_mut().expect("mounts");
    let view = mounts.iter_mut().find(|mount| mount["type"] == "cgroup").expect("the spec mounts cgroups");
    view["options"] = json!(["nosuid", "noexec", "nodev"]);
    bundle.write();
    bundle.call(&["create", "one"]);
    assert_eq!((owner(&group), owner(&group.join("cgroup.procs"))), ((OUTER, OUTER), (OUTER, OUTER)));
    assert_eq!(owner(&group.join("cgroup.events")), (0, 0), "and no more than the kernel calls safe");
    bundle.call(&["start", "one"]);
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn without_a_view_of_groups_of_its_own_it_is_shown_the_host_s() {
    let mut bundle = of_others(&["sh", "-c", "cat /proc/self/cgroup; mkdir /sys/fs/cgroup/x || grep ' /sys/fs/cgroup ' /proc/mounts"]);
    if bundle.group().is_none() {
        let _ = crate::common::cannot("there is no cgroup2 mount here");
        return;
    }
    bundle.config["linux"]["namespaces"].as_array_mut().expect("namespaces").retain(|namespace| namespace["type"] != "cgroup");
    let said = text(&bundle);
    assert!(said.contains("0::/tare-oci-test/"), "{said}");
    assert!(said.contains("cgroup2 ro,nosuid,nodev,noexec"), "{said}");
}

/// The host's /dev is shared on most machines: what is mounted over a device in there must not be mounted over the host's.
#[test]
fn what_is_mounted_over_a_device_stays_inside() {
    let script = "mount -t tmpfs none /dev/shm; touch /dev/shm/x; for device in null zero tty; do mount --bind /dev/shm/x /dev/$device || exit 9; done; \
                  echo hidden > /dev/null; cat /dev/shm/x";
    let mut bundle = of_others(&["sh", "-c", script]);
    for set in ["bounding", "effective", "permitted"] {
        bundle.config["process"]["capabilities"][set].as_array_mut().expect("capabilities").push(json!("CAP_SYS_ADMIN"));
    }
    bundle.write();
    // In a world whose mounts are all shared, as systemd makes them.
    let (program, shelf) = (crate::common::program(), bundle.shelf.join("tare"));
    let script = "mount --make-rshared / && \"$1\" oci --root \"$2\" run one && grep -c ' /dev/null \\| /dev/zero ' /proc/self/mountinfo";
    let ran = Command::new("unshare").args(["-m", "sh", "-c", script, "sh"]).args([&program, &shelf]).current_dir(&bundle.dir).output();
    let ran = ran.expect("unshare runs");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "hidden\n0\n", "{}", String::from_utf8_lossy(&ran.stderr));
}
