//! Networks are made, found, listed and removed: what each is stands in a directory of its own in the store.
//!
//! A network is there as soon as its record is, which gets its name by one rename, and gone as soon as that is gone. A directory
//! without one was left by somebody who was killed: the next who makes a network of this name goes on in it, and whoever makes any
//! takes it away. Only one process at a time chooses a subnet, or two could choose the same.

use crate::error::{Context, Error, Kind, Result};
use crate::network::choice::{self, Wish};
use crate::network::{Network, naming, taken};
use crate::options::networks::DEFAULT;
use crate::paths::Paths;
use crate::store::{self, Durable, Lock};
use crate::sys::file;
use std::time::SystemTime;

/// What a new network shall be.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub name: String,
    pub addresses: Wish,
    pub internal: bool,
    pub mtu: Option<u32>,
    pub labels: Vec<(String, String)>,
    pub options: Vec<(String, String)>,
}

/// A network that nobody removes, and that no container comes into, as long as this lives.
#[derive(Debug)]
pub struct Held {
    pub network: Network,
    _lock: Lock,
}

/// A way to the network that everybody has: the one that makes it where it is missing, or the one that only says what it would be.
pub type Usual = fn(&Paths) -> Result<Network>;

/// What it is, or would be if it were made now.
pub fn foreseen(paths: &Paths) -> Result<Network> {
    match read(paths, DEFAULT) {
        Ok(Some(network)) => Ok(network),
        _ => compose(paths, plan_of_default()),
    }
}

/// The network that everybody has; made when it is wanted for the first time.
pub fn default(paths: &Paths) -> Result<Network> {
    match read(paths, DEFAULT) {
        Ok(Some(network)) => Ok(network),
        Ok(None) => make_default(paths),
        // It was not waited for, and a power cut has taken it.
        Err(error) if error.kind() == Kind::Damaged => make_default(paths),
        Err(error) => Err(error),
    }
}

fn make_default(paths: &Paths) -> Result<Network> {
    let _one_at_a_time = one_at_a_time(paths)?;
    if let Ok(Some(network)) = read(paths, DEFAULT) {
        return Ok(network);
    }
    write(paths, plan_of_default(), Durable::No)
}

fn plan_of_default() -> Plan {
    Plan { name: DEFAULT.to_owned(), addresses: Wish { v6: host_has_v6(), ..Wish::default() }, ..Plan::default() }
}

pub fn make(paths: &Paths, plan: Plan) -> Result<Network> {
    let what = format!("cannot make network {}", plan.name);
    if plan.addresses.v6 && !host_has_v6() {
        return Err(Error::cannot_keep(what)
            .because("IPv6 is switched off on this host")
            .hint("leave --ipv6 out, or switch it on: sysctl net.ipv6.conf.all.disable_ipv6=0"));
    }
    // Its subnet is in nobody's way, and so is that of the one that everybody has, whoever comes first.
    default(paths)?;
    let _one_at_a_time = one_at_a_time(paths).context(what.as_str())?;
    take_away_half_made(paths, &plan.name);
    if read(paths, &plan.name).context(what.as_str())?.is_some() {
        return Err(Error::conflict(what)
            .because("there is one of this name already")
            .hint(format!("choose another name, or remove that one: tare network rm {}", plan.name)));
    }
    write(paths, plan, Durable::Yes).context(what)
}

fn one_at_a_time(paths: &Paths) -> Result<Lock> {
    store::make_dirs(&paths.networks())?;
    store::lock_dir(&paths.networks())
}

fn write(paths: &Paths, plan: Plan, durable: Durable) -> Result<Network> {
    let network = compose(paths, plan)?;
    store::make_dirs(&paths.network(&network.name))?;
    store::write_json(&record(paths, &network.name), &network, durable)?;
    Ok(network)
}

