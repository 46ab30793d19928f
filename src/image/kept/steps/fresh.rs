//! Steps whose files may still be on their way to the disk.
//!
//! Waiting for the disk after each step would be most of many builds. So the record of a step lies in a directory that is called after
//! this life of the machine, and is believed in this life only. An image that has such a layer waits for its blob, and its word in the list
//! (`unflushed.rs`) says that the files may have to be made again.
//!
//! Whoever comes first in the next life looks at what was left: a layer that an image has is whole again by then, and so its step is
//! believed from now on; any other may be half of what it was, and goes.

use super::{Layer, is_whole, read, records_in};
use crate::error::{Context, Result};
use crate::image::garbage;
use crate::image::index::Writing;
use crate::paths::Paths;
use crate::store;
use crate::sys::beneath::Directory;
use crate::sys::{boot, file};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where /proc does not tell which life this is: nobody ever believes it.
const UNKNOWN: &str = "unknown";

/// What is believed because this is still the same life.
pub(super) fn place_of_now(paths: &Paths) -> Option<PathBuf> {
    boot::id().map(|life| paths.fresh_steps().join(life))
}

pub(super) fn place_of_new(paths: &Paths) -> Result<PathBuf> {
    let place = paths.fresh_steps().join(boot::id().as_deref().unwrap_or(UNKNOWN));
    store::make_dirs(&place).map(|()| place)
}

/// Layers that nobody has waited for, in this life of the machine.
pub fn unflushed(paths: &Paths) -> Vec<Layer> {
    let records = place_of_now(paths).map(|place| records_in(&place)).unwrap_or_default();
    records.into_iter().filter_map(|(_, path)| read(&path).ok()??.layer).collect()
}

/// Waits until the disk has all that was kept: it is believed in the next life, too.
pub fn settle(paths: &Paths, _writing: &Writing) -> Result<()> {
    let records = place_of_now(paths).map(|place| records_in(&place)).unwrap_or_default();
    if records.is_empty() {
        return Ok(());
    }
    let what = "cannot write the memory of builds to disk";
    store::make_dirs(&paths.steps())?;
    Directory::open_root(&paths.steps()).and_then(|place| place.sync_file_system()).context(what)?;
    records.into_iter().try_for_each(|(key, record)| file::rename(&record, &paths.steps().join(key)).context(what))
}

/// The directories of all lives of which there are still records.
pub fn lives(paths: &Paths) -> Vec<PathBuf> {
    std::fs::read_dir(paths.fresh_steps()).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Those of earlier lives.
pub fn doubts(paths: &Paths) -> Vec<PathBuf> {
    let lives = lives(paths);
    if lives.is_empty() {
        return lives;
    }
    let now = place_of_now(paths);
    lives.into_iter().filter(|life| Some(life) != now.as_ref()).collect()
}

/// Judges what earlier lives have left. The layers of images are whole already (`unflushed::settle_all`).
pub fn settle_doubts(paths: &Paths, writing: &Writing) -> Result<()> {
    for life in doubts(paths) {
        settle_life(paths, &life, writing).context("cannot judge what builds have left before the machine was started")?;
    }
    Ok(())
}

fn settle_life(paths: &Paths, life: &Path, writing: &Writing) -> Result<()> {
    let records = records_in(life);
    let layers: Vec<Layer> = records.iter().filter_map(|(_, record)| read(record).ok()??.layer).collect();
    // Not even for a container that stands on one: it may be half of what it was.
    let unneeded = garbage::unneeded(paths, &writing.read()?, &[])?;
    let (files, blobs): (BTreeSet<String>, BTreeSet<String>) =
        (unneeded.layers.into_iter().collect(), unneeded.blobs.into_iter().collect());
    for layer in layers {
        if files.contains(&layer.diff_id) && paths.layer(&layer.diff_id).is_dir() {
            garbage::remove_layer(paths, &layer.diff_id)?;
        }
        if blobs.contains(&layer.digest) {
            garbage::remove_blob(paths, &layer.digest)?;
        }
    }
    store::make_dirs(&paths.steps())?;
    for (key, record) in records {
        let is_believed = read(&record)?.is_some_and(|step| is_whole(paths, &step));
        if is_believed && !paths.steps().join(&key).exists() {
            file::rename(&record, &paths.steps().join(&key)).context("cannot keep a record")?;
        }
    }
    file::remove_tree(life).context("cannot remove a directory")
}
