//! Layers whose files were still on their way to the disk when their image became known.
//!
//! Nobody waits for them: the blobs are on the disk before anything is promised, and from these the files can be made again. So the list
//! of images says which layers they are and in which life of the machine they were written. Whoever changes the list later lets the
//! disk finish, and takes the word away. If the machine went down before, the files are not believed: they are made again before
//! anybody uses them.

use crate::error::Result;
use crate::image::documents::{Descriptor, Index, UNFLUSHED};
use crate::image::faults;
use crate::image::index::{self, Writing};
use crate::paths::Paths;
use crate::sys::boot;
use std::collections::BTreeSet;

/// What the list says of an image whose layers (hex) were put down just now.
pub fn word(layers: &BTreeSet<String>) -> Option<String> {
    let layers: Vec<&str> = layers.iter().map(String::as_str).collect();
    (!layers.is_empty()).then(|| format!("{} {}", boot::id().unwrap_or_default(), layers.join(" ")))
}

/// In which life of the machine, and which layers.
fn of(image: &Descriptor) -> Option<(&str, BTreeSet<String>)> {
    let mut words = image.annotations.get(UNFLUSHED)?.split(' ');
    Some((words.next()?, words.map(str::to_owned).collect()))
}

/// Those that the machine may have lost.
fn doubtful(index: &Index) -> BTreeSet<String> {
    let mut said = index.manifests.iter().filter_map(of).peekable();
    if said.peek().is_none() {
        return BTreeSet::new();
    }
    let now = boot::id().unwrap_or_default();
    said.filter(|(boot, _)| *boot != now || now.is_empty()).flat_map(|(_, layers)| layers).collect()
}

/// Before anything of a layer is used. Costs nothing where there is no doubt.
pub fn settle(paths: &Paths, index: &Index) -> Result<()> {
    let doubtful = doubtful(index);
    if doubtful.is_empty() {
        return Ok(());
    }
    for layer in &doubtful {
        faults::unpack_anew(paths, layer)?;
    }
    let writing = Writing::begin(paths)?;
    let mut index = writing.read()?;
    for image in &mut index.manifests {
        if of(image).is_some_and(|(_, layers)| layers.is_subset(&doubtful)) {
            image.annotations.remove(UNFLUSHED);
        }
    }
    writing.replace(index)
}

/// The same for who has not read the list.
pub fn settle_all(paths: &Paths) -> Result<()> {
    settle(paths, &index::read(paths)?)
}

/// What is said of this life of the machine is taken away, once the disk has everything. `sync` waits for it. `before`: the list as it
/// is; an image that is not in the new one may have said it of a layer that others have, too.
pub fn forget(before: &Index, index: &mut Index, sync: impl FnOnce() -> Result<()>) -> Result<()> {
    if of_this_life(before).is_empty() && of_this_life(index).is_empty() {
        return Ok(());
    }
    sync()?;
    let now = boot::id().unwrap_or_default();
    let is_said = |image: &Descriptor| of(image).is_some_and(|(boot, _)| boot == now);
    index.manifests.iter_mut().filter(|image| is_said(image)).for_each(|image| drop(image.annotations.remove(UNFLUSHED)));
    Ok(())
}

/// Those that are on their way to the disk: an image that comes now may have them, too, and may take the place of one that says so.
pub fn of_this_life(index: &Index) -> BTreeSet<String> {
    let mut said = index.manifests.iter().filter_map(of).peekable();
    if said.peek().is_none() {
        return BTreeSet::new();
    }
    let now = boot::id().unwrap_or_default();
    said.filter(|(boot, _)| *boot == now && !now.is_empty()).flat_map(|(_, layers)| layers).collect()
}
