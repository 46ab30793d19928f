//! Addresses of network interfaces: told, asked, and set.

use super::Netlink;
use super::message::{Answer, CREATE, Message, number};
use crate::sys::Errno;
use std::net::IpAddr;

const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;

const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
const LABEL: u16 = 3;
const TIMES: u16 = 6;
const FLAGS: u16 = 8;

/// struct ifaddrmsg
const HEAD: usize = 8;
/// It is used at once: nobody is asked whether he has it too (IFA_F_NODAD).
const WITHOUT_SEARCH: u32 = 0x02;

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

    /// One to be set.
    pub fn new(address: IpAddr, prefix: u8) -> Address {
        let (family, bytes) = family_and_bytes(address);
        let attributes = vec![(LOCAL, bytes.clone()), (ADDRESS, bytes), (FLAGS, WITHOUT_SEARCH.to_ne_bytes().to_vec())];
        Address { family, prefix, flags: 0, scope: 0, attributes }
    }
}

/// As the kernel takes them: AF_INET is 2, AF_INET6 is 10.
pub fn family_and_bytes(address: IpAddr) -> (u8, Vec<u8>) {
    match address {
        IpAddr::V4(address) => (libc::AF_INET as u8, address.octets().to_vec()),
        IpAddr::V6(address) => (libc::AF_INET6 as u8, address.octets().to_vec()),
    }
}

impl Netlink {
    pub fn addresses(&self, index: u32) -> Result<Vec<Address>, Errno> {
        let answers = self.ask(Message::new(GET_ADDRESS, 0, &[0; HEAD]))?;
        Ok(answers.iter().filter_map(|answer| read_address(answer, index)).collect())
    }

    pub fn add_address(&self, index: u32, address: &Address) -> Result<(), Errno> {
        let mut head = vec![address.family, address.prefix, 0, address.scope];
        head.extend(index.to_ne_bytes());
        let message = Message::new(NEW_ADDRESS, CREATE, &head);
        self.tell(address.attributes.iter().fold(message, |message, (kind, value)| message.bytes(*kind, value)))
    }
}

fn read_address(answer: &Answer, index: u32) -> Option<Address> {
    let body = &answer.body;
    if number(body, 4)? != index {
        return None;
    }
    let mut address = Address { family: body[0], prefix: body[1], flags: u32::from(body[2]), scope: body[3], attributes: Vec::new() };
    for (kind, value) in answer.attributes(HEAD) {
        match kind {
            // The label repeats the old name, and times are those of addresses that end.
            LABEL | TIMES => {}
            FLAGS => address.flags = number(value, 0)?,
            _ => address.attributes.push((kind, value.to_vec())),
        }
    }
    // What an administrator chose: no search for others that have it too, no route made for its network.
    const CHOSEN: u32 = WITHOUT_SEARCH | 0x200;
    address.attributes.push((FLAGS, (address.flags & CHOSEN).to_ne_bytes().to_vec()));
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_cuts_short_is_no_address() {
        let head = [2, 24, 0x80, 0, 7, 0, 0, 0];
        let body: Vec<u8> = [&head[..], &[8, 0, 1, 0, 10, 0, 0, 1], &[9, 0, 3, 0, b'e', b't', b'h', b'0', 0, 0, 0, 0]].concat();
        let answer = |bytes: &[u8]| Answer { kind: NEW_ADDRESS, body: bytes.to_vec() };
        let address = read_address(&answer(&body), 7).unwrap();
        assert!(address.is_permanent_and_global() && address.attributes[0] == (1, vec![10, 0, 0, 1]) && address.attributes.len() == 2);
        assert_eq!(read_address(&answer(&body), 8), None);
        for length in 0..body.len() {
            let _ = read_address(&answer(&body[..length]), 7);
        }
    }
}
