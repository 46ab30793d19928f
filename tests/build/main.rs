//! Dockerfiles built by tare and, in the same run, by the builders that Debian has: what comes out must be equal.
//!
//! The Dockerfiles stand in `table/`, pages of cases that `case.rs` reads. `compared.rs` builds those that others understand too,
//! `words.rs` those that are newer than all of Debian's builders: what these must give stands beside them.

#[path = "../common/mod.rs"]
mod common;

mod case;
mod compared;
mod facts;
mod peers;
mod tree;
mod words;
mod workshop;
