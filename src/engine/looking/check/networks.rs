//! What the kernel has lost of our networks (somebody has removed a bridge, a firewall was loaded anew), and what is left in them of
//! containers that are gone.

use super::containers::at_rest;
use super::{What, Wrong};
use crate::engine::{join, networks};
use crate::error::{Context, Error, Result};
use crate::network::foreign::{self, Obstacle};
use crate::network::rules::{self, Redirect};
use crate::network::{self, Network, bridge, claims, switchboard};
use crate::paths::{ContainerPaths, Paths};
use crate::record::network::Joined;
use crate::sys::netlink::Netlink;
use std::collections::{BTreeMap, BTreeSet};

pub fn look(paths: &Paths) -> Result<Vec<Wrong>> {
    let mut found = Vec::new();
    for network in claims::all_live(paths) {
        for id in holders(paths, &network).into_iter().filter(|id| is_gone(paths, id)) {
            let shown = format!("network {network}, container {}", id.get(..12).unwrap_or(&id));
            found.push(Wrong::new(What::PlaceOfNobody, id, shown));
        }
    }
    let running = running(paths);
    if running.is_empty() {
        return Ok(found);
    }
    let in_use = in_use(paths, &running);
    let lost = || Ok(in_use.iter().filter(|network| !is_plugged(paths, network, &running)).collect::<Vec<_>>());
    let lost = switchboard::visit(paths, lost)?.unwrap_or_else(|| in_use.iter().collect());
    found.extend(lost.iter().map(|network| Wrong::new(What::BridgeGone, &network.name, format!("network {}", network.name))));
    if rules::is_whole(paths, &in_use, &redirects(&running)).is_ok_and(|whole| !whole) {
        found.push(Wrong::new(What::RulesGone, "", "rules of the networks"));
    }
    Ok(found)
}

/// What others on this host keep from our containers, where there are any in a network. It is not ours to put right.
pub fn obstacles(paths: &Paths) -> Vec<Obstacle> {
    if running(paths).values().all(|joined| joined.endpoints.is_empty()) {
        return Vec::new();
    }
    if switchboard::is_needed() {
        return Vec::new();
    }
    [foreign::obstacles(), network::routes_across(paths).unwrap_or_default()].concat()
}

fn holders(paths: &Paths, network: &str) -> BTreeSet<String> {
    let named = claims::named(paths, network).into_iter().map(|(_, id)| id);
    claims::holders(paths, network).into_iter().map(|(_, id)| id).chain(named).collect()
}

/// One that is being made, or taken apart, is held.
fn is_gone(paths: &Paths, id: &str) -> bool {
    at_rest(paths, id) && join::written(&ContainerPaths::new(paths, id, true)).is_none()
}

/// Where every container is that runs, by id.
fn running(paths: &Paths) -> BTreeMap<String, Joined> {
    let entries = std::fs::read_dir(paths.live_containers()).into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().into_string().ok()).filter(|id| id.len() == 64 && !at_rest(paths, id));
    ids.filter_map(|id| Some((id.clone(), join::written(&ContainerPaths::new(paths, &id, true))?))).collect()
}

fn in_use(paths: &Paths, running: &BTreeMap<String, Joined>) -> Vec<Network> {
    let names: BTreeSet<&str> = running.values().flat_map(|joined| &joined.endpoints).map(|endpoint| endpoint.network.as_str()).collect();
    names.into_iter().filter_map(|name| networks::find(paths, name).ok()).collect()
}

fn redirects(running: &BTreeMap<String, Joined>) -> Vec<Redirect> {
    running.values().flat_map(join::redirects).collect()
}

/// The bridge is there, and every container's cable leads into it.
fn is_plugged(paths: &Paths, network: &Network, running: &BTreeMap<String, Joined>) -> bool {
    let Some(index) = bridge::existing(paths, network) else { return false };
    let Ok(links) = Netlink::open().and_then(|host| host.links()) else { return true };
    cables(network, running).all(|cable| links.iter().any(|link| link.name == cable && link.bridge == Some(index)))
}

fn cables<'a>(network: &'a Network, running: &'a BTreeMap<String, Joined>) -> impl Iterator<Item = &'a str> {
    let endpoints = running.values().flat_map(|joined| &joined.endpoints);
    endpoints.filter(|endpoint| endpoint.network == network.name).map(|endpoint| endpoint.host_interface.as_str())
}

pub fn mend(paths: &Paths, wrong: &Wrong) -> Result<bool> {
    match wrong.what {
        What::PlaceOfNobody => {
            if !is_gone(paths, &wrong.which) {
                return Ok(false);
            }
            claims::release_all(paths, &wrong.which);
            Ok(true)
        }
        What::BridgeGone => {
            let is_plain = switchboard::is_needed();
            let mended = switchboard::visit(paths, || plug_again(paths, &wrong.which, is_plain))?;
            mended.ok_or_else(no_cable)
        }
        _ => {
            let running = running(paths);
            rules::rebuild(paths, &in_use(paths, &running), &redirects(&running)).map(|()| true)
        }
    }
}

fn no_cable() -> Error {
    Error::failed("a container has lost its cable").hint("start it again")
}

fn plug_again(paths: &Paths, name: &str, is_plain: bool) -> Result<bool> {
    let network = networks::find(paths, name)?;
    let running = running(paths);
    if is_plugged(paths, &network, &running) {
        return Ok(false);
    }
    let host = Netlink::open().context("cannot speak to the kernel's network")?;
    let index = bridge::ensure(paths, &network, &host, is_plain, || rules::admit(paths, &network))?;
    for cable in cables(&network, &running) {
        host.plug_into(cable, index).with_context(|| format!("cannot plug {cable} into {}", network.bridge))?;
    }
    match is_plugged(paths, &network, &running) {
        true => Ok(true),
        false => Err(no_cable()),
    }
}
