//! tare as a strict OCI runtime, called as engines call it: `tare-oci` with a bundle, and nothing of tare's own engine.

mod common;

#[path = "oci/agent.rs"]
mod agent;
#[path = "oci/attacks/mod.rs"]
mod attacks;
#[path = "oci/bad_input/mod.rs"]
mod bad_input;
#[path = "oci/bundle.rs"]
mod bundle;
#[path = "oci/containerd.rs"]
mod containerd;
#[path = "oci/differential/mod.rs"]
mod differential;
#[path = "oci/docker.rs"]
mod docker;
#[path = "oci/features.rs"]
mod features;
#[path = "oci/hooks.rs"]
mod hooks;
#[path = "oci/kubernetes.rs"]
mod kubernetes;
#[path = "oci/labels.rs"]
mod labels;
#[path = "oci/lifecycle.rs"]
mod lifecycle;
#[path = "oci/mounts.rs"]
mod mounts;
#[path = "oci/net_devices.rs"]
mod net_devices;
#[path = "oci/notify.rs"]
mod notify;
#[path = "oci/options.rs"]
mod options;
#[path = "oci/ordinary.rs"]
mod ordinary;
#[path = "oci/podman.rs"]
mod podman;
#[path = "oci/podman_rootless.rs"]
mod podman_rootless;
#[path = "oci/process.rs"]
mod process;
#[path = "oci/propagation.rs"]
mod propagation;
#[path = "oci/resources.rs"]
mod resources;
#[path = "oci/seccomp.rs"]
mod seccomp;
#[path = "oci/users.rs"]
mod users;
