//! A layer that a step of a build has written: the directory of an overlay is packed in one pass, and is the layer itself from then on.

use crate::error::{Context, Result};
use crate::image::belt;
use crate::image::compression::Compression;
pub use crate::image::layer::Passed as Layer;
use crate::image::pack::{Form, Pack};
use crate::options::IdMap;
use crate::sys::beneath::Directory;
use std::path::Path;

/// How it is done.
#[derive(Debug, Default)]
pub struct Packing {
    /// Whose its files are, where others are inside; afterwards they are those of the archive.
    pub users: Option<IdMap>,
    /// Nothing is younger than this (seconds since 1970), neither in the archive nor in the directory.
    pub latest: Option<i64>,
    /// Whether the blob is compressed.
    pub squeeze: bool,
}

/// `upper` becomes what can lie below other layers in any mount, and its archive is written to the new file `blob`. No overlay may be
/// mounted on it any more. Its root belongs to root with mode 755, unless the step has changed that. `told` hears of the bytes of the
/// archive as they come.
pub fn pack(upper: &Path, blob: &Path, packing: Packing, told: &dyn Fn(u64)) -> Result<Layer> {
    let root = Directory::open_root(upper).context("cannot open what the step has written")?;
    let compression = if packing.squeeze { Compression::Gzip } else { Compression::Plain };
    let (size, blob) = belt::write(blob, compression, told, |feed| {
        let mut pack = Pack::new(feed, Form::Layer).with_users(packing.users).adopting(packing.latest);
        pack.add_root(&root)?;
        pack.add_contents(&root, b"")?;
        let size = pack.size();
        pack.finish().map(|_| size)
    })?;
    Ok(Layer { digest: blob.digest, diff_id: blob.content, blob_size: blob.size, compression, size })
}

#[cfg(test)]
mod tests;
