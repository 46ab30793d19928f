//! The files of /dev: six that every program may expect, a few names for the streams, and the devices that were asked for.

use crate::runtime::child::{At, Result};
use crate::runtime::plan::{Device, Plan};
use crate::sys::{file, inside, mount};
use crate::trace::Step;
use std::path::Path;

/// Name and minor number on major 1, the memory devices.
const MEMORY: [(&str, u64); 5] = [("/dev/null", 3), ("/dev/zero", 5), ("/dev/full", 7), ("/dev/random", 8), ("/dev/urandom", 9)];

const LINKS: [(&str, &str); 6] = [
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
    ("pts/ptmx", "/dev/ptmx"),
    ("/proc/kcore", "/dev/core"),
];

/// On our own fresh tmpfs, right after it was mounted: nobody else has been here (CVE-2026-41579).
pub fn make_default(_plan: &Plan) -> Result<()> {
    for (path, minor) in MEMORY {
        mount::make_device(Path::new(path), true, 0o666, 1, minor).at(Step::MakeDevices, || format!("make {path}"))?;
    }
    mount::make_device(Path::new("/dev/tty"), true, 0o666, 5, 0).at(Step::MakeDevices, "make /dev/tty")?;
    for (target, path) in LINKS {
        file::make_symlink(target, Path::new(path)).at(Step::MakeDevices, || format!("make {path}"))?;
    }
    Ok(())
}

pub fn make_wished(plan: &Plan) -> Result<()> {
    for device in &plan.devices {
        make(device).at(Step::MakeDevices, || format!("make {}", device.path.display()))?;
    }
    Ok(())
}

fn make(device: &Device) -> Result<(), crate::sys::Errno> {
    if let Some(above) = device.path.parent() {
        inside::make_dirs(above, 0o755)?;
    }
    inside::replace_by_node(device.path, device.node, device.mode, device.owner)
}
