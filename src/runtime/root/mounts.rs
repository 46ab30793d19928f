//! The layers, the kernel's own file systems, and what was asked for.

use crate::runtime::child::{At, Failure, Result};
use crate::runtime::plan::{Plan, PlannedMount};
use crate::runtime::root::devices::Nodes;
use crate::runtime::root::options;
use crate::runtime::root::outside::Outside;
use crate::runtime::root::{devices, memory, neighbour, small_files};
use crate::sys::file::OFlag;
use crate::sys::mount::{self, Flags};
use crate::sys::{Errno, file, inside};
use crate::trace::{self, Step};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// mount(2) takes one page of options, the closing zero included.
const OPTION_PAGE: usize = 4095;

/// A detached copy of every source on the host that is `chosen`, in the order of the mounts; `None` where nothing is held.
/// `small_files`: where those lie, if not where the spec says.
pub fn gather(plan: &Plan, small_files: Option<&OwnedFd>, chosen: impl Fn(&PlannedMount) -> bool) -> Result<Vec<Option<OwnedFd>>> {
    let ready = |planned: &PlannedMount, tree: &OwnedFd| {
        let what = || format!("hold {} for {}", planned.source, planned.target.display());
        file::duplicate(tree.as_fd()).at(Step::GatherSources, what)
    };
    let hold = |planned: &PlannedMount| match &planned.ready {
        _ if !chosen(planned) => Ok(None),
        Some(tree) => ready(planned, tree).map(Some),
        None if planned.is_bind() => match small_files.zip(small_files::name(plan, planned)) {
            Some((all, name)) => small_files::take(all, name).and_then(|tree| with_attributes(planned, tree)).map(Some),
            None => take(plan, planned).map(Some),
        },
        None => Ok(None),
    };
    plan.mounts.iter().map(hold).collect()
}

/// The tree of one, with the attributes that it shall have.
pub fn take(plan: &Plan, planned: &PlannedMount) -> Result<OwnedFd> {
    let what = || format!("open {} for {}", planned.source, planned.target.display());
    let lent = plan.borrowed.iter().find_map(|lent| Some((lent.owner, planned.source.strip_prefix(lent.place)?)));
    let tree = match (lent, &planned.held) {
        (Some((owner, path)), _) => neighbour::hold(owner, Path::new(path))?,
        (None, Some(tree)) => file::duplicate(tree.as_fd()).at(Step::GatherSources, what)?,
        (None, None) => mount::detached_copy(&planned.source_path(), planned.options.recursive).at(Step::GatherSources, what)?,
    };
    with_attributes(planned, tree)
}

fn with_attributes(planned: &PlannedMount, tree: OwnedFd) -> Result<OwnedFd> {
    let what = || format!("open {} for {}", planned.source, planned.target.display());
    let asked = planned.options.propagation;
    // Private unless asked otherwise: an unmount in the container must not reach the host.
    let propagation = if asked.is_empty() { Flags::MS_REC | Flags::MS_PRIVATE } else { asked };
    let (recursive, kind) = (propagation.contains(Flags::MS_REC), propagation.difference(Flags::MS_REC));
    mount::set_attributes(tree.as_fd(), recursive, 0, 0, kind.bits()).at(Step::GatherSources, what)?;
    let options = &planned.options;
    let below = (true, options.recursive_attributes, options.recursive_clear);
    for (recursive, attributes, clear) in [below, (false, options.attributes(), options.cleared())] {
        if (attributes, clear) != (0, 0) {
            mount::set_attributes(tree.as_fd(), recursive, attributes, clear, 0).at(Step::GatherSources, what)?;
        }
    }
    Ok(tree)
}

/// The mount at `/`, hung over the root directory that the spec names. Without one, that directory itself is the root:
/// bound onto itself, because only a mount can become a root.
pub fn stack_layers(plan: &Plan) -> Result<()> {
    match &plan.outside {
        Some(Outside { root: Some(root), .. }) => return hang_root(root).at(Step::MountRoot, || format!("mount {}", plan.root.display())),
        // Whoever made us has stacked them (`owners.rs`).
        Some(Outside { root: None, .. }) => return Ok(()),
        None => {}
    }
    trace::begin(Step::MountRoot);
    let Some(overlay) = plan.layers() else {
        let what = || format!("bind {}", plan.root.display());
        mount::bind(plan.root, plan.root, Flags::MS_REC).at(Step::MountRoot, what)?;
        // As a slave it goes on to hear of what the host mounts in there; nothing else does.
        return match plan.propagation.contains(Flags::MS_SLAVE) {
            true => Ok(()),
            false => mount::set_propagation(plan.root, Flags::MS_REC | Flags::MS_PRIVATE).at(Step::MountRoot, what),
        };
    };
    stack(overlay, &overlay.options.data, overlay.options.flags, plan.root)
}

