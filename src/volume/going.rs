//! Volumes are removed: first the name, then the files.

use crate::error::{Context, Result};
use crate::paths::Paths;
use crate::store;
use crate::sys::file;
use crate::volume::Held;
use std::path::PathBuf;

impl Held {
    pub fn remove(self, paths: &Paths) -> Result<()> {
        let what = format!("cannot remove volume {}", self.volume.name);
        let going = self.let_go(paths)?;
        file::remove_tree(&going).context(what)
    }

    /// By one rename: nobody finds it any more. Its files go with the next `clear_away`.
    pub fn let_go(self, paths: &Paths) -> Result<PathBuf> {
        let what = || format!("cannot remove volume {}", self.volume.name);
        let going = paths.volume_going(&file::random_id().with_context(what)?[..16]);
        store::make_dirs(&paths.unfinished())?;
        file::rename(&self.files.dir, &going).with_context(what)?;
        Ok(going)
    }
}

/// Volumes that were let go, also by somebody who was killed before he could remove them.
pub fn clear_away(paths: &Paths) {
    for entry in std::fs::read_dir(paths.unfinished()).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(Paths::VOLUME_GOING) {
            let _ = file::remove_tree(&entry.path());
        }
    }
}
