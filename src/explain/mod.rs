//! What tare says about itself and about containers, for people who want to know what one is.
//!
//! Nothing here does anything to a container: it looks at what is there (`/proc`, `/sys`, the records), at what our own processes
//! do while they do it, or at what they would do.
//!
//! `plan/` is what a run would do, step by step: the one list that `plain.rs` tells people and `script.rs` writes as a shell script.

pub mod plain;
pub mod plan;
pub mod script;
