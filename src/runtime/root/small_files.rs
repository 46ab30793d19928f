//! The files that are the container's own and that it may write: /etc/hosts and its like.
//!
//! They lie in a file system in memory of their own, which is gone with the container's mounts. In the run directory of the host,
//! whose memory everybody shares, a container could write one of them full until no other container starts. Here it reaches a
//! bound, and what it writes counts as its own memory. It costs 13 µs more than files there that are removed at the end.

use crate::runtime::child::{At, Result};
use crate::runtime::plan::SmallFiles;
use crate::sys::file::{self, OFlag};
use crate::sys::mount::{self, Flags};
use crate::trace::Step;
use std::os::fd::AsFd;

/// Beside what we write ourselves: a program inside may add a few lines, as with Docker.
const ROOM: usize = 256 << 10;

/// Mounted over a directory of the host that nothing is needed from, in our own mount namespace: with the old root it goes.
pub fn write(small: &SmallFiles) -> Result<()> {
    const STEP: Step = Step::GatherSources;
    let length: usize = small.files.iter().map(|(_, content)| content.len()).sum();
    let options = format!("mode=755,size={}", length + ROOM);
    let flags = Flags::MS_NOSUID | Flags::MS_NODEV | Flags::MS_NOEXEC;
    mount::file_system("tmpfs", "tmpfs", small.dir, flags, &options).at(STEP, || format!("mount tmpfs on {}", small.dir.display()))?;
    for (name, content) in &small.files {
        let path = small.dir.join(name);
        let written = file::create(&path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o644);
        written.and_then(|fd| file::write_all(fd.as_fd(), content.as_bytes())).at(STEP, || format!("write {}", path.display()))?;
    }
    Ok(())
}
