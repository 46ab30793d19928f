//! `load`: archives that docker, podman, skopeo and others wrote become images of the store.

use crate::error::{Context, Error, Result};
use crate::image::compression::Compression;
use crate::image::digest::{self, Hashing};
use crate::image::layout::{self, Descriptor, Index, Manifest};
use crate::image::reference::Reference;
use crate::image::spool::{Spool, Workshop};
use crate::image::unpack::{self, Bounds};
use crate::image::{catalog, compression};
use crate::paths::Paths;
use crate::store;
use crate::sys::{beneath, file};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::Path;

/// An image that was loaded: its names, or if it has none its id.
#[derive(Debug, PartialEq, Eq)]
pub struct Loaded {
    pub id: String,
    pub names: Vec<String>,
}

const MOST_LAYERS: usize = 1000;

/// From a tar of any known form, packed or not.
pub fn from_archive(paths: &Paths, source: impl Read) -> Result<Vec<Loaded>> {
    let workshop = Workshop::open(paths)?;
    let spool = Spool::of_archive(source, &workshop)?;
    from_spool(paths, &spool, &workshop)
}

/// From an OCI layout on disk.
pub fn from_directory(paths: &Paths, dir: &Path) -> Result<Vec<Loaded>> {
    let workshop = Workshop::open(paths)?;
    let spool = Spool::of_directory(dir, &workshop)?;
    from_spool(paths, &spool, &workshop)
}

/// docker writes both descriptions since version 25; the names are in its own.
fn from_spool(paths: &Paths, spool: &Spool, workshop: &Workshop) -> Result<Vec<Loaded>> {
    let images = if spool.has("manifest.json") {
        docker_images(spool)?
    } else if spool.has("index.json") {
        oci_images(spool)?
    } else {
        return Err(Error::damaged("this is no archive of an image")
            .because("it has neither manifest.json nor index.json")
            .hint("a bare root file system becomes an image by: tare import FILE NAME"));
    };
    if images.is_empty() {
        return Err(Error::damaged("the archive holds no image for this machine"));
    }
    images.into_iter().map(|image| take_in(paths, spool, workshop, image)).collect()
}

