//! The memory of builds: what a step has made is found again by its key, which follows from all that went into it.
//!
//! A record names a layer, and the collection of garbage keeps what it names. It is written before what it names gets its place: who is
//! killed between the two leaves a record that leads nowhere, which is as good as none, and never files that nobody knows of.
//!
//! Nobody waits for the disk when a step is kept (`fresh.rs`).

mod fresh;
mod running;

use crate::error::{Context, Kind, Result};
use crate::image::catalog::Users;
use crate::image::index::Writing;
pub use crate::image::layer::Passed as Layer;
use crate::image::proven::{self, Proven};
use crate::image::{digest, garbage};
use crate::paths::Paths;
use crate::store::{self, Durable};
use crate::sys::{Errno, beneath, file};
use crate::time;
pub use fresh::{doubts, lives, settle, settle_doubts, unflushed};
pub use running::{Running, in_use_since, sweep};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// What became of a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// `None`: it has changed no files.
    pub layer: Option<Layer>,
    /// What people call it: `RUN make`.
    pub what: String,
    /// Nanoseconds since 1970.
    pub made: u64,
    pub took_ms: u64,
    /// What the builder wants to know again.
    #[serde(default)]
    pub note: Value,
}

/// A layer that was made just now, on the store's file system.
#[derive(Clone, Debug)]
pub struct Fresh {
    pub upper: PathBuf,
    pub blob: PathBuf,
}

/// A step as `all` tells it.
#[derive(Clone, Debug)]
pub struct Kept {
    pub key: String,
    pub step: Step,
    /// Nanoseconds since 1970; it may have been used up to an hour later.
    pub used: u64,
}

/// How well it is known when a step was used last.
pub const USE_IS_TOLD: Duration = Duration::from_secs(3600);

/// What a step has made, if all of it is still there.
pub fn find(paths: &Paths, key: &str) -> Result<Option<Step>> {
    for place in places(paths) {
        let path = place.join(key);
        if let Some(step) = read(&path)?.filter(|step| is_whole(paths, step)) {
            tell_use(&path);
            return Ok(Some(step));
        }
    }
    Ok(None)
}

/// A damaged record says nothing: then the step is done once more.
fn read(path: &Path) -> Result<Option<Step>> {
    match store::read_json(path) {
        Err(error) if matches!(error.kind(), Kind::Damaged | Kind::Newer) => Ok(None),
        other => other,
    }
}

fn is_whole(paths: &Paths, step: &Step) -> bool {
    step.layer.as_ref().is_none_or(|layer| paths.layer(&layer.diff_id).is_dir() && paths.blob(&layer.digest).exists())
}

/// By the record's own time. Who cannot write it only looks.
fn tell_use(path: &Path) {
    let is_told = used(path).is_some_and(|used| time::now().saturating_sub(used) < USE_IS_TOLD.as_nanos() as u64);
    if !is_told && let Ok(fd) = file::open(path, file::OFlag::O_RDONLY) {
        let _ = beneath::set_time(fd.as_fd(), ((time::now() / 1_000_000_000) as i64, 0));
    }
}

fn used(path: &Path) -> Option<u64> {
    let modified = path.metadata().and_then(|about| about.modified()).ok()?;
    Some(modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64))
}

/// Where records are that are believed.
fn places(paths: &Paths) -> impl Iterator<Item = PathBuf> {
    [paths.steps()].into_iter().chain(fresh::place_of_now(paths))
}

/// Remembers a step, and takes in the layer that it has made. Where the store has that layer already, from another build or in another
/// image, the new files stay where they are, and are the caller's to remove.
pub fn keep(paths: &Paths, key: &str, step: &Step, fresh: Option<Fresh>) -> Result<()> {
    keep_now(paths, key, step, fresh, &Writing::begin(paths)?)
}

