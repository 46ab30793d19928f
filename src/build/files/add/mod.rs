//! ADD: what it takes beside files of the context.
//!
//! Archives are unpacked where they go (`archive.rs`). What lies elsewhere is brought first, into a directory that is then copied from
//! as any other: a file from a URL (`url.rs`), a repository (`git.rs`). The text between `<<WORD` and `WORD` becomes a file
//! (`heredocs.rs`), for COPY, too. Each of these is an errand (`errand.rs`), which also says what it is for a key.

pub mod archive;
mod errand;
mod git;
mod heredocs;
mod url;
mod xz;

pub use errand::{Errand, is_elsewhere};
pub use git::Repository;

#[cfg(test)]
mod tests;
