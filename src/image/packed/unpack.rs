//! Applies a layer's archive to an empty directory, in the form in which overlayfs reads layers.
//!
//! An archive says "removed" by files called `.wh.NAME` and "nothing below shows through" by `.wh..wh..opq`; overlayfs wants
//! character devices 0:0 and an attribute. Everything else is put down as it was packed. The archive is not trusted: every
//! name is looked up beneath the directory (`tree.rs`), the last part of a name is never followed, and all counts have limits.

use crate::error::{Context, Error, Kind, Result};
use crate::image::entries::{Entries, Entry, What, broken, damaged, shown_bytes};
use crate::image::limits::Budget;
use crate::image::tree::{LONGEST_PATH, Spot, Tree, is_whiteout, mark_opaque};
use crate::sys::Errno;
use crate::sys::beneath::{self, Directory, Held, Moment, Node};
use std::io::{BufRead, Read};
use std::os::fd::{AsFd, OwnedFd};

/// A name's length on every file system of note (pathname(7)).
const LONGEST_NAME: usize = 255;
/// Of all directories together: their names are kept in memory until the end, and an archive may name long ones millions of times.
const MOST_DIRECTORY_NAMES: usize = 128 << 20;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const METADATA: &[u8] = b".wh..wh.";

const MAKE: &str = "cannot make it";
const REPLACE: &str = "cannot replace what has its name";
const WRITE: &str = "cannot write it";
const MODE: &str = "cannot set its mode";
const OPAQUE_MARK: &str = "cannot mark a directory as opaque";
const TIME: &str = "cannot set its time";

/// Puts the archive's entries into `root`, which is empty. Returns how many bytes of files there are.
pub fn unpack(source: impl BufRead, root: Directory, budget: &Budget) -> Result<u64> {
    let mut entries = Entries::new(source);
    let mut unpacking = Unpacking { tree: Tree::new(root), times: Vec::new(), names: 0 };
    let size = each(&mut entries, budget, |entry, data| {
        budget.lost.adapt(entry);
        let room = budget.spend_file().and_then(|()| budget.check_announced(data.stored()));
        room.and_then(|()| unpacking.apply(entry, data)).map_err(|e| about(entry, e))
    })?;
    unpacking.restore_times()?;
    Ok(size)
}

/// Reads an archive to its end and counts the bytes of its files.
pub fn measure(source: impl Read, budget: &Budget) -> Result<u64> {
    each(&mut Entries::new(source), budget, |_, _| Ok(()))
}

fn each<R: Read>(
    entries: &mut Entries<R>,
    budget: &Budget,
    mut deed: impl FnMut(&mut Entry, &mut Entries<R>) -> Result<()>,
) -> Result<u64> {
    let (mut count, mut size) = (0u64, 0u64);
    while let Some(mut entry) = entries.next()? {
        count += 1;
        budget.check_entry(count)?;
        deed(&mut entry, entries)?;
        size = size.saturating_add(if entry.what == What::File { entry.size } else { 0 });
    }
    Ok(size)
}

/// Some answers of the kernel mean that the archive asks for the impossible.
fn about(entry: &Entry, error: Error) -> Error {
    let cause = match error.errno() {
        Some(Errno::ELOOP) => "its parent is a symlink",
        Some(Errno::ENOTDIR) => "its parent is no directory",
        Some(Errno::EXDEV) => "it leads out of the layer",
        Some(Errno::ENAMETOOLONG) => "its name is too long",
        Some(Errno::EFBIG) => "it is too large",
        _ => return error.context(format!("entry {}", shown_bytes(&entry.name))),
    };
    damaged(format!("entry {}", shown_bytes(&entry.name))).because(cause)
}

struct Unpacking {
    tree: Tree,
    /// A directory's time changes with every entry made in it, so it is set at the end.
    times: Vec<(Vec<u8>, Moment)>,
    /// The bytes of all names in `times`.
    names: usize,
}

impl Unpacking {
    fn apply(&mut self, entry: &Entry, data: &mut Entries<impl BufRead>) -> Result<()> {
        let parts = components(&entry.name)?;
        let Some((name, above)) = parts.split_last() else { return self.apply_root(entry) };
        if let Some(hidden) = above.iter().find(|part| part.starts_with(WHITEOUT)) {
            // Bookkeeping of aufs, which very old images carry.
            return if hidden.starts_with(METADATA) { Ok(()) } else { Err(damaged("it lies below a whiteout")) };
        }
        let spot = self.tree.directory(above)?;
        let parent = &spot.directory;
        if let Some(gone) = name.strip_prefix(WHITEOUT) {
            return match *name {
                OPAQUE => mark_opaque(parent).context(OPAQUE_MARK),
                name if name.starts_with(METADATA) => Ok(()),
                _ => white_out(parent, gone),
            };
        }
        match entry.what {
            What::Directory => self.make_directory(&spot, name, entry),
            What::File => self.make_file(parent, name, entry, data),
            What::HardLink => self.make_link(parent, name, &entry.link),
            What::Symlink => {
                replacing(parent, name, |parent| parent.make_symlink(name, &entry.link))?;
                finish_special(parent, name, entry)
            }
            What::Character => make_node(parent, name, entry, Node::Character(entry.device.0, entry.device.1)),
            What::Block => make_node(parent, name, entry, Node::Block(entry.device.0, entry.device.1)),
            What::Fifo => make_node(parent, name, entry, Node::Fifo),
        }
    }

