//! What tare says about itself and about containers, for people who want to know what one is.
//!
//! Nothing here does anything to a container: it looks at what is there (`/proc`, `/sys`, the records), at what our own processes
//! do while they do it, or at what they would do.
//!
//! `observe.rs` looks on while a command of ours works, `calls/` puts what it sees into words, and `tell/` tells it; `start/` is how a start went, as
//! every one keeps it. `plan/` is what a run would do, step by step: the one list that `plain.rs` tells people and `script.rs` writes as a
//! shell script. `layers/` weighs an image's layers, `tree/` draws what lives, `why/` finds out why something ended, and `topics/` is a page for
//! each word of the trade; what is true just now they have from `live/`.

pub mod calls;
pub mod layers;
pub mod live;
pub mod observe;
pub mod plain;
pub mod plan;
pub mod script;
pub mod start;
pub mod tell;
pub mod topics;
pub mod tree;
pub mod why;
