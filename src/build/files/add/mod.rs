//! ADD: what it takes beside files of the context.
//!
//! Archives are unpacked where they go (`archive.rs`). What lies elsewhere is brought first, into a directory that is then copied from
//! as any other: a file from a URL (`url.rs`), a repository (`git.rs`). The text between `<<WORD` and `WORD` becomes a file
//! (`heredocs.rs`), for COPY, too. `distant.rs` knows which words of ADD mean something elsewhere, and what it is for a key.

pub mod archive;
mod distant;
mod git;
mod heredocs;
mod url;

pub use distant::{Distant, is_elsewhere};
pub use heredocs::heredocs;

#[cfg(test)]
mod tests;
