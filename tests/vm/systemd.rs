//! `--systemd-cgroup`: a real systemd, process 1 of namespaces and of a group of its own, makes the container's scope.

use super::bundle::Bundle;
use crate::common::{cannot, cgroup2, eventually, fresh_directory, in_vm, lacking, program};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SYSTEMD: &str = "/lib/systemd/systemd";

struct Manager {
    dir: PathBuf,
    group: PathBuf,
    unshare: Child,
    /// systemd, as the machine sees it.
    pid: String,
}

impl Manager {
    /// `None`: it cannot be here.
    fn start() -> Option<Manager> {
        if !in_vm() {
            let _ = cannot("a systemd of a test's own is started in the throw-away machine only");
            return None;
        }
        if [SYSTEMD, "/usr/bin/unshare", "/usr/bin/nsenter", "/usr/bin/systemctl"].iter().any(|path| !Path::new(path).exists()) {
            let _ = lacking("systemd");
            return None;
        }
        let dir = fresh_directory(&std::env::temp_dir(), "tare-systemd-");
        let group = fresh_directory(&cgroup2().expect("cgroup2").0, "tare-systemd-");
        std::fs::write(dir.join("nothing.target"), "[Unit]\nDefaultDependencies=no\n").expect("a unit");
        std::fs::write("/etc/machine-id", "").expect("a file");
        let script = format!(
            "echo $$ >{group}/cgroup.procs\n\
             exec /usr/bin/unshare -C -m -p -f --propagation private sh -c '\n\
                 until test -e {dir}/alone; do sleep 0.1; done\n\
                 mount -t proc proc /proc; umount /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; mount -t tmpfs run /run\n\
                 mount --bind {dir}/log /dev/console\n\
                 exec env container=test SYSTEMD_UNIT_PATH={dir}: {SYSTEMD} --system --unit=nothing.target --log-target=console'",
            group = group.display(),
            dir = dir.display(),
        );
        let log = std::fs::File::create(dir.join("log")).expect("a file");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
        let unshare = command.spawn().expect("sh runs");
        let mut manager = Manager { dir, group, unshare, pid: String::new() };
        let id = manager.unshare.id();
        eventually("process 1 is there", || {
            let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
            manager.pid = children.trim().to_owned();
            !manager.pid.is_empty()
        });
        // Its parent must not be in the group, which is to hand its controllers on.
        std::fs::write(cgroup2().expect("cgroup2").0.join("cgroup.procs"), id.to_string()).expect("a group");
        std::fs::write(manager.dir.join("alone"), "").expect("a file");
        let socket = format!("/proc/{}/root/run/systemd/private", manager.pid);
        eventually("systemd listens", || Path::new(&socket).exists());
        Some(manager)
    }

    /// A command where systemd is process 1. Returns the exit code and what was said on both streams.
    fn inside(&self, words: &[&str]) -> (i32, String) {
        let path = self.dir.join("said");
        let said = std::fs::File::create(&path).expect("a file");
        // Nobody is moved into a group from outside of the view in which it lies (nsdelegate).
        let script = "echo $$ >\"$0\"/cgroup.procs; exec timeout 100 /usr/bin/nsenter -t \"$@\"";
        let callers = self.group.join("callers");
        let _ = std::fs::create_dir(&callers);
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(callers).args([&self.pid, "-m", "-C", "-p", "--"]).args(words).stdin(Stdio::null());
        let status = command.stdout(said.try_clone().expect("a file")).stderr(said).status().expect("nsenter runs");
        (status.code().unwrap_or(-1), std::fs::read_to_string(path).expect("a file"))
    }

    fn tare(&self, bundle: &Bundle, words: &[&str]) -> (i32, String) {
        let (program, shelf) = (program().display().to_string(), bundle.shelf.join("tare").display().to_string());
        self.inside(&[&[&program, "oci", "--root", &shelf, "--systemd-cgroup"], words].concat())
    }

    fn ok(&self, bundle: &Bundle, words: &[&str]) -> String {
        let (code, said) = self.tare(bundle, words);
        assert_eq!(code, 0, "{words:?}: {said}");
        said
    }

    fn create(&self, bundle: &Bundle, id: &str) -> (i32, String) {
        bundle.write();
        self.tare(bundle, &["create", "--bundle", bundle.dir.to_str().expect("utf-8"), id])
    }

    /// What systemd knows of a unit.
    fn property(&self, unit: &str, name: &str) -> String {
        let (code, said) = self.inside(&["/usr/bin/systemctl", "show", "--value", "-p", name, unit]);
        assert_eq!(code, 0, "{said}");
        said.trim().to_owned()
    }

    fn properties(&self, unit: &str, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| self.property(unit, name)).collect()
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.dir.join("log")).unwrap_or_default());
        }
        // With process 1 goes every process of its namespace.
        let _ = std::fs::write(self.group.join("cgroup.kill"), "1");
        let _ = self.unshare.wait();
        remove_groups(&self.group);
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn remove_groups(group: &Path) {
    for below in std::fs::read_dir(group).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
        remove_groups(&below.path());
    }
    let _ = std::fs::remove_dir(group);
}

fn bundle(words: &[&str], path: &str, resources: serde_json::Value) -> Bundle {
    let mut bundle = Bundle::of(words);
    bundle.config["linux"]["cgroupsPath"] = json!(path);
    bundle.config["linux"]["resources"] = resources;
    bundle
}

