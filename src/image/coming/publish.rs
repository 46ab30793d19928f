//! Makes images known: layers and blobs get their final names, then the list names the image, all under the image lock.
//!
//! Until the list is replaced nothing refers to what was put in place, so a kill at any instruction leaves a whole store; and a
//! failure (a full disk) takes back what was placed.

use crate::error::{Context, Error, Result};
use crate::image::arrival::Arrival;
use crate::image::compression::Compression;
use crate::image::documents::{
    self, CONFIG_TYPE, Descriptor, IMAGE_ID, IMAGE_SIZE, LAYER_TYPE, MANIFEST_TYPE, Manifest, ORIGIN, Platform, UNFLUSHED,
};
use crate::image::index::{self, Writing};
use crate::image::intake::{Blob, Taken};
use crate::image::members::Document;
use crate::image::proven::{self, Proven};
use crate::image::steps::{self, Layer};
use crate::image::unflushed;
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use crate::store::{self, Durable};
use crate::sys::beneath::Directory;
use crate::sys::file::OFlag;
use crate::sys::{Errno, file};
use crate::trace::{self, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An image of which all is at hand.
pub struct Ready {
    pub names: Vec<String>,
    /// Out of which list of images it was chosen.
    pub origin: Option<String>,
    pub config: Document,
    /// With its media type; one is made where there is none.
    pub manifest: Option<(Document, String)>,
    /// Bottom first: which of the layers taken in.
    pub layers: Vec<usize>,
}

/// Puts all in place. `again` takes in a layer of which the store had something that another command has removed since.
pub fn publish(
    paths: &Paths,
    workplace: &Workplace,
    images: &[Ready],
    mut taken: Vec<Taken>,
    again: impl Fn(usize) -> Result<Taken>,
) -> Result<()> {
    trace::begin(Step::NameImage);
    let mut described = Vec::new();
    for image in images {
        let (manifest, media_type) = match &image.manifest {
            Some(given) => given.clone(),
            None => {
                let layers = image.layers.iter().map(|layer| &taken[*layer]);
                (manifest_for(&image.config, layers, &BTreeMap::new())?, MANIFEST_TYPE.to_owned())
            }
        };
        for document in [&image.config, &manifest] {
            store::write(&text_of(workplace, document), &document.text, Durable::Yes)?;
        }
        described.push((image, manifest, media_type));
    }
    loop {
        for layer in taken.iter().filter(|layer| layer.is_proven) {
            let known = Proven { passed: layer.passed.clone(), kept: layer.blob != Blob::NotKept };
            proven::write(&proof_of(workplace, layer), &known)?;
        }
        // Before the lock, because it may take long: nobody else waits for this disk.
        let unflushed: Vec<Layer> = steps::unflushed(paths);
        flush(paths, workplace, &taken, &unflushed).context("cannot write the image to disk")?;
        let writing = Writing::begin(paths)?;
        let gone = find_gone(paths, &taken);
        let Some(first) = gone.first() else {
            let unflushed = unflushed.into_iter().map(|layer| layer.diff_id).collect();
            Placing { paths, workplace, unflushed, placed: Vec::new() }.all(&described, &taken, &writing)?;
            // What lay there is in its place now.
            taken.into_iter().filter_map(|layer| Arc::into_inner(layer.arrival?)).for_each(Arrival::remove);
            return Ok(());
        };
        drop(writing);
        // Nobody waits for a place that he holds himself, nor for one that another holds in the same way.
        gone.iter().for_each(|layer| taken[*layer].let_go());
        taken[*first] = again(*first)?;
    }
}

/// What must survive a power cut: the blobs, out of which all else can be made again. Without them it is the files themselves.
fn flush(paths: &Paths, workplace: &Workplace, taken: &[Taken], unflushed: &[Layer]) -> Result<(), Errno> {
    if !can_be_made_again(taken) {
        return Directory::open_root(workplace.path()).and_then(|place| place.sync_file_system());
    }
    // Builds leave theirs to the disk as long as no image has them.
    let of_steps = unflushed.iter().map(|layer| &layer.digest).filter(|digest| taken.iter().any(|layer| layer.passed.digest == **digest));
    let of_steps: BTreeSet<PathBuf> = of_steps.map(|digest| paths.blob(digest)).collect();
    taken.iter().filter_map(Taken::own_blob).chain(of_steps.iter().map(PathBuf::as_path)).try_for_each(|blob| {
        match file::open(blob, OFlag::O_RDONLY) {
            Ok(fd) => file::sync_data(fd.as_fd()),
            // Another command has published it, and waited for it.
            Err(Errno::ENOENT) => Ok(()),
            Err(e) => Err(e),
        }
    })
}

fn can_be_made_again(taken: &[Taken]) -> bool {
    taken.iter().all(|layer| layer.blob != Blob::NotKept)
}

fn find_gone(paths: &Paths, taken: &[Taken]) -> Vec<usize> {
    let has_own = |layer: &&Taken| layer.own_tree().is_some();
    let trees: BTreeSet<&str> = taken.iter().filter(has_own).map(|layer| layer.passed.diff_id.as_str()).collect();
    let has_blob = |layer: &Taken| layer.blob == Blob::NotKept || layer.own_blob().is_some() || paths.blob(&layer.passed.digest).exists();
    let has_tree = |layer: &Taken| trees.contains(layer.passed.diff_id.as_str()) || paths.layer(&layer.passed.diff_id).exists();
    (0..taken.len()).filter(|number| !has_blob(&taken[*number]) || !has_tree(&taken[*number])).collect()
}

/// The manifest of an image that came without one, or was made here.
pub fn manifest_for<'a>(
    config: &Document,
    layers: impl Iterator<Item = &'a Taken>,
    annotations: &BTreeMap<String, String>,
) -> Result<Document> {
    let config = describe(CONFIG_TYPE, &config.digest, config.text.len() as u64);
    manifest_of(config, layers.map(|layer| describe_layer(&layer.passed)).collect(), annotations)
}

