//! What a killed process left behind is found by the next one and put right.
//!
//! Everything that lives, and everything half-made or half-removed, has a run directory (`hold.rs`); so a look at the locks in
//! there finds what is wrong, however many containers rest on disk. Only the first look since the machine was started goes
//! through the store itself: the run directories are gone then, and whatever was under way with them.

use crate::engine::down::{self, Down};
use crate::engine::events::{self, of_runs};
use crate::engine::{find, hold, id_claims, inhabitants, join, kill, name_claim, now, pid_file, remove, volumes};
use crate::paths::{ContainerPaths, Paths, control_group};
use crate::record::{Container, Ended, Live};
use crate::runtime::cgroup::Group;
use crate::store::{self, Durable, Lock};
use crate::sys::{file, poll, process, signal};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// Between the looks of monitors: thousands of containers that end together do not all look at each other.
const PAUSE: Duration = Duration::from_secs(1);

/// Puts right whatever is wrong. Cheap for those who live: one look at a lock.
pub fn sweep(paths: &Paths) {
    if !paths.swept().exists() {
        sweep_the_store(paths);
    }
    for id in find::ids_in(&paths.live_containers()) {
        tend(paths, &id);
    }
    hold::sweep_gone(paths);
    let _ = store::write_readable(&paths.swept(), b"");
}

/// The same, unless somebody did it a moment ago.
pub fn sweep_now_and_then(paths: &Paths) {
    let age = std::fs::metadata(paths.swept()).and_then(|found| found.modified()).ok().and_then(|time| time.elapsed().ok());
    if age.is_none_or(|age| age > PAUSE) {
        sweep(paths);
    }
}

/// After a start of the machine: what was in the making or going away, and who ran.
fn sweep_the_store(paths: &Paths) {
    let is_at_work = |id: &String| ContainerPaths::new(paths, id, true).live.exists();
    for id in find::ids_in(&paths.kept_containers()).into_iter().filter(|id| !is_at_work(id)) {
        match find::record(paths, &id) {
            Ok(Some(record)) => {
                name_claim::restore(paths, &record);
                if record.launched && record.ended.is_none() {
                    tend_as(paths, &id, Ended::MACHINE_DOWN);
                }
            }
            Ok(None) => tend_as(paths, &id, ""),
            // What shall become of a damaged one is for a person to decide.
            Err(_) => {}
        }
    }
    for id in paths.unfinished_containers() {
        tend_as(paths, &id, "");
    }
    for (_, id) in name_claim::all_kept(paths) {
        if matches!(find::record(paths, &id), Ok(None)) {
            tend_as(paths, &id, "");
        }
    }
}

/// A container that is in somebody's way: is it really there?
pub fn doubt(paths: &Paths, id: &str) {
    match paths.swept().exists() {
        true => tend(paths, id),
        false => sweep(paths),
    }
}

/// Puts one container right, if it has a run directory and nobody holds it.
pub fn tend(paths: &Paths, id: &str) {
    let files = ContainerPaths::new(paths, id, true);
    if files.live.exists() && !store::is_held(&files.alive()).unwrap_or(true) {
        tend_as(paths, id, Ended::MONITOR_LOST);
    }
}

fn tend_as(paths: &Paths, id: &str, why: &str) {
    let files = ContainerPaths::new(paths, id, true);
    if let Ok(Some(held)) = hold::try_take(&files) {
        put_right(paths, id, &held, why);
    }
}

