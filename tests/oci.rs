//! tare as a strict OCI runtime, called as engines call it: `tare-oci` with a bundle, and nothing of tare's own engine.

mod common;

#[path = "oci/bad_input.rs"]
mod bad_input;
#[path = "oci/bundle.rs"]
mod bundle;
#[path = "oci/containerd.rs"]
mod containerd;
#[path = "oci/differential.rs"]
mod differential;
#[path = "oci/docker.rs"]
mod docker;
#[path = "oci/hooks.rs"]
mod hooks;
#[path = "oci/kubernetes.rs"]
mod kubernetes;
#[path = "oci/lifecycle.rs"]
mod lifecycle;
#[path = "oci/podman.rs"]
mod podman;
#[path = "oci/variations.rs"]
mod variations;
