//! What it sees: names, namespaces, mounts, devices.

use super::words::{Flag, Flags, list, switch, value};
use crate::error::{Context, Error, Result};
use crate::options::{Ipc, Wishes, cgroup_parent, clocks, devices, mounts, namespaces, sizes, sysctls, systemd, user_namespaces, volumes};
use std::path::PathBuf;

pub const FLAGS: &[Flag] = &[
    value("hostname", Some('h'), "NAME", "Host name inside"),
    value("domainname", None, "NAME", "Domain name inside (NIS)"),
    value("pid", None, "host|container:NAME", "See the processes of the host, or of another container"),
    value("ipc", None, "shareable|private|none|host|container:NAME", "With whom it shares memory and message queues (default private)"),
    value("uts", None, "host", "Use the host's name"),
    value("cgroupns", None, "host|private", "Control groups it sees (default private: its own)"),
    value("userns", None, "host|auto[:OPTIONS]|container:NAME|MAP", "Whom its users are outside (default host: the same)"),
    list("uidmap", None, "INSIDE:OUTSIDE:COUNT", "Users inside are these outside"),
    list("gidmap", None, "INSIDE:OUTSIDE:COUNT", "Groups inside are these outside"),
    value("time-offset", None, "CLOCK=OFFSET,…", "Clocks of its own: monotonic=1h30m,boottime=-5s"),
    list("volume", Some('v'), "SOURCE:TARGET[:ro,U,idmap,noidmap]", "Show a directory of the host, or a volume by its name"),
    list("mount", None, "type=bind|volume|tmpfs,…", "Mount, in words"),
    list("volumes-from", None, "CONTAINER[:ro]", "Show what another container has mounted"),
    list("tmpfs", None, "TARGET[:OPTIONS]", "An empty file system in memory"),
    switch("read-only", None, "The root file system cannot be written"),
    value("shm-size", None, "BYTES", "Size of /dev/shm (default 64m)"),
    list("sysctl", None, "NAME=VALUE", "A setting of the kernel's that is the container's own"),
    value("cgroup-parent", None, "PATH", "Control group below which its own is made (default /tare)"),
    list("device", None, "SOURCE[:TARGET][:rwm]", "Show a device of the host"),
];

pub fn read(flags: &Flags, wishes: &mut Wishes) -> Result<()> {
    wishes.hostname = flags.parse("hostname", hostname)?;
    wishes.pid = flags.parse("pid", namespaces::parse_pid)?.unwrap_or_default();
    wishes.ipc = flags.parse("ipc", namespaces::parse_ipc)?.unwrap_or_default();
    wishes.host_uts = flags.parse("uts", namespaces::parse_uts)?.unwrap_or(false);
    wishes.host_group_view = flags.parse("cgroupns", namespaces::parse_cgroup)?.unwrap_or(false);
    wishes.user_namespace = user_namespace(flags)?;
    wishes.clocks = flags.parse("time-offset", clocks::parse)?.unwrap_or_default();
    wishes.mounts = mounts_of(flags)?;
    wishes.volumes_from = flags.parse_all("volumes-from", |text| volumes::parse_volumes_from(text).map(|_| text.to_owned()))?;
    wishes.read_only = flags.on("read-only")?;
    wishes.devices = flags.parse_all("device", devices::parse)?;
    wishes.domainname = flags.parse("domainname", domainname)?;
    wishes.shm_size = flags.parse("shm-size", sizes::parse_bytes)?.filter(|size| *size != 0);
    for sysctl in flags.parse_all("sysctl", sysctls::parse)? {
        sysctls::add(&mut wishes.sysctls, sysctl);
    }
    wishes.cgroup_parent = flags.parse("cgroup-parent", cgroup_parent::parse)?;
    systemd::check(wishes)?;
    check_own(wishes)?;
    if wishes.host_uts && wishes.hostname.is_some() {
        return Err(
            Error::usage("--hostname and --uts host contradict each other").hint("without --uts host the container has a name of its own")
        );
    }
    Ok(())
}

fn user_namespace(flags: &Flags) -> Result<user_namespaces::UserNamespace> {
    let ranges = |flag| flags.parse_all(flag, user_namespaces::parse_ranges).map(|all| all.concat());
    user_namespaces::join(flags.parse("userns", user_namespaces::parse)?, ranges("uidmap")?, ranges("gidmap")?)
}

/// What can only be said of a thing that the container has of its own.
fn check_own(wishes: &Wishes) -> Result<()> {
    if wishes.host_uts && wishes.domainname.is_some() {
        return Err(Error::usage("--domainname and --uts host contradict each other")
            .hint("without --uts host the container has a name of its own"));
    }
    if wishes.shm_size.is_some() && !matches!(wishes.ipc, Ipc::Private | Ipc::Shareable) {
        return Err(Error::usage("--shm-size and --ipc contradict each other")
            .because("its /dev/shm is not its own")
            .hint("leave one of them out"));
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

/// As for a host name (setdomainname(2)).
fn domainname(text: &str) -> Result<String> {
    hostname(text).map_err(|_| Error::usage("not a domain name").hint("at most 64 letters, digits, dots and dashes"))
}

/// A host name goes to the kernel and into /etc/hosts, so it is one word of few letters (hostname(7); HOST_NAME_MAX is 64).
fn hostname(text: &str) -> Result<String> {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if text.is_empty() || text.len() > 64 || !letters || text.starts_with(['-', '.']) {
        return Err(Error::usage("not a host name").hint("at most 64 letters, digits, dots and dashes"));
    }
    Ok(text.to_owned())
}
