//! tare as a strict OCI runtime, called as engines call it: `tare-oci` with a bundle, and nothing of tare's own engine.

mod common;

#[path = "oci/attacks/mod.rs"]
mod attacks;
#[path = "oci/bad_input/mod.rs"]
mod bad_input;
#[path = "oci/bundle.rs"]
mod bundle;
#[path = "oci/differential.rs"]
mod differential;
#[path = "oci/hooks.rs"]
mod hooks;
#[path = "oci/lifecycle.rs"]
mod lifecycle;
#[path = "oci/podman.rs"]
mod podman;
#[path = "oci/variations.rs"]
mod variations;
