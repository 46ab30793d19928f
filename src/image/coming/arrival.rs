//! Blobs on their way: each has a place of its own in the store, which outlives the command that fetches it.
//!
//! `arriving/HEX/` holds as much of the blob as has come, the files that are unpacked from it, and when both are whole a word
//! that says so. Who fetches holds the lock alone. Others who want the same blob wait, and share what he has made: so two pulls
//! fetch no layer twice, and a pull that was killed is taken up by the next one where it broke.
//!
//! What lies here is believed little. A power cut may leave zeros where bytes were, so a beginning counts only if the digest of
//! the whole is right in the end, and the word "whole" only until the machine is started again.

use crate::error::{Context, Error, Result};
use crate::image::layer::{Passed, write_back};
use crate::image::limits::Budget;
use crate::image::members::Elsewhere;
use crate::paths::Paths;
use crate::store::{self, Durable, Lock};
use crate::sys::Errno;
use crate::sys::boot;
use crate::sys::file::{self, OFlag};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// While somebody else fetches: so long until we look again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// A beginning that nobody has taken up for so long is not wanted any more.
const OLDEST: Duration = Duration::from_secs(24 * 3600);

const LOCK: &str = ".lock";

/// A place, and the lock on it.
#[derive(Debug)]
pub struct Arrival {
    dir: PathBuf,
    lock: Lock,
}

pub enum Entered {
    /// Nobody else is at it; what has come before lies there.
    ToFetch(Arrival),
    /// All is done, by us or by somebody else.
    Whole(Arrival, Passed),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    /// Of the machine: what was only in memory has gone with it.
    boot: String,
    passed: Passed,
    /// Or the store had its files already.
    has_tree: bool,
}

impl Arrival {
    /// Waits for whoever fetches the same blob; `waiting` is called once if so.
    pub fn enter(paths: &Paths, hex: &str, budget: &Budget, waiting: impl FnOnce()) -> Result<Entered> {
        let dir = paths.arriving().join(hex);
        let mut waiting = Some(waiting);
        while !budget.is_given_up() {
            store::make_dirs(&dir)?;
            if let Some(arrival) = Arrival::locked(&dir, store::try_lock)? {
                return match arrival.whole() {
                    Some(passed) => arrival.lock.share().map(|()| Entered::Whole(arrival, passed)),
                    None => {
                        // The word first: of what comes now it says nothing.
                        let _ = file::remove_file(&arrival.word());
                        let _ = file::remove_tree(&arrival.tree());
                        Ok(Entered::ToFetch(arrival))
                    }
                };
            }
            // Those who share it only wait for their other layers.
            if let Some(arrival) = Arrival::locked(&dir, store::try_share)?
                && let Some(passed) = arrival.whole()
            {
                return Ok(Entered::Whole(arrival, passed));
            }
            if let Some(waiting) = waiting.take() {
                waiting();
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Err(Error::failed("another layer has failed"))
    }

    /// `None`: somebody else holds it, or has removed it just now.
    fn locked(dir: &Path, lock: fn(&Path) -> Result<Option<Lock>>) -> Result<Option<Arrival>> {
        let path = dir.join(LOCK);
        match lock(&path) {
            Ok(lock) => Ok(lock.filter(|lock| lock.is_of(&path)).map(|lock| Arrival { dir: dir.to_owned(), lock })),
            Err(error) if error.errno() == Some(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn blob(&self) -> PathBuf {
        self.dir.join("blob")
    }

    pub fn tree(&self) -> PathBuf {
        self.dir.join("tree")
    }

    fn word(&self) -> PathBuf {
        self.dir.join("whole")
    }

    fn whole(&self) -> Option<Passed> {
        let whole: Whole = store::read_json(&self.word()).ok()??;
        // Whoever published it has taken his files away.
        let is_there = self.blob().exists() && (!whole.has_tree || self.tree().exists());
        (is_there && whole.boot == boot::id()?).then_some(whole.passed)
    }

    /// All of the blob: what has come already, and then the rest from where it is, which is kept as it comes.
    pub fn fetch<'a>(&self, there: &Arc<dyn Elsewhere>, digest: &str, size: u64, budget: &'a Budget) -> Result<Fetching<'a>> {
        let what = "cannot keep a blob";
        let fd = file::create(&self.blob(), OFlag::O_RDWR | OFlag::O_APPEND, 0o600).context(what)?;
        let kept = File::from(fd);
        let mut had = file::length(kept.as_fd()).context(what)?;
        if had > size {
            kept.set_len(0).context(what)?;
            had = 0;
        }
        Ok(Fetching { kept, at: 0, had, size, rest: None, there: there.clone(), digest: digest.to_owned(), budget })
    }

    /// From now on others may use it, too.
    pub fn finish(&self, passed: &Passed) -> Result<()> {
        let whole = Whole { boot: boot::id().unwrap_or_default(), passed: passed.clone(), has_tree: self.tree().exists() };
        store::write_json(&self.word(), &whole, Durable::No)?;
        self.lock.share()
    }

    /// What has come is not what was wanted.
    pub fn discard(&self) {
        let _ = file::remove_tree(&self.tree());
        let _ = file::remove_file(&self.blob());
    }

    /// The next one who wants it goes on from here.
    pub fn leave_for_later(&self) {
        let _ = file::remove_tree(&self.tree());
    }

    /// The store has it, or nobody wants it. Others who share it find what they look for in the store.
    ///
    /// The name goes first, in one step: who comes meanwhile makes a new place, and nothing of his is removed. Whoever calls this is
    /// alone here, or holds the image lock, under which the others look whether this is still their place.
    pub fn remove(self) {
        let Ok(id) = file::random_id() else { return };
        let away = self.dir.with_extension(format!("gone-{}", &id[..16]));
        if self.is_current() && file::rename(&self.dir, &away).is_ok() {
            let _ = file::remove_tree(&away);
        }
    }

    /// False: somebody has published it and taken its files along, and what has its name now is another's.
    pub fn is_current(&self) -> bool {
        self.lock.is_of(&self.dir.join(LOCK))
    }

    /// Whether it is the place where this file or directory lies.
    pub fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.dir)
    }
}

/// Reads a blob that comes, and keeps it.
pub struct Fetching<'a> {
    kept: File,
    at: u64,
    had: u64,
    size: u64,
    rest: Option<Box<dyn Read + Send>>,
    there: Arc<dyn Elsewhere>,
    digest: String,
    budget: &'a Budget,
}

