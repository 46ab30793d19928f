//! What of a Dockerfile is needed: the stages that the wanted one leads to, and what each of them stands on.

use crate::build::request::{NamedContext, Request};
use crate::build::scope::Given;
use crate::dockerfile::instruction::{Copy, Run};
use crate::dockerfile::{Dockerfile, Instruction, Line, Stage, expand};
use crate::error::{Error, Result};
use crate::names;
use crate::options::platform::Platform;
use std::collections::BTreeSet;

pub struct Plan<'a> {
    pub file: &'a Dockerfile,
    pub request: &'a Request,
    /// All of them, by number; those that nobody needs are `None`.
    pub stages: Vec<Option<Planned<'a>>>,
    pub target: usize,
    pub given: Given,
    pub platform: Platform,
}

pub struct Planned<'a> {
    pub number: usize,
    pub stage: &'a Stage,
    /// Its name, or its number.
    pub called: String,
    pub base: Source,
    pub platform: Platform,
}

/// The name of an image that is taken out of a layout on this host: the number of the context that names it follows.
pub const LAYOUT: &str = "oci-layout:";

/// Where files come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Scratch,
    Stage(usize),
    /// By name; the second word is the platform, if that makes a difference.
    Image(String, Option<String>),
    /// `--build-context`, by its number.
    Context(usize),
}

impl<'a> Plan<'a> {
    pub fn new(file: &'a Dockerfile, request: &'a Request) -> Result<Plan<'a>> {
        let platform = request.platform.as_deref().map_or_else(|| Ok(Platform::own()), Platform::parse)?;
        let target = target(file, request)?;
        let stage = request.target.clone().unwrap_or_else(|| called(file, target));
        let mut given = Given::new(&request.arguments, &platform, &stage);
        for line in &file.arguments {
            if let Instruction::Arg(all) = &line.instruction {
                for (name, default) in all {
                    given.declare(name, default.as_deref(), file.escape).map_err(|e| at(request, line, e))?;
                }
            }
        }
        let stages = file.stages.iter().map(|_| None).collect();
        let mut plan = Plan { file, request, stages, target, given, platform };
        let mut open = vec![target];
        while let Some(number) = open.pop() {
            if plan.stages[number].is_none() {
                let planned = plan.planned(number)?;
                open.extend(plan.needs(&planned)?);
                plan.stages[number] = Some(planned);
            }
        }
        plan.refuse_circles()?;
        Ok(plan)
    }

    fn planned(&self, number: usize) -> Result<Planned<'a>> {
        let stage = &self.file.stages[number];
        let see = |name: &str| self.given.seen_by_from(name);
        let expanded = |text: &str| expand::word(text, self.file.escape, &see).map_err(|e| at(self.request, &stage.from, e));
        let base = expanded(&stage.base)?;
        if base.is_empty() {
            let empty = Error::usage(format!("the base {:?} is an empty name", stage.base))
                .hint("give the variable a value: --build-arg NAME=VALUE, or a default in its ARG");
            return Err(at(self.request, &stage.from, empty));
        }
        let said = stage.platform.as_deref().map(expanded).transpose()?.filter(|text| !text.is_empty());
        let said = said.as_deref().map(Platform::parse).transpose().map_err(|e| at(self.request, &stage.from, e))?;
        let image_for = said.as_ref().or(self.foreign());
        let source = match base.as_str() {
            "scratch" if self.context_named("scratch").is_none() => Source::Scratch,
            // Only what stands above can be a base; later names are images.
            name => self.named(name, number, image_for),
        };
        Ok(Planned {
            number,
            stage,
            called: called(self.file, number),
            base: source,
            platform: said.unwrap_or_else(|| self.platform.clone()),
        })
    }

    /// What is wanted, if it is not this machine: for that any image does which is here, because it runs.
    fn foreign(&self) -> Option<&Platform> {
        Some(&self.platform).filter(|platform| **platform != Platform::own())
    }

    fn context_named(&self, name: &str) -> Option<usize> {
        self.request.contexts.iter().position(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    fn named(&self, name: &str, before: usize, platform: Option<&Platform>) -> Source {
        if let Some(number) = self.context_named(name) {
            return match &self.request.contexts[number].1 {
                NamedContext::Image(image) => Source::Image(image.clone(), platform.map(Platform::to_string)),
                NamedContext::Layout(..) => Source::Image(format!("{LAYOUT}{number}"), None),
                NamedContext::Directory(_) => Source::Context(number),
            };
        }
        let known =
            self.file.stages[..before].iter().rposition(|stage| stage.name.as_deref().is_some_and(|have| have.eq_ignore_ascii_case(name)));
        known.map_or_else(|| Source::Image(name.to_owned(), platform.map(Platform::to_string)), Source::Stage)
    }

    /// What `--from=…` of a line means.
    pub fn from(&self, text: &str, number: usize, line: &Line) -> Result<Source> {
        let wrong = |error: Error| Err(at(self.request, line, error));
        if text.contains('$') {
            return wrong(
                Error::usage(format!("--from={text} cannot hold a variable"))
                    .hint("make a stage of it: FROM $NAME AS something, and say --from=something"),
            );
        }
        if let Ok(wanted) = text.parse::<usize>() {
            return match wanted < number {
                true => Ok(Source::Stage(wanted)),
                false => wrong(Error::usage(format!("there is no stage {wanted} before this one"))),
            };
        }
        if text.eq_ignore_ascii_case("scratch") && self.context_named("scratch").is_none() {
            return Ok(Source::Scratch);
        }
        match self.named(text, self.file.stages.len(), self.foreign()) {
            Source::Stage(found) if found == number => wrong(Error::usage(format!("stage {text} cannot take files from itself"))),
            found => Ok(found),
        }
    }

    /// The stages that a stage stands on, or takes files from.
    pub fn needs(&self, planned: &Planned) -> Result<BTreeSet<usize>> {
        let stages = self.sources(planned)?.into_iter().filter_map(|source| match source {
            Source::Stage(number) => Some(number),
            _ => None,
        });
        Ok(stages.collect())
    }

    /// All that a stage stands on, or takes files from.
    pub fn sources(&self, planned: &Planned) -> Result<BTreeSet<Source>> {
        let mut all = BTreeSet::from([planned.base.clone()]);
        for line in &planned.stage.lines {
            for text in froms(&line.instruction) {
                all.insert(self.from(text, planned.number, line)?);
            }
        }
        Ok(all)
    }

    fn refuse_circles(&self) -> Result<()> {
        let (mut done, mut left) = (BTreeSet::new(), self.needed().map(|planned| planned.number).collect::<BTreeSet<_>>());
        while !left.is_empty() {
            let mut ready = BTreeSet::new();
            for number in &left {
                let planned = self.stages[*number].as_ref();
                if planned.map_or(Ok(true), |planned| Ok::<_, Error>(self.needs(planned)?.is_subset(&done)))? {
                    ready.insert(*number);
                }
            }
            if ready.is_empty() {
                let names: Vec<String> = left.iter().map(|number| called(self.file, *number)).collect();
                return Err(
                    Error::usage(format!("stages need each other in a circle: {}", names.join(", "))).context(self.request.file.clone())
                );
            }
            left.retain(|number| !ready.contains(number));
            done.extend(ready);
        }
        Ok(())
    }

    /// Those that are needed, in their order.
    pub fn needed(&self) -> impl Iterator<Item = &Planned<'a>> {
        self.stages.iter().flatten()
    }
}