pub fn manifest_of(config: Descriptor, layers: Vec<Descriptor>, annotations: &BTreeMap<String, String>) -> Result<Document> {
    let manifest = Manifest { schema_version: 2, media_type: MANIFEST_TYPE.into(), config, layers, annotations: annotations.clone() };
    serde_json::to_vec(&manifest).map(Document::new).map_err(|e| Error::failed("cannot write a manifest").because(e))
}

pub fn describe_layer(layer: &Layer) -> Descriptor {
    let media_type = match layer.compression {
        Compression::Plain => LAYER_TYPE.to_owned(),
        Compression::Gzip => format!("{LAYER_TYPE}+gzip"),
        Compression::Zstd => format!("{LAYER_TYPE}+zstd"),
    };
    describe(&media_type, &layer.digest, layer.blob_size)
}

/// `digest`: hex.
pub fn describe(media_type: &str, digest: &str, size: u64) -> Descriptor {
    Descriptor { media_type: media_type.to_owned(), digest: format!("sha256:{digest}"), size, ..Descriptor::default() }
}

fn text_of(workplace: &Workplace, document: &Document) -> PathBuf {
    workplace.file(&format!("text-{}", document.digest))
}

fn proof_of(workplace: &Workplace, layer: &Taken) -> PathBuf {
    workplace.file(&format!("proven-{}", layer.passed.digest))
}

/// What has its final name already, so that it can be taken back.
struct Placing<'a> {
    paths: &'a Paths,
    workplace: &'a Workplace,
    /// Layers that builds have put down, and nobody has waited for.
    unflushed: BTreeSet<String>,
    placed: Vec<PathBuf>,
}

impl Placing<'_> {
    fn all(mut self, images: &[(&Ready, Document, String)], taken: &[Taken], writing: &Writing) -> Result<()> {
        let done = self.try_all(images, taken, writing);
        // The list may have got its name although the disk could not say so: then all that it names must stay.
        let is_listed = || {
            writing
                .read()
                .is_ok_and(|index| index.manifests.iter().any(|have| images.iter().any(|(_, text, _)| have.digest.ends_with(&text.digest))))
        };
        if done.is_err() && !is_listed() {
            for (number, path) in self.placed.iter().enumerate() {
                let _ = file::rename(path, &self.workplace.file(&format!("taken-back-{number}")));
            }
        }
        done
    }

    fn try_all(&mut self, images: &[(&Ready, Document, String)], taken: &[Taken], writing: &Writing) -> Result<()> {
        let mut index = writing.read()?;
        let mut unflushed = unflushed::of_this_life(&index);
        for layer in taken {
            if let Some(tree) = layer.own_tree() {
                self.place(tree, self.paths.layer(&layer.passed.diff_id))?;
                unflushed.insert(layer.passed.diff_id.clone());
            } else if self.unflushed.contains(&layer.passed.diff_id) {
                unflushed.insert(layer.passed.diff_id.clone());
            }
            if let Some(blob) = layer.own_blob() {
                self.place(blob, self.paths.blob(&layer.passed.digest))?;
            }
            if layer.is_proven {
                self.placed.extend(proven::place(self.paths, &proof_of(self.workplace, layer), &layer.passed.digest)?);
            }
        }
        let unflushed = unflushed::word(&unflushed).filter(|_| can_be_made_again(taken));
        for (image, manifest, media_type) in images {
            for document in [&image.config, manifest] {
                self.place(&text_of(self.workplace, document), self.paths.blob(&document.digest))?;
            }
            let (config, _) = documents::parse_config("the image's config", &image.config.text)?;
            let size: u64 = image.layers.iter().map(|layer| taken[*layer].passed.size).sum();
            let descriptor = Descriptor {
                media_type: media_type.clone(),
                digest: format!("sha256:{}", manifest.digest),
                size: manifest.text.len() as u64,
                platform: Some(Platform {
                    architecture: config.architecture().to_string(),
                    os: config.os().to_string(),
                    variant: config.variant().clone(),
                }),
                annotations: [(IMAGE_ID.to_owned(), format!("sha256:{}", image.config.digest)), (IMAGE_SIZE.to_owned(), size.to_string())]
                    .into_iter()
                    .chain(image.origin.iter().map(|origin| (ORIGIN.to_owned(), origin.clone())))
                    .chain(unflushed.iter().map(|word| (UNFLUSHED.to_owned(), word.clone())))
                    .collect(),
            };
            for name in image.names.iter().map(|name| Some(name.as_str())).chain(image.names.is_empty().then_some(None)) {
                index::insert(&mut index, descriptor.clone(), name);
            }
        }
        for dir in [self.paths.layers(), self.paths.blobs()] {
            file::sync_dir(&dir).with_context(|| format!("cannot sync {}", dir.display()))?;
        }
        writing.replace_only(index)
    }

    /// What is there already is the same, because its name is its digest.
    fn place(&mut self, ready: &Path, target: PathBuf) -> Result<()> {
        if target.exists() {
            return Ok(());
        }
        match file::rename(ready, &target) {
            Ok(()) => self.placed.push(target),
            Err(Errno::EEXIST | Errno::ENOTEMPTY) => {}
            Err(e) => return Err(e).with_context(|| format!("cannot make {}", target.display())),
        }
        Ok(())
    }
}
