//! Without root: an ordinary user's tare goes into a user namespace of his, where it is root, and does everything as root does.
//!
//! There is one such namespace per user and run directory, and all of his containers live in it, each with the other namespaces of
//! its own. So every command has power over every container and every file of the store, whatever owner it got inside, and no
//! second way of doing anything exists: after `enter` the program is the same. What it cannot do in there, because the kernel asks for
//! more than a namespace's root, is asked for where it is done (`sys::user_namespace::is_initial`).
//!
//! A namespace lives as long as a process is in it. No process of ours stays only for that: monitors stay while containers run, and
//! when nobody is left nothing is lost with the namespace, because the next one has the same maps. The file `RUN/namespace` says
//! which one it is and who was in it last (`find.rs`); a lock on it keeps two commands from making two.

mod find;
pub mod ground;
pub mod look;
mod make;
pub mod obstacles;
pub mod places;
pub mod ranges;
pub mod who;

use crate::error::{Context, Error, Result};
use crate::paths::Paths;
use crate::store;
use crate::sys::{identity, process, user_namespace};
use std::os::fd::{AsFd, OwnedFd};
use who::Who;

/// What a person should know who has just got a namespace.
pub type Note = Option<Error>;

/// Whether this process is an ordinary user who has not become root of his namespace yet.
pub fn is_ordinary_user() -> bool {
    identity::own_uid() != 0
}

/// Whoever is root already, of the machine or of a namespace, stays what he is. We have no threads.
pub fn enter(paths: &Paths) -> Result<Note> {
    let note = if is_ordinary_user() { enter_as(&Who::we_are(), paths)? } else { None };
    if !user_namespace::is_initial() {
        user_namespace::groups_are_fixed();
    }
    Ok(note)
}

/// For the strict runtime, which an ordinary user may call himself: what he has it run says who is who by the numbers outside. So in this
/// namespace everybody is who he is outside; it is nobody's but that container's. We have no threads.
pub fn enter_as_oneself() -> Result<Note> {
    if !is_ordinary_user() {
        return Ok(None);
    }
    let made = make::make(&Who::we_are(), make::Inside::Themselves)?;
    user_namespace::go_over_to(made.namespace.as_fd()).context("cannot go over to a user namespace").map_err(obstacles::explain)?;
    Ok(made.note)
}

fn enter_as(who: &Who, paths: &Paths) -> Result<Note> {
    places::make_private(paths, who)?;
    // Until we are in it: else it could be without anybody, and the next one would not find it.
    let _lock = store::lock(&paths.namespace_lock())?;
    let (namespace, note) = find_or_make(who, paths)?;
    user_namespace::become_root_of(namespace.as_fd()).context("cannot become root of the user namespace").map_err(obstacles::explain)?;
    find::stay_known(paths.run());
    Ok(note)
}

fn find_or_make(who: &Who, paths: &Paths) -> Result<(OwnedFd, Note)> {
    let known = paths.namespace();
    if let Some(namespace) = find::find(&known, who) {
        return Ok((namespace, None));
    }
    if !paths.root().exists() {
        ground::check(paths.root())?;
    }
    let made = make::make(who, make::Inside::Root)?;
    // Said once per session: a run directory that has seen a namespace of the same kind has seen the note.
    let note = if find::was_of_kind(&known, made.kind) { None } else { made.note };
    find::remember(&known, process::own_pid(), made.namespace.as_fd(), made.kind)?;
    Ok((made.namespace, note))
}
