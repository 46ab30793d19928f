//! How images go out: `save.rs` into an archive, `push.rs` to somebody elsewhere. `remember.rs` lets out what steps of builds came to.

pub mod push;
pub mod remember;
pub mod save;
