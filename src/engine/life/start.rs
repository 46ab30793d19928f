//! `start`: a container that was created, or has ended, runs (again) as it was wished.

use crate::engine::create::Made;
use crate::engine::{find, hold, mounts, ordinary, repair, update};
use crate::error::{Error, Result};
use crate::image;
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Container, Ended};
use crate::store::{self, Durable, Lock};
use oci_spec::runtime::Spec;

/// Takes up the records of a container that does not run. `None`: it runs already, or somebody else has just started it.
pub fn take_up(paths: &Paths, id: &str) -> Result<Option<Made>> {
    let Some((record, alive)) = hold_at_rest(paths, id)? else { return Ok(None) };
    let files = ContainerPaths::new(paths, id, record.wishes.remove);
    let is_kept = !record.wishes.remove;
    match furnish(paths, &record, &files).and_then(|spec| Ok((spec, begun(record, &files)?))) {
        Ok((spec, record)) => Ok(Some(Made { record, spec, files, alive, place: None })),
        Err(error) => {
            // Taken for nothing.
            if is_kept {
                hold::forget_live(&files);
            }
            Err(error)
        }
    }
}

/// What it was made with is there again. Its spec, as it is written down.
pub fn furnish(paths: &Paths, record: &Container, files: &ContainerPaths) -> Result<Spec> {
    image::settle_all(paths)?;
    image::ground(paths)?;
    let mut spec: Spec = store::read_json(&files.config())
        .map_err(|error| error.context(format!("container {} is damaged", record.name)))?
        .ok_or_else(|| Error::damaged(format!("container {} has no config.json", record.name)))?;
    update::agree(&mut spec, &record.wishes.limits);
    ordinary::furnish(paths, record, |_| {})?;
    mounts::prepare(paths, record, &spec)?;
    Ok(spec)
}

/// Holds a container that does not run, as it is now: nobody starts, changes or removes it meanwhile. `None`: it runs.
pub fn hold_at_rest(paths: &Paths, id: &str) -> Result<Option<(Container, Lock)>> {
    let mut patience = hold::Patience::begin();
    loop {
        let seen = find::by_id(paths, id)?.ok_or_else(|| gone(id))?;
        if seen.is_running() {
            return Ok(None);
        }
        match hold::try_take(&seen.files(paths))? {
            Some(alive) => {
                if let Some(ours) = settled(paths, id, alive)? {
                    return Ok(Some(ours));
                }
            }
            None => patience.wait()?,
        }
    }
}

pub(in crate::engine) fn gone(id: &str) -> Error {
    Error::no_such(format!("no such container: {}", id.get(..12).unwrap_or(id))).because("it was removed meanwhile")
}

/// The record as it is now that nobody else changes it. `None`: a run that was cut off by a crash had to be put right first.
pub(in crate::engine) fn settled(paths: &Paths, id: &str, alive: Lock) -> Result<Option<(Container, Lock)>> {
    let Some(record) = find::record(paths, id)? else {
        repair::put_right(paths, id, &alive, "");
        return Err(gone(id));
    };
    let is_cut_off = record.launched && record.ended.is_none();
    if ContainerPaths::new(paths, id, true).state().exists() || is_cut_off {
        repair::put_right(paths, id, &alive, Ended::MONITOR_LOST);
        return Ok(None);
    }
    Ok(Some((record, alive)))
}

/// Found like this without a monitor, it was cut off.
fn begun(record: Container, files: &ContainerPaths) -> Result<Container> {
    let record = Container { ended: None, launched: true, ..record };
    store::write_json(&files.record(), &record, Durable::No)?;
    Ok(record)
}
