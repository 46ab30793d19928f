//! What it sees: names, namespaces, mounts, devices.

use super::words::{Flag, Flags, list, switch, value};
use crate::error::{Context, Error, Result};
use crate::options::{Wishes, devices, mounts, namespaces};
use std::path::PathBuf;

pub const FLAGS: &[Flag] = &[
    value("hostname", Some('h'), "NAME", "Host name inside"),
    value("network", None, "none|host", "Network: loopback only, or the host's").alias("net"),
    value("pid", None, "host", "See the host's processes"),
    value("ipc", None, "host", "Use the host's shared memory"),
    value("uts", None, "host", "Use the host's name"),
    list("volume", Some('v'), "SOURCE:TARGET[:ro]", "Show a directory of the host"),
    list("mount", None, "type=bind|tmpfs,…", "Mount, in words"),
    list("tmpfs", None, "TARGET[:OPTIONS]", "An empty file system in memory"),
    switch("read-only", None, "The root file system cannot be written"),
    list("device", None, "SOURCE[:TARGET][:rwm]", "Show a device of the host"),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.hostname = flags.parse("hostname", hostname)?;
    wishes.network = flags.parse("network", namespaces::parse_network)?.unwrap_or_default();
    wishes.pid = flags.parse("pid", namespaces::parse_pid)?.unwrap_or_default();
    wishes.ipc = flags.parse("ipc", namespaces::parse_ipc)?.unwrap_or_default();
    wishes.host_uts = flags.parse("uts", namespaces::parse_uts)?.unwrap_or(false);
    wishes.mounts = mounts_of(flags)?;
    wishes.read_only = flags.on("read-only")?;
    wishes.devices = flags.parse_all("device", devices::parse)?;
    if wishes.host_uts && wishes.hostname.is_some() {
        return Err(
            Error::usage("--hostname and --uts host contradict each other").hint("without --uts host the container has a name of its own")
        );
    }
    Ok(())
}

fn mounts_of(flags: &Flags) -> Result<Vec<crate::options::Mount>> {
    if ["volume", "mount", "tmpfs"].iter().all(|name| flags.all(name).next().is_none()) {
        return Ok(Vec::new());
    }
    let here: PathBuf = std::env::current_dir().context("cannot find the current directory")?;
    let mut all = Vec::new();
    for volume in flags.parse_all("volume", |text| mounts::parse_volume(text, &here))? {
        if volume.relabel && std::path::Path::new("/sys/fs/selinux/enforce").exists() {
            return Err(Error::cannot_keep("cannot keep --volume with z or Z: relabelling for SELinux is not built yet"));
        }
        all.push(volume.mount);
    }
    all.extend(flags.parse_all("mount", |text| mounts::parse_mount(text, &here))?);
    all.extend(flags.parse_all("tmpfs", mounts::parse_tmpfs)?);
    mounts::check_targets(&all)?;
    Ok(all)
}

/// A host name goes to the kernel and into /etc/hosts, so it is one word of few letters (hostname(7); HOST_NAME_MAX is 64).
fn hostname(text: &str) -> Result<String> {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if text.is_empty() || text.len() > 64 || !letters || text.starts_with(['-', '.']) {
        return Err(Error::usage("not a host name").hint("at most 64 letters, digits, dots and dashes"));
    }
    Ok(text.to_owned())
}
