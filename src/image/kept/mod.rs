//! What the store keeps: an OCI image layout, and beside it each layer unpacked for overlayfs.
//!
//! `index.rs` is its list, in which `find.rs` looks for one image and `catalog.rs` for all; `proven.rs` remembers what blobs are, `unflushed.rs` which files the disk may not have yet;
//! `steps.rs` remembers what builds have made. `ground.rs` is the layer below every image, `shifted.rs` has copies of layers whose files are others'. `garbage.rs` removes what nobody needs, `faults.rs` finds what crashes have left.

pub mod catalog;
pub mod faults;
pub(super) mod find;
pub(super) mod garbage;
pub(super) mod ground;
pub(super) mod index;
pub(super) mod proven;
pub mod shifted;
pub mod steps;
pub(super) mod unflushed;
