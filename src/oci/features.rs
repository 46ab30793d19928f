//! `features`: what this runtime knows, whatever the kernel below it can do.

use crate::error::Result;
use crate::kernel;
use crate::oci::{Context, print_json};
use crate::runtime::MOUNT_OPTIONS;
use crate::spec::{capabilities, seccomp};
use clap::ArgMatches;
use serde_json::json;

const MEMORY_MODES: [&str; 7] =
    ["MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE"];
const MEMORY_FLAGS: [&str; 3] = ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"];

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
            "apparmor": { "enabled": false },
            "selinux": { "enabled": false },
            "intelRdt": { "enabled": false },
            "memoryPolicy": { "modes": MEMORY_MODES, "flags": MEMORY_FLAGS },
            "mountExtensions": { "idmap": { "enabled": false } },
            "netDevices": { "enabled": false },
        },
        "annotations": {
            "tare.version": env!("CARGO_PKG_VERSION"),
            "tare.kernel": kernel::facts().release,
        },
        "potentiallyUnsafeConfigAnnotations": [],
    }))?;
    Ok(0)
}
