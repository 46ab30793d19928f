//! `rm`: a container is first nobody's, then nothing.

use crate::engine::down::{self, Down};
use crate::engine::{events, find, hold, kill, name_claim, repair, volumes, wait};
use crate::error::{Error, Kind, Result};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Container, Seen, Status};
use crate::store::{self, Lock};
use crate::sys::file;
use crate::trace::{self, Step};

/// Removes a container that does not run; `force` ends it first.
///
/// Of several who want to remove it at once, one gets hold of it. The others find that it is gone.
pub fn remove(paths: &Paths, wanted: &str, force: bool) -> Result<()> {
    let mut patience = hold::Patience::begin();
    let mut ended: Option<ContainerPaths> = None;
    let mut is_told = false;
    let (id, held) = loop {
        let seen = match find::container(paths, wanted) {
            // What is damaged cannot be understood, but it can be removed.
            Err(error) if force && error.kind() == Kind::Damaged => None,
            other => match (other, &ended) {
                // One that removes itself: its monitor's last work.
                (Err(error), Some(files)) if error.kind() == Kind::NoSuch => return wait::settled(files),
                (other, _) => Some(other?),
            },
        };
        let id = seen.as_ref().map(|seen| seen.record.id.clone()).or_else(|| find::id_of(paths, wanted));
        let id = id.ok_or_else(|| Error::no_such(format!("no such container: {wanted}")))?;
        let files = ContainerPaths::new(paths, &id, true);
        if let Some(held) = hold::try_take(&files)? {
            break (id, held);
        }
        if let Some(seen) = seen.as_ref().filter(|seen| seen.is_running() && force && !is_told) {
            kill::tell(paths, seen, kill::KILL);
            is_told = true;
        }
        if end(paths, seen.as_ref(), &id, wanted, force)? {
            ended = Some(files);
        }
        trace::begin(Step::AwaitEnd);
        patience.wait()?;
    };
    match remove_held(paths, &id, wanted, held) {
        Err(error) if ended.is_some() && error.kind() == Kind::NoSuch => Ok(()),
        other => other,
    }
}

/// Somebody holds it: if it runs, it is ended or in the way; else it has just been started, has just ended or is being removed,
/// and we wait. True: it was ended, and may remove itself.
fn end(paths: &Paths, seen: Option<&Seen>, id: &str, wanted: &str, force: bool) -> Result<bool> {
    match seen {
        Some(seen) if seen.is_running() && force => {
            down::say(&seen.files(paths), Down::ByHand);
            kill::kill_all(seen).map(|()| seen.record.wishes.remove)
        }
        Some(seen) if seen.is_running() => Err(Error::conflict(format!("cannot remove container {wanted}"))
            .because(if seen.status == Status::Restarting { "it is restarting" } else { "it is running" })
            .hint(format!("stop it first (tare stop {wanted}), or remove it by force: tare rm -f {wanted}"))),
        Some(_) => Ok(false),
        None => {
            kill::kill_unknown(paths, id);
            Ok(true)
        }
    }
}

fn remove_held(paths: &Paths, id: &str, wanted: &str, held: Lock) -> Result<()> {
    let files = ContainerPaths::new(paths, id, true);
    match find::record(paths, id) {
        Ok(None) => {
            repair::discard(paths, id);
            return Err(Error::no_such(format!("no such container: {wanted}")).hint("tare ps -a lists all"));
        }
        Ok(Some(record)) => {
            let files = ContainerPaths::new(paths, id, record.wishes.remove);
            if let Err(errno) = file::remove_file(&files.record()) {
                if !record.wishes.remove {
                    hold::forget_live(&files);
                }
                return Err(store::advise(Error::from_errno(format!("cannot remove container {wanted}"), errno)));
            }
            unlist(paths, &record, &files);
            repair::clear_away(paths, id, Some(&record));
            events::of_container(paths, &record, "destroy", &[]);
        }
        Err(_) => repair::discard(paths, id),
    }
    drop(held);
    match files.disk.exists() {
        true => Err(Error::failed(format!("cannot remove {}", files.disk.display()))),
        false => Ok(()),
    }
}

/// From here on nobody finds it. What is said of its group stays: it is needed if we are killed here.
pub fn unlist(paths: &Paths, record: &Container, files: &ContainerPaths) {
    let _ = file::remove_file(&files.record());
    name_claim::release(paths, &record.name, &record.id);
}

/// All of it, in the cheap order: most containers leave these few names and nothing else.
pub fn erase(paths: &Paths, record: &Container, files: &ContainerPaths) {
    trace::begin(Step::RemoveFiles);
    unlist(paths, record, files);
    let _ = file::remove_dir(&files.work().join("work"));
    for dir in [files.work(), files.upper()] {
        if file::remove_dir(&dir).is_err() {
            let _ = file::remove_tree(&dir);
        }
    }
    let _ = file::remove_file(&files.log());
    if file::remove_dir(&files.disk).is_err() {
        let _ = file::remove_tree(&files.disk);
    }
    hold::forget_live(files);
    volumes::remove_nameless(paths, record);
}

/// Everything on disk: first its name, so that nobody meets half of it, then the rest.
pub fn clear_disk(paths: &Paths, files: &ContainerPaths) {
    trace::begin(Step::RemoveFiles);
    let away = files.unfinished(paths);
    if files.disk.exists() {
        // A remover was killed here before us.
        let _ = file::remove_tree(&away);
        let moved = store::make_dirs(&paths.unfinished()).is_ok() && file::rename(&files.disk, &away).is_ok();
        if !moved {
            let _ = file::remove_tree(&files.disk);
        }
    }
    let _ = file::remove_tree(&away);
}
