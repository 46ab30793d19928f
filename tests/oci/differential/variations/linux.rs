//! Names, namespaces, kernel settings, hidden paths, devices and hooks.

use super::{Variation, one, several};
use serde_json::{Value, json};

pub fn all() -> Vec<Variation> {
    [namespaces(), settings(), hidden_paths(), devices(), device_rules(), hooks(), impossible()].into_iter().flatten().collect()
}

fn spaces(kinds: &[&str]) -> Value {
    Value::from(kinds.iter().map(|kind| json!({"type": kind})).collect::<Vec<_>>())
}

/// Instead of a mount that would need a namespace.
fn elsewhere() -> Value {
    json!({"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"})
}

fn namespaces() -> Vec<Variation> {
    let only = |kinds: &[&str]| one("/linux/namespaces", spaces(kinds));
    let joined = |kind: &str, file: &str| {
        let all = ["pid", "mount", "ipc", "uts", "network", "cgroup"];
        let all = all
            .map(|one| if one == kind { json!({"type": kind, "path": format!("/proc/HOLDER/ns/{file}")}) } else { json!({"type": one}) });
        one("/linux/namespaces", json!(all))
    };
    // Everybody stays who he is: crun gives the host's null device to a container's root, whoever that is outside.
    let ranges = json!([{"containerID": 0, "hostID": 0, "size": 65536}]);
    vec![
        several(&[
            ("/linux/namespaces", spaces(&["pid", "mount", "ipc", "uts", "network", "cgroup", "user"])),
            ("/linux/uidMappings", ranges.clone()),
            ("/linux/gidMappings", ranges),
        ]),
        // Without cgroups to be seen: mounted in the machine's own view, runc 1.1 sets the host's mount anew.
        several(&[("/linux/namespaces", spaces(&["pid", "mount", "ipc", "uts", "network"])), ("/mounts/6", elsewhere())]),
        only(&["pid", "mount", "ipc", "uts", "cgroup"]),
        only(&["mount", "ipc", "uts", "network", "cgroup"]),
        several(&[
            ("/linux/namespaces", spaces(&["pid", "mount", "uts", "network", "cgroup"])),
            ("/mounts/4", json!({"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"})),
        ]),
        several(&[("/linux/namespaces", spaces(&["pid", "mount", "ipc", "network", "cgroup"])), ("/hostname", json!(""))]),
        only(&["pid", "mount", "ipc", "uts", "network", "cgroup", "time"]),
        several(&[
            ("/linux/namespaces", spaces(&["pid", "mount", "ipc", "uts", "network", "cgroup", "time"])),
            ("/linux/timeOffsets", json!({"monotonic": {"secs": 1_000_000, "nanosecs": 5}, "boottime": {"secs": 2_000_000}})),
        ]),
        joined("network", "net"),
        joined("ipc", "ipc"),
        joined("uts", "uts"),
        joined("cgroup", "cgroup"),
        joined("pid", "pid_for_children"),
        one("/hostname", json!("box")),
        one("/hostname", json!("a-very-long-name.example.org")),
        one("/hostname", json!("")),
        one("/domainname", json!("example.org")),
        several(&[("/hostname", json!("box")), ("/domainname", json!("example.org"))]),
    ]
}

fn settings() -> Vec<Variation> {
    let sysctl = |value: Value| one("/linux/sysctl", value);
    vec![
        one("/linux/rootfsPropagation", json!("private")).unseen("it is so without a word, too"),
        one("/linux/rootfsPropagation", json!("slave")),
        one("/linux/rootfsPropagation", json!("shared")),
        one("/linux/rootfsPropagation", json!("unbindable")),
        one("/root/readonly", json!(true)),
        // A new network begins with what the machine itself has of the first; the second is never so.
        sysctl(json!({"net.ipv4.ip_forward": "1", "net.ipv4.ip_unprivileged_port_start": "81"})),
        sysctl(json!({"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 1"})),
        sysctl(json!({"net.core.somaxconn": "77"})),
        sysctl(json!({"kernel.shm_rmid_forced": "1"})),
        sysctl(json!({"kernel.shmmax": "1000000"})),
        sysctl(json!({"kernel.msgmax": "8000", "fs.mqueue.msg_max": "20"})),
        sysctl(json!({"kernel.sem": "100 2000 50 64"})),
        sysctl(json!({"kernel.domainname": "example.net"})),
    ]
}

fn hidden_paths() -> Vec<Variation> {
    let masked = |paths: Value| one("/linux/maskedPaths", paths);
    let readonly = |paths: Value| one("/linux/readonlyPaths", paths);
    vec![
        masked(json!([])),
        readonly(json!([])),
        masked(json!(["/etc/passwd"])),
        masked(json!(["/tmp", "/home"])),
        masked(json!(["/no/such/path", "/proc/kcore"])),
        masked(json!(["/etc/link/below"])),
        readonly(json!(["/etc", "/tmp"])),
        readonly(json!(["/etc/passwd", "/no/such/path"])),
        readonly(json!(["/proc/sys/kernel", "/sys/kernel"])),
        several(&[("/linux/maskedPaths", json!(["/proc/keys"])), ("/linux/readonlyPaths", json!(["/proc/sys"]))]),
        several(&[("/linux/maskedPaths", json!(["/tmp/below"])), ("/linux/readonlyPaths", json!(["/tmp"]))]),
    ]
}

