//! The JSON documents of an image: index, manifest and config, as far as they are read here, and with bounds.

use crate::error::{Context, Error, Kind, Result};
use crate::image::digest;
use crate::options::health::Check;
use crate::sys::{Errno, file};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Registries take manifests of 4 MiB; configs with long histories stay far below.
pub const LONGEST_DOCUMENT: u64 = 4 << 20;
/// No kernel stacks more in one overlay.
pub const MOST_LAYERS: usize = crate::sys::mount::MOST_LOWER;

pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
pub const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
pub const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";

/// The name of an image in an OCI layout's index.
pub const NAME: &str = "org.opencontainers.image.ref.name";
/// The same by containerd and docker, who put only the tag into the other.
pub const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// Ours: the digest of the config, so that a start reads two files and no manifest.
pub const IMAGE_ID: &str = "tare.image.id";
/// Ours: the bytes of all files in its layers.
pub const IMAGE_SIZE: &str = "tare.image.size";
/// Ours: the digest of what its name led to at its registry, where that is a list of images for several machines.
pub const ORIGIN: &str = "tare.image.origin";
/// Ours: which of its layers' files may not be on the disk yet. See `kept/unflushed.rs`.
pub const UNFLUSHED: &str = "tare.image.unflushed";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Descriptor {
    pub media_type: String,
    pub digest: String,
    pub size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Platform {
    pub architecture: String,
    pub os: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Index {
    pub schema_version: u32,
    pub media_type: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub manifests: Vec<Descriptor>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Manifest {
    pub schema_version: u32,
    pub media_type: String,
    pub config: Descriptor,
    #[serde(deserialize_with = "null_is_empty")]
    pub layers: Vec<Descriptor>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// One image of docker's `manifest.json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DockerImage {
    pub config: String,
    #[serde(deserialize_with = "null_is_empty")]
    pub repo_tags: Vec<String>,
    #[serde(deserialize_with = "null_is_empty")]
    pub layers: Vec<String>,
}

/// Go writes `null` for a list or map that has nothing in it.
fn null_is_empty<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// serde_json ends at a depth of 128, so no nesting exhausts the stack.
pub fn parse<T: DeserializeOwned>(what: &str, text: &[u8]) -> Result<T> {
    serde_json::from_slice(text).map_err(|e| Error::damaged(format!("{what} is damaged")).because(e))
}

pub fn read(what: &str, path: &Path) -> Result<Vec<u8>> {
    file::read_bounded(path, LONGEST_DOCUMENT).map_err(|e| match e {
        Errno::EFBIG => Error::damaged(format!("{what} is damaged")).because("it is longer than 4 MiB"),
        Errno::EINVAL => Error::damaged(format!("{what} is damaged")).because("it is no regular file"),
        e => Error::from_errno(format!("cannot read {what}"), e),
    })
}

/// A manifest that can be used: not too long, every digest a digest.
pub fn check_manifest(manifest: &Manifest) -> Result<()> {
    digest::hex_of(&manifest.config.digest)?;
    check_count(manifest.layers.len())?;
    manifest.layers.iter().try_for_each(|layer| digest::hex_of(&layer.digest).map(drop))
}

pub fn check_count(layers: usize) -> Result<()> {
    match layers {
        0..=MOST_LAYERS => Ok(()),
        more => Err(Error::damaged(format!("the image has {more} layers")).because(format!("no more than {MOST_LAYERS} can be stacked"))),
    }
}

/// The config as the start reads it, and the digests (hex) of its unpacked layers, bottom first.
pub fn parse_config(what: &str, text: &[u8]) -> Result<(oci_spec::image::ImageConfiguration, Vec<String>)> {
    let config: oci_spec::image::ImageConfiguration = parse(what, text)?;
    let layers = config.rootfs().diff_ids();
    check_count(layers.len())?;
    let layers = layers.iter().map(|id| digest::hex_of(id).map(str::to_owned)).collect::<Result<Vec<_>>>();
    Ok((config, layers.context(format!("{what} is damaged")).map_err(|e| e.of_kind(Kind::Damaged))?))
}

/// Nearly no image has one, and a start shall not read the text twice.
pub fn health_check(config: &[u8]) -> Option<Check> {
    let says = |word: &[u8]| config.windows(word.len()).any(|found| found == word);
    if !says(b"\"Healthcheck\"") && !says(b"\"Shell\"") {
        return None;
    }
    serde_json::from_slice::<serde_json::Value>(config).ok().and_then(|text| Check::of_image(&text["config"]))
}
