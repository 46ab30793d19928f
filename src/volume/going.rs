//! Volumes are removed: first the name, then the files.

use crate::error::{Context, Result};
use crate::paths::{Paths, VolumePaths};
use crate::store;
use crate::sys::{Errno, file};
use crate::volume::Held;
use std::path::{Path, PathBuf};

impl Held {
    pub fn remove(self, paths: &Paths) -> Result<()> {
        let what = format!("cannot remove volume {}", self.volume.name);
        match self.let_go(paths) {
            Ok(going) => {
                drop(self);
                clear(&going).context(what)
            }
            // No room to put it aside, and all the more need to remove it: where it is, then.
            Err(error) if matches!(error.errno(), Some(Errno::ENOSPC | Errno::EDQUOT)) => file::remove_tree(&self.files.dir).context(what),
            Err(error) => Err(error),
        }
    }

    /// By one rename: nobody finds it any more. Its files go with the next `clear_away`.
    pub fn let_go(&self, paths: &Paths) -> Result<PathBuf> {
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
            let _ = clear(&entry.path());
        }
    }
}

/// The data first, under the volume's own lock: so others see that somebody is at it.
fn clear(going: &Path) -> Result<(), Errno> {
    let lock = match store::try_lock(&VolumePaths::at(going).lock()) {
        Ok(None) => return Ok(()),
        Ok(lock) => lock,
        // It is gone; or the disk is too full for a lock, and has all the more need of this.
        Err(_) => None,
    };
    file::remove_tree(&VolumePaths::at(going).data())?;
    let done = match file::remove_tree(going) {
        // Somebody came when our lock's name was gone already, and has made his own there: he takes away the rest.
        Err(Errno::ENOTEMPTY) => Ok(()),
        other => other,
    };
    drop(lock);
    done
}

/// Volumes on their way out whose remover is dead.
pub fn abandoned(paths: &Paths) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(paths.unfinished()).into_iter().flatten().flatten();
    let going = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(Paths::VOLUME_GOING)).map(|entry| entry.path());
    going.filter(|path| !store::is_held(&VolumePaths::at(path).lock()).unwrap_or(true)).collect()
}
