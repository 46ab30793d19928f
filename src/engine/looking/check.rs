//! `system check`: what crashes, power cuts and careless hands have left in the store is found, told and put right.
//!
//! A healthy store is busy, and what is half done in it looks as if it had been left so. Three things tell the two apart: what is
//! wrong must look wrong twice, a moment apart; whoever would be at it must not hold its lock; and before anything is changed it
//! is judged once more under that lock. Each kind of thing has a file that looks for it (`look`) and puts it right (`mend`).
//!
//! To mend one thing may show another (a container that is gone leaves layers that nobody needs), so it is looked again until
//! nothing new is found.

mod containers;
mod files;
mod images;
mod names;
mod networks;
mod processes;
mod volumes;
mod wrong;

pub use networks::obstacles;
pub use wrong::{What, Wrong};

use crate::error::{Error, Result};
use crate::paths::Paths;
use crate::sys::process;
use std::collections::BTreeSet;
use std::time::Duration;

/// What is half done now is done by then.
const A_MOMENT: Duration = Duration::from_secs(1);
const MOST_ROUNDS: usize = 5;

#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// Only tell.
    pub dry_run: bool,
    /// Also read every blob, and compare it with its digest.
    pub deep: bool,
}

/// What became of a thing that was wrong.
#[derive(Debug)]
pub enum Outcome {
    Mended,
    /// It could be, and nobody wished it.
    Found,
    /// It needs a person.
    Left,
    /// It could not be put right, and why.
    Failed(Error),
}

pub fn check(paths: &Paths, wishes: Wishes, tell: &mut dyn FnMut(&Wrong, Outcome)) -> Result<()> {
    let mut told = BTreeSet::new();
    for _ in 0..MOST_ROUNDS {
        let lasting: Vec<Wrong> = lasting(paths)?.into_iter().filter(|wrong| !told.contains(wrong)).collect();
        for wrong in &lasting {
            if let Some(outcome) = deal_with(paths, wrong, wishes) {
                tell(wrong, outcome);
            }
        }
        if lasting.is_empty() || wishes.dry_run {
            break;
        }
        told.extend(lasting);
    }
    if wishes.deep {
        images::look_deep(paths)?.iter().for_each(|wrong| tell(wrong, Outcome::Left));
    }
    Ok(())
}

/// Wrong in two looks. A store in which nothing is wrong is done with after the first.
fn lasting(paths: &Paths) -> Result<BTreeSet<Wrong>> {
    let first = look(paths)?;
    if first.is_empty() {
        return Ok(first);
    }
    process::sleep(A_MOMENT);
    let second = look(paths)?;
    Ok(first.into_iter().filter(|wrong| second.contains(wrong)).collect())
}

fn look(paths: &Paths) -> Result<BTreeSet<Wrong>> {
    let mut found = containers::look(paths);
    found.extend(names::look(paths));
    found.extend(processes::look(paths));
    found.extend(volumes::look(paths)?);
    found.extend(networks::look(paths)?);
    found.extend(images::look(paths)?);
    found.extend(files::look(paths));
    // A layer that can be unpacked again is no container's worry yet.
    let comes_back = found.iter().any(|wrong| wrong.what == What::LayerGone);
    found.retain(|wrong| !(comes_back && wrong.what == What::NoLayer));
    Ok(found.into_iter().collect())
}

/// `None`: by now nothing is wrong with it.
fn deal_with(paths: &Paths, wrong: &Wrong, wishes: Wishes) -> Option<Outcome> {
    if wrong.what.needs_a_person() {
        return Some(Outcome::Left);
    }
    if wishes.dry_run {
        return Some(Outcome::Found);
    }
    let mend = match wrong.what.room() {
        wrong::Room::Containers => containers::mend,
        wrong::Room::Names => names::mend,
        wrong::Room::Processes => processes::mend,
        wrong::Room::Volumes => volumes::mend,
        wrong::Room::Networks => networks::mend,
        wrong::Room::Images => images::mend,
        wrong::Room::Files => files::mend,
    };
    match mend(paths, wrong) {
        Ok(true) => Some(Outcome::Mended),
        Ok(false) => None,
        Err(error) => Some(Outcome::Failed(error)),
    }
}
