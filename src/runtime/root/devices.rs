//! The files of /dev: six that every program may expect, a few names for the streams, and the devices that were asked for.

use crate::runtime::child::{At, Result};
use crate::runtime::plan::{Device, Plan};
use crate::runtime::root::outside::Outside;
use crate::sys::file::{self, OFlag};
use crate::sys::inside::{self, Node};
use crate::sys::{Errno, mount};
use crate::trace::Step;
use std::os::fd::AsFd;
use std::path::Path;

/// Name, major and minor number.
pub const USUAL: [(&str, u64, u64); 6] =
    [("/dev/null", 1, 3), ("/dev/zero", 1, 5), ("/dev/full", 1, 7), ("/dev/random", 1, 8), ("/dev/urandom", 1, 9), ("/dev/tty", 5, 0)];

const LINKS: [(&str, &str); 6] = [
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
    ("pts/ptmx", "/dev/ptmx"),
    ("/proc/kcore", "/dev/core"),
];

/// On our own fresh tmpfs, right after it was mounted: nobody else has been here (CVE-2026-41579).
pub fn make_default(plan: &Plan) -> Result<()> {
    for (path, major, minor) in USUAL {
        let path = Path::new(path);
        let made = match &plan.outside {
            Some(outside) => hang(path, outside),
            None => mount::make_device(path, true, 0o666, major, minor),
        };
        made.at(Step::MakeDevices, || format!("make {}", path.display()))?;
    }
    for (target, path) in LINKS {
        file::make_symlink(target, Path::new(path)).at(Step::MakeDevices, || format!("make {path}"))?;
    }
    Ok(())
}

/// Where nothing is mounted on /dev, in the root's own: the specification wants the files in every container. What was there
/// under their names goes.
pub fn make_in_root(plan: &Plan) -> Result<()> {
    inside::make_dirs(Path::new("/dev"), 0o755).at(Step::MakeDevices, "make directory /dev")?;
    for (path, major, minor) in USUAL {
        let path = Path::new(path);
        let made = match &plan.outside {
            Some(outside) => hang(path, outside),
            None => inside::replace_by_node(path, Node::Character(major, minor), 0o666, (0, 0)),
        };
        made.at(Step::MakeDevices, || format!("make {}", path.display()))?;
    }
    for (target, path) in LINKS {
        inside::replace_by_link(Path::new(path), target).at(Step::MakeDevices, || format!("make {path}"))?;
    }
    Ok(())
}

pub fn make_wished(plan: &Plan) -> Result<()> {
    if plan.person.terminal {
        // The terminal is mounted over it, when a /dev that shall be read-only is already.
        inside::create(Path::new("/dev/console"), OFlag::O_WRONLY | OFlag::O_EXCL, 0o600).at(Step::MakeDevices, "make /dev/console")?;
    }
    for device in &plan.devices {
        make(device, plan).at(Step::MakeDevices, || format!("make {}", device.path.display()))?;
    }
    Ok(())
}

fn make(device: &Device, plan: &Plan) -> Result<(), Errno> {
    if let Some(above) = device.path.parent() {
        inside::make_dirs(above, 0o755)?;
    }
    match (&plan.outside, device.node) {
        (Some(outside), Node::Character(..) | Node::Block(..)) => hang(device.path, outside),
        _ => inside::replace_by_node(device.path, device.node, device.mode, device.owner),
    }
}

/// The host's, over a file of its name: it has the host's owner and mode.
fn hang(path: &Path, outside: &Outside) -> Result<(), Errno> {
    let (_, tree) = outside.devices.iter().find(|(held, _)| held == path).ok_or(Errno::ENODEV)?;
    let target = match mount::open_target(path) {
        Err(Errno::ENOENT) => {
            inside::create(path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o666)?;
            mount::open_target(path)?
        }
        other => other?,
    };
    match mount::attach_over(file::duplicate(tree.as_fd())?, target.as_fd()) {
        // It hangs there: one of the usual ones was asked for as well.
        Err(Errno::ELOOP) => Ok(()),
        other => other,
    }
}
