//! What an archive of images says: which images are in it, of which config and layers, under which names.
//!
//! Two families. An OCI layout (of skopeo, podman, and of `docker save` since version 25) has index.json and blobs named after
//! their digests; docker's older archive has manifest.json with paths. In both the config is the image: its digest is the id.

use crate::error::{Context, Error, Result};
use crate::image::compression::{self, Compression};
use crate::image::digest::{self, shown};
use crate::image::documents::{
    self, CONFIG_TYPE, CONTAINERD_NAME, Descriptor, DockerImage, Index, LAYER_TYPE, MANIFEST_TYPE, Manifest, NAME,
};
use crate::image::entries::damaged;
use crate::image::members::{Blob, Members};
use crate::image::reference::Reference;
use std::io::Read;

/// An image as it was found: every blob's digest is proven, the layers' contents are not yet.
#[derive(Debug)]
pub struct Found {
    /// Short, as we list them.
    pub names: Vec<String>,
    /// The text of the manifest, and its descriptor for the index.
    pub manifest: Vec<u8>,
    pub descriptor: Descriptor,
    pub config: Blob,
    /// Bottom first; each with the digest (hex) that its content must have.
    pub layers: Vec<(Blob, String)>,
}

impl Found {
    pub fn id(&self) -> String {
        format!("sha256:{}", self.config.digest)
    }
}

/// Nobody saves more at once. A list may name one image again and again, and each is kept with its manifest until all are known.
const MOST_IMAGES: usize = 1000;
const MOST_MANIFESTS: usize = 16 << 20;

/// Indexes may lead to indexes (one image for several machines), but nobody nests them deeper.
const DEEPEST: usize = 3;

pub fn read(members: &Members) -> Result<Vec<Found>> {
    let docker: Option<Vec<DockerImage>> =
        members.text("manifest.json")?.map(|text| documents::parse("manifest.json", &text)).transpose()?;
    let mut found = Vec::new();
    match (members.text("index.json")?, &docker) {
        (Some(text), _) => {
            let index: Index = documents::parse("index.json", &text)?;
            check_number(index.manifests.len())?;
            let mut size = 0;
            for descriptor in &index.manifests {
                let Some(image) = from_descriptor(members, descriptor, DEEPEST)? else { continue };
                size += image.manifest.len();
                if size > MOST_MANIFESTS {
                    return Err(damaged(format!("the manifests of its images take more than {MOST_MANIFESTS} bytes")));
                }
                found.push(image);
            }
        }
        (None, Some(images)) => {
            check_number(images.len())?;
            for image in images {
                found.push(from_docker(members, image)?);
            }
        }
        (None, None) => {
            return Err(damaged("this is no archive of images")
                .because("it holds neither index.json nor manifest.json")
                .hint("a root file system is taken in with tare import"));
        }
    }
    // `docker save` since version 25 says the names in both ways, and some only in the older one.
    for image in docker.iter().flatten().take(MOST_IMAGES) {
        let Some(blob) = members.blob(&image.config)? else { continue };
        let names = names_of(image.repo_tags.iter().map(String::as_str))?;
        if let Some(same) = found.iter_mut().find(|have| have.config.digest == blob.digest) {
            names.into_iter().for_each(|name| {
                if !same.names.contains(&name) {
                    same.names.push(name)
                }
            });
        }
    }
    if found.is_empty() {
        return Err(damaged("this archive holds no image"));
    }
    Ok(found)
}

fn check_number(images: usize) -> Result<()> {
    match images {
        0..=MOST_IMAGES => Ok(()),
        more => Err(damaged(format!("the archive names {more} images")).because(format!("no more than {MOST_IMAGES} are taken at once"))),
    }
}

fn from_descriptor(members: &Members, descriptor: &Descriptor, depth: usize) -> Result<Option<Found>> {
    let name = descriptor.annotations.get(CONTAINERD_NAME).or_else(|| descriptor.annotations.get(NAME));
    let names = names_of(name.iter().map(|name| name.as_str()))?;
    let blob = blob_of(members, "manifest", descriptor)?;
    let text = documents::read("the manifest", &blob.path)?;
    let manifest: Manifest = documents::parse("the manifest", &text)?;
    if manifest.config.digest.is_empty() {
        let index: Index = documents::parse("the manifest", &text)?;
        let Some(chosen) = for_this_machine(members, &index)? else { return Ok(None) };
        if depth == 0 {
            return Err(damaged("indexes lead to indexes without end"));
        }
        let found = from_descriptor(members, chosen, depth - 1)?;
        return Ok(found.map(|found| Found { names: if names.is_empty() { found.names } else { names }, ..found }));
    }
    documents::check_manifest(&manifest)?;
    let config = blob_of(members, "config", &manifest.config)?;
    let (_, diff_ids) = documents::parse_config("the image's config", &documents::read("the image's config", &config.path)?)?;
    if diff_ids.len() != manifest.layers.len() {
        return Err(damaged("manifest and config do not name the same number of layers"));
    }
    let layers = manifest
        .layers
        .iter()
        .zip(diff_ids)
        .map(|(layer, diff_id)| Ok((blob_of(members, "layer", layer)?, diff_id)))
        .collect::<Result<_>>()?;
    let media_type = if manifest.media_type.is_empty() { descriptor.media_type.clone() } else { manifest.media_type };
    let descriptor = describe(if media_type.is_empty() { MANIFEST_TYPE.into() } else { media_type }, &text);
    Ok(Some(Found { names, manifest: text, descriptor, config, layers }))
}

