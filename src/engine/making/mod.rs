//! What a container is made of, before anything of it runs: its record, its spec, its mounts, its name.

pub mod create;
pub(super) mod describe;
pub(super) mod devices;
pub(super) mod etc_files;
pub(super) mod filter;
pub(super) mod machine;
pub(super) mod mounts;
pub(super) mod name_claim;
pub(super) mod name_servers;
pub(super) mod neighbours;
pub mod outline;
