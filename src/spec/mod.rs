//! Words without deeds: image and wishes become an OCI runtime spec. Nothing here opens a file or calls the kernel.

pub mod capabilities;
pub mod seccomp;
pub mod user;
