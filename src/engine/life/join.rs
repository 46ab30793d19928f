//! A container comes into its networks when it starts, and leaves them when it has ended.
//!
//! ```text
//!   claim      addresses are ours before the first process is made: they stand in its /etc/hosts (`claim.rs`)
//!   plug_in    while that one builds its world: bridges, cables, addresses inside, sockets, rules; then it is written down
//!   leave      cables first, then names and addresses: nobody gets the address of one that still answers
//! ```
//!
//! What is written down (`record/network.rs`) is all that somebody else needs to take it apart again.

use crate::engine::claim::Claimed;
use crate::engine::create::Made;
use crate::engine::{doors, outlet, porter};
use crate::error::{Context, Error, Result};
use crate::monitor::companion::Companion;
use crate::network::porter::Open;
use crate::network::rules::Redirect;
use crate::network::{bridge, cable, claims, rules, switchboard};
use crate::paths::{ContainerPaths, Paths};
use crate::record::Container;
use crate::record::network::{Joined, Published};
use crate::store::{self, Durable};
use crate::sys::file::{self, OFlag};
use crate::sys::netlink::Netlink;
use crate::sys::network;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

impl Claimed {
    /// Everything between the host and the network namespace of the process `pid`.
    pub fn plug_in(&mut self, paths: &Paths, made: &Made, pid: i32, namespace: &OwnedFd, init: BorrowedFd) -> Result<Plugged> {
        let (record, files) = (&made.record, &made.files);
        let board = switchboard::hold(paths)?;
        switchboard::at(board.as_ref(), || self.lay_cables(paths, record, namespace, board.is_some()))?;
        inside(namespace, || self.configure(record, board.is_some()))?;
        let open = doors::open(paths, &record.wishes.ports, &self.joined)?;
        self.joined.ports.clone_from(&open.published);
        // Before the rules: those are found again, and taken back, by what stands here.
        write_down(files, &self.joined)?;
        let mut companions = Vec::new();
        let doors = match board {
            None => {
                doors::lead_in(paths, files, &mut self.joined, &open.published)?;
                open
            }
            // Its ports were ours until now, so nobody else has got them.
            Some(_) => {
                drop(open);
                outlet::check_ports(&self.joined)?;
                companions.extend(outlet::open(&self.joined, namespace, record.wishes.net_rate.outward)?);
                Open::default()
            }
        };
        tell_names(paths, &record.id, &self.joined)?;
        let duties = doors::duties(paths, record, files, &self.joined, doors, namespace)?;
        if !duties.is_empty() {
            let (paths, id) = (paths.clone(), record.id.clone());
            let again = move || doors::open_again(&paths, &id, pid);
            companions.push(porter::hire(duties, init, again).ok_or_else(|| Error::failed("cannot start the container's porter"))?);
        }
        Ok(Plugged { companions, board })
    }

    /// Where the bridges lie.
    fn lay_cables(&self, paths: &Paths, record: &Container, namespace: &OwnedFd, is_plain: bool) -> Result<()> {
        let host = Netlink::open().context("cannot speak to the kernel's network")?;
        for (network, endpoint) in self.networks.iter().zip(&self.joined.endpoints) {
            let bridge = bridge::ensure(paths, network, &host, is_plain, || rules::admit(paths, network))?;
            cable::plug(&host, endpoint, bridge, network.mtu, namespace.as_fd())?;
            cable::slow_down(&host, &endpoint.host_interface, record.wishes.net_rate.inward)?;
        }
        Ok(())
    }

    /// In the container. `by_outlet`: no cable leads out, something else does.
    fn configure(&self, record: &Container, by_outlet: bool) -> Result<()> {
        let within = Netlink::open().context("cannot speak to the container's network")?;
        let mut way_out = [!by_outlet; 2];
        for endpoint in &self.joined.endpoints {
            cable::configure(&within, endpoint, way_out)?;
            cable::slow_down(&within, &endpoint.interface, record.wishes.net_rate.outward)?;
            way_out[0] &= endpoint.ip.and_then(|(.., gateway)| gateway).is_none();
            way_out[1] &= endpoint.ip6.and_then(|(.., gateway)| gateway).is_none();
        }
        Ok(())
    }
}

