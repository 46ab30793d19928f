//! Who has which address, and which name: one file each in the run directory, so that nobody waits for anybody.
//!
//! An address belongs to whoever could make its file, which only one can (O_EXCL). The files go at the container's end, after its
//! cables: a new one must not get the address of one that still answers. What killed processes leave is found by the container's id
//! in it (`release_all`).

use crate::error::{Context, Error, Result};
use crate::network::{Network, Range};
use crate::paths::Paths;
use crate::store;
use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;

/// Addresses that were just given back are not looked at again in one search.
const MOST_TRIES: usize = 10_000;

pub fn addresses(paths: &Paths, network: &str) -> PathBuf {
    paths.live_network(network).join("address")
}

pub fn names(paths: &Paths, network: &str) -> PathBuf {
    paths.live_network(network).join("name")
}

/// `wished`: this one or none.
pub fn claim(paths: &Paths, network: &Network, range: &Range, wished: Option<IpAddr>, id: &str) -> Result<IpAddr> {
    let directory = addresses(paths, &network.name);
    let what = || format!("cannot claim an address in network {}", network.name);
    if let Some(address) = wished {
        if !range.subnet.is_for_a_host(address) || address == range.gateway {
            return Err(Error::usage(format!("{address} is no address for a container in network {}", network.name))
                .because(format!("its subnet is {}, its gateway {}", range.subnet, range.gateway)));
        }
        return match try_claim(&directory, address, id).with_context(what)? {
            true => Ok(address),
            false => Err(in_use(paths, network, address)),
        };
    }
    let part = range.part.unwrap_or(range.subnet);
    let taken: BTreeSet<IpAddr> = taken(&directory);
    for address in free(range, &taken).take(MOST_TRIES) {
        if try_claim(&directory, address, id).with_context(what)? {
            return Ok(address);
        }
    }
    Err(Error::conflict(format!("network {} has no free address", network.name))
        .because(format!("{} are in use in {part}", taken.len()))
        .hint("end containers that nobody needs, or make a network with a larger subnet"))
}

/// The one that a container would get now; nobody claims it. `None`: all are in use.
pub fn foresee(paths: &Paths, network: &Network, range: &Range) -> Option<IpAddr> {
    free(range, &taken(&addresses(paths, &network.name))).next()
}

fn free(range: &Range, taken: &BTreeSet<IpAddr>) -> impl Iterator<Item = IpAddr> {
    let part = range.part.unwrap_or(range.subnet);
    let all = (0..=part.last().min(1 << 20)).filter_map(move |number| part.nth(number));
    all.filter(move |address| range.subnet.is_for_a_host(*address) && *address != range.gateway && !taken.contains(address))
}

fn taken(directory: &std::path::Path) -> BTreeSet<IpAddr> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

fn try_claim(directory: &std::path::Path, address: IpAddr, id: &str) -> Result<bool, Errno> {
    let path = directory.join(address.to_string());
    let made = match file::create(&path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600) {
        Err(Errno::ENOENT) => {
            file::make_dirs(directory, 0o755)?;
            file::create(&path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600)
        }
        other => other,
    };
    match made {
        Ok(fd) => file::write_all(fd.as_fd(), id.as_bytes()).map(|()| true),
        Err(Errno::EEXIST) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn in_use(paths: &Paths, network: &Network, address: IpAddr) -> Error {
    let holder = holder(paths, &network.name, address).unwrap_or_default();
    let error = Error::conflict(format!("address {address} of network {} is in use", network.name));
    match holder.get(..12) {
        Some(short) => error.because(format!("container {short} has it")),
        None => error,
    }
}

/// From now on it is found under this name.
pub fn name(paths: &Paths, network: &str, name: &str, id: &str, own: &[IpAddr]) -> Result<()> {
    let directory = names(paths, network).join(name.to_ascii_lowercase());
    let text: String = own.iter().map(|address| format!("{address}\n")).collect();
    let what = || format!("cannot give the container the name {name} in network {network}");
    // The directory may be taken away by the last one of this name who goes.
    for _ in 0..100 {
        // Whoever answers for the names is nobody, and gets the directory handed in.
        file::make_dirs(&directory, 0o755).with_context(what)?;
        match store::write_readable(&directory.join(id), text.as_bytes()) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => {}
            other => return other.with_context(what),
        }
    }
    Err(Error::failed(what()))
}

pub fn forget_name(paths: &Paths, network: &str, name: &str, id: &str) {
    let directory = names(paths, network).join(name.to_ascii_lowercase());
    let _ = file::remove_file(&directory.join(id));
    let _ = file::remove_dir(&directory);
}

pub fn release(paths: &Paths, network: &str, address: IpAddr) {
    let _ = file::remove_file(&addresses(paths, network).join(address.to_string()));
}

/// Everything that a container had in any network, where nobody knows any more what that was.
pub fn release_all(paths: &Paths, id: &str) {
    for network in all_live(paths) {
        for (address, holder) in holders(paths, &network) {
            if holder == id {
                release(paths, &network, address);
            }
        }
        let entries = std::fs::read_dir(names(paths, &network)).into_iter().flatten().flatten();
        for name in entries.filter_map(|entry| entry.file_name().into_string().ok()) {
            forget_name(paths, &network, &name, id);
        }
    }
}

/// Each address that is claimed, and the id of the container that has it.
pub fn holders(paths: &Paths, network: &str) -> Vec<(IpAddr, String)> {
    let with_holder = |address| Some((address, holder(paths, network, address)?));
    taken(&addresses(paths, network)).into_iter().filter_map(with_holder).collect()
}

pub fn holder(paths: &Paths, network: &str, address: IpAddr) -> Option<String> {
    std::fs::read_to_string(addresses(paths, network).join(address.to_string())).ok()
}

/// Each name in use, and the id of a container that is called so.
pub fn named(paths: &Paths, network: &str) -> Vec<(String, String)> {
    let list = |path: &std::path::Path| -> Vec<String> {
        std::fs::read_dir(path).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
    };
    let directory = names(paths, network);
    let of_name = |name: String| list(&directory.join(&name)).into_iter().map(move |id| (name.clone(), id)).collect::<Vec<_>>();
    list(&directory).into_iter().flat_map(of_name).collect()
}

/// The networks that somebody is or was in.
pub fn all_live(paths: &Paths) -> Vec<String> {
    let entries = std::fs::read_dir(paths.live_networks()).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
