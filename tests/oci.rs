//! tare as a strict OCI runtime, called as engines call it: `tare-oci` with a bundle, and nothing of tare's own engine.

mod common;

#[path = "oci/agent.rs"]
mod agent;
#[path = "oci/bad_input.rs"]
mod bad_input;
#[path = "oci/bundle.rs"]
mod bundle;
#[path = "oci/differential.rs"]
mod differential;
#[path = "oci/features.rs"]
mod features;
#[path = "oci/hooks.rs"]
mod hooks;
#[path = "oci/labels.rs"]
mod labels;
#[path = "oci/lifecycle.rs"]
mod lifecycle;
#[path = "oci/mounts.rs"]
mod mounts;
#[path = "oci/net_devices.rs"]
mod net_devices;
#[path = "oci/podman.rs"]
mod podman;
#[path = "oci/process.rs"]
mod process;
#[path = "oci/propagation.rs"]
mod propagation;
#[path = "oci/seccomp.rs"]
mod seccomp;
#[path = "oci/variations.rs"]
mod variations;
