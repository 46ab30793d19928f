//! Volumes: directories with a name, that outlive the containers which use them.
//!
//! A volume is a directory of the store: `_data` is what containers see, `volume.json` what is known of it. The directory is the
//! volume; a record that a crash took is made again from what is left, because the data is what counts.
//!
//! * `keep.rs` makes, finds and lists them.
//! * `first_use.rs` fills a new one with what the image has at its place, once.
//! * `going.rs` removes them.
//! * `faults.rs` finds what crashes have left of them.
//! * `owner.rs` gives a tree to a user (`:U`).
//!
//! There is no lock over all volumes, but one for each. Whoever makes, fills or removes a volume holds it; so does a container
//! that is being created with it, after its record names the volume and while it makes sure that the volume is there. Whoever
//! removes looks at the records under the same lock. So one of the two always sees the other.

pub mod faults;
mod first_use;
mod going;
mod keep;
mod owner;

pub use going::{abandoned, clear_away};
pub use keep::{Held, find, hold, list, make};
pub use owner::give;

use serde::{Deserialize, Serialize};

/// `volume.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Volume {
    pub name: String,
    /// Nanoseconds since 1970.
    pub created: u64,
    pub labels: Vec<(String, String)>,
    /// Of the driver: what it stands for instead of a directory of its own (`options/volumes.rs`).
    pub options: Vec<(String, String)>,
    /// Nobody gave it a name.
    pub anonymous: bool,
    /// The container with whose life it ends: one that is removed when it ends (`--rm`), and whose record a reboot takes.
    pub ends_with: Option<String>,
    /// A container has used it; it is never filled again.
    pub used: bool,
}