/// What a container in its networks has beside it as long as it runs.
#[derive(Default)]
pub struct Plugged {
    /// Who stands at its doors, and who leads it out.
    pub companions: Vec<Companion>,
    /// Where an ordinary user's bridges lie: there for as long as somebody holds it.
    pub board: Option<OwnedFd>,
}

pub fn open_namespace(path: &str) -> Result<OwnedFd> {
    file::open(Path::new(path), OFlag::O_RDONLY).with_context(|| format!("cannot open {path}"))
}

/// The container could not be started.
pub fn take_back(paths: &Paths, made: &Made, claimed: &Claimed) {
    match made.files.network().exists() {
        true => leave(paths, &made.record.id, &made.files),
        false => {
            pull_out(paths, &claimed.joined);
            give_back(paths, &made.record.id, &claimed.joined);
        }
    }
}

/// There and back again.
pub fn inside<T: Send>(namespace: &OwnedFd, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    network::visit(namespace.as_fd(), work).context("cannot visit the container's network")?
}

pub fn write_down(files: &ContainerPaths, joined: &Joined) -> Result<()> {
    store::write_json(&files.network(), joined, Durable::No)
}

pub fn written(files: &ContainerPaths) -> Option<Joined> {
    store::read_json(&files.network()).ok().flatten()
}

pub fn tell_names(paths: &Paths, id: &str, joined: &Joined) -> Result<()> {
    for endpoint in &joined.endpoints {
        let own = endpoint.addresses();
        for name in &endpoint.names {
            claims::name(paths, &endpoint.network, name, id, &own)?;
        }
    }
    Ok(())
}

/// Where its published ports lead, for the rules.
pub fn redirects(joined: &Joined) -> Vec<Redirect> {
    let (v4, v6) = joined.addresses();
    let to = |published: &Published| match published.address {
        IpAddr::V4(_) => v4.map(IpAddr::from),
        IpAddr::V6(_) => v6.map(IpAddr::from),
    };
    let redirect = |published: &Published| {
        let to = SocketAddr::new(to(published)?, published.container);
        Some(Redirect { address: published.address, protocol: published.protocol, host: published.host, to })
    };
    joined.ports.iter().filter_map(redirect).collect()
}

/// Nobody finds it any more.
pub fn forget_names(paths: &Paths, id: &str, joined: &Joined) {
    for endpoint in &joined.endpoints {
        endpoint.names.iter().for_each(|name| claims::forget_name(paths, &endpoint.network, name, id));
    }
}

/// It has ended: what others could meet goes before what they could get.
pub fn leave(paths: &Paths, id: &str, files: &ContainerPaths) {
    let Some(joined) = written(files) else {
        // Cut off before it was written down.
        if paths.live_networks().exists() {
            claims::release_all(paths, id);
        }
        return;
    };
    pull_out(paths, &joined);
    if !joined.ports.is_empty() {
        let _ = rules::withdraw(paths, &redirects(&joined));
    }
    give_back(paths, id, &joined);
    let _ = file::remove_file(&files.network());
}

pub fn pull_out(paths: &Paths, joined: &Joined) {
    let _ = switchboard::visit(paths, || {
        let host = Netlink::open().context("cannot speak to the kernel's network")?;
        joined.endpoints.iter().for_each(|endpoint| cable::pull_out(&host, &endpoint.host_interface));
        Ok(())
    });
}

pub fn give_back(paths: &Paths, id: &str, joined: &Joined) {
    forget_names(paths, id, joined);
    for endpoint in &joined.endpoints {
        endpoint.addresses().into_iter().for_each(|address| claims::release(paths, &endpoint.network, address));
    }
}
