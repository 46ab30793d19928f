//! What is told of a build while it goes on. A face shows it; what the words look like is its own affair.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// Before anything else: what there is to do. Stages that nobody needs are not in it.
    Planned(Vec<Step>),
    Begun {
        step: usize,
    },
    /// Its result was known.
    Cached {
        step: usize,
    },
    Output {
        step: usize,
        is_error: bool,
        bytes: Vec<u8>,
    },
    /// How far a step is that copies or fetches.
    Moved {
        step: usize,
        bytes: u64,
        of: Option<u64>,
    },
    Done {
        step: usize,
        milliseconds: u64,
    },
    Failed {
        step: usize,
        milliseconds: u64,
    },
    /// Something to know: a warning, what was taken for granted.
    Note(String),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub number: usize,
    /// The stage's name, or its number; empty: it belongs to none (fetching an image, writing the result).
    pub stage: String,
    /// Which of so many of its stage.
    pub index: usize,
    pub count: usize,
    /// As it is written.
    pub text: String,
    /// Its line in the Dockerfile; 0: none.
    pub line: usize,
}
