//! Which system calls a container may make: from words to the program that the kernel runs before every call.
//!
//! ```text
//!  default_table   our own table, with a reason for every group
//!  docker          a profile file as Docker reads it        ─┐
//!  oci             the section of an OCI specification      ─┴─►  profile  ──►  compile  ──►  graph  ──►  instructions
//! ```
//!
//! The table for the usual capabilities is compiled when tare is built (`build/default_filter.rs`), so a start only hands
//! it to the kernel. Instead of a list it is a tree over ranges of numbers: the kernel translates and tries every filter
//! when it is loaded, which costs about as much per instruction as a system call.

pub mod architecture;
mod compile;
pub mod default_table;
mod docker;
mod graph;
mod instruction;
pub mod numbers;
mod oci;
mod profile;
mod ranges;
#[cfg(test)]
mod tests;

// The files above are also compiled into the build script, where capabilities lie elsewhere: they find them by this name.
use super::capabilities::names as capability_names;

pub use docker::from_docker_json;
pub use instruction::SockFilter;
pub use oci::{
    ACTIONS, ARCHITECTURES, FLAGS, OPERATORS, compile, default_as_oci, flag, flags, leaves_to_listener, unknown_names, wants_listener,
};

use architecture::Architecture;
use std::borrow::Cow;

pub type Filter = Vec<SockFilter>;

// static DEFAULT_FILTER: [SockFilter; …]
include!(concat!(env!("OUT_DIR"), "/default_filter.rs"));

/// The filter of a container about which nothing else was said. More capabilities open the calls that need them.
pub fn default_filter(capabilities: u64) -> Cow<'static, [SockFilter]> {
    if default_table::decides_alike(capabilities, capability_names::DEFAULT) {
        return Cow::Borrowed(&DEFAULT_FILTER);
    }
    let profile = default_table::profile(Architecture::NATIVE, capabilities);
    Cow::Owned(compile::compile(&profile, Architecture::NATIVE).expect("the table is far shorter than the kernel's limit"))
}
