//! An image by name, id, or the beginning of an id: two files are read, the list and the config.

use crate::error::{Context, Error, Result};
use crate::image::digest;
use crate::image::documents::{self, Descriptor, Index};
use crate::image::index::{self, id_of, name_of};
use crate::image::reference::Reference;
use crate::image::unflushed;
use crate::names;
use crate::options::health::Check;
use crate::options::platform::Platform;
use crate::paths::Paths;
use oci_spec::image::ImageConfiguration;
use serde_json::{Map, Value, json};

/// What a container is made of.
#[derive(Clone, Debug)]
pub struct Image {
    /// `sha256:…`, the digest of its config.
    pub id: String,
    /// The name it was found by.
    pub reference: Option<String>,
    pub config: ImageConfiguration,
    /// Diff ids (hex), bottom to top.
    pub layers: Vec<String>,
    /// Docker's word, which is not in the specification.
    pub health: Option<Check>,
}

pub fn find(paths: &Paths, wanted: &str) -> Result<Image> {
    let index = index::read(paths)?;
    let descriptor = select(&index, wanted)?;
    unflushed::settle(paths, &index)?;
    let id = id_of(descriptor);
    let damaged = || format!("image {wanted} is damaged");
    let text = text_of_config(paths, id).with_context(damaged)?;
    let (config, layers) = documents::parse_config(CONFIG, &text).with_context(damaged)?;
    let health = documents::health_check(&text);
    Ok(Image { id: id.to_owned(), reference: name_of(descriptor).map(str::to_owned), config, layers, health })
}

/// What is on its way to becoming an image: `settings` are the object `config` of one, `layers` in the store (hex, bottom first).
pub fn unnamed(below: Option<&str>, settings: Map<String, Value>, layers: Vec<String>) -> Result<Image> {
    let own = Platform::own();
    let text = json!({
        "architecture": own.architecture, "os": own.os, "config": settings,
        "rootfs": {"type": "layers", "diff_ids": layers.iter().map(|layer| format!("sha256:{layer}")).collect::<Vec<_>>()},
    });
    let config = serde_json::from_value(text).map_err(|e| Error::damaged("what the image says of itself makes no sense").because(e))?;
    Ok(Image { id: below.unwrap_or_default().to_owned(), reference: None, config, layers, health: None })
}

/// Of the image with this id: what it says, and its layers.
pub fn config(paths: &Paths, id: &str) -> Result<(ImageConfiguration, Vec<String>)> {
    documents::parse_config(CONFIG, &text_of_config(paths, id)?)
}

const CONFIG: &str = "the image's config";

fn text_of_config(paths: &Paths, id: &str) -> Result<Vec<u8>> {
    let hex = digest::hex_of(id).context("the list of images is damaged")?;
    documents::read(CONFIG, &paths.blob(hex))
}

/// A whole id is nothing else, whatever an archive has called its images. Then names come first: `abc` may be both a name and the
/// beginning of an id.
pub fn select<'a>(index: &'a Index, wanted: &str) -> Result<&'a Descriptor> {
    let whole = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    if let Some(descriptor) = index.manifests.iter().find(|have| digest::hex_of(id_of(have)).is_ok_and(|hex| hex == whole)) {
        return Ok(descriptor);
    }
    let reference = Reference::parse(wanted);
    if let Some(descriptor) = reference.as_ref().ok().and_then(|reference| by_name(index, reference)) {
        return Ok(descriptor);
    }
    let hex = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    let could_be_id = !hex.is_empty() && hex.len() <= 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    if could_be_id {
        let mut matching: Vec<&Descriptor> =
            index.manifests.iter().filter(|have| id_of(have)[7.min(id_of(have).len())..].starts_with(hex)).collect();
        matching.dedup_by_key(|have| id_of(have));
        matching.sort_by_key(|have| id_of(have));
        matching.dedup_by_key(|have| id_of(have));
        match matching[..] {
            [] => {}
            [one] => return Ok(one),
            _ => {
                let ids: Vec<&str> = matching.iter().map(|have| id_of(have).get(7..19).unwrap_or_default()).collect();
                return Err(Error::conflict(format!("{wanted} is the beginning of several image ids"))
                    .because(ids.join(", "))
                    .hint("type more of it"));
            }
        }
    }
    if let (Err(error), false) = (reference, could_be_id || wanted.starts_with("sha256:")) {
        return Err(error);
    }
    Err(unknown(index, wanted))
}

