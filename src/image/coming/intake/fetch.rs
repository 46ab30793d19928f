//! A layer that is elsewhere: it is fetched, unless it is here by now, or somebody else is at it.

use super::{Blob, Intake, Job, Keep, Taken, blame_for, digest_of, prove};
use crate::error::{Context, Error, Kind, Result};
use crate::image::archive::Layer;
use crate::image::arrival::{Arrival, Entered};
use crate::image::digest::hex_of;
use crate::image::layer::{self, Passed, Wanted};
use crate::image::members::Elsewhere;
use crate::image::progress::Part;
use crate::image::proven;
use crate::sys::file;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One that runs beside us, or one that broke off before.
const BY_ANOTHER: &str = "Fetched by another command";

/// So much is still fetched of a layer that cannot be unpacked, to see whether it is the right one at all.
const REST: u64 = 1 << 20;

impl Intake<'_> {
    /// From a registry, unless it is here by now.
    pub(super) fn fetch(&self, job: &Job, there: &Arc<dyn Elsewhere>, digest: &str) -> Result<Taken> {
        let Job { layer, part, .. } = job;
        let hex = hex_of(digest)?;
        loop {
            if let Some(taken) = self.here(layer, hex) {
                part.finish_as(if part.is_waiting() { BY_ANOTHER } else { "Already exists" }.into());
                return Ok(taken);
            }
            // Its files are gone, or an older tare has put it there: then it is read, and need not be fetched. Unless it is damaged.
            if self.paths.blob(hex).exists()
                && let Ok(taken) = self.read_here(job, hex)
            {
                return Ok(taken);
            }
            let arrival = match Arrival::enter(self.paths, hex, self.budget, || part.wait(true))? {
                Entered::Whole(arrival, passed) => {
                    part.finish_as(BY_ANOTHER.into());
                    return self.arrived(job, arrival, passed);
                }
                Entered::ToFetch(arrival) => arrival,
            };
            // Somebody else may have put it in place while we waited.
            if self.here(layer, hex).is_some() {
                arrival.remove();
                continue;
            }
            part.wait(false);
            let mut source = arrival.fetch(there, digest, layer.member.size, self.budget)?;
            let had = source.had();
            self.budget.check_announced(layer.member.size.saturating_sub(had))?;
            let unpacked = job.only_prove || self.paths.layer(&layer.diff_id).exists();
            let tree = (!unpacked).then(|| arrival.tree());
            let passed = layer::pass(&mut source, Wanted { tree: tree.as_deref(), ..Wanted::default() }, self.budget, part);
            match passed.and_then(|passed| prove(layer, passed)) {
                Ok(passed) => {
                    arrival.finish(&passed).inspect_err(|_| arrival.leave_for_later())?;
                    return self.arrived(job, arrival, passed);
                }
                Err(error) if error.kind() == Kind::Damaged => {
                    let _ = std::io::copy(&mut source.take(REST), &mut std::io::sink());
                    let error = blame_arrived(layer, &arrival.blob(), error);
                    arrival.discard();
                    // Perhaps only what lay here was wrong. The second time all of it comes from there.
                    if had == 0 {
                        return Err(error);
                    }
                    part.begin_at(0);
                }
                Err(error) => {
                    arrival.leave_for_later();
                    return Err(error);
                }
            }
        }
    }

    /// A place for the files of a blob, where nothing lies from an earlier time.
    fn own_tree(&self, hex: &str) -> PathBuf {
        let tree = self.workplace.file(&format!("layer-of-{hex}"));
        let _ = file::remove_tree(&tree);
        tree
    }

    fn read_here(&self, job: &Job, hex: &str) -> Result<Taken> {
        let unpacked = job.only_prove || self.paths.layer(&job.layer.diff_id).exists();
        let tree = (!unpacked).then(|| self.own_tree(hex));
        let source = File::open(self.paths.blob(hex)).context("cannot read a blob")?;
        let wanted = Wanted { tree: tree.as_deref(), ..Wanted::default() };
        let passed = layer::pass(source, wanted, self.budget, &job.part).and_then(|passed| prove(&job.layer, passed));
        match passed {
            Ok(passed) => {
                job.part.finish_as("Already exists".into());
                Ok(Taken { passed, blob: Blob::InStore, tree, is_proven: true, arrival: None })
            }
            Err(error) => {
                job.part.begin_at(0);
                if let Some(tree) = &tree {
                    let _ = file::remove_tree(tree);
                }
                Err(error)
            }
        }
    }

    /// The store has it, and knows what it is.
    fn here(&self, layer: &Layer, hex: &str) -> Option<Taken> {
        let proven = proven::read(self.paths, hex)?;
        let has_blob = self.paths.blob(hex).exists();
        let is_here = proven.passed.diff_id == layer.diff_id
            && (has_blob || (self.keep == Keep::FilesOnly && !proven.kept))
            && self.paths.layer(&layer.diff_id).exists();
        let blob = if has_blob { Blob::InStore } else { Blob::NotKept };
        is_here.then_some(Taken { passed: proven.passed, blob, tree: None, is_proven: false, arrival: None })
    }

    /// What lies there may have been made by somebody else, for another image.
    fn arrived(&self, job: &Job, arrival: Arrival, passed: Passed) -> Result<Taken> {
        let layer = &job.layer;
        let passed = prove(layer, passed)?;
        let mut tree = Some(arrival.tree()).filter(|tree| tree.exists());
        if tree.is_none() && !job.only_prove && !self.paths.layer(&layer.diff_id).exists() {
            // The store had its files then, and has them no more. Or somebody has published all of it just now: then it is in the
            // store, or missed when all is put in place.
            if let Some(source) = File::open(arrival.blob()).ok().filter(|_| arrival.is_current()) {
                let own = self.own_tree(&passed.digest);
                layer::pass(source, Wanted { tree: Some(&own), ..Wanted::default() }, self.budget, &Part::default())?;
                tree = Some(own);
            }
        }
        let blob = match self.keep {
            Keep::Blobs => Blob::At(arrival.blob()),
            Keep::FilesOnly => Blob::NotKept,
        };
        Ok(Taken { passed, blob, tree, is_proven: true, arrival: Some(Arc::new(arrival)) })
    }
}

/// The true reason, where all of the blob has come.
fn blame_arrived(layer: &Layer, blob: &Path, error: Error) -> Error {
    let Ok(file) = File::open(blob) else { return error };
    match (&layer.digest, file.metadata()) {
        (Some(said), Ok(found)) if found.len() == layer.member.size => blame_for(said, digest_of(Box::new(file)), error),
        _ => error,
    }
}
