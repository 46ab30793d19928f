//! The only code that talks to the kernel: thin, typed, with every `unsafe` of the program.

pub mod appearing;
pub mod attempt;
pub mod beneath;
pub mod boot;
pub mod channel;
pub mod clock;
pub mod copy;
pub mod datagram;
pub mod device_filter;
pub mod epoll;
pub mod file;
pub mod identity;
pub mod inet;
pub mod inside;
pub mod legacy_tables;
pub mod lock;
pub mod mount;
pub mod netlink;
pub mod network;
pub mod poll;
pub mod process;
pub mod pty;
mod removal;
pub mod schedule;
pub mod shared;
pub mod signal;
mod signal_names;
pub mod socket;
pub mod terminal;
pub mod threads;
pub mod tracing;
pub mod user_namespace;

pub use nix::errno::Errno;
