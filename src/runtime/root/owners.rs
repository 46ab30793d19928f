//! Whose the files are in a container whose root is somebody else outside: settled by whoever makes it, as soon as its users are
//! mapped and before it builds its world.
//!
//! Nothing on disk changes. The layers, and what the container writes, are seen through one mount of their common parent, which shows
//! what is root's on disk as the container's root's (MOUNT_ATTR_IDMAP); so any image costs the same, `commit`, `diff` and a next start
//! with other ids find what they would find without, and files of another container stay as far away as ever.
//!
//! Overlay wants that mount to hang in the mount namespace of who stacks the layers (until Linux 6.15), and we want it never to hang
//! in the host's. And the container's own root may not stack them: then the marks of removed files would be others
//! (`userxattr`), and it would have to reach the store. So we go into the container's mount namespace, with all our rights, hang the
//! mount over the store, stack, take it away again, and come back. Overlay keeps it; nobody in the container can reach it.

use crate::error::{Error, Result};
use crate::runtime::child::{self, At, Failure};
use crate::runtime::mappings::Mappings;
use crate::runtime::plan::{Plan, PlannedMount};
use crate::runtime::root::mounts;
use crate::sys::file::{self, OFlag};
use crate::sys::mount::{self, Flags};
use crate::sys::process::{self, namespace};
use crate::sys::{Errno, identity, user_namespace};
use crate::trace::Step;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

const STEP: Step = Step::MountRoot;

/// `init`, a pidfd of process `pid`, is in its namespaces already, and waits.
pub fn settle(plan: &Plan, pid: i32, init: BorrowedFd) -> Result<()> {
    let waiting: Vec<&PlannedMount> = plan.mounts.iter().filter(|planned| planned.awaits_users).collect();
    let layers = plan.layers().filter(|_| plan.outside.as_ref().is_some_and(|outside| outside.root.is_none()));
    if waiting.is_empty() && layers.is_none() {
        return Ok(());
    }
    let root = match plan.namespaces.mappings().filter(|_| plan.namespaces.is_new(namespace::USER)) {
        Some(mappings) => mappings.root_outside(),
        None => Mappings::of_process(pid)?.root_outside(),
    };
    let users = user_namespace::open(pid).at(Step::CloneContainer, "open its user namespace").map_err(Failure::into_error)?;
    waiting.into_iter().try_for_each(|planned| map_bind(planned, users.as_fd()))?;
    match (layers, root) {
        (None, _) => Ok(()),
        (Some(overlay), Some(root)) => stack(plan, overlay, root, init, users.as_fd()),
        (Some(_), None) => {
            Err(Error::cannot_keep("cannot give the container its files").because("none of its users is its root, number 0"))
        }
    }
}

fn map_bind(planned: &PlannedMount, users: BorrowedFd) -> Result<()> {
    let Some(tree) = &planned.ready else { return Ok(()) };
    mount::map_owners(tree.as_fd(), planned.options.maps_recursively, users).map_err(|errno| {
        let error = Error::cannot_keep(format!("cannot show {} to the container's users", planned.source));
        match errno {
            Errno::EINVAL if planned.options.maps_recursively => error.because("a file system there cannot map owners"),
            Errno::EINVAL => error.because("its file system cannot map owners"),
            Errno::EPERM => error.because("its owners are mapped already, or not ours to map"),
            errno => error.because(errno.desc()),
        }
        .hint(format!(
            "{}:{}:noidmap shows its files as nobody's; with --userns host they are whose they are",
            planned.source,
            planned.target.display()
        ))
    })
}

