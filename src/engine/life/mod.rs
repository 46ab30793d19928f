//! The life of a container: a monitor begins it, watches it, writes down how it ended, and may begin it again; others start it, let it
//! stand still, end it, and wait for that.
//!
//! `launch.rs` is the command's side of a start, `monitor_life.rs` the monitor's, in which `begin.rs`, `ending.rs` and `again.rs` are the
//! three moments. `nurse.rs` is beside it where there is a health check, `porter.rs` where there are ports or neighbours.

pub(super) mod again;
pub(super) mod begin;
pub mod claim;
pub(super) mod doors;
pub mod down;
pub(super) mod ending;
pub(super) mod health_check;
pub(super) mod id_claims;
pub mod join;
pub mod kill;
pub mod launch;
pub mod log_keeping;
pub mod machine_start;
pub(super) mod monitor_life;
pub mod nurse;
pub(super) mod ordinary;
pub mod outlet;
pub mod pause;
pub(super) mod pid_file;
pub mod porter;
pub mod republish;
pub(super) mod retell;
pub mod rewire;
pub mod start;
pub mod stop;
pub(super) mod users;
pub mod wait;
