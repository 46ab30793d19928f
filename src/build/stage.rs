//! One stage, in a process of its own: line by line, from its base to what it has come to.

mod ask;
mod line;

use crate::build::event::Event;
use crate::build::key::Key;
use crate::build::link::{Failure, FromStage, Link};
use crate::build::plan::{Plan, Planned, Source, at};
use crate::build::recall::{self, Memory, Sources};
use crate::build::state::State;
use crate::build::steps::{self, Outcome};
use crate::dockerfile::{self, Instruction, Line};
use crate::error::{Error, Result};
use crate::image::commit::Base;
use crate::image::{Limits, Workplace};
use crate::paths::Paths;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// What all stages share.
pub struct Surroundings<'a> {
    pub paths: &'a Paths,
    pub workplace: &'a Workplace,
    /// For layers that come from elsewhere.
    pub limits: &'a Limits,
    /// Images that stages stand on or take files from: by name and platform, their ids.
    pub images: BTreeMap<(String, Option<String>), String>,
    /// The number of each stage's first step, for what is told.
    pub first_steps: BTreeMap<usize, usize>,
    /// Results that are kept elsewhere.
    pub recalled: &'a Sources,
}

/// A stage at work.
pub struct Working<'a> {
    pub plan: &'a Plan<'a>,
    pub planned: &'a Planned<'a>,
    pub around: &'a Surroundings<'a>,
    pub state: State,
    pub memory: Memory,
    link: Link,
    /// Of other stages, once they were asked for.
    results: BTreeMap<usize, State>,
    /// CMD was said here: an ENTRYPOINT does not take it away any more.
    has_command: bool,
    /// How many layers were begun: each has a place of its own.
    begun: usize,
    /// What is being done, for events.
    step: usize,
}

/// Returns the exit code of the process.
pub fn build(plan: &Plan, planned: &Planned, around: &Surroundings, link: Link) -> i32 {
    let mut working = Working {
        plan,
        planned,
        around,
        state: State::default(),
        memory: Memory::default(),
        link,
        results: BTreeMap::new(),
        has_command: false,
        begun: 0,
        step: around.first_steps.get(&planned.number).copied().unwrap_or(0),
    };
    let done = working.all_lines();
    let word = match (done, working.memory.broken()) {
        (Ok(()), _) => FromStage::Finished(Box::new(State { used: working.all_used(), ..working.state.clone() })),
        (Err(_), Some(why)) => FromStage::Broken(why.clone()),
        (Err(failure), None) => FromStage::Failed(*failure),
    };
    i32::from(working.link.say(&word).is_err())
}

/// An error, and the line that it is about.
type Done<T = ()> = std::result::Result<T, Box<Failure>>;

impl<'a> Working<'a> {
    pub fn paths(&self) -> &'a Paths {
        self.around.paths
    }

    pub fn tell(&self, event: Event) {
        // Whoever oversees us is gone only when we are about to be, too.
        let _ = self.link.say(&FromStage::Event(event));
    }

    /// Keys that led to what this stage has come to so far, and to what it has seen of others.
    pub fn all_used(&self) -> BTreeSet<Key> {
        let of_others = self.results.values().chain([&self.state]).flat_map(|state| state.used.iter().cloned());
        of_others.chain(self.memory.used()).collect()
    }

    pub fn step(&self) -> usize {
        self.step
    }

    fn all_lines(&mut self) -> Done {
        let planned = self.planned;
        let from = &planned.stage.from;
        let begun = Instant::now();
        self.tell(Event::Begun { step: self.step });
        self.begin().map_err(|error| self.failed(from, error, None))?;
        for text in std::mem::take(&mut self.state.triggers) {
            let before = self.state.clone();
            if let Err(error) = self.trigger(&text) {
                self.tell(Event::Failed { step: self.step, milliseconds: begun.elapsed().as_millis() as u64 });
                return Err(self.failed(from, error.context(format!("ONBUILD {text}")), Some(before)));
            }
        }
        self.tell(Event::Done { step: self.step, milliseconds: begun.elapsed().as_millis() as u64 });
        planned.stage.lines.iter().try_for_each(|line| self.line(line))?;
        // Whatever the result is for, its files are wanted.
        let is_result = planned.number == self.plan.target;
        let files = if is_result { recall::redeem(self, &self.state.diff_ids()) } else { Ok(()) };
        files.map_err(|error| self.failed(from, error, None))
    }

    /// What the base wants its children to do, as a part of beginning with it.
    fn trigger(&mut self, text: &str) -> Result<()> {
        let line = dockerfile::parse_line(text, self.plan.file.escape)?;
        self.carry_out(&Line { at: self.planned.stage.from.at, end: self.planned.stage.from.end, ..line }).map(drop)
    }

    fn line(&mut self, line: &Line) -> Done {
        let is_step = is_step(&line.instruction);
        let begun = Instant::now();
        let before = self.state.clone();
        if is_step {
            self.step += 1;
            self.tell(Event::Begun { step: self.step });
        }
        let took = |begun: Instant| begun.elapsed().as_millis() as u64;
        match self.carry_out(line) {
            Ok(outcome) => {
                if is_step {
                    if outcome == Outcome::Known {
                        self.tell(Event::Cached { step: self.step });
                    }
                    self.tell(Event::Done { step: self.step, milliseconds: took(begun) });
                }
                Ok(())
            }
            Err(error) => {
                if is_step && self.memory.broken().is_none() {
                    self.tell(Event::Failed { step: self.step, milliseconds: took(begun) });
                }
                Err(self.failed(line, error, Some(before)))
            }
        }
    }

    fn failed(&self, line: &Line, error: Error, before: Option<State>) -> Box<Failure> {
        let error = at(self.plan.request, line, error);
        Box::new(Failure { lines: (line.at.line, line.end), before: before.map(Box::new), ..Failure::of(&error) })
    }

    /// What it stands on.
    fn begin(&mut self) -> Result<()> {
        self.state = match &self.planned.base {
            Source::Scratch => State::from_scratch(&self.planned.platform),
            Source::Stage(number) => {
                let mut state = self.result_of(*number)?;
                state.take_triggers();
                state.scope.inherit();
                state
            }
            Source::Image(name, platform) => {
                let id = self.image_id(name, platform.as_deref())?;
                State::of_image(&id, &Base::find(self.paths(), &id)?)
            }
            Source::Context(number) => steps::base_of_context(self, *number)?,
        };
        if let Some(epoch) = self.plan.request.epoch {
            self.state.created = Some(epoch * 1_000_000_000);
            self.state.created_is_wished = true;
        }
        Ok(())
    }
}

/// What is shown as a step: what makes a layer.
pub fn is_step(instruction: &Instruction) -> bool {
    matches!(instruction, Instruction::Run(_) | Instruction::Copy(_) | Instruction::Add(_) | Instruction::Workdir(_))
}