/// Of several, the one for this machine; else any that the archive really holds, because loading is not yet running.
fn for_this_machine<'a>(members: &Members, index: &'a Index) -> Result<Option<&'a Descriptor>> {
    let architecture = architecture();
    let is_image = |descriptor: &&Descriptor| !descriptor.annotations.contains_key("vnd.docker.reference.type");
    let mut there = Vec::new();
    for descriptor in index.manifests.iter().filter(is_image) {
        let path = format!("blobs/sha256/{}", digest::hex_of(&descriptor.digest)?);
        let present = match members {
            Members::Directory(root, _) => root.join(&path).is_file(),
            Members::Archive(_) => members.blob(&path)?.is_some(),
        };
        if present {
            there.push(descriptor);
        }
    }
    let fits = |descriptor: &&Descriptor| {
        descriptor.platform.as_ref().is_none_or(|platform| platform.architecture == architecture && platform.os == "linux")
    };
    Ok(there.iter().copied().find(fits).or_else(|| there.first().copied()))
}

/// What Go, and so the specification, calls this machine.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn from_docker(members: &Members, image: &DockerImage) -> Result<Found> {
    documents::check_count(image.layers.len())?;
    let config =
        members.blob(&image.config)?.ok_or_else(|| damaged(format!("the config {} is not in the archive", shown(&image.config))))?;
    check_named(&image.config, &config)?;
    let (_, diff_ids) = documents::parse_config("the image's config", &documents::read("the image's config", &config.path)?)?;
    if diff_ids.len() != image.layers.len() {
        return Err(damaged("manifest.json and config do not name the same number of layers"));
    }
    let mut layers = Vec::new();
    for (path, diff_id) in image.layers.iter().zip(diff_ids) {
        let blob = members.blob(path)?.ok_or_else(|| damaged(format!("the layer {} is not in the archive", shown(path))))?;
        check_named(path, &blob)?;
        layers.push((blob, diff_id));
    }
    let manifest = manifest_for(&config, &layers)?;
    let descriptor = describe(MANIFEST_TYPE.into(), &manifest);
    Ok(Found { names: names_of(image.repo_tags.iter().map(String::as_str))?, manifest, descriptor, config, layers })
}

/// The manifest of an image that came without one, or was made here.
pub fn manifest_for(config: &Blob, layers: &[(Blob, String)]) -> Result<Vec<u8>> {
    let describe = |media_type: String, blob: &Blob| Descriptor {
        media_type,
        digest: format!("sha256:{}", blob.digest),
        size: blob.size,
        ..Descriptor::default()
    };
    let layers = layers.iter().map(|(blob, _)| Ok(describe(layer_type(blob)?, blob))).collect::<Result<_>>()?;
    let manifest = Manifest { schema_version: 2, media_type: MANIFEST_TYPE.into(), config: describe(CONFIG_TYPE.into(), config), layers };
    serde_json::to_vec(&manifest).map_err(|e| Error::failed("cannot write a manifest").because(e))
}

pub fn describe(media_type: String, text: &[u8]) -> Descriptor {
    Descriptor { media_type, digest: format!("sha256:{}", digest::of(text)), size: text.len() as u64, ..Descriptor::default() }
}

fn layer_type(blob: &Blob) -> Result<String> {
    let mut first = Vec::new();
    let file = std::fs::File::open(&blob.path).context("cannot read a layer")?;
    file.take(4).read_to_end(&mut first).context("cannot read a layer")?;
    Ok(match compression::of(&first) {
        Compression::Plain => LAYER_TYPE.into(),
        Compression::Gzip => format!("{LAYER_TYPE}+gzip"),
        Compression::Zstd => format!("{LAYER_TYPE}+zstd"),
    })
}

fn blob_of(members: &Members, what: &str, descriptor: &Descriptor) -> Result<Blob> {
    let hex = digest::hex_of(&descriptor.digest).context(format!("the {what} cannot be found"))?;
    let blob =
        members.blob(&format!("blobs/sha256/{hex}"))?.ok_or_else(|| damaged(format!("the {what} sha256:{hex} is not in the archive")))?;
    if blob.digest != hex {
        return Err(damaged(format!("the {what} sha256:{hex} is damaged")).because(format!("its digest is sha256:{}", blob.digest)));
    }
    if blob.size != descriptor.size {
        return Err(damaged(format!("the {what} sha256:{hex} is damaged"))
            .because(format!("it has {} bytes, said are {}", blob.size, descriptor.size)));
    }
    Ok(blob)
}

/// Where a path of docker's is a digest (`HEX.json`, `blobs/sha256/HEX`, `HEX.tar`), it must be the digest of what is there.
/// A directory's name is none: `HEX/layer.tar` is called after an older kind of id.
fn check_named(path: &str, blob: &Blob) -> Result<()> {
    let last = path.rsplit('/').next().unwrap_or_default();
    let said = last.split('.').next().unwrap_or_default();
    // skopeo calls a layer after its content, also where that is compressed inside; the content is proven later.
    if digest::is_hex(said) && said != blob.digest && !last.ends_with(".tar") {
        return Err(damaged(format!("{} is damaged", shown(path))).because(format!("its digest is sha256:{}", blob.digest)));
    }
    Ok(())
}

fn names_of<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<String>> {
    names
        .map(|name| {
            Reference::parse(name)
                .map(|reference| Reference { digest: None, ..reference }.to_string())
                .map_err(|e| e.of_kind(crate::error::Kind::Damaged))
        })
        .collect()
}
