//! What a build makes: of the directory that a step has written a layer, and of layers that the store has an image.
//!
//! The directory of an overlay is packed in one pass, and is the layer itself from then on. `steps.rs` takes it into the store.

use crate::error::{Context, Result};
use crate::image::catalog::Users;
use crate::image::compression::Compression;
use crate::image::intake::{Blob, Taken};
pub use crate::image::layer::Passed as Layer;
use crate::image::load::Loaded;
use crate::image::pack::{Form, Pack};
use crate::image::reference::Reference;
use crate::image::workplace::Workplace;
use crate::image::{belt, index, making, proven, publish};
use crate::options::IdMap;
use crate::paths::Paths;
use crate::sys::beneath::Directory;
use crate::trace::{self, Step};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
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
    trace::begin(Step::PackLayer);
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

/// An image on layers that are in the store, the lowest first. `config` is whole but for these, and `annotations` are its manifest's.
/// One that is there already under all of the names stays as it is: then nothing is written.
pub fn publish(
    paths: &Paths,
    config: Map<String, Value>,
    annotations: &BTreeMap<String, String>,
    layers: Vec<Layer>,
    names: &[Reference],
    users: Users,
) -> Result<Loaded> {
    trace::begin(Step::WriteImage);
    let taken: Vec<Taken> = layers.into_iter().map(|layer| in_store(paths, layer)).collect();
    let (config, loaded) = making::describe(config, &taken, names)?;
    let manifest = publish::manifest_for(&config, taken.iter(), annotations)?;
    if is_known(paths, &loaded, &manifest.digest)? {
        return Ok(loaded);
    }
    let workplace = Workplace::begin(paths, users)?;
    making::publish(paths, &workplace, config, Some(manifest), taken, &loaded)?;
    Ok(loaded)
}

fn in_store(paths: &Paths, layer: Layer) -> Taken {
    let was_kept = || proven::read(paths, &layer.digest).is_none_or(|proven| proven.kept);
    let blob = if paths.blob(&layer.digest).exists() || was_kept() { Blob::InStore } else { Blob::NotKept };
    Taken { passed: layer, blob, tree: None, is_proven: false, arrival: None }
}

fn is_known(paths: &Paths, image: &Loaded, manifest: &str) -> Result<bool> {
    let index = index::read(paths)?;
    let mut same = index.manifests.iter().filter(|have| index::id_of(have) == image.id && have.digest.ends_with(manifest)).peekable();
    let has_any = same.peek().is_some();
    let named: Vec<&str> = same.filter_map(index::name_of).collect();
    Ok(has_any && image.names.iter().all(|name| named.contains(&name.as_str())))
}

#[cfg(test)]
mod tests;
