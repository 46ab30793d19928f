//! `build`: a Dockerfile becomes an image.
//!
//! The text is understood (`dockerfile/`), and what is needed of it is planned (`plan.rs`). Each stage is then the work of a process of its own
//! (`oversee.rs`, `stage.rs`), which goes line by line: a line whose result is known costs one look; any other is carried out in a
//! container of the engine's (RUN) or in a view of the files so far (COPY, ADD, WORKDIR), and what has changed becomes a layer (`steps/`).
//!
//! Whoever is killed leaves results behind that are whole, and directories that the next command removes. What a stage began ends with it.

pub mod apart;
mod bases;
pub mod debug;
pub mod event;
mod files;
pub mod hand_over;
mod history;
mod key;
mod link;
mod oversee;
mod plan;
mod publish;
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

use crate::build::plan::Plan;
use crate::build::recall::Sources;
use crate::build::stage::{Surroundings, is_step};
use crate::dockerfile;
use crate::engine::images;
use crate::error::{Error, Result};
use crate::image::steps::Running;
use crate::image::{self, Limits, Loaded, Reference, Workplace};
use crate::paths::Paths;
use std::collections::BTreeMap;

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
    let images = bases::gather(paths, &plan, limits, tell)?;
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
    let image = if request.makes_image { Some(publish::publish(paths, &state, request, &names)?) } else { None };
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
