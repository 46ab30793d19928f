//! The only code that talks to the kernel: thin, typed, with every `unsafe` of the program.

pub mod beneath;
pub mod channel;
pub mod device_filter;
pub mod file;
pub mod identity;
pub mod mount;
pub mod network;
pub mod poll;
pub mod process;
pub mod pty;
pub mod schedule;
pub mod signal;
pub mod socket;
pub mod terminal;

pub use nix::errno::Errno;
