//! Verbs on networks: made and removed with an eye on the containers that are in them.
//!
//! Who is in a network stands in the records of containers. Whoever removes a network looks at them while he holds it; whoever
//! makes a container looks once more whether its networks are there when its record names them (`settle.rs`), and so does whoever
//! connects one (`attach.rs`). So one of the two always sees the other.

mod attach;
mod settle;

pub use attach::{connect, disconnect};
pub use settle::{settle, still_there};

use crate::engine::events::{self, Kind as What};
use crate::engine::{join, list};
use crate::error::{Error, Result};
use crate::names;
use crate::network::{self, Network, Plan, Usual, bridge, foreign, rules, switchboard};
use crate::options;
use crate::options::networks::DEFAULT;
use crate::paths::Paths;
use crate::record::network::Endpoint;
use crate::record::{Container, Seen};
use crate::sys::file;

/// Words that `--network` understands, so no network can have them for a name.
const RESERVED: [&str; 4] = ["none", "host", "default", "container"];

/// The networks that nobody made, and nobody removes. `host` and `none` are none of ours, but names for what a container has instead.
pub const PREDEFINED: [&str; 3] = [DEFAULT, "host", "none"];

/// By its name, its id, or the beginning of its id. The one that everybody has is made when it is wanted.
pub fn find(paths: &Paths, name: &str) -> Result<Network> {
    find_or(paths, name, network::default)
}

/// `usual`: how one comes by the network that everybody has.
pub fn find_or(paths: &Paths, name: &str, usual: Usual) -> Result<Network> {
    match name {
        DEFAULT => usual(paths),
        _ => network::find(paths, name)?.ok_or_else(|| no_such(paths, name, "tare network ls lists all".to_owned())),
    }
}

/// The same for a container that is to come into it: what is not there could be made.
pub fn find_to_join(paths: &Paths, name: &str, usual: Usual) -> Result<Network> {
    match name {
        DEFAULT => usual(paths),
        _ => network::find(paths, name)?.ok_or_else(|| no_such(paths, name, format!("tare network create {name} makes it"))),
    }
}

fn no_such(paths: &Paths, name: &str, otherwise: String) -> Error {
    let all = network::list(paths).unwrap_or_default();
    let meant = names::did_you_mean(name, all.iter().map(|network| network.name.as_str()).chain(PREDEFINED));
    Error::no_such(format!("no such network: {name}")).hint(meant.unwrap_or(otherwise))
}

/// All there are, the one that everybody has among them, in the order of their names.
pub fn all(paths: &Paths) -> Result<Vec<Network>> {
    network::default(paths)?;
    network::list(paths)
}

/// Its id.
pub fn create(paths: &Paths, plan: Plan) -> Result<String> {
    options::networks::check_name(&plan.name)?;
    if PREDEFINED.contains(&plan.name.as_str()) || RESERVED.contains(&plan.name.as_str()) {
        return Err(Error::usage(format!("{} can be no name of a network", plan.name))
            .because("at run it means something else")
            .hint("choose another name"));
    }
    let made = network::make(paths, plan)?;
    tell(paths, "create", &made, None);
    Ok(made.id)
}

/// As Docker tells it. `container`: the id of the one that it is about.
pub fn tell(paths: &Paths, action: &str, network: &Network, container: Option<&str>) {
    let mut more = vec![("name", network.name.clone()), ("type", "bridge".to_owned())];
    more.extend(container.map(|id| ("container", id.to_owned())));
    events::of(paths, What::Network, action, &network.id, &more);
}

/// Names of the containers that are in this network, or will be when they start.
pub fn users(containers: &[Container], network: &Network) -> Vec<String> {
    let is_in = |container: &&Container| container.wishes.attachments().iter().any(|one| one.network == network.name);
    containers.iter().filter(is_in).map(|container| container.name.clone()).collect()
}

pub fn containers(paths: &Paths) -> Result<Vec<Container>> {
    Ok(list::containers(paths)?.into_iter().map(|seen| seen.record).collect())
}

/// The running containers of a network, each with its place in it.
pub fn members(paths: &Paths, network: &Network) -> Result<Vec<(Seen, Endpoint)>> {
    let place = |seen: Seen| {
        let endpoints = join::written(&seen.files(paths))?.endpoints;
        endpoints.into_iter().find(|endpoint| endpoint.network_id == network.id).map(|endpoint| (seen, endpoint))
    };
    Ok(list::running(paths)?.into_iter().filter_map(place).collect())
}

/// Its name.
pub fn remove(paths: &Paths, wanted: &str) -> Result<String> {
    if PREDEFINED.contains(&wanted) {
        return Err(Error::conflict(format!("cannot remove network {wanted}")).because("every machine has it"));
    }
    let held = network::hold(paths, wanted)?.ok_or_else(|| no_such(paths, wanted, "tare network ls lists all".to_owned()))?;
    let name = held.network.name.clone();
    if name == DEFAULT {
        return remove(paths, DEFAULT);
    }
    if let Some(error) = in_use(&users(&containers(paths)?, &held.network), &name) {
        return Err(error);
    }
    take_down(paths, held)?;
    Ok(name)
}

fn in_use(users: &[String], name: &str) -> Option<Error> {
    let first = users.first()?;
    let which = match users.len() {
        1 => format!("container {first} is in it"),
        count => format!("{count} containers are in it: {}", users[..count.min(5)].join(", ") + if count > 5 { " …" } else { "" }),
    };
    let error = Error::conflict(format!("cannot remove network {name}")).because(which);
    Some(error.hint(format!("take them out of it: tare network disconnect {name} {first}, or tare rm {first}")))
}

/// What keeps others from a container's ports, or hides from it who they are; each with what helps.
pub fn hindrances(detour: Option<&str>) -> Vec<String> {
    let hidden = detour.map(|why| format!("the container does not see who calls: {why}"));
    if switchboard::is_needed() {
        return hidden.into_iter().collect();
    }
    let closed = foreign::obstacles().into_iter().map(|obstacle| format!("{}\nhint: {}", obstacle.text, obstacle.hint));
    hidden.into_iter().chain(closed).collect()
}

/// First what is in the kernel: as long as the record is there the next container makes it again.
fn take_down(paths: &Paths, held: network::Held) -> Result<()> {
    let network = held.network.clone();
    switchboard::visit(paths, || bridge::remove(paths, &network))?;
    rules::forget(paths, &network)?;
    held.remove(paths)?;
    let _ = file::remove_tree(&paths.live_network(&network.name));
    tell(paths, "destroy", &network, None);
    Ok(())
}

/// Removes the networks that nobody uses and that fit; returns their names.
pub fn prune(paths: &Paths, fits: impl Fn(&Network) -> bool) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    for network in network::list(paths)?.into_iter().filter(|network| !network.is_default() && fits(network)) {
        let Some(held) = network::hold(paths, &network.id)? else { continue };
        if users(&containers(paths)?, &network).is_empty() {
            take_down(paths, held)?;
            gone.push(network.name);
        }
    }
    events::of(paths, What::Network, "prune", "", &[("reclaimed", "0".to_owned())]);
    Ok(gone)
}