    /// `./`: the layer's own directory gets its mode and owner, and is never replaced by anything else (CVE-2021-29136).
    fn apply_root(&mut self, entry: &Entry) -> Result<()> {
        if entry.what != What::Directory {
            return Err(damaged("the root of the layer would be replaced by something else"));
        }
        finish(self.tree.root().directory.as_fd(), entry)?;
        self.times.push((Vec::new(), entry.modified));
        Ok(())
    }

    fn make_directory(&mut self, spot: &Spot, name: &[u8], entry: &Entry) -> Result<()> {
        let parent = &spot.directory;
        let directory = match parent.make_directory(name) {
            Ok(()) => parent.directory(name).context(MAKE)?,
            Err(Errno::EEXIST) => match parent.directory(name) {
                Ok(directory) => directory,
                // A symlink, file or whiteout gives way to the directory.
                Err(Errno::ELOOP | Errno::ENOTDIR) => {
                    let was_removed = is_whiteout(parent, name);
                    parent.remove(name).context(REPLACE)?;
                    parent.make_directory(name).context(MAKE)?;
                    let directory = parent.directory(name).context(MAKE)?;
                    if was_removed {
                        mark_opaque(&directory).context(OPAQUE_MARK)?;
                    }
                    directory
                }
                Err(e) => return Err(Error::from_errno(MAKE, e)),
            },
            Err(e) => return Err(Error::from_errno(MAKE, e)),
        };
        finish(directory.as_fd(), entry)?;
        let path = spot.path_of(name);
        self.names += path.len();
        if self.names > MOST_DIRECTORY_NAMES {
            return Err(damaged(format!("the names of its directories take more than {MOST_DIRECTORY_NAMES} bytes")));
        }
        self.times.push((path, entry.modified));
        Ok(())
    }

    fn make_file(&mut self, parent: &Directory, name: &[u8], entry: &Entry, data: &mut Entries<impl BufRead>) -> Result<()> {
        let fd = replacing(parent, name, |parent| parent.new_file_with(name, entry.mode & 0o777))?;
        match &entry.pieces {
            None => write(&fd, 0, entry.size, data)?,
            Some(pieces) => {
                for (offset, length) in pieces {
                    write(&fd, *offset, *length, data)?;
                }
                beneath::set_length(fd.as_fd(), entry.size).context(WRITE)?;
            }
        }
        finish(fd.as_fd(), entry)?;
        beneath::set_time(fd.as_fd(), entry.modified).context(TIME)?;
        Ok(())
    }

    fn make_link(&mut self, parent: &Directory, name: &[u8], target: &[u8]) -> Result<()> {
        let parts = components(target)?;
        let Some((old, above)) = parts.split_last() else { return Err(damaged("a hard link to the layer's root")) };
        let missing = |e: Errno| match e {
            Errno::ENOENT => damaged(format!("a hard link to {}, which is not in the layer", shown_bytes(target))),
            Errno::EPERM => damaged(format!("a hard link to {}, which is a directory", shown_bytes(target))),
            e => Error::from_errno(format!("hard link to {}", shown_bytes(target)), e),
        };
        let from = self.tree.existing(above).map_err(|e| e.errno().map(missing).unwrap_or(e))?;
        let from = &from.directory;
        let (old_is, here) = (from.look(old).map_err(missing)?, parent.look(name));
        // Linking something to itself must not remove it first.
        if here.is_ok_and(|here| (here.st_dev, here.st_ino) == (old_is.st_dev, old_is.st_ino)) {
            return Ok(());
        }
        match parent.make_link(name, from, old) {
            Err(Errno::EEXIST) => {
                parent.remove(name).context(REPLACE)?;
                parent.make_link(name, from, old).map_err(missing)
            }
            other => other.map_err(missing),
        }
    }

    fn restore_times(&mut self) -> Result<()> {
        for (path, modified) in &self.times {
            let root = self.tree.root();
            if path.is_empty() {
                beneath::set_time(root.directory.as_fd(), *modified).context(TIME)?;
                continue;
            }
            match root.directory.directory(path) {
                Ok(directory) => beneath::set_time(directory.as_fd(), *modified).context(TIME)?,
                // A later entry took its place.
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {}
                Err(e) => return Err(Error::from_errno(TIME, e)),
            }
        }
        Ok(())
    }
}

