//! `why`: why a container died, could not be started, or is not well.
//!
//! `evidence.rs` gathers what is known, without asking anybody: the records, what the container wrote last, its files, and while it runs
//! the kernel's numbers. Each file of `rules/` looks at that and says one thing, or nothing; rules do no I/O and know nothing of each
//! other. What is concluded from words in the output is a guess, and says so.

mod elf;
mod evidence;
mod files;
mod person;
mod program;
mod removed;
mod rules;
mod text;
mod value;

pub use evidence::Evidence;
pub use text::text;
pub use value::value;

use crate::engine::find;
use crate::error::Result;
use crate::paths::Paths;

/// How well something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// It is written down, or the kernel says it.
    Known,
    /// Everything speaks for it.
    Likely,
    /// Concluded from words that a program wrote.
    Guess,
}

/// One thing that can be said, what it rests on, and what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static str,
    pub certainty: Certainty,
    pub what: String,
    pub evidence: Vec<String>,
    pub tries: Vec<String>,
}

impl Finding {
    pub fn known(what: impl Into<String>) -> Finding {
        Finding { rule: "", certainty: Certainty::Known, what: what.into(), evidence: Vec::new(), tries: Vec::new() }
    }
    pub fn likely(what: impl Into<String>) -> Finding {
        Finding { certainty: Certainty::Likely, ..Finding::known(what) }
    }
    pub fn guess(what: impl Into<String>) -> Finding {
        Finding { certainty: Certainty::Guess, ..Finding::known(what) }
    }
    pub fn shown(mut self, evidence: impl Into<String>) -> Finding {
        self.evidence.push(evidence.into());
        self
    }
    /// A command to type, or something to do.
    pub fn attempt(mut self, attempt: impl Into<String>) -> Finding {
        self.tries.push(attempt.into());
        self
    }
}

pub struct Answer {
    pub evidence: Evidence,
    /// The surest first.
    pub findings: Vec<Finding>,
    pub unknown: Vec<String>,
}

pub fn ask(paths: &Paths, wanted: &str) -> Result<Answer> {
    let seen = find::container(paths, wanted).map_err(|error| removed::remember(paths, wanted, error))?;
    Ok(judge(evidence::gather(paths, &seen)))
}

fn judge(evidence: Evidence) -> Answer {
    let (findings, unknown) = rules::all(&evidence);
    Answer { evidence, findings, unknown }
}
