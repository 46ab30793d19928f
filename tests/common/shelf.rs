//! What a strange registry has on its shelf: blobs and manifests by their digests, and tags that lead to some of them.

use super::archive::{Image, gzip, sha256};
use super::registry::{Answer, Asked, MANIFEST};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

#[derive(Clone, Default)]
pub struct Shelf {
    /// By digest (hex), with their media types.
    things: BTreeMap<String, (Vec<u8>, String)>,
    tags: BTreeMap<String, String>,
}

/// What one image consists of; layers as they are sent.
#[derive(Clone)]
pub struct Shelved {
    pub manifest: Vec<u8>,
    pub config: Vec<u8>,
    pub layers: Vec<Vec<u8>>,
}

impl Shelf {
    /// Gives the descriptor.
    pub fn put(&mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> Value {
        let bytes = bytes.into();
        let descriptor = describe(media_type, &bytes);
        self.things.insert(sha256(&bytes), (bytes, media_type.to_owned()));
        descriptor
    }

    pub fn tag(&mut self, tag: &str, descriptor: &Value) {
        let digest = descriptor["digest"].as_str().expect("a digest");
        self.tags.insert(tag.to_owned(), digest.trim_start_matches("sha256:").to_owned());
    }

    /// A manifest, known by this tag.
    pub fn manifest(&mut self, tag: &str, media_type: &str, manifest: &Value) -> Vec<u8> {
        let text = manifest.to_string().into_bytes();
        let descriptor = self.put(media_type, text.clone());
        self.tag(tag, &descriptor);
        text
    }

    /// An image of these layers (plain tars).
    pub fn image(&mut self, tag: &str, image: &Image) -> Shelved {
        let config = image.config_text();
        let layers: Vec<Vec<u8>> = image.layers.iter().map(|layer| gzip(layer)).collect();
        let described: Vec<Value> = layers.iter().map(|layer| self.put(LAYER, layer.clone())).collect();
        let manifest = manifest(&self.put(CONFIG, config.clone()), &described);
        Shelved { manifest: self.manifest(tag, MANIFEST, &manifest), config, layers }
    }

    /// What has the digest of `right` is something else.
    pub fn exchange(&mut self, right: &[u8], bytes: Vec<u8>) {
        self.things.insert(sha256(right), (bytes, MANIFEST.to_owned()));
    }

    pub fn answer(&self, asked: &Asked) -> Answer {
        let not_here = || Answer::new(404, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"not here"}]}"#);
        if asked.path == "/v2/" {
            return Answer::new(200, "{}");
        }
        let wanted = asked.path.rsplit('/').next().unwrap_or_default();
        let hex = wanted.strip_prefix("sha256:").or_else(|| self.tags.get(wanted).map(String::as_str));
        let Some((bytes, media_type)) = hex.and_then(|hex| self.things.get(hex)) else { return not_here() };
        let answer = match asked.path.contains("/blobs/") {
            true => part(asked, bytes),
            false => Answer::new(200, bytes.clone()).with("Content-Type", media_type.clone()),
        };
        answer.with("Docker-Content-Digest", format!("sha256:{}", sha256(bytes)))
    }
}

/// All of it, or from where it is asked for.
pub fn part(asked: &Asked, bytes: &[u8]) -> Answer {
    match asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()) {
        None => Answer::new(200, bytes),
        Some(from) if from >= bytes.len() => Answer::new(416, ""),
        Some(from) => Answer::new(206, &bytes[from..]).with("Content-Range", format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len())),
    }
}

pub fn describe(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len() })
}

pub fn manifest(config: &Value, layers: &[Value]) -> Value {
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers })
}
