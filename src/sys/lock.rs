//! Locks that end with their holder, however he ends: they belong to an open file, and the kernel takes them back with it.

use nix::errno::Errno;
use nix::fcntl::{self, FcntlArg};
use std::os::fd::{AsRawFd, BorrowedFd};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Alone,
    /// With others who share it.
    Shared,
}

/// A lock on an open file description: a fork shares it. Returns false when somebody else holds it and `wait` is false.
/// Who has it already changes its kind in one step.
pub fn take(fd: BorrowedFd, kind: Kind, wait: bool) -> Result<bool, Errno> {
    let lock = whole_file(if kind == Kind::Alone { libc::F_WRLCK } else { libc::F_RDLCK });
    loop {
        let call = if wait { FcntlArg::F_OFD_SETLKW(&lock) } else { FcntlArg::F_OFD_SETLK(&lock) };
        match fcntl::fcntl(fd, call) {
            Ok(_) => return Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) if !wait => return Ok(false),
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
    }
}

/// Alone, for a directory, waiting: record locks want a file that can be written, flock(2) does not.
#[allow(unsafe_code)]
pub fn take_dir(dir: BorrowedFd) -> Result<(), Errno> {
    loop {
        // SAFETY: numbers.
        match Errno::result(unsafe { libc::flock(dir.as_raw_fd(), libc::LOCK_EX) }) {
            Err(Errno::EINTR) => {}
            other => return other.map(drop),
        }
    }
}

/// Whether somebody else holds the lock; looking changes nothing.
pub fn is_taken(fd: BorrowedFd) -> Result<bool, Errno> {
    let mut lock = whole_file(libc::F_WRLCK);
    fcntl::fcntl(fd, FcntlArg::F_OFD_GETLK(&mut lock))?;
    Ok(lock.l_type != libc::F_UNLCK as libc::c_short)
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock { l_type: kind as libc::c_short, l_whence: libc::SEEK_SET as libc::c_short, l_start: 0, l_len: 0, l_pid: 0 }
}
