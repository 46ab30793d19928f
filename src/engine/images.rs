//! Verbs on images that need more than the image store: files of the caller, or what containers use.

use crate::engine::{list, now};
use crate::error::{Context, Result};
use crate::image::catalog::{self, Removed};
use crate::image::import::{self, Request};
use crate::image::load::{self, Loaded};
use crate::paths::Paths;
use crate::time;
use std::fs::File;
use std::path::Path;

/// `None` and `-`: standard input.
pub fn load(paths: &Paths, input: Option<&str>) -> Result<Vec<Loaded>> {
    match input {
        None | Some("-") => load::from_archive(paths, std::io::stdin().lock()).context("cannot load from standard input"),
        Some(path) if Path::new(path).is_dir() => {
            load::from_directory(paths, Path::new(path)).with_context(|| format!("cannot load {path}"))
        }
        Some(path) => {
            let file = File::open(path).with_context(|| format!("cannot load {path}"))?;
            load::from_archive(paths, file).with_context(|| format!("cannot load {path}"))
        }
    }
}

pub fn import(paths: &Paths, input: &str, name: Option<&str>, changes: Vec<&str>, message: Option<&str>) -> Result<Loaded> {
    let request = Request { name, changes, message, created: time::rfc3339(now()) };
    let what = || format!("cannot import {input}");
    match input {
        "-" => import::import(paths, std::io::stdin().lock(), &request).with_context(what),
        path => import::import(paths, File::open(path).with_context(what)?, &request).with_context(what),
    }
}

pub fn remove(paths: &Paths, wanted: &str, force: bool) -> Result<Vec<Removed>> {
    let used: Vec<(String, String)> = list::containers(paths)?.into_iter().map(|seen| (seen.record.image_id, seen.record.name)).collect();
    catalog::remove(paths, wanted, force, &used)
}
