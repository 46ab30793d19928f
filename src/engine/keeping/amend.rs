//! A container's record is changed while the container may run, and its monitor may be about to write down how it ended.
//!
//! At rest, whoever holds the container changes the record and is done. While it runs, the monitor holds it, and knows the record as
//! it was at the start: what was changed since lies beside, in `amended.json`, and the monitor adds it to what it writes at the
//! end. A lock on the run directory keeps the two apart.

use crate::engine::{events, find, hold, name_claim, rewire};
use crate::error::{Error, Result};
use crate::names;
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Amended, Container, Live, Seen};
use crate::store::{self, Durable, Lock};

pub fn rename(paths: &Paths, wanted: &str, new: &str) -> Result<()> {
    let found = find::container(paths, wanted)?;
    let id = found.record.id.clone();
    // Of two who rename it at once, one comes after the other, and finds what the first has made of it.
    let _one_at_a_time = store::lock_dir(&found.files(paths).disk)?;
    let seen = find::by_id(paths, &id)?.unwrap_or(found);
    let old = seen.record.name.clone();
    let what = || format!("cannot rename container {old}");
    names::check(new).map_err(|error| error.context(what()))?;
    if new == old {
        return Err(Error::conflict(what()).because("it has this name already"));
    }
    name_claim::claim(paths, Some(new), &id, !seen.record.wishes.remove).map_err(|error| error.context(what()))?;
    match amend(paths, &seen, &|amended| amended.name = Some(new.to_owned())) {
        Ok(()) => {
            // Also one that a rename claimed which was killed before it came so far.
            name_claim::release_all_but(paths, new, &id);
            let record = Container { name: new.to_owned(), ..seen.record };
            rewire::rename(paths, &ContainerPaths::new(paths, &id, record.wishes.remove), &record, &old)?;
            events::of_container(paths, &record, "rename", &[("oldName", format!("/{old}"))]);
            Ok(())
        }
        Err(error) => {
            name_claim::release(paths, new, &id);
            Err(error)
        }
    }
}

/// `change` says what is different from now on, whether the container runs or rests.
pub fn amend(paths: &Paths, seen: &Seen, change: &dyn Fn(&mut Amended)) -> Result<()> {
    amend_with(paths, seen, &|_| Ok(nothing()), change)
}

/// Takes back what was done.
pub type Undo = Box<dyn FnOnce()>;

pub fn nothing() -> Undo {
    Box::new(|| ())
}

/// The same, with something to be `done` first, while nobody else changes the container: both, or none of the two. It is told
/// whether the container runs.
pub fn amend_with(paths: &Paths, seen: &Seen, done: &dyn Fn(Option<&Live>) -> Result<Undo>, change: &dyn Fn(&mut Amended)) -> Result<()> {
    let id = &seen.record.id;
    let files = seen.files(paths);
    let gone = || Error::no_such(format!("no such container: {}", seen.record.name)).because("it was removed meanwhile");
    let mut patience = hold::Patience::begin();
    loop {
        if let Some(_held) = hold::try_take(&files)? {
            let record = find::record(paths, id)?.ok_or_else(gone);
            let written = record.and_then(|record| write_after(done(None)?, || write(&files, record, &of(change), Durable::Yes)));
            // Made by us, if it was at rest; a run that was cut off by a crash is found by its state. One that is removed at its end
            // has its records there.
            if !seen.record.wishes.remove && !files.state().exists() {
                hold::forget_live(&files);
            }
            return written;
        }
        if files.state().exists() && amend_running(paths, seen, done, change)? {
            return Ok(());
        }
        patience.wait()?;
    }
}

fn of(change: &dyn Fn(&mut Amended)) -> Amended {
    let mut amended = Amended::default();
    change(&mut amended);
    amended
}

/// False: it has ended meanwhile.
fn amend_running(paths: &Paths, seen: &Seen, done: &dyn Fn(Option<&Live>) -> Result<Undo>, change: &dyn Fn(&mut Amended)) -> Result<bool> {
    let files = seen.files(paths);
    let Ok(_apart) = apart(&files) else { return Ok(false) };
    let Some(live) = store::read_json::<Live>(&files.state())? else { return Ok(false) };
    let Some(record) = find::record(paths, &seen.record.id)? else { return Ok(false) };
    let mut amended = so_far(&files);
    change(&mut amended);
    write_after(done(Some(&live))?, || {
        store::write_json(&files.amended(), &amended, Durable::No)?;
        write(&files, record, &amended, Durable::No)
    })?;
    Ok(true)
}

fn write_after(undo: Undo, write: impl FnOnce() -> Result<()>) -> Result<()> {
    write().inspect_err(|_| undo())
}

fn write(files: &ContainerPaths, record: Container, amended: &Amended, durable: Durable) -> Result<()> {
    store::write_json(&files.record(), &amended.clone().apply(record), durable)
}

fn so_far(files: &ContainerPaths) -> Amended {
    store::read_json(&files.amended()).ok().flatten().unwrap_or_default()
}

fn apart(files: &ContainerPaths) -> Result<Lock> {
    store::lock_dir(&files.live)
}

/// The record as its monitor should know it at the end. Nobody amends it while the lock is held.
pub fn at_the_end(files: &ContainerPaths, record: &Container) -> (Container, Option<Lock>) {
    let lock = apart(files).ok();
    (so_far(files).apply(record.clone()), lock)
}
