//! Devices of this host: those that a container gets (all of them, if it is privileged), and those that are slow for it.

use crate::error::{Context, Error, Result};
use crate::options::{Limits, Wishes};
use crate::spec::runtime_spec::{DeviceNode, DeviceRate};
use crate::sys::mount;
use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What the container has of its own, or must not have of the host's.
const OWN: [&str; 12] = ["null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "mqueue", "fd"];

pub fn wished(wishes: &Wishes) -> Result<Vec<DeviceNode>> {
    let mut nodes = Vec::new();
    if wishes.privileged {
        all_below(Path::new("/dev"), Path::new("/dev"), "rwm", &mut nodes);
    }
    for device in &wishes.devices {
        let what = || format!("cannot give device {} to the container", device.source.display());
        let found = std::fs::metadata(&device.source).with_context(what)?;
        if found.is_dir() {
            all_below(&device.source, &device.target, &device.access, &mut nodes);
            continue;
        }
        let node = node(&found, device.target.clone(), &device.access);
        nodes.push(node.ok_or_else(|| Error::cannot_keep(what()).because("it is not a device"))?);
    }
    Ok(nodes)
}

/// Rates of disks, by the numbers by which the kernel knows these.
pub fn rates(limits: &Limits) -> Result<Vec<DeviceRate>> {
    let rate = |wish: &crate::options::IoRate| {
        let what = || format!("cannot slow {} down", wish.device.display());
        let found = std::fs::metadata(&wish.device).with_context(what)?;
        if !found.file_type().is_block_device() {
            return Err(Error::cannot_keep(what()).because("it is not a block device").hint("name a disk, for example /dev/sda"));
        }
        let (major, minor) = mount::device_numbers(found.rdev());
        // io.max takes whole disks only; the kernel's own answer would be "no such device".
        if Path::new(&format!("/sys/dev/block/{major}:{minor}/partition")).exists() {
            let disk = std::fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok();
            let disk = disk.as_deref().and_then(Path::parent).and_then(Path::file_name).map(|name| format!("/dev/{}", name.display()));
            return Err(Error::cannot_keep(what())
                .because("it is a partition, and the kernel slows down whole disks")
                .hint(format!("name its disk: {}", disk.as_deref().unwrap_or("/dev/sda"))));
        }
        Ok(DeviceRate { major, minor, kind: wish.kind, rate: wish.rate })
    };
    limits.io_rates.iter().map(rate).collect()
}

fn all_below(source: &Path, target: &Path, access: &str, nodes: &mut Vec<DeviceNode>) {
    for entry in std::fs::read_dir(source).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_own = source == Path::new("/dev") && OWN.iter().any(|own| name == *own);
        let Ok(found) = entry.metadata() else { continue };
        if is_own {
            continue;
        }
        match node(&found, target.join(&name), access) {
            Some(node) => nodes.push(node),
            None if found.is_dir() => all_below(&source.join(&name), &target.join(&name), access, nodes),
            None => {}
        }
    }
}

fn node(found: &Metadata, path: PathBuf, access: &str) -> Option<DeviceNode> {
    let kind = found.file_type();
    if !kind.is_char_device() && !kind.is_block_device() {
        return None;
    }
    let (major, minor) = mount::device_numbers(found.rdev());
    let (mode, uid, gid) = (found.mode() & 0o7777, found.uid(), found.gid());
    Some(DeviceNode { path, character: kind.is_char_device(), major, minor, mode, uid, gid, access: access.to_owned() })
}

/// How hot each processor ran tells containers of each other's work (moby's advisory GHSA-6fw5-f8r9-fgfm).
pub fn thermal_throttles() -> Vec<String> {
    let path = |processor: usize| format!("/sys/devices/system/cpu/cpu{processor}/thermal_throttle");
    if !Path::new(&path(0)).exists() {
        return Vec::new();
    }
    (0..4096).map(path).take_while(|path| Path::new(path).parent().is_some_and(Path::exists)).collect()
}
