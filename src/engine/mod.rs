//! The engine joins the crafts (images, runtime, monitor) to what a person asks for: one verb, one file.
//!
//! The way of a `run`: `making/create.rs` finds the image and writes down what was wished, `life/launch.rs` starts the monitor, which
//! starts the container. Everything else finds containers again (`keeping/find.rs`) by what is on disk; nothing else exists.

pub mod build_cache;
pub mod exec;
mod files;
pub mod images;
mod keeping;
mod life;
pub mod login;
mod looking;
mod making;
pub mod networks;
pub mod prune;
pub mod pull;
pub mod push;
pub mod remembered;
pub mod remote;
pub mod update;
pub mod volumes;

pub use files::{commit, copy, diff, export};
use files::{commit_words, files_of, standstill};
pub use keeping::{amend, find, hold, inhabitants, list, remove, repair};
use life::{again, begin, doors, ending, health_check, id_claims, monitor_life, ordinary, outlet, pid_file, retell, users};
pub use life::{claim, down, join, kill, launch, log_keeping, machine_start, nurse, pause, porter, republish, rewire, start, stop, wait};
pub use looking::{check, events, layer_tree, ports, room, size, stats, top};
pub use making::{create, outline};
use making::{describe, devices, etc_files, filter, machine, mounts, name_claim, name_servers, neighbours};

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