impl Fetching<'_> {
    /// How much of it lay there before.
    pub fn had(&self) -> u64 {
        self.had
    }

    fn fetch(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let rest = match &mut self.rest {
            Some(rest) => rest,
            none => none.insert(self.there.blob(&self.digest, self.size, self.at)?),
        };
        let count = rest.read(buffer).map_err(|error| match error.downcast::<Error>() {
            Ok(ours) => ours,
            Err(other) => Error::failed("the blob does not come to its end").because(other),
        })?;
        self.budget.spend(count as u64)?;
        file::write_all(self.kept.as_fd(), &buffer[..count]).context("cannot keep a blob").map_err(store::advise)?;
        write_back(self.kept.as_fd(), self.at, self.at + count as u64);
        Ok(count)
    }
}

impl Read for Fetching<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = if self.at < self.had {
            let most = usize::try_from(self.had - self.at).unwrap_or(usize::MAX).min(buffer.len());
            file::read_at_offset(self.kept.as_fd(), &mut buffer[..most], self.at)?
        } else {
            self.fetch(buffer).map_err(io::Error::other)?
        };
        self.at += count as u64;
        Ok(count)
    }
}

/// What killed pulls have left takes no more room than it may save: half a tree goes, and what nobody has wanted for long.
pub fn sweep(paths: &Paths) {
    for arrival in nobodys(paths) {
        let age = |path: &Path| std::fs::metadata(path).ok()?.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        if arrival.whole().is_none() {
            let _ = file::remove_tree(&arrival.tree());
        }
        if age(&arrival.blob()).is_none_or(|age| age > OLDEST) {
            arrival.remove();
        }
    }
}

/// Those that nobody is at go; gives the bytes of the blobs among them.
pub fn remove_all(paths: &Paths) -> u64 {
    let size = |arrival: Arrival| {
        let size = std::fs::metadata(arrival.blob()).map_or(0, |found| found.len());
        arrival.remove();
        size
    };
    nobodys(paths).map(size).sum()
}

fn nobodys(paths: &Paths) -> impl Iterator<Item = Arrival> {
    let entries = std::fs::read_dir(paths.arriving()).into_iter().flatten().flatten();
    entries.filter_map(|entry| Arrival::locked(&entry.path(), store::try_lock).ok().flatten())
}

/// Half trees that nobody makes whole any more.
pub fn left(paths: &Paths) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(paths.arriving()).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_half = |dir: &PathBuf| dir.join("tree").exists() && !dir.join("whole").exists();
    entries.filter(|dir| is_half(dir) && !store::is_held(&dir.join(LOCK)).unwrap_or(true)).map(|dir| dir.join("tree")).collect()
}

/// False: somebody is at it, or it is gone.
pub fn remove_left(tree: &Path) -> Result<bool> {
    let Some(arrival) = tree.parent().map(|dir| Arrival::locked(dir, store::try_lock)).transpose()?.flatten() else { return Ok(false) };
    file::remove_tree(&arrival.tree()).with_context(|| format!("cannot remove {}", tree.display())).map(|()| true)
}
