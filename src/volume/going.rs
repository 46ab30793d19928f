//! Volumes are removed: first the name, then the files.

use crate::error::{Context, Result};
use crate::paths::Paths;
use crate::store;
use crate::sys::file;
use crate::volume::Held;
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

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

    /// Bytes that its files take on the disk.
    pub fn size(&self) -> u64 {
        size(&self.files.data())
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

/// A file with several names counts once.
fn size(dir: &Path) -> u64 {
    let (mut all, mut seen, mut waiting) = (0, HashSet::new(), vec![dir.to_owned()]);
    while let Some(dir) = waiting.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(about) = entry.metadata() else { continue };
            if about.is_dir() {
                waiting.push(entry.path());
            } else if about.nlink() == 1 || seen.insert((about.dev(), about.ino())) {
                all += about.blocks() * 512;
            }
        }
    }
    all
}