/// We are in the directory that it hangs over (`child/`).
fn hang_root(root: &OwnedFd) -> Result<(), Errno> {
    trace::begin(Step::MountRoot);
    let here = mount::open_target(Path::new("."))?;
    mount::attach_over(file::duplicate(root.as_fd())?, here.as_fd())
}

/// The layers alone, without what the container writes: as its image is.
pub fn stack_image(plan: &Plan) -> Result<()> {
    let none = || Failure::new(Step::MountRoot, Errno::ENOENT, "the spec has no layers");
    let overlay = plan.layers().ok_or_else(none)?;
    let of_upper = |option: &&String| option.as_str() == "volatile" || option.starts_with("upperdir=") || option.starts_with("workdir=");
    let data: Vec<String> = overlay.options.data.iter().filter(|option| !of_upper(option)).cloned().collect();
    stack(overlay, &data, overlay.options.flags | Flags::MS_RDONLY, plan.root)
}

pub fn stack(overlay: &PlannedMount, words: &[String], flags: Flags, root: &Path) -> Result<()> {
    let data = words.join(",");
    let what = || format!("mount {} on {}", overlay.kind, root.display());
    if data.len() <= OPTION_PAGE {
        return mount::file_system(overlay.kind, overlay.source, root, flags, &data).at(Step::MountRoot, what);
    }
    let mut lower = Vec::new();
    let mut others = Vec::new();
    for option in words {
        match option.split_once('=') {
            Some(("lowerdir", layers)) => lower.extend(layers.split(':').map(str::to_owned)),
            _ => others.push(option.clone()),
        }
    }
    let pairs: Vec<(String, String)> = others
        .iter()
        .map(|option| option.split_once('=').map_or((option.clone(), String::new()), |(key, value)| (key.to_owned(), value.to_owned())))
        .collect();
    match mount::long_overlay(&lower, &pairs, options::attributes(flags), root) {
        // Before kernel 6.8 overlay knows no `lowerdir+`.
        Err(Errno::EINVAL) => mount_by_descriptors(overlay, &lower, others, flags, root),
        other => other.at(Step::MountRoot, what),
    }
}

/// The layers under the shortest names there are, the numbers of their open descriptors: five hundred of them fit on the page.
/// Overlay looks names up from the current directory, so that is where they are: /proc/self/fd.
fn mount_by_descriptors(overlay: &PlannedMount, lower: &[String], others: Vec<String>, flags: Flags, root: &Path) -> Result<()> {
    let what = || format!("mount {} layers on {}", lower.len(), root.display());
    let open = lower.iter().map(|layer| file::open_dir(Path::new(layer))).collect::<Result<Vec<_>, _>>().at(Step::MountRoot, what)?;
    let here = file::open_dir(Path::new(".")).at(Step::MountRoot, what)?;
    let target = file::open_dir(root).at(Step::MountRoot, what)?;
    let name = |fd: &OwnedFd| fd.as_raw_fd().to_string();
    let names: Vec<String> = open.iter().map(name).collect();
    let data: Vec<String> = std::iter::once(format!("lowerdir={}", names.join(":"))).chain(others).collect();
    mount::change_dir(Path::new("/proc/self/fd")).at(Step::MountRoot, "chdir /proc/self/fd")?;
    let target = name(&target);
    let mounted = mount::file_system(overlay.kind, overlay.source, Path::new(&target), flags, &data.join(","));
    mount::change_dir_to(here.as_fd()).at(Step::MountRoot, "chdir back")?;
    mounted.at(Step::MountRoot, what)
}

/// Everything but the root, in the order of the spec. Returns what shall be read-only in the end.
pub fn attach_all(plan: &Plan, sources: Vec<Option<OwnedFd>>, nodes: &Nodes) -> Result<Vec<OwnedFd>> {
    let mut read_only = Vec::new();
    for (planned, source) in plan.mounts.iter().zip(sources) {
        if planned.target == Path::new("/") {
            continue;
        }
        match source {
            Some(tree) => attach_bind(planned, tree)?,
            None => read_only.extend(mount_new(planned)?),
        }
        if planned.target == Path::new("/dev") && planned.kind == "tmpfs" {
            devices::make_default(nodes)?;
        }
    }
    if plan.strict.is_some() && !plan.mounts.iter().any(|planned| planned.target == Path::new("/dev")) {
        devices::make_in_root(nodes)?;
    }
    Ok(read_only)
}