/// From where the archive's bytes lie: nothing is copied on the way.
fn write(fd: &OwnedFd, mut offset: u64, mut length: u64, data: &mut Entries<impl BufRead>) -> Result<()> {
    while length > 0 {
        let piece = data.piece(length).map_err(broken)?;
        beneath::write_at(fd.as_fd(), piece, offset).context(WRITE)?;
        let count = piece.len();
        data.consume(count);
        offset += count as u64;
        length -= count as u64;
    }
    Ok(())
}

/// Makes something under a name; what has the name already gives way, as a later entry overrules an earlier one.
fn replacing<T>(parent: &Directory, name: &[u8], make: impl Fn(&Directory) -> Result<T, Errno>) -> Result<T> {
    match make(parent) {
        Err(Errno::EEXIST) => {
            parent.remove(name).context(REPLACE)?;
            make(parent).context(MAKE)
        }
        other => other.context(MAKE),
    }
}

fn make_node(parent: &Directory, name: &[u8], entry: &Entry, node: Node) -> Result<()> {
    replacing(parent, name, |parent| parent.make_node(name, node))?;
    finish_special(parent, name, entry)
}

/// Owner, then mode, then attributes: each of the first two takes away what the later ones give.
pub(super) fn finish(fd: std::os::fd::BorrowedFd, entry: &Entry) -> Result<()> {
    // Most files are root's, and made with their mode. The kernel is asked, because a directory may hand down a group or a mode.
    let made = beneath::about(fd).context(MODE)?;
    if (made.st_uid, made.st_gid) != (entry.uid, entry.gid) {
        beneath::set_owner(fd, entry.uid, entry.gid).map_err(owner_refused)?;
    }
    if made.st_mode & 0o7777 != entry.mode || (made.st_uid, made.st_gid) != (entry.uid, entry.gid) {
        beneath::set_mode(fd, entry.mode).context(MODE)?;
    }
    set_attributes(entry, |name, value| beneath::set_attribute(fd, name, value))
}

fn finish_special(parent: &Directory, name: &[u8], entry: &Entry) -> Result<()> {
    finish_held(&parent.hold(name).context(MAKE)?, entry)?;
    parent.set_time(name, entry.modified).context(TIME)
}

/// What is no file and no directory: it is never opened.
pub(super) fn finish_held(held: &Held, entry: &Entry) -> Result<()> {
    held.set_owner(entry.uid, entry.gid).map_err(owner_refused)?;
    if entry.what != What::Symlink {
        held.set_mode(entry.mode).context(MODE)?;
    }
    set_attributes(entry, |name, value| held.set_attribute(name, value))
}

fn owner_refused(error: Errno) -> Error {
    let error = Error::from_errno("cannot give it its owner", error);
    if error.errno() == Some(Errno::EPERM) { error.of_kind(Kind::CannotKeep).hint("load images as root") } else { error }
}

/// Attributes of overlayfs would let an archive say what lies below it; labels of security modules are this host's own affair.
fn set_attributes(entry: &Entry, set: impl Fn(&[u8], &[u8]) -> Result<(), Errno>) -> Result<()> {
    for (name, value) in &entry.attributes {
        let foreign = name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.");
        let capability = name == b"security.capability";
        if foreign || (name.starts_with(b"security.") && !capability) {
            continue;
        }
        match set(name, value) {
            // This file system or kind of file keeps no such attribute; only a lost capability changes what a program can do.
            Err(Errno::EOPNOTSUPP | Errno::EPERM) if !capability => {}
            Err(e) => return Err(Error::from_errno(format!("cannot set its attribute {}", shown_bytes(name)), e)),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// `name` of the layers below is gone. What this layer itself has under that name stays: whiteouts speak of lower layers only.
fn white_out(parent: &Directory, name: &[u8]) -> Result<()> {
    if matches!(name, b"" | b"." | b"..") {
        return Err(damaged("a whiteout of nothing"));
    }
    match parent.make_node(name, Node::Character(0, 0)) {
        Err(Errno::EEXIST) => match parent.directory(name) {
            Ok(directory) => mark_opaque(&directory).context(OPAQUE_MARK),
            Err(_) => Ok(()),
        },
        other => other.context("cannot make a whiteout"),
    }
}

/// The parts of a name that mean something. One that begins with a slash begins at the layer's root, as buildpacks write them;
/// one that climbs is written by no tool.
pub(super) fn components(name: &[u8]) -> Result<Vec<&[u8]>> {
    let reason = if name.len() >= LONGEST_PATH {
        "its name is too long"
    } else if name.is_empty() {
        "its name is empty"
    } else if name.contains(&0) {
        "its name holds a zero byte"
    } else {
        let parts: Vec<&[u8]> = name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
        match parts {
            parts if parts.contains(&&b".."[..]) => "its name leads out of the layer",
            parts if parts.iter().any(|part| part.len() > LONGEST_NAME) => "its name is too long",
            parts => return Ok(parts),
        }
    };
    Err(damaged(reason))
}

#[cfg(test)]
mod tests;
