//! Network interfaces: rtnetlink(7).

use super::Netlink;
use super::message::Message;
use crate::sys::Errno;
use std::os::fd::{AsRawFd, BorrowedFd};

const NEW_LINK: u16 = 16;

const NAME: u16 = 3;
const NAMESPACE: u16 = 28;

impl Netlink {
    /// Into another network namespace, under a name there. It is switched off then, and has no addresses.
    pub fn move_link(&self, index: u32, namespace: BorrowedFd, name: &str) -> Result<(), Errno> {
        let message = Message::new(NEW_LINK, 0, &head(index, 0, 0));
        self.tell(message.number(NAMESPACE, namespace.as_raw_fd() as u32).text(NAME, name))
    }

    pub fn switch_on(&self, index: u32) -> Result<(), Errno> {
        let up = libc::IFF_UP as u32;
        self.tell(Message::new(NEW_LINK, 0, &head(index, up, up)))
    }
}

/// By its name, in the network namespace that we are in.
pub fn index_of(name: &str) -> Result<u32, Errno> {
    nix::net::if_::if_nametoindex(name)
}

/// struct ifinfomsg
fn head(index: u32, flags: u32, changed: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), flags.to_ne_bytes(), changed.to_ne_bytes()].concat()
}
