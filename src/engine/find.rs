//! A container by name, id, or the beginning of an id.

use crate::engine::name_claim;
use crate::error::{Error, Result};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Container, Ended, Live, Seen, Status};
use crate::{names, store};

pub fn container(paths: &Paths, wanted: &str) -> Result<Seen> {
    // As `inspect` writes it.
    let wanted = wanted.strip_prefix('/').unwrap_or(wanted);
    if let Some(seen) = name_claim::who_has(paths, wanted).map_or(Ok(None), |id| by_id(paths, &id))? {
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
    let names = |dir| std::fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut ids: Vec<String> = names(paths.kept_containers()).chain(names(paths.live_containers())).filter(|id| id.len() == 64).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

pub fn by_id(paths: &Paths, id: &str) -> Result<Option<Seen>> {
    for removed_at_exit in [false, true] {
        let files = ContainerPaths::new(paths, id, removed_at_exit);
        if let Some(record) = store::read_json::<Container>(&files.record())? {
            return Ok(Some(look(record, &files)?));
        }
    }
    Ok(None)
}

/// The monitor's word counts as long as it holds its lock. A word without a monitor: it was killed, and its container with it.
fn look(mut record: Container, files: &ContainerPaths) -> Result<Seen> {
    let live = store::read_json::<Live>(&files.state())?;
    let status = match (&live, &record.ended) {
        (Some(_), _) if store::is_held(&files.alive())? => Status::Running,
        (Some(live), _) => {
            let error = "monitor lost".into();
            record.ended = Some(Ended { exit_code: 137, started: live.started, finished: live.started, error, ..Ended::default() });
            Status::Exited
        }
        (None, Some(ended)) if ended.started != 0 => Status::Exited,
        (None, _) => Status::Created,
    };
    let live = live.filter(|_| status == Status::Running);
    Ok(Seen { record, live, paused: false, status })
}

impl Seen {
    pub fn files(&self, paths: &Paths) -> ContainerPaths {
        ContainerPaths::new(paths, &self.record.id, self.record.wishes.remove)
    }
    pub fn is_running(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused)
    }
    pub fn short_id(&self) -> &str {
        &self.record.id[..12]
    }
    /// The live state, or an error that says that it does not run.
    pub fn running(&self) -> Result<&Live> {
        self.live.as_ref().ok_or_else(|| {
            Error::conflict(format!("container {} is not running", self.record.name)).hint(format!("tare start {}", self.record.name))
        })
    }
}
