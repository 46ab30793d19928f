//! The files of /dev: six that every program may expect, a few names for the streams, and the devices that were asked for.

use crate::runtime::child::{At, Result};
use crate::runtime::plan::{Device, Plan};
use crate::runtime::root::outside;
use crate::sys::file::{self, OFlag};
use crate::sys::inside::{self, Node};
use crate::sys::{Errno, mount, user_namespace};
use crate::trace::{self, Step};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Name, major and minor number.
pub const USUAL: [(&str, u64, u64); 6] =
    [("/dev/null", 1, 3), ("/dev/zero", 1, 5), ("/dev/full", 1, 7), ("/dev/random", 1, 8), ("/dev/urandom", 1, 9), ("/dev/tty", 5, 0)];

pub const LINKS: [(&str, &str); 6] = [
    ("/proc/self/fd", "/dev/fd"),
    ("/proc/self/fd/0", "/dev/stdin"),
    ("/proc/self/fd/1", "/dev/stdout"),
    ("/proc/self/fd/2", "/dev/stderr"),
    ("pts/ptmx", "/dev/ptmx"),
    ("/proc/kcore", "/dev/core"),
];

/// The host's own device files, as detached mounts by their path in the container: in a user namespace none can be made.
pub type Held = Vec<(PathBuf, OwnedFd)>;

/// Where device files come from.
pub enum Nodes<'a> {
    Made,
    /// Whoever made us has taken hold of them.
    Given(&'a Held),
    Taken(Held),
}

impl Nodes<'_> {
    /// We still see the host's mounts.
    pub fn of<'a>(plan: &'a Plan) -> Result<Nodes<'a>> {
        match &plan.outside {
            Some(outside) => Ok(Nodes::Given(&outside.devices)),
            None if user_namespace::is_machine_s_root() => Ok(Nodes::Made),
            None => outside::hold_devices(plan).map(Nodes::Taken),
        }
    }

    fn held(&self) -> Option<&Held> {
        match self {
            Nodes::Made => None,
            Nodes::Given(held) => Some(held),
            Nodes::Taken(held) => Some(held),
        }
    }
}

/// On our own fresh tmpfs, right after it was mounted: nobody else has been here (CVE-2026-41579).
pub fn make_default(nodes: &Nodes) -> Result<()> {
    trace::begin(Step::MakeDevices);
    for (path, major, minor) in USUAL {
        let path = Path::new(path);
        let made = match nodes.held() {
            Some(held) => hang(path, held),
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
pub fn make_in_root(nodes: &Nodes) -> Result<()> {
    trace::begin(Step::MakeDevices);
    inside::make_dirs(Path::new("/dev"), 0o755).at(Step::MakeDevices, "make directory /dev")?;
    for (path, major, minor) in USUAL {
        let path = Path::new(path);
        let made = match nodes.held() {
            Some(held) => hang(path, held),
            None => inside::replace_by_node(path, Node::Character(major, minor), 0o666, (0, 0)),
        };
        made.at(Step::MakeDevices, || format!("make {}", path.display()))?;
    }
    for (target, path) in LINKS {
        inside::replace_by_link(Path::new(path), target).at(Step::MakeDevices, || format!("make {path}"))?;
    }
    Ok(())
}

pub fn make_wished(plan: &Plan, nodes: &Nodes) -> Result<()> {
    if plan.person.terminal || !plan.devices.is_empty() {
        trace::begin(Step::MakeDevices);
    }
    if plan.person.terminal {
        // The terminal is mounted over it, when a /dev that shall be read-only is already.
        inside::create(Path::new("/dev/console"), OFlag::O_WRONLY | OFlag::O_EXCL, 0o600).at(Step::MakeDevices, "make /dev/console")?;
    }
    for device in &plan.devices {
        make(device, nodes).at(Step::MakeDevices, || format!("make {}", device.path.display()))?;
    }
    Ok(())
}

fn make(device: &Device, nodes: &Nodes) -> Result<(), Errno> {
    if let Some(above) = device.path.parent() {
        inside::make_dirs(above, 0o755)?;
    }
    match (nodes.held(), device.node) {
        (Some(held), Node::Character(..) | Node::Block(..)) => hang(device.path, held),
        _ => inside::replace_by_node(device.path, device.node, device.mode, device.owner),
    }
}

/// The host's, over a file of its name: it has the host's owner and mode.
fn hang(path: &Path, held: &Held) -> Result<(), Errno> {
    let (_, tree) = held.iter().find(|(held, _)| held == path).ok_or(Errno::ENODEV)?;
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
