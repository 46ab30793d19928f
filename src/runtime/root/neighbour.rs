//! What two containers share of their files: /dev/shm, or the names of a network. It lives in the mounts of the one and is hung
//! up in those of the other; the host never has it.

use crate::runtime::child::{At, Result};
use crate::sys::file::{self, OFlag};
use crate::sys::mount;
use crate::sys::process::{self, namespace};
use crate::trace::Step;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// A detached copy of what is at `path` in the container of process `owner` (a pidfd).
///
/// The kernel copies only mounts of the namespace that one is in, so we go there and back. There its root is ours: a symlink that
/// the container has put on the way leads to its own files, and a link of /proc to nothing.
pub fn hold(owner: BorrowedFd, path: &Path) -> Result<OwnedFd> {
    const STEP: Step = Step::GatherSources;
    let what = || format!("take {} of the other container", path.display());
    let home = file::open(Path::new("/proc/self/ns/mnt"), OFlag::O_RDONLY).at(STEP, what)?;
    process::join(owner, namespace::MOUNT).at(STEP, what)?;
    let tree = mount::open_target(path).and_then(|target| mount::detached_copy_of(target.as_fd()));
    // Root and current directory are again those of our own mounts.
    process::join(home.as_fd(), namespace::MOUNT).at(STEP, what)?;
    tree.at(STEP, what)
}
