//! What the steps of a build came to is written down for other stores (`--cache-to`), once all of it went well.

use crate::build::event::Event;
use crate::build::oversee::Built;
use crate::build::recall::Sources;
use crate::build::request::{KeepTo, Remembered};
use crate::engine::remembered;
use crate::error::{Error, Result};
use crate::image::built::Layer;
use crate::image::push::Outgoing;
use crate::image::{Reference, Steps, Workplace, remember, steps};
use crate::paths::Paths;

/// All keys go, so that a step of a stage that is not kept is known, too; which layers go with them the user says.
pub fn keep(
    paths: &Paths,
    workplace: &Workplace,
    places: &[KeepTo],
    built: &Built,
    recalled: &Sources,
    tell: &mut dyn FnMut(&Event),
) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let all = steps_of(paths, built, recalled)?;
    for (number, KeepTo { place, all_stages, may_fail }) in places.iter().enumerate() {
        let list = workplace.file(&format!("list-of-steps-{number}"));
        let layers: Box<dyn Iterator<Item = &Layer>> = match all_stages {
            true => Box::new(all.values().filter_map(|step| step.layer.as_ref())),
            false => Box::new(built.wanted.layers.iter()),
        };
        let kept = remember::outgoing(paths, &all, layers, &|layer| recalled.place_of(layer), &list)
            .and_then(|outgoing| put(paths, place, &outgoing))
            .map_err(|error| error.context(format!("cannot keep the results of steps at {place}")));
        match kept {
            Ok(()) => tell(&Event::Note(format!("kept the results of {} steps at {place}", all.len()))),
            Err(error) if *may_fail => tell(&Event::Note(error.to_string())),
            Err(error) => return Err(hinted(error)),
        }
    }
    Ok(())
}

fn hinted(error: Error) -> Error {
    match error.hint_text() {
        Some(_) => error,
        None => error.hint("the build itself went well; with ignore-error=true in --cache-to this is only a note"),
    }
}

fn put(paths: &Paths, place: &Remembered, what: &Outgoing) -> Result<()> {
    match place {
        Remembered::Directory(directory) => remember::into_directory(directory, what),
        Remembered::Registry(name) => remembered::put(paths, &Reference::parse(name)?, what),
    }
}

/// Those that somebody has removed meanwhile are not worth a word.
fn steps_of(paths: &Paths, built: &Built, recalled: &Sources) -> Result<Steps> {
    let mut all = Steps::new();
    for key in &built.used {
        let step = steps::find(paths, key.hex())?.or_else(|| recalled.step(key.hex()).cloned());
        all.extend(step.map(|step| (key.hex().to_owned(), step)));
    }
    Ok(all)
}
