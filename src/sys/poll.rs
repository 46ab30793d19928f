//! Waiting for several descriptors at once, and for changes of a directory.
//!
//! poll(2) and not epoll: a container has a handful of descriptors, and a table in the kernel would cost more than it saves.

use nix::errno::Errno;
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// One descriptor to wait for. It keeps only the number, so that its owner may be changed while the list exists; a
/// descriptor closed meanwhile is reported as ready, and the owner finds out by using it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Watched(libc::pollfd);

impl Watched {
    pub fn new(fd: BorrowedFd, read: bool, write: bool) -> Self {
        let events = if read { libc::POLLIN } else { 0 } | if write { libc::POLLOUT } else { 0 };
        Watched(libc::pollfd { fd: fd.as_raw_fd(), events, revents: 0 })
    }
    /// Not waited for, not even for its end: fills a place in a list of fixed order.
    pub fn never() -> Self {
        Watched(libc::pollfd { fd: -1, events: 0, revents: 0 })
    }
    /// Reading will not block: there are bytes, or the end.
    pub fn can_read(&self) -> bool {
        self.0.revents & (libc::POLLIN | libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0
    }
    /// Writing will not block: there is room, or nobody to read.
    pub fn can_write(&self) -> bool {
        self.0.revents & (libc::POLLOUT | libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0
    }
    pub fn is_ready(&self) -> bool {
        self.0.revents != 0
    }
}

/// Waits until at least one is ready (then true) or the time is over (false); `None` waits for ever. A signal that was
/// handled meanwhile counts as time over.
#[allow(unsafe_code)]
pub fn poll(watched: &mut [Watched], milliseconds: Option<i32>) -> Result<bool, Errno> {
    // SAFETY: Watched is a transparent pollfd, and the length is the slice's.
    let ready = unsafe { libc::poll(watched.as_mut_ptr().cast(), watched.len() as libc::nfds_t, milliseconds.unwrap_or(-1)) };
    match Errno::result(ready) {
        Ok(count) => Ok(count > 0),
        Err(Errno::EINTR) => {
            watched.iter_mut().for_each(|one| one.0.revents = 0);
            Ok(false)
        }
        Err(e) => Err(e),
    }
}

/// Whether one descriptor has something to read right now.
pub fn has_input(fd: BorrowedFd) -> bool {
    let mut one = [Watched::new(fd, true, false)];
    matches!(poll(&mut one, Some(0)), Ok(true))
}

/// Whether everybody at the other end of a socket or pipe is gone; what they said before may still be there to be read.
pub fn has_ended(fd: BorrowedFd) -> bool {
    let mut one = [Watched::new(fd, false, false)];
    matches!(poll(&mut one, Some(0)), Ok(true))
}

/// Tells when files in some directories are made, written or removed (inotify(7)).
pub struct Changes(OwnedFd);

impl Changes {
    #[allow(unsafe_code)]
    pub fn of(directories: &[&Path]) -> Result<Self, Errno> {
        // SAFETY: a call without pointers; the descriptor it returns is ours alone.
        let changes = Changes(unsafe { OwnedFd::from_raw_fd(Errno::result(libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK))?) });
        for directory in directories {
            let name = CString::new(directory.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
            let what = libc::IN_MODIFY | libc::IN_CREATE | libc::IN_DELETE | libc::IN_MOVED_TO | libc::IN_DELETE_SELF;
            // SAFETY: the name ends with a zero byte and outlives the call.
            Errno::result(unsafe { libc::inotify_add_watch(changes.0.as_raw_fd(), name.as_ptr(), what) })?;
        }
        Ok(changes)
    }

    /// Waits for a change, but not longer than this; many changes count as one.
    pub fn wait(&self, milliseconds: i32) {
        let mut one = [Watched::new(self.0.as_fd(), true, false)];
        if let Ok(true) = poll(&mut one, Some(milliseconds)) {
            self.forget();
        }
    }

    /// The same, and not longer than somebody is at the other end of a pipe of ours. True: he is gone.
    pub fn wait_or_end(&self, listener: BorrowedFd, milliseconds: i32) -> bool {
        let mut both = [Watched::new(self.0.as_fd(), true, false), Watched::new(listener, false, false)];
        if let Ok(true) = poll(&mut both, Some(milliseconds)) {
            self.forget();
        }
        both[1].is_ready()
    }

    fn forget(&self) {
        let mut events = [0u8; 4096];
        while nix::unistd::read(&self.0, &mut events).is_ok_and(|n| n == events.len()) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ready_is_told_and_only_that() {
        let (read, write) = crate::sys::file::pipe().unwrap();
        let mut both = [Watched::new(read.as_fd(), true, false), Watched::new(write.as_fd(), false, true)];
        assert!(poll(&mut both, Some(1000)).unwrap());
        assert!(!both[0].is_ready() && both[1].can_write());
        drop(write);
        assert!(poll(&mut both[..1], Some(1000)).unwrap());
        assert!(both[0].can_read(), "the end of a pipe can be read");
    }

    #[test]
    fn time_runs_out() {
        let (read, _write) = crate::sys::file::pipe().unwrap();
        assert!(!poll(&mut [Watched::new(read.as_fd(), true, false)], Some(1)).unwrap());
        assert!(!has_input(read.as_fd()));
    }
}
