//! A container as it would be: everything that a start would know of it, with nothing made and nothing claimed.

use crate::engine::claim::{self, Claimed};
use crate::engine::describe::{self, Described};
use crate::engine::etc_files;
use crate::error::Result;
use crate::image::Image;
use crate::network;
use crate::options::{Network, Wishes};
use crate::paths::{ContainerPaths, Paths};
use crate::record::Container;
use oci_spec::runtime::Spec;
use std::path::PathBuf;

pub struct Outline {
    pub record: Container,
    pub spec: Spec,
    pub files: ContainerPaths,
    /// Where the layers of images lie.
    pub layers: PathBuf,
    /// Directories of the host that are to be mounted, and are not there.
    pub missing: Vec<PathBuf>,
    /// Its places in networks, with addresses that are free now.
    pub claimed: Option<Claimed>,
    /// Name and content of the files of /etc that are its own; none where another container's are shared.
    pub etc_files: Vec<(&'static str, String)>,
}

/// `name`: what it is to be called; the name that would be made up is not known.
pub fn outline(paths: &Paths, image_name: String, name: Option<String>, wishes: Wishes, image: &Image) -> Result<Outline> {
    let Described { mut record, spec, files, missing } = describe::describe(paths, image_name, wishes, image, None, network::foreseen)?;
    record.name = name.unwrap_or_default();
    let claimed = claim::foresee(paths, &record)?;
    let has_files = !matches!(record.wishes.network, Network::Container(_));
    let etc_files = if has_files { etc_files::contents(&record, claimed.as_ref()) } else { Vec::new() };
    Ok(Outline { record, spec, files, layers: paths.layers(), missing, claimed, etc_files })
}
