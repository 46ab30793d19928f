//! One verb, one file: the engine joins the crafts (images, runtime, monitor) to what a person asks for.
//!
//! The way of a `run`: `create.rs` finds the image and writes down what was wished, `launch.rs` starts the monitor, which
//! starts the container. Everything else finds containers again (`find.rs`) by what is on disk; nothing else exists.

mod again;
pub mod amend;
mod begin;
pub mod check;
pub mod commit;
mod commit_words;
pub mod copy;
pub mod create;
mod devices;
pub mod diff;
pub mod down;
mod ending;
mod etc_files;
pub mod events;
pub mod exec;
pub mod export;
mod files_of;
mod filter;
pub mod find;
mod health_check;
pub mod hold;
pub mod images;
pub mod kill;
pub mod launch;
pub mod layer_tree;
pub mod list;
pub mod log_keeping;
mod machine;
pub mod machine_start;
mod monitor_life;
mod mounts;
mod name_claim;
mod neighbours;
pub mod nurse;
pub mod pause;
mod pid_file;
pub mod ports;
pub mod prune;
pub mod pull;
pub mod remove;
pub mod repair;
pub mod room;
pub mod size;
mod standstill;
pub mod start;
pub mod stats;
pub mod stop;
pub mod top;
pub mod update;
pub mod volumes;
pub mod wait;

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
