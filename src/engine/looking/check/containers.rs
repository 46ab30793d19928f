//! Directories without a record, records of what nobody runs, and what a removal has left.

use super::{What, Wrong};
use crate::engine::{find, hold, name_claim, repair};
use crate::error::{Error, Kind, Result};
use crate::paths::{ContainerPaths, GONE, Paths};
use crate::record::{Container, Ended};
use crate::store;
use std::collections::BTreeSet;

pub fn look(paths: &Paths) -> Vec<Wrong> {
    let mut ids: BTreeSet<String> = find::ids(paths).into_iter().collect();
    ids.extend(paths.unfinished_containers());
    let found = ids.into_iter().filter_map(|id| {
        let what = at_rest(paths, &id).then(|| judge(paths, &id, run_directory_is_there(paths, &id))).flatten()?;
        Some(Wrong::new(what, &id, shown(paths, &id)))
    });
    let left = gone(paths).into_iter().map(|id| Wrong::new(What::LeftGone, &id, shown(paths, &id)));
    found.chain(left).collect()
}

/// `container web`, or as much of its id as people read.
pub fn shown(paths: &Paths, id: &str) -> String {
    let record = find::record(paths, id).ok().flatten().map(|record| record.name);
    let name = record.filter(|name| !name.is_empty()).or_else(|| name_claim::name_of(paths, id));
    format!("container {}", name.as_deref().unwrap_or(id.get(..12).unwrap_or(id)))
}

/// Nobody holds it.
pub fn at_rest(paths: &Paths, id: &str) -> bool {
    !store::is_held(&ContainerPaths::new(paths, id, true).alive()).unwrap_or(true)
}

/// Nobody holds it, and nothing is wrong with it.
pub fn is_well_at_rest(paths: &Paths, id: &str) -> bool {
    at_rest(paths, id) && judge(paths, id, run_directory_is_there(paths, id)).is_none()
}

fn run_directory_is_there(paths: &Paths, id: &str) -> bool {
    ContainerPaths::new(paths, id, true).live.exists()
}

/// Of one that nobody holds, or whom we hold. `run_directory`: whether it had one before we took hold of it.
fn judge(paths: &Paths, id: &str, run_directory: bool) -> Option<What> {
    let files = ContainerPaths::new(paths, id, true);
    match find::record(paths, id) {
        Err(error) => match error.kind() {
            Kind::Damaged => Some(What::DamagedRecord),
            Kind::Newer => Some(What::NewerRecord),
            _ => None,
        },
        Ok(None) if files.unfinished(paths).exists() => Some(What::HalfRemoved),
        Ok(None) => (run_directory || files.disk.exists()).then_some(What::NoRecord),
        Ok(Some(record)) => judge_record(paths, &record, run_directory),
    }
}

fn judge_record(paths: &Paths, record: &Container, run_directory: bool) -> Option<What> {
    let files = ContainerPaths::new(paths, &record.id, record.wishes.remove);
    let is_said_to_run = record.launched && record.ended.is_none();
    if files.state().exists() {
        return Some(What::MonitorLost);
    }
    if is_said_to_run {
        return Some(if run_directory { What::CutOff } else { What::Unattended });
    }
    // One that `create --rm` has made rests in its run directory.
    if run_directory && !record.wishes.remove {
        return Some(What::LeftRunDirectory);
    }
    if files.unfinished(paths).exists() {
        return Some(What::HalfRemoved);
    }
    if !files.config().exists() {
        return Some(What::NoSpec);
    }
    record.layers.iter().any(|layer| !paths.layer(layer).is_dir()).then_some(What::NoLayer)
}

/// Run directories on their way out whose remover is dead.
fn gone(paths: &Paths) -> Vec<String> {
    let entries = std::fs::read_dir(paths.live_containers()).into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_prefix(GONE)?.to_owned()));
    ids.filter(|id| !store::is_held(&ContainerPaths::new(paths, id, true).gone_alive()).unwrap_or(true)).collect()
}

pub fn mend(paths: &Paths, wrong: &Wrong) -> Result<bool> {
    let id = &wrong.which;
    if wrong.what == What::LeftGone {
        hold::sweep_gone(paths);
        return if gone(paths).contains(id) { Err(Error::failed("it cannot be removed")) } else { Ok(true) };
    }
    let files = ContainerPaths::new(paths, id, true);
    // Somebody else is at it.
    let Some(held) = hold::try_take(&files)? else { return Ok(false) };
    let still = judge(paths, id, wrong.what != What::Unattended) == Some(wrong.what);
    let why = if wrong.what == What::Unattended { Ended::MACHINE_DOWN } else { Ended::MONITOR_LOST };
    // Also where nothing is wrong any more: the run directory may be one that we have just made.
    repair::put_right(paths, id, &held, why);
    drop(held);
    match at_rest(paths, id).then(|| judge(paths, id, run_directory_is_there(paths, id))).flatten() {
        Some(what) if still && what == wrong.what => Err(Error::failed("it is still wrong")),
        _ => Ok(still),
    }
}
