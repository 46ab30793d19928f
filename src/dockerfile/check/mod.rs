//! What a Dockerfile could do better: rules that many have learnt the hard way, under the names that BuildKit gave them.
//!
//! One file has one family of rules. A rule sees the whole file (`Seen`) and says where it is not kept; who asks for less is heard by
//! `options.rs`.

mod casing;
mod description;
mod form;
mod ignored;
mod options;
mod platform;
mod ports;
mod secrets;
mod stages;
#[cfg(test)]
mod tests;
mod variables;

use super::ignore::Patterns;
use super::instruction::{Dockerfile, Instruction, Line, Place};
use super::lines::{self, Whole};
use crate::error::Result;
use options::Options;

/// What the rules may know beside the file.
pub struct Around<'a> {
    /// `--build-arg`; BUILDKIT_DOCKERFILE_CHECK among them is heard before the directive.
    pub arguments: &'a [(String, String)],
    /// Which files of the context are as if they were not there.
    pub ignored: Option<&'a Patterns>,
    /// The variables of an image that is here; `None`: it is not known.
    pub variables_of: &'a dyn Fn(&str) -> Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    pub rule: &'static str,
    /// What the rule wants, whatever the file.
    pub sentence: &'static str,
    /// What is said of this place.
    pub message: String,
    pub at: Place,
}

#[derive(Debug, Default, PartialEq)]
pub struct Findings {
    /// In the order of the file.
    pub warnings: Vec<Warning>,
    /// `check=error=true`: the build fails because of them.
    pub is_error: bool,
}

struct Rule {
    name: &'static str,
    sentence: &'static str,
    find: fn(&Seen) -> Vec<Hit>,
}

/// Of one rule: who has so many has seen enough.
const MOST: usize = 100;

/// Only for those who ask for it.
const EXPERIMENTAL: &[Rule] = &[description::INVALID_DEFINITION_DESCRIPTION];

const RULES: &[Rule] = &[
    casing::STAGE_NAME_CASING,
    casing::FROM_AS_CASING,
    casing::CONSISTENT_INSTRUCTION_CASING,
    form::NO_EMPTY_CONTINUATION,
    form::JSON_ARGS_RECOMMENDED,
    form::MAINTAINER_DEPRECATED,
    form::LEGACY_KEY_VALUE_FORMAT,
    stages::DUPLICATE_STAGE_NAME,
    stages::RESERVED_STAGE_NAME,
    stages::MULTIPLE_INSTRUCTIONS_DISALLOWED,
    stages::WORKDIR_RELATIVE_PATH,
    platform::REDUNDANT_TARGET_PLATFORM,
    platform::FROM_PLATFORM_FLAG_CONST_DISALLOWED,
    variables::UNDEFINED_ARG_IN_FROM,
    variables::INVALID_DEFAULT_ARG_IN_FROM,
    variables::UNDEFINED_VAR,
    secrets::SECRETS_USED_IN_ARG_OR_ENV,
    ignored::COPY_IGNORED_FILE,
    ports::EXPOSE_PROTO_CASING,
    ports::EXPOSE_INVALID_FORMAT,
];

/// One place where a rule is not kept.
struct Hit {
    /// Which item, and which byte of its text.
    item: usize,
    at: usize,
    message: String,
}

/// The file as rules look at it.
struct Seen<'a> {
    all: &'a Dockerfile,
    items: Vec<Item<'a>>,
    around: &'a Around<'a>,
}

struct Item<'a> {
    whole: &'a Whole,
    line: &'a Line,
    /// `None`: before the first FROM.
    stage: Option<usize>,
}

/// `text` is what `all` was made of.
pub fn check(all: &Dockerfile, text: &str, file: &str, around: &Around) -> Result<Findings> {
    let source = lines::read(text, file)?;
    let asked = around.arguments.iter().rfind(|(name, _)| name == "BUILDKIT_DOCKERFILE_CHECK");
    let options = match (asked, &source.directives.check) {
        (Some((_, asked)), _) => Options::parse(asked)?,
        (None, Some(said)) => Options::parse(said).map_err(|error| {
            let at = source.directives.check_at;
            error.context(format!("{file}:{}:{}", at.line, at.column))
        })?,
        (None, None) => Options::default(),
    };
    let seen = Seen::of(all, &source.lines, around);
    let mut warnings = Vec::new();
    let wanted = EXPERIMENTAL.iter().filter(|rule| options.tries(rule.name)).chain(RULES);
    for rule in wanted.filter(|rule| !options.skips(rule.name)) {
        for hit in (rule.find)(&seen).into_iter().take(MOST) {
            let whole = seen.items[hit.item].whole;
            if !options::skipped_here(whole, rule.name) {
                let Rule { name, sentence, .. } = *rule;
                warnings.push(Warning { rule: name, sentence, message: hit.message, at: whole.place(hit.at) });
            }
        }
    }
    warnings.sort_by_key(|warning| (warning.at.line, warning.at.column));
    Ok(Findings { is_error: options.is_error && !warnings.is_empty(), warnings })
}

impl<'a> Seen<'a> {
    /// Each line of the file became one instruction, in its order.
    fn of(all: &'a Dockerfile, wholes: &'a [Whole], around: &'a Around<'a>) -> Seen<'a> {
        let before = all.arguments.iter().map(|line| (None, line));
        let stages = all.stages.iter().enumerate().flat_map(|(index, stage)| {
            let lines = std::iter::once(&stage.from).chain(&stage.lines);
            lines.map(move |line| (Some(index), line))
        });
        let items = before.chain(stages).zip(wholes).map(|((stage, line), whole)| Item { whole, line, stage }).collect();
        Seen { all, items, around }
    }

    /// The lines that begin a stage.
    fn froms(&self) -> impl Iterator<Item = (usize, &Item<'a>, &'a super::Stage)> {
        let items = self.items.iter().enumerate().filter(|(_, item)| item.line.instruction == Instruction::From);
        items.filter_map(|(index, item)| Some((index, item, &self.all.stages[item.stage?])))
    }

    /// The stage before it on which a stage stands.
    fn base_of(&self, stage: usize) -> Option<usize> {
        let base = self.all.stages[stage].base.to_lowercase();
        self.all.stages[..stage].iter().rposition(|other| other.name.as_deref() == Some(&base))
    }

    /// Stage by stage, something that one has from the stage on which it stands, and its own lines change.
    fn inherit<T: Clone>(&self, fresh: impl Fn(usize) -> T, mut each: impl FnMut(&mut T, usize, &Item<'a>)) {
        let mut ends: Vec<T> = Vec::new();
        for (index, item) in self.items.iter().enumerate() {
            let Some(stage) = item.stage else { continue };
            if stage == ends.len() {
                let from = self.base_of(stage).map(|base| ends[base].clone());
                ends.push(from.unwrap_or_else(|| fresh(stage)));
            }
            each(&mut ends[stage], index, item);
        }
    }

    /// A hit at a word of the item's text, or at its beginning.
    fn hit(&self, item: usize, word: &str, message: String) -> Hit {
        Hit { item, at: self.items[item].whole.text.find(word).unwrap_or(0), message }
    }
}

impl Item<'_> {
    /// The name of the instruction as it is written.
    fn word(&self) -> &str {
        self.whole.text.split_whitespace().next().unwrap_or_default()
    }
}
