//! Words without deeds: image and wishes become an OCI runtime spec. Nothing here opens a file or calls the kernel.

pub mod capabilities;
pub mod command;
pub mod environment;
pub mod image_words;
pub mod mounts;
pub mod number_list;
pub mod protected;
pub mod resources;
pub mod runtime_spec;
pub mod seccomp;
pub mod sysctl;
mod systemd;
pub mod user;
