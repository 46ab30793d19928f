//! Blobs and layers that nothing refers to any more are removed.
//!
//! Under the image lock: whoever loads puts his files in place and names them in the list under the same lock, so what is
//! unnamed here is nobody's. It also takes what a load left that was killed between the two: the next one sees that and calls it.

use crate::error::{Context, Result};
use crate::image::catalog::User;
use crate::image::digest::{self, is_hex};
use crate::image::documents::{self, Index, Manifest};
use crate::image::find;
use crate::image::index::{Writing, id_of};
use crate::image::{proven, shifted, steps};
use crate::paths::Paths;
use crate::sys::{Errno, file};
use std::collections::BTreeSet;
use std::path::Path;

/// What nothing refers to, in hex.
#[derive(Default)]
pub struct Unneeded {
    pub blobs: Vec<String>,
    pub layers: Vec<String>,
    /// What is known of blobs (`proven.rs`).
    pub proofs: Vec<String>,
}

/// Returns the layers (hex) that went. `_writing` proves that the caller holds the lock.
pub fn collect(paths: &Paths, _writing: &Writing, index: &Index, users: &[User]) -> Result<Vec<String>> {
    let unneeded = unneeded(paths, index, users)?;
    unneeded.proofs.iter().for_each(|hex| proven::forget(paths, hex));
    unneeded.blobs.iter().try_for_each(|hex| remove_blob(paths, hex))?;
    unneeded.layers.iter().try_for_each(|hex| remove_layer(paths, hex))?;
    Ok(unneeded.layers)
}

pub fn unneeded(paths: &Paths, index: &Index, users: &[User]) -> Result<Unneeded> {
    let mut blobs = BTreeSet::new();
    let mut layers: BTreeSet<String> = users.iter().flat_map(|user| user.layers.iter().cloned()).collect();
    for entry in &index.manifests {
        // What cannot be read cannot be followed: then nothing is removed, rather than too much.
        let (_, of_image) = find::config(paths, id_of(entry))?;
        layers.extend(of_image);
        let hex = digest::hex_of(&entry.digest)?;
        let manifest: Manifest = documents::parse("a manifest", &documents::read("a manifest", &paths.blob(hex))?)?;
        blobs.extend([hex.to_owned(), digest::hex_of(id_of(entry))?.to_owned()]);
        blobs.extend(manifest.layers.iter().filter_map(|layer| digest::hex_of(&layer.digest).ok().map(str::to_owned)));
    }
    // Builds want to find again what they have made, whether an image has it or not.
    for layer in steps::layers(paths) {
        layers.insert(layer.diff_id);
        blobs.insert(layer.digest);
    }
    // A store that an older tare has made has no such directory yet.
    let proofs = if paths.proven().exists() { others(&paths.proven(), &blobs)? } else { Vec::new() };
    Ok(Unneeded { blobs: others(&paths.blobs(), &blobs)?, layers: others(&paths.layers(), &layers)?, proofs })
}

fn others(dir: &Path, kept: &BTreeSet<String>) -> Result<Vec<String>> {
    let mut others = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot list {}", dir.display()))? {
        let name = entry.with_context(|| format!("cannot list {}", dir.display()))?.file_name().to_string_lossy().into_owned();
        // Other names (the ground layer) are not digests and not ours to judge.
        if is_hex(&name) && !kept.contains(&name) {
            others.push(name);
        }
    }
    Ok(others)
}

pub fn remove_blob(paths: &Paths, hex: &str) -> Result<()> {
    file::remove_file(&paths.blob(hex)).context("cannot remove a blob")
}

/// The copies first: without the layer nobody would look for them.
pub fn remove_layer(paths: &Paths, hex: &str) -> Result<()> {
    shifted::remove(paths, hex).context("cannot remove the copies of a layer")?;
    remove_tree(paths, &paths.layer(hex), hex).context("cannot remove a layer")
}

/// Away from its name first: a kill in the middle must not leave half a layer that looks whole.
pub fn remove_tree(paths: &Paths, tree: &Path, hex: &str) -> Result<(), Errno> {
    let away = paths.unfinished().join(format!("image-{hex}"));
    file::remove_tree(&away)?;
    file::rename(tree, &away)?;
    file::remove_tree(&away)
}

/// New texts of the layout and records that were never renamed to their names, because their writer was killed.
pub fn remove_scraps(paths: &Paths, _writing: &Writing) {
    let places = [paths.image_layout(), paths.proven(), paths.steps()].into_iter().chain(steps::lives(paths));
    for entry in places.filter_map(|place| std::fs::read_dir(place).ok()).flatten().flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().contains(".new") {
            let _ = file::remove_file(&entry.path());
        }
    }
}