fn devices() -> Vec<Variation> {
    let device = |value: Value| one("/linux/devices", value);
    vec![
        device(json!([{"path": "/dev/one", "type": "c", "major": 1, "minor": 3, "fileMode": 438, "uid": 0, "gid": 0}])),
        device(json!([{"path": "/dev/two", "type": "c", "major": 10, "minor": 229, "fileMode": 384, "uid": 1000, "gid": 5}])),
        device(json!([{"path": "/dev/deep/er", "type": "b", "major": 7, "minor": 0, "fileMode": 432, "uid": 1, "gid": 2}])),
        device(json!([{"path": "/dev/fifo", "type": "p", "fileMode": 420}])),
        device(json!([{"path": "/dev/u", "type": "u", "major": 1, "minor": 5}])),
        device(json!([{"path": "/dev/a", "type": "c", "major": 1, "minor": 3}, {"path": "/dev/b", "type": "c", "major": 1, "minor": 5}])),
        device(json!([{"path": "/tmp/elsewhere", "type": "c", "major": 1, "minor": 8, "fileMode": 292}])),
    ]
}

/// Seen by trying: to make each of some devices, and to open it.
fn device_rules() -> Vec<Variation> {
    let may = json!(["CAP_MKNOD"]);
    let tried = |rules: Value| {
        several(&[
            ("/linux/resources", json!({"devices": rules})),
            ("/process/capabilities", json!({"bounding": may, "effective": may, "permitted": may})),
            ("/process/args", json!(["/probe", "try", "mknod-null", "mknod-kmsg", "mknod-mem", "mknod-sda", "mknod-loop", "mknod-fuse"])),
        ])
    };
    let deny = json!({"allow": false, "access": "rwm"});
    vec![
        tried(json!([])),
        tried(json!([deny])),
        tried(json!([{"allow": false, "type": "a", "access": "rwm"}])),
        tried(json!([{"allow": true, "type": "a", "access": "rwm"}])),
        tried(json!([deny, {"allow": true, "type": "c", "access": "m"}])),
        tried(json!([deny, {"allow": true, "type": "b", "access": "m"}])),
        tried(json!([deny, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rwm"}])),
        tried(json!([deny, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "rm"}])),
        tried(json!([deny, {"allow": true, "type": "b", "major": 7, "access": "rwm"}])),
        tried(json!([{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "rwm"}, deny])),
    ]
}

/// Each notes where it runs and what it is told.
fn hooks() -> Vec<Variation> {
    let note = |moment: &str| {
        let script = format!(
            "read state; for word in $(echo \"$state\" | tr ',{{}}' '   '); do case $word in *status*|*bundle*|*\\\"id\\\"*|*org.example*) \
             echo $word; esac; done | sort >BUNDLE/notes/{moment}; echo $A $1 $(pwd) >>BUNDLE/notes/{moment}; \
             [ $(readlink /proc/self/ns/mnt) = $(readlink /proc/$PPID/ns/mnt) ] && echo same mounts as its parent >>BUNDLE/notes/{moment}; :"
        );
        json!([{"path": "/bin/sh", "args": ["sh", "-c", script, "sh", "one"], "env": ["A=b", "PATH=/usr/bin:/bin"]}])
    };
    let hook = |moment: &str| several(&[("/hooks", json!({ moment: note(moment) })), ("/annotations", json!({"org.example.a": "b"}))]);
    let fails = |moment: &str| one("/hooks", json!({ moment: [{"path": "/bin/false"}] }));
    vec![
        hook("prestart"),
        hook("createRuntime"),
        hook("createContainer"),
        hook("poststart"),
        hook("poststop"),
        one(
            "/hooks",
            json!({"startContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "echo $A $1 $(pwd) >/tmp/note; read state; echo $? >/etc/note"], "env": ["A=b"]}]}),
        ),
        one(
            "/hooks",
            json!({"createRuntime": [
                {"path": "/bin/sh", "args": ["sh", "-c", "echo first >>BUNDLE/notes/order"]},
                {"path": "/bin/sh", "args": ["sh", "-c", "echo second >>BUNDLE/notes/order"]},
            ]}),
        ),
        one("/hooks", json!({})).unseen("there are none"),
        fails("prestart"),
        fails("createRuntime"),
        fails("createContainer"),
        fails("startContainer"),
    ]
}

fn impossible() -> Vec<Variation> {
    vec![
        one("/linux/namespaces", json!([{"type": "mount"}, {"type": "nosuch"}])),
        one("/linux/namespaces", json!([{"type": "mount"}, {"type": "pid"}, {"type": "pid"}])),
        one("/linux/namespaces", json!([{"type": "mount"}, {"type": "network", "path": "/no/such/path"}])),
        one("/linux/namespaces", json!([{"type": "mount"}, {"type": "network", "path": "/proc/HOLDER/ns/ipc"}])),
        one("/linux/sysctl", json!({"kernel.panic": "1"})),
        one("/linux/sysctl", json!({"net.no.such": "1"})),
        one("/linux/sysctl", json!({"net.ipv4.ip_forward": "not a number"})),
        several(&[("/linux/namespaces", spaces(&["pid", "mount", "ipc", "network"])), ("/hostname", json!("box"))]),
        several(&[("/linux/namespaces", spaces(&["pid", "mount", "ipc", "uts"])), ("/linux/sysctl", json!({"net.ipv4.ip_forward": "1"}))]),
        one("/linux/rootfsPropagation", json!("nosuch")),
        one("/linux/devices", json!([{"path": "/dev/x", "type": "z", "major": 1, "minor": 3}])),
        one("/root", json!({"path": "no-such-dir"})),
        one("/ociVersion", json!("2.0.0")),
    ]
}
