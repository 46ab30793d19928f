//! What the store knows of a blob that is a layer: what it unpacks to, and how large its files are.
//!
//! Written beside the blob once somebody has passed through it. Whoever meets the same blob again, in another image or in a newer
//! one, need not fetch it or read it: its name is its digest, and this says the rest.

use crate::error::{Context, Result};
use crate::image::layer::Passed;
use crate::paths::Paths;
use crate::store::{self, Durable};
use crate::sys::{Errno, file};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    pub passed: Passed,
    /// False: the user wanted the files only, and the store has not the blob itself.
    pub kept: bool,
}

/// One that cannot be read is as good as none: then the blob is looked at again.
pub fn read(paths: &Paths, blob: &str) -> Option<Proven> {
    store::read_json(&paths.proven().join(blob)).ok().flatten()
}

/// Ready to be put in place with `place`.
pub fn write(path: &Path, proven: &Proven) -> Result<()> {
    store::write_json(path, proven, Durable::No)
}

/// What was known before is overruled. Says where it lies now.
pub fn place(paths: &Paths, ready: &Path, blob: &str) -> Result<Option<PathBuf>> {
    let target = paths.proven().join(blob);
    match file::rename(ready, &target) {
        Ok(()) => Ok(Some(target)),
        // Two layers of one blob.
        Err(Errno::ENOENT) => Ok(None),
        Err(e) => Err(e).context("cannot say what a blob is"),
    }
}

pub fn forget(paths: &Paths, blob: &str) {
    let _ = file::remove_file(&paths.proven().join(blob));
}
