//! A porter at work is told what has changed. A container that had none gets one, which nobody has for a child: it ends with the
//! container like any other.

use crate::engine::join::open_namespace;
use crate::engine::{doors, name_servers, porter};
use crate::error::{Context, Error, Result};
use crate::network::porter::{self as craft, DoorWord, Duties, Open, Word};
use crate::paths::{ContainerPaths, Paths};
use crate::record::network::{Endpoint, Joined, Published};
use crate::record::{Live, Seen};
use crate::sys::beneath::{Directory, Held};
use crate::sys::{file, process, socket};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

/// The successor of one that was killed takes a second.
const TRIES: u32 = 300;
const PAUSE: Duration = Duration::from_millis(10);

/// Somebody stands at these doors from now on.
pub fn open_doors(seen: &Seen, files: &ContainerPaths, init: BorrowedFd, open: Open) -> Result<()> {
    if !is_there(files) {
        return take_on(seen, files, init, Duties { doors: open.doors, room: open.room, ..Duties::default() });
    }
    for door in &open.doors {
        let word = DoorWord { protocol: door.protocol, address: door.address, port: door.port, to: door.to };
        tell(files, &Word::OpenDoor(word), &[door.socket.as_fd()])?;
    }
    Ok(())
}

pub fn close_doors(files: &ContainerPaths, closed: &[Published]) -> Result<()> {
    for Published { protocol, address, host, .. } in closed {
        tell(files, &Word::CloseDoor { protocol: *protocol, address: *address, port: *host }, &[])?;
    }
    Ok(())
}

/// It finds its new neighbours. In its first network with names it also learns whom to ask.
pub fn come_into(paths: &Paths, seen: &Seen, live: &Live, init: BorrowedFd, joined: &Joined, new: &Endpoint) -> Result<()> {
    if new.names.is_empty() {
        return Ok(());
    }
    let (files, wishes) = (seen.files(paths), &seen.record.wishes);
    let had_names = joined.endpoints.iter().any(|endpoint| endpoint.network != new.network && !endpoint.names.is_empty());
    if had_names {
        let place = doors::names_of(paths, &new.network)?;
        tell(&files, &Word::AddPlace { network: new.network.clone() }, &[place.as_fd()])?;
        let word = Word::Forward { upstream: name_servers::upstream(wishes), forwards: doors::forwards(paths, joined) };
        return tell(&files, &word, &[]);
    }
    let namespace = open_namespace(&format!("/proc/{}/ns/net", live.pid))?;
    if let Some(duty) = doors::name_duty(paths, wishes, joined, &namespace)? {
        if is_there(&files) {
            let word = Word::ServeNames { upstream: duty.upstream, forwards: duty.forwards };
            tell(&files, &word, &[duty.udp.as_fd(), duty.tcp.as_fd()])?;
            let place = doors::names_of(paths, &new.network)?;
            tell(&files, &Word::AddPlace { network: new.network.clone() }, &[place.as_fd()])?;
        } else {
            take_on(seen, &files, init, Duties { names: Some(duty), ..Duties::default() })?;
        }
    }
    ask_the_porter(seen, live);
    Ok(())
}

pub fn go_out_of(files: &ContainerPaths, gone: &Endpoint) {
    if !gone.names.is_empty() {
        let _ = tell(files, &Word::RemovePlace { network: gone.network.clone() }, &[]);
    }
}

fn is_there(files: &ContainerPaths) -> bool {
    files.porter().exists()
}

fn tell(files: &ContainerPaths, word: &Word, descriptors: &[BorrowedFd]) -> Result<()> {
    let mut told = craft::tell(&files.porter(), word, descriptors);
    for _ in 0..TRIES {
        match &told {
            Err(error) if error.errno().is_some() => process::sleep(PAUSE),
            _ => break,
        }
        told = craft::tell(&files.porter(), word, descriptors);
    }
    told
}

fn take_on(seen: &Seen, files: &ContainerPaths, init: BorrowedFd, mut duties: Duties) -> Result<()> {
    duties.control = Some(socket::listen(&files.porter()).context("cannot make the porter's socket")?);
    let failed = || Error::failed(format!("cannot start the porter of container {}", seen.record.name));
    porter::take_on_alone(duties, init).ok_or_else(failed)
}

/// Its /etc/resolv.conf is ours as long as nobody has put another in its place: then it is a mount of its own, and written anew. What
/// cannot be written stays as it is.
fn ask_the_porter(seen: &Seen, live: &Live) {
    const FILE: &str = "/etc/resolv.conf";
    let wishes = &seen.record.wishes;
    if wishes.mounts.iter().any(|mount| mount.target() == FILE) {
        return;
    }
    let root = format!("/proc/{}/root", live.pid);
    let held = Directory::open_root(Path::new(&root)).and_then(|root| root.hold_inside(FILE.as_bytes()));
    let is_ours = |held: &Held| held.is_mount_point() == Ok(true) && held.is_regular_file();
    if let Some(file) = held.ok().filter(is_ours).and_then(|held| held.open_to_overwrite().ok()) {
        let _ = file::write_all(file.as_fd(), name_servers::of_the_porter(wishes).as_bytes());
    }
}
