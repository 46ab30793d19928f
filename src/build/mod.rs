//! `build`: a Dockerfile becomes an image.
//!
//! The text is understood (`dockerfile/`), and what is needed of it is planned (`plan.rs`). Each stage is then the work of a process of its own
//! (`oversee.rs`, `stage.rs`), which goes line by line: a line whose result is known costs one look; any other is carried out in a
//! container of the engine's (RUN) or in a view of the files so far (COPY, ADD, WORKDIR), and what has changed becomes a layer (`steps/`).
//!
//! Whoever is killed leaves results behind that are whole, and directories that the next command removes. What a stage began ends with it.

pub mod apart;
pub mod debug;
pub mod event;
mod files;
pub mod hand_over;
mod history;
mod key;
mod link;
mod oversee;
mod plan;
mod recall;
mod remember;
pub mod request;
mod scope;
mod squash;
mod stage;
mod state;
mod steps;
pub mod taken;

pub use event::{Event, Step};
pub use link::Failure;
pub use request::Request;
pub use state::State;

use crate::build::plan::{LAYOUT, Plan, Source};
use crate::build::recall::Sources;
use crate::build::request::NamedContext;
use crate::build::stage::{Surroundings, is_step};
use crate::dockerfile;
use crate::engine::{images, now, pull};
use crate::error::{Context, Error, Kind, Result};
use crate::image::commit::Base;
use crate::image::machines::Machines;
use crate::image::pull::{Keep, Wishes};
use crate::image::steps::Running;
use crate::image::{self, Limits, Loaded, Progress, Reference, Workplace, built, load};
use crate::paths::Paths;
use crate::time;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Instant;

/// What a build has come to.
pub enum Outcome {
    Made { state: Box<State>, image: Option<Loaded> },
    Failed(Failure),
}

pub fn build(paths: &Paths, request: &Request, limits: &Limits, tell: &mut dyn FnMut(&Event)) -> Result<Outcome> {
    let names = request.names.iter().map(|name| Reference::parse(name)).collect::<Result<Vec<_>>>()?;
    if let Some(name) = names.iter().find(|name| name.digest.is_some()) {
        return Err(Error::usage(format!("{name} cannot be given as a name")).because("a digest follows from the content"));
    }
    let file = dockerfile::parse(&request.text, &request.file)?;
    let plan = Plan::new(&file, request)?;
    let (steps, first_steps) = told(&plan);
    tell(&Event::Planned(steps));
    image::ground(paths)?;
    let _running = Running::begin(paths)?;
    let mut workplace = Workplace::begin(paths, &|| images::users(paths))?;
    let images = gather_images(paths, &plan, limits, tell)?;
    let mut recalled = Sources::read(&request.cache_from, tell);
    let built = loop {
        let (images, first_steps) = (images.clone(), first_steps.clone());
        let around = Surroundings { paths, workplace: &workplace, limits, images, first_steps, recalled: &recalled };
        match oversee::oversee(&plan, &around, tell)? {
            oversee::Outcome::Built(built) => break built,
            oversee::Outcome::Failed(failure) => return Ok(Outcome::Failed(failure)),
            oversee::Outcome::Broken(why) => {
                tell(&Event::Note(format!("{why}; what is missing is made here")));
                recalled.trust_no_more();
                // What the stages have left lies there.
                workplace = Workplace::begin(paths, &|| images::users(paths))?;
            }
        }
    };
    let state = built.wanted.clone();
    let state = if request.squash { squash::squash(paths, &workplace, request, state)? } else { state };
    let image = if request.makes_image { Some(publish(paths, &state, request, &names)?) } else { None };
    remember::keep(paths, &workplace, &request.cache_to, &built, &recalled, tell)?;
    Ok(Outcome::Made { state: Box::new(state), image })
}

/// What there is to do, stage by stage, and the number of each stage's first step.
fn told(plan: &Plan) -> (Vec<Step>, BTreeMap<usize, usize>) {
    let (mut steps, mut first) = (Vec::new(), BTreeMap::new());
    for planned in plan.needed() {
        let lines = planned.stage.lines.iter().filter(|line| is_step(&line.instruction));
        let lines: Vec<_> = std::iter::once(&planned.stage.from).chain(lines).collect();
        first.insert(planned.number, steps.len() + 1);
        for (index, line) in lines.iter().enumerate() {
            steps.push(Step {
                number: steps.len() + 1,
                stage: planned.called.clone(),
                index: index + 1,
                count: lines.len(),
                text: line.text.clone(),
                line: line.at.line,
            });
        }
    }
    (steps, first)
}

