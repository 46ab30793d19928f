//! The older rules of this host, those of `iptables-legacy`: only what its forward chain does in the end, and whether it speaks of us.
//!
//! The kernel gives a table as one block: a head with offsets, and entries behind each other.

#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use std::os::fd::AsRawFd;

/// The table `filter`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// What no rule of its forward chain decides about is thrown away.
    pub forward_drops: bool,
    pub bytes: Vec<u8>,
}

/// `None`: nobody has made one. It is not made by looking, as by the call that reads it.
pub fn filter(is_v4: bool) -> Option<Filter> {
    let names = if is_v4 { "/proc/net/ip_tables_names" } else { "/proc/net/ip6_tables_names" };
    let is_there = std::fs::read_to_string(names).ok()?.lines().any(|name| name == "filter");
    if is_there { read(is_v4).ok() } else { None }
}

/// struct ipt_getinfo: name, hooks, five entries, five policies (offsets), number of entries, size.
const INFO: usize = 84;
const POLICY_OF_FORWARD: usize = 32 + 4 + 20 + 2 * 4;
const SIZE: usize = 80;
/// struct ipt_get_entries, before its entries.
const HEAD: usize = 40;

fn read(is_v4: bool) -> Result<Filter, Errno> {
    const GET_INFO: i32 = 64;
    const GET_ENTRIES: i32 = 65;
    let family = if is_v4 { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let socket = socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Raw)?;
    let level = if is_v4 { libc::IPPROTO_IP } else { libc::IPPROTO_IPV6 };
    let mut info = vec![0u8; INFO];
    info[..6].copy_from_slice(b"filter");
    get(&socket, level, GET_INFO, &mut info)?;
    let size = word(&info, SIZE).ok_or(Errno::EINVAL)?;
    let mut entries = vec![0u8; HEAD + size as usize];
    entries[..6].copy_from_slice(b"filter");
    entries[32..36].copy_from_slice(&size.to_ne_bytes());
    get(&socket, level, GET_ENTRIES, &mut entries)?;
    entries.drain(..HEAD);
    let policy = word(&info, POLICY_OF_FORWARD).ok_or(Errno::EINVAL)?;
    Ok(Filter { forward_drops: drops(&entries, policy as usize, is_v4), bytes: entries })
}

/// The entry there says no more than a verdict: -1 is to drop.
fn drops(entries: &[u8], at: usize, is_v4: bool) -> bool {
    let offset = at + if is_v4 { 88 } else { 140 };
    let target = entries.get(offset..offset + 2).map(|bytes| usize::from(u16::from_ne_bytes([bytes[0], bytes[1]])));
    target.and_then(|target| word(entries, at + target + 32)) == Some(u32::MAX)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn get(socket: &impl AsRawFd, level: i32, name: i32, buffer: &mut [u8]) -> Result<(), Errno> {
    let mut length = buffer.len() as libc::socklen_t;
    // SAFETY: the buffer is as long as told, and lives until the call returns.
    let result = unsafe { libc::getsockopt(socket.as_raw_fd(), level, name, buffer.as_mut_ptr().cast(), &raw mut length) };
    Errno::result(result).map(drop)
}
