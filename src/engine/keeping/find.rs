//! A container by name, id, or the beginning of an id.

use crate::engine::name_claim;
use crate::error::{Error, Kind, Result};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Container, Ended, Live, Seen, Status};
use crate::runtime::cgroup::Group;
use crate::store::version;
use crate::trace::{self, Step};
use crate::{names, store};
use std::path::Path;

pub fn container(paths: &Paths, wanted: &str) -> Result<Seen> {
    trace::begin_with(Step::FindContainer);
    // As `inspect` writes it.
    let wanted = wanted.strip_prefix('/').unwrap_or(wanted);
    if let Some(seen) = name_claim::who_has(paths, wanted).map_or(Ok(None), |id| by_id(paths, &id))? {
        return Ok(seen);
    }
    // A whole id needs no look at all the others.
    if wanted.len() == 64
        && names::is_name(wanted)
        && let Some(seen) = by_id(paths, wanted)?
    {
        return Ok(seen);
    }
    if !wanted.is_empty() && wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let ids = ids(paths);
        let matching: Vec<&String> = ids.iter().filter(|id| id.starts_with(wanted)).collect();
        match matching[..] {
            [] => {}
            [id] => {
                if let Some(seen) = by_id(paths, id)? {
                    return Ok(seen);
                }
            }
            _ => {
                let short: Vec<&str> = matching.iter().map(|id| &id[..12]).collect();
                return Err(Error::conflict(format!("{wanted} is the beginning of several ids"))
                    .because(short.join(", "))
                    .hint("type more of it"));
            }
        }
    }
    let all = crate::engine::list::containers(paths).unwrap_or_default();
    let hint = names::did_you_mean(wanted, all.iter().map(|seen| seen.record.name.as_str()));
    Err(Error::no_such(format!("no such container: {wanted}")).hint(hint.unwrap_or_else(|| "tare ps -a lists all".into())))
}

/// The id alone, where the record cannot be read.
pub fn id_of(paths: &Paths, wanted: &str) -> Option<String> {
    name_claim::who_has(paths, wanted).or_else(|| ids(paths).into_iter().find(|id| id.starts_with(wanted)))
}

/// Every id that has a directory; some may have no record (any more).
pub fn ids(paths: &Paths) -> Vec<String> {
    let mut ids = ids_in(&paths.kept_containers());
    ids.extend(ids_in(&paths.live_containers()));
    ids.sort_unstable();
    ids.dedup();
    ids
}

pub fn ids_in(dir: &Path) -> Vec<String> {
    let names = std::fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|id| id.len() == 64).collect()
}

pub fn by_id(paths: &Paths, id: &str) -> Result<Option<Seen>> {
    look(paths, id).map_err(|error| named(error, paths, id))
}

/// The same for one that is known to have no run directory: it rests, and half of the look can be saved.
pub fn resting_by_id(paths: &Paths, id: &str) -> Result<Option<Seen>> {
    record(paths, id).map(|record| record.map(resting)).map_err(|error| named(error, paths, id))
}

fn resting(record: Container) -> Seen {
    let status = if record.ended.as_ref().is_some_and(|ended| ended.started != 0) { Status::Exited } else { Status::Created };
    Seen { record, live: None, status }
}

/// Which container is damaged, and what can be done.
fn named(error: Error, paths: &Paths, id: &str) -> Error {
    match error.kind() {
        Kind::Damaged => {
            let short = id.get(..12).unwrap_or(id);
            error
                .context(format!("container {short} is damaged"))
                .hint(format!("tare rm -f {short} removes it; what it has written is below container/{short}… in the store"))
        }
        Kind::Newer => {
            let short = id.get(..12).unwrap_or(id);
            error.context(format!("cannot understand container {short}")).because(version::story(paths)).hint("take the newer version")
        }
        _ => error,
    }
}

/// What is written down, wherever it lies.
pub fn record(paths: &Paths, id: &str) -> Result<Option<Container>> {
    for removed_at_exit in [false, true] {
        let files = ContainerPaths::new(paths, id, removed_at_exit);
        if let Some(record) = store::read_json::<Container>(&files.record())? {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// The monitor's word counts as long as it holds its lock. A word without a monitor: it was killed, and its container with it.
///
/// An end changes the record first, and takes the word away then; so whoever looks reads them in the other order.
fn look(paths: &Paths, id: &str) -> Result<Option<Seen>> {
    let files = ContainerPaths::new(paths, id, true);
    loop {
        let live = store::read_json::<Live>(&files.state());
        let Some(mut record) = record(paths, id)? else { return Ok(None) };
        let Some(mut live) = live? else { return Ok(Some(resting(record))) };
        if store::is_held(&files.alive())? {
            if let Some(ended) = &live.waiting {
                record.ended = Some(ended.clone());
                return Ok(Some(Seen { record, live: Some(live), status: Status::Restarting }));
            }
            if record.wishes.health.as_ref().is_some_and(|check| check.command().is_some()) {
                live.health = Some(store::read_json(&files.health()).ok().flatten().unwrap_or_default());
            }
            let paused = !live.cgroup.is_empty() && Group::open(Path::new(&live.cgroup)).is_some_and(|group| group.is_frozen());
            let status = if paused { Status::Paused } else { Status::Running };
            return Ok(Some(Seen { record, live: Some(live), status }));
        }
        // It may have ended between the two looks, and that is no loss.
        if files.state().exists() {
            record.ended = Some(Ended::lost(live.started));
            return Ok(Some(Seen { record, live: None, status: Status::Exited }));
        }
    }
}

impl Seen {
    pub fn files(&self, paths: &Paths) -> ContainerPaths {
        ContainerPaths::new(paths, &self.record.id, self.record.wishes.remove)
    }
    /// Or will in a moment: it has a monitor.
    pub fn is_running(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused | Status::Restarting)
    }
    pub fn short_id(&self) -> &str {
        &self.record.id[..12]
    }
    /// The live state, or an error that says that it does not run.
    pub fn running(&self) -> Result<&Live> {
        if self.status == Status::Restarting {
            return Err(Error::conflict(format!("container {} is restarting", self.record.name))
                .hint(format!("wait until it runs: tare wait --condition running {}", self.record.name)));
        }
        self.live.as_ref().ok_or_else(|| {
            Error::conflict(format!("container {} is not running", self.record.name)).hint(format!("tare start {}", self.record.name))
        })
    }
}
