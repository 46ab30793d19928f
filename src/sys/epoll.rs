//! Waiting for very many descriptors: the kernel keeps the list, so that waking up costs as much as is ready, not as much as is open.
//! For a handful of them `poll.rs` is cheaper.

#![allow(unsafe_code)]

use nix::errno::Errno;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

pub struct Epoll(OwnedFd);

/// What a descriptor is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub read: bool,
    pub write: bool,
}

impl Wanted {
    pub const READ: Wanted = Wanted { read: true, write: false };
    pub const WRITE: Wanted = Wanted { read: false, write: true };

    pub fn anything(self) -> bool {
        self.read || self.write
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Ready {
    /// Under which it was added.
    pub number: u64,
    /// It was reset, or could not be connected.
    pub failed: bool,
}

impl Epoll {
    pub fn new() -> Result<Epoll, Errno> {
        // SAFETY: a call without pointers; the descriptor it returns is ours alone.
        Ok(Epoll(unsafe { OwnedFd::from_raw_fd(Errno::result(libc::epoll_create1(libc::EPOLL_CLOEXEC))?) }))
    }

    /// A descriptor that is closed is forgotten by itself.
    pub fn add(&self, fd: BorrowedFd, number: u64, wanted: Wanted) -> Result<(), Errno> {
        self.control(libc::EPOLL_CTL_ADD, fd, number, wanted)
    }

    pub fn change(&self, fd: BorrowedFd, number: u64, wanted: Wanted) -> Result<(), Errno> {
        self.control(libc::EPOLL_CTL_MOD, fd, number, wanted)
    }

    pub fn remove(&self, fd: BorrowedFd) -> Result<(), Errno> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, Wanted::default())
    }

    fn control(&self, what: i32, fd: BorrowedFd, number: u64, wanted: Wanted) -> Result<(), Errno> {
        let events = if wanted.read { libc::EPOLLIN } else { 0 } | if wanted.write { libc::EPOLLOUT } else { 0 };
        let mut event = libc::epoll_event { events: events as u32, u64: number };
        // SAFETY: the event lives until the call returns.
        Errno::result(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), what, fd.as_raw_fd(), &raw mut event) }).map(drop)
    }

    /// Waits until something is ready, or the time is over; `None` waits for ever.
    pub fn wait(&self, ready: &mut Vec<Ready>, milliseconds: Option<i32>) -> Result<(), Errno> {
        const AT_ONCE: usize = 64;
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; AT_ONCE];
        ready.clear();
        // SAFETY: the kernel writes at most as many events as there is room for.
        let count = unsafe { libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), AT_ONCE as i32, milliseconds.unwrap_or(-1)) };
        match Errno::result(count) {
            Ok(count) => {
                let failed = |event: &libc::epoll_event| event.events & libc::EPOLLERR as u32 != 0;
                ready.extend(events[..count as usize].iter().map(|event| Ready { number: event.u64, failed: failed(event) }));
                Ok(())
            }
            Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn what_is_ready_is_told_under_its_number() {
        let epoll = Epoll::new().unwrap();
        let (read, write) = crate::sys::file::pipe().unwrap();
        epoll.add(read.as_fd(), 7, Wanted::READ).unwrap();
        let mut ready = Vec::new();
        epoll.wait(&mut ready, Some(0)).unwrap();
        assert!(ready.is_empty());
        crate::sys::file::write_all(write.as_fd(), b"x").unwrap();
        epoll.wait(&mut ready, Some(1000)).unwrap();
        assert_eq!(ready.iter().map(|one| one.number).collect::<Vec<_>>(), [7]);
        epoll.remove(read.as_fd()).unwrap();
        epoll.wait(&mut ready, Some(0)).unwrap();
        assert!(ready.is_empty());
    }
}
