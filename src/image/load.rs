//! `load`: images come in from an archive or a directory.

use crate::error::{Context, Error, Result};
use crate::image::archive;
use crate::image::members::Members;
use crate::image::publish;
use crate::image::unpack::Limits;
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use std::io::Read;
use std::path::Path;

pub enum Source<'a> {
    Path(&'a Path),
    Stream(Box<dyn Read + 'a>),
}

/// An image that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub names: Vec<String>,
    /// `sha256:…`
    pub id: String,
}

pub fn load(paths: &Paths, source: Source, limits: &Limits) -> Result<Vec<Loaded>> {
    let shown = match &source {
        Source::Path(path) => path.display().to_string(),
        Source::Stream(_) => "the archive on standard input".into(),
    };
    // Opened first: a name that is mistyped makes nothing.
    let source = open(source)?;
    let workplace = Workplace::begin(paths)?;
    let what = || format!("cannot load {shown}");
    let members = match source {
        Opened::Directory(path) => Members::Directory(path, &workplace),
        Opened::Stream(stream) => Members::read(stream, &workplace, limits).with_context(what)?,
    };
    let images = archive::read(&members).with_context(what)?;
    publish::publish(paths, &workplace, &images, limits).with_context(what)?;
    Ok(images.into_iter().map(|image| Loaded { id: image.id(), names: image.names }).collect())
}

enum Opened<'a> {
    Directory(std::path::PathBuf),
    Stream(Box<dyn Read + 'a>),
}

fn open(source: Source) -> Result<Opened> {
    match source {
        Source::Stream(stream) => Ok(Opened::Stream(stream)),
        Source::Path(path) if path.is_dir() => Ok(Opened::Directory(path.to_owned())),
        Source::Path(path) => match std::fs::File::open(path) {
            Ok(file) => Ok(Opened::Stream(Box::new(file))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::no_such(format!("no such file: {}", path.display()))),
            Err(e) => Err(e).with_context(|| format!("cannot open {}", path.display())),
        },
    }
}

#[cfg(test)]
mod tests;
