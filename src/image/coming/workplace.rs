//! Where images are made ready: a directory of one's own under `unfinished/`, whose lock says that its maker still lives.
//!
//! A killed maker leaves the directory behind and the kernel drops its lock; the next command that writes images sees that
//! and removes it. Directories are made and judged under the image lock, so none is judged between its making and its locking.

use crate::error::{Context, Result};
use crate::image::arrival;
use crate::image::catalog::Users;
use crate::image::garbage;
use crate::image::index::Writing;
use crate::image::{steps, unflushed};
use crate::paths::Paths;
use crate::store;
use crate::sys::file;
use std::path::{Path, PathBuf};

/// The engine keeps things of its own in the same place, under other names.
const OURS: &str = "image-";
const LOCK: &str = ".lock";

pub struct Workplace {
    path: PathBuf,
    _lock: store::Lock,
}

impl Workplace {
    /// Also clears away what killed makers left. `users` is asked only if there were any.
    pub fn begin(paths: &Paths, users: Users) -> Result<Workplace> {
        // What comes may stand on layers that are here, and must not stand on half of one.
        unflushed::settle_all(paths)?;
        let writing = Writing::begin(paths)?;
        // What cannot be judged stays.
        let _ = steps::settle_doubts(paths, &writing);
        let abandoned = abandoned(paths);
        if !abandoned.is_empty() {
            // One of them may have died between putting files in place and naming them. Here, too.
            let _ = writing.read().and_then(|index| garbage::collect(paths, &writing, &index, &users()?));
            garbage::remove_scraps(paths, &writing);
        }
        let workplace = Workplace::make(paths)?;
        drop(writing);
        arrival::sweep(paths);
        for (path, lock) in abandoned {
            // Still locked while it goes, so that nobody else removes it as well.
            let _ = file::remove_tree(&path);
            drop(lock);
        }
        Ok(workplace)
    }

    /// For a small thing that every start may need: nobody else's leavings are looked at.
    pub fn begin_alone(paths: &Paths) -> Result<Workplace> {
        let _writing = Writing::begin(paths)?;
        Workplace::make(paths)
    }

    /// Under the lock, or somebody might judge it between its making and its locking.
    fn make(paths: &Paths) -> Result<Workplace> {
        let id = file::random_id().context("cannot make an id")?;
        let path = paths.unfinished().join(format!("{OURS}{}", &id[..16]));
        store::make_dirs(&path)?;
        match store::lock(&path.join(LOCK)) {
            Ok(lock) => Ok(Workplace { path, _lock: lock }),
            Err(error) => {
                let _ = file::remove_tree(&path);
                Err(error)
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // The lock last: as long as it is there, others see that somebody is at it.
        for entry in std::fs::read_dir(&self.path).into_iter().flatten().flatten().filter(|entry| entry.file_name() != LOCK) {
            let _ = file::remove_tree(&entry.path());
        }
        // What cannot be removed now is removed by the next command.
        let _ = file::remove_tree(&self.path);
    }
}

/// The same without touching anything; only who holds the image lock can be sure.
pub fn left(paths: &Paths) -> Vec<PathBuf> {
    let workplaces = all(paths).filter(|path| !store::is_held(&path.join(LOCK)).unwrap_or(true));
    workplaces.chain(arrival::left(paths)).collect()
}

/// False: its maker lives, or somebody else has removed it.
pub fn remove_left(paths: &Paths, path: &Path, _writing: &Writing) -> Result<bool> {
    if !path.is_dir() {
        return Ok(false);
    }
    if path.starts_with(paths.arriving()) {
        return arrival::remove_left(path);
    }
    let Some(_lock) = store::try_lock(&path.join(LOCK))? else { return Ok(false) };
    file::remove_tree(path).with_context(|| format!("cannot remove {}", path.display())).map(|()| true)
}

fn all(paths: &Paths) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = std::fs::read_dir(paths.unfinished()).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(OURS)).map(|entry| entry.path())
}

fn abandoned(paths: &Paths) -> Vec<(PathBuf, Option<store::Lock>)> {
    all(paths)
        .filter_map(|path| match store::try_lock(&path.join(LOCK)) {
            Ok(None) => None,
            Ok(lock) => Some((path, lock)),
            Err(_) => Some((path, None)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_works_at_is_cleared_away() {
        let root = std::env::temp_dir().join(format!("tare-workplace-{}", std::process::id()));
        let _ = crate::sys::file::remove_tree(&root);
        let paths = Paths::new(&root, root.join("run"));
        let mine = Workplace::begin(&paths, &|| Ok(Vec::new())).unwrap();
        let dead = paths.unfinished().join("image-dead");
        store::make_dirs(&dead.join("deep")).unwrap();
        store::make_dirs(&paths.unfinished().join("container-1")).unwrap();
        let other = Workplace::begin(&paths, &|| Ok(Vec::new())).unwrap();
        assert!(mine.path().is_dir() && !dead.exists() && paths.unfinished().join("container-1").is_dir());
        let path = other.path().to_owned();
        drop(other);
        assert!(!path.exists());
        drop(mine);
        file::remove_tree(&root).unwrap();
    }
}
