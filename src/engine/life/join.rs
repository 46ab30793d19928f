//! A container comes into its networks when it starts, and leaves them when it has ended.
//!
//! ```text
//!   claim      addresses are ours before the first process is made: they stand in its /etc/hosts
//!   plug_in    while that one builds its world: bridges, cables, addresses inside, sockets, rules; then it is written down
//!   leave      cables first, then names and addresses: nobody gets the address of one that still answers
//! ```
//!
//! What is written down (`record/network.rs`) is all that somebody else needs to take it apart again.

use crate::engine::create::Made;
use crate::engine::{doors, find, networks, porter, repair};
use crate::error::{Context, Error, Result};
use crate::monitor::companion::Companion;
use crate::network::rules::Redirect;
use crate::network::{Network, Range, bridge, cable, claims, naming, rules};
use crate::options::Network as Wish;
use crate::options::networks::{Attachment, Mac};
use crate::paths::{ContainerPaths, Paths};
use crate::record::Container;
use crate::record::network::{Endpoint, Joined, Published};
use crate::store::{self, Durable};
use crate::sys::file::{self, OFlag};
use crate::sys::netlink::Netlink;
use crate::sys::process::{self, namespace};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// To pull a cable out takes the kernel 16 ms.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a container has claimed in its networks.
pub struct Claimed {
    pub networks: Vec<Network>,
    pub joined: Joined,
}

/// `None`: it is in no network of ours.
pub fn claim(paths: &Paths, record: &Container) -> Result<Option<Claimed>> {
    let Wish::Networks(attachments) = &record.wishes.network else { return Ok(None) };
    let mut claimed = Claimed { networks: Vec::new(), joined: Joined::default() };
    for attachment in attachments {
        let one = networks::find(paths, &attachment.network)
            .and_then(|network| Ok((claim_one(paths, &network, attachment, record, &claimed.joined)?, network)));
        match one {
            Ok((endpoint, network)) => {
                claimed.joined.endpoints.push(endpoint);
                claimed.networks.push(network);
            }
            Err(error) => {
                give_back(paths, &record.id, &claimed.joined);
                return Err(error);
            }
        }
    }
    Ok(Some(claimed))
}

/// `before`: where it is already.
pub fn claim_one(paths: &Paths, network: &Network, attachment: &Attachment, record: &Container, before: &Joined) -> Result<Endpoint> {
    let (mut ip, mut ip6) = (None, None);
    let claim = |range, wished| claim_address(paths, network, range, wished, &record.id);
    if let Some(range) = &network.v4 {
        let gateway = network.gateway4().filter(|_| !network.internal);
        if let IpAddr::V4(address) = claim(range, attachment.ip.map(IpAddr::from))? {
            ip = Some((address, range.subnet.length(), gateway));
        }
    }
    if let Some(range) = &network.v6 {
        let gateway = network.gateway6().filter(|_| !network.internal);
        let claimed = claim(range, attachment.ip6.map(IpAddr::from));
        let claimed = claimed.inspect_err(|_| ip.iter().for_each(|(address, ..)| claims::release(paths, &network.name, (*address).into())));
        if let IpAddr::V6(address) = claimed? {
            ip6 = Some((address, range.subnet.length(), gateway));
        }
    }
    let number = (0..).find(|number| before.endpoints.iter().all(|other| other.interface != format!("eth{number}"))).unwrap_or(0);
    let first = ip.map(|(address, ..)| IpAddr::from(address)).or(ip6.map(|(address, ..)| address.into()));
    Ok(Endpoint {
        network: network.name.clone(),
        network_id: network.id.clone(),
        interface: format!("eth{number}"),
        host_interface: naming::cable(&record.id, number),
        mac: attachment.mac.unwrap_or_else(|| Mac(cable::mac_for(first))),
        ip,
        ip6,
        names: if network.has_names() { names(record, &attachment.aliases) } else { Vec::new() },
        aliases: attachment.aliases.clone(),
    })
}

/// One that is wished may still be that of a container which has just ended: people start the next one at once.
fn claim_address(paths: &Paths, network: &Network, range: &Range, wished: Option<IpAddr>, id: &str) -> Result<IpAddr> {
    let (begun, mut is_swept) = (Instant::now(), false);
    loop {
        let claimed = claims::claim(paths, network, range, wished, id);
        let holder = wished.filter(|_| claimed.is_err()).and_then(|address| claims::holder(paths, &network.name, address));
        let is_going = |id: &String| !matches!(find::by_id(paths, id), Ok(Some(seen)) if seen.is_running());
        match holder {
            Some(holder) if !is_swept => {
                repair::doubt(paths, &holder);
                is_swept = true;
            }
            Some(holder) if begun.elapsed() < PATIENCE && is_going(&holder) => process::sleep(Duration::from_millis(1)),
            None if claimed.is_err() && wished.is_none() && !is_swept => {
                repair::sweep(paths);
                is_swept = true;
            }
            _ => return claimed,
        }
    }
}

