//! A container's networks change, also while it runs. What is done is written down with it, for its next start.

use crate::engine::join::{self, inside, open_namespace};
use crate::engine::{amend, claim, kill, outlet, republish, retell};
use crate::error::{Context, Error, Result};
use crate::network::{Network, bridge, cable, claims, rules, switchboard};
use crate::options::Network as Wish;
use crate::options::networks::{Attachment, NetRate};
use crate::paths::{ContainerPaths, Paths};
use crate::record::network::{Change, Endpoint, Joined};
use crate::record::{Container, Live, Seen};
use crate::sys::netlink::{Netlink, links};
use crate::sys::signal;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};

pub fn connect(paths: &Paths, seen: &Seen, network: &Network, attachment: &Attachment) -> Result<()> {
    let what = || format!("cannot connect container {} to network {}", seen.record.name, network.name);
    has_own_network(&seen.record).map_err(|error| error.context(what()))?;
    if seen.record.wishes.attachments().iter().any(|other| other.network == network.name) {
        return Err(Error::conflict(what()).because("it is in it already"));
    }
    let plug = |live: Option<&Live>| match live {
        None => Ok(amend::nothing()),
        Some(live) => plug_in(paths, seen, live, network, attachment),
    };
    let change = Change::Connected(attachment.clone());
    amend::amend_with(paths, seen, &plug, &|amended| amended.networks.push(change.clone())).map_err(|error| error.context(what()))
}

pub fn disconnect(paths: &Paths, seen: &Seen, network: &str) -> Result<()> {
    let what = || format!("cannot disconnect container {} from network {network}", seen.record.name);
    if !seen.record.wishes.attachments().iter().any(|other| other.network == network) {
        return Err(Error::no_such(what()).because("it is not in it"));
    }
    let unplug = |live: Option<&Live>| match live {
        None => Ok(amend::nothing()),
        Some(live) => unplug(paths, seen, live, network).map(|()| amend::nothing()),
    };
    let change = Change::Disconnected(network.to_owned());
    amend::amend_with(paths, seen, &unplug, &|amended| amended.networks.push(change.clone())).map_err(|error| error.context(what()))
}

fn has_own_network(record: &Container) -> Result<()> {
    match &record.wishes.network {
        Wish::Host => Err(Error::conflict("it shares the host's network")),
        Wish::Container(other) => Err(Error::conflict(format!("it shares the network of container {other:.12}"))),
        Wish::None | Wish::Networks(_) => Ok(()),
    }
}

/// The network namespace of its first process, which lives: so the number was its own all the time.
fn namespace_of(live: &Live) -> Result<OwnedFd> {
    let first = kill::first_process(live).context("it has just ended")?;
    let namespace = open_namespace(&format!("/proc/{}/ns/net", live.pid))?;
    signal::send(first.as_fd(), 0).context("it has just ended")?;
    Ok(namespace)
}

fn plug_in(paths: &Paths, seen: &Seen, live: &Live, network: &Network, attachment: &Attachment) -> Result<amend::Undo> {
    let files = seen.files(paths);
    let mut joined = join::written(&files).unwrap_or_default();
    let namespace = namespace_of(live)?;
    let endpoint = claim::claim_one(paths, network, attachment, &seen.record, &joined)?;
    let way_out = [has_no_way(&joined, Endpoint::way_out4), has_no_way(&joined, Endpoint::way_out6)];
    let before = joined.clone();
    joined.endpoints.push(endpoint.clone());
    let plugged = plug_one(paths, network, &endpoint, &namespace, way_out, seen.record.wishes.net_rate)
        .and_then(|()| if switchboard::is_needed() { inside(&namespace, || outlet::follow(&before, &joined)) } else { Ok(()) })
        .and_then(|()| join::write_down(&files, &joined));
    let (undo_paths, undo_files, id, plugged_in) = (paths.clone(), files.clone(), seen.record.id.clone(), endpoint.clone());
    let undo = move || drop(pull_out(&undo_paths, &undo_files, &id, joined, &plugged_in));
    let told = plugged.and_then(|()| {
        let now = join::written(&files).unwrap_or_default();
        join::tell_names(paths, &seen.record.id, &now)?;
        let init = kill::first_process(live).context("it has just ended")?;
        retell::come_into(paths, seen, live, init.as_fd(), &now, &endpoint)
    });
    match told {
        Ok(()) => Ok(Box::new(undo)),
        Err(error) => {
            undo();
            Err(error)
        }
    }
}