fn mount_new(planned: &PlannedMount) -> Result<Option<OwnedFd>> {
    let is_system =
        matches!(planned.kind, "proc" | "sysfs" | "devpts" | "mqueue" | "cgroup2" | "cgroup") || planned.target.starts_with("/dev");
    let step = trace::begin(if is_system { Step::MountSystem } else { Step::MountWishes });
    let what = || format!("mount {} on {}", planned.kind, planned.target.display());
    let kind = if planned.kind == "cgroup" { "cgroup2" } else { planned.kind };
    let data = planned.options.data.join(",");
    let flags = planned.options.flags;
    let try_mount = || {
        let target = match planned.kind {
            "proc" | "sysfs" => open_no_link(planned.target)?,
            _ => mount::open_target(planned.target)?,
        };
        inside::mount_over(target.as_fd(), kind, planned.source, flags, &data)
    };
    let mut read_only = None;
    match planned.kind {
        "bind" => mount::remount(planned.target, flags).at(step, what)?,
        "tmpfs" if !flags.contains(Flags::MS_REMOUNT) => read_only = memory::mount(planned, step)?,
        _ => match try_mount() {
            Err(Errno::ENOENT) => {
                inside::make_dirs(planned.target, 0o755).at(step, || format!("make directory {}", planned.target.display()))?;
                try_mount().at(step, what)?;
            }
            Err(Errno::EBUSY) if kind == "cgroup2" => groups_over_groups(planned).at(step, what)?,
            other => other.at(step, what)?,
        },
    }
    let (set, clear) = (planned.options.recursive_attributes, planned.options.recursive_clear);
    if (set, clear) != (0, 0) {
        mount::open_target(planned.target).and_then(|target| mount::set_attributes(target.as_fd(), true, set, clear, 0)).at(step, what)?;
    }
    if !planned.options.propagation.is_empty() {
        mount::set_propagation(planned.target, planned.options.propagation).at(step, what)?;
    }
    Ok(read_only)
}

/// Where all of the host's /sys was bound, its groups lie there already, and mount(2) takes no second mount of one file system in one
/// place. Made first and hung up then, it is taken.
fn groups_over_groups(planned: &PlannedMount) -> Result<(), Errno> {
    let tree = mount::new_tree(c"cgroup2", std::iter::empty(), options::attributes(planned.options.flags))?;
    mount::attach_over(tree, mount::open_target(planned.target)?.as_fd())
}

/// A /proc that the image made a symlink would be mounted elsewhere, and what protects /proc would protect nothing (CVE-2019-16884, CVE-2023-27561).
fn open_no_link(target: &Path) -> Result<OwnedFd, Errno> {
    let target = inside::open(target, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
    if file::is_dir(target.as_fd())? { Ok(target) } else { Err(Errno::ENOTDIR) }
}

fn attach_bind(planned: &PlannedMount, tree: OwnedFd) -> Result<()> {
    let what = || format!("mount {} on {}", planned.source, planned.target.display());
    trace::begin(Step::MountWishes);
    let is_dir = file::is_dir(tree.as_fd()).at(Step::MountWishes, what)?;
    let target = mount_point(planned.target, is_dir).at(Step::MountWishes, what)?;
    mount::attach_over(tree, target.as_fd()).at(Step::MountWishes, what)
}

/// Opens the mount point, and makes it where it is missing. We are inside: whatever the path leads through lies in the container.
fn mount_point(target: &Path, is_dir: bool) -> Result<OwnedFd, Errno> {
    match mount::open_target(target) {
        Err(Errno::ENOENT) => {}
        other => return other,
    }
    let place = behind_links(target)?;
    if is_dir {
        inside::make_dirs(&place, 0o755)?;
        return mount::open_target(target);
    }
    inside::make_dirs(place.parent().unwrap_or(Path::new("/")), 0o755)?;
    inside::create(&place, OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK, 0o644)?;
    mount::open_target(target)
}

/// Where a symlink that leads nowhere would lead: many images have /etc/resolv.conf point into a /run that is still empty.
fn behind_links(target: &Path) -> Result<PathBuf, Errno> {
    let mut place = target.to_owned();
    for _ in 0..40 {
        match std::fs::read_link(&place) {
            Ok(link) => place = place.parent().unwrap_or(Path::new("/")).join(link),
            Err(_) => return Ok(place),
        }
    }
    Err(Errno::ELOOP)
}
