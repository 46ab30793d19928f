//! Verbs on images that need more than the image store: what the caller typed, or what containers use.

use crate::engine::events::{self, Kind as What};
use crate::engine::{list, now};
use crate::error::{Context, Error, Kind, Result};
use crate::image::catalog::{self, Removed, User};
use crate::image::import::{self, Request};
use crate::image::load::{self, Loaded, Source};
use crate::image::save::{Format, Saving};
use crate::image::{self, Limits, Progress, Reference};
use crate::paths::Paths;
use crate::sys::appearing::Appearing;
use crate::time;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;

/// `None` and `-`: standard input. How far it has come stands in `progress` at any time.
pub fn load(paths: &Paths, input: Option<&str>, limits: &Limits, progress: &Progress) -> Result<Vec<Loaded>> {
    let source = match input {
        None | Some("-") => Source::File(standard_input()?),
        Some(path) => Source::Path(Path::new(path)),
    };
    let loaded = load::load(paths, source, limits, progress, &|| users(paths))?;
    for image in &loaded {
        tell(paths, "load", &image.id, image.names.first().unwrap_or(&image.id));
    }
    Ok(loaded)
}

/// An image was built.
pub fn tell_built(paths: &Paths, image: &Loaded) {
    tell(paths, "build", &image.id, image.names.first().unwrap_or(&image.id));
}

fn tell(paths: &Paths, action: &str, id: &str, name: &str) {
    events::of(paths, What::Image, action, id, &[("name", name.to_owned())]);
}

fn standard_input() -> Result<File> {
    std::io::stdin().as_fd().try_clone_to_owned().map(File::from).context("cannot read standard input")
}

/// What `import` was asked for.
pub struct Import<'a> {
    /// A file, or `-` for standard input.
    pub input: &'a str,
    pub name: Option<&'a str>,
    pub changes: Vec<&'a str>,
    pub message: Option<&'a str>,
    pub platform: Option<&'a str>,
}

pub fn import(paths: &Paths, wanted: Import, limits: &Limits, progress: &Progress) -> Result<Loaded> {
    let Import { input, name, changes, message, platform } = wanted;
    let request = Request { name, changes, message, created: time::rfc3339(now()), platform };
    let file = match input {
        "-" => standard_input()?,
        path => File::open(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => Error::no_such(format!("no such file: {path}")),
            _ => Error::failed(format!("cannot import {path}")).because(e),
        })?,
    };
    let length = file.metadata().ok().filter(|found| found.is_file()).map(|found| found.len());
    let done = import::import(paths, (file, length), &request, limits, progress, &|| users(paths));
    let imported = done.or_else(|e| explain(e, || format!("cannot import {input}")))?;
    tell(paths, "import", &imported.id, imported.names.first().unwrap_or(&imported.id));
    Ok(imported)
}

/// What was typed wrong needs no mention of the file.
fn explain<T>(error: Error, what: impl FnOnce() -> String) -> Result<T> {
    if error.kind() == Kind::Usage { Err(error) } else { Err(error).with_context(what) }
}

pub fn remove(paths: &Paths, wanted: &str, force: bool) -> Result<Vec<Removed>> {
    let id = image::find(paths, wanted).map(|image| image.id);
    let gone = catalog::remove(paths, wanted, force, || users(paths))?;
    for removed in &gone {
        match (removed, &id) {
            (Removed::Untagged(name), Ok(id)) => tell(paths, "untag", id, name),
            // The others are its layers.
            (Removed::Deleted(gone), Ok(id)) if gone == id => tell(paths, "delete", id, id),
            _ => {}
        }
    }
    Ok(gone)
}

pub fn tag(paths: &Paths, wanted: &str, new: &str) -> Result<()> {
    catalog::tag(paths, wanted, new)?;
    if let (Ok(tagged), Ok(name)) = (image::find(paths, new), Reference::parse(new)) {
        tell(paths, "tag", &tagged.id, &name.to_string());
    }
    Ok(())
}

/// Into a file that appears when it is whole.
pub fn save_to_file(paths: &Paths, wanted: &[&str], format: Format, target: &str) -> Result<()> {
    let saving = Saving::plan(paths, wanted, format)?;
    let what = || format!("cannot write {target}");
    let mut file = Appearing::begin(Path::new(target)).with_context(what)?;
    saving.write(&mut file)?;
    file.finish().with_context(what)?;
    tell_saved(paths, &saving);
    Ok(())
}

pub fn save(paths: &Paths, wanted: &[&str], format: Format, out: impl Write) -> Result<()> {
    let saving = Saving::plan(paths, wanted, format)?;
    saving.write(out)?;
    tell_saved(paths, &saving);
    Ok(())
}

/// One image, under other names than it has here, if any.
pub fn save_as(
    paths: &Paths,
    id: &str,
    names: &[String],
    annotations: &BTreeMap<String, String>,
    format: Format,
    out: impl Write,
) -> Result<()> {
    let mut saving = Saving::plan(paths, &[id], format)?;
    saving.call_it(names);
    saving.annotate(annotations)?;
    saving.write(out)?;
    tell_saved(paths, &saving);
    Ok(())
}

fn tell_saved(paths: &Paths, saving: &Saving) {
    for (id, names) in saving.images() {
        tell(paths, "save", id, names.first().map_or(id, String::as_str));
    }
}

/// Containers, as the image store asks for them.
pub fn users(paths: &Paths) -> Result<Vec<User>> {
    let users = list::containers(paths)?.into_iter();
    Ok(users.map(|seen| User { container: seen.record.name, image_id: seen.record.image_id, layers: seen.record.layers }).collect())
}
