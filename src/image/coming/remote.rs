//! An image that is looked at where it is: its documents come, each proven, and none of its layers.

use crate::error::Result;
use crate::image::catalog::Details;
use crate::image::digest;
use crate::image::documents::{self, Descriptor, Manifest, Platform};
use crate::image::find::Image;
use crate::image::machines::{self, Machines};
use crate::image::members::{Document, Elsewhere};
use crate::image::pull::{self, Chosen, Top};
use crate::image::reference::Reference;
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

/// What is asked for.
pub struct Request<'a> {
    pub name: &'a Reference,
    pub top: Top,
    pub platform: Option<&'a str>,
}

pub fn look(paths: &Paths, from: Arc<dyn Elsewhere>, request: Request) -> Result<Remote> {
    let document = pull::proven(request.name, request.top.text)?;
    let top = Descriptor {
        media_type: request.top.media_type,
        digest: format!("sha256:{}", document.digest),
        size: document.text.len() as u64,
        ..Descriptor::default()
    };
    let machines = Machines::One(request.platform);
    let chosen = pull::choose(&*from, document, top.media_type.clone(), request.name, &machines)?.swap_remove(0);
    let layers = documents::parse::<Manifest>("the manifest", &chosen.document.text)?.layers;
    let config = pull::describe(paths, &from, chosen, &top.digest)?.config;
    machines::check(&machines, &config)?;
    let (said, diff_ids) = documents::parse_config("the image's config", &config.text)?;
    let details = Details {
        raw_config: documents::parse("the image's config", &config.text)?,
        names: vec![request.name.to_string()],
        digest: top.digest.clone(),
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
    let chosen = Chosen { name: String::new(), document: manifest, media_type: String::new() };
    let config = pull::describe(paths, &from, chosen, "")?.config;
    documents::parse("the image's config", &config.text)
}