fn compose(paths: &Paths, plan: Plan) -> Result<Network> {
    let id = file::random_id().context("cannot make an id")?;
    let pool = if plan.name == DEFAULT { choice::OF_DEFAULT } else { choice::OF_OTHERS };
    let (v4, v6) = choice::choose(&plan.addresses, pool, &id, &taken::taken(paths, &plan.name)?)?;
    let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
    let bridge = naming::bridge(paths, &plan.name);
    let Plan { name, internal, mtu, labels, options, .. } = plan;
    Ok(Network { name, id, created, bridge, v4, v6, internal, mtu, labels, options })
}

fn record(paths: &Paths, name: &str) -> std::path::PathBuf {
    paths.network(name).join("network.json")
}

/// Asked of the kernel, not of the addresses: the loopback interface has one or not.
pub fn host_has_v6() -> bool {
    std::fs::read_to_string("/proc/sys/net/ipv6/conf/all/disable_ipv6").is_ok_and(|text| text.trim() == "0")
}

/// By its name, its id, or the beginning of its id.
pub fn find(paths: &Paths, wanted: &str) -> Result<Option<Network>> {
    if crate::options::networks::check_name(wanted).is_ok()
        && let Some(network) = read(paths, wanted)?
    {
        return Ok(Some(network));
    }
    if wanted.is_empty() || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let mut fitting = list(paths)?.into_iter().filter(|network| network.id.starts_with(wanted));
    match (fitting.next(), fitting.next()) {
        (Some(_), Some(_)) => Err(Error::conflict(format!("more than one network begins with {wanted}")).hint("give more of the id")),
        (one, _) => Ok(one),
    }
}

/// In the order of their names.
pub fn list(paths: &Paths) -> Result<Vec<Network>> {
    // One that cannot be read does not hide the others.
    let mut all: Vec<Network> = directories(paths)?.iter().filter_map(|name| read(paths, name).ok().flatten()).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

fn directories(paths: &Paths) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(paths.networks()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.context("cannot list the networks")?,
    };
    Ok(entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

fn read(paths: &Paths, name: &str) -> Result<Option<Network>> {
    let found: Option<Network> = store::read_json(&record(paths, name)).with_context(|| format!("cannot read network {name}"))?;
    Ok(found.filter(|network| network.name == name))
}

/// `None`: there is no such network.
pub fn hold(paths: &Paths, wanted: &str) -> Result<Option<Held>> {
    let Some(found) = find(paths, wanted)? else { return Ok(None) };
    let what = || format!("cannot hold network {}", found.name);
    let lock = match store::lock_dir(&paths.network(&found.name)) {
        Err(error) if error.errno() == Some(crate::sys::Errno::ENOENT) => return Ok(None),
        other => other.with_context(what)?,
    };
    // It may have been removed while we waited, and made again: then it is another one.
    let now = read(paths, &found.name)?.filter(|now| now.id == found.id && lock.is_of(&paths.network(&found.name)));
    Ok(now.map(|network| Held { network, _lock: lock }))
}

impl Held {
    /// What is in the kernel is not touched.
    pub fn remove(self, paths: &Paths) -> Result<()> {
        let what = || format!("cannot remove network {}", self.network.name);
        file::remove_file(&record(paths, &self.network.name)).with_context(what)?;
        file::remove_tree(&paths.network(&self.network.name)).with_context(what)?;
        store::sync_dir(&paths.networks())
    }
}

/// Directories of networks that were never whole, or are no more. Nobody makes one meanwhile.
fn take_away_half_made(paths: &Paths, but: &str) {
    for name in half_made(paths).into_iter().filter(|name| name != but) {
        let _ = file::remove_tree(&paths.network(&name));
    }
}

fn half_made(paths: &Paths) -> Vec<String> {
    let all = directories(paths).unwrap_or_default();
    all.into_iter().filter(|name| !record(paths, name).exists()).collect()
}

#[cfg(test)]
#[path = "keep_tests.rs"]
mod tests;
