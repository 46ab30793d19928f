//! `export`: the files of a container as one archive: what its layers hold and it has written. What is mounted in it, volumes too,
//! is not among them; only the mount points are.

use crate::engine::{events, files_of};
use crate::error::{Context, Result};
use crate::image::pack::{Form, Pack};
use crate::paths::Paths;
use crate::runtime::view::Extent;
use crate::sys::appearing::Appearing;
use std::io::Write;
use std::path::Path;

pub fn export(paths: &Paths, wanted: &str, to: impl Write) -> Result<()> {
    let files = files_of::open(paths, wanted, Extent::Root)?;
    let mut pack = Pack::new(to, Form::Plain).with_users(files.map().cloned());
    let packed = pack.add_contents(files.root()?, b"").and_then(|()| pack.finish());
    packed.with_context(|| format!("cannot export container {}", files.record.name))?;
    events::of_container(paths, &files.record, "export", &[]);
    Ok(())
}

/// The file appears when it is complete.
pub fn export_to_file(paths: &Paths, wanted: &str, path: &Path) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    let mut file = Appearing::begin(path).with_context(what)?;
    export(paths, wanted, &mut file)?;
    file.finish().with_context(what)
}
