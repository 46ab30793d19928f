//! Results of steps that are kept elsewhere (`--cache-from`).
//!
//! The lists are read once, before the first stage begins. A key that one of them knows is a promise: the step counts as done, and the
//! files of its layer are fetched when somebody wants to see them, by the process of that stage. So a stage of which only the end is
//! wanted, and known, costs nothing. A promise that cannot be kept ends the round, and in the next one nothing is taken for granted:
//! what a key leads to is fetched at once, or else made here.

use crate::build::event::Event;
use crate::build::key::Key;
use crate::build::request::Remembered;
use crate::build::stage::Working;
use crate::build::steps::ByOneOnly;
use crate::engine::remembered;
use crate::error::{Error, Result};
use crate::image::built::Layer;
use crate::image::layout::Layout;
use crate::image::recall::{self, Recalled};
use crate::image::steps::{self, Step};
use crate::image::{Elsewhere, Reference};
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;

/// All that was named, and could be read.
#[derive(Default)]
pub struct Sources {
    all: Vec<Source>,
    trusts: bool,
}

struct Source {
    place: Remembered,
    list: Recalled,
    /// Of each process its own.
    there: OnceCell<Arc<dyn Elsewhere>>,
}

impl Sources {
    /// What is missing or cannot be read is no reason to build nothing.
    pub fn read(places: &[Remembered], tell: &mut dyn FnMut(&Event)) -> Sources {
        let mut all = Vec::new();
        for place in places {
            match read(place) {
                Ok(list) => all.push(Source { place: place.clone(), list, there: OnceCell::new() }),
                Err(error) => tell(&Event::Note(format!("nothing is taken from the cache at {place}: {error}"))),
            }
        }
        Sources { all, trusts: true }
    }

    /// A promise was broken.
    pub fn trust_no_more(&mut self) {
        self.trusts = false;
    }

    fn knowing<'a>(&'a self, key: &str) -> impl Iterator<Item = (&'a Source, &'a Step)> {
        self.all.iter().filter_map(move |source| Some((source, source.list.steps.get(key)?)))
    }

    pub fn step(&self, key: &str) -> Option<&Step> {
        self.knowing(key).next().map(|(_, step)| step)
    }

    /// Where the blob of a layer is.
    pub fn place_of(&self, layer: &Layer) -> Option<Arc<dyn Elsewhere>> {
        self.all.iter().find(|source| source.list.has(layer)).and_then(|source| source.there().ok())
    }
}

fn read(place: &Remembered) -> Result<Recalled> {
    match place {
        Remembered::Directory(path) => {
            let layout = Layout(path.clone());
            let top = layout.top()?;
            recall::list(&(Arc::new(layout) as Arc<dyn Elsewhere>), &top)
        }
        Remembered::Registry(name) => {
            let name = Reference::parse(name)?;
            recall::list(&remembered::there(&name)?, &remembered::top(&name)?)
        }
    }
}

impl Source {
    fn there(&self) -> Result<Arc<dyn Elsewhere>> {
        if let Some(there) = self.there.get() {
            return Ok(there.clone());
        }
        let there = match &self.place {
            Remembered::Directory(path) => Arc::new(Layout(path.clone())),
            Remembered::Registry(name) => remembered::there(&Reference::parse(name)?)?,
        };
        Ok(self.there.get_or_init(|| there).clone())
    }

    fn take(&self, working: &Working, layer: &Layer, steps: &[(&str, &Step)]) -> Result<()> {
        let (place, around) = (&self.place, working.around);
        if !self.list.has(layer) {
            return Err(Error::no_such(format!("the cache at {place} has not the files of {}", steps[0].1.what)));
        }
        if !working.paths().blob(&layer.digest).exists() {
            working.tell(Event::Note(format!("fetching the result of {} from {place}", steps[0].1.what)));
        }
        recall::take(working.paths(), around.workplace, around.limits, &self.there()?, layer, steps)
            .map_err(|error| error.context(format!("the cache at {place}")))
    }
}

/// What one stage has to do with it.
#[derive(Default)]
pub struct Memory {
    /// Keys that led to something.
    used: RefCell<BTreeSet<Key>>,
    redeemed: RefCell<BTreeSet<String>>,
    broken: OnceCell<String>,
}

impl Memory {
    pub fn use_of(&self, key: &Key) {
        self.used.borrow_mut().insert(key.clone());
    }

    pub fn used(&self) -> BTreeSet<Key> {
        self.used.borrow().clone()
    }

    /// Why the round is over.
    pub fn broken(&self) -> Option<&String> {
        self.broken.get()
    }
}

/// What a list says of a key. Its files may still be elsewhere.
pub fn promised(working: &Working, key: &Key) -> Result<Option<Step>> {
    let sources = &working.around.recalled;
    let Some(step) = sources.step(key.hex()).filter(|_| working.may_know()) else { return Ok(None) };
    if step.layer.is_none() {
        steps::keep(working.paths(), key.hex(), step, None)?;
    } else if !sources.trusts {
        return Ok(None);
    }
    Ok(Some(step.clone()))
}

/// The same with its files, by whoever is alone at it.
pub fn fetched(working: &Working, key: &Key) -> Option<Step> {
    let known = working.around.recalled.knowing(key.hex()).filter(|_| working.may_know());
    for (source, step) in known {
        let Some(layer) = step.layer.as_ref().filter(|layer| source.list.has(layer)) else { continue };
        match source.take(working, layer, &[(key.hex(), step)]) {
            Ok(()) => return Some(step.clone()),
            Err(error) => working.tell(Event::Note(error.to_string())),
        }
    }
    None
}

/// The files of these layers are wanted: those that were promised come now.
pub fn redeem(working: &Working, diff_ids: &[String]) -> Result<()> {
    let sources = &working.around.recalled;
    if sources.all.is_empty() || !sources.trusts {
        return Ok(());
    }
    for diff_id in diff_ids {
        if working.memory.redeemed.borrow().contains(diff_id) {
            continue;
        }
        redeem_one(working, sources, diff_id).inspect_err(|error| drop(working.memory.broken.set(error.to_string())))?;
        working.memory.redeemed.borrow_mut().insert(diff_id.clone());
    }
    Ok(())
}

fn redeem_one(working: &Working, sources: &Sources, diff_id: &str) -> Result<()> {
    let used = working.all_used();
    for source in &sources.all {
        let promises = used.iter().filter_map(|key| {
            let step = source.list.steps.get(key.hex())?;
            let layer = step.layer.as_ref().filter(|layer| layer.diff_id == diff_id)?;
            // Of several lists the first counts.
            std::ptr::eq(sources.step(key.hex())?, step).then_some((layer, (key.hex(), step)))
        });
        let promises: Vec<_> = promises.collect();
        let Some((layer, _)) = promises.first() else { continue };
        let steps: Vec<(&str, &Step)> = promises.iter().filter(|(other, _)| other == layer).map(|(_, step)| *step).collect();
        let is_here = || -> Result<bool> {
            let here = steps::find(working.paths(), steps[0].0)?;
            Ok(here.and_then(|step| step.layer).is_some_and(|have| have == **layer))
        };
        if !is_here()? {
            let _lock = ByOneOnly::wait_for(working.paths(), &layer.digest)?;
            if !is_here()? {
                source.take(working, layer, &steps)?;
            }
        }
    }
    Ok(())
}
