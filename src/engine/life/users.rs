//! Whom the users of a container are outside: settled when it is created, found out when it starts, and given back when it has ended.
//!
//! config.json says nothing of it: on disk every container looks the same, whoever its users were the last time. The start adds the
//! user namespace, and lets the owners of what is mounted be seen as the container's own (`runtime/root/owners.rs`).

use crate::engine::{find, id_claims, kill, ordinary};
use crate::error::{Context, Error, Result};
use crate::options::user_namespaces::{Range, UserNamespace};
use crate::options::{IdMap, Ipc, Network, Ownership, Pid, Wishes};
use crate::paths::Paths;
use crate::record::{Container, Seen};
use crate::sys::{file, identity, signal, user_namespace};
use oci_spec::runtime::{LinuxIdMapping, LinuxIdMappingBuilder, LinuxNamespace, LinuxNamespaceType, Mount, Spec};
use std::borrow::Cow;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// When a container is created: a name becomes an id, and what cannot go together is refused.
pub fn settle(paths: &Paths, wishes: &mut Wishes) -> Result<()> {
    if wishes.user_namespace == UserNamespace::Host {
        return Ok(());
    }
    if let UserNamespace::Container(name) = &mut wishes.user_namespace {
        let other = find::container(paths, name).map_err(|error| error.context("cannot share a user namespace"))?.record;
        wishes.user_namespace = home(&other).map_or(UserNamespace::Host, UserNamespace::Container);
    }
    refuse_what_is_for_others(wishes)?;
    let ours = match &wishes.user_namespace {
        UserNamespace::Host => return Ok(()),
        UserNamespace::Container(id) => Some(id.as_str()),
        _ => None,
    };
    let shared = [
        match &wishes.network {
            Network::Container(id) => Some(("network", id)),
            _ => None,
        },
        match &wishes.pid {
            Pid::Container(id) => Some(("pid", id)),
            _ => None,
        },
        match &wishes.ipc {
            Ipc::Container(id) => Some(("ipc", id)),
            _ => None,
        },
    ];
    for (flag, id) in shared.into_iter().flatten() {
        let Some(other) = find::by_id(paths, id)? else { continue };
        if ours.is_none() || home(&other.record).as_deref() != ours {
            let name = &other.record.name;
            return Err(Error::usage(format!("--{flag} container:{name} needs the users of {name}, too"))
                .because("the container's root would have no rights in there")
                .hint(format!("add --userns container:{name}, or take --userns host")));
        }
    }
    Ok(())
}

/// The container whose user namespace one lives in; `None`: the host's.
fn home(record: &Container) -> Option<String> {
    match &record.wishes.user_namespace {
        UserNamespace::Host => None,
        UserNamespace::Container(id) => Some(id.clone()),
        _ => Some(record.id.clone()),
    }
}

fn refuse_what_is_for_others(wishes: &Wishes) -> Result<()> {
    let wish = &wishes.user_namespace;
    if !user_namespace::is_initial() {
        return if wish.is_own() { ordinary::check(wishes) } else { Ok(()) };
    }
    let word = match wish {
        UserNamespace::KeepId { .. } => "keep-id",
        UserNamespace::Nomap => "nomap",
        _ => return Ok(()),
    };
    Err(Error::cannot_keep(format!("cannot keep --userns {word}"))
        .because("it is about the ordinary user who starts a container, and you are root")
        .hint("--userns auto gives the container users of its own"))
}

/// Whom they are in this run.
pub struct Users {
    map: IdMap,
    /// The namespace, if it is another container's.
    joined: Option<OwnedFd>,
}

/// `None`: everybody is who he is.
pub fn find_out(paths: &Paths, record: &Container) -> Result<Option<Users>> {
    let own = |map| Ok(Some(Users { map, joined: None }));
    match &record.wishes.user_namespace {
        UserNamespace::Host => Ok(None),
        wish if let (Some(map), true) = (&record.owners, wish.is_own()) => own(map.clone()),
        UserNamespace::Auto(auto) => own(auto.map(id_claims::claim(paths, &record.id, auto.size())?)),
        UserNamespace::Mapped(map) => own(map.clone()),
        UserNamespace::Container(id) => join(paths, id).map(Some).map_err(|error| error.context("cannot share the user namespace")),
        UserNamespace::KeepId { .. } | UserNamespace::Nomap => refuse_what_is_for_others(&record.wishes).map(|()| None),
    }
}

fn join(paths: &Paths, id: &str) -> Result<Users> {
    let gone = || Error::no_such(format!("container {id:.12} is not there any more"));
    of_running(&find::by_id(paths, id)?.ok_or_else(gone)?)
}

