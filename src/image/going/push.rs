//! What of the store goes to a registry with an image: the manifest as it stands, and the blobs that it names.
//!
//! All are opened before the first byte leaves, so that nobody who removes the image meanwhile takes them away.

use crate::error::{Context, Error, Result};
use crate::image::digest::hex_of;
use crate::image::documents::{self, Descriptor, Manifest};
use crate::image::find;
use crate::image::index::{self, id_of, name_of};
use crate::image::members::{Elsewhere, Member, Place};
use crate::image::reference::Reference;
use crate::paths::Paths;
use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

pub struct Outgoing {
    pub media_type: String,
    pub manifest: Vec<u8>,
    /// Of the manifest: `sha256:…`
    pub digest: String,
    pub config: Blob,
    /// Bottom first.
    pub layers: Vec<Blob>,
}

pub struct Blob {
    /// `sha256:…`
    pub digest: String,
    pub size: u64,
    /// What people see of a layer: the beginning of its id, as Docker shows it. `None`: it is the config.
    pub shown: Option<String>,
    from: From,
}

enum From {
    Here(Arc<File>),
    /// It goes from there to where it is wanted, and is not kept in between.
    Elsewhere(Arc<dyn Elsewhere>),
}

impl Outgoing {
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        self.layers.iter().chain([&self.config])
    }
}

impl Blob {
    pub fn open(&self, at: u64) -> Result<Box<dyn Read + Send>> {
        match &self.from {
            From::Here(file) => Member { place: Place::Stretch(file.clone(), at), size: self.size.saturating_sub(at) }.read(),
            From::Elsewhere(there) => there.blob(&self.digest, self.size, at),
        }
    }

    pub fn elsewhere(blob: &Descriptor, shown: Option<String>, there: Arc<dyn Elsewhere>) -> Blob {
        Blob { digest: blob.digest.clone(), size: blob.size, shown, from: From::Elsewhere(there) }
    }
}

/// The image of exactly this name: what is pushed goes where its name says.
pub fn outgoing(paths: &Paths, name: &Reference) -> Result<Outgoing> {
    let index = index::read(paths)?;
    let wanted = name.to_string();
    let found = index.manifests.iter().find(|have| name_of(have) == Some(wanted.as_str()));
    let image = found.ok_or_else(|| not_named(&index, name))?;
    let lacks = |error| not_kept(error, &wanted);
    let manifest = documents::read("its manifest", &paths.blob(hex_of(&image.digest)?)).map_err(lacks)?;
    let said: Manifest = documents::parse("its manifest", &manifest)?;
    documents::check_manifest(&said)?;
    let (_, diff_ids) = find::config(paths, id_of(image)).map_err(lacks)?;
    if diff_ids.len() != said.layers.len() {
        return Err(
            Error::damaged(format!("image {wanted} is damaged")).because("manifest and config do not name the same number of layers")
        );
    }
    let open = |blob: &Descriptor, shown| open(paths, blob, shown).map_err(lacks);
    let config = open(&said.config, None)?;
    let layers = said.layers.iter().zip(&diff_ids).map(|(layer, id)| open(layer, Some(id[..12].to_owned()))).collect::<Result<_>>()?;
    Ok(Outgoing { media_type: media_type(&said, image).to_owned(), digest: image.digest.clone(), manifest, config, layers })
}

/// What stands in the manifest counts; where nothing does, a server may have called it anything.
fn media_type<'a>(said: &'a Manifest, image: &'a Descriptor) -> &'a str {
    let known = [&said.media_type, &image.media_type].into_iter().find(|kind| kind.starts_with("application/vnd."));
    known.map_or(documents::MANIFEST_TYPE, String::as_str)
}

pub(super) fn open(paths: &Paths, blob: &Descriptor, shown: Option<String>) -> Result<Blob> {
    open_at(&paths.blob(hex_of(&blob.digest)?), blob, shown)
}

pub(super) fn open_at(path: &Path, blob: &Descriptor, shown: Option<String>) -> Result<Blob> {
    let what = || format!("blob {} of the store", blob.digest);
    let fd = file::open(path, OFlag::O_RDONLY).with_context(what)?;
    let file = File::from(fd);
    let length = file.metadata().with_context(what)?.len();
    if length != blob.size {
        let why = format!("it has {length} bytes, said are {}", blob.size);
        return Err(Error::damaged(format!("{} is damaged", what())).because(why).hint("pull or load the image again"));
    }
    Ok(Blob { digest: blob.digest.clone(), size: blob.size, shown, from: From::Here(Arc::new(file)) })
}

fn not_kept(error: Error, name: &str) -> Error {
    match error.errno() {
        Some(Errno::ENOENT) => Error::failed(format!("the store has not all that image {name} is made of"))
            .because("it was pulled without keeping its blobs")
            .hint("pull it again without --no-keep-blobs, or load it"),
        _ => error,
    }
}

/// An image is pushed by its whole name. Who has typed another of its names, or an id, has not given it that one yet.
fn not_named(index: &documents::Index, name: &Reference) -> Error {
    let wanted = name.to_string();
    let last = name.path.rsplit('/').next().unwrap_or_default();
    let unknown = Error::no_such(format!("no image is called {wanted}"));
    let tagged = format!("{last}:{}", name.tag.as_deref().unwrap_or_default());
    match find::select(index, &tagged).or_else(|_| find::select(index, last)) {
        Ok(image) if wanted.contains('/') => unknown.hint(format!("tare tag {} {wanted}", name_of(image).unwrap_or(last))),
        Ok(_) => unknown.hint(format!("tare tag {last} REGISTRY/NAME, and push that")),
        Err(_) => find::select(index, &wanted).err().unwrap_or(unknown),
    }
}

/// All names of a repository, by their tags.
pub fn tags(paths: &Paths, repository: &Reference) -> Result<Vec<Reference>> {
    let index = index::read(paths)?;
    let names = index.manifests.iter().filter_map(|have| Reference::parse(name_of(have)?).ok());
    Ok(names.filter(|name| name.repository() == repository.repository() && name.digest.is_none()).collect())
}

/// Blobs of images that are called after other repositories of the same registry, and after which: they may be there already.
pub fn neighbours(paths: &Paths, name: &Reference) -> Result<BTreeMap<String, String>> {
    let mut there = BTreeMap::new();
    for have in index::read(paths)?.manifests {
        let beside = name_of(&have).and_then(|name| Reference::parse(name).ok());
        let Some(beside) = beside.filter(|beside| beside.registry == name.registry && beside.path != name.path) else { continue };
        let text = hex_of(&have.digest).and_then(|hex| documents::read("its manifest", &paths.blob(hex)));
        // A guess: what cannot be read is nowhere.
        let Ok(manifest) = text.and_then(|text| documents::parse::<Manifest>("its manifest", &text)) else { continue };
        for blob in manifest.layers.into_iter().chain([manifest.config]) {
            there.entry(blob.digest).or_insert_with(|| beside.path.clone());
        }
    }
    Ok(there)
}
