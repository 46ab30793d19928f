//! A context that comes as an archive: its files lie in the store while the build goes on, and go with it.

use crate::build::request::Context;
use crate::engine::images;
use crate::error::{Context as _, Error, Result};
use crate::image::put::{self, Owner};
use crate::image::{Workplace, compression};
use crate::paths::Paths;
use crate::store;
use crate::sys::beneath::Directory;
use crate::sys::file;
use std::io::Read;
use std::path::PathBuf;

/// The archive's files. They are removed with this value, or by the next command if we are killed.
pub struct Taken {
    pub directory: PathBuf,
    _workplace: Workplace,
}

/// A tar, plain or packed. It may take three quarters of the room that is free, as an image may.
pub fn take(paths: &Paths, source: impl Read) -> Result<Taken> {
    const WHAT: &str = "cannot take in the context";
    let workplace = Workplace::begin(paths, &|| images::users(paths))?;
    let directory = workplace.file("context");
    file::make_dir(&directory, 0o755).context(WHAT)?;
    let room = file::free_room(&directory).context(WHAT)?.bytes / 4 * 3;
    let (_, plain) = compression::unpacked(source).context(WHAT)?;
    let into = Directory::open_root(&directory).context(WHAT)?;
    put::put(Bounded { source: plain, left: room }, into, Owner::AsPacked, None, None).map_err(store::advise).context(WHAT)?;
    Ok(Taken { directory, _workplace: workplace })
}

/// Whether bytes are the beginning of an archive; a Dockerfile is text.
pub fn is_archive(first: &[u8]) -> bool {
    const MAGIC: std::ops::Range<usize> = 257..262;
    compression::of(first) != compression::Compression::Plain || first.get(MAGIC) == Some(b"ustar".as_slice())
}

impl Taken {
    pub fn context(&self, ignored: Option<(String, String)>) -> Context {
        Context { directory: self.directory.clone(), ignored }
    }
}

/// So that a bomb ends as an error.
struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        let too_much = || std::io::Error::other(Error::damaged("it takes more than three quarters of the room that is free").to_string());
        self.left = self.left.checked_sub(count as u64).ok_or_else(too_much)?;
        Ok(count)
    }
}
