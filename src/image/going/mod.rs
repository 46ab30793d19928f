//! How images go out: `save.rs` into an archive, `push.rs` to somebody elsewhere.

pub mod push;
pub mod save;