const FILES: [&str; 4] = ["memory.max", "memory.swap.max", "cpu.max", "pids.max"];
const PROPERTIES: [&str; 4] = ["MemoryMax", "MemorySwapMax", "CPUQuotaPerSecUSec", "TasksMax"];

#[test]
fn a_scope_is_made_limited_changed_and_gone() {
    let Some(manager) = Manager::start() else { return };
    let resources = json!({
        "memory": {"limit": 64 << 20, "swap": 96 << 20}, "cpu": {"quota": 50_000, "period": 100_000, "cpus": "0"}, "pids": {"limit": 20}
    });
    let bundle = bundle(&["sleep", "1000"], "tare-test.slice:oci:one", resources);
    let (code, said) = manager.create(&bundle, "one");
    assert_eq!(code, 0, "{said}");
    let group = manager.group.join("tare.slice/tare-test.slice/oci-one.scope");
    let file = |name: &str| std::fs::read_to_string(group.join(name)).unwrap_or_else(|e| panic!("{name}: {e}")).trim().to_owned();
    let files = || FILES.iter().map(|name| file(name)).collect::<Vec<_>>();
    assert_eq!(files(), ["67108864", "33554432", "50000 100000", "20"]);
    assert_eq!(manager.properties("oci-one.scope", &PROPERTIES), ["67108864", "33554432", "500ms", "20"]);
    let about = ["Slice", "ActiveState", "Delegate", "DefaultDependencies", "Description", "AllowedCPUs"];
    assert_eq!(manager.properties("oci-one.scope", &about), ["tare-test.slice", "active", "yes", "no", "container one", "0"]);
    let members = || file("cgroup.procs").lines().count();
    assert_eq!(members(), 1, "nobody but the container's first process");

    manager.ok(&bundle, &["start", "one"]);
    manager.ok(&bundle, &["exec", "--detach", "one", "sleep", "1000"]);
    assert_eq!(members(), 2);
    manager.ok(&bundle, &["update", "--memory", "32m", "--memory-swap", "32m", "--pids-limit", "9", "--cpu-quota", "20000", "one"]);
    // systemd writes what it knows whenever it likes.
    assert_eq!(manager.inside(&["/usr/bin/systemctl", "daemon-reload"]).0, 0);
    manager.inside(&[
        "/usr/bin/systemctl",
        "set-property",
        "--runtime",
        "oci-one.scope",
        "MemoryLow=1M",
        "CPUWeight=50",
        "TasksAccounting=yes",
    ]);
    eventually("systemd has written the group's files again", || file("memory.low") == "1048576" && file("cpu.weight") == "50");
    assert_eq!(files(), ["33554432", "0", "20000 100000", "9"]);
    assert_eq!(manager.properties("oci-one.scope", &PROPERTIES), ["33554432", "0", "200ms", "9"]);

    manager.ok(&bundle, &["pause", "one"]);
    assert!(manager.ok(&bundle, &["state", "one"]).contains("\"paused\""));
    manager.ok(&bundle, &["delete", "--force", "one"]);
    assert_eq!(manager.property("oci-one.scope", "LoadState"), "not-found");
    assert!(!group.exists());
}

#[test]
fn a_container_that_ends_leaves_no_unit() {
    let Some(manager) = Manager::start() else { return };
    // One process and no more: whoever holds the place before must not be counted.
    let bundle = bundle(&["echo", "hello"], ":oci:short", json!({"pids": {"limit": 1}, "memory": {"limit": 64 << 20}}));
    bundle.write();
    let said = manager.ok(&bundle, &["run", "--bundle", bundle.dir.to_str().expect("utf-8"), "short"]);
    assert_eq!(said, "hello\n");
    assert_eq!(manager.property("oci-short.scope", "LoadState"), "not-found");
    assert!(!manager.group.join("system.slice/oci-short.scope").exists());
    assert_eq!(manager.ok(&bundle, &["list", "-q"]), "");
}

#[test]
fn what_fails_leaves_no_unit() {
    let Some(manager) = Manager::start() else { return };
    for (path, resources, part) in [
        (":oci:bad", json!({"cpu": {"cpus": "4000"}}), "cpuset.cpus"),
        (":oci:bad", json!({"unified": {"memory.nosuch": "1"}}), "memory.nosuch"),
        ("/oci/bad", json!({}), "slice:prefix:name"),
        ("oci.scope:oci:bad", json!({}), "slice:prefix:name"),
    ] {
        let (code, said) = manager.create(&bundle(&["true"], path, resources), "bad");
        assert!(code != 0 && said.contains(part), "{path}: {code} {said}");
        assert_eq!(manager.property("oci-bad.scope", "LoadState"), "not-found");
    }
    let mut hooked = bundle(&["true"], ":oci:bad", json!({"pids": {"limit": 5}}));
    hooked.config["hooks"] = json!({"createRuntime": [{"path": "/bin/false"}]});
    assert_ne!(manager.create(&hooked, "bad").0, 0);
    assert_eq!(manager.property("oci-bad.scope", "LoadState"), "not-found");
    // The name is taken: by a unit that is not ours to stop.
    let first = bundle(&["sleep", "1000"], ":oci:same", json!({}));
    assert_eq!(manager.create(&first, "first").0, 0);
    let (code, said) = manager.create(&bundle(&["sleep", "1000"], ":oci:same", json!({})), "second");
    assert!(code != 0 && said.contains("oci-same.scope"), "{said}");
    assert_eq!(manager.property("oci-same.scope", "ActiveState"), "active");
    manager.ok(&first, &["delete", "--force", "first"]);
}
