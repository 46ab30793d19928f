//! `layers`: what each layer of an image adds, replaces and hides, and how many of the image's bytes nobody can see any more.
//!
//! A layer never changes one below it. A file that a later layer has again, or declares gone, stays in the image for ever and is paid
//! for with every pull: it is only out of sight. Nothing is mounted for this: the layers are laid upon each other in memory, as
//! overlayfs would (`stack.rs`), from what their directories hold (`read.rs`).

mod made_by;
mod read;
mod same;
mod stack;

pub use made_by::plain_words;
pub use stack::{Change, How, Stack, Waste};

use crate::error::{Context, Result};
use crate::image::catalog;
use crate::paths::Paths;
use crate::sys::beneath::Directory;

/// Reading files is slow; these waste the most.
const MOST_COMPARED: usize = 20;

pub struct Layers {
    /// `sha256:…`
    pub id: String,
    pub names: Vec<String>,
    /// The lowest first.
    pub layers: Vec<Layer>,
    /// Bytes of files in all layers.
    pub size: u64,
    /// What is waste, the most first.
    pub wastes: Vec<Waste>,
}

#[derive(Debug)]
pub struct Layer {
    /// Diff id (hex).
    pub id: String,
    /// The line of the Dockerfile, or whatever the image tells; empty where it tells nothing.
    pub made_by: String,
    pub size: u64,
    pub directories: usize,
    /// What it does to what lies below, in the order of its names; an added file is one, too.
    pub changes: Vec<Change>,
    /// Of its own bytes: so many are out of sight, because of the layers above.
    pub wasted: u64,
}

impl Layers {
    pub fn wasted(&self) -> u64 {
        self.layers.iter().map(|layer| layer.wasted).sum()
    }

    /// The share of the image's bytes that a container can see, in per cent.
    pub fn efficiency(&self) -> f64 {
        match self.size {
            0 => 100.0,
            size => 100.0 * (size - self.wasted()) as f64 / size as f64,
        }
    }
}

impl Layer {
    /// How many files, and how many bytes they have.
    pub fn sum(&self, how: impl Fn(How) -> bool) -> (usize, u64) {
        let wanted = self.changes.iter().filter(|change| how(change.how));
        wanted.fold((0, 0), |(files, bytes), change| (files + change.files, bytes + change.bytes))
    }
}

pub fn look(paths: &Paths, wanted: &str) -> Result<Layers> {
    let details = catalog::details(paths, wanted)?;
    let ids = &details.image.layers;
    let made_by = made_by::of_layers(&details.raw_config["history"], ids.len());
    let mut stack = Stack::default();
    let mut layers = Vec::new();
    for (id, made_by) in ids.iter().zip(made_by) {
        let read = || read::layer(&Directory::open_root(&paths.layer(id))?);
        let entries = read().with_context(|| format!("cannot read layer {id:.12} of image {wanted}"))?;
        let laid = stack.lay(entries);
        layers.push(Layer { id: id.clone(), made_by, size: laid.size, directories: laid.directories, changes: laid.changes, wasted: 0 });
    }
    for (layer, wasted) in layers.iter_mut().zip(stack.wasted_of_layers()) {
        layer.wasted = wasted;
    }
    let mut wastes = stack.wastes();
    wastes.iter_mut().take(MOST_COMPARED).for_each(|waste| waste.is_same = same::is_same(paths, ids, waste));
    let size = layers.iter().map(|layer| layer.size).sum();
    Ok(Layers { id: details.image.id, names: details.names, layers, size, wastes })
}

/// Which line has made which layer of an image, the lowest first; empty where nobody tells.
pub fn made_by_of(paths: &Paths, image: &str, layers: usize) -> Vec<String> {
    let history = catalog::details(paths, image).map(|details| details.raw_config["history"].clone()).unwrap_or_default();
    made_by::of_layers(&history, layers)
}
