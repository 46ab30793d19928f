//! An OCI layout in a directory of this host, as a place from which things come: what it names is looked for among its blobs, and nothing
//! that it says is believed before its digest is proven.

use crate::error::{Context, Error, Result};
use crate::image::digest;
use crate::image::documents::{self, Index};
use crate::image::entries::damaged;
use crate::image::members::{Elsewhere, Member, Place};
use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug)]
pub struct Layout(pub PathBuf);

impl Layout {
    pub fn blob_path(directory: &Path, hex: &str) -> PathBuf {
        directory.join("blobs/sha256").join(hex)
    }

    /// The manifest that it is about, proven: the last that its index names.
    pub fn top(&self) -> Result<Vec<u8>> {
        let text = documents::read("index.json", &self.0.join("index.json")).map_err(|error| match error.errno() {
            Some(Errno::ENOENT) if !self.0.exists() => Error::no_such("there is no such directory"),
            Some(Errno::ENOENT) => Error::no_such("nothing is there").because("there is no index.json"),
            _ => error,
        })?;
        let index: Index = documents::parse("index.json", &text)?;
        let last = index.manifests.last().ok_or_else(|| Error::no_such("nothing is there").because("index.json names nothing"))?;
        let text = self.manifest(&last.digest)?;
        match format!("sha256:{}", digest::of(&text)) {
            found if found == last.digest => Ok(text),
            found => Err(damaged("the manifest is damaged").because(format!("its digest is {found}"))),
        }
    }
}

impl Elsewhere for Layout {
    fn manifest(&self, digest: &str) -> Result<Vec<u8>> {
        documents::read("the manifest", &Layout::blob_path(&self.0, digest::hex_of(digest)?))
    }

    fn blob(&self, digest: &str, size: u64, from: u64) -> Result<Box<dyn Read + Send>> {
        let path = Layout::blob_path(&self.0, digest::hex_of(digest)?);
        let what = || format!("cannot read {}", path.display());
        let fd = file::open(&path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY).with_context(what)?;
        let file = File::from(fd);
        let about = file.metadata().with_context(what)?;
        if !about.is_file() {
            return Err(damaged(format!("{} is no regular file", path.display())));
        }
        if about.len() != size {
            return Err(damaged(format!("{} has {} bytes, said are {size}", path.display(), about.len())));
        }
        Member { place: Place::Stretch(Arc::new(file), from), size: size.saturating_sub(from) }.read()
    }
}