fn has_no_way(joined: &Joined, way: impl Fn(&Endpoint) -> Option<IpAddr>) -> bool {
    joined.endpoints.iter().all(|endpoint| way(endpoint).is_none())
}

fn plug_one(paths: &Paths, network: &Network, endpoint: &Endpoint, namespace: &OwnedFd, way_out: [bool; 2], rate: NetRate) -> Result<()> {
    let is_plain = switchboard::is_needed();
    let plugged = switchboard::visit(paths, || {
        let host = Netlink::open().context("cannot speak to the kernel's network")?;
        let index = bridge::ensure(paths, network, &host, is_plain, || rules::admit(paths, network))?;
        cable::plug(&host, endpoint, index, network.mtu, namespace.as_fd())?;
        cable::slow_down(&host, &endpoint.host_interface, rate.inward)
    })?;
    plugged.ok_or_else(|| Error::failed("the networks' namespace is gone").hint("start the container again"))?;
    inside(namespace, || {
        let within = Netlink::open().context("cannot speak to the container's network")?;
        cable::configure(&within, endpoint, way_out.map(|leads_out| leads_out && !is_plain))?;
        cable::slow_down(&within, &endpoint.interface, rate.outward)
    })
}

fn unplug(paths: &Paths, seen: &Seen, live: &Live, network: &str) -> Result<()> {
    let files = seen.files(paths);
    let Some(joined) = join::written(&files) else { return Ok(()) };
    let Some(endpoint) = joined.endpoints.iter().find(|endpoint| endpoint.network == network).cloned() else { return Ok(()) };
    let namespace = namespace_of(live)?;
    let rest = pull_out(paths, &files, &seen.record.id, joined.clone(), &endpoint);
    retell::go_out_of(&files, &endpoint);
    if switchboard::is_needed() {
        return inside(&namespace, || outlet::follow(&joined, &rest));
    }
    republish::lead_elsewhere(paths, seen, live, &joined, &rest)?;
    inside(&namespace, || find_another_way_out(&rest, &endpoint))
}

/// What is left.
fn pull_out(paths: &Paths, files: &ContainerPaths, id: &str, mut joined: Joined, endpoint: &Endpoint) -> Joined {
    let gone = Joined { endpoints: vec![endpoint.clone()], ..Joined::default() };
    join::pull_out(paths, &gone);
    join::give_back(paths, id, &gone);
    joined.endpoints.retain(|other| other.interface != endpoint.interface);
    let _ = join::write_down(files, &joined);
    joined
}

/// With the cable went the route over it.
fn find_another_way_out(rest: &Joined, gone: &Endpoint) -> Result<()> {
    let within = Netlink::open().context("cannot speak to the container's network")?;
    for way in [Endpoint::way_out4, Endpoint::way_out6] {
        if way(gone).is_none() {
            continue;
        }
        if let Some((endpoint, gateway)) = rest.endpoints.iter().find_map(|endpoint| Some((endpoint, way(endpoint)?))) {
            let index = links::index_of(&endpoint.interface).context("the container has lost an interface")?;
            // The one that is there already is as good.
            let _ = within.add_default_route(gateway, index);
        }
    }
    Ok(())
}

/// It is called otherwise from now on.
pub fn rename(paths: &Paths, files: &ContainerPaths, record: &Container, old: &str) -> Result<()> {
    let Some(mut joined) = join::written(files) else { return Ok(()) };
    let (old, new) = (old.to_ascii_lowercase(), record.name.to_ascii_lowercase());
    for endpoint in joined.endpoints.iter_mut().filter(|endpoint| !endpoint.names.is_empty()) {
        if !endpoint.aliases.contains(&old) {
            endpoint.names.retain(|name| *name != old);
            claims::forget_name(paths, &endpoint.network, &old, &record.id);
        }
        if !endpoint.names.contains(&new) {
            endpoint.names.insert(0, new.clone());
        }
    }
    join::write_down(files, &joined)?;
    join::tell_names(paths, &record.id, &joined)
}
