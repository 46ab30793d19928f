//! The terminal and the three streams of a container's process.

use super::failing::{At, Result};
use crate::runtime::create::Streams;
use crate::runtime::plan::{Person, Plan};
use crate::sys::{Errno, file, inside, mount, process, pty, terminal};
use crate::trace::Step;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// Out of the container's own /dev/pts; the slave is also its /dev/console.
pub(super) fn open_terminal(plan: &Plan) -> Result<Option<(OwnedFd, OwnedFd)>> {
    let Some(pair) = open_pty(&plan.person).at(Step::OpenTerminal, "open /dev/pts/ptmx")? else { return Ok(None) };
    let console = Path::new("/dev/console");
    let target = inside::open(console, file::OFlag::O_PATH | file::OFlag::O_NOFOLLOW).at(Step::OpenTerminal, "open /dev/console")?;
    let tree = mount::detached_copy_of(pair.1.as_fd()).at(Step::OpenTerminal, "hold the terminal")?;
    mount::attach_over(tree, target.as_fd()).at(Step::OpenTerminal, "mount the terminal on /dev/console")?;
    Ok(Some(pair))
}

/// With its size from the first moment: a program that asks at once must not be told 0 by 0.
pub fn open_pty(person: &Person) -> Result<Option<(OwnedFd, OwnedFd)>, Errno> {
    if !person.terminal {
        return Ok(None);
    }
    let pair = pty::open(Path::new("/dev/pts/ptmx"))?;
    if let Some(size) = person.terminal_size {
        terminal::set_size(pair.0.as_fd(), size)?;
    }
    Ok(Some(pair))
}

/// The sources lie above 2, or are there already: whoever starts a process keeps its own three streams there.
pub(super) fn place_streams(streams: &Streams) -> Result<(), Errno> {
    let [input, output, error] = file::standard_streams();
    let sources = match *streams {
        Streams::Terminal(one) => [Some(one); 3],
        Streams::Separate { input, output, error } => [input, Some(output), Some(error)],
        Streams::Callers => [Some(input), Some(output), Some(error)],
        Streams::Nothing => [None; 3],
    };
    for (source, number) in sources.into_iter().zip(0..) {
        match source {
            // Whoever is root in the container could change the mode of the host's, through the descriptor (CVE-2026-88265).
            Some(fd) if !mount::is_null_device(fd)? => process::place(fd, number)?,
            _ => process::place(own_null_device()?.as_fd(), number)?,
        }
    }
    Ok(())
}

/// The container's, and no fifo that somebody put in its place: where it is not the real one, an empty file in memory will do.
fn own_null_device() -> Result<OwnedFd, Errno> {
    let flags = file::OFlag::O_RDWR | file::OFlag::O_NONBLOCK | file::OFlag::O_NOCTTY | file::OFlag::O_NOFOLLOW;
    match inside::open(Path::new("/dev/null"), flags) {
        Ok(null) if mount::is_null_device(null.as_fd())? => Ok(null),
        _ => process::memory_file(c"null"),
    }
}
