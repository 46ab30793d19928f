//! The network namespace that we are in, and its loopback interface, by the oldest and cheapest of the kernel's interfaces for it.

#![allow(unsafe_code)]

use crate::sys::file::{self, OFlag};
use crate::sys::{process, threads, user_namespace};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

/// Switches the loopback interface of this network namespace on.
pub fn loopback_up() -> Result<(), Errno> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: all zero is an empty request.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the request lives until the call returns.
    Errno::result(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) }).map(drop)
}

/// Whether the one that we began in belongs to the user namespace that we live in, so that its root may change it. Root of the machine
/// may change all.
pub fn is_own() -> bool {
    static IS_OWN: OnceLock<bool> = OnceLock::new();
    *IS_OWN.get_or_init(|| user_namespace::is_initial() || owner_is_ours().unwrap_or(false))
}

fn owner_is_ours() -> Result<bool, Errno> {
    const NS_GET_USERNS: libc::c_ulong = 0xb701;
    let network = file::open(Path::new("/proc/self/ns/net"), OFlag::O_RDONLY)?;
    // SAFETY: the result is a descriptor, or an error where the owner is further out than we can see.
    let owner = Errno::result(unsafe { libc::ioctl(network.as_raw_fd(), NS_GET_USERNS as _) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    let owner = unsafe { OwnedFd::from_raw_fd(owner) };
    let own = user_namespace::open(process::own_pid())?;
    Ok(user_namespace::number_of(owner.as_fd())? == user_namespace::number_of(own.as_fd())?)
}

/// Does the work in another network namespace. Whoever may not come back to where he is sends a thread, which is gone afterwards: every
/// thread is in a network of its own choice.
pub fn visit<T: Send>(namespace: BorrowedFd, work: impl FnOnce() -> T + Send) -> Result<T, Errno> {
    let there = || process::join(namespace, process::namespace::NET).map(|()| work());
    if is_own() {
        let home = file::open(Path::new("/proc/self/ns/net"), OFlag::O_RDONLY)?;
        let done = there();
        process::join(home.as_fd(), process::namespace::NET)?;
        return done;
    }
    alone(there)
}

/// A new one, which lives as long as somebody has it open. We stay where we are.
pub fn make() -> Result<OwnedFd, Errno> {
    alone(|| {
        process::unshare(process::namespace::NET)?;
        file::open(Path::new("/proc/thread-self/ns/net"), OFlag::O_RDONLY)
    })
}

fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let (done, ()) = threads::beside(work, || ());
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The number by which the kernel tells namespaces apart, while they live.
pub fn number_of(namespace: BorrowedFd) -> Result<u64, Errno> {
    nix::sys::stat::fstat(namespace).map(|about| about.st_ino)
}

/// The address of this host that others see when we call them: the kernel chooses it, and nothing is sent.
pub fn address_towards(somebody: SocketAddr) -> Option<std::net::IpAddr> {
    let any: SocketAddr = if somebody.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(somebody).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}
