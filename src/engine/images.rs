//! Verbs on images that need more than the image store: what the caller typed, or what containers use.

use crate::engine::{list, now};
use crate::error::{Context, Error, Kind, Result};
use crate::image::Limits;
use crate::image::catalog::{self, Removed, User};
use crate::image::import::{self, Request};
use crate::image::load::{self, Loaded, Source};
use crate::paths::Paths;
use crate::time;
use std::fs::File;
use std::path::Path;

/// `None` and `-`: standard input.
pub fn load(paths: &Paths, input: Option<&str>, limits: &Limits) -> Result<Vec<Loaded>> {
    match input {
        None | Some("-") => load::load(paths, Source::Stream(Box::new(std::io::stdin().lock())), limits),
        Some(path) => load::load(paths, Source::Path(Path::new(path)), limits),
    }
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

pub fn import(paths: &Paths, wanted: Import, limits: &Limits) -> Result<Loaded> {
    let Import { input, name, changes, message, platform } = wanted;
    let request = Request { name, changes, message, created: time::rfc3339(now()), platform };
    let what = || format!("cannot import {input}");
    match input {
        "-" => import::import(paths, std::io::stdin().lock(), &request, limits).or_else(|e| explain(e, what)),
        path => {
            let file = File::open(path).map_err(|e| match e.kind() {
                std::io::ErrorKind::NotFound => Error::no_such(format!("no such file: {path}")),
                _ => Error::failed(what()).because(e),
            })?;
            import::import(paths, file, &request, limits).or_else(|e| explain(e, what))
        }
    }
}

/// What was typed wrong needs no mention of the file.
fn explain<T>(error: Error, what: impl FnOnce() -> String) -> Result<T> {
    if error.kind() == Kind::Usage { Err(error) } else { Err(error).with_context(what) }
}

pub fn remove(paths: &Paths, wanted: &str, force: bool) -> Result<Vec<Removed>> {
    catalog::remove(paths, wanted, force, || {
        let users = list::containers(paths)?.into_iter();
        Ok(users.map(|seen| User { container: seen.record.name, image_id: seen.record.image_id, layers: seen.record.layers }).collect())
    })
}
