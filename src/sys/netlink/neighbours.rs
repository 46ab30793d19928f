//! Who has which hardware address: rtnetlink(7).

use super::addresses::family_and_bytes;
use super::message::{CREATE, Message, REPLACE};
use std::net::IpAddr;

const NEW_NEIGHBOUR: u16 = 28;

const ADDRESS: u16 = 1;
const HARDWARE_ADDRESS: u16 = 2;

/// Nobody has to ask for him, and he is never forgotten.
pub fn permanent(neighbour: IpAddr, hardware: [u8; 6], interface: u32) -> Message {
    const PERMANENT: u16 = 0x80;
    let (family, bytes) = family_and_bytes(neighbour);
    // struct ndmsg: family, interface, state, flags, kind.
    let head = [&[family, 0, 0, 0], &interface.to_ne_bytes()[..], &PERMANENT.to_ne_bytes(), &[0, 0]].concat();
    Message::new(NEW_NEIGHBOUR, CREATE | REPLACE, &head).bytes(ADDRESS, &bytes).bytes(HARDWARE_ADDRESS, &hardware)
}
