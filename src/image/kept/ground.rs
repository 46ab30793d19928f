//! The layer below every image: empty but for the places where a container's own mounts go.
//!
//! Without it, mounting over `/proc` of an image that has no `/proc` would first have to make it in the container's own layer.

use crate::error::{Context, Result};
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use crate::sys::beneath::{self, Directory};
use crate::sys::{Errno, file};
use std::os::fd::AsFd;

const DIRECTORIES: &[&[u8]] = &[b"dev", b"proc", b"sys", b"etc"];
const FILES: &[&[u8]] = &[b"hosts", b"hostname", b"resolv.conf"];

/// Makes it once. One look when it is there, because every start asks.
pub fn ground(paths: &Paths) -> Result<()> {
    if paths.ground_layer().exists() {
        return Ok(());
    }
    make(paths).context("cannot make the layer below all images")
}

fn make(paths: &Paths) -> Result<()> {
    let workplace = Workplace::begin_alone(paths)?;
    let path = workplace.file("ground");
    let what = "cannot make a mount point";
    file::make_dir(&path, 0o755).context(what)?;
    let root = Directory::open_root(&path).context(what)?;
    beneath::set_mode(root.as_fd(), 0o755).context(what)?;
    for name in DIRECTORIES {
        root.make_directory(name).context(what)?;
        beneath::set_mode(root.directory(name).context(what)?.as_fd(), 0o755).context(what)?;
    }
    let etc = root.directory(b"etc").context(what)?;
    for name in FILES {
        let fd = etc.new_file(name).context(what)?;
        beneath::set_mode(fd.as_fd(), 0o644).context(what)?;
    }
    match file::rename(&path, &paths.ground_layer()) {
        // Two first starts at once: both layers are the same.
        Ok(()) | Err(Errno::EEXIST | Errno::ENOTEMPTY) => Ok(()),
        Err(e) => Err(e).context(what),
    }
}
