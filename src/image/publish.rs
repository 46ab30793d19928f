//! Makes images known: layers and blobs get their final names, then the list names the image, all under the image lock.
//!
//! Until the list is replaced nothing refers to what was put in place, so a kill at any instruction leaves a whole store.

use crate::error::{Context, Result};
use crate::image::archive::Found;
use crate::image::documents::{IMAGE_ID, IMAGE_SIZE, Platform};
use crate::image::index::{self, Writing};
use crate::image::layer;
use crate::image::unpack::Limits;
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use crate::sys::beneath::Directory;
use crate::sys::{Errno, file};
use std::collections::BTreeMap;
use std::path::Path;

/// Unpacks and proves every layer, then puts all in place.
pub fn publish(paths: &Paths, workplace: &Workplace, images: &[Found], limits: &Limits) -> Result<()> {
    let mut sizes = BTreeMap::new();
    for image in images {
        for (number, (blob, diff_id)) in image.layers.iter().enumerate() {
            let said = || format!("layer {} of {}", number + 1, image.layers.len());
            let ready = workplace.file(&format!("layer-{diff_id}"));
            // The same content may come in several blobs; each is proven, the first is unpacked.
            let size = match ready.exists() || paths.layer(diff_id).exists() {
                true => layer::prove(&blob.path, diff_id, limits).with_context(said)?,
                false => layer::unpack(&blob.path, diff_id, &ready, limits).with_context(said)?,
            };
            sizes.insert(diff_id.clone(), size);
        }
    }
    Directory::open_root(workplace.path()).and_then(|place| place.sync_file_system()).context("cannot write the layers to disk")?;
    loop {
        let writing = Writing::begin(paths)?;
        // Another command may have removed a layer that was there a moment ago.
        let gone = images
            .iter()
            .flat_map(|image| &image.layers)
            .find(|(_, diff_id)| !paths.layer(diff_id).exists() && !workplace.file(&format!("layer-{diff_id}")).exists());
        let Some((blob, diff_id)) = gone else { return put_in_place(paths, workplace, images, &sizes, &writing) };
        drop(writing);
        layer::unpack(&blob.path, diff_id, &workplace.file(&format!("layer-{diff_id}")), limits)?;
        Directory::open_root(workplace.path()).and_then(|place| place.sync_file_system()).context("cannot write the layers to disk")?;
    }
}

fn put_in_place(paths: &Paths, workplace: &Workplace, images: &[Found], sizes: &BTreeMap<String, u64>, writing: &Writing) -> Result<()> {
    let mut index = writing.read()?;
    for image in images {
        for (blob, diff_id) in &image.layers {
            place(&workplace.file(&format!("layer-{diff_id}")), &paths.layer(diff_id))?;
            place(&blob.path, &paths.blob(&blob.digest))?;
        }
        place(&image.config.path, &paths.blob(&image.config.digest))?;
        let text = documents_file(workplace, &image.manifest)?;
        place(&text, &paths.blob(crate::image::digest::hex_of(&image.descriptor.digest)?))?;
        let config = crate::image::documents::read("the image's config", &paths.blob(&image.config.digest))?;
        let (config, _) = crate::image::documents::parse_config("the image's config", &config)?;
        let mut descriptor = image.descriptor.clone();
        descriptor.platform = Some(Platform {
            architecture: config.architecture().to_string(),
            os: config.os().to_string(),
            variant: config.variant().clone(),
        });
        let size: u64 = image.layers.iter().filter_map(|(_, diff_id)| sizes.get(diff_id)).sum();
        descriptor.annotations = [(IMAGE_ID.to_owned(), image.id()), (IMAGE_SIZE.to_owned(), size.to_string())].into();
        for name in image.names.iter().map(|name| Some(name.as_str())).chain(image.names.is_empty().then_some(None)) {
            index::insert(&mut index, descriptor.clone(), name);
        }
    }
    for dir in [paths.layers(), paths.blobs()] {
        file::sync_dir(&dir).with_context(|| format!("cannot sync {}", dir.display()))?;
    }
    writing.replace(index)
}

/// What is there already is the same, because its name is its digest.
fn place(ready: &Path, target: &Path) -> Result<()> {
    if target.exists() {
        return Ok(());
    }
    match file::rename(ready, target) {
        Ok(()) | Err(Errno::EEXIST | Errno::ENOTEMPTY) => Ok(()),
        Err(e) => Err(e).with_context(|| format!("cannot make {}", target.display())),
    }
}

fn documents_file(workplace: &Workplace, text: &[u8]) -> Result<std::path::PathBuf> {
    let path = workplace.file(&format!("manifest-{}", crate::image::digest::of(text)));
    crate::store::write(&path, text, crate::store::Durable::Yes)?;
    Ok(path)
}
