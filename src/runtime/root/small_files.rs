//! The files that are the container's own and that it may write: /etc/hosts and its like.
//!
//! They lie in a file system in memory of their own, which is gone with the container's mounts. In the run directory of the host,
//! whose memory everybody shares, a container could write one of them full until no other container starts. Here it reaches a
//! bound, and what it writes counts as its own memory. It costs 13 µs more than files there that are removed at the end.

use crate::runtime::child::{At, Result};
use crate::runtime::plan::{Plan, PlannedMount, SmallFiles};
use crate::sys::file::{self, OFlag};
use crate::sys::mount::{self, Flags, attribute};
use crate::trace::Step;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

const STEP: Step = Step::GatherSources;

/// Beside what we write ourselves: a program inside may add a few lines, as with Docker.
const ROOM: usize = 256 << 10;

/// Mounted over a directory of the host that nothing is needed from, in our own mount namespace: with the old root it goes.
pub fn write(small: &SmallFiles) -> Result<()> {
    let flags = Flags::MS_NOSUID | Flags::MS_NODEV | Flags::MS_NOEXEC;
    let options = format!("mode=755,size={}", size(small));
    mount::file_system("tmpfs", "tmpfs", small.dir, flags, &options).at(STEP, || format!("mount tmpfs on {}", small.dir.display()))?;
    fill(small, small.dir)
}

/// The same by somebody who may not go where that directory is, and only holds it.
pub fn write_over(small: &SmallFiles, place: BorrowedFd) -> Result<OwnedFd> {
    let what = || format!("mount tmpfs over {}", small.dir.display());
    let size = size(small).to_string();
    let attributes = attribute::NO_SUID | attribute::NO_DEV | attribute::NO_EXEC;
    let tree = mount::new_tree(c"tmpfs", [("mode", "755"), ("size", &size)].into_iter(), attributes).at(STEP, what)?;
    fill(small, &mount::path_of(tree.as_fd()))?;
    // Only what hangs somewhere can be copied (open_tree(2)), before Linux 6.15.
    mount::attach_over(file::duplicate(tree.as_fd()).at(STEP, what)?, place).at(STEP, what)?;
    Ok(tree)
}

fn size(small: &SmallFiles) -> usize {
    ROOM + small.files.iter().map(|(_, content)| content.len()).sum::<usize>()
}

fn fill(small: &SmallFiles, dir: &Path) -> Result<()> {
    for (name, content) in &small.files {
        let path = dir.join(name);
        let written = file::create(&path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o644);
        written.and_then(|fd| file::write_all(fd.as_fd(), content.as_bytes())).at(STEP, || format!("write {}", path.display()))?;
    }
    Ok(())
}

/// Which of them a mount shows.
pub fn name<'a>(plan: &Plan, planned: &PlannedMount<'a>) -> Option<&'a Path> {
    let small = plan.small_files.as_ref()?;
    Path::new(planned.source).strip_prefix(small.dir).ok()
}

pub fn take(all: &OwnedFd, name: &Path) -> Result<OwnedFd> {
    mount::detached_copy(&mount::path_of(all.as_fd()).join(name), false).at(STEP, || format!("hold {}", name.display()))
}
