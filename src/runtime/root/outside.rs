//! What whoever makes the container takes hold of for it, as detached trees.
//!
//! The root of a user namespace may look into no directory of the host that its outer self may not, and may make no device files.
//! And only the owner of a file system may say that its files belong to others than it says on disk.

use crate::runtime::child::{At, Failure, Result};
use crate::runtime::mappings::Mappings;
use crate::runtime::plan::{Device, Plan, PlannedMount};
use crate::runtime::root::{devices, mounts, small_files};
use crate::sys::inside::Node;
use crate::sys::mount::{self, Flags, attribute};
use crate::sys::process::namespace;
use crate::sys::{Errno, user_namespace};
use crate::trace::Step;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

const STEP: Step = Step::GatherSources;

pub struct Outside {
    /// `None`: it is stacked of layers, when the container's users are mapped (`owners.rs`).
    pub root: Option<OwnedFd>,
    /// Device files of the host, by their path in the container.
    pub devices: devices::Held,
}

/// `owners` are the mappings that mounts have of their own, in their order.
pub fn hold(plan: &mut Plan, owners: &[Option<Mappings>]) -> Result<()> {
    let of_others = plan.namespaces.has(namespace::USER);
    let in_another = of_others || !user_namespace::is_machine_s_root();
    for (number, own) in (0..plan.mounts.len()).zip(owners.iter().map(Option::as_ref).chain(std::iter::repeat(None))) {
        let planned = &plan.mounts[number];
        let mapped = planned.options.maps_owners || own.is_some();
        if mapped && !planned.is_bind() {
            return Err(Failure::new(STEP, Errno::EINVAL, format!("map the owners of {}, which is no bind", planned.target.display())));
        }
        if planned.is_bind() && (mapped || of_others) && small_files::name(plan, planned).is_none() {
            let tree = mounts::take(plan, planned)?;
            cut_off(plan, planned, &tree)?;
            if let Some(own) = own {
                map_owners(planned, own, &tree)?;
            } else if mapped && !of_others {
                let what = format!("map the owners of {}: neither it nor the container says how", planned.source);
                return Err(Failure::new(STEP, Errno::EINVAL, what));
            }
            plan.mounts[number].awaits_users = mapped && own.is_none();
            plan.mounts[number].ready = Some(tree);
        } else if in_another && planned.is_cgroup() && !plan.namespaces.has(namespace::CGROUP) {
            plan.mounts[number].ready = host_s_groups()?;
        }
    }
    if of_others {
        let root = if plan.layers().is_none() { Some(hold_root(plan)?) } else { None };
        plan.outside = Some(Outside { root, devices: hold_devices(plan)? });
    }
    Ok(())
}

/// We still see the host's mounts as they are: a copy of a shared one would tell the host of what is mounted in it.
fn cut_off(plan: &Plan, planned: &PlannedMount, tree: &OwnedFd) -> Result<()> {
    let asked = planned.options.propagation;
    if !asked.contains(Flags::MS_SHARED) || plan.shares_with_host(planned) {
        return Ok(());
    }
    let set = |kind: Flags| mount::set_attributes(tree.as_fd(), true, 0, 0, kind.bits());
    set(Flags::MS_SLAVE).and_then(|()| set(Flags::MS_SHARED)).at(STEP, || format!("cut {} off from the host", planned.source))
}

fn map_owners(planned: &PlannedMount, own: &Mappings, tree: &OwnedFd) -> Result<()> {
    let what = || format!("map the owners of {} for {}", planned.source, planned.target.display());
    let namespace = user_namespace::with_maps(&own.uids, &own.gids).at(STEP, what)?;
    mount::map_owners(tree.as_fd(), planned.options.maps_recursively, namespace.as_fd()).at(STEP, what)
}

/// The kernel mounts groups for whom the view of them belongs to. Who has the host's view is shown the host's own mount, which
/// he cannot change (CVE-2023-25809). `None`: the host has none, and the kernel shall say so.
fn host_s_groups() -> Result<Option<OwnedFd>> {
    const WHAT: &str = "hold the host's groups";
    let Some(path) = mount::cgroup2() else { return Ok(None) };
    let tree = mount::detached_copy(path, false).at(STEP, WHAT)?;
    let attributes = attribute::READ_ONLY | attribute::NO_SUID | attribute::NO_DEV | attribute::NO_EXEC;
    mount::set_attributes(tree.as_fd(), false, attributes, 0, Flags::MS_PRIVATE.bits()).at(STEP, WHAT)?;
    Ok(Some(tree))
}

/// As a slave it goes on to hear of what the host mounts in there; nothing else does.
fn hold_root(plan: &Plan) -> Result<OwnedFd> {
    let what = || format!("open {}", plan.root.display());
    let tree = mount::detached_copy(plan.root, true).at(STEP, what)?;
    let kind = if plan.propagation.contains(Flags::MS_SLAVE) { Flags::MS_SLAVE } else { Flags::MS_PRIVATE };
    mount::set_attributes(tree.as_fd(), true, 0, 0, kind.bits()).at(STEP, what)?;
    Ok(tree)
}

/// The usual six, and what was asked for.
pub fn hold_devices(plan: &Plan) -> Result<devices::Held> {
    let usual = devices::USUAL.map(|(path, major, minor)| (Path::new(path), Node::Character(major, minor)));
    let wished = plan.devices.iter().map(|device: &Device| (device.path, device.node));
    let all = usual.into_iter().chain(wished).filter(|(_, node)| !matches!(node, Node::Fifo));
    all.map(|(path, node)| hold_device(path, node)).collect()
}

/// The host's own file of the same name, or of the name that the kernel has for it: it must be the very device.
fn hold_device(path: &Path, node: Node) -> Result<(PathBuf, OwnedFd)> {
    // A name that the host has for another device would be given twice.
    let of_kernel = if path.exists() { None } else { named_by_kernel(node) };
    let source = of_kernel.as_deref().unwrap_or(path);
    let what = || format!("take {} of the host, as devices cannot be made in a user namespace", source.display());
    let tree = mount::detached_copy(source, false).at(STEP, what)?;
    // A copy of a shared mount stays one with it: what a container mounts over its /dev/null would lie over the host's, too.
    let attributes = attribute::NO_SUID | attribute::NO_EXEC;
    mount::set_attributes(tree.as_fd(), false, attributes, 0, Flags::MS_PRIVATE.bits()).at(STEP, what)?;
    match is(Path::new(&mount::path_of(tree.as_fd())), node) {
        true => Ok((path.to_owned(), tree)),
        false => Err(Errno::ENODEV).at(STEP, || format!("{}: it is another device there", what())),
    }
}

fn is(path: &Path, node: Node) -> bool {
    let Ok(found) = std::fs::metadata(path) else { return false };
    let (kind, numbers) = (found.file_type(), mount::device_numbers(found.rdev()));
    match node {
        Node::Character(major, minor) => kind.is_char_device() && numbers == (major, minor),
        Node::Block(major, minor) => kind.is_block_device() && numbers == (major, minor),
        Node::Fifo => kind.is_fifo(),
    }
}

/// A container may know it under another name; the specification tells numbers only.
fn named_by_kernel(node: Node) -> Option<PathBuf> {
    let (kind, major, minor) = match node {
        Node::Character(major, minor) => ("char", major, minor),
        Node::Block(major, minor) => ("block", major, minor),
        Node::Fifo => return None,
    };
    let about = std::fs::read_to_string(format!("/sys/dev/{kind}/{major}:{minor}/uevent")).ok()?;
    about.lines().find_map(|line| line.strip_prefix("DEVNAME=")).map(|name| Path::new("/dev").join(name))
}
