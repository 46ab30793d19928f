//! Where the result goes, beside the store: directories, archives, registries.

use super::output::{Kind, Output, Target};
use super::request::{Asked, Progress};
use crate::build::{State, hand_over};
use crate::cli::progress::{self, Show};
use crate::cli::say::{self, say_aside};
use crate::cli::{Context, human};
use crate::engine::images;
use crate::engine::push::Pushing;
use crate::error::{Context as _, Error, Result};
use crate::image::save::Format;
use crate::image::{Loaded, Reference};
use crate::sys::Errno;
use crate::sys::appearing::Appearing;
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Before anything is built.
pub fn refuse_what_cannot_be(asked: &Asked) -> Result<()> {
    let to_stdout = |output: &&Output| output.target == Target::StandardOutput;
    match asked.outputs.iter().filter(to_stdout).count() {
        0 => Ok(()),
        1 if std::io::stdout().is_terminal() => {
            Err(Error::usage("an archive is nothing for a terminal")
                .hint("name a file: -o type=tar,dest=FILE, or redirect standard output"))
        }
        1 => Ok(()),
        _ => Err(Error::usage("only one output can go to standard output")),
    }
}

pub fn hand_over(context: &Context, asked: &Asked, state: &State, image: Option<&Loaded>) -> Result<()> {
    for output in &asked.outputs {
        match output.kind {
            Kind::Local | Kind::Tar => files(context, asked, state, output)?,
            Kind::Docker | Kind::Oci => image.map_or(Ok(()), |image| archive(context, asked, image, output))?,
            Kind::Image | Kind::CacheOnly => {}
        }
    }
    if let Some(image) = image.filter(|_| asked.push) {
        push(context, asked, image)?;
    }
    Ok(())
}

/// Takes an image away again that was made only for an archive.
pub fn forget(context: &Context, image: &Loaded) {
    // One that is used meanwhile, or that somebody has named, stays.
    let names = crate::image::catalog::details(&context.paths, &image.id).map(|details| details.names);
    if names.is_ok_and(|names| names.is_empty()) {
        let _ = images::remove(&context.paths, &image.id, false);
    }
}

fn files(context: &Context, asked: &Asked, state: &State, output: &Output) -> Result<()> {
    let files = hand_over::open(&context.paths, state)?;
    match (&output.target, output.kind) {
        (Target::Path(path), Kind::Local) => {
            let left_out = files.to_directory(path)?;
            for one in left_out {
                // Names come from the image; an error's text stays on its line.
                say_aside(format!("left out: {}\n", Error::failed(one.as_str())).as_bytes());
            }
        }
        (Target::Path(path), _) => {
            to_file(path, |out| files.to_archive(out))?;
        }
        (Target::StandardOutput | Target::Nowhere, _) => return to_stdout(|out| files.to_archive(out)),
    }
    if let (Target::Path(path), false) = (&output.target, asked.progress == Progress::Quiet) {
        say_aside(format!("written to {}\n", path.display()).as_bytes());
    }
    Ok(())
}

fn archive(context: &Context, asked: &Asked, image: &Loaded, output: &Output) -> Result<()> {
    let format = if output.kind == Kind::Oci { Format::Oci } else { Format::Docker };
    let write = |out: &mut dyn Write| images::save_as(&context.paths, &image.id, &asked.names, &asked.request.annotations, format, out);
    match &output.target {
        Target::Path(path) => to_file(path, write),
        Target::StandardOutput => to_stdout(write),
        Target::Nowhere => Ok(()),
    }
}

/// One that appears when it is whole.
fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    let mut file = Appearing::begin(path).with_context(what)?;
    write(&mut file)?;
    file.flush().with_context(what)?;
    file.finish().with_context(what)
}

/// What is said of a reader who leaves early, and with which code, is the same for all that we say.
fn to_stdout(write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let mut out = say::Output::new();
    match write(&mut out).and_then(|()| out.flush().context("cannot write to standard output")) {
        Err(error) if error.errno() == Some(Errno::EPIPE) => Ok(()),
        other => other,
    }
}

fn push(context: &Context, asked: &Asked, image: &Loaded) -> Result<()> {
    let is_quiet = asked.progress == Progress::Quiet;
    for name in &image.names {
        let name = Reference::parse(name)?;
        let pushing = Pushing::to(&context.paths, &name)?;
        let pushed = progress::shown(Show::moving(!is_quiet), |progress| pushing.push(&name, progress))?;
        if !is_quiet {
            say_aside(format!("pushed {name}: {} ({})\n", pushed.digest, human::size(pushed.size as u64)).as_bytes());
        }
    }
    Ok(())
}
