//! The life of a container that no process of ours attends: `create`, `start` and `delete` are commands of their own, hours apart.
//!
//! 1. `bundle.rs` reads a config.json and refuses what cannot be; `newer.rs` reads what the library has no place for.
//! 2. `lifecycle.rs` creates and starts: group, first process, hooks, terminal, and everything taken back where one of them fails.
//!    `net_devices.rs`, `resctrl.rs` and `rights.rs` are steps of it, `notify.rs` tells whoever waits for the container's READY.
//! 3. `shelf.rs` is what is known between two commands; `kill.rs` and `delete.rs` go by it.

pub mod bundle;
pub mod delete;
mod kill;
pub mod lifecycle;
mod net_devices;
pub mod newer;
pub mod notify;
mod resctrl;
pub mod rights;
pub mod shelf;
