//! `type=cache`: a directory that outlives the build, and that later builds find again by its id.

use crate::build::stage::Working;
use crate::build::steps::overlay;
use crate::dockerfile::instruction::{RunMount, Sharing};
use crate::error::{Context, Error, Result};
use crate::image::digest_of_bytes;
use crate::runtime::view;
use crate::store::{self, Lock};
use crate::sys::beneath::Directory;
use crate::sys::{Errno, copy, file, mount};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub struct Cache {
    pub tree: OwnedFd,
    /// Held as long as it is in use: alone, or with others.
    pub guard: Lock,
}

/// So many builds at once may each have a private one of the same id.
const MOST_PRIVATE: usize = 256;

pub fn open(
    working: &Working,
    id: &str,
    wish: &RunMount,
    owner: (u32, u32),
    layers: &[String],
    source: &str,
    place: &Path,
) -> Result<Cache> {
    let name = digest_of_bytes(id.as_bytes());
    let caches = working.paths().build_mounts();
    store::make_dirs(&caches)?;
    let (directory, guard) = take(&caches, &name, wish.sharing.unwrap_or_default())?;
    let data = directory.join("data");
    if !data.is_dir() {
        // Alone for a moment: it is not there yet, or nobody else could be in it.
        let _making = store::lock(&directory.join("making"))?;
        if !data.is_dir() {
            fill(working, &directory, wish.mode.unwrap_or(0o755), owner, layers, source, place)?;
            file::rename(&directory.join("new"), &data).context("cannot make a cache")?;
        }
    }
    let _ = store::write(&directory.join("id"), id.as_bytes(), store::Durable::No);
    let tree = mount::detached_copy(&data, false).context("cannot open a cache")?;
    Ok(Cache { tree, guard })
}

fn take(caches: &Path, name: &str, sharing: Sharing) -> Result<(PathBuf, Lock)> {
    let at = |number: usize| caches.join(if number == 0 { name.to_owned() } else { format!("{name}-{number}") });
    match sharing {
        Sharing::Locked => {
            store::make_dirs(&at(0))?;
            store::lock(&at(0).join("used")).map(|lock| (at(0), lock))
        }
        Sharing::Shared => {
            store::make_dirs(&at(0))?;
            // A build that wants it for itself is waited for.
            store::share(&at(0).join("used")).map(|lock| (at(0), lock))
        }
        Sharing::Private => {
            for number in 0..MOST_PRIVATE {
                store::make_dirs(&at(number))?;
                if let Some(lock) = store::try_lock(&at(number).join("used"))? {
                    return Ok((at(number), lock));
                }
            }
            Err(Error::conflict("too many builds use this cache at once"))
        }
    }
}

fn fill(working: &Working, directory: &Path, mode: u32, owner: (u32, u32), layers: &[String], source: &str, place: &Path) -> Result<()> {
    const WHAT: &str = "cannot make a cache";
    let new = directory.join("new");
    file::remove_tree(&new).context(WHAT)?;
    file::make_dir(&new, 0o700).context(WHAT)?;
    if !layers.is_empty() {
        let tree = view::of_layers(&overlay(working, layers, None)?, place, None)?;
        let from = match Directory::of(tree).directory_inside(source.as_bytes()) {
            Err(Errno::ENOENT) if source.is_empty() => None,
            other => Some(other.with_context(|| format!("cannot begin it with {source}"))?),
        };
        if let Some(from) = from {
            copy::copy(&from, &Directory::open_root(&new).context(WHAT)?).context(WHAT)?;
        }
    }
    file::change_owner(&new, owner.0, owner.1).context(WHAT)?;
    file::change_mode(&new, mode).context(WHAT)
}
