//! `import`: a tar of a root file system becomes an image of one layer.

use crate::error::{Context, Error, Result};
use crate::image::digest::Hashing;
use crate::image::layout::{self, Descriptor, Manifest};
use crate::image::load::{self, Loaded};
use crate::image::reference::Reference;
use crate::image::spool::Workshop;
use crate::image::{catalog, changes, compression, digest};
use crate::paths::Paths;
use crate::sys::file::{self, OFlag};
use serde_json::{Map, json};
use std::fs::File;
use std::io::{Read, Write};

pub struct Request<'a> {
    pub name: Option<&'a str>,
    pub changes: Vec<&'a str>,
    pub message: Option<&'a str>,
    /// As it stands in the image's config: RFC 3339.
    pub created: String,
}

pub fn import(paths: &Paths, source: impl Read, request: &Request) -> Result<Loaded> {
    let name = request.name.map(Reference::parse).transpose()?;
    let mut settings = Map::new();
    for line in &request.changes {
        changes::apply(&mut settings, line)?;
    }
    let workshop = Workshop::open(paths)?;
    let packed = workshop.dir.join("archive");
    let (blob, size) = keep(source, &packed)?;
    let diff_id = plain_digest(&packed)?;
    let lock = layout::lock(paths)?;
    let compression = load::unpack_layer(paths, &packed, &diff_id, &workshop)?;
    if !paths.blob(&blob).exists() {
        file::rename(&packed, &paths.blob(&blob)).context("cannot keep the layer")?;
    }
    let comment = request.message.unwrap_or("Imported from a root file system");
    let config = json!({
        "architecture": catalog::architecture(), "os": "linux", "created": request.created, "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{diff_id}")]},
        "history": [{"created": request.created, "comment": comment}],
    });
    let config = config.to_string().into_bytes();
    let plain = |media_type: &str, digest: String, size: i64| Descriptor {
        media_type: media_type.into(),
        digest,
        size,
        annotations: Default::default(),
        platform: None,
    };
    let manifest = Manifest {
        schema_version: 2,
        media_type: "application/vnd.oci.image.manifest.v1+json".into(),
        config: plain("application/vnd.oci.image.config.v1+json", format!("sha256:{}", digest::of_bytes(&config)), config.len() as i64),
        layers: vec![plain(compression.layer_media_type(), format!("sha256:{blob}"), size as i64)],
    };
    let manifest = serde_json::to_vec(&manifest).map_err(|error| Error::failed("cannot write the manifest").because(error))?;
    let names: Vec<String> = name.iter().map(Reference::to_string).collect();
    load::enter(paths, lock, &config, &manifest, &names)
}

fn keep(mut source: impl Read, path: &std::path::Path) -> Result<(String, u64)> {
    let made = file::create(path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600).context("cannot write the archive")?;
    let mut hashing = Hashing::new(File::from(made));
    std::io::copy(&mut source, &mut hashing).context("cannot read the archive")?;
    hashing.flush().context("cannot write the archive")?;
    Ok(hashing.finish())
}

fn plain_digest(packed: &std::path::Path) -> Result<String> {
    let (_, plain) = compression::open(File::open(packed).context("cannot read the archive")?)?;
    let mut hashing = Hashing::new(plain);
    std::io::copy(&mut hashing, &mut std::io::sink()).map_err(|error| Error::damaged("the archive is broken").because(error))?;
    if hashing.count() == 0 {
        return Err(Error::damaged("the archive is empty"));
    }
    Ok(hashing.finish().0)
}
