//! The files of a container as one tree, for somebody outside who wants to read or write them: handed over as a descriptor.
//!
//! The tree is a copy of mounts that is attached nowhere. It is gone with the last descriptor of it, however its owner ends, and no
//! path of the host ever leads into it. A short-lived process makes it, because the kernel copies only mounts of the namespace
//! that one is in: that of the container where it runs, one of its own where the container rests. Nothing of the container is
//! executed, and that process opens nothing but the root.

use crate::error::{Context, Error, Result};
use crate::runtime::child::{self, At};
use crate::runtime::handshake::{self, Word};
use crate::runtime::plan::{Plan, PlannedMount};
use crate::runtime::root;
use crate::runtime::unseen;
use crate::sys::beneath::{self, Directory};
use crate::sys::mount::{self, Flags};
use crate::sys::process::{self, Forked, namespace};
use crate::sys::{channel, file};
use crate::trace::Step;
use oci_spec::runtime::Mount;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// How much of it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What the layers hold and the container has written; where something is mounted, the mount point.
    Root,
    /// With everything that is mounted.
    Everything,
}

const WHAT: &str = "cannot look into the container";
const STEP: Step = Step::EnterRoot;

/// `init`: a pidfd of the container's first process. Where that one has its root does not matter: what is shown is the root of its
/// mounts, which no chroot(2) in the container can change.
pub fn of_running(init: BorrowedFd, extent: Extent) -> Result<OwnedFd> {
    made_by_a_child(0, || {
        process::join(init, namespace::MOUNT).at(STEP, "join its mounts")?;
        whole(extent)
    })
}

/// The caller holds the container, so that nobody starts it meanwhile: two overlays on one directory would disturb each other.
pub fn of_resting(plan: &Plan, extent: Extent) -> Result<OwnedFd> {
    made_by_a_child(namespace::MOUNT, || {
        cut_off()?;
        // Mount points that are missing are made as a start would make them.
        mount::set_umask(0);
        root::show(plan)?;
        whole(extent)
    })
}

/// Layers that belong to no container, seen as one tree. `overlay`: the mount (`spec/mounts.rs`); `place`: any directory, over which it hangs
/// for a moment where only a short-lived process sees it. `part`: only this file or directory, found as a program in there would.
pub fn of_layers(overlay: &Mount, place: &Path, part: Option<&[u8]>) -> Result<OwnedFd> {
    let planned = PlannedMount::new(overlay)?;
    made_by_a_child(namespace::MOUNT, || {
        cut_off()?;
        root::stack(&planned, &planned.options.data, planned.options.flags, place)?;
        let Some(part) = part else { return mount::detached_copy(place, false).at(STEP, "take the layers") };
        let what = || format!("open {}", String::from_utf8_lossy(part));
        let held = Directory::open_root(place).and_then(|root| root.hold_inside(part)).at(STEP, what)?;
        mount::detached_tree_of(held.into_directory().as_fd(), false).at(STEP, what)
    })
}

/// A file in memory that no path leads to: who reads it is who has it mounted, and it goes with the last of them.
pub fn of_bytes(bytes: &[u8], mode: u32, owner: (u32, u32), place: &Path) -> Result<OwnedFd> {
    made_by_a_child(namespace::MOUNT, || {
        cut_off()?;
        mount::file_system("tmpfs", "tmpfs", place, Flags::empty(), "size=16m,mode=0700").at(STEP, "mount a file system in memory")?;
        let what = "write a file in memory";
        let root = Directory::open_root(place).at(STEP, what)?;
        let file = root.new_file(b"file").at(STEP, what)?;
        file::write_all(file.as_fd(), bytes).at(STEP, what)?;
        beneath::set_owner(file.as_fd(), owner.0, owner.1).at(STEP, what)?;
        beneath::set_mode(file.as_fd(), mode).at(STEP, what)?;
        mount::detached_copy(&place.join("file"), false).at(STEP, what)
    })
}

fn cut_off() -> child::Result<()> {
    mount::set_propagation(Path::new("/"), Flags::MS_REC | Flags::MS_PRIVATE).at(Step::CutMounts, "make / private")
}

fn whole(extent: Extent) -> child::Result<OwnedFd> {
    mount::detached_copy(Path::new("/"), extent == Extent::Everything).at(STEP, "take its root")
}

/// The caller has no threads (see `clone3`).
fn made_by_a_child(namespaces: u64, make: impl FnOnce() -> child::Result<OwnedFd>) -> Result<OwnedFd> {
    let (ours, theirs) = channel::pair().context(WHAT)?;
    match process::clone3(namespaces, None).context(WHAT)? {
        Forked::Child => {
            drop(ours);
            let prepared = process::die_with_parent().and_then(|()| unseen::hide_from_tracers()).at(STEP, "prepare");
            match prepared.and_then(|()| make()) {
                Err(failure) => child::fail(theirs.as_fd(), Err(failure)),
                Ok(tree) => process::exit_now(i32::from(channel::send(theirs.as_fd(), b"T", Some(tree.as_fd())).is_err())),
            }
        }
        Forked::Parent { pid, .. } => {
            drop(theirs);
            let mut word = [0; handshake::LONGEST];
            let heard = channel::receive(ours.as_fd(), &mut word);
            process::wait(pid).context(WHAT)?;
            match heard.context(WHAT)? {
                (_, Some(tree)) => Ok(tree),
                (length, None) => Err(match Word::decode(&word[..length]) {
                    Some(Word::Failed(failure)) => Error::from_errno(WHAT, failure.errno).doing(failure.what),
                    _ => Error::failed(WHAT).because("the process that should look was killed"),
                }),
            }
        }
    }
}
