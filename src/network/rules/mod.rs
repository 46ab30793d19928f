//! The rules that the kernel keeps for us: who may reach whom, under which address containers leave, and the fast way of packets to
//! published ports. No rule of ours ever accepts what the host would drop.
//!
//! # The way of a first packet to a published port
//!
//! A packet that is redirected where it comes in never meets the host's input chains, so a drop there would not be heard: the hole
//! of other engines (moby#22054). Ours meets both chains of the host, and keeps its sender:
//!
//! 1. It comes in and meets the host's input chains, for it is sent to an address of the host. Then, last of all, our chain `last`:
//!    it is new, it is not the host's own nor a container's, and its port is published. `again` marks it with the number of its
//!    interface, lets a copy out at the door (`door.rs`), and drops it.
//! 2. The copy comes in at the other end of the door. A filter there sees the mark, and the packet begins anew at the interface
//!    where it came in the first time: the host's `iifname` and `rp_filter` see what is true.
//! 3. Our chain `pre` knows it by its mark, takes that away, and redirects it to the container. The host's forward chains decide about
//!    it as about any packet that is not for this host.
//!
//! Every packet after it follows the first, as conntrack remembers. What comes from the host itself and from containers goes through
//! the porter, a process with a listening socket; so does everything where the kernel lacks something of this.
//!
//! # Who changes what
//!
//! An ordinary user has none: his bridges lie where no way leads out (`switchboard.rs`), and ports are pasta's business.
//!
//! Nobody holds a lock. Tables, chains and rules are made once, by whoever finds them missing; what is changed are elements of
//! sets, each of which belongs to one network or port. A batch happens as a whole or not at all.

mod door;
mod elements;
mod place;
mod tables;
mod wholeness;

use super::{Network, switchboard};
use crate::error::Result;
use crate::options::ports::Protocol;
use crate::paths::Paths;
use crate::sys::Errno;
use crate::sys::netlink::nftables::{Batch, Family};
use place::{Part, Place};
use std::net::{IpAddr, SocketAddr};
pub use wholeness::is_whole;

/// From an address and port of this host to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Redirect {
    /// 0.0.0.0 or `::` is every one of its kind.
    pub address: IpAddr,
    pub protocol: Protocol,
    pub host: u16,
    pub to: SocketAddr,
}

impl Redirect {
    /// One between IPv4 and IPv6 is the porter's alone.
    fn family(&self) -> Option<Family> {
        let family = Family::of(self.address);
        (family == Family::of(self.to.ip())).then_some(family)
    }
}

/// What belongs to a network. That it is there already is the usual case, and costs one short batch.
pub fn admit(paths: &Paths, network: &Network) -> Result<()> {
    if switchboard::is_needed() {
        return Ok(());
    }
    let place = Place::open(paths)?;
    let added = place.add(&place.of_networks(std::slice::from_ref(network)), &[Part::Ground]);
    added.map_err(|refused| place::refusal(refused.first(), format!("cannot make the rules of network {}", network.name)))
}

/// Nothing is left that belongs to it.
pub fn forget(paths: &Paths, network: &Network) -> Result<()> {
    if switchboard::is_needed() {
        return Ok(());
    }
    let place = Place::open(paths)?;
    let deleted = place.delete(&place.of_networks(std::slice::from_ref(network)));
    deleted.map_err(|refused| place::refusal(refused.first(), format!("cannot take away the rules of network {}", network.name)))
}

/// This kernel has everything that the rules of published ports need. Where it has not, the porter serves them alone: whoever
/// comes from outside has the address of the host then, as far as a container sees.
pub fn is_possible(paths: &Paths) -> bool {
    Place::open(paths).is_ok_and(|place| place.can_publish())
}

/// From now on packets from outside come to the container. Whoever calls holds the ports (by listening at them): what another
/// one has left behind is replaced.
///
/// An error of the kind `CannotKeep` says that this kernel lacks something; the porter serves these ports nevertheless.
pub fn publish(paths: &Paths, redirects: &[Redirect]) -> Result<()> {
    const PARTS: &[Part] = &[Part::Publishing, Part::Ground];
    if switchboard::is_needed() {
        return Ok(());
    }
    let place = Place::open(paths)?;
    let elements = place.of_redirects(redirects);
    if elements.is_empty() {
        return Ok(());
    }
    let mut added = place.add(&elements, PARTS);
    for _ in 0..10 {
        match &added {
            // Another value stands there.
            Err(refused) if refused.only(Errno::EBUSY) || refused.only(Errno::EEXIST) => {
                added = place.delete(&elements).and_then(|()| place.add(&elements, PARTS));
            }
            _ => break,
        }
    }
    added.map_err(|refused| place::refusal(refused.first(), "cannot make the rules of published ports"))?;
    place.open_door().inspect_err(|_| {
        // Packets would be lost where no door is.
        let _ = withdraw(paths, redirects);
    })
}

/// They lead nowhere from now on. What is gone already is fine, and so is a port that leads to somebody else by now: it is his.
/// With the last one goes the door.
pub fn withdraw(paths: &Paths, redirects: &[Redirect]) -> Result<()> {
    if switchboard::is_needed() {
        return Ok(());
    }
    let place = Place::open(paths)?;
    let deleted = place.delete_if_unchanged(&place.of_redirects(redirects));
    deleted.map_err(|refused| place::refusal(refused.first(), "cannot take away the rules of published ports"))?;
    place.close_door_if_unused()
}

/// Our tables as they should be, in the place of whatever is there, at once: no packet meets half of them.
pub fn rebuild(paths: &Paths, networks: &[Network], redirects: &[Redirect]) -> Result<()> {
    if switchboard::is_needed() {
        return Ok(());
    }
    let place = Place::open(paths)?;
    let mut redirected = place.of_redirects(redirects);
    if !redirected.is_empty() && !place.can_publish() {
        redirected.clear();
    }
    let mut batch = Batch::default();
    for table in place.tables() {
        // What is not there cannot be removed.
        batch.extend([table.make(), table.remove()]);
        batch.extend(place.messages_of(&table, Part::Ground));
        if redirected.iter().any(|owned| owned.table == table) {
            batch.extend(place.messages_of(&table, Part::Publishing));
        }
    }
    batch.extend(place.of_networks(networks).iter().chain(&redirected).map(|owned| owned.add()));
    place.commit(&batch).map_err(|refused| place::refusal(refused.first(), "cannot make the rules of networks anew"))?;
    match redirected.is_empty() {
        true => place.close_door_if_unused(),
        false => place.open_door(),
    }
}