fn by_name<'a>(index: &'a Index, wanted: &Reference) -> Option<&'a Descriptor> {
    match &wanted.digest {
        None => {
            let name = wanted.to_string();
            index.manifests.iter().find(|have| name_of(have) == Some(name.as_str()))
        }
        // A digest names a manifest; whoever has it under this repository has the image.
        Some(digest) => index.manifests.iter().find(|have| {
            // Pulled by the digest of an index, which leads to it, it has that as its name.
            name_of(have).is_some_and(|name| name.ends_with(&format!("@{digest}"))) && have_same_repository(have, wanted)
                || [have.digest.as_str(), index::digest_of(have)].contains(&digest.as_str()) && have_same_repository(have, wanted)
        }),
    }
}

fn have_same_repository(have: &Descriptor, wanted: &Reference) -> bool {
    name_of(have).and_then(|name| Reference::parse(name).ok()).is_some_and(|name| name.repository() == wanted.repository())
}

fn unknown(index: &Index, wanted: &str) -> Error {
    let names: Vec<&str> = index.manifests.iter().filter_map(name_of).collect();
    // People leave `:latest` out, so it takes no part in the comparison.
    let short: Vec<&str> = names.iter().map(|name| name.strip_suffix(":latest").unwrap_or(name)).collect();
    let typed = wanted.strip_suffix(":latest").unwrap_or(wanted);
    let hint = names::did_you_mean(typed, short.iter().copied()).or_else(|| {
        // Where it comes from is left out just as easily.
        let ends_so = |name: &&&str| name.strip_suffix(typed).is_some_and(|before| before.ends_with('/'));
        short.iter().find(ends_so).map(|name| format!("did you mean {name}?"))
    });
    let hint = hint.unwrap_or_else(|| {
        if names.is_empty() {
            "there is none yet: tare pull NAME, or tare load -i ARCHIVE".into()
        } else {
            "tare images lists all, tare pull and tare load bring more".into()
        }
    });
    Error::no_such(format!("no such image: {wanted}")).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::image::documents::IMAGE_ID;

    fn index() -> Index {
        let mut index = Index::default();
        for (name, start) in [("busybox:latest", "abc1"), ("busybox:1", "abc1"), ("alpine:latest", "abd2"), ("abd:latest", "eee3")] {
            let id = format!("sha256:{start}{}", "0".repeat(60));
            index::insert(&mut index, Descriptor { annotations: [(IMAGE_ID.to_owned(), id)].into(), ..Descriptor::default() }, Some(name));
        }
        index
    }

    fn found(wanted: &str) -> Result<String> {
        let index = index();
        let id = id_of(select(&index, wanted)?)[7..11].to_owned();
        Ok(id)
    }

    #[test]
    fn names_ids_and_beginnings_find() {
        for (wanted, id) in
            [("busybox", "abc1"), ("docker.io/library/busybox:1", "abc1"), ("abc", "abc1"), ("sha256:abd2", "abd2"), ("abd", "eee3")]
        {
            assert_eq!(found(wanted).unwrap(), id, "{wanted}");
        }
    }

    #[test]
    fn no_name_takes_the_place_of_an_id() {
        let mut index = index();
        let id = format!("sha256:abc1{}", "0".repeat(60));
        let evil = Descriptor { annotations: [(IMAGE_ID.to_owned(), "sha256:evil".to_owned())].into(), ..Descriptor::default() };
        index::insert(&mut index, evil, Some(&id));
        assert_eq!((id_of(select(&index, &id).unwrap()), id_of(select(&index, &id[7..]).unwrap())), (&id[..], &id[..]));
    }

    #[test]
    fn what_is_not_there_says_what_was_meant() {
        let error = found("busybx").unwrap_err();
        assert_eq!((error.kind(), error.hint_text()), (Kind::NoSuch, Some("did you mean busybox?")));
        let mut index = index();
        let image = Descriptor { annotations: [(IMAGE_ID.to_owned(), "sha256:fff".to_owned())].into(), ..Descriptor::default() };
        index::insert(&mut index, image, Some("localhost/shop/mine:1"));
        assert_eq!(select(&index, "mine:1").unwrap_err().hint_text(), Some("did you mean localhost/shop/mine:1?"));
        assert_eq!(found("ab").unwrap_err().kind(), Kind::Conflict);
        assert_eq!(found("Busybox").unwrap_err().kind(), Kind::Failed);
        assert_eq!(found("fff").unwrap_err().kind(), Kind::NoSuch);
    }
}
