//! Layers as they are packed: read, believed of them what can be proven, put down as files; and the other way round.
//!
//! `layer.rs` is one layer in one pass: its bytes are inflated (`compression.rs`), read entry by entry (`entries.rs`, `pax.rs`) and put
//! down (`unpack.rs`, `tree.rs`). `put.rs` puts an archive among files that are there already (`cp`). `pack.rs` writes archives, and
//! `belt.rs` makes blobs of them, with all processors (`squeeze.rs`).

pub(super) mod belt;
#[doc(hidden)] // for tests/fuzz
pub mod compression;
pub(super) mod entries;
pub(super) mod layer;
pub(super) mod lost;
pub mod merge;
pub(super) mod owners;
pub mod pack;
pub(super) mod pax;
pub mod put;
pub(super) mod squeeze;
pub(super) mod tree;
#[doc(hidden)] // for tests/fuzz
pub mod unpack;
