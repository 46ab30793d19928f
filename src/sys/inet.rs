//! Sockets of IPv4 and IPv6 that never block: what std does not offer about them.

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::sockopt::{
    IpFreebind, Ipv4PacketInfo, Ipv6RecvPacketInfo, Ipv6V6Only, KeepAlive, Linger, ReuseAddr, SocketError, TcpNoDelay,
};
use nix::sys::socket::{
    self, AddressFamily, Backlog, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, SockaddrStorage, setsockopt,
};
use std::io::{IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

fn new_socket(kind: SockType, address: &SocketAddr) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let fd = socket::socket(family, kind, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None)?;
    if address.is_ipv6() {
        // `[::]` is not also 0.0.0.0: both may be bound.
        setsockopt(&fd, Ipv6V6Only, &true)?;
    }
    Ok(fd)
}

/// Port 0: any that is free.
pub fn listen_tcp(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let fd = new_socket(SockType::Stream, &address)?;
    // Connections of one that listened here before may still be about to end.
    setsockopt(&fd, ReuseAddr, &true)?;
    socket::bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    // As many may wait to be accepted as the kernel lets (somaxconn).
    socket::listen(&fd, Backlog::MAXALLOWABLE)?;
    Ok(fd)
}

/// Tells of each datagram to which of our addresses it came.
pub fn bind_udp(address: SocketAddr) -> Result<OwnedFd, Errno> {
    let fd = new_socket(SockType::Datagram, &address)?;
    match address {
        SocketAddr::V4(_) => setsockopt(&fd, Ipv4PacketInfo, &true)?,
        SocketAddr::V6(_) => setsockopt(&fd, Ipv6RecvPacketInfo, &true)?,
    }
    socket::bind(fd.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(fd)
}

/// Both at an address of loopback, also while that is still switched off.
pub fn udp_and_tcp_early(address: SocketAddrV4) -> Result<(OwnedFd, OwnedFd), Errno> {
    let bound = |kind| {
        let fd = new_socket(kind, &address.into())?;
        setsockopt(&fd, IpFreebind, &true)?;
        setsockopt(&fd, ReuseAddr, &(kind == SockType::Stream))?;
        socket::bind(fd.as_raw_fd(), &SockaddrStorage::from(SocketAddr::from(address)))?;
        Ok(fd)
    };
    let (udp, tcp) = (bound(SockType::Datagram)?, bound(SockType::Stream)?);
    socket::listen(&tcp, Backlog::new(64)?)?;
    Ok((udp, tcp))
}

/// Its own address.
pub fn own_address(fd: BorrowedFd) -> Result<SocketAddr, Errno> {
    to_std(&socket::getsockname::<SockaddrStorage>(fd.as_raw_fd())?).ok_or(Errno::EAFNOSUPPORT)
}

/// `None`: nobody waits any more.
#[allow(unsafe_code)]
pub fn accept(listener: BorrowedFd) -> Result<Option<(OwnedFd, SocketAddr)>, Errno> {
    loop {
        match socket::accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK) {
            Ok(raw) => {
                // SAFETY: accept4 has just made it for us.
                let fd = unsafe { OwnedFd::from_raw_fd(raw) };
                // One that is gone already has no address.
                match socket::getpeername::<SockaddrStorage>(raw).ok().and_then(|peer| to_std(&peer)) {
                    Some(peer) => return Ok(Some((fd, peer))),
                    None => continue,
                }
            }
            Err(Errno::EAGAIN) => return Ok(None),
            Err(Errno::EMFILE) => return Err(Errno::EMFILE),
            Err(Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM) => return Err(Errno::ENFILE),
            // Whatever happened to that one on its way (accept(2)); the next may be well.
            Err(Errno::EINTR | Errno::ECONNABORTED | Errno::EPROTO | Errno::EHOSTUNREACH | Errno::ENETUNREACH | Errno::ENETDOWN) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Begins to connect; when it can be written, `outcome` tells how that ended. `from`: it comes from this address of ours.
pub fn connect_tcp(to: SocketAddr, from: Option<IpAddr>) -> Result<OwnedFd, Errno> {
    connect(new_socket(SockType::Stream, &to)?, to, from)
}

/// It hears only that peer.
pub fn connect_udp(to: SocketAddr, from: Option<IpAddr>) -> Result<OwnedFd, Errno> {
    connect(new_socket(SockType::Datagram, &to)?, to, from)
}

fn connect(fd: OwnedFd, to: SocketAddr, from: Option<IpAddr>) -> Result<OwnedFd, Errno> {
    if let Some(from) = from.filter(|from| from.is_ipv4() == to.is_ipv4()) {
        // If it cannot be, the kernel chooses.
        let _ = socket::bind(fd.as_raw_fd(), &SockaddrStorage::from(SocketAddr::new(from, 0)));
    }
    loop {
        match socket::connect(fd.as_raw_fd(), &SockaddrStorage::from(to)) {
            Ok(()) | Err(Errno::EINPROGRESS) => return Ok(fd),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// What went wrong with it since this was last asked.
pub fn outcome(fd: BorrowedFd) -> Result<(), Errno> {
    match socket::getsockopt(&fd, SocketError)? {
        0 => Ok(()),
        number => Err(Errno::from_raw(number)),
    }
}

/// Nothing waits to be sent in bigger pieces, and a peer that is gone without a word is noticed in the end.
pub fn be_quick_and_sure(fd: BorrowedFd) {
    let _ = setsockopt(&fd, TcpNoDelay, &true);
    let _ = setsockopt(&fd, KeepAlive, &true);
}

/// When it is closed its peer hears of a reset, not of an end.
pub fn reset_at_close(fd: BorrowedFd) {
    let _ = setsockopt(&fd, Linger, &libc::linger { l_onoff: 1, l_linger: 0 });
}

/// The same undone: what was sent arrives, and then its end.
pub fn end_at_close(fd: BorrowedFd) {
    let _ = setsockopt(&fd, Linger, &libc::linger { l_onoff: 0, l_linger: 0 });
}

/// What is there now, and stays there; EAGAIN: nothing is.
pub fn peek(fd: BorrowedFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    receive(fd, buffer, MsgFlags::MSG_PEEK)
}

/// Takes away what was peeked at, without copying it again: tcp(7), MSG_TRUNC.
pub fn discard(fd: BorrowedFd, mut count: usize) -> Result<(), Errno> {
    // Nothing is written there.
    let mut nowhere = [0u8; 1];
    while count > 0 {
        match discard_once(fd, &mut nowhere, count)? {
            0 => return Err(Errno::ECONNRESET),
            taken => count -= taken.min(count),
        }
    }
    Ok(())
}

#[allow(unsafe_code)]
fn discard_once(fd: BorrowedFd, nowhere: &mut [u8; 1], count: usize) -> Result<usize, Errno> {
    let flags = libc::MSG_TRUNC | libc::MSG_DONTWAIT;
    // SAFETY: with MSG_TRUNC the kernel throws the bytes of a TCP socket away and writes nothing, however long the buffer is said to be.
    Errno::result(unsafe { libc::recv(fd.as_raw_fd(), nowhere.as_mut_ptr().cast(), count, flags) }).map(|taken| taken as usize)
}

fn receive(fd: BorrowedFd, buffer: &mut [u8], flags: MsgFlags) -> Result<usize, Errno> {
    loop {
        match socket::recv(fd.as_raw_fd(), buffer, flags | MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub length: usize,
    pub from: SocketAddr,
    /// The address of ours to which it came, if the socket was made to tell it.
    pub to: Option<IpAddr>,
}

/// One datagram; EAGAIN: none is there.
pub fn receive_from(fd: BorrowedFd, buffer: &mut [u8]) -> Result<Arrived, Errno> {
    let mut space = nix::cmsg_space!(libc::in_pktinfo, libc::in6_pktinfo);
    let mut parts = [IoSliceMut::new(buffer)];
    let message = loop {
        match socket::recvmsg::<SockaddrStorage>(fd.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    };
    let to = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::Ipv4PacketInfo(info) => Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr)))),
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr))),
        _ => None,
    });
    let from = message.address.as_ref().and_then(to_std).ok_or(Errno::EDESTADDRREQ)?;
    Ok(Arrived { length: message.bytes, from, to: to.filter(|to| !to.is_multicast() && !to.is_unspecified()) })
}

