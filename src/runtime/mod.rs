//! An OCI runtime spec becomes a process. The runtime knows nothing of images, names or terminals of users.
//!
//! The story, in the order in which it is read:
//!
//! 1. `plan.rs` digests the spec into what the child needs, and refuses what cannot be kept.
//! 2. `cgroup/` makes the group, limits it and guards the devices.
//! 3. `create.rs` is the parent's half: one clone3, then it listens (`handshake.rs`). `namespaces.rs` says which views are new
//!    and which are joined; `cloner.rs` goes between where a process cannot join them once it is born.
//! 4. `child.rs` is the child's half: a table of contents that ends in exec; `root/` furnishes its world,
//!    `identity.rs` makes it somebody.
//!    Where the container's root is somebody else outside (`mappings.rs`), `root/outside.rs` takes hold of what it could not.
//! 5. `shelf.rs` is what the strict runtime (`oci/`) knows of its containers between two commands.
//! 6. `enter.rs` puts a further process into a container that runs.
//!
//! Beside the story, `layers.rs` shows the layers as one tree before anything runs.

pub mod agent;
pub mod bundle;
pub mod cgroup;
mod child;
mod cloner;
pub mod create;
pub mod delete;
pub mod enter;
pub mod filter;
pub mod handshake;
pub mod hooks;
mod identity;
mod impossible;
mod kill;
mod labels;
pub mod layers;
pub mod lifecycle;
pub mod mappings;
pub mod namespaces;
mod net_devices;
pub mod newer;
pub mod notify;
pub mod own_program;
pub mod placement;
pub mod plan;
mod resctrl;
pub mod rights;
mod root;
pub mod shelf;

pub use create::{Created, Streams, create};
pub use plan::{Beyond, Plan};
pub use root::options::WORDS as MOUNT_OPTIONS;
