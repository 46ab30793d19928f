//! `import`: a tar of a root file system becomes an image of one layer.

use crate::error::{Context, Error, Result};
use crate::image::archive::{self, Found};
use crate::image::changes;
use crate::image::compression;
use crate::image::digest::Hashing;
use crate::image::documents::MANIFEST_TYPE;
use crate::image::entries::{broken, damaged};
use crate::image::load::Loaded;
use crate::image::members::{self, Blob};
use crate::image::publish;
use crate::image::reference::Reference;
use crate::image::unpack::Limits;
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use serde_json::{Map, Value, json};
use std::io::Read;

pub struct Request<'a> {
    pub name: Option<&'a str>,
    /// Instructions of a Dockerfile.
    pub changes: Vec<&'a str>,
    pub message: Option<&'a str>,
    /// As it stands in the image's config: RFC 3339.
    pub created: String,
    /// `linux/arm64/v8`; `None`: this machine.
    pub platform: Option<&'a str>,
}

pub fn import(paths: &Paths, source: impl Read, request: &Request, limits: &Limits) -> Result<Loaded> {
    // All that was typed is judged before anything is read.
    let name = request.name.map(Reference::parse).transpose()?;
    if name.as_ref().is_some_and(|name| name.digest.is_some()) {
        return Err(Error::usage("a digest cannot be given as a name").because("it follows from the content"));
    }
    let mut settings = Map::new();
    for line in &request.changes {
        changes::apply(&mut settings, line)?;
    }
    let config = describe(request, settings)?;
    let workplace = Workplace::begin(paths)?;
    let blob = members::take_in(&mut { source }, &workplace.file("root"))?;
    let diff_id = content_digest(&blob, limits)?;
    let config = with_layer(config, &diff_id);
    let config = members::take_in(&mut &config[..], &workplace.file("config"))?;
    let layers = vec![(blob, diff_id)];
    let manifest = archive::manifest_for(&config, &layers)?;
    let descriptor = archive::describe(MANIFEST_TYPE.into(), &manifest);
    let names: Vec<String> = name.iter().map(Reference::to_string).collect();
    let image = Found { names: names.clone(), manifest, descriptor, config, layers };
    let id = image.id();
    publish::publish(paths, &workplace, &[image], limits)?;
    Ok(Loaded { names, id })
}

fn describe(request: &Request, settings: Map<String, Value>) -> Result<Map<String, Value>> {
    let mut config = Map::new();
    let mut platform = request.platform.unwrap_or("linux").split('/');
    if platform.next() != Some("linux") {
        return Err(Error::usage("only linux images can be imported").hint("write the platform like linux/arm64"));
    }
    config.insert("architecture".into(), json!(platform.next().unwrap_or(archive::architecture())));
    if let Some(variant) = platform.next() {
        config.insert("variant".into(), json!(variant));
    }
    config.insert("os".into(), json!("linux"));
    config.insert("created".into(), json!(request.created));
    config.insert("config".into(), Value::Object(settings));
    let comment = request.message.unwrap_or("Imported from -");
    config.insert("history".into(), json!([{"created": request.created, "comment": comment}]));
    Ok(config)
}

fn with_layer(mut config: Map<String, Value>, diff_id: &str) -> Vec<u8> {
    config.insert("rootfs".into(), json!({"type": "layers", "diff_ids": [format!("sha256:{diff_id}")]}));
    Value::Object(config).to_string().into_bytes()
}

/// The digest of what is in it. Nobody told it, so it must be known before the layer can be put under it.
fn content_digest(blob: &Blob, limits: &Limits) -> Result<String> {
    if blob.size == 0 {
        return Err(damaged("the archive is empty"));
    }
    let file = std::fs::File::open(&blob.path).context("cannot read the archive")?;
    let (_, plain) = compression::unpacked(file).map_err(broken)?;
    let mut hashing = Hashing::new(plain.take(limits.bytes.saturating_add(1)));
    std::io::copy(&mut hashing, &mut std::io::sink()).map_err(broken)?;
    let (digest, length) = hashing.finish();
    if length > limits.bytes {
        return Err(damaged(format!("the archive unpacks to more than {} bytes", limits.bytes)));
    }
    Ok(digest)
}