/// What `--from` says in a line: of COPY, ADD and mounts.
fn froms(instruction: &Instruction) -> Vec<&str> {
    match instruction {
        Instruction::Copy(Copy { from, .. }) | Instruction::Add(Copy { from, .. }) => from.iter().map(String::as_str).collect(),
        Instruction::Run(Run { mounts, .. }) => mounts.iter().filter_map(|mount| mount.from.as_deref()).collect(),
        Instruction::OnBuild(_) => Vec::new(),
        _ => Vec::new(),
    }
}

fn called(file: &Dockerfile, number: usize) -> String {
    file.stages[number].name.clone().unwrap_or_else(|| if file.stages.len() == 1 { String::new() } else { format!("stage-{number}") })
}

fn target(file: &Dockerfile, request: &Request) -> Result<usize> {
    let Some(wanted) = &request.target else { return Ok(file.stages.len() - 1) };
    let by_name = file.stages.iter().rposition(|stage| stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(wanted)));
    let by_number = || wanted.parse::<usize>().ok().filter(|number| *number < file.stages.len());
    by_name.or_else(by_number).ok_or_else(|| {
        let known: Vec<&str> = file.stages.iter().filter_map(|stage| stage.name.as_deref()).collect();
        let hint = names::did_you_mean(wanted, known.iter().copied()).unwrap_or_else(|| match known.is_empty() {
            true => "no stage has a name: write FROM … AS NAME".to_owned(),
            false => format!("there are {}", known.join(", ")),
        });
        Error::usage(format!("there is no stage {wanted} in {}", request.file)).hint(hint)
    })
}

/// Where it stands comes first, as compilers say it.
pub fn at(request: &Request, line: &Line, error: Error) -> Error {
    error.context(format!("{}:{}: {}", request.file, line.at.line, line.instruction.name()))
}
