//! Which user namespace is ours, while somebody lives in it.
//!
//! `RUN/namespace` holds one line: its number (for people), a process that was in it, and how many ids it has. Processes end, and their
//! numbers go to others; so whoever is named there is asked for his namespace and for what he has open, and where he is gone any
//! process will do that works with this run directory.

use crate::error::Result;
use crate::rootless::who::Who;
use crate::store::{self, Durable};
use crate::sys::{file, process, user_namespace};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// How many ids a namespace has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// Those of /etc/subuid and /etc/subgid.
    Many,
    /// The user's own, who is root inside; nobody else exists.
    One,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    number: u64,
    pid: i32,
    ids: Ids,
}

const LONGEST: u64 = 256;

/// The namespace of this run directory, if somebody lives in it. The caller holds the lock.
pub fn find(file: &Path, who: &Who) -> Option<OwnedFd> {
    let (dir, ours) = (file.parent()?.canonicalize().ok()?, user_namespace::number_of_process(process::own_pid())?);
    let ours_by_pid = |pid| of_process(pid, ours, who).filter(|_| holds_something_in(&dir, pid));
    // Somebody who has got ranges meanwhile wants to use them: as soon as nothing runs in the old one, he does.
    if let Some(namespace) = read(file).and_then(|known| ours_by_pid(known.pid)) {
        return Some(namespace);
    }
    let (pid, namespace) = all_processes().find_map(|pid| Some((pid, ours_by_pid(pid)?)))?;
    let users = user_namespace::maps_of(pid).ok()?.0;
    let _ = remember(file, pid, namespace.as_fd(), if users.len() > 1 { Ids::Many } else { Ids::One });
    Some(namespace)
}

/// That of a process, if the user has made it from where we are: no namespace of a container of his, which may lie in one of his.
/// Asked by name first, because to open one costs more; then by the descriptor, which nothing can change any more.
fn of_process(pid: i32, ours: u64, who: &Who) -> Option<OwnedFd> {
    if user_namespace::number_of_process(pid)? == ours {
        return None;
    }
    let namespace = user_namespace::open(pid).ok()?;
    let is_it = user_namespace::owner_of(namespace.as_fd()) == Ok(who.uid) && user_namespace::parent_of(namespace.as_fd()) == Ok(ours);
    is_it.then_some(namespace)
}

/// Numbers of namespaces and of processes are used again, also by other programs of the same user; but who has this directory open
/// works with it. Monitors hold their containers there, and every command what `stay_known` has opened.
fn holds_something_in(dir: &Path, pid: i32) -> bool {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|path| path.starts_with(dir))
}

/// Until we end. The caller holds the lock, so that nobody looks for us before.
pub fn stay_known(dir: &Path) {
    if let Ok(open) = file::open_dir(dir) {
        std::mem::forget(open);
    }
}

fn all_processes() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Somebody who is in it, or, as we are, about to go into it.
pub fn remember(file: &Path, pid: i32, namespace: BorrowedFd, ids: Ids) -> Result<()> {
    let number = user_namespace::number_of(namespace).unwrap_or(0);
    write(file, Known { number, pid, ids })
}

pub fn was_of_kind(file: &Path, ids: Ids) -> bool {
    read(file).is_some_and(|known| known.ids == ids)
}

fn write(file: &Path, known: Known) -> Result<()> {
    let ids = if known.ids == Ids::Many { "many" } else { "one" };
    store::write(file, format!("{} {} {ids}\n", known.number, known.pid).as_bytes(), Durable::No)
}

fn read(file: &Path) -> Option<Known> {
    parse(&String::from_utf8_lossy(&file::read_bounded(file, LONGEST).ok()?))
}

fn parse(text: &str) -> Option<Known> {
    let mut words = text.split_whitespace();
    let (number, pid) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let ids = match words.next()? {
        "many" => Ids::Many,
        "one" => Ids::One,
        _ => return None,
    };
    Some(Known { number, pid, ids })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_nobody_s() {
        assert_eq!(parse("4026532000 17 many\n"), Some(Known { number: 4_026_532_000, pid: 17, ids: Ids::Many }));
        for text in ["", "17", "x 17 one", "17 x one", "17 17 some", "17 17"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
