//! Verbs on networks.

use crate::error::{Error, Result};
use crate::network::{self, Network};
use crate::options::networks::DEFAULT;
use crate::paths::Paths;

/// By its name.
pub fn find(paths: &Paths, name: &str) -> Result<Network> {
    match name {
        DEFAULT => network::default(paths),
        name => network::find(paths, name)?.ok_or_else(|| Error::no_such(format!("no such network: {name}"))),
    }
}
