//! What a container's porter is given: the sockets of its published ports, and those at which it answers for names.

use crate::engine::join::{self, inside, open_namespace};
use crate::engine::{find, list, name_servers};
use crate::error::{Context, Error, Kind, Result};
use crate::network::porter::{self, Closed, Duties, NameDuty, Open, Place};
use crate::network::rules;
use crate::network::{self, claims, switchboard};
use crate::options::Wishes;
use crate::options::ports::{PortWish, Protocol};
use crate::paths::{ContainerPaths, Paths};
use crate::record::Container;
use crate::record::network::{Joined, Published};
use crate::sys::file::{self, OFlag};
use crate::sys::{process, socket};
use std::os::fd::OwnedFd;

/// Binds the ports, so that nobody else has them.
pub fn open(paths: &Paths, wishes: &[PortWish], joined: &Joined) -> Result<Open> {
    let (v4, v6) = joined.addresses();
    if switchboard::is_needed() {
        for_pasta(wishes)?;
    }
    let unbound = wishes.iter().find(|wish| wish.protocol == Protocol::Sctp && wish.host.is_none());
    if let Some(wish) = unbound {
        return Err(Error::cannot_keep(format!("cannot choose a port of this host for {}/sctp", wish.container))
            .hint(format!("say which: -p {0}:{0}/sctp", wish.container)));
    }
    porter::open_doors(wishes, v4, v6).map_err(|closed| refusal(paths, closed))
}

/// What it cannot lead in.
fn for_pasta(wishes: &[PortWish]) -> Result<()> {
    let hint = "run as root, or leave it out";
    if let Some(wish) = wishes.iter().find(|wish| wish.protocol == Protocol::Sctp) {
        return Err(Error::cannot_keep(format!("cannot publish {}/sctp", wish.container))
            .because("pasta leads in tcp and udp only")
            .hint(hint));
    }
    let same = |one: &PortWish, other: &PortWish| one.host.is_some() && (one.host, one.protocol) == (other.host, other.protocol);
    let twice = wishes.iter().enumerate().find(|(at, wish)| wishes[..*at].iter().any(|other| same(wish, other)));
    match twice {
        None => Ok(()),
        Some((_, wish)) => Err(Error::cannot_keep(format!("cannot publish port {}/{} twice", wish.host.unwrap_or(0), wish.protocol))
            .because("pasta knows a port once, at one address or at all of them")
            .hint("name no address, or one, or take another port for one of the two")),
    }
}

/// Packets from outside go straight to the container from now on, where this kernel can; else through the porter alone, and it is
/// written down why.
pub fn lead_in(paths: &Paths, files: &ContainerPaths, joined: &mut Joined, published: &[Published]) -> Result<()> {
    if published.is_empty() {
        return Ok(());
    }
    match rules::publish(paths, &join::redirects(&Joined { ports: published.to_vec(), ..joined.clone() })) {
        Err(error) if error.kind() == Kind::CannotKeep => {
            joined.detour = Some(error.to_string());
            join::write_down(files, joined)
        }
        other => other,
    }
}

fn refusal(paths: &Paths, closed: Closed) -> Error {
    let (address, port, protocol, holder) = match closed {
        Closed::Refused(error) => return error,
        Closed::Taken { address, port, protocol, holder } => (address, port, protocol, holder),
    };
    let whose = if address.is_unspecified() { "this host".to_owned() } else { address.to_string() };
    let error = Error::conflict(format!("port {port}/{protocol} of {whose} is in use"));
    let error = match holder {
        Some(holder) => match container_of(paths, holder.pid) {
            Some(name) => error.because(format!("container {name} has published it")),
            None => error.because(format!("{} (process {}) listens there", holder.name, holder.pid)),
        },
        None => error,
    };
    error.hint("take another one, or any that is free: -p CONTAINER_PORT")
}

/// Whose porter this process is.
fn container_of(paths: &Paths, pid: i32) -> Option<String> {
    let monitor = process::look(pid)?.parent;
    let all = list::running(paths).ok()?;
    all.into_iter().find(|seen| seen.live.as_ref().is_some_and(|live| live.monitor == monitor)).map(|seen| seen.record.name)
}

/// Those for a container with this network namespace.
pub fn duties(
    paths: &Paths,
    record: &Container,
    files: &ContainerPaths,
    joined: &Joined,
    open: Open,
    namespace: &OwnedFd,
) -> Result<Duties> {
    let mut duties =
        Duties { names: name_duty(paths, &record.wishes, joined, namespace)?, doors: open.doors, control: None, room: open.room };
    if !duties.is_empty() {
        // That of one who was killed.
        let _ = file::remove_file(&files.porter());
        duties.control = Some(socket::listen(&files.porter()).context("cannot make the porter's socket")?);
    }
    Ok(duties)
}

/// `None`: nobody is found by name where it is, and it can ask others itself.
pub fn name_duty(paths: &Paths, wishes: &Wishes, joined: &Joined, namespace: &OwnedFd) -> Result<Option<NameDuty>> {
    let named: Vec<&str> =
        joined.endpoints.iter().filter(|endpoint| !endpoint.names.is_empty()).map(|endpoint| endpoint.network.as_str()).collect();
    if named.is_empty() && !name_servers::can_only_ask_the_porter(wishes) {
        return Ok(None);
    }
    let (udp, tcp) = inside(namespace, || porter::listen_for_names().context("cannot listen for names in the container"))?;
    let places = named.iter().map(|network| place(paths, network)).collect::<Result<_>>()?;
    let forwards = forwards(paths, joined);
    Ok(Some(NameDuty { udp, tcp, places, upstream: name_servers::upstream(wishes), forwards }))
}

/// Whether there is a way out.
pub fn forwards(paths: &Paths, joined: &Joined) -> bool {
    let is_internal = |name: &str| network::find(paths, name).ok().flatten().is_some_and(|network| network.internal);
    !joined.endpoints.iter().all(|endpoint| is_internal(&endpoint.network))
}

fn place(paths: &Paths, network: &str) -> Result<Place> {
    Ok(Place::new(network, names_of(paths, network)?))
}

/// The directory of names, for who is nobody.
pub fn names_of(paths: &Paths, network: &str) -> Result<OwnedFd> {
    let directory = claims::names(paths, network);
    let opened = file::make_dirs(&directory, 0o755).and_then(|()| file::open(&directory, OFlag::O_RDONLY | OFlag::O_DIRECTORY));
    opened.with_context(|| format!("cannot open {}", directory.display()))
}

/// The same once more, for the successor of a porter that was killed: what is written down is what there was.
pub fn open_again(paths: &Paths, id: &str, pid: i32) -> Option<Duties> {
    let seen = find::by_id(paths, id).ok()??;
    let files = seen.files(paths);
    let mut joined = join::written(&files)?;
    let namespace = open_namespace(&format!("/proc/{pid}/ns/net")).ok()?;
    if switchboard::is_needed() {
        return duties(paths, &seen.record, &files, &joined, Open::default(), &namespace).ok();
    }
    let open = open(paths, &wishes_of(&joined.ports), &joined).ok()?;
    lead_in(paths, &files, &mut joined, &open.published).ok()?;
    duties(paths, &seen.record, &files, &joined, open, &namespace).ok()
}

/// What there is, wished once more: each address apart.
pub fn wishes_of(published: &[Published]) -> Vec<PortWish> {
    let wish =
        |one: &Published| PortWish { address: Some(one.address), host: Some(one.host), container: one.container, protocol: one.protocol };
    published.iter().map(wish).collect()
}
