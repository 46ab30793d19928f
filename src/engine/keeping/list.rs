//! All containers, newest first.

use crate::engine::{find, name_claim};
use crate::error::{Context, Error, Kind, Result};
use crate::options::Wishes;
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Container, Ended, Seen, Status};
use crate::store;
use std::collections::HashSet;
use std::path::Path;

/// One that cannot be read does not hide the others, nor is it hidden: it is listed as dead. Whoever may read none of them is
/// told so, and not that there are none.
pub fn containers(paths: &Paths) -> Result<Vec<Seen>> {
    check_readable(&paths.kept_containers())?;
    check_readable(&paths.live_containers())?;
    let live: HashSet<String> = find::ids_in(&paths.live_containers()).into_iter().collect();
    let kept = find::ids_in(&paths.kept_containers()).into_iter().filter(|id| !live.contains(id));
    let resting = kept.filter_map(|id| found(paths, &id, find::resting_by_id(paths, &id)));
    let running = live.iter().filter_map(|id| found(paths, id, find::by_id(paths, id)));
    let mut all: Vec<Seen> = store::reading_many(|| resting.chain(running).collect());
    all.sort_by_key(|seen| std::cmp::Reverse(seen.record.created));
    Ok(all)
}

/// Those that run: nothing is read of those that rest, however many they are.
pub fn running(paths: &Paths) -> Result<Vec<Seen>> {
    check_readable(&paths.live_containers())?;
    let ids = find::ids_in(&paths.live_containers());
    let running = ids.iter().filter_map(|id| find::by_id(paths, id).ok().flatten()).filter(Seen::is_running);
    let mut all: Vec<Seen> = store::reading_many(|| running.collect());
    all.sort_by_key(|seen| std::cmp::Reverse(seen.record.created));
    Ok(all)
}

fn check_readable(dir: &Path) -> Result<()> {
    match std::fs::read_dir(dir) {
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => Err(e).context("cannot read the list of containers"),
        _ => Ok(()),
    }
}

fn found(paths: &Paths, id: &str, look: Result<Option<Seen>>) -> Option<Seen> {
    match look {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), Kind::Damaged | Kind::Newer) => Some(damaged(paths, id, &error)),
        Err(_) => None,
    }
}

/// What can be told without its record: the id, the name that leads to it, and the age of its directory.
fn damaged(paths: &Paths, id: &str, error: &Error) -> Seen {
    let disk = std::fs::metadata(ContainerPaths::new(paths, id, true).disk).and_then(|found| found.modified()).ok();
    let since = disk.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let record = Container {
        id: id.to_owned(),
        name: name_claim::name_of(paths, id).unwrap_or_default(),
        image: String::new(),
        image_id: String::new(),
        layers: Vec::new(),
        owners: None,
        created: since.map_or(0, |since| since.as_nanos() as u64),
        hostname: String::new(),
        args: Vec::new(),
        user: String::new(),
        stop_signal: String::new(),
        labels: Vec::new(),
        reaper: false,
        wishes: Wishes::default(),
        launched: false,
        ended: Some(Ended { error: error.to_string(), ..Ended::default() }),
    };
    Seen { record, live: None, status: Status::Dead }
}
