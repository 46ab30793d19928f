//! `spec`: a config.json to begin with, the same that other runtimes write.

use crate::error::{Error, Result};
use crate::oci::Context;
use crate::spec::protected;
use crate::store::{self, Durable};
use clap::{Arg, ArgAction, ArgMatches};
use serde_json::{Value, json};
use std::path::Path;

pub fn define(command: clap::Command) -> clap::Command {
    command.args([
        Arg::new("bundle").short('b').long("bundle").value_name("DIR").default_value(".").help("Where it is written"),
        Arg::new("file").short('f').long("file").value_name("FILE").default_value("config.json").help("Another name for it"),
        Arg::new("rootless").long("rootless").action(ArgAction::SetTrue).help("For a user without rights"),
    ])
}

pub fn run(_context: &Context, matches: &ArgMatches) -> Result<i32> {
    let text = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let path = Path::new(text("bundle")).join(text("file"));
    if path.exists() {
        return Err(Error::conflict(format!("{} exists already", path.display())).hint("remove it first"));
    }
    let spec = if matches.get_flag("rootless") { rootless(usual()) } else { usual() };
    let text = serde_json::to_string_pretty(&spec).map_err(|e| Error::failed("cannot write JSON").because(e))?;
    store::write(&path, format!("{text}\n").as_bytes(), Durable::No)?;
    Ok(0)
}

fn usual() -> Value {
    let namespaces = ["pid", "network", "ipc", "uts", "mount", "cgroup"].map(|kind| json!({ "type": kind }));
    let capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
    let mount = |destination: &str, kind: &str, source: &str, options: &[&str]| {
        let mut mount = json!({ "destination": destination, "type": kind, "source": source });
        if !options.is_empty() {
            mount["options"] = json!(options);
        }
        mount
    };
    json!({
        "ociVersion": "1.2.0",
        "process": {
            "terminal": true,
            "user": { "uid": 0, "gid": 0 },
            "args": ["sh"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": { "bounding": capabilities, "effective": capabilities, "permitted": capabilities },
            "rlimits": [{ "type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024 }],
            "noNewPrivileges": true,
        },
        "root": { "path": "rootfs", "readonly": true },
        "hostname": "tare",
        "mounts": [
            mount("/proc", "proc", "proc", &[]),
            mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
            mount("/dev/pts", "devpts", "devpts", &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            mount("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
            mount("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
            mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", "ro"]),
            mount("/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", "ro"]),
        ],
        "linux": {
            "resources": { "devices": [{ "allow": false, "access": "rwm" }] },
            "namespaces": namespaces,
            "maskedPaths": protected::MASKED,
            "readonlyPaths": protected::READ_ONLY,
        },
    })
}

/// In a user namespace: no group for terminals, the host's network, no new sysfs over a network that is not ours.
fn rootless(mut spec: Value) -> Value {
    let ids = |own: u32| json!([{ "containerID": 0, "hostID": own, "size": 1 }]);
    spec["linux"]["namespaces"] = json!(["pid", "ipc", "uts", "mount", "cgroup", "user"].map(|kind| json!({ "type": kind })));
    spec["linux"]["uidMappings"] = ids(crate::sys::identity::own_uid());
    spec["linux"]["gidMappings"] = ids(crate::sys::identity::own_gid());
    if let Some(linux) = spec["linux"].as_object_mut() {
        linux.remove("resources");
    }
    for mount in spec["mounts"].as_array_mut().into_iter().flatten() {
        if mount["destination"] == "/sys" {
            *mount =
                json!({ "destination": "/sys", "type": "none", "source": "/sys", "options": ["rbind", "nosuid", "noexec", "nodev", "ro"] });
        }
        if let Some(options) = mount["options"].as_array_mut() {
            options.retain(|option| option != "gid=5");
        }
    }
    spec
}
