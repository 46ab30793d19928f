//! A pseudo terminal out of a particular /dev/pts: master for the watcher, slave for the container.

#![allow(unsafe_code)]

use crate::sys::file::OFlag;
use crate::sys::inside;
use nix::errno::Errno;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

/// The slave is opened through the master (TIOCGPTPEER) and never by its name, which somebody in the container
/// could exchange between the two steps (CVE-2025-52565).
pub fn open(ptmx: &Path) -> Result<(OwnedFd, OwnedFd), Errno> {
    let master = inside::open(ptmx, OFlag::O_RDWR | OFlag::O_NOCTTY)?;
    let unlock: libc::c_int = 0;
    // SAFETY: TIOCSPTLCK reads one int.
    Errno::result(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSPTLCK as _, &raw const unlock) })?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: TIOCGPTPEER takes flags by value and returns a descriptor.
    let slave = Errno::result(unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCGPTPEER as _, flags) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok((master, unsafe { OwnedFd::from_raw_fd(slave) }))
}

/// The terminal on descriptor 0 becomes the one that signals this session. The caller leads a new session.
pub fn control_session() -> Result<(), Errno> {
    // SAFETY: TIOCSCTTY takes a number; 0: never steal a terminal.
    Errno::result(unsafe { libc::ioctl(0, libc::TIOCSCTTY as _, 0) }).map(drop)
}
