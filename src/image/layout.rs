//! The store's index: a valid OCI image layout, which other tools can read.

use crate::error::{Context, Error, Result};
use crate::image::digest;
use crate::paths::Paths;
use crate::store::{self, Durable, Lock};
use crate::sys::file;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const NAME: &str = "org.opencontainers.image.ref.name";
/// The config's digest beside the manifest's: a start need not read the manifest.
const CONFIG: &str = "tare.config";
/// Nothing that describes an image is longer.
pub const LONGEST_DESCRIPTION: u64 = 8 << 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    #[serde(default)]
    pub media_type: String,
    pub digest: String,
    pub size: i64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    pub architecture: String,
    pub os: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    pub schema_version: u32,
    #[serde(default)]
    pub media_type: String,
    #[serde(default)]
    pub manifests: Vec<Descriptor>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub schema_version: u32,
    #[serde(default)]
    pub media_type: String,
    pub config: Descriptor,
    #[serde(default)]
    pub layers: Vec<Descriptor>,
}

impl Descriptor {
    pub fn name(&self) -> Option<&str> {
        self.annotations.get(NAME).map(String::as_str)
    }
    pub fn config(&self) -> Option<&str> {
        self.annotations.get(CONFIG).map(String::as_str)
    }
    /// An entry of our index.
    pub fn entry(media_type: &str, digest: String, size: i64, name: Option<&str>, config: &str) -> Descriptor {
        let mut annotations = BTreeMap::from([(CONFIG.to_owned(), config.to_owned())]);
        annotations.extend(name.map(|name| (NAME.to_owned(), name.to_owned())));
        Descriptor { media_type: media_type.to_owned(), digest, size, annotations, platform: None }
    }
    pub fn rename(&mut self, name: Option<&str>) {
        self.annotations.remove(NAME);
        self.annotations.extend(name.map(|name| (NAME.to_owned(), name.to_owned())));
    }
}

pub fn read(paths: &Paths) -> Result<Index> {
    let empty = || Index { schema_version: 2, media_type: "application/vnd.oci.image.index.v1+json".into(), manifests: Vec::new() };
    Ok(store::read_json(&paths.image_index())?.unwrap_or_else(empty))
}

/// Makes the layout where there is none, and keeps others from changing it.
pub fn lock(paths: &Paths) -> Result<Lock> {
    if !paths.blobs().is_dir() {
        for dir in [paths.blobs(), paths.layers(), paths.unfinished()] {
            store::make_dirs(&dir)?;
        }
        store::write(&paths.image_layout().join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#, Durable::Yes)?;
    }
    store::lock(&paths.image_lock())
}

pub fn write(paths: &Paths, index: &Index) -> Result<()> {
    store::write_json(&paths.image_index(), index, Durable::Yes)
}

/// A blob that describes something, whole, and checked against its name.
pub fn read_blob(paths: &Paths, digest: &str) -> Result<Vec<u8>> {
    let hex = digest::hex_of(digest)?;
    file::read_bounded(&paths.blob(hex), LONGEST_DESCRIPTION).with_context(|| format!("cannot read blob {digest:.19}"))
}

pub fn write_blob(paths: &Paths, bytes: &[u8]) -> Result<String> {
    let hex = digest::of_bytes(bytes);
    let path = paths.blob(&hex);
    if !path.exists() {
        store::write(&path, bytes, Durable::Yes)?;
    }
    Ok(format!("sha256:{hex}"))
}

pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &str) -> Result<T> {
    // serde_json stops at a depth of 128 by itself.
    serde_json::from_slice(bytes).map_err(|error| Error::damaged(format!("{what} is broken")).because(error))
}
