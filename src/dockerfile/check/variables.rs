//! Variables that nobody has defined.

use super::{Hit, Item, MOST, Rule, Seen};
use crate::dockerfile::expand;
use crate::dockerfile::instruction::Instruction;
use crate::names;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What every build knows before the first FROM.
const PLATFORMS: [&str; 10] = [
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETARCH",
    "TARGETVARIANT",
];

pub const UNDEFINED_ARG_IN_FROM: Rule = Rule {
    name: "UndefinedArgInFrom",
    sentence: "variables of FROM are declared by ARG before the first FROM",
    find: |seen| {
        let declared = declared(seen);
        let known = || declared.iter().map(|(name, _)| name.as_str()).chain(PLATFORMS);
        let mut hits = Vec::new();
        for (item, _, stage) in seen.froms() {
            let texts = [Some(&stage.base), stage.platform.as_ref()];
            for name in texts.into_iter().flatten().flat_map(|text| expand::names(text, seen.all.escape)) {
                if !known().any(|have| have == name) {
                    hits.push(seen.hit(item, &name, undeclared(&name, known())));
                }
            }
        }
        hits
    },
};

pub const INVALID_DEFAULT_ARG_IN_FROM: Rule = Rule {
    name: "InvalidDefaultArgInFrom",
    sentence: "the values that ARG itself gives lead to a base image, so that the file can be built without --build-arg",
    find: |seen| {
        let defaults: BTreeMap<String, String> = declared(seen).into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let value = |name: &str| match PLATFORMS.contains(&name) {
            true => Some("any".to_owned()),
            false => defaults.get(name).cloned(),
        };
        let wrong = seen.froms().filter_map(|(item, _, stage)| {
            let names = expand::names(&stage.base, seen.all.escape);
            let found = expand::word(&stage.base, seen.all.escape, &value).ok()?;
            let message = format!("without --build-arg this is {found:?}, which is no image: ARG {}=… gives it a value", names.first()?);
            (!may_be_image(&found)).then(|| seen.hit(item, &stage.base, message))
        });
        wrong.collect()
    },
};

pub const UNDEFINED_VAR: Rule = Rule {
    name: "UndefinedVar",
    sentence: "variables are defined, by ARG or ENV of the stage, before they are used",
    find: |seen| {
        let mut hits = Vec::new();
        let mut unknown = 0;
        let fresh = |stage: usize| match seen.all.stages[stage].base.as_str() {
            "scratch" => Known::of(Some(Vec::new())),
            base => Known::of((seen.around.variables_of)(base)),
        };
        seen.inherit(fresh, |known: &mut Known, item, have| {
            let missing = known.missing(seen, have);
            unknown += missing.len();
            // Where so much is unknown, searching for names that are near would take long and tell little.
            if unknown < 20 * MOST {
                hits.extend(known.hits(seen, item, &missing));
            }
            known.learn(&have.line.instruction);
        });
        hits
    },
};

/// The variables of a stage so far.
#[derive(Clone)]
struct Known {
    names: BTreeSet<String>,
    /// The base image, which may have others, was looked at.
    is_all: bool,
}

impl Known {
    /// Every container has a PATH.
    fn of(base: Option<Vec<String>>) -> Known {
        Known { is_all: base.is_some(), names: base.into_iter().flatten().chain(["PATH".to_owned()]).collect() }
    }

    /// Variables that an instruction names, and nobody has defined.
    fn missing(&self, seen: &Seen, have: &Item) -> Vec<String> {
        let asked = RefCell::new(Vec::new());
        // Whatever a value is, nothing is refused because of it.
        let look_up = |name: &str| {
            asked.borrow_mut().push(name.to_owned());
            Some("x".to_owned())
        };
        let _ = expand::instruction(&have.line.instruction, seen.all.escape, &look_up);
        let mut asked = asked.into_inner();
        // The shell's own signs are no variables.
        asked.retain(|name| name.starts_with(|first: char| first.is_alphabetic() || first == '_') && !self.names.contains(name));
        asked.dedup();
        asked
    }

    fn hits(&self, seen: &Seen, item: usize, missing: &[String]) -> Vec<Hit> {
        let known = || self.names.iter().map(String::as_str).take(10 * MOST);
        let certain = missing.iter().filter(|name| self.is_all || !names::nearest(name, known()).is_empty());
        certain.map(|name| seen.hit(item, name, undeclared(name, known()))).collect()
    }

    fn learn(&mut self, instruction: &Instruction) {
        match instruction {
            Instruction::Arg(all) => self.names.extend(all.iter().map(|(name, _)| name.clone())),
            Instruction::Env(all) => self.names.extend(all.iter().map(|(name, _)| name.clone())),
            _ => {}
        }
    }
}

/// ARG before the first FROM, with the values that they give themselves.
fn declared(seen: &Seen) -> Vec<(String, Option<String>)> {
    let mut all: Vec<(String, Option<String>)> = Vec::new();
    for line in &seen.all.arguments {
        let Instruction::Arg(arguments) = &line.instruction else { continue };
        for (name, value) in arguments {
            let look_up = |name: &str| all.iter().rfind(|(have, _)| have == name).and_then(|(_, value)| value.clone());
            let value = value.as_ref().and_then(|value| expand::word(value, seen.all.escape, &look_up).ok());
            all.push((name.clone(), value));
        }
    }
    all
}

fn undeclared<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    match names::did_you_mean(name, known) {
        Some(near) => format!("${name} is not defined; {near}"),
        None => format!("${name} is not defined here"),
    }
}

/// A name, perhaps with a tag or digest, none of which is empty.
fn may_be_image(name: &str) -> bool {
    let is_part =
        |part: &str| part.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_' || first == '[') && !part.contains(' ');
    let parts = name.split(['/', ':', '@']);
    !name.is_empty() && !name.ends_with(['.', '-']) && parts.into_iter().all(is_part)
}

#[cfg(test)]
#[test]
fn images_have_names() {
    for name in ["busybox", "busybox:latest", "host:5000/a/b:1.2", "a@sha256:0123", "scratch"] {
        assert!(may_be_image(name), "{name}");
    }
    for name in ["", "busybox:", "busybox@", ":latest", "a//b", "/a", "a b"] {
        assert!(!may_be_image(name), "{name}");
    }
}
