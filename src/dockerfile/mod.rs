//! The language of Dockerfiles, as words: text comes in, instructions and complaints come out, and no file is ever opened.
//!
//! A text becomes lines (`lines.rs`: directives, comments, continuations, heredocs), a line becomes an instruction (`instruction.rs` says
//! which there are, `parse/` how each is read). What is written stays as it was written: `expand.rs` replaces variables at the moment
//! when an instruction is carried out, because only then their values are known. `settings.rs` changes what an image says of itself.
//! `ignore.rs` has the patterns of `.dockerignore`, `check/` the rules that a good Dockerfile follows.

pub mod check;
mod directives;
pub mod expand;
mod heredoc;
pub mod ignore;
pub mod instruction;
mod lines;
mod parse;
pub mod settings;
pub mod wildcard;

pub use instruction::{Dockerfile, Instruction, Line, Place, Stage};
pub use parse::{parse, parse_line};

#[cfg(test)]
mod tests;