/// What an archive says of one image, before any of it is believed.
struct Described {
    config: Vec<u8>,
    config_digest: String,
    names: Vec<String>,
    /// Names of members, bottom to top.
    layers: Vec<String>,
    /// An OCI manifest is kept to the letter, so that its digest stays.
    manifest: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

fn docker_images(spool: &Spool) -> Result<Vec<Described>> {
    let bytes = spool.read("manifest.json")?;
    let images: Vec<DockerImage> = layout::parse(&bytes, "manifest.json of the archive")?;
    let describe = |image: DockerImage| {
        let config = spool.read(&image.config)?;
        let hex = digest::of_bytes(&config);
        // The name of the config is its digest, in both forms.
        let named = Path::new(&image.config).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if digest::is_hex(named) && named != hex {
            return Err(
                Error::damaged(format!("config {:.12} has another digest", named)).because(format!("its contents are sha256:{hex:.12}…"))
            );
        }
        let names = image.repo_tags.unwrap_or_default();
        Ok(Described { config, config_digest: format!("sha256:{hex}"), names, layers: image.layers, manifest: None })
    };
    images.into_iter().map(describe).collect()
}

fn oci_images(spool: &Spool) -> Result<Vec<Described>> {
    let bytes = spool.read("index.json")?;
    let index: Index = layout::parse(&bytes, "index.json of the archive")?;
    let mut images = Vec::new();
    for descriptor in &index.manifests {
        let name =
            ["io.containerd.image.name", "org.opencontainers.image.ref.name"].iter().find_map(|key| descriptor.annotations.get(*key));
        if let Some(image) = oci_image(spool, descriptor, 0)? {
            // A bare tag is no name: skopeo writes one where it was given no more.
            let names = name.filter(|name| Reference::parse(name).is_ok()).into_iter().cloned().collect();
            images.push(Described { names, ..image });
        }
    }
    Ok(images)
}

/// The image that a descriptor leads to, through indexes of platforms if need be.
fn oci_image(spool: &Spool, descriptor: &Descriptor, depth: u8) -> Result<Option<Described>> {
    let (name, _) = spool.blob(&descriptor.digest)?;
    let bytes = spool.read(&name)?;
    if descriptor.media_type.contains("index") || descriptor.media_type.contains("manifest.list") {
        if depth > 3 {
            return Err(Error::damaged("indexes within indexes have no end"));
        }
        let index: Index = layout::parse(&bytes, "an index of platforms")?;
        let fits = |below: &&Descriptor| below.platform.as_ref().is_none_or(catalog::is_ours) && spool.blob(&below.digest).is_ok();
        return index.manifests.iter().find(fits).map_or(Ok(None), |below| oci_image(spool, below, depth + 1));
    }
    let manifest: Manifest = layout::parse(&bytes, "the image's manifest")?;
    let (config, _) = spool.blob(&manifest.config.digest)?;
    let layers = manifest.layers.iter().map(|layer| spool.blob(&layer.digest).map(|(name, _)| name)).collect::<Result<_>>()?;
    let config_digest = manifest.config.digest.clone();
    Ok(Some(Described { config: spool.read(&config)?, config_digest, names: Vec::new(), layers, manifest: Some(bytes) }))
}

/// Layers first, then blobs, the index last: at no moment does it name what is not there.
fn take_in(paths: &Paths, spool: &Spool, workshop: &Workshop, image: Described) -> Result<Loaded> {
    let config = catalog::parse_config(&image.config)?;
    let diff_ids = config.rootfs().diff_ids();
    if diff_ids.len() != image.layers.len() || diff_ids.len() > MOST_LAYERS {
        let counts = format!("its config names {} layers, its manifest {}", diff_ids.len(), image.layers.len());
        return Err(Error::damaged("the image contradicts itself").because(counts));
    }
    let names: Vec<Reference> = image.names.iter().map(|name| Reference::parse(name)).collect::<Result<_>>()?;
    let lock = layout::lock(paths)?;
    let descriptors = keep_layers(paths, spool, workshop, &image.layers, diff_ids).inspect_err(|_| {
        // Those that came in before the broken one belong to no image.
        let _ = catalog::collect_garbage(paths);
    })?;
    let manifest = image.manifest.map_or_else(|| write_manifest(&image.config, &image.config_digest, descriptors), Ok)?;
    let names: Vec<String> = names.iter().map(Reference::to_string).collect();
    enter(paths, lock, &image.config, &manifest, &names)
}

fn keep_layers(paths: &Paths, spool: &Spool, workshop: &Workshop, names: &[String], diff_ids: &[String]) -> Result<Vec<Descriptor>> {
    let mut descriptors = Vec::new();
    for (name, diff_id) in names.iter().zip(diff_ids) {
        let member = spool.member(name)?;
        let compression = unpack_layer(paths, &member.file, digest::hex_of(diff_id)?, workshop)
            .with_context(|| format!("cannot unpack layer {diff_id:.19}"))?;
        let blob = paths.blob(&member.digest);
        // A name that stands twice is one blob.
        if !blob.exists() && member.file.exists() {
            file::rename(&member.file, &blob).with_context(|| format!("cannot keep layer {diff_id:.19}"))?;
        }
        let digest = format!("sha256:{}", member.digest);
        descriptors.push(Descriptor {
            media_type: compression.layer_media_type().into(),
            digest,
            size: member.size as i64,
            annotations: Default::default(),
            platform: None,
        });
    }
    Ok(descriptors)
}

fn write_manifest(config: &[u8], config_digest: &str, layers: Vec<Descriptor>) -> Result<Vec<u8>> {
    let manifest = Manifest {
        schema_version: 2,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        config: Descriptor {
            media_type: "application/vnd.oci.image.config.v1+json".into(),
            digest: config_digest.to_owned(),
            size: config.len() as i64,
            annotations: Default::default(),
            platform: None,
        },
        layers,
    };
    serde_json::to_vec(&manifest).map_err(|error| Error::failed("cannot write the manifest").because(error))
}

/// The last step of every way in: what describes the image is written, and its names lead to it.
pub fn enter(paths: &Paths, _locked: store::Lock, config: &[u8], manifest: &[u8], names: &[String]) -> Result<Loaded> {
    let id = layout::write_blob(paths, config)?;
    let digest = layout::write_blob(paths, manifest)?;
    let root = file::open_dir(paths.root()).context("cannot open the store")?;
    beneath::sync_file_system(root.as_fd()).context("cannot sync the store")?;
    let mut index = layout::read(paths)?;
    // A name leads to one image; what it led to before stays under its id.
    catalog::take_names_away(&mut index, names);
    index.manifests.retain(|have| have.digest != digest || have.name().is_some());
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let entry = |name: Option<&str>| Descriptor::entry(media_type, digest.clone(), manifest.len() as i64, name, &id);
    match names.is_empty() {
        true if index.manifests.iter().any(|have| have.digest == digest) => {}
        true => index.manifests.push(entry(None)),
        false => index.manifests.extend(names.iter().map(|name| entry(Some(name)))),
    }
    layout::write(paths, &index)?;
    Ok(Loaded { id, names: names.to_vec() })
}

/// The layer appears under its diff id complete, or not at all. One that is there is still read: the archive's must be the same.
pub fn unpack_layer(paths: &Paths, packed: &Path, diff_id: &str, workshop: &Workshop) -> Result<Compression> {
    let (compression, plain) = compression::open(File::open(packed).with_context(|| format!("cannot read {}", packed.display()))?)?;
    let mut hashing = Hashing::new(plain);
    let place = paths.layer(diff_id);
    let half = workshop.dir.join(format!("layer-{diff_id}"));
    let is_new = !place.is_dir();
    if is_new {
        file::remove_tree(&half).context("cannot clear the way")?;
        file::make_dir(&half, 0o755).context("cannot make the layer's directory")?;
        unpack::unpack(&mut hashing, &half, Bounds::default())?;
    }
    // What stands behind the end mark counts for the digest too.
    let broken = |error: std::io::Error| Error::damaged("the layer is broken").because(error);
    let rest = Bounds::default().bytes;
    if std::io::copy(&mut (&mut hashing).take(rest), &mut std::io::sink()).map_err(broken)? == rest {
        return Err(Error::damaged("the layer has no end"));
    }
    let (found, _) = hashing.finish();
    if found != diff_id {
        return Err(Error::damaged("the layer has another digest when unpacked")
            .because(format!("sha256:{found:.12}… instead of sha256:{diff_id:.12}…")));
    }
    if is_new {
        let synced = file::open_dir(&half).and_then(|dir| beneath::sync_file_system(dir.as_fd()));
        synced.context("cannot sync the layer")?;
        match file::rename(&half, &place) {
            Err(_) if place.is_dir() => {}
            other => other.context("cannot put the layer in its place")?,
        }
    }
    Ok(compression)
}
