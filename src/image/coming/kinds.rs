//! What a document of a registry is: an image, or an index of images. Its own content says so, and nothing else is asked: where
//! header, media type and content could say different things, two readers of one digest would see two images (CVE-2021-41190).

use crate::error::{Error, Result};
use crate::image::documents::{self, CONFIG_TYPE, INDEX_TYPE, MANIFEST_TYPE};
use crate::image::entries::damaged;
use serde::Deserialize;
use serde::de::IgnoredAny;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Image,
    Index,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Shape {
    schema_version: Option<u32>,
    media_type: Option<String>,
    config: Option<IgnoredAny>,
    layers: Option<Vec<IgnoredAny>>,
    manifests: Option<Vec<IgnoredAny>>,
}

pub fn of(text: &[u8]) -> Result<Kind> {
    let shape: Shape = documents::parse("the manifest", text)?;
    if shape.schema_version == Some(1) {
        return Err(Error::failed("the manifest is one of schema 1")
            .because("nobody can prove what is in such an image")
            .hint("push the image once more with a program of these years"));
    }
    let is_image = shape.config.is_some() || shape.layers.is_some_and(|layers| !layers.is_empty());
    let is_index = shape.manifests.is_some_and(|manifests| !manifests.is_empty() || !is_image);
    let said = shape.media_type.unwrap_or_default();
    match (is_image, is_index) {
        (true, true) => Err(damaged("the manifest is both an image and an index of images")),
        (true, false) if [INDEX_TYPE, DOCKER_LIST].contains(&said.as_str()) => {
            Err(damaged("the manifest is an image, and calls itself an index of images"))
        }
        (false, true) if [MANIFEST_TYPE, DOCKER_MANIFEST].contains(&said.as_str()) => {
            Err(damaged("the manifest is an index of images, and calls itself an image"))
        }
        (true, false) => Ok(Kind::Image),
        (false, true) => Ok(Kind::Index),
        (false, false) => Err(damaged("what has this name is no image")),
    }
}

/// Of an image: what it says itself, or else what others say of it, if that is anything.
pub fn media_type(text: &[u8], said: &str) -> String {
    let own = serde_json::from_slice(text).ok().and_then(|shape: Shape| shape.media_type).unwrap_or_default();
    let known = |kind: &&str| [MANIFEST_TYPE, DOCKER_MANIFEST].contains(kind);
    [own.as_str(), said].into_iter().find(known).unwrap_or(MANIFEST_TYPE).to_owned()
}

/// Registries also keep charts, signatures and other things in the dress of an image.
pub fn blame_config(media_type: &str, error: Error) -> Error {
    match media_type {
        "" | CONFIG_TYPE | DOCKER_CONFIG => error,
        other => damaged("what has this name is no image").because(format!("it is {}", other.chars().take(80).collect::<String>())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_content_counts_and_it_must_not_contradict_itself() {
        for (text, kind) in [
            (r#"{"schemaVersion":2,"config":{},"layers":[]}"#, Kind::Image),
            (r#"{"config":{},"manifests":null}"#, Kind::Image),
            (r#"{"config":{},"manifests":[]}"#, Kind::Image),
            (r#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#, Kind::Index),
            (r#"{"manifests":[{}],"layers":[],"config":null}"#, Kind::Index),
        ] {
            assert_eq!(of(text.as_bytes()).ok(), Some(kind), "{text}");
        }
        for text in [
            "{}",
            "[]",
            r#"{"schemaVersion":1,"config":{}}"#,
            r#"{"config":{},"manifests":[{}]}"#,
            r#"{"layers":[{}],"manifests":[{}]}"#,
            r#"{"mediaType":"application/vnd.oci.image.index.v1+json","config":{}}"#,
            r#"{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","manifests":[]}"#,
        ] {
            assert!(of(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(media_type(b"{}", "text/html"), MANIFEST_TYPE);
        assert_eq!(media_type(b"{}", DOCKER_MANIFEST), DOCKER_MANIFEST);
    }
}
