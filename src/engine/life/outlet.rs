//! An ordinary user's container gets its way out: a pasta of its own beside its monitor, and in the container the routes to it. What it
//! does is told in `network/pasta/`.
//!
//! * The monitor's child, one for each run: it ends with its monitor (the kernel sees to it) and at the end of the run (the monitor
//!   does). When it is killed the monitor starts another one, which opens the same ports; connections of the first one are lost.
//! * Its ports are those of its start. Another pasta beside it would get the answers to its packets no more, so `port add` waits for
//!   the next start of the container.

use crate::engine::join::inside;
use crate::error::{Context, Error, Result};
use crate::monitor::companion::Companion;
use crate::network::cable;
use crate::network::pasta::{self, Outlet};
use crate::record::network::{Endpoint, Joined};
use crate::sys::netlink::{Netlink, links};
use crate::sys::{file, process};
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// One that was killed sooner than so may be killed by something that goes on: the next one comes after a pause.
const SOON: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);

/// What the container's networks want of it. `None`: no way leads out of them.
fn outlet(joined: &Joined) -> Option<Outlet> {
    let (v4, v6) = joined.addresses();
    let like = pasta::interface_with_v6();
    let v4 = v4.zip(gateway(joined, Endpoint::way_out4).and_then(to_v4));
    let v6 = v6.zip(gateway(joined, Endpoint::way_out6).and_then(to_v6)).filter(|_| like.is_some());
    let outlet = Outlet { v4, v6, ports: joined.ports.clone(), like: like.filter(|_| v6.is_some()) };
    (v4.is_some() || v6.is_some()).then_some(outlet)
}

fn gateway(joined: &Joined, way: impl Fn(&Endpoint) -> Option<IpAddr>) -> Option<IpAddr> {
    joined.endpoints.iter().find_map(way)
}

fn to_v4(address: IpAddr) -> Option<std::net::Ipv4Addr> {
    if let IpAddr::V4(address) = address { Some(address) } else { None }
}

fn to_v6(address: IpAddr) -> Option<std::net::Ipv6Addr> {
    if let IpAddr::V6(address) = address { Some(address) } else { None }
}

pub fn leads_out(joined: &Joined) -> bool {
    joined.endpoints.iter().any(|endpoint| endpoint.way_out4().or(endpoint.way_out6()).is_some())
}

/// `outward`: how fast it may send. Its ports are free at this moment.
pub fn open(joined: &Joined, namespace: &OwnedFd, outward: Option<u64>) -> Result<Option<Companion>> {
    let Some(outlet) = outlet(joined) else { return Ok(None) };
    let pidfd = open_one(&outlet, namespace, outward)?;
    let namespace = file::duplicate(namespace.as_fd()).context("cannot keep the container's network")?;
    let mut begun = Instant::now();
    let successor = move || {
        if begun.elapsed() < SOON {
            process::sleep(PAUSE);
        }
        begun = Instant::now();
        open_one(&outlet, &namespace, outward).ok()
    };
    Ok(Some(Companion { pidfd, successor: Box::new(successor) }))
}

fn open_one(outlet: &Outlet, namespace: &OwnedFd, outward: Option<u64>) -> Result<OwnedFd> {
    let pidfd = pasta::start(outlet, namespace.as_fd())?;
    let gateways: Vec<IpAddr> = outlet.gateways().collect();
    inside(namespace, || {
        let within = Netlink::open().context("cannot speak to the container's network")?;
        lead_out(&within, &gateways)?;
        cable::slow_down(&within, pasta::INTERFACE, outward)
    })?;
    Ok(pidfd)
}

/// Behind the interface is a gateway, and behind that everything.
fn lead_out(within: &Netlink, gateways: &[IpAddr]) -> Result<()> {
    const WHAT: &str = "cannot set the container's way out";
    let index = links::index_of(pasta::INTERFACE).context(WHAT)?;
    within.switch_on_for(index, pasta::MTU).context(WHAT)?;
    for gateway in gateways {
        within.add_neighbour_route(*gateway, index).context(WHAT)?;
        within.add_impatient_default_route(*gateway, index, pasta::SHORTEST_WAIT).context(WHAT)?;
    }
    Ok(())
}

/// In a container whose networks have changed. One that began without a way out gets one at its next start.
pub fn follow(before: &Joined, now: &Joined) -> Result<()> {
    let gateways = |joined: &Joined| outlet(joined).map(|outlet| outlet.gateways().collect::<Vec<_>>()).unwrap_or_default();
    let (was, is) = (gateways(before), gateways(now));
    let Ok(index) = links::index_of(pasta::INTERFACE) else { return Ok(()) };
    if was == is {
        return Ok(());
    }
    let within = Netlink::open().context("cannot speak to the container's network")?;
    // With it go its routes.
    within.switch_off(index).context("cannot close the container's way out")?;
    if is.is_empty() { Ok(()) } else { lead_out(&within, &is) }
}

/// Ports lead in where pasta leads out.
pub fn check_ports(joined: &Joined) -> Result<()> {
    match joined.ports.is_empty() || leads_out(joined) {
        true => Ok(()),
        false => Err(nobody_comes_in()),
    }
}

pub fn nobody_comes_in() -> Error {
    Error::cannot_keep("cannot publish ports of the container")
        .because("it is in internal networks only, and nobody from outside comes into those of an ordinary user")
        .hint("put it into one more network: --network bridge")
}
