//! The process that oversees a build: each stage that is needed gets a process, and what one has come to is handed to those that wait
//! for it. This one has no threads and makes no file: it waits, hands on, and tells.

use crate::build::event::Event;
use crate::build::key::Key;
use crate::build::link::{Failure, FromStage, Link, ToStage};
use crate::build::plan::{Plan, Planned};
use crate::build::stage::{self, Surroundings};
use crate::build::state::State;
use crate::error::{Context, Error, Result};
use crate::sys::poll::{Watched, poll};
use crate::sys::process::{self, Forked};
use crate::sys::{signal, socket};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};

/// A stage that is being built.
struct Stage {
    number: usize,
    pid: i32,
    pidfd: OwnedFd,
    link: Link,
    /// Whose results it waits for.
    waits: Vec<usize>,
    is_over: bool,
}

pub enum Outcome {
    Built(Built),
    /// A stage has.
    Failed(Failure),
    /// A promise from elsewhere was broken, and why: all begins anew.
    Broken(String),
}

/// What the wanted stage has come to.
pub struct Built {
    pub wanted: State,
    /// By the steps of all stages.
    pub used: BTreeSet<Key>,
}

pub fn oversee(plan: &Plan, around: &Surroundings, tell: &mut dyn FnMut(&Event)) -> Result<Outcome> {
    let mut stages = Vec::new();
    for planned in plan.needed() {
        match begin(plan, planned, around) {
            Ok(stage) => stages.push(stage),
            Err(error) => {
                end_all(&mut stages);
                return Err(error);
            }
        }
    }
    let outcome = until_the_end(plan, &mut stages, tell);
    end_all(&mut stages);
    outcome
}

fn begin(plan: &Plan, planned: &Planned, around: &Surroundings) -> Result<Stage> {
    const WHAT: &str = "cannot begin a stage";
    let (ours, theirs) = socket::pair().context(WHAT)?;
    match process::clone3(0, None).context(WHAT)? {
        Forked::Child => {
            drop(ours);
            // Whoever oversees us may be gone already.
            let code = match process::die_with_parent() {
                Ok(()) => stage::build(plan, planned, around, Link::new(theirs)),
                Err(_) => 1,
            };
            process::exit_now(code)
        }
        Forked::Parent { pid, pidfd } => {
            Ok(Stage { number: planned.number, pid, pidfd, link: Link::new(ours), waits: Vec::new(), is_over: false })
        }
    }
}

fn until_the_end(plan: &Plan, stages: &mut [Stage], tell: &mut dyn FnMut(&Event)) -> Result<Outcome> {
    let mut results: BTreeMap<usize, State> = BTreeMap::new();
    loop {
        let mut watched: Vec<Watched> = stages
            .iter()
            .map(|stage| if stage.is_over { Watched::never() } else { Watched::new(stage.link.descriptor(), true, false) })
            .collect();
        poll(&mut watched, None).context("cannot wait for the stages")?;
        for place in 0..stages.len() {
            if !watched[place].is_ready() {
                continue;
            }
            let stage = &mut stages[place];
            let goes_on = stage.link.receive()?;
            while let Some(word) = stage.link.next()? {
                match word {
                    FromStage::Event(event) => tell(&event),
                    FromStage::Needs(number) => stage.waits.push(number),
                    FromStage::Failed(failure) => return Ok(Outcome::Failed(failure)),
                    FromStage::Broken(why) => return Ok(Outcome::Broken(why)),
                    FromStage::Finished(state) => {
                        stage.is_over = true;
                        results.insert(stage.number, *state);
                    }
                }
            }
            if !goes_on && !stage.is_over {
                return Err(Error::failed("the process of a stage was killed"));
            }
        }
        for stage in stages.iter_mut() {
            let link = &stage.link;
            stage.waits.retain(|number| match results.get(number) {
                Some(state) => link.say(&ToStage::Result(*number, Box::new(state.clone()))).is_err(),
                None => true,
            });
        }
        if let Some(wanted) = results.get(&plan.target) {
            let used = results.values().flat_map(|state| state.used.iter().cloned()).collect();
            return Ok(Outcome::Built(Built { wanted: wanted.clone(), used }));
        }
    }
}

/// Containers of theirs end with them.
fn end_all(stages: &mut [Stage]) {
    for stage in stages.iter() {
        let _ = signal::send(stage.pidfd.as_fd(), signal::KILL);
    }
    for stage in stages {
        let _ = process::wait(stage.pid);
    }
}