/// `root`: the container's, outside.
fn stack(plan: &Plan, overlay: &PlannedMount, root: (u32, u32), init: BorrowedFd, users: BorrowedFd) -> Result<()> {
    // The layers are copies with other owners already: the file system is the machine's, and its root's alone to map.
    if !user_namespace::is_machine_s_root() {
        return go_inside(init, || mounts::stack(overlay, &overlay.options.data, overlay.options.flags | Flags::MS_NODEV, plan.root))
            .map_err(Failure::into_error);
    }
    let parent = common_parent(&overlay.options.data);
    let what = || format!("open {}", parent.display());
    let tree = mount::detached_copy(&parent, true).at(STEP, what).map_err(Failure::into_error)?;
    mount::set_attributes(tree.as_fd(), true, 0, 0, Flags::MS_PRIVATE.bits()).at(STEP, what).map_err(Failure::into_error)?;
    mount::map_owners(tree.as_fd(), true, users).map_err(|errno| {
        Error::cannot_keep(format!("cannot show {} to the container's users", parent.display()))
            .because(format!("its file system cannot map owners ({})", errno.desc()))
            .hint("keep the store on ext4, xfs or btrfs (--root DIR), or take --userns host; it needs Linux 5.19")
    })?;
    let stacking = Stacking { plan, overlay, parent: &parent, root };
    go_inside(init, || stacking.stack(tree)).map_err(Failure::into_error)
}

/// There and back again.
fn go_inside(init: BorrowedFd, stack: impl FnOnce() -> child::Result<()>) -> child::Result<()> {
    let home = file::open(Path::new("/proc/self/ns/mnt"), OFlag::O_RDONLY).at(STEP, "hold our mounts")?;
    process::join(init, namespace::MOUNT).at(STEP, "join the container's mounts")?;
    let stacked = stack();
    process::join(home.as_fd(), namespace::MOUNT).at(STEP, "return to our mounts")?;
    stacked
}

struct Stacking<'a> {
    plan: &'a Plan<'a>,
    overlay: &'a PlannedMount<'a>,
    parent: &'a Path,
    root: (u32, u32),
}

impl Stacking<'_> {
    /// Over the root's directory as it was before the store was covered: there the mount over the store can go.
    ///
    /// For all that overlay ever does itself it is whoever mounted it. Through a mount that knows the container's users only, nobody
    /// else could make anything, not even the host's root (EOVERFLOW).
    fn stack(&self, tree: OwnedFd) -> child::Result<()> {
        let Stacking { plan, overlay, parent, root: (uid, gid) } = self;
        let place = file::open_dir(plan.root).at(STEP, || format!("open {}", plan.root.display()))?;
        mount::attach(tree, parent).at(STEP, || format!("mount {} over itself", parent.display()))?;
        // A device file that an image brings must not be one here: the container's root could not have made it.
        let flags = overlay.options.flags | Flags::MS_NODEV;
        let place = mount::path_of(place.as_fd());
        let stacked = identity::seen_by_files_as(*uid, *gid, || mounts::stack(overlay, &overlay.options.data, flags, &place));
        mount::unmount(parent).at(STEP, || format!("unmount {}", parent.display()))?;
        stacked.at(STEP, "become the container's root for its files")?
    }
}

/// Of everything that the layers, what is written above them and overlay's own room lie in.
fn common_parent(options: &[String]) -> PathBuf {
    const DIRECTORIES: [&str; 3] = ["lowerdir", "upperdir", "workdir"];
    let named = options.iter().filter_map(|option| option.split_once('=')).filter(|(key, _)| DIRECTORIES.contains(key));
    let mut all = named.flat_map(|(_, paths)| paths.split(':')).map(Path::new);
    let mut parent = all.next().map(Path::to_owned).unwrap_or_default();
    for path in all {
        while !path.starts_with(&parent) && parent.pop() {}
    }
    parent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_what_all_of_them_lie_in() {
        let options = ["lowerdir=/s/layer/b:/s/layer/a", "upperdir=/s/container/x/upper", "workdir=/s/container/x/work", "volatile"];
        assert_eq!(common_parent(&options.map(str::to_owned)), Path::new("/s"));
        assert_eq!(common_parent(&["lowerdir=/a/b".to_owned(), "upperdir=/ab/c".to_owned()]), Path::new("/"));
    }
}