fn names(record: &Container, aliases: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in [record.name.as_str(), &record.id[..12]].into_iter().chain(aliases.iter().map(String::as_str)) {
        let name = name.to_ascii_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

impl Claimed {
    /// Its first address of each kind.
    pub fn addresses(&self) -> (Option<Ipv4Addr>, Option<Ipv6Addr>) {
        self.joined.addresses()
    }

    pub fn has_names(&self) -> bool {
        self.networks.iter().any(Network::has_names)
    }

    /// Everything between the host and the process `pid`, which has a network namespace of its own.
    /// Who stands at its doors from then on, if it has any.
    pub fn plug_in(&mut self, paths: &Paths, made: &Made, pid: i32, init: BorrowedFd) -> Result<Option<Companion>> {
        let (record, files) = (&made.record, &made.files);
        let host = Netlink::open().context("cannot speak to the kernel's network")?;
        let namespace = open_namespace(&format!("/proc/{pid}/ns/net"))?;
        for (network, endpoint) in self.networks.iter().zip(&self.joined.endpoints) {
            let bridge = bridge::ensure(paths, network, &host, || rules::admit(paths, network))?;
            cable::plug(&host, endpoint, bridge, network.mtu, namespace.as_fd())?;
            cable::slow_down(&host, &endpoint.host_interface, record.wishes.net_rate.inward)?;
        }
        inside(&namespace, || {
            let within = Netlink::open().context("cannot speak to the container's network")?;
            let mut way_out = [true, true];
            for endpoint in &self.joined.endpoints {
                cable::configure(&within, endpoint, way_out)?;
                cable::slow_down(&within, &endpoint.interface, record.wishes.net_rate.outward)?;
                way_out[0] &= endpoint.ip.and_then(|(.., gateway)| gateway).is_none();
                way_out[1] &= endpoint.ip6.and_then(|(.., gateway)| gateway).is_none();
            }
            Ok(())
        })?;
        // Written down first: what is published is found again, and taken back, by what stands there.
        write_down(files, &self.joined)?;
        let open = doors::open(paths, &record.wishes.ports, &mut self.joined)?;
        if !open.published.is_empty() {
            self.joined.ports.clone_from(&open.published);
            write_down(files, &self.joined)?;
        }
        tell_names(paths, &record.id, &self.joined)?;
        let duties = doors::duties(paths, record, files, &self.joined, open, pid)?;
        if duties.is_empty() {
            return Ok(None);
        }
        let (paths, id) = (paths.clone(), record.id.clone());
        let again = move || doors::open_again(&paths, &id, pid);
        let hired = porter::hire(duties, init, again);
        hired.map(Some).ok_or_else(|| Error::failed("cannot start the container's porter"))
    }
}

pub fn open_namespace(path: &str) -> Result<OwnedFd> {
    file::open(Path::new(path), OFlag::O_RDONLY).with_context(|| format!("cannot open {path}"))
}

/// The container could not be started.
pub fn take_back(paths: &Paths, made: &Made, claimed: &Claimed) {
    match made.files.network().exists() {
        true => leave(paths, &made.record.id, &made.files),
        false => {
            if let Ok(host) = Netlink::open() {
                claimed.joined.endpoints.iter().for_each(|endpoint| cable::pull_out(&host, &endpoint.host_interface));
            }
            give_back(paths, &made.record.id, &claimed.joined);
        }
    }
}

/// There and back again.
pub fn inside<T>(namespace: &OwnedFd, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let home = open_namespace("/proc/self/ns/net")?;
    process::join(namespace.as_fd(), namespace::NET).context("cannot join the container's network")?;
    let done = work();
    process::join(home.as_fd(), namespace::NET).context("cannot return to the host's network")?;
    done
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
    if let Ok(host) = Netlink::open() {
        joined.endpoints.iter().for_each(|endpoint| cable::pull_out(&host, &endpoint.host_interface));
    }
    if !joined.ports.is_empty() {
        let _ = rules::withdraw(paths, &redirects(&joined));
    }
    give_back(paths, id, &joined);
    let _ = file::remove_file(&files.network());
}

pub fn give_back(paths: &Paths, id: &str, joined: &Joined) {
    forget_names(paths, id, joined);
    for endpoint in &joined.endpoints {
        endpoint.addresses().into_iter().for_each(|address| claims::release(paths, &endpoint.network, address));
    }
}