/// One datagram, from this address of ours; `None`: the kernel chooses.
pub fn send_to(fd: BorrowedFd, bytes: &[u8], to: SocketAddr, from: Option<IpAddr>) -> Result<(), Errno> {
    let (info4, info6);
    let control = match from {
        Some(IpAddr::V4(from)) => {
            info4 = libc::in_pktinfo {
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr { s_addr: u32::from(from).to_be() },
                ipi_addr: libc::in_addr { s_addr: 0 },
            };
            Some(ControlMessage::Ipv4PacketInfo(&info4))
        }
        Some(IpAddr::V6(from)) => {
            // A link-local address means something only on its link; the peer's says on which.
            let link = match to {
                SocketAddr::V6(to) if from.is_unicast_link_local() => to.scope_id(),
                _ => 0,
            };
            info6 = libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: from.octets() }, ipi6_ifindex: link as _ };
            Some(ControlMessage::Ipv6PacketInfo(&info6))
        }
        None => None,
    };
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    loop {
        match socket::sendmsg(fd.as_raw_fd(), &[IoSlice::new(bytes)], control.as_slice(), flags, Some(&SockaddrStorage::from(to))) {
            Err(Errno::EINTR) => {}
            other => return other.map(drop),
        }
    }
}

fn to_std(address: &SockaddrStorage) -> Option<SocketAddr> {
    match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
        (Some(v4), _) => Some(SocketAddrV4::from(*v4).into()),
        (_, Some(v6)) => Some(SocketAddrV6::from(*v6).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::has_input;
    use std::os::fd::AsFd;

    fn loopback(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    #[test]
    fn what_is_peeked_at_stays_until_it_is_discarded() {
        let listener = listen_tcp(loopback(0)).unwrap();
        let client = connect_tcp(own_address(listener.as_fd()).unwrap(), None).unwrap();
        assert!(has_input(listener.as_fd()));
        let (server, peer) = accept(listener.as_fd()).unwrap().unwrap();
        assert_eq!(peer, own_address(client.as_fd()).unwrap());
        outcome(client.as_fd()).unwrap();
        crate::sys::socket::send_all(client.as_fd(), b"hello").unwrap();
        assert!(has_input(server.as_fd()));
        let mut buffer = [0; 16];
        assert_eq!(peek(server.as_fd(), &mut buffer), Ok(5));
        discard(server.as_fd(), 2).unwrap();
        assert_eq!(peek(server.as_fd(), &mut buffer), Ok(3));
        assert_eq!(&buffer[..3], b"llo");
        discard(server.as_fd(), 3).unwrap();
        assert_eq!(peek(server.as_fd(), &mut buffer), Err(Errno::EAGAIN));
        reset_at_close(client.as_fd());
        drop(client);
        assert_eq!(peek(server.as_fd(), &mut buffer), Err(Errno::ECONNRESET));
    }

    #[test]
    fn a_datagram_tells_to_which_address_it_came_and_is_answered_from_there() {
        let door = bind_udp((Ipv4Addr::UNSPECIFIED, 0).into()).unwrap();
        let port = own_address(door.as_fd()).unwrap().port();
        let asked = SocketAddr::from(([127, 0, 0, 5], port));
        let client = connect_udp(asked, None).unwrap();
        crate::sys::socket::send_now(client.as_fd(), b"x").unwrap();
        assert!(has_input(door.as_fd()));
        let arrived = receive_from(door.as_fd(), &mut [0; 8]).unwrap();
        assert_eq!((arrived.length, arrived.to), (1, Some(asked.ip())));
        send_to(door.as_fd(), b"yz", arrived.from, arrived.to).unwrap();
        // A connected socket hears nobody but the one whom it asked.
        assert!(has_input(client.as_fd()));
        assert_eq!(peek(client.as_fd(), &mut [0; 8]), Ok(2));
    }
}