/// Those of a container that runs, to be shared.
fn of_running(seen: &Seen) -> Result<Users> {
    let live = seen.running()?;
    let ended = || format!("container {} has just ended", seen.record.name);
    let owner = kill::first_process(live).with_context(ended)?;
    let namespace = user_namespace::open(live.pid).with_context(ended)?;
    let (uids, gids) = user_namespace::maps_of(live.pid).with_context(ended)?;
    // It lives: so the number was its own all the time.
    signal::send(owner.as_fd(), 0).with_context(ended)?;
    Ok(Users { map: IdMap { uids, gids }, joined: Some(namespace) })
}

/// For who works on a container that runs. `None`: everybody is who he is.
pub fn of_others(seen: &Seen) -> Result<Option<Users>> {
    match seen.record.wishes.user_namespace {
        UserNamespace::Host => Ok(None),
        _ => of_running(seen).map(Some),
    }
}

/// For who works on the files of one that rests. `None`: on disk they are whose they are inside.
pub fn at_rest(record: &Container) -> Option<Users> {
    record.owners.clone().map(|map| Users { map, joined: None })
}

/// The container has ended, or could not start.
pub fn give_back(paths: &Paths, record: &Container) {
    if matches!(record.wishes.user_namespace, UserNamespace::Auto(_)) {
        id_claims::release(paths, &record.id);
    }
}

impl Users {
    /// The spec of a container with these users.
    pub fn added(&self, spec: Cow<Spec>, wishes: &Wishes) -> Spec {
        let mut spec = spec.into_owned();
        if let Some(linux) = spec.linux_mut() {
            let mut namespace = LinuxNamespace::default();
            namespace.set_typ(LinuxNamespaceType::User);
            namespace.set_path(self.joined.as_ref().map(|fd| format!("/proc/self/fd/{}", fd.as_raw_fd()).into()));
            linux.namespaces_mut().get_or_insert_default().push(namespace);
            if self.joined.is_none() {
                linux.set_uid_mappings(Some(self.map.uids.iter().map(mapping).collect()));
                linux.set_gid_mappings(Some(self.map.gids.iter().map(mapping).collect()));
            }
        }
        for mount in spec.mounts_mut().iter_mut().flatten() {
            self.fit(mount, wishes);
        }
        spec
    }

    fn fit(&self, mount: &mut Mount, wishes: &Wishes) {
        const TERMINALS: u32 = 5;
        let wish = wishes.mounts.iter().find(|wish| Path::new(wish.target()) == mount.destination());
        let keeps_owners = wish.is_some_and(|wish| matches!(wish.ownership(), Ownership::Kept | Ownership::Given));
        let is_devpts = mount.typ().as_deref() == Some("devpts");
        let Some(options) = mount.options_mut() else { return };
        if is_devpts && self.map.outside(0, TERMINALS).1.is_none() {
            options.retain(|option| option != "gid=5");
        }
        match options.iter().find_map(|option| ["rbind", "bind"].into_iter().find(|bind| option == bind)) {
            // Only the owner of a file system can show its files as others'; of an ordinary user's files the maps know what is his.
            Some(_) if !user_namespace::is_initial() => {}
            Some("rbind") if keeps_owners => options.push("ridmap".to_owned()),
            Some(_) if keeps_owners => options.push("idmap".to_owned()),
            _ => {}
        }
    }

    /// Whom the container's root is outside: user and group.
    pub fn root(&self) -> Option<(u32, u32)> {
        self.outside(0, 0)
    }

    pub fn outside(&self, uid: u32, gid: u32) -> Option<(u32, u32)> {
        let (uid, gid) = self.map.outside(uid, gid);
        uid.zip(gid)
    }

    /// Pipes of the container's streams become its root's, who may open them again by the names /dev/stdout and /dev/stderr.
    pub fn give(&self, pipes: &[BorrowedFd]) -> Result<()> {
        let Some((uid, gid)) = self.root() else { return Ok(()) };
        pipes.iter().try_for_each(|pipe| file::change_owner_of(*pipe, uid, gid)).context("cannot give the container its streams")
    }

    /// A map of files to ids inside becomes one to those outside.
    pub fn behind(&self, map: &IdMap) -> IdMap {
        map.behind(&self.map)
    }

    pub fn map(&self) -> &IdMap {
        &self.map
    }

    /// What we do with the container's files, we do as its root: whoever is nobody to a file system makes nothing in it (EOVERFLOW).
    pub fn as_its_root<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        match self.root() {
            Some((uid, gid)) => identity::seen_by_files_as(uid, gid, work).context("cannot become the container's root for its files")?,
            None => work(),
        }
    }
}

fn mapping(range: &Range) -> LinuxIdMapping {
    // Nothing can be missing.
    LinuxIdMappingBuilder::default().container_id(range.0).host_id(range.1).size(range.2).build().unwrap_or_default()
}
