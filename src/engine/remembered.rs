//! Where builds keep what their steps came to, if that is a registry.

use crate::engine::pull::There;
use crate::engine::push::Pushing;
use crate::error::Result;
use crate::image::push::Outgoing;
use crate::image::{Elsewhere, Progress, Reference, pull};
use crate::paths::Paths;
use crate::registry::{Known, Repository, Wish};
use std::sync::Arc;

/// A process that is made later needs one of its own: connections cannot be shared.
pub fn there(name: &Reference) -> Result<Arc<dyn Elsewhere>> {
    Ok(Arc::new(There(repository(name)?)))
}

fn repository(name: &Reference) -> Result<Arc<Repository>> {
    Ok(Repository::new(&Known::of_this_user()?, &name.registry, &name.path, Wish::Pull))
}

/// The manifest that the name leads to; one whose digest was named has it.
pub fn top(name: &Reference) -> Result<Vec<u8>> {
    let wanted = name.digest.as_deref().or(name.tag.as_deref()).unwrap_or_default();
    Ok(pull::proven(name, repository(name)?.manifest(wanted)?.text)?.text)
}

pub fn put(paths: &Paths, name: &Reference, what: &Outgoing) -> Result<()> {
    Pushing::to(paths, name)?.put(what, name, &Progress::default()).map(drop)
}
