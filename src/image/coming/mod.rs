//! How images come in.
//!
//! Of a `load`, `members.rs` finds the archive's files, and `archive.rs` understands which images they are. A `pull` knows its images from
//! documents that come from elsewhere (`kinds.rs` tells them apart, `machines.rs` chooses among them); `remote.rs` only looks at these. `import.rs` and `commit.rs` make new
//! ones (`making.rs`, `changes.rs`).
//!
//! Their layers pass through side by side (`intake.rs`) in a place of the command's own (`workplace.rs`); what is fetched has a place
//! that outlives it (`arrival.rs`). `publish.rs` gives all of it its names. What steps of builds came to elsewhere (`recall.rs`) comes in the
//! same way, one layer at a time, also out of a directory (`layout.rs`).

pub(super) mod archive;
pub mod arrival;
pub mod built;
#[doc(hidden)] // for tests/fuzz
pub mod changes;
pub mod commit;
pub mod import;
pub(super) mod intake;
pub(super) mod kinds;
pub mod layout;
pub mod load;
pub mod machines;
pub mod making;
pub(super) mod members;
pub(super) mod publish;
pub mod pull;
pub mod recall;
pub mod remote;
pub mod workplace;
