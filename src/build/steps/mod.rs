//! The steps that make layers, each in its file, and what they have in common: what is known is not done again, and what was written
//! becomes a layer.

mod agent;
mod cache_mounts;
mod command;
mod context;
mod copy;
mod groups;
mod mounts;
mod output;
mod put;
mod run;
mod sources;
mod workdir;

pub use context::base_of_context;
pub use copy::copy;
pub use run::run;
pub use workdir::workdir;

use crate::build::key::Key;
use crate::build::recall;
use crate::build::stage::Working;
use crate::error::{Context, Kind, Result};
use crate::image::built::{self, Packing};
use crate::image::steps::{self, Fresh, Step};
use crate::paths::Paths;
use crate::runtime::view;
use crate::spec::mounts::{Writes, layers};
use crate::store;
use crate::sys::beneath::Directory;
use crate::sys::{file, process, user_namespace};
use oci_spec::runtime::Mount;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Made,
    /// By an earlier build, or by another stage.
    Known,
}

/// What a step writes into.
pub struct Upper {
    pub place: PathBuf,
}

impl Upper {
    pub fn make(place: PathBuf) -> Result<Upper> {
        let upper = Upper { place };
        for directory in [&upper.place, &upper.path(), &upper.work()] {
            file::make_dir(directory, 0o755)
                .with_context(|| format!("cannot make directory {}", directory.display()))
                .map_err(store::advise)?;
        }
        // Whatever the caller's umask is: it is what a container sees of `/` if nothing below says otherwise.
        file::change_mode(&upper.path(), 0o755).context("cannot prepare the step")?;
        Ok(upper)
    }
    pub fn path(&self) -> PathBuf {
        self.place.join("upper")
    }
    pub fn work(&self) -> PathBuf {
        self.place.join("work")
    }
    fn blob(&self) -> PathBuf {
        self.place.join("blob")
    }
}

/// One step: looked up by its key, or else made by `make`.
pub fn known_or_made(
    working: &mut Working,
    key: Key,
    what: &str,
    make: impl FnOnce(&mut Working, &Upper) -> Result<()>,
) -> Result<Outcome> {
    let (step, outcome) = find_or_make(working, &key, what, make)?;
    working.state.goes_on(step, key);
    Ok(outcome)
}

/// The same for what does not become a part of the stage. By one build at a time.
pub fn find_or_make(
    working: &mut Working,
    key: &Key,
    what: &str,
    make: impl FnOnce(&mut Working, &Upper) -> Result<()>,
) -> Result<(Step, Outcome)> {
    let find = |working: &Working| if working.may_know() { steps::find(working.paths(), key.hex()) } else { Ok(None) };
    working.memory.use_of(key);
    if let Some(step) = find(working)? {
        return Ok((step, Outcome::Known));
    }
    if let Some(step) = recall::promised(working, key)? {
        return Ok((step, Outcome::Known));
    }
    // Two stages that begin alike, or two builds: the second waits for the first, and then knows.
    let _lock = ByOneOnly::wait_for(working.paths(), key.hex())?;
    if let Some(step) = find(working)?.or_else(|| recall::fetched(working, key)) {
        return Ok((step, Outcome::Known));
    }
    let begun = Instant::now();
    let upper = Upper::make(working.next_place())?;
    make(working, &upper)?;
    Ok((keep(working, key, what, &upper, begun)?, Outcome::Made))
}

/// How long is waited before each further try: milliseconds.
const PAUSES: [u64; 4] = [20, 50, 100, 200];

/// Somebody may write to a context while it is read. What was copied is then not what the key was made of, and all of it begins anew:
/// a few times, because an editor is soon done, and one who never ends shall be named.
pub fn unless_it_changes<T>(mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
    for pause in PAUSES {
        match attempt() {
            Err(error) if error.kind() == Kind::Changed => process::sleep(Duration::from_millis(pause)),
            other => return other,
        }
    }
    attempt()
}

