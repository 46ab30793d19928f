//! Messages without a connection, at a name in the file system or an abstract one: how services tell systemd how they are.

use super::socket::Name;
use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr};
use nix::sys::stat::{Mode, fchmod};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

/// Listens at `path`, where everybody may speak who can reach it.
pub fn bind(path: &Path) -> Result<OwnedFd, Errno> {
    let fd = new_socket()?;
    // bind(2) gives the name the mode of the socket's inode: unix(7). The umask takes nothing away then.
    fchmod(&fd, Mode::from_bits_truncate(0o777))?;
    let umask = nix::sys::stat::umask(Mode::empty());
    let bound = socket::bind(fd.as_raw_fd(), Name::of(path)?.address());
    nix::sys::stat::umask(umask);
    bound.map(|()| fd)
}

/// `@name` is an abstract one: sd_notify(3).
pub fn send_to(name: &str, message: &[u8]) -> Result<(), Errno> {
    let fd = new_socket()?;
    let send = |address: &UnixAddr| socket::sendto(fd.as_raw_fd(), message, address, MsgFlags::MSG_NOSIGNAL).map(drop);
    match name.strip_prefix('@') {
        Some(name) => send(&UnixAddr::new_abstract(name.as_bytes())?),
        None => send(Name::of(Path::new(name))?.address()),
    }
}

fn new_socket() -> Result<OwnedFd, Errno> {
    socket::socket(AddressFamily::Unix, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)
}
