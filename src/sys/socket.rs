//! Unix sockets: pairs, and names in the file system that only their owner may use. Never an abstract name, which every
//! process of the network namespace could reach (CVE-2020-15257).

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::socket::{self, AddressFamily, Backlog, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr};
use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};

/// Bytes in order, without marks between them.
pub fn pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    socket::socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)
}

/// Messages: one send is one receive.
pub fn packet_pair() -> Result<(OwnedFd, OwnedFd), Errno> {
    socket::socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
}

/// Makes the name `path`, for its owner only, and waits there for clients. The listener does not block.
pub fn listen(path: &Path) -> Result<OwnedFd, Errno> {
    let fd = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    // bind(2) gives the name the mode of the socket's inode, so there is no moment at which others may connect: unix(7).
    nix::sys::stat::fchmod(&fd, nix::sys::stat::Mode::from_bits_truncate(0o600))?;
    let name = Name::of(path)?;
    socket::bind(fd.as_raw_fd(), &name.address)?;
    socket::listen(&fd, Backlog::new(16)?)?;
    Ok(fd)
}

pub fn connect(path: &Path) -> Result<OwnedFd, Errno> {
    let fd = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    let name = Name::of(path)?;
    loop {
        match socket::connect(fd.as_raw_fd(), &name.address) {
            Err(Errno::EINTR) => {}
            other => return other.map(|()| fd),
        }
    }
}

/// An address has room for 107 bytes; longer paths go through an open directory.
pub(super) struct Name {
    address: UnixAddr,
    _directory: Option<OwnedFd>,
}

impl Name {
    pub(super) fn address(&self) -> &UnixAddr {
        &self.address
    }

    pub(super) fn of(path: &Path) -> Result<Name, Errno> {
        if let Ok(address) = UnixAddr::new(path) {
            return Ok(Name { address, _directory: None });
        }
        let (Some(above), Some(last)) = (path.parent(), path.file_name()) else { return Err(Errno::EINVAL) };
        let directory = super::file::open(above, OFlag::O_PATH | OFlag::O_DIRECTORY)?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(last);
        Ok(Name { address: UnixAddr::new(&short)?, _directory: Some(directory) })
    }
}

/// The next client, if one is waiting.
#[allow(unsafe_code)]
pub fn accept(listener: BorrowedFd) -> Option<OwnedFd> {
    loop {
        match socket::accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            // SAFETY: accept4 has just made it for us.
            Ok(raw) => return Some(unsafe { OwnedFd::from_raw_fd(raw) }),
            Err(Errno::EINTR | Errno::ECONNABORTED) => {}
            Err(_) => return None,
        }
    }
}

/// Sends everything, waiting for room. A peer that is gone is an error, never a signal.
pub fn send_all(fd: BorrowedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match socket::send(fd.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Sends what fits now; EAGAIN: nothing does.
pub fn send_now(fd: BorrowedFd, bytes: &[u8]) -> Result<usize, Errno> {
    loop {
        match socket::send(fd.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

/// Waits for bytes; 0: the peer has closed.
pub fn receive(fd: BorrowedFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        match socket::recv(fd.as_raw_fd(), buffer, MsgFlags::empty()) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

/// What is there now; EAGAIN: nothing is.
pub fn receive_now(fd: BorrowedFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        match socket::recv(fd.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

/// Sends bytes (at least one) and descriptors in one message: the receiver gets its own duplicates.
pub fn send_with(fd: BorrowedFd, bytes: &[u8], descriptors: &[BorrowedFd]) -> Result<(), Errno> {
    let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control: &[ControlMessage] = if raw.is_empty() { &[] } else { &rights };
    loop {
        match socket::sendmsg::<()>(fd.as_raw_fd(), &[IoSlice::new(bytes)], control, MsgFlags::MSG_NOSIGNAL, None) {
            Ok(_) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
    }
}

/// No message of ours brings more descriptors.
const MOST_DESCRIPTORS: usize = 16;

/// The counterpart of `send_with`. Descriptors arrive closed on exec.
#[allow(unsafe_code)]
pub fn receive_with(fd: BorrowedFd, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>), Errno> {
    let mut space = nix::cmsg_space!([RawFd; MOST_DESCRIPTORS]);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = loop {
        match socket::recvmsg::<()>(fd.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    };
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(raw) = control {
            // SAFETY: the kernel has just put them into our table, and nobody else knows their numbers.
            descriptors.extend(raw.into_iter().map(|raw| unsafe { OwnedFd::from_raw_fd(raw) }));
        }
    }
    Ok((message.bytes, descriptors))
}

/// Says to the peer that nothing more will come.
pub fn finish_sending(fd: BorrowedFd) -> Result<(), Errno> {
    socket::shutdown(fd.as_fd().as_raw_fd(), socket::Shutdown::Write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_socket_with_a_long_path_can_be_made_and_reached_and_is_private() {
        let dir = std::env::temp_dir().join(format!("tare-socket-{}", std::process::id())).join("x".repeat(150));
        super::super::file::make_dirs(&dir, 0o700).unwrap();
        let path = dir.join("attach");
        let listener = listen(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(accept(listener.as_fd()).is_none());
        let client = connect(&path).unwrap();
        let server = accept(listener.as_fd()).unwrap();
        send_all(client.as_fd(), b"hello").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(receive(server.as_fd(), &mut buffer).unwrap(), 5);
        super::super::file::remove_tree(dir.parent().unwrap()).unwrap();
    }

    #[test]
    fn descriptors_travel_with_bytes() {
        let (a, b) = packet_pair().unwrap();
        let (read, write) = super::super::file::pipe().unwrap();
        send_with(a.as_fd(), b"x", &[write.as_fd()]).unwrap();
        drop(write);
        let (n, mut got) = receive_with(b.as_fd(), &mut [0; 8]).unwrap();
        assert_eq!((n, got.len()), (1, 1));
        super::super::file::write_all(got.pop().unwrap().as_fd(), b"through").unwrap();
        let mut buffer = [0; 16];
        assert_eq!(super::super::file::read(read.as_fd(), &mut buffer).unwrap(), 7);
    }

    #[test]
    fn a_peer_that_is_gone_is_an_error_and_not_a_signal() {
        let (a, b) = pair().unwrap();
        drop(b);
        assert_eq!(send_now(a.as_fd(), b"x"), Err(Errno::EPIPE));
    }
}
