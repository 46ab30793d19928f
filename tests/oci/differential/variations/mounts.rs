//! Mounts: file systems in memory, binds of files and directories, and every option.

use super::{Variation, one, several};
use serde_json::{Value, json};

pub fn all() -> Vec<Variation> {
    [in_memory(), binds(), places(), impossible()].into_iter().flatten().collect()
}

fn mount(value: Value) -> Variation {
    one("/mounts/-", value)
}

fn in_memory() -> Vec<Variation> {
    let all = [
        json!([]),
        json!(["ro"]),
        json!(["nosuid", "nodev", "noexec"]),
        json!(["ro", "nosuid"]),
        json!(["size=1m", "mode=0700"]),
        json!(["size=64k", "mode=1777", "uid=1000", "gid=1000"]),
        json!(["nr_inodes=10"]),
        json!(["noatime"]),
        json!(["nodiratime", "strictatime"]),
        json!(["relatime"]),
        json!(["sync"]),
        json!(["dirsync"]),
        json!(["mand"]),
        json!(["private"]),
        json!(["rslave"]),
        json!(["shared"]),
        json!(["rshared"]),
        json!(["unbindable"]),
        json!(["ro", "rw"]),
        json!(["rw", "ro"]),
        json!(["noexec", "exec"]),
        json!(["nosuid", "suid", "nodev", "dev"]),
        json!(["defaults", "nodev"]),
    ];
    all.map(|options| mount(json!({"destination": "/mnt/here", "type": "tmpfs", "source": "tmpfs", "options": options}))).into()
}

fn binds() -> Vec<Variation> {
    let all = [
        json!(["bind"]),
        json!(["rbind"]),
        json!(["bind", "ro"]),
        json!(["rbind", "ro"]),
        json!(["rbind", "rro"]),
        json!(["bind", "nosuid", "nodev", "noexec"]),
        json!(["bind", "noatime"]),
        json!(["bind", "relatime"]),
        json!(["bind", "strictatime"]),
        json!(["bind", "nodiratime"]),
        json!(["rbind", "rslave"]),
        json!(["bind", "rshared"]),
        json!(["rbind", "rshared"]),
        json!(["bind", "slave"]),
        json!(["rbind", "private"]),
        json!(["rbind", "unbindable"]),
        json!(["rbind", "rprivate", "ro", "noatime"]),
        json!(["rbind", "rnosuid", "rnodev"]),
        json!(["rbind", "rnoexec", "rro"]),
        json!(["rbind", "rro", "rrw"]),
        json!(["rbind", "rnoatime"]),
        json!(["rbind", "rnosymfollow"]),
        json!(["bind", "rw"]),
    ];
    let directory =
        |options: &Value| mount(json!({"destination": "/mnt/host", "type": "bind", "source": "BUNDLE/shared", "options": options}));
    let file =
        |options: &Value| mount(json!({"destination": "/mnt/file", "type": "none", "source": "BUNDLE/shared/file", "options": options}));
    let mut variations: Vec<Variation> = all.iter().map(directory).collect();
    variations.extend(all[..8].iter().map(file));
    variations.push(mount(json!({"destination": "/mnt/host", "type": "bind", "source": "BUNDLE/shared"})));
    variations.push(mount(json!({"destination": "/mnt/host", "source": "BUNDLE/shared", "options": ["rbind"]})));
    variations.push(mount(json!({"destination": "/mnt/host", "type": "bind", "source": "shared", "options": ["rbind"]})));
    variations
}

fn places() -> Vec<Variation> {
    let memory = |place: &str| mount(json!({"destination": place, "type": "tmpfs", "source": "tmpfs"}));
    vec![
        memory("/a/b/c/d"),
        memory("/etc/link"),
        memory("/etc/../tmp"),
        memory("relative"),
        memory("/tmp"),
        mount(json!({"destination": "/second-proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]})),
        mount(json!({"destination": "/second-sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]})),
        mount(json!({"destination": "/pts", "type": "devpts", "source": "devpts", "options": ["newinstance", "mode=0600"]})),
        mount(json!({"destination": "/queues", "type": "mqueue", "source": "mqueue", "options": ["nosuid"]})),
        mount(json!({"destination": "/tmp", "type": "bind", "source": "BUNDLE/shared/file", "options": ["bind"]})),
        several(&[
            ("/mounts/-", json!({"destination": "/m", "type": "tmpfs", "source": "one"})),
            ("/mounts/-", json!({"destination": "/m/n", "type": "tmpfs", "source": "two"})),
            ("/mounts/-", json!({"destination": "/m", "type": "tmpfs", "source": "three"})),
        ]),
        one("/mounts", json!([{"destination": "/proc", "type": "proc", "source": "proc"}])),
        one("/mounts/1/options", json!(["nosuid", "noexec", "mode=700", "size=1m"])),
        one("/mounts/5/options", json!(["nosuid"])),
        one("/mounts/6/options", json!(["nosuid"])),
        several(&[
            ("/mounts/-", json!({"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["ro"]})),
            ("/mounts/-", json!({"destination": "/m/n", "type": "tmpfs", "source": "tmpfs"})),
        ]),
    ]
}

fn impossible() -> Vec<Variation> {
    vec![
        mount(json!({"destination": "/m", "type": "nosuchfs", "source": "x"})),
        // Without /dev/null there is nothing to hide a file behind.
        one(
            "/mounts",
            json!([{"destination": "/proc", "type": "proc", "source": "proc"}, {"destination": "/dev", "type": "bind", "source": "BUNDLE/shared", "options": ["bind"]}]),
        ),
        mount(json!({"destination": "/m", "type": "bind", "source": "/no/such/source", "options": ["bind"]})),
        mount(json!({"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["nosuchoption"]})),
        mount(json!({"destination": "/etc/passwd", "type": "tmpfs", "source": "tmpfs"})),
        mount(json!({"destination": "/etc/passwd", "type": "bind", "source": "BUNDLE/shared", "options": ["bind"]})),
    ]
}
