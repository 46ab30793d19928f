//! The files of a log as its reader finds them, while the monitor may be renaming them.
//!
//! Files only ever move to a greater age, and they are looked for in that order: none is missed, though one may be met twice. If
//! the youngest is still the same at the end, no rotation was completed meanwhile and the order is right.

use super::file;
use std::fs::File;
use std::io::Result;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells a file from every other: as long as it is open, nobody else gets its number.
type Identity = (u64, u64);

pub struct Found {
    pub file: File,
    pub identity: Identity,
    /// Its place in the whole log, if that is written in it.
    pub number: u64,
    /// Files between the one before and this one were gone when we came.
    pub after_gap: bool,
}

/// So often it may happen that a rotation is completed during a look; then the look is taken as it is.
const ATTEMPTS: usize = 100;

/// All that hold something, oldest first.
pub fn look(log: &Path, most: u32) -> Result<Vec<Found>> {
    for _ in 0..ATTEMPTS {
        let before = newest(log)?;
        let found = once(log, most)?;
        if newest(log)? == before {
            return Ok(found);
        }
    }
    once(log, most)
}

/// The file that is written at this moment.
pub fn newest(log: &Path) -> Result<Option<Identity>> {
    match std::fs::metadata(log) {
        Ok(about) => Ok(Some((about.dev(), about.ino()))),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn once(log: &Path, most: u32) -> Result<Vec<Found>> {
    let mut found: Vec<Found> = Vec::new();
    for age in 0..most {
        let Some(file) = file::open(log, age)? else { continue };
        let about = file.metadata()?;
        let identity = (about.dev(), about.ino());
        if found.iter().any(|one| one.identity == identity) {
            continue;
        }
        // The youngest may be empty yet: it is found when there is something in it.
        if let Some(number) = file::number_of(&file) {
            found.push(Found { file, identity, number, after_gap: false });
        }
    }
    found.reverse();
    Ok(found)
}
