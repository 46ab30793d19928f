//! What builds have left for later ones: results of steps, the directories of `RUN --mount=type=cache`, and notes of what was read and
//! fetched. Listed, and removed.

use crate::engine::events::{self, Kind as What};
use crate::engine::{images, list, size};
use crate::error::{Context, Result};
use crate::image::{catalog, steps};
use crate::paths::Paths;
use crate::store;
use crate::sys::file;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Step,
    Mount,
    /// What is remembered of the files of a context, so that they need not be read again.
    Context,
    /// Which state of the file at a URL came last.
    Url,
}

#[derive(Clone, Debug)]
pub struct Cached {
    pub id: String,
    pub kind: Kind,
    /// As people know it: `RUN make`.
    pub what: String,
    /// Of its files and its blob. Of several steps with one layer the first has them.
    pub size: u64,
    pub blob_size: u64,
    /// Nanoseconds since 1970.
    pub made: u64,
    pub used: u64,
    /// An image has its layer.
    pub is_shared: bool,
    /// By a build that is at work, or by a container that stands on it.
    pub is_in_use: bool,
    layer: Option<String>,
}

impl Cached {
    /// That nobody else counts.
    pub fn own_size(&self) -> u64 {
        if self.is_shared { 0 } else { self.size }
    }

    /// Nothing but a later build would miss it. What has no layer takes no room, and is a link in the chain of an image's steps.
    fn is_dangling(&self) -> bool {
        !self.is_shared && (self.layer.is_some() || self.kind != Kind::Step)
    }
}

/// Those that were used last at the end.
pub fn look(paths: &Paths) -> Result<Vec<Cached>> {
    let in_use_since = steps::in_use_since(paths);
    let is_at_work = |used: u64| in_use_since.is_some_and(|since| used >= since);
    let mut all = Vec::new();
    for (place, kind) in places(paths) {
        all.extend(kept_in(&place, kind, in_use_since.is_some())?);
    }
    let kept = steps::all(paths)?;
    if !kept.is_empty() {
        let of_images = layers_of_images(paths)?;
        let of_containers: BTreeSet<String> = list::containers(paths)?.into_iter().flat_map(|seen| seen.record.layers).collect();
        let mut counted = BTreeSet::new();
        all.extend(kept.into_iter().map(|kept| {
            let has = |set: &BTreeSet<String>| kept.step.layer.as_ref().is_some_and(|layer| set.contains(&layer.diff_id));
            let is_shared = has(&of_images);
            let counts = kept.step.layer.as_ref().filter(|layer| counted.insert(layer.diff_id.clone()));
            Cached {
                is_shared,
                is_in_use: is_at_work(kept.used) || !is_shared && has(&of_containers),
                size: counts.map_or(0, |layer| layer.size + layer.blob_size),
                blob_size: counts.map_or(0, |layer| layer.blob_size),
                layer: kept.step.layer.map(|layer| layer.diff_id),
                id: kept.key,
                kind: Kind::Step,
                what: kept.step.what,
                made: kept.step.made,
                used: kept.used,
            }
        }));
    }
    all.sort_by_key(|cached| cached.used);
    Ok(all)
}

/// Of what is kept beside the steps.
fn places(paths: &Paths) -> [(PathBuf, Kind); 3] {
    [(paths.build_mounts(), Kind::Mount), (paths.context_memories(), Kind::Context), (paths.url_memories(), Kind::Url)]
}

fn layers_of_images(paths: &Paths) -> Result<BTreeSet<String>> {
    Ok(catalog::list(paths)?.into_iter().flat_map(|image| image.layers).collect())
}

/// What lies in one of the directories of builds, one for each name. A build at work may have any of them.
fn kept_in(place: &Path, kind: Kind, is_in_use: bool) -> Result<Vec<Cached>> {
    let entries = match std::fs::read_dir(place) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.context("cannot list what builds keep")?,
    };
    let describe = |entry: std::fs::DirEntry| {
        let (path, about) = (entry.path(), entry.metadata().ok()?);
        if about.is_dir() != (kind == Kind::Mount) {
            return None;
        }
        let used = about.modified().ok()?.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        Some(Cached {
            id: entry.file_name().to_str()?.to_owned(),
            kind,
            what: told(kind, &path),
            size: if kind == Kind::Mount { size::of_files_in(&path) } else { about.len() },
            blob_size: 0,
            made: used,
            used,
            is_shared: false,
            is_in_use,
            layer: None,
        })
    };
    Ok(entries.flatten().filter_map(describe).collect())
}

fn told(kind: Kind, path: &Path) -> String {
    // A note says itself which address it is about.
    let of_url = || store::read_json::<Value>(path).ok().flatten()?["url"].as_str().map(|url| format!("ADD {url}"));
    match kind {
        Kind::Url => of_url().unwrap_or_else(|| "ADD of a URL".to_owned()),
        Kind::Context => "digests of a build context's files".to_owned(),
        _ => "RUN --mount=type=cache".to_owned(),
    }
}

/// What shall go.
pub struct Wish<'a> {
    /// Also what images have: then these are there, and building them again takes its time.
    pub all: bool,
    /// So many bytes may stay: those that were used last.
    pub keep: Option<u64>,
    pub fits: &'a dyn Fn(&Cached) -> bool,
}

/// Removes what nobody uses now; returns what went, and the room that it makes.
pub fn prune(paths: &Paths, wish: &Wish) -> Result<(Vec<Cached>, u64)> {
    let (all, mut left) = (look(paths)?, u64::MAX);
    if wish.keep.is_some() {
        left = all.iter().map(Cached::own_size).sum();
    }
    let is_enough = |left: u64| wish.keep.is_some_and(|keep| left <= keep);
    let (mut gone, mut stays) = (Vec::new(), Vec::new());
    for cached in all {
        let goes = !cached.is_in_use && (wish.all || cached.is_dangling()) && (wish.fits)(&cached) && !is_enough(left);
        left -= if goes && wish.keep.is_some() { cached.own_size() } else { 0 };
        if goes { &mut gone } else { &mut stays }.push(cached);
    }
    remove(paths, &gone)?;
    // What another step still has stays, and what an image has.
    let held: BTreeSet<&String> = stays.iter().filter_map(|cached| cached.layer.as_ref()).collect();
    let is_freed = |cached: &&Cached| cached.layer.as_ref().is_none_or(|layer| !held.contains(layer));
    let room = gone.iter().filter(is_freed).map(Cached::own_size).sum::<u64>();
    events::of(paths, What::Builder, "prune", "", &[("reclaimed", room.to_string())]);
    Ok((gone, room))
}

fn remove(paths: &Paths, gone: &[Cached]) -> Result<()> {
    for mount in gone.iter().filter(|cached| cached.kind == Kind::Mount) {
        steps::remove_mount(paths, &mount.id)?;
    }
    for (place, kind) in places(paths).into_iter().filter(|(_, kind)| *kind != Kind::Mount) {
        for note in gone.iter().filter(|cached| cached.kind == kind) {
            file::remove_file(&place.join(&note.id)).with_context(|| format!("cannot forget {}", note.what))?;
        }
    }
    let keys: Vec<String> = gone.iter().filter(|cached| cached.kind == Kind::Step).map(|cached| cached.id.clone()).collect();
    // A store in which nothing was ever built stays without the directories of one.
    if keys.is_empty() && !paths.fresh_steps().is_dir() {
        return Ok(());
    }
    steps::remove(paths, &keys, &|| images::users(paths))
}
