//! The files of /dev: six that every program may expect, a few names for the streams, and the devices that were asked for.

use crate::runtime::child::{At, Result};
use crate::runtime::plan::{Device, DeviceKind, Plan};
use crate::sys::{file, mount};
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

/// Where nothing is mounted on /dev, in the root's own: the specification wants the files in every container. What was there
/// under their names goes.
pub fn make_in_root(plan: &Plan) -> Result<()> {
    file::make_dirs(Path::new("/dev"), 0o755).at(Step::MakeDevices, "make directory /dev")?;
    let nodes = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
    for path in nodes.into_iter().chain(LINKS.map(|(_, path)| path)) {
        file::remove_file(Path::new(path)).at(Step::MakeDevices, || format!("remove {path}"))?;
    }
    make_default(plan)
}

pub fn make_wished(plan: &Plan) -> Result<()> {
    for device in &plan.devices {
        make(device).at(Step::MakeDevices, || format!("make {}", device.path.display()))?;
    }
    Ok(())
}

fn make(device: &Device) -> Result<(), crate::sys::Errno> {
    if let Some(above) = device.path.parent() {
        file::make_dirs(above, 0o755)?;
    }
    file::remove_file(device.path)?;
    match device.kind {
        DeviceKind::Fifo => mount::make_fifo(device.path, device.mode)?,
        kind => mount::make_device(device.path, kind == DeviceKind::Character, device.mode, device.major, device.minor)?,
    }
    if device.owner != (0, 0) {
        file::change_owner(device.path, device.owner.0, device.owner.1)?;
    }
    Ok(())
}
