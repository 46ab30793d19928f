//! Images: taken in, unpacked once into layers, found by name.
//!
//! `coming/` is how they come in, `packed/` how layers are read and written, `kept/` the store, `going/` the way out. `documents.rs`,
//! `digest.rs` and `reference.rs` are the words that all of them use; `limits.rs` bounds what an image may take, `progress.rs` counts how
//! far it has come. A `run` needs `kept/find.rs`.

mod coming;
mod digest;
#[doc(hidden)] // for tests/fuzz
pub mod documents;
mod going;
mod kept;
#[doc(hidden)] // for tests/fuzz
pub mod limits;
mod packed;
pub mod progress;
mod reference;
mod step_list;

#[doc(hidden)] // for tests/fuzz
pub use coming::changes;
use coming::{archive, intake, kinds, members, publish};
pub use coming::{arrival, built, commit, import, layout, load, machines, making, pull, recall, remote};
pub use going::{push, remember, save};
pub use kept::{catalog, faults, shifted, steps};
use kept::{find, garbage, ground, index, proven, unflushed};
use packed::{belt, entries, layer, lost, owners, pax, squeeze, tree};
#[doc(hidden)] // for tests/fuzz
pub use packed::{compression, unpack};
pub use packed::{merge, pack, put};

pub use coming::workplace::{self, Workplace};
pub use digest::of as digest_of_bytes;
pub use entries::shown_bytes;
pub use find::{Image, find, unnamed};
pub use ground::ground;
pub use limits::Limits;
pub use load::Loaded;
pub use members::Elsewhere;
pub use progress::Progress;
pub use reference::Reference;
pub use step_list::Steps;
pub use unflushed::settle_all;
