//! `load`: images come in from an archive or a directory.

use crate::error::{Context, Error, Result};
use crate::image::archive;
use crate::image::catalog::Users;
use crate::image::intake::{Intake, Keep};
use crate::image::limits::{Budget, Limits};
use crate::image::members::Members;
use crate::image::progress::Progress;
use crate::image::publish::{self, Ready};
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use crate::store;
use crate::trace::{self, Step};
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub enum Source<'a> {
    Path(&'a Path),
    /// Standard input: a file or a pipe.
    File(File),
    Stream(Box<dyn Read + 'a>),
}

/// An image that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub names: Vec<String>,
    /// `sha256:…`
    pub id: String,
}

pub fn load(paths: &Paths, source: Source, limits: &Limits, progress: &Progress, users: Users) -> Result<Vec<Loaded>> {
    trace::begin(Step::ReadArchive);
    let shown = match &source {
        Source::Path(path) => path.display().to_string(),
        Source::File(_) | Source::Stream(_) => "the archive on standard input".into(),
    };
    // Opened first: a name that is mistyped makes nothing.
    let source = open(source)?;
    let workplace = Workplace::begin(paths, users)?;
    take_in(paths, source, &workplace, limits, progress).map_err(store::advise).with_context(|| format!("cannot load {shown}"))
}

fn take_in(paths: &Paths, source: Opened, workplace: &Workplace, limits: &Limits, progress: &Progress) -> Result<Vec<Loaded>> {
    let budget = Budget::new(limits, workplace.path())?.while_wanted(progress);
    let members = match source {
        Opened::Directory(path) => Members::in_directory(path),
        Opened::File(file) => match Members::list(&file)? {
            Some(members) => members,
            None => Members::spool(file, workplace, &budget, progress)?,
        },
        Opened::Stream(stream) => Members::spool(stream, workplace, &budget, progress)?,
    };
    take_images(paths, archive::read(&members)?, workplace, &budget, progress, Keep::Blobs)
}

/// Images whose documents are proven: their layers come in, side by side, and all of it becomes known at once.
pub fn take_images(
    paths: &Paths,
    images: Vec<archive::Found>,
    workplace: &Workplace,
    budget: &Budget,
    progress: &Progress,
    keep: Keep,
) -> Result<Vec<Loaded>> {
    let (intake, layers) = Intake::plan(paths, workplace, budget, progress, keep, &images);
    let taken = intake.take_all()?;
    let ready = |(image, layers): (archive::Found, Vec<usize>)| Ready {
        names: image.names,
        origin: image.origin,
        config: image.config,
        manifest: image.manifest,
        layers,
    };
    let images: Vec<Ready> = images.into_iter().zip(layers).map(ready).collect();
    publish::publish(paths, workplace, &images, taken, |number| intake.take(number, true))?;
    Ok(images.into_iter().map(|image| Loaded { id: format!("sha256:{}", image.config.digest), names: image.names }).collect())
}

enum Opened<'a> {
    Directory(std::path::PathBuf),
    File(File),
    Stream(Box<dyn Read + 'a>),
}

fn open(source: Source) -> Result<Opened> {
    match source {
        Source::Stream(stream) => Ok(Opened::Stream(stream)),
        Source::File(file) => Ok(Opened::File(file)),
        Source::Path(path) if path.is_dir() => Ok(Opened::Directory(path.to_owned())),
        Source::Path(path) => match File::open(path) {
            Ok(file) => Ok(Opened::File(file)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(Error::no_such(format!("no such file: {}", path.display()))),
            Err(e) => Err(e).with_context(|| format!("cannot open {}", path.display())),
        },
    }
}

#[cfg(test)]
mod tests;
