//! What crashes and hands have left of images: found without changing anything, and put right under the image lock.

use crate::error::{Context, Error, Result};
use crate::image::catalog::Users;
use crate::image::digest::{self, Hashing};
use crate::image::documents::{self, Descriptor, Index, Manifest};
use crate::image::index::{self, Writing, id_of, name_of};
use crate::image::limits::{Budget, Limits};
use crate::image::progress::Progress;
use crate::image::workplace::{self, Workplace};
use crate::image::{find, garbage, layer, proven, steps};
use crate::paths::Paths;
use crate::sys::beneath::Directory;
use crate::sys::{Errno, file};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A directory in the making, whose maker is dead.
    Workplace(String),
    /// Hex, as in all that follow.
    BlobOfNobody(String),
    LayerOfNobody(String),
    /// Its unpacked files.
    LayerGone(String),
    DamagedList,
    /// An image by its name, or its id: its manifest or config cannot be read.
    DamagedImage(String),
    /// An image, and the blob of a layer that it has no more.
    BlobGone(String, String),
    BlobDamaged(String),
    /// A build's step (its key), of which not all is there any more.
    StepGone(String),
    /// A directory of steps of an earlier life of the machine, of which nobody knows what the disk has.
    StepsInDoubt(String),
}

pub fn look(paths: &Paths, users: Users) -> Result<Vec<Fault>> {
    let _writing = lock(paths)?;
    let mut found: Vec<Fault> = workplace::left(paths).into_iter().map(|path| Fault::Workplace(path.display().to_string())).collect();
    let Ok(index) = index::read(paths) else {
        found.push(Fault::DamagedList);
        return Ok(found);
    };
    let before = found.len();
    index.manifests.iter().for_each(|entry| found.extend(of_image(paths, entry)));
    let can_be_followed = !found[before..].iter().any(|fault| matches!(fault, Fault::DamagedImage(_)));
    found.extend(steps::broken(paths).into_iter().map(Fault::StepGone));
    found.extend(steps::doubts(paths).into_iter().map(|life| Fault::StepsInDoubt(life.display().to_string())));
    if can_be_followed && paths.image_index().exists() {
        let unneeded = garbage::unneeded(paths, &index, &users()?)?;
        found.extend(unneeded.blobs.into_iter().map(Fault::BlobOfNobody));
        found.extend(unneeded.layers.into_iter().map(Fault::LayerOfNobody));
    }
    Ok(found)
}

/// Where there is no store yet nothing is made; and who may only read must do without the lock, as nobody writes there.
fn lock(paths: &Paths) -> Result<Option<Writing<'_>>> {
    if !paths.image_index().exists() {
        return Ok(None);
    }
    match Writing::begin(paths) {
        Err(error) if error.errno() == Some(Errno::EROFS) => Ok(None),
        other => other.map(Some),
    }
}

fn of_image(paths: &Paths, entry: &Descriptor) -> Vec<Fault> {
    let shown = name_of(entry).unwrap_or(id_of(entry)).to_owned();
    let (Ok((_, layers)), Ok(manifest)) = (find::config(paths, id_of(entry)), manifest(paths, entry)) else {
        return vec![Fault::DamagedImage(shown)];
    };
    let gone = layers.into_iter().filter(|layer| !paths.layer(layer).is_dir()).map(Fault::LayerGone);
    let blobs = manifest.layers.iter().filter_map(|layer| digest::hex_of(&layer.digest).ok());
    let was_kept = |hex: &&str| proven::read(paths, hex).is_none_or(|proven| proven.kept);
    let lost = blobs.filter(|hex| !paths.blob(hex).exists() && was_kept(hex)).map(|hex| Fault::BlobGone(shown.clone(), hex.to_owned()));
    gone.chain(lost).collect()
}

fn manifest(paths: &Paths, entry: &Descriptor) -> Result<Manifest> {
    documents::parse("a manifest", &documents::read("a manifest", &paths.blob(digest::hex_of(&entry.digest)?))?)
}

