//! `start`: a container that was created, or has ended, runs (again) as it was wished.

use crate::engine::create::Made;
use crate::engine::{mounts, wait};
use crate::error::{Error, Result};
use crate::image;
use crate::paths::Paths;
use crate::record::Seen;
use crate::store;
use crate::sys::file;

/// Takes up the records of a container that does not run.
pub fn take_up(paths: &Paths, seen: Seen) -> Result<Made> {
    let files = seen.files(paths);
    wait::settled(&files)?;
    image::ground(paths)?;
    let spec =
        store::read_json(&files.config())?.ok_or_else(|| Error::damaged(format!("container {} has no config.json", seen.record.name)))?;
    store::make_dirs(&files.live)?;
    let alive =
        store::try_lock(&files.alive())?.ok_or_else(|| Error::conflict(format!("container {} is being started", seen.record.name)))?;
    // What a run that was cut off by a crash left behind.
    let _ = file::remove_file(&files.attach_socket());
    let _ = file::remove_file(&files.state());
    let mut record = seen.record;
    record.ended = None;
    mounts::prepare(paths, &record, &spec)?;
    Ok(Made { record, spec, files, alive })
}
