//! What the kernel tells of a container that runs, and of this machine beside it: read from /proc and /sys, as anybody could.
//!
//! Nothing is asked of the container itself. Whatever may not be read, or ends while it is read, is simply not there.

pub mod group;
pub mod mounts;
pub mod namespaces;
pub mod network;
pub mod processes;
pub mod status;

/// A file of the kernel's; empty where it may not be read.
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
