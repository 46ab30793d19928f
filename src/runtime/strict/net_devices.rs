//! Network interfaces of the host that become the container's, `linux.netDevices`: moved, renamed, given their addresses again and
//! switched on. With the container's network the kernel takes hardware back to the host, and ends what is virtual.

use crate::error::{Context, Error, Result};
use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use crate::sys::netlink::addresses::Address;
use crate::sys::netlink::{Netlink, links};
use crate::sys::process::{self, namespace};
use oci_spec::runtime::{Linux, LinuxNamespaceType};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// One that is moved.
struct Device<'a> {
    name: &'a str,
    name_inside: &'a str,
    index: u32,
    addresses: Vec<Address>,
}

/// Refused before anything is made.
pub fn check(linux: &Linux) -> Result<()> {
    for (name, wish) in linux.net_devices().iter().flatten() {
        let refused = |why: &str| Err(Error::cannot_keep(format!("cannot move network device {name} into the container")).because(why));
        if network(linux).is_none() {
            return refused("it has no network namespace of its own");
        }
        if wish.name().as_deref().is_some_and(|name| !name.is_empty() && !is_name(name)) {
            return refused("a name there has at most 15 letters, and no blank, slash or colon among them");
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    name.len() <= 15 && name != "." && name != ".." && !name.contains(|letter: char| letter.is_whitespace() || "/:\0".contains(letter))
}

/// Into the network of process `pid`.
pub fn move_in(linux: &Linux, pid: i32) -> Result<()> {
    let wishes = linux.net_devices().iter().flatten();
    let mut devices: Vec<Device> = Vec::new();
    let host = Netlink::open().context("cannot ask about network devices")?;
    for (name, wish) in wishes {
        let look = || {
            let index = links::index_of(name)?;
            Ok((index, host.addresses(index)?))
        };
        let (index, mut addresses) = look().map_err(|errno| failed(name, errno))?;
        addresses.retain(Address::is_permanent_and_global);
        let name_inside = wish.name().as_deref().filter(|name| !name.is_empty()).unwrap_or(name);
        devices.push(Device { name, name_inside, index, addresses });
    }
    if devices.is_empty() {
        return Ok(());
    }
    let path = network(linux).flatten().unwrap_or_else(|| format!("/proc/{pid}/ns/net").into());
    let open = |path: &Path| file::open(path, OFlag::O_RDONLY).with_context(|| format!("cannot open {}", path.display()));
    let (there, home) = (open(&path)?, open(Path::new("/proc/self/ns/net"))?);
    // The kernel renames after it has moved, and an interface that lost its way would end with the container.
    inside(&home, &there, || devices.iter().try_for_each(is_free))?;
    for device in &devices {
        host.move_link(device.index, there.as_fd(), device.name_inside).map_err(|errno| failed(device.name, errno))?;
    }
    inside(&home, &there, || devices.iter().try_for_each(|device| set_up(device).map_err(|errno| failed(device.name, errno))))
}

/// There and back again: what is asked by name is asked in the network that one is in.
fn inside(home: &OwnedFd, there: &OwnedFd, work: impl FnOnce() -> Result<()>) -> Result<()> {
    process::join(there.as_fd(), namespace::NET).context("cannot join the container's network")?;
    let done = work();
    process::join(home.as_fd(), namespace::NET).context("cannot return to the host's network").and(done)
}

fn is_free(device: &Device) -> Result<()> {
    match links::index_of(device.name_inside) {
        Err(Errno::ENODEV) => Ok(()),
        Err(errno) => Err(failed(device.name, errno)),
        Ok(_) => Err(Error::conflict(format!("cannot move network device {} into the container", device.name))
            .because(format!("it has a {} already", device.name_inside))),
    }
}

fn set_up(device: &Device) -> Result<(), Errno> {
    let inside = Netlink::open()?;
    let index = links::index_of(device.name_inside)?;
    device.addresses.iter().try_for_each(|address| inside.add_address(index, address))?;
    inside.switch_on(index)
}

fn failed(name: &str, errno: Errno) -> Error {
    Error::from_errno(format!("cannot move network device {name} into the container"), errno)
}

/// `None`: that of the host; `Some(None)`: a new one.
fn network(linux: &Linux) -> Option<Option<PathBuf>> {
    let mut all = linux.namespaces().iter().flatten();
    all.find(|namespace| namespace.typ() == LinuxNamespaceType::Network).map(|namespace| namespace.path().clone())
}