/// Every image that a needed stage names, here or fetched, before the first stage begins.
fn gather_images(
    paths: &Paths,
    plan: &Plan,
    limits: &Limits,
    tell: &mut dyn FnMut(&Event),
) -> Result<BTreeMap<(String, Option<String>), String>> {
    let mut images = BTreeMap::new();
    for planned in plan.needed() {
        for source in plan.sources(planned)? {
            let Source::Image(name, platform) = source else { continue };
            if let Entry::Vacant(place) = images.entry((name, platform)) {
                let (name, platform) = place.key();
                let id = image_for(paths, plan, name, platform.as_deref(), limits, tell)
                    .with_context(|| format!("{}:{}", plan.request.file, planned.stage.from.at.line))?;
                place.insert(id);
            }
        }
    }
    Ok(images)
}

fn image_for(
    paths: &Paths,
    plan: &Plan,
    name: &str,
    platform: Option<&str>,
    limits: &Limits,
    tell: &mut dyn FnMut(&Event),
) -> Result<String> {
    if let Some(number) = name.strip_prefix(LAYOUT).and_then(|number| number.parse::<usize>().ok()) {
        return of_layout(paths, plan, number, limits);
    }
    let found = image::find(paths, name);
    let fits = |image: &image::Image| platform.is_none_or(|wanted| wanted.ends_with(&format!("/{}", image.config.architecture())));
    match found {
        Ok(image) if !plan.request.pull && fits(&image) => return Ok(image.id),
        Err(error) if error.kind() != Kind::NoSuch => return Err(error),
        _ => {}
    }
    let begun = Instant::now();
    let reference = Reference::parse(name)?;
    tell(&Event::Note(format!("fetching {reference}")));
    let wishes = Wishes { machines: Machines::One(platform), keep: Keep::Blobs, limits: *limits };
    pull::pull(paths, &reference, wishes, &Progress::default())?;
    tell(&Event::Note(format!("fetched {reference} in {:.1} s", begun.elapsed().as_secs_f64())));
    image::find(paths, name).map(|image| image.id)
}

fn of_layout(paths: &Paths, plan: &Plan, number: usize, limits: &Limits) -> Result<String> {
    let (called, NamedContext::Layout(directory, wanted)) = &plan.request.contexts[number] else {
        return Err(Error::failed("this context is no layout"));
    };
    let loaded = load::load(paths, load::Source::Path(directory), limits, &Progress::default(), &|| images::users(paths))?;
    let is_wanted = |image: &&Loaded| {
        wanted.as_ref().is_none_or(|wanted| image.names.iter().any(|name| name.ends_with(wanted.as_str())) || image.id == *wanted)
    };
    let found = loaded.iter().find(is_wanted).or_else(|| loaded.first().filter(|_| loaded.len() == 1));
    found.map(|image| image.id.clone()).ok_or_else(|| Error::no_such(format!("there is no such image in the layout {called}")))
}

/// The wanted stage becomes an image.
fn publish(paths: &Paths, state: &State, request: &Request, names: &[Reference]) -> Result<Loaded> {
    let below = state.image.as_deref().map(|id| Base::find(paths, id)).transpose()?.map(|base| base.layers).unwrap_or_default();
    let layers = below.into_iter().map(|layer| layer.passed).chain(state.layers.iter().cloned()).collect();
    let mut about = state.about.clone();
    about.insert("created".into(), json!(time::rfc3339(state.created.unwrap_or_else(now))));
    if !request.labels.is_empty() {
        let config = about.entry("config").or_insert_with(|| json!({}));
        if let Some(labels) = config.as_object_mut().map(|config| config.entry("Labels").or_insert_with(|| json!({}))) {
            for (name, value) in &request.labels {
                labels[name] = json!(value);
            }
        }
    }
    let made = built::publish(paths, about, layers, names, &|| images::users(paths))?;
    images::tell_built(paths, &made);
    Ok(made)
}
