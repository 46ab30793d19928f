//! An image that is looked at where it is: its documents come, each proven, and none of its layers.

use crate::error::Result;
use crate::image::catalog::Details;
use crate::image::digest;
use crate::image::documents::{self, Descriptor, Manifest, Platform};
use crate::image::find::Image;
use crate::image::members::{Document, Elsewhere};
use crate::image::pull::{self, Request};
use crate::paths::Paths;
use std::sync::Arc;

pub struct Remote {
    /// As of an image that is here; its size is that of the layers as they would come, packed.
    pub details: Details,
    /// What the name leads to.
    pub top: Descriptor,
    /// Bottom first, as the manifest names them.
    pub layers: Vec<Descriptor>,
}

pub fn look(paths: &Paths, from: Arc<dyn Elsewhere>, request: Request) -> Result<Remote> {
    let document = pull::proven(request.name, request.top.text)?;
    let top = Descriptor {
        media_type: request.top.media_type,
        digest: format!("sha256:{}", document.digest),
        size: document.text.len() as u64,
        ..Descriptor::default()
    };
    let (manifest, media_type) = pull::choose(&*from, document, top.media_type.clone(), &pull::platform(request.platform)?)?;
    let layers = documents::parse::<Manifest>("the manifest", &manifest.text)?.layers;
    let config = pull::describe(paths, &from, request.name.to_string(), manifest, media_type)?.config;
    let (said, diff_ids) = documents::parse_config("the image's config", &config.text)?;
    let details = Details {
        raw_config: documents::parse("the image's config", &config.text)?,
        names: vec![request.name.to_string()],
        manifest: top.digest.clone(),
        size: layers.iter().map(|layer| layer.size).fold(0, u64::saturating_add),
        image: Image {
            id: format!("sha256:{}", digest::of(&config.text)),
            reference: Some(request.name.to_string()),
            config: said,
            layers: diff_ids,
            health: documents::health_check(&config.text),
        },
    };
    Ok(Remote { details, top, layers })
}

/// The machine for which an image is made, as its config says.
pub fn platform(paths: &Paths, from: Arc<dyn Elsewhere>, manifest: Document) -> Result<Platform> {
    let config = pull::describe(paths, &from, String::new(), manifest, String::new())?.config;
    documents::parse("the image's config", &config.text)
}