/// For whoever holds the lock already.
pub fn keep_now(paths: &Paths, key: &str, step: &Step, fresh: Option<Fresh>, _writing: &Writing) -> Result<()> {
    let record = fresh::place_of_new(paths)?.join(key);
    store::write_json(&record, step, Durable::No)?;
    let (Some(layer), Some(fresh)) = (&step.layer, fresh) else { return Ok(()) };
    let kept = place(paths, layer, &fresh);
    if kept.is_err() {
        let _ = file::remove_file(&record);
    }
    kept.map_err(store::advise).context("cannot keep what the step has made")
}

fn place(paths: &Paths, layer: &Layer, fresh: &Fresh) -> Result<()> {
    let proof = paths.proven().join(&layer.digest);
    if !proof.exists() {
        proven::write(&proof, &Proven { passed: layer.clone(), kept: true })?;
    }
    let (blob, tree) = (paths.blob(&layer.digest), paths.layer(&layer.diff_id));
    let is_new = take(&fresh.blob, &blob).context("its blob")?;
    let placed = take(&fresh.upper, &tree);
    if placed.is_err() && is_new {
        let _ = file::rename(&blob, &fresh.blob);
    }
    placed.context("its files").map(drop)
}

/// Its name is its digest, so what has it already is the same.
fn take(ready: &Path, target: &Path) -> Result<bool, Errno> {
    if target.exists() { Ok(false) } else { file::rename(ready, target).map(|()| true) }
}

/// All that may be found, those that were used last at the end.
pub fn all(paths: &Paths) -> Result<Vec<Kept>> {
    let mut all = Vec::new();
    for (key, path) in records(paths) {
        let Some(step) = read(&path)?.filter(|step| is_whole(paths, step)) else { continue };
        all.push(Kept { used: used(&path).unwrap_or(step.made), key, step });
    }
    all.sort_by(|one, other| (one.used, one.step.made, &one.key).cmp(&(other.used, other.step.made, &other.key)));
    all.dedup_by(|one, other| one.key == other.key);
    Ok(all)
}

fn records(paths: &Paths) -> Vec<(String, PathBuf)> {
    places(paths).flat_map(|place| records_in(&place)).collect()
}

fn records_in(place: &Path) -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let named = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    named.filter(|(name, _)| digest::is_hex(name)).collect()
}

/// What the records name.
pub fn layers(paths: &Paths) -> Vec<Layer> {
    records(paths).into_iter().filter_map(|(_, path)| read(&path).ok()??.layer).collect()
}

/// Records that lead nowhere: what they name has gone.
pub fn broken(paths: &Paths) -> Vec<String> {
    let is_broken = |path: &Path| read(path).is_ok_and(|step| !step.is_some_and(|step| is_whole(paths, &step)));
    records(paths).into_iter().filter(|(_, path)| is_broken(path)).map(|(key, _)| key).collect()
}

/// Forgets these, and what leads nowhere; and removes what nobody needs any more.
pub fn remove(paths: &Paths, keys: &[String], users: Users) -> Result<()> {
    let writing = Writing::begin(paths)?;
    sweep(paths, &writing);
    for key in keys.iter().chain(&broken(paths)) {
        forget(paths, key, &writing)?;
    }
    garbage::remove_scraps(paths, &writing);
    garbage::collect(paths, &writing, &writing.read()?, &users()?).map(drop)
}

/// What `RUN --mount=type=cache` has kept under this id.
pub fn remove_mount(paths: &Paths, id: &str) -> Result<()> {
    let _writing = Writing::begin(paths)?;
    match garbage::remove_tree(paths, &paths.build_mounts().join(id), &format!("mount-{id}")) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno).with_context(|| format!("cannot remove the cache {id}")),
    }
}

/// False: it is gone already. What it has named is collected by whoever asked for it.
pub fn forget(paths: &Paths, key: &str, _writing: &Writing) -> Result<bool> {
    let mut was_there = false;
    for record in places(paths).map(|place| place.join(key)) {
        was_there |= record.exists();
        file::remove_file(&record).with_context(|| format!("cannot forget step {key:.12}"))?;
    }
    Ok(was_there)
}

#[cfg(test)]
mod tests;
