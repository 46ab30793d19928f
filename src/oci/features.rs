//! `features`: what this runtime knows, whatever the kernel below it can do.

use crate::error::Result;
use crate::kernel;
use crate::oci::{Context, print_json};
use crate::runtime::{MOUNT_OPTIONS, placement};
use crate::spec::{capabilities, seccomp};
use clap::ArgMatches;
use serde_json::json;

pub fn define(command: clap::Command) -> clap::Command {
    command
}

pub fn run(_context: &Context, _matches: &ArgMatches) -> Result<i32> {
    print_json(&json!({
        "ociVersionMin": "1.0.0",
        "ociVersionMax": "1.3.0",
        "hooks": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
        "mountOptions": MOUNT_OPTIONS,
        "linux": {
            "namespaces": ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
            "capabilities": capabilities::of_mask(capabilities::EVERY).collect::<Vec<_>>(),
            "cgroup": { "v1": false, "v2": true, "systemd": true, "systemdUser": false, "rdma": true },
            "seccomp": {
                "enabled": true,
                "actions": seccomp::ACTIONS,
                "operators": seccomp::OPERATORS,
                "archs": seccomp::ARCHITECTURES,
                "knownFlags": seccomp::FLAGS,
                "supportedFlags": seccomp::FLAGS,
            },
            "apparmor": { "enabled": true },
            "selinux": { "enabled": true },
            "intelRdt": { "enabled": true, "schemata": true, "monitoring": true },
            "memoryPolicy": { "modes": placement::MEMORY_MODES, "flags": placement::MEMORY_FLAGS },
            "mountExtensions": { "idmap": { "enabled": true } },
            "netDevices": { "enabled": true },
        },
        "annotations": {
            "tare.version": env!("CARGO_PKG_VERSION"),
            "tare.kernel": kernel::facts().release,
        },
        "potentiallyUnsafeConfigAnnotations": [],
    }))?;
    Ok(0)
}
