//! What is remembered of the files of a context: who has not changed since is not read again.
//!
//! As git does it: a file is the same if device, inode, size and both times are. A file that was changed in the moment when it was read
//! may be changed once more without its time moving, so what is that young is not remembered at all. One file for each context, whole
//! and replaced at once; one that cannot be understood is forgotten.

use crate::build::files::digest::{Print, hex};
use crate::build::files::look::Look;
use crate::error::{Context, Result};
use crate::sys::file::{self, OFlag};
use crate::time;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Seconds. The coarsest clock of a file system in use counts two.
const YOUNG: i64 = 3;
/// More is not worth reading: a million files.
const MOST_BYTES: u64 = 256 << 20;
const BEGIN: &[u8; 8] = b"tarectx1";
const CHECKSUM: usize = 4;

pub struct Memory {
    /// `None`: nothing is remembered.
    place: Option<PathBuf>,
    is_read: bool,
    known: BTreeMap<Vec<u8>, Known>,
    has_news: bool,
    begun: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Known {
    about: [u8; ABOUT],
    print: Print,
    is_used: bool,
}

/// Device, inode, size, and both times.
const ABOUT: usize = 3 * 8 + 2 * 12;

impl Memory {
    /// For files that nobody will see again.
    pub fn none() -> Memory {
        Memory { place: None, is_read: true, known: BTreeMap::new(), has_news: false, begun: 0 }
    }

    /// `directory`: where these are kept.
    pub fn of(directory: &Path, context: &Path) -> Memory {
        let name = hex(&Sha256::digest(file::bytes_of(context)).into());
        Memory { place: Some(directory.join(name)), is_read: false, ..Memory::none() }
    }

    /// Called before files are looked at.
    pub fn begin(&mut self) {
        self.begun = i64::try_from(time::now() / 1_000_000_000).unwrap_or(0);
    }

    pub fn find(&mut self, path: &[u8], look: &Look) -> Option<Print> {
        self.recall();
        let known = self.known.get_mut(path).filter(|known| known.about == about(look))?;
        known.is_used = true;
        Some(known.print)
    }

    /// What was read, and was the same before and after.
    pub fn remember(&mut self, path: Vec<u8>, look: &Look, print: Print) {
        if self.place.is_some() && look.changed.0 + YOUNG < self.begun {
            self.known.insert(path, Known { about: about(look), print, is_used: true });
            self.has_news = true;
        }
    }

    /// For the next build. What this one has not asked for stays, as long as there is room: other instructions ask for other files.
    pub fn save(&mut self) -> Result<()> {
        let Some(place) = self.place.as_ref().filter(|_| self.has_news) else { return Ok(()) };
        const WHAT: &str = "cannot remember what was read of the build context";
        let mut bytes = written(self.known.iter());
        if bytes.len() as u64 > MOST_BYTES {
            bytes = written(self.known.iter().filter(|(_, known)| known.is_used));
        }
        let new = place.with_extension(file::random_id().context(WHAT)?);
        file::make_dirs(place.parent().unwrap_or(place), 0o700).context(WHAT)?;
        let made = file::create(&new, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600).context(WHAT)?;
        let written = file::write_all(made.as_fd(), &bytes).and_then(|()| file::rename(&new, place));
        if written.is_err() {
            let _ = file::remove_file(&new);
        }
        self.has_news = false;
        written.context(WHAT)
    }

    fn recall(&mut self) {
        if std::mem::replace(&mut self.is_read, true) {
            return;
        }
        let bytes = self.place.as_ref().and_then(|place| file::read_bounded(place, MOST_BYTES).ok());
        self.known = bytes.and_then(|bytes| understood(&bytes)).unwrap_or_default();
    }
}

fn about(look: &Look) -> [u8; ABOUT] {
    let mut about = [0; ABOUT];
    let mut rest = &mut about[..];
    let mut put = |bytes: &[u8]| {
        let (here, after) = std::mem::take(&mut rest).split_at_mut(bytes.len());
        here.copy_from_slice(bytes);
        rest = after;
    };
    [look.device, look.inode, look.size].iter().for_each(|number| put(&number.to_le_bytes()));
    for moment in [look.modified, look.changed] {
        put(&moment.0.to_le_bytes());
        put(&moment.1.to_le_bytes());
    }
    about
}

fn written<'a>(known: impl Iterator<Item = (&'a Vec<u8>, &'a Known)>) -> Vec<u8> {
    let mut bytes = BEGIN.to_vec();
    for (path, known) in known {
        bytes.extend((path.len() as u32).to_le_bytes());
        bytes.extend_from_slice(path);
        bytes.extend_from_slice(&known.about);
        bytes.extend_from_slice(&known.print);
    }
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn understood(bytes: &[u8]) -> Option<BTreeMap<Vec<u8>, Known>> {
    let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    let mut rest = body.strip_prefix(BEGIN)?;
    if crc32fast::hash(body).to_le_bytes() != checksum {
        return None;
    }
    let mut take = |count: usize| {
        let (here, after) = rest.split_at_checked(count)?;
        rest = after;
        Some(here)
    };
    let mut known = Vec::new();
    while let Some(length) = take(4) {
        let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
        let path = take(length)?.to_vec();
        let (about, print) = (take(ABOUT)?.try_into().ok()?, take(32)?.try_into().ok()?);
        known.push((path, Known { about, print, is_used: false }));
    }
    Some(known.into_iter().collect())
}
