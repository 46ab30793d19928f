//! Other containers whose network, processes or shared memory a container shares.
//!
//! Which one is settled when the container is created, and written down by id: a name may be somebody else's tomorrow. Where its
//! namespaces are is known only at the start, when it must be running. They are held open from then on, and so stay what they are
//! however that container fares.

use crate::engine::{find, kill};
use crate::error::{Context, Error, Result};
use crate::options::{Ipc, Network, Pid, Wishes};
use crate::paths::Paths;
use crate::record::{Container, Seen};
use crate::runtime::plan::Borrowed;
use crate::spec::runtime_spec::place_of;
use crate::sys::file::{self, OFlag};
use crate::sys::signal;
use oci_spec::runtime::{LinuxNamespaceType as Type, Spec};
use std::borrow::Cow;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

/// The names that were typed become ids.
pub fn settle(paths: &Paths, wishes: &mut Wishes) -> Result<()> {
    if let Network::Container(name) = &mut wishes.network {
        *name = find::container(paths, name).map_err(|error| error.context("cannot share a network"))?.record.id;
    }
    if let Pid::Container(name) = &mut wishes.pid {
        *name = find::container(paths, name).map_err(|error| error.context("cannot share a pid namespace"))?.record.id;
    }
    if let Ipc::Container(name) = &wishes.ipc {
        let other = find::container(paths, name).map_err(|error| error.context("cannot share an ipc namespace"))?;
        if !matches!(other.record.wishes.ipc, Ipc::Shareable | Ipc::Host) {
            return Err(Error::conflict(format!("the shared memory of container {name} is not for sharing"))
                .hint(format!("create {name} with --ipc shareable")));
        }
        wishes.ipc = match other.record.wishes.ipc {
            Ipc::Host => Ipc::Host,
            _ => Ipc::Container(other.record.id),
        };
    }
    Ok(())
}

/// With its network a container takes over the name that stands in its files.
pub fn hostname_of_network(paths: &Paths, wishes: &Wishes) -> Result<Option<String>> {
    let Network::Container(id) = &wishes.network else { return Ok(None) };
    Ok(find::by_id(paths, id)?.map(|seen| seen.record.hostname))
}

/// What is held of other containers while this one starts.
#[derive(Default)]
pub struct Neighbours {
    namespaces: Vec<(Type, OwnedFd)>,
    /// By the name that stands before paths in the spec (`spec/mounts.rs`): the first process.
    owners: Vec<(String, OwnedFd)>,
}

impl Neighbours {
    /// Nothing is looked up for a container that shares nothing.
    pub fn meet(paths: &Paths, record: &Container) -> Result<Neighbours> {
        let mut met = Neighbours::default();
        let wishes = &record.wishes;
        if let Network::Container(id) = &wishes.network {
            met.hold(paths, id, Type::Network, "net", "network")?;
        }
        if let Pid::Container(id) = &wishes.pid {
            met.hold(paths, id, Type::Pid, "pid", "pid namespace")?;
        }
        if let Ipc::Container(id) = &wishes.ipc {
            met.hold(paths, id, Type::Ipc, "ipc", "ipc namespace")?;
        }
        Ok(met)
    }

    fn hold(&mut self, paths: &Paths, id: &str, kind: Type, file_name: &str, what: &str) -> Result<()> {
        let seen = find::by_id(paths, id)?
            .ok_or_else(|| Error::no_such(format!("container {id:.12}, whose {what} is to be shared, is not there any more")))?;
        let (owner, namespace) = open(&seen, file_name).map_err(|error| error.context(format!("cannot share the {what}")))?;
        self.namespaces.push((kind, namespace));
        self.owners.push((place_of(id), owner));
        Ok(())
    }

    /// The spec with the paths of what is joined: those of our own descriptors.
    pub fn joined<'a>(&self, spec: &'a Spec) -> Cow<'a, Spec> {
        if self.namespaces.is_empty() {
            return Cow::Borrowed(spec);
        }
        let mut spec = spec.clone();
        let all = spec.linux_mut().as_mut().and_then(|linux| linux.namespaces_mut().as_mut()).into_iter().flatten();
        for namespace in all {
            if let Some((_, fd)) = self.namespaces.iter().find(|(kind, _)| *kind == namespace.typ()) {
                namespace.set_path(Some(format!("/proc/self/fd/{}", fd.as_raw_fd()).into()));
            }
        }
        Cow::Owned(spec)
    }

    pub fn lent(&self) -> Vec<Borrowed<'_>> {
        self.owners.iter().map(|(place, owner)| Borrowed { place, owner: owner.as_fd() }).collect()
    }
}

/// The first process of a container that runs, and a namespace of it.
fn open(seen: &Seen, file_name: &str) -> Result<(OwnedFd, OwnedFd)> {
    let live = seen.running()?;
    let ended = || format!("container {} has just ended", seen.record.name);
    let owner = kill::first_process(live).with_context(ended)?;
    let path = format!("/proc/{}/ns/{file_name}", live.pid);
    let namespace = file::open(Path::new(&path), OFlag::O_RDONLY).with_context(ended)?;
    // It lives: so the number was its own all the time.
    signal::send(owner.as_fd(), 0).with_context(ended)?;
    Ok((owner, namespace))
}
