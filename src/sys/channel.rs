//! A pair of sockets between two processes of ours that carry whole messages, with a descriptor where one is needed.

use super::socket::Name;
use nix::errno::Errno;
use nix::sys::socket::{
    self, AddressFamily, Backlog, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, recvmsg, sendmsg, socketpair,
};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
}

/// A name at which one process of ours waits for another, for its owner only.
pub fn listen(path: &Path) -> Result<OwnedFd, Errno> {
    let fd = new_socket()?;
    // bind(2) gives the name the mode of the socket's inode, so there is no moment at which others may connect: unix(7).
    nix::sys::stat::fchmod(&fd, nix::sys::stat::Mode::from_bits_truncate(0o600))?;
    let name = Name::of(path)?;
    socket::bind(fd.as_raw_fd(), name.address())?;
    socket::listen(&fd, Backlog::new(1)?)?;
    Ok(fd)
}

/// Waits for the other.
#[allow(unsafe_code)]
pub fn accept(listener: BorrowedFd) -> Result<OwnedFd, Errno> {
    loop {
        match socket::accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            // SAFETY: accept4 has just made it for us.
            Ok(raw) => return Ok(unsafe { OwnedFd::from_raw_fd(raw) }),
            Err(Errno::EINTR | Errno::ECONNABORTED) => {}
            Err(errno) => return Err(errno),
        }
    }
}

pub fn connect(path: &Path) -> Result<OwnedFd, Errno> {
    let fd = new_socket()?;
    let name = Name::of(path)?;
    loop {
        match socket::connect(fd.as_raw_fd(), name.address()) {
            Err(Errno::EINTR) => {}
            other => return other.map(|()| fd),
        }
    }
}

fn new_socket() -> Result<OwnedFd, Errno> {
    socket::socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)
}

/// Sends one message; a reader that is gone is an error, never a signal.
pub fn send(socket: BorrowedFd, message: &[u8], fd: Option<BorrowedFd>) -> Result<(), Errno> {
    let fds = fd.map(|fd| [fd.as_raw_fd()]);
    let control: Vec<ControlMessage> = fds.iter().map(|fds| ControlMessage::ScmRights(fds)).collect();
    loop {
        match sendmsg::<UnixAddr>(socket.as_raw_fd(), &[IoSlice::new(message)], &control, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
    }
}

/// Receives one message; no bytes: the other side has closed its last descriptor.
#[allow(unsafe_code)]
pub fn receive(socket: BorrowedFd, buffer: &mut [u8]) -> Result<(usize, Option<OwnedFd>), Errno> {
    let mut space = nix::cmsg_space!([i32; 1]);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = loop {
        match recvmsg::<UnixAddr>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    };
    let mut received = None;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(fds) = control {
            for fd in fds {
                // SAFETY: the kernel has just made these descriptors for us.
                received = Some(unsafe { OwnedFd::from_raw_fd(fd) });
            }
        }
    }
    Ok((message.bytes, received))
}
