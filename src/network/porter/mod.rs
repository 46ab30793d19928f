//! The porter: a process beside a container that stands at its doors and knows its neighbours' names.
//!
//! ```text
//!   somebody ──► 0.0.0.0:8080 on the host ── relay, flows ──► the container's port 80
//!   the container ──► 127.0.0.11:53 in its own network ── resolver ──► places (neighbours), or the host's name servers
//! ```
//!
//! * It never enters the container: the sockets in the container's network were opened there by somebody else and handed to it.
//! * It reads what strangers send, from both sides. So it gives up every right first (`rights.rs`), and holds nothing but sockets
//!   and the directories of names. However many come, it holds a bounded number of them, and who was silent longest goes first.
//! * It is one loop that never waits for anybody (`serve.rs`). Bytes on their way stay in the kernel's buffers (`relay.rs`), so
//!   that a slow reader slows its writer and costs us nothing.
//! * A command of ours adds and takes away doors and places while it works (`control.rs`).
//!
//! The port is taken by bind(2), so nobody else can have it, `ss` shows it, and it is free when the porter has ended.

mod control;
mod doors;
mod flows;
mod forwarding;
mod holder;
mod listening;
pub mod message;
mod places;
mod relay;
mod resolver;
mod rights;
mod serve;
mod watching;

pub use control::{Answer, DoorWord, Word, tell};
pub use doors::{Closed, Open, open_doors};
pub use holder::Holder;
pub use listening::listen_for_names;
pub use places::Place;
pub use serve::serve;

use crate::options::ports::Protocol;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};

/// Where containers ask for names.
pub const NAME_SERVER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

/// What one porter does.
#[derive(Default)]
pub struct Duties {
    pub names: Option<NameDuty>,
    pub doors: Vec<Door>,
    /// Where commands of ours speak to it (`sys::socket::listen`).
    pub control: Option<OwnedFd>,
}

/// It answers the container's questions for names.
pub struct NameDuty {
    /// Both of `listen_for_names`.
    pub udp: OwnedFd,
    pub tcp: OwnedFd,
    pub places: Vec<Place>,
    /// Who is asked for the names that are in no place.
    pub upstream: Vec<SocketAddr>,
    /// Whether they are asked at all: in networks without a way out there is nobody else.
    pub forwards: bool,
}

/// A published port.
pub struct Door {
    /// Of the host: it listens (TCP) or is bound (UDP).
    pub socket: OwnedFd,
    pub protocol: Protocol,
    pub address: IpAddr,
    pub port: u16,
    /// Where in the container it leads.
    pub to: SocketAddr,
}

impl Duties {
    pub fn is_empty(&self) -> bool {
        self.names.is_none() && self.doors.is_empty()
    }

    /// The numbers of all its descriptors: nothing else of a forked process is the porter's.
    pub fn descriptors(&self) -> Vec<i32> {
        let names = self.names.iter().flat_map(|names| {
            let places = names.places.iter().map(Place::descriptor);
            places.chain([names.udp.as_raw_fd(), names.tcp.as_raw_fd()])
        });
        let doors = self.doors.iter().map(|door| door.socket.as_raw_fd());
        names.chain(doors).chain(self.control.iter().map(AsRawFd::as_raw_fd)).collect()
    }
}

#[cfg(test)]
mod tests;
