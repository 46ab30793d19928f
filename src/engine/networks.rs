//! Verbs on networks.

use crate::error::{Error, Result};
use crate::names;
use crate::network::{self, Network};
use crate::options::networks::DEFAULT;
use crate::paths::Paths;

/// By its name, its id, or the beginning of its id. The one that everybody has is made when it is wanted.
pub fn find(paths: &Paths, name: &str) -> Result<Network> {
    match name {
        DEFAULT => network::default(paths),
        _ => network::find(paths, name)?.ok_or_else(|| no_such(paths, name)),
    }
}

fn no_such(paths: &Paths, name: &str) -> Error {
    let all = network::list(paths).unwrap_or_default();
    let meant = names::did_you_mean(name, all.iter().map(|network| network.name.as_str()).chain([DEFAULT]));
    Error::no_such(format!("no such network: {name}")).hint(meant.unwrap_or_else(|| format!("tare network create {name} makes it")))
}