/// Reads every blob of every image and of every step of a build. One that goes meanwhile is none.
pub fn look_deep(paths: &Paths) -> Result<Vec<Fault>> {
    let index = index::read(paths)?;
    let mut blobs = BTreeSet::new();
    for entry in &index.manifests {
        blobs.extend([id_of(entry), &entry.digest].into_iter().filter_map(|digest| digest::hex_of(digest).ok().map(str::to_owned)));
        let layers = manifest(paths, entry).map(|manifest| manifest.layers).unwrap_or_default();
        blobs.extend(layers.iter().filter_map(|layer| digest::hex_of(&layer.digest).ok().map(str::to_owned)));
    }
    blobs.extend(steps::layers(paths).into_iter().map(|layer| layer.digest));
    let is_damaged = |hex: &String| {
        let mut blob = Hashing::new(File::open(paths.blob(hex)).ok()?);
        std::io::copy(&mut blob, &mut std::io::sink()).ok()?;
        Some(blob.finish().0 != *hex)
    };
    Ok(blobs.into_iter().filter(|hex| is_damaged(hex) == Some(true)).map(Fault::BlobDamaged).collect())
}

/// False: by now it is not so any more.
pub fn mend(paths: &Paths, fault: &Fault, users: Users) -> Result<bool> {
    if let Fault::LayerGone(hex) = fault {
        return unpack_again(paths, hex);
    }
    let writing = Writing::begin(paths)?;
    let unneeded = || garbage::unneeded(paths, &writing.read()?, &users()?);
    match fault {
        Fault::Workplace(path) => workplace::remove_left(paths, Path::new(path), &writing),
        Fault::BlobOfNobody(hex) if unneeded()?.blobs.contains(hex) => garbage::remove_blob(paths, hex).map(|()| true),
        Fault::StepGone(key) if steps::broken(paths).contains(key) => steps::forget(paths, key, &writing),
        Fault::StepsInDoubt(life) if Path::new(life).exists() => steps::settle_doubts(paths, &writing).map(|()| true),
        Fault::LayerOfNobody(hex) if unneeded()?.layers.contains(hex) => garbage::remove_layer(paths, hex).map(|()| true),
        _ => Ok(false),
    }
}

fn unpack_again(paths: &Paths, hex: &str) -> Result<bool> {
    if paths.layer(hex).is_dir() { Ok(false) } else { unpack_anew(paths, hex) }
}

/// The layer as it came is still there, and has all that the unpacked one had. What is there under its name gives way. False: no image
/// has it any more.
pub fn unpack_anew(paths: &Paths, hex: &str) -> Result<bool> {
    let Some(blob) = blob_of(paths, &index::read(paths)?, hex) else { return Ok(false) };
    let what = || format!("cannot unpack layer {hex:.12} again");
    let workplace = Workplace::begin_alone(paths)?;
    let budget = Budget::new(&Limits::default(), workplace.path())?;
    let tree = workplace.file("layer");
    let source = File::open(paths.blob(&blob)).with_context(what)?;
    let wanted = layer::Wanted { tree: Some(&tree), ..layer::Wanted::default() };
    let passed = layer::pass(source, wanted, &budget, &Progress::default().begin(&hex[..12], None)).with_context(what)?;
    if passed.diff_id != hex {
        return Err(Error::damaged(what()).because(format!("its content is sha256:{}", passed.diff_id)));
    }
    Directory::open_root(workplace.path()).and_then(|place| place.sync_file_system()).with_context(what)?;
    let _writing = Writing::begin(paths)?;
    match file::rename(&paths.layer(hex), &workplace.file("before")) {
        Ok(()) | Err(Errno::ENOENT) => {}
        Err(errno) => return Err(errno).with_context(what),
    }
    match file::rename(&tree, &paths.layer(hex)) {
        Ok(()) | Err(Errno::EEXIST | Errno::ENOTEMPTY) => Ok(true),
        Err(errno) => Err(errno).with_context(what),
    }
}

/// The blob from which a layer was unpacked: the config and the manifest name them in the same order.
fn blob_of(paths: &Paths, index: &Index, hex: &str) -> Option<String> {
    index.manifests.iter().find_map(|entry| {
        let (_, layers) = find::config(paths, id_of(entry)).ok()?;
        let at = layers.iter().position(|layer| layer == hex)?;
        Some(digest::hex_of(&manifest(paths, entry).ok()?.layers.get(at)?.digest).ok()?.to_owned())
    })
}
