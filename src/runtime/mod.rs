//! An OCI runtime spec becomes a process. The runtime knows nothing of images, names or terminals of users.
//!
//! The story, in the order in which it is read:
//!
//! 1. `plan/` digests the spec into what the child needs, and refuses what cannot be kept.
//! 2. `cgroup/` makes the group, limits it and guards the devices.
//! 3. `create.rs` is the parent's half: one clone3, then it listens (`handshake.rs`). `namespaces.rs` says which views are new
//!    and which are joined; `cloner.rs` goes between where a process cannot join them once it is born.
//! 4. `child/` is the child's half: a table of contents that ends in exec; `root/` furnishes its world,
//!    `identity.rs` makes it somebody.
//!    Where the container's root is somebody else outside (`mappings.rs`), `root/outside.rs` takes hold of what it could not.
//! 5. `strict/` is what the strict runtime (`oci/`) needs beside: a bundle is read, created, started and deleted by commands that
//!    know of each other only what is on a shelf.
//! 6. `enter.rs` puts a further process into a container that runs.
//!
//! Beside the story, `layers.rs` shows the layers as one tree before anything runs, and `view.rs` hands the files of a container
//! over to who copies them.

pub mod agent;
pub mod cgroup;
mod child;
mod cloner;
pub mod create;
pub mod enter;
pub mod filter;
pub mod handshake;
pub mod hooks;
mod identity;
mod impossible;
mod labels;
pub mod layers;
pub mod mappings;
pub mod namespaces;
mod newcomer;
pub mod own_program;
pub mod placement;
pub mod plan;
mod root;
pub mod strict;
mod unseen;
pub mod view;

pub use create::{Created, Streams, create, prepare};
pub use plan::{Beyond, Plan};
pub use root::options::WORDS as MOUNT_OPTIONS;
pub use root::{LINKS as USUAL_LINKS, USUAL as USUAL_DEVICES};
