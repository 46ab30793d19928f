//! Results of steps go out, for other stores: the list of them (`step_list.rs`), and the layers that it names.

use crate::error::{Context, Error, Result};
use crate::image::digest::{Hashing, hex_of};
use crate::image::documents::{self, Descriptor, INDEX_TYPE, Index, MANIFEST_TYPE, Manifest, NAME};
use crate::image::layout::Layout;
use crate::image::members::{Document, Elsewhere};
use crate::image::publish::{describe, describe_layer, manifest_of};
use crate::image::push::{self, Blob, Outgoing};
use crate::image::step_list::{self, LIST_TYPE, Steps};
use crate::image::steps::Layer;
use crate::paths::Paths;
use crate::store::{self, Durable};
use crate::sys::appearing::Appearing;
use crate::sys::file;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// What there is to go. A layer that is neither in the store nor `elsewhere` stays behind. `list`: a new file for the list.
pub fn outgoing<'a>(
    paths: &Paths,
    steps: &Steps,
    layers: impl Iterator<Item = &'a Layer>,
    elsewhere: &dyn Fn(&Layer) -> Option<Arc<dyn Elsewhere>>,
    list: &Path,
) -> Result<Outgoing> {
    let document = Document::new(step_list::write(steps)?);
    store::write(list, &document.text, Durable::No)?;
    let config = describe(LIST_TYPE, &document.digest, document.text.len() as u64);
    let (mut descriptors, mut blobs) = (Vec::new(), Vec::new());
    let layers: BTreeMap<&str, &Layer> = layers.map(|layer| (layer.digest.as_str(), layer)).collect();
    for layer in layers.into_values() {
        let descriptor = describe_layer(layer);
        let shown = Some(layer.diff_id[..12].to_owned());
        let blob = match paths.blob(&layer.digest).exists() {
            true => Some(push::open(paths, &descriptor, shown)?),
            false => elsewhere(layer).map(|there| Blob::elsewhere(&descriptor, shown, there)),
        };
        if let Some(blob) = blob {
            descriptors.push(descriptor);
            blobs.push(blob);
        }
    }
    let list = push::open_at(list, &config, None)?;
    let manifest = manifest_of(config, descriptors, &BTreeMap::new())?;
    let digest = format!("sha256:{}", manifest.digest);
    Ok(Outgoing { media_type: MANIFEST_TYPE.into(), manifest: manifest.text, digest, config: list, layers: blobs })
}

/// Into an OCI layout: what it had before, under the same name, is replaced when all is there.
pub fn into_directory(directory: &Path, what: &Outgoing) -> Result<()> {
    let cannot = || format!("cannot write to {}", directory.display());
    file::make_dirs(&directory.join("blobs/sha256"), 0o755).with_context(cannot)?;
    let before = index(directory)?;
    for blob in what.blobs() {
        put_blob(directory, blob)?;
    }
    write(&Layout::blob_path(directory, hex_of(&what.digest)?), &what.manifest)?;
    write(&directory.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    let annotations = [(NAME.to_owned(), OUR_NAME.to_owned())].into();
    let (old, others): (Vec<_>, Vec<_>) =
        before.manifests.into_iter().partition(|have| have.annotations.get(NAME).is_some_and(|name| name == OUR_NAME));
    let ours = Descriptor {
        media_type: what.media_type.clone(),
        digest: what.digest.clone(),
        size: what.manifest.len() as u64,
        annotations,
        ..Descriptor::default()
    };
    let is_alone = others.is_empty();
    let manifests = others.into_iter().chain([ours]).collect();
    let index = Index { schema_version: 2, media_type: INDEX_TYPE.to_owned(), manifests };
    let text = serde_json::to_vec(&index).map_err(|e| Error::failed("cannot write an index").because(e))?;
    write(&directory.join("index.json"), &text)?;
    // What others share with it nobody can tell by looking at ours alone.
    if is_alone {
        old.iter().for_each(|old| forget(directory, old, what));
    }
    Ok(())
}

/// As docker calls what it keeps in such a directory.
const OUR_NAME: &str = "latest";

/// One that cannot be read is somebody's, too.
fn index(directory: &Path) -> Result<Index> {
    let path = directory.join("index.json");
    match path.exists() {
        true => documents::parse("its index.json", &documents::read("its index.json", &path)?)
            .map_err(|error| error.hint("remove it, or name another directory")),
        false => Ok(Index::default()),
    }
}

/// Proven on its way, wherever it comes from.
fn put_blob(directory: &Path, blob: &Blob) -> Result<()> {
    let hex = hex_of(&blob.digest)?;
    let path = Layout::blob_path(directory, hex);
    if path.metadata().is_ok_and(|found| found.is_file() && found.len() == blob.size) {
        return Ok(());
    }
    let cannot = || format!("cannot write {}", path.display());
    let mut file = Appearing::begin(&path).with_context(cannot)?;
    let mut source = Hashing::new(blob.open(0)?);
    std::io::copy(&mut source, &mut file).map_err(|error| match error.downcast::<Error>() {
        Ok(ours) => ours,
        Err(other) => Error::failed(cannot()).because(other),
    })?;
    match source.finish().0 {
        found if found == hex => file.finish().with_context(cannot),
        found => Err(Error::damaged(format!("blob sha256:{hex} is damaged")).because(format!("its digest is sha256:{found}"))),
    }
}

fn write(path: &Path, text: &[u8]) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut file = Appearing::begin(path).with_context(cannot)?;
    std::io::Write::write_all(&mut file, text).with_context(cannot)?;
    file.finish().with_context(cannot)
}

/// The blobs of an older list that the new one does not have.
fn forget(directory: &Path, old: &Descriptor, new: &Outgoing) {
    let Ok(hex) = hex_of(&old.digest) else { return };
    let text = documents::read("the manifest", &Layout::blob_path(directory, hex));
    let Ok(manifest) = text.and_then(|text| documents::parse::<Manifest>("the manifest", &text)) else { return };
    let stay: BTreeSet<&str> = new.blobs().map(|blob| blob.digest.as_str()).chain([new.digest.as_str()]).collect();
    let of_old = manifest.layers.iter().chain([&manifest.config, old]);
    for hex in of_old.filter(|blob| !stay.contains(blob.digest.as_str())).filter_map(|blob| hex_of(&blob.digest).ok()) {
        let _ = file::remove_file(&Layout::blob_path(directory, hex));
    }
}
