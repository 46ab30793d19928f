//! Network interfaces and their addresses, told to the kernel in messages: rtnetlink(7), netlink(7).

use crate::sys::Errno;
use nix::sys::socket::{self, AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

const NEW_LINK: u16 = 16;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const ERROR: u16 = 2;
const DONE: u16 = 3;

const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const DUMP: u16 = 0x300;
const CREATE: u16 = 0x400;

const LINK_NAME: u16 = 3;
const LINK_NAMESPACE: u16 = 28;
const ADDRESS_LABEL: u16 = 3;
const ADDRESS_TIMES: u16 = 6;
const ADDRESS_FLAGS: u16 = 8;

/// Headers of a message, of an attribute, of an address (struct ifaddrmsg).
const HEADER: usize = 16;
const ATTRIBUTE: usize = 4;
const ABOUT_ADDRESS: usize = 8;

/// Of the network namespace in which it was opened, also when its process goes to another.
pub struct Netlink(OwnedFd);

/// Of one interface; as the kernel told it, but for what says to which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    family: u8,
    prefix: u8,
    flags: u32,
    scope: u8,
    /// Kind and value.
    attributes: Vec<(u16, Vec<u8>)>,
}

impl Address {
    /// Somebody set it for good, and it is good everywhere (IFA_F_PERMANENT, RT_SCOPE_UNIVERSE).
    pub fn is_permanent_and_global(&self) -> bool {
        const PERMANENT: u32 = 0x80;
        self.flags & PERMANENT != 0 && self.scope == 0
    }
}

impl Netlink {
    pub fn open() -> Result<Netlink, Errno> {
        let fd = socket::socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
        socket::bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Netlink(fd))
    }

    /// Into another network namespace, under a name there. It is switched off then, and has no addresses.
    pub fn move_link(&self, index: u32, namespace: BorrowedFd, name: &str) -> Result<(), Errno> {
        let mut body = link(index, 0, 0);
        attribute(&mut body, LINK_NAMESPACE, &namespace.as_raw_fd().to_ne_bytes());
        attribute(&mut body, LINK_NAME, &[name.as_bytes(), &[0]].concat());
        self.ask(NEW_LINK, REQUEST | ACKNOWLEDGE, &body).map(drop)
    }

    pub fn switch_on(&self, index: u32) -> Result<(), Errno> {
        let up = libc::IFF_UP as u32;
        self.ask(NEW_LINK, REQUEST | ACKNOWLEDGE, &link(index, up, up)).map(drop)
    }

    pub fn addresses(&self, index: u32) -> Result<Vec<Address>, Errno> {
        let answers = self.ask(GET_ADDRESS, REQUEST | DUMP, &[0; ABOUT_ADDRESS])?;
        Ok(answers.iter().filter_map(|body| read_address(body, index)).collect())
    }

    pub fn add_address(&self, index: u32, address: &Address) -> Result<(), Errno> {
        let mut body = vec![address.family, address.prefix, 0, address.scope];
        body.extend(index.to_ne_bytes());
        for (kind, value) in &address.attributes {
            attribute(&mut body, *kind, value);
        }
        self.ask(NEW_ADDRESS, REQUEST | ACKNOWLEDGE | CREATE, &body).map(drop)
    }

    /// Sends one message, and hears until the kernel has said everything.
    fn ask(&self, kind: u16, flags: u16, body: &[u8]) -> Result<Vec<Vec<u8>>, Errno> {
        let length = (HEADER + body.len()) as u32;
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        // Sequence number and port: there is one question at a time, and the kernel fills the port in.
        message.extend([0; 8]);
        message.extend(body);
        socket::send(self.0.as_raw_fd(), &message, MsgFlags::empty())?;
        let mut answers = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let length = match socket::recv(self.0.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => continue,
                other => other?,
            };
            let mut rest = &buffer[..length];
            while let Some((kind, body, after)) = split_message(rest) {
                match kind {
                    DONE => return Ok(answers),
                    ERROR => {
                        return match number(body, 0).map_or(0, |code| code as i32) {
                            0 => Ok(answers),
                            code => Err(Errno::from_raw(-code)),
                        };
                    }
                    _ => answers.push(body.to_vec()),
                }
                rest = after;
            }
        }
    }
}

/// By its name, in the network namespace that we are in.
pub fn index_of(name: &str) -> Result<u32, Errno> {
    nix::net::if_::if_nametoindex(name)
}

/// struct ifinfomsg
fn link(index: u32, flags: u32, changed: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), changed.to_ne_bytes()].concat()
}

/// Everything is aligned to four bytes.
fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.extend(((ATTRIBUTE + value.len()) as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Its kind, its body, and what follows.
fn split_message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = number(bytes, 0)? as usize;
    let body = bytes.get(HEADER..length)?;
    Some((short(bytes, 4)?, body, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

fn read_address(body: &[u8], index: u32) -> Option<Address> {
    if number(body, 4)? != index {
        return None;
    }
    let mut address = Address { family: body[0], prefix: body[1], flags: u32::from(body[2]), scope: body[3], attributes: Vec::new() };
    let mut rest = body.get(ABOUT_ADDRESS..)?;
    while let Some(length) = short(rest, 0).map(usize::from).filter(|length| *length >= ATTRIBUTE) {
        let (kind, value) = (short(rest, 2)?, rest.get(ATTRIBUTE..length)?);
        match kind {
            // The label repeats the old name, and times are those of addresses that end.
            ADDRESS_LABEL | ADDRESS_TIMES => {}
            ADDRESS_FLAGS => address.flags = number(value, 0)?,
            _ => address.attributes.push((kind, value.to_vec())),
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    // What an administrator chose: no search for others that have it too, no route made for its network.
    const CHOSEN: u32 = 0x02 | 0x200;
    address.attributes.push((ADDRESS_FLAGS, (address.flags & CHOSEN).to_ne_bytes().to_vec()));
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_cuts_short_is_no_address() {
        let mut body = vec![2, 24, 0x80, 0, 7, 0, 0, 0];
        attribute(&mut body, 1, &[10, 0, 0, 1]);
        attribute(&mut body, ADDRESS_LABEL, b"eth0\0");
        let address = read_address(&body, 7).unwrap();
        assert!(address.is_permanent_and_global() && address.attributes[0] == (1, vec![10, 0, 0, 1]));
        assert_eq!(read_address(&body, 8), None);
        for length in 0..body.len() {
            let _ = read_address(&body[..length], 7);
            let _ = split_message(&body[..length]);
        }
        assert_eq!(read_address(&[&body[..8], &[200, 0, 1, 0, 1]].concat(), 7), None);
    }
}
