//! What is on disk of containers: found, listed, changed, put right and removed, each under the lock that `hold.rs` is about.

pub mod amend;
pub mod find;
pub mod hold;
pub mod inhabitants;
pub mod list;
pub mod remove;
pub mod repair;
