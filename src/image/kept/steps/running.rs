//! Builds that are at work: what they have found in the memory of builds must stay until they end, although nothing names it but the
//! record that they have read.
//!
//! Each holds a file. Its age says since when the build may have found something.

use crate::error::{Context, Result};
use crate::image::index::Writing;
use crate::image::steps::{USE_IS_TOLD, settle_doubts, used};
use crate::image::unflushed;
use crate::paths::Paths;
use crate::store;
use crate::sys::file;
use std::path::PathBuf;

/// Held as long as a build is at work.
#[derive(Debug)]
pub struct Running {
    path: PathBuf,
    _lock: store::Lock,
}

impl Running {
    /// Before the first step is looked for: from now on nothing half is found.
    pub fn begin(paths: &Paths) -> Result<Running> {
        unflushed::settle_all(paths)?;
        let writing = Writing::begin(paths)?;
        // What cannot be judged is not believed either.
        let _ = settle_doubts(paths, &writing);
        let id = file::random_id().context("cannot make an id")?;
        let path = paths.running_builds().join(&id[..16]);
        store::make_dirs(&paths.running_builds())?;
        store::lock(&path).map(|lock| Running { path, _lock: lock })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = file::remove_file(&self.path);
    }
}

/// Since when steps may be in use (nanoseconds since 1970); `None`: no build is at work.
pub fn in_use_since(paths: &Paths) -> Option<u64> {
    let held = all(paths).filter(|path| store::is_held(path).unwrap_or(true));
    held.filter_map(|path| used(&path)).min().map(|begun| begun.saturating_sub(USE_IS_TOLD.as_nanos() as u64))
}

/// What killed builds have left.
pub fn sweep(paths: &Paths, _writing: &Writing) {
    for path in all(paths).filter(|path| !store::is_held(path).unwrap_or(true)) {
        let _ = file::remove_file(&path);
    }
}

fn all(paths: &Paths) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(paths.running_builds()).into_iter().flatten().flatten().map(|entry| entry.path())
}
