//! Images: taken in, unpacked once into layers, found by name.
//!
//! The store is an OCI image layout (`index.rs` its list), and beside it each layer unpacked for overlayfs. The way of a `load`:
//! `members.rs` finds the archive's files, `archive.rs` understands which images they are, `intake.rs` has their layers passed
//! through side by side (`layer.rs`, with `compression.rs`, `entries.rs`, `pax.rs`, `unpack.rs`, `tree.rs`), `publish.rs` puts
//! all in place. The way out is `pack.rs`; `put.rs` puts an archive among files that are there already (`cp`). `limits.rs` bounds
//! what it may take, `progress.rs` counts how far it is. A `run` needs `find.rs`.

mod archive;
pub mod arrival;
pub mod catalog;
#[doc(hidden)] // for tests/fuzz
pub mod changes;
pub mod commit;
#[doc(hidden)] // for tests/fuzz
pub mod compression;
mod digest;
#[doc(hidden)] // for tests/fuzz
pub mod documents;
mod entries;
pub mod faults;
mod find;
mod garbage;
mod ground;
pub mod import;
mod index;
mod intake;
mod kinds;
mod layer;
#[doc(hidden)] // for tests/fuzz
pub mod limits;
pub mod load;
pub mod machines;
pub mod making;
mod members;
pub mod pack;
mod pax;
pub mod progress;
mod proven;
mod publish;
pub mod pull;
pub mod push;
pub mod put;
mod reference;
pub mod remote;
pub mod save;
mod tree;
#[doc(hidden)] // for tests/fuzz
pub mod unpack;
mod workplace;

pub use entries::shown_bytes;
pub use find::{Image, find};
pub use ground::ground;
pub use limits::Limits;
pub use load::Loaded;
pub use members::Elsewhere;
pub use progress::Progress;
pub use reference::Reference;
