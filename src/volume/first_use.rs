//! The first use of a volume: it is filled with what the image has at its place. Only once, and only while it is empty.

use crate::error::{Context, Result};
use crate::store::{self, Durable};
use crate::sys::beneath::Directory;
use crate::sys::{Errno, file};
use crate::volume::Held;
use std::path::Path;

impl Held {
    /// Nobody has used it yet, and nobody has put anything into it by hand. A volume with options stands for a directory of
    /// somebody else's, which is not ours to fill.
    pub fn wants_filling(&self) -> Result<bool> {
        Ok(!self.volume.used && self.volume.options.is_empty() && is_empty(&self.files.data())?)
    }

    /// `fill` puts the files into an empty directory, which then becomes the volume's by one rename: nobody ever sees half of
    /// it. Who is killed meanwhile leaves a directory that the next first use removes.
    pub fn fill(&self, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let what = || format!("cannot fill volume {}", self.volume.name);
        let (filling, data) = (self.files.filling(), self.files.data());
        file::remove_tree(&filling).with_context(what)?;
        file::make_dir(&filling, 0o755).with_context(what)?;
        file::change_mode(&filling, 0o755).with_context(what)?;
        if let Err(error) = fill(&filling) {
            let _ = file::remove_tree(&filling);
            return Err(error.context(what()));
        }
        // Once renamed it counts as whole, also after a power cut; one that ends with its container does not outlive that.
        if self.volume.ends_with.is_none() && !is_empty(&filling)? {
            Directory::open_root(&filling).and_then(|dir| dir.sync_file_system()).with_context(what)?;
        }
        match file::rename(&filling, &data) {
            // Somebody put files into the volume by hand meanwhile: they stay.
            Err(Errno::ENOTEMPTY | Errno::EEXIST) => file::remove_tree(&filling).with_context(what),
            other => other.with_context(what),
        }
    }

    /// From here on it is never filled again: its directory is mounted, and cannot be exchanged any more.
    pub fn mark_used(&mut self) -> Result<()> {
        if self.volume.used {
            return Ok(());
        }
        self.volume.used = true;
        store::write_json(&self.files.record(), &self.volume, Durable::No)
    }
}

fn is_empty(dir: &Path) -> Result<bool> {
    let mut entries = std::fs::read_dir(dir).with_context(|| format!("cannot look into {}", dir.display()))?;
    Ok(entries.next().is_none())
}