/// For who holds the container: nobody else is at it, so whatever is half done stays so unless we do something about it.
pub fn put_right(paths: &Paths, id: &str, _held: &Lock, why: &str) {
    let files = ContainerPaths::new(paths, id, true);
    let record = match find::record(paths, id) {
        Ok(None) => return discard(paths, id),
        Ok(Some(record)) => Some(record),
        Err(_) => None,
    };
    let live = store::read_json::<Live>(&files.state()).ok().flatten();
    if let Some(record) = &record {
        report(record, &ContainerPaths::new(paths, id, record.wishes.remove), live.as_ref(), why);
    }
    end_processes(paths, id, record.as_ref(), live.as_ref());
    if let (Some(record), Some(live)) = (&record, &live) {
        pid_file::forget(record, live.pid);
        if live.waiting.is_none() {
            of_runs::ended(paths, record, &Ended { finished: now(), ..Ended::lost(live.started) });
        }
    }
    join::leave(paths, id, &files);
    id_claims::release(paths, id);
    match record {
        Some(record) if record.wishes.remove && (record.launched || live.is_some()) => {
            remove::erase(paths, &record, &files);
            events::of_container(paths, &record, "destroy", &[]);
        }
        // Made by `create --rm`, and not started yet.
        Some(record) if record.wishes.remove => {}
        Some(_) => hold::forget_live(&files),
        None if files.record().exists() => {}
        None => hold::forget_live(&files),
    }
}

/// First of all it is written down what became of it: from then on it does not look as if it ran.
fn report(record: &Container, files: &ContainerPaths, live: Option<&Live>, why: &str) {
    if record.wishes.remove {
        return;
    }
    let ended = match live {
        Some(live) => Some(Ended { finished: now(), ..Ended::lost(live.started) }),
        None if !record.launched || record.ended.is_some() => None,
        // Nobody knows any more when it started.
        None if why == Ended::MACHINE_DOWN => Some(Ended { error: why.to_owned(), finished: now(), ..Ended::lost(record.created) }),
        None => Some(Ended { error: Ended::CUT_OFF.to_owned(), ..Ended::lost(0) }),
    };
    if ended.is_some() {
        let stopped = down::said(files) == Some(Down::ByHand);
        let ended = ended.map(|ended| Ended { stopped, restarts: live.map_or(0, |live| live.restarts), ..ended });
        let record = Container { ended, ..record.clone() };
        if store::write_json(&files.record(), &record, Durable::Yes).is_err() {
            let _ = store::overwrite_json(&files.record(), &record);
        }
    }
    let _ = file::remove_file(&files.state());
}

/// It died with its monitor, unless its program cleared the parent-death signal: its group ends that. Where there is no
/// group, pid 1 takes all others along.
fn end_processes(paths: &Paths, id: &str, record: Option<&Container>, live: Option<&Live>) {
    let noted = live.filter(|live| !live.cgroup.is_empty()).and_then(|live| Group::open(Path::new(&live.cgroup)));
    let group = control_group(record.and_then(|record| record.wishes.cgroup_parent.as_deref()), id);
    if let Some(group) = noted.or_else(|| Group::existing_at(&group).ok().flatten()) {
        let _ = group.kill();
        return remove_group(&group);
    }
    match live.map(kill::first_process) {
        Some(Ok(init)) => {
            let _ = signal::send(init.as_fd(), kill::KILL);
            let _ = poll::poll(&mut [poll::Watched::new(init.as_fd(), true, false)], Some(10_000));
        }
        // Nobody can read any more who it was.
        None if record.is_none() => drop(inhabitants::end(paths, id, |_| true)),
        _ => {}
    }
}

/// Directories without a record: their maker or remover was killed.
pub fn discard(paths: &Paths, id: &str) {
    name_claim::release_all(paths, id);
    clear_away(paths, id, None);
    volumes::forget_those_of(paths, id);
}

/// The same when the names are given back already: nobody has to look through all of them.
pub fn clear_away(paths: &Paths, id: &str, record: Option<&Container>) {
    let files = ContainerPaths::new(paths, id, true);
    end_processes(paths, id, record, store::read_json::<Live>(&files.state()).ok().flatten().as_ref());
    join::leave(paths, id, &files);
    id_claims::release(paths, id);
    remove::clear_disk(paths, &files);
    hold::forget_live(&files);
}

/// The kernel takes a moment to end what was killed.
pub fn remove_group(group: &Group) {
    for attempt in 0..2000 {
        if group.remove().is_ok() {
            return;
        }
        process::sleep(if attempt < 20 { Duration::from_micros(200) } else { Duration::from_millis(5) });
    }
}
