//! How much an image may take, so that a bomb ends as an error and not as a full disk.
//!
//! Two bounds. Each layer may unpack to so many bytes and entries, as the user says. And where the user says nothing, all that
//! one command writes may take three quarters of the room that is free on the store's file system, in bytes and in files.

use crate::error::{Context, Error, Result};
use crate::image::entries::damaged;
use crate::image::lost::Lost;
use crate::image::progress::Progress;
use crate::sys::file;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What the user allows each layer. `None`: what there is room for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Of the unpacked archive.
    pub layer_bytes: Option<u64>,
    pub layer_entries: Option<u64>,
}

/// No layer of an honest image comes near these.
const USUAL_BYTES: u64 = 100 << 30;
const USUAL_ENTRIES: u64 = 2_000_000;

/// What is left for one command; its workers spend from it together.
#[derive(Debug)]
pub struct Budget {
    layer_bytes: u64,
    layer_entries: u64,
    bytes: AtomicU64,
    files: AtomicU64,
    over: AtomicBool,
    /// Set by whoever has ordered the work and does not want it any more.
    unwanted: Arc<AtomicBool>,
    /// No bound, but known to the same: what cannot be as it was packed.
    pub lost: Arc<Lost>,
}

impl Budget {
    /// `place` lies on the store's file system.
    pub fn new(limits: &Limits, place: &Path) -> Result<Budget> {
        let free = file::free_room(place).context("cannot see how much room is free")?;
        let share = |wished: Option<u64>, free: u64| if wished.is_some() { u64::MAX } else { free / 4 * 3 };
        Ok(Budget {
            layer_bytes: limits.layer_bytes.unwrap_or(USUAL_BYTES),
            layer_entries: limits.layer_entries.unwrap_or(USUAL_ENTRIES),
            bytes: share(limits.layer_bytes, free.bytes).into(),
            // Some file systems (btrfs) make room for files as they go, and say that they have none.
            files: share(limits.layer_entries, if free.files == 0 { u64::MAX } else { free.files }).into(),
            over: AtomicBool::new(false),
            unwanted: Arc::default(),
            lost: Arc::default(),
        })
    }

    /// Ends where the work is not wanted any more, and tells what was lost to who wanted it.
    pub fn while_wanted(self, progress: &Progress) -> Budget {
        Budget { unwanted: progress.unwanted(), lost: progress.lost.clone(), ..self }
    }

    /// A layer has come to `total` bytes.
    pub fn check_layer(&self, total: u64) -> Result<()> {
        if total > self.layer_bytes {
            return Err(damaged(format!("the layer unpacks to more than {} bytes", self.layer_bytes)).hint(ALLOW_BYTES));
        }
        Ok(())
    }

    /// A file of this size is announced: one that can never fit is refused before it fills the disk.
    pub fn check_announced(&self, size: u64) -> Result<()> {
        self.check_layer(size)?;
        if size > self.bytes.load(Ordering::Relaxed) { Err(too_little_room()) } else { Ok(()) }
    }

    /// Bytes that are going to be written.
    pub fn spend(&self, bytes: u64) -> Result<()> {
        take(&self.bytes, bytes).then_some(()).ok_or_else(too_little_room)
    }

    /// The layer's entry number `count`.
    pub fn check_entry(&self, count: u64) -> Result<()> {
        if count > self.layer_entries {
            return Err(damaged(format!("the layer has more than {} entries", self.layer_entries)).hint(ALLOW_ENTRIES));
        }
        Ok(())
    }

    /// An entry that is going to be made.
    pub fn spend_file(&self) -> Result<()> {
        take(&self.files, 1).then_some(()).ok_or_else(|| {
            Error::failed("it has more files than three quarters of what the store's file system can still hold")
                .hint("remove what is not needed, or allow it with --max-layer-entries")
        })
    }

    /// One worker has failed: the others need not go on.
    pub fn give_up(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn is_given_up(&self) -> bool {
        self.over.load(Ordering::Relaxed) || self.unwanted.load(Ordering::Relaxed)
    }
}

const ALLOW_BYTES: &str = "if you trust it, allow more with --max-layer-size";
const ALLOW_ENTRIES: &str = "if you trust it, allow more with --max-layer-entries";

fn too_little_room() -> Error {
    Error::failed("it takes more than three quarters of the room that is free on the store's file system")
        .hint("remove what is not needed, or allow it with --max-layer-size")
}

fn take(from: &AtomicU64, wanted: u64) -> bool {
    from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| if left == u64::MAX { Some(left) } else { left.checked_sub(wanted) })
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_says_counts_for_each_layer_and_else_all_share_the_room() {
        let here = std::env::temp_dir();
        let free = file::free_room(&here).unwrap().bytes;
        let budget = Budget::new(&Limits::default(), &here).unwrap();
        assert!(budget.check_announced(free).is_err() && budget.spend(free / 2).is_ok());
        assert!(budget.spend(free / 2).is_err(), "two halves are more than three quarters");
        let budget = Budget::new(&Limits { layer_bytes: Some(10), layer_entries: Some(2) }, &here).unwrap();
        assert!(budget.spend(u64::MAX - 1).is_ok() && budget.spend(u64::MAX - 1).is_ok());
        assert!(budget.check_layer(10).is_ok() && budget.check_layer(11).is_err() && budget.check_announced(11).is_err());
        assert!(budget.check_entry(2).is_ok() && budget.check_entry(3).is_err());
    }
}
