//! `diff`: what a container has added, changed and removed, told from its own layer and those of its image below it.
//!
//! Nothing is mounted: what overlayfs would show of the image at a path is found as overlayfs finds it, from the topmost layer down
//! to the first that hides the rest. The container may change its layer meanwhile, so the kernel keeps every name in it.

use crate::engine::find;
use crate::error::{Context, Result};
use crate::image::pack::is_marked_opaque;
use crate::image::shifted;
use crate::paths::Paths;
use crate::sys::Errno;
use crate::sys::beneath::{Directory, FileStat, Held};
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Added,
    Changed,
    Deleted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    /// From the container's root.
    pub path: Vec<u8>,
}

/// A directory before what is in it, and else by name.
pub fn diff(paths: &Paths, wanted: &str) -> Result<Vec<Change>> {
    let seen = find::container(paths, wanted)?;
    let what = || format!("cannot compare container {} with its image", seen.record.name);
    let upper = match Directory::open_root(&seen.files(paths).upper()) {
        Err(Errno::ENOENT) => return Ok(Vec::new()),
        other => other.with_context(what)?,
    };
    let owners = seen.record.owners.as_ref();
    let layers = shifted::of(paths, &seen.record.layers, owners).into_iter().rev().chain([shifted::ground_of(paths, owners)]);
    // The lowest is made by the first start.
    let layers = layers.filter(|layer| layer.exists()).map(|layer| Directory::open_root(&layer));
    let layers = layers.collect::<Result<Vec<_>, _>>().with_context(what)?;
    let all = (0..layers.len()).collect();
    let mut comparison = Comparison { upper, layers, changes: Vec::new() };
    comparison.directory(b".", all).with_context(what)?;
    Ok(comparison.changes)
}

struct Comparison {
    upper: Directory,
    /// Of the image, topmost first.
    layers: Vec<Directory>,
    changes: Vec<Change>,
}

/// What the image shows at a path.
struct Below {
    about: FileStat,
    /// A directory: the layers that it is merged from.
    layers: Vec<usize>,
}

impl Comparison {
    /// `below`: the layers of the image whose directories of this path show through, or would if this one were not opaque.
    fn directory(&mut self, path: &[u8], below: Vec<usize>) -> Result<()> {
        let Some(directory) = still_there(self.upper.directory(path)).context("cannot open a directory")? else { return Ok(()) };
        let mut names: BTreeSet<Vec<u8>> = directory.names().context("cannot read a directory")?.into_iter().collect();
        if is_opaque(&directory.hold_itself().context("cannot look at a directory")?)? {
            for layer in &below {
                names.extend(self.layers[*layer].directory(path).and_then(|hidden| hidden.names()).context("cannot read the image")?);
            }
        }
        for name in names {
            let path = [path, b"/", &name].concat();
            let image = self.image(&path, &below)?;
            match still_there(self.upper.hold(&path)).context("cannot look at a file")? {
                Some(held) => self.entry(&path, &held, image)?,
                None if image.is_some() => self.tell(Kind::Deleted, &path),
                None => {}
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &[u8], held: &Held, image: Option<Below>) -> Result<()> {
        let about = held.about().context("cannot look at a file")?;
        match image {
            image if is_whiteout(&about) => {
                if image.is_some() {
                    self.tell(Kind::Deleted, path);
                }
                Ok(())
            }
            // A directory is copied up because of what is in it. Only what differs, or holds what differs, has changed.
            Some(image) if is_directory(&about) && is_directory(&image.about) => {
                let before = self.changes.len();
                self.directory(path, image.layers)?;
                if self.changes.len() > before || differs(&about, &image.about) {
                    self.changes.insert(before, change(Kind::Changed, path));
                }
                Ok(())
            }
            image => {
                self.tell(if image.is_some() { Kind::Changed } else { Kind::Added }, path);
                if is_directory(&about) { self.directory(path, Vec::new()) } else { Ok(()) }
            }
        }
    }

    /// As overlayfs finds it: `among` are the layers that have its directory.
    fn image(&self, path: &[u8], among: &[usize]) -> Result<Option<Below>> {
        const WHAT: &str = "cannot read the image";
        let mut found: Option<Below> = None;
        for layer in among {
            let Some(held) = still_there(self.layers[*layer].hold(path)).context(WHAT)? else { continue };
            let about = held.about().context(WHAT)?;
            if !is_directory(&about) {
                return Ok(found.or_else(|| (!is_whiteout(&about)).then_some(Below { about, layers: Vec::new() })));
            }
            found.get_or_insert(Below { about, layers: Vec::new() }).layers.push(*layer);
            if is_opaque(&held)? {
                break;
            }
        }
        Ok(found)
    }

    fn tell(&mut self, kind: Kind, path: &[u8]) {
        self.changes.push(change(kind, path));
    }
}

/// Paths here begin with `./`.
fn change(kind: Kind, path: &[u8]) -> Change {
    Change { kind, path: path[1..].to_vec() }
}

fn still_there<T>(look: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match look {
        Ok(found) => Ok(Some(found)),
        Err(Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Not the time: it changes with whatever came and went in a directory.
fn differs(one: &FileStat, other: &FileStat) -> bool {
    let of = |about: &FileStat| (about.st_mode, about.st_uid, about.st_gid);
    of(one) != of(other)
}

fn is_directory(about: &FileStat) -> bool {
    about.st_mode & KIND == DIRECTORY
}

/// What overlayfs puts in the place of what was removed.
fn is_whiteout(about: &FileStat) -> bool {
    about.st_mode & KIND == CHARACTER && about.st_rdev == 0
}

/// Nothing of the layers below shows through.
fn is_opaque(held: &Held) -> Result<bool> {
    let attributes = held.attributes().context("cannot read the attributes of a directory")?;
    Ok(is_marked_opaque(&attributes))
}

// inode(7)
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const CHARACTER: u32 = 0o020_000;
