//! Images: archives become a store of blobs and unpacked layers; names become images.
//!
//! * `reference` and `digest`: names. `layout`: the index of what is there.
//! * `load` reads archives of several forms, `import` a bare root file system; `unpack` turns one layer into a directory.
//! * `catalog` finds, lists, tags and removes.

pub mod catalog;
pub mod changes;
pub mod compression;
pub mod digest;
pub mod import;
pub mod layout;
pub mod load;
pub mod reference;
pub mod spool;
pub mod unpack;

pub use catalog::{Image, find};

use crate::error::{Context, Result};
use crate::paths::Paths;
use crate::store;
use crate::sys::file::{self, OFlag};

/// What every container needs to have in its root, as the lowest layer of all: the mount points.
const DIRECTORIES: [&str; 4] = ["dev", "proc", "sys", "etc"];
const FILES: [&str; 3] = ["etc/hosts", "etc/hostname", "etc/resolv.conf"];

/// Makes the ground layer, once. It appears complete or not at all.
pub fn ground(paths: &Paths) -> Result<()> {
    let ground = paths.ground_layer();
    if ground.is_dir() {
        return Ok(());
    }
    const WHAT: &str = "cannot make the layer of mount points";
    let unfinished = paths.unfinished().join(format!("ground-{}", std::process::id()));
    store::make_dirs(&paths.layers())?;
    store::make_dirs(&unfinished)?;
    for name in DIRECTORIES {
        file::make_dirs(&unfinished.join(name), 0o755).context(WHAT)?;
    }
    for name in FILES {
        file::create(&unfinished.join(name), OFlag::O_WRONLY, 0o644).context(WHAT)?;
    }
    file::change_mode(&unfinished, 0o755).context(WHAT)?;
    match file::rename(&unfinished, &ground) {
        // Somebody else was quicker.
        Err(_) if ground.is_dir() => file::remove_tree(&unfinished).context(WHAT),
        other => other.context(WHAT),
    }
}
