//! What registries say of images, asked without bringing any of them in.

use crate::engine::pull::There;
use crate::error::{Error, Result};
use crate::image::documents::{self, Descriptor, Index, Manifest};
use crate::image::pull::{self, Top};
use crate::image::remote::Request;
use crate::image::remote::{self, Remote};
use crate::image::{Elsewhere, Reference};
use crate::paths::Paths;
use crate::registry::{self, Known, Match, Repository, Wish};
use std::sync::Arc;

/// Nobody builds an image for more machines.
const MOST_MANIFESTS: usize = 500;

fn repository(name: &Reference) -> Result<Arc<Repository>> {
    Ok(Repository::new(&Known::of_this_user()?, &name.registry, &name.path, Wish::Pull))
}

fn top(from: &Repository, name: &Reference) -> Result<Top> {
    let wanted = name.digest.as_deref().or(name.tag.as_deref()).unwrap_or_default();
    let answer = from.manifest(wanted)?;
    Ok(Top { media_type: answer.media_type, text: answer.text })
}

/// As `inspect` shows an image that is here.
pub fn look(paths: &Paths, name: &Reference, platform: Option<&str>) -> Result<Remote> {
    let cannot = |error: Error| error.context(format!("cannot inspect {name}"));
    let from = repository(name)?;
    let top = top(&from, name).map_err(cannot)?;
    remote::look(paths, Arc::new(There(from)), Request { name, top, platform }).map_err(cannot)
}

/// One manifest, or an index of them.
pub struct Described {
    pub descriptor: Descriptor,
    pub text: Vec<u8>,
}

/// What a name leads to.
pub struct Told {
    pub top: Described,
    pub is_index: bool,
    /// The manifests with their machines, for whoever wants to know so much: of an index all.
    pub manifests: Vec<Described>,
}

pub fn manifest(paths: &Paths, name: &Reference, with_all: bool) -> Result<Told> {
    let cannot = |error: Error| error.context(format!("cannot inspect {name}"));
    let from = Arc::new(There(repository(name)?));
    let top = top(&from.0, name).map_err(cannot)?;
    let proven = pull::proven(name, top.text).map_err(cannot)?;
    let said: Manifest = documents::parse("the manifest", &proven.text).map_err(cannot)?;
    let is_index = said.config.digest.is_empty();
    let mut descriptor = Descriptor {
        // What stands in the text counts more than what the server says of it.
        media_type: if said.media_type.is_empty() { top.media_type } else { said.media_type },
        digest: format!("sha256:{}", proven.digest),
        size: proven.text.len() as u64,
        ..Descriptor::default()
    };
    let top = Described { descriptor: descriptor.clone(), text: proven.text.clone() };
    let manifests = match (with_all, is_index) {
        (false, _) => Vec::new(),
        (true, true) => all_of(&from, name, &top.text).map_err(cannot)?,
        (true, false) => {
            // What is no image has no machine.
            descriptor.platform = remote::platform(paths, from, proven.clone()).ok();
            vec![Described { descriptor, text: proven.text }]
        }
    };
    Ok(Told { top, is_index, manifests })
}

fn all_of(from: &There, name: &Reference, index: &[u8]) -> Result<Vec<Described>> {
    let said: Index = documents::parse("the manifest", index)?;
    if said.manifests.len() > MOST_MANIFESTS {
        return Err(Error::damaged(format!("the index names {} manifests", said.manifests.len())));
    }
    let one = |descriptor: Descriptor| {
        // A name with this digest: it is one, or no name.
        let by_digest = Reference::parse(&format!("{}/{}@{}", name.registry, name.path, descriptor.digest))?;
        let text = pull::proven(&by_digest, from.manifest(&descriptor.digest)?)?.text;
        Ok(Described { descriptor, text })
    };
    said.manifests.into_iter().map(one).collect()
}

/// `registry`: `None` is Docker Hub.
pub fn search(registry: Option<&str>, term: &str, limit: usize) -> Result<Vec<Match>> {
    registry::search(&Known::of_this_user()?, registry, term, limit)
}
