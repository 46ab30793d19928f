//! An ordinary user on a machine whose process 1 is systemd: his limits, where his containers live, and that nothing of them is left.
//!
//! Runs in the machine of `scripts/vm -r "$(scripts/vm-parts/debian)"` (scripts/test --full), as its root, who looks from outside.

#[path = "../common/mod.rs"]
mod common;
mod given;
mod oci;
mod session;
mod user;

use common::{cannot, in_vm};
use std::path::Path;

/// Says why not.
fn has_systemd() -> bool {
    (in_vm() && Path::new("/run/systemd/system").is_dir() && Path::new("/usr/bin/loginctl").exists())
        || !cannot("a systemd that is process 1 is in the machine of scripts/test --full only")
}
