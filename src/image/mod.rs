//! Images: taken in, unpacked once into layers, found by name.
//!
//! The store is an OCI image layout (`index.rs` its list), and beside it each layer unpacked for overlayfs. The way of a `load`:
//! `members.rs` takes the archive's files in, `archive.rs` understands which images they are, `layer.rs` unpacks and proves
//! each layer (`compression.rs`, `entries.rs`, `pax.rs`, `unpack.rs`), `publish.rs` puts all in place. A `run` needs `find.rs`.

mod archive;
pub mod catalog;
#[doc(hidden)] // for tests/fuzz
pub mod changes;
#[doc(hidden)] // for tests/fuzz
pub mod compression;
mod digest;
#[doc(hidden)] // for tests/fuzz
pub mod documents;
mod entries;
mod find;
mod garbage;
mod ground;
pub mod import;
mod index;
mod layer;
pub mod load;
mod members;
mod pax;
mod publish;
mod reference;
#[doc(hidden)] // for tests/fuzz
pub mod unpack;
mod workplace;

pub use find::{Image, find};
pub use ground::ground;
pub use load::Loaded;
pub use reference::Reference;
pub use unpack::Limits;