pub struct ByOneOnly {
    path: PathBuf,
    _lock: store::Lock,
}

impl ByOneOnly {
    /// `what`: the key of a step, or the digest of a layer that comes from elsewhere.
    pub fn wait_for(paths: &Paths, what: &str) -> Result<ByOneOnly> {
        let path = paths.step_being_made(what);
        store::make_dirs(path.parent().unwrap_or(Path::new("/")))?;
        let lock = store::lock(&path)?;
        Ok(ByOneOnly { path, _lock: lock })
    }
}

impl Drop for ByOneOnly {
    fn drop(&mut self) {
        // Who waits for it has it open, and finds the result whatever its name is.
        let _ = file::remove_file(&self.path);
    }
}

fn keep(working: &Working, key: &Key, what: &str, upper: &Upper, begun: Instant) -> Result<Step> {
    let request = working.plan.request;
    let latest = request.epoch.filter(|_| request.rewrite_times).map(|seconds| seconds as i64);
    let packing = Packing { users: None, latest, squeeze: true };
    let layer = built::pack(&upper.path(), &upper.blob(), packing, &|_| {}).map_err(store::advise)?;
    let step = Step {
        layer: Some(layer),
        what: what.to_owned(),
        made: crate::engine::now(),
        took_ms: begun.elapsed().as_millis() as u64,
        note: Value::Null,
    };
    steps::keep(working.paths(), key.hex(), &step, Some(Fresh { upper: upper.path(), blob: upper.blob() }))?;
    let _ = file::remove_tree(&upper.place);
    Ok(step)
}

/// The files so far, and `upper` to write into.
pub fn open_to_write(working: &Working, upper: &Upper) -> Result<Directory> {
    let writes = Writes { upper: &upper.path(), work: &upper.work(), volatile: true };
    open_layers(working, &working.state.diff_ids(), Some(writes), &upper.place)
}

/// Of layers, bottom first.
pub fn open_to_read(working: &Working, diff_ids: &[String], place: &Path) -> Result<Directory> {
    open_layers(working, diff_ids, None, place)
}

fn open_layers(working: &Working, diff_ids: &[String], writes: Option<Writes>, place: &Path) -> Result<Directory> {
    view::of_layers(&overlay(working, diff_ids, writes)?, place, None).map(Directory::of)
}

/// The mount that shows them.
pub fn overlay(working: &Working, diff_ids: &[String], writes: Option<Writes>) -> Result<Mount> {
    recall::redeem(working, diff_ids)?;
    let mut lower: Vec<String> = diff_ids.iter().rev().map(|layer| working.paths().layer(layer).display().to_string()).collect();
    // Overlay wants two directories at least, and the same one twice is one.
    let different = lower.iter().collect::<BTreeSet<_>>().len();
    for number in different..2 {
        let empty = working.around.workplace.file(&format!("empty-{number}"));
        if !empty.is_dir() {
            let _ = file::make_dir(&empty, 0o755);
        }
        lower.push(empty.display().to_string());
    }
    layers(&lower, writes, !user_namespace::is_initial())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use std::cell::Cell;

    #[test]
    fn what_changes_is_tried_again_and_not_for_ever() {
        let tries = Cell::new(0);
        let failing = |kind: Kind, until: usize| {
            tries.set(0);
            unless_it_changes(|| {
                tries.set(tries.get() + 1);
                if tries.get() > until { Ok(tries.get()) } else { Err(Error::new(kind, "it failed")) }
            })
        };
        assert_eq!(failing(Kind::Changed, 2).unwrap(), 3);
        assert_eq!(failing(Kind::Changed, usize::MAX).unwrap_err().kind(), Kind::Changed);
        assert_eq!(tries.get(), PAUSES.len() + 1);
        assert_eq!(failing(Kind::Conflict, 1).unwrap_err().kind(), Kind::Conflict);
        assert_eq!(tries.get(), 1);
    }
}
