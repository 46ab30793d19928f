//! The directories of a layer while it is unpacked: found or made, and always inside it.
//!
//! An archive may name a file behind a symlink that it has put down itself: `lib -> usr/lib`, then `lib/libc.so`. Tools that
//! unpack in a chroot follow it, and images are made by such tools, so it is followed here, too, as if the layer were the root
//! of all files. The kernel is never asked to follow: each step opens one name, in a directory that is held, with
//! RESOLVE_NO_SYMLINKS; a link is read, and its parts are walked like those of a name. So there is no way out to be found.
//!
//! A symlink of a lower layer is not known here. A name behind one makes a directory, which then lies over the symlink.

use crate::error::{Error, Result};
use crate::image::entries::damaged;
use crate::sys::Errno;
use crate::sys::beneath::{self, Directory, Held};
use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::rc::Rc;

/// PATH_MAX (pathname(7)).
pub const LONGEST_PATH: usize = 4096;
/// Open directories kept on the way down; deeper ones are opened again and again, because descriptors are few.
const KEPT_OPEN: usize = 48;
/// As many as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;
/// Steps behind symlinks, in a layer and more for each entry: short names that lead over long links would cost time without end.
const MOST_STEPS: u64 = 500_000;
const STEPS_PER_ENTRY: u64 = 16;

/// An open directory of the layer.
pub struct Spot {
    pub directory: Directory,
    /// From the layer's root, without any symlink.
    pub path: Vec<u8>,
}

impl Spot {
    pub fn path_of(&self, name: &[u8]) -> Vec<u8> {
        if self.path.is_empty() { name.to_vec() } else { [&self.path, &b"/"[..], name].concat() }
    }
}

/// What to do about a directory that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Make,
    Fail,
}

pub struct Tree {
    root: Rc<Spot>,
    /// The way down to the directory worked in last: archives come sorted, so most of it is used again.
    open: Vec<(Vec<u8>, Rc<Spot>)>,
    steps_left: u64,
}

impl Tree {
    pub fn new(root: Directory) -> Tree {
        Tree { root: Rc::new(Spot { directory: root, path: Vec::new() }), open: Vec::new(), steps_left: MOST_STEPS }
    }

    pub fn root(&self) -> Rc<Spot> {
        self.root.clone()
    }

    /// The directory that these parts of a name lead to; what the archive does not list is made.
    pub fn directory(&mut self, parts: &[&[u8]]) -> Result<Rc<Spot>> {
        self.steps_left = (self.steps_left + STEPS_PER_ENTRY).min(MOST_STEPS);
        let shared = self.open.iter().zip(parts).take_while(|((have, _), want)| have == *want).count();
        self.open.truncate(shared);
        let mut at = self.open.last().map_or_else(|| self.root(), |(_, spot)| spot.clone());
        for (number, part) in parts.iter().enumerate().skip(shared) {
            if self.open.len() == KEPT_OPEN
                && let Some(spot) = straight(&at, &parts[number..])
            {
                return Ok(spot);
            }
            at = self.walk(at, part, Missing::Make)?;
            if self.open.len() < KEPT_OPEN {
                self.open.push((part.to_vec(), at.clone()));
            }
        }
        Ok(at)
    }

    /// The same, and nothing is made.
    pub fn existing(&mut self, parts: &[&[u8]]) -> Result<Rc<Spot>> {
        let path = parts.join(&b'/');
        if path.is_empty() {
            return Ok(self.root());
        }
        match self.root.directory.directory(&path) {
            Ok(directory) => Ok(Rc::new(Spot { directory, path })),
            Err(Errno::ELOOP) => parts.iter().try_fold(self.root(), |at, part| self.walk(at, part, Missing::Fail)),
            Err(e) => Err(cannot_open(e)),
        }
    }

    /// One part of a name, and all that it leads over if it is a symlink.
    fn walk(&mut self, start: Rc<Spot>, part: &[u8], missing: Missing) -> Result<Rc<Spot>> {
        let mut at = start;
        let mut way = VecDeque::from([part.to_vec()]);
        let mut links = 0;
        while let Some(part) = way.pop_front() {
            if links > 0 {
                let left = self.steps_left.checked_sub(1);
                self.steps_left = left.ok_or_else(|| damaged("the layer's symlinks lead too far"))?;
            }
            at = match &part[..] {
                b"" | b"." => at,
                b".." => self.above(&at)?,
                part => match step(&at, part, missing) {
                    Err(Errno::ELOOP) if links < MOST_LINKS => {
                        links += 1;
                        let link = at.directory.read_link(part).map_err(cannot_open)?;
                        link.split(|byte| *byte == b'/').rev().for_each(|part| way.push_front(part.to_vec()));
                        if link.starts_with(b"/") { self.root() } else { at }
                    }
                    Err(Errno::ELOOP) => return Err(damaged("its parent is a symlink that leads around in a circle")),
                    Err(e) => return Err(cannot_open(e)),
                    Ok(directory) => Rc::new(Spot { path: at.path_of(part), directory }),
                },
            };
            if at.path.len() >= LONGEST_PATH {
                return Err(damaged("its parent is a symlink that leads too deep"));
            }
        }
        Ok(at)
    }

    /// Above the root lies the root, as in every root.
    fn above(&self, at: &Spot) -> Result<Rc<Spot>> {
        let Some(end) = at.path.iter().rposition(|byte| *byte == b'/') else { return Ok(self.root()) };
        let path = at.path[..end].to_vec();
        Ok(Rc::new(Spot { directory: self.root.directory.directory(&path).map_err(cannot_open)?, path }))
    }
}

/// The rest of the way at once, where all of it is there and no symlink lies on it: in a deep tree each step would be walked for
/// each entry.
fn straight(at: &Spot, parts: &[&[u8]]) -> Option<Rc<Spot>> {
    let rest = parts.join(&b'/');
    let path = at.path_of(&rest);
    let directory = at.directory.directory(&rest).ok().filter(|_| path.len() < LONGEST_PATH)?;
    Some(Rc::new(Spot { directory, path }))
}

fn cannot_open(error: Errno) -> Error {
    Error::from_errno("cannot open its directory", error)
}

/// One step down; ELOOP where the name is a symlink's.
fn step(at: &Spot, part: &[u8], missing: Missing) -> Result<Directory, Errno> {
    let make = || {
        at.directory.make_directory(part)?;
        at.directory.directory(part)
    };
    match at.directory.directory(part) {
        Err(Errno::ENOENT) if missing == Missing::Make => make(),
        // Removed first and then filled again: nothing of the layers below may show through.
        Err(Errno::ENOTDIR) if missing == Missing::Make && is_whiteout(&at.directory, part) => {
            at.directory.remove(part)?;
            let directory = make()?;
            mark_opaque(&directory)?;
            Ok(directory)
        }
        other => other,
    }
}

pub fn mark_opaque(directory: &Directory) -> Result<(), Errno> {
    mark_opaque_by(|name, value| beneath::set_attribute(directory.as_fd(), name, value))
}

pub fn mark_held_opaque(directory: &Held) -> Result<(), Errno> {
    mark_opaque_by(|name, value| directory.set_attribute(name, value))
}

/// For overlay as root and for overlay in a user namespace, which reads the other of the two.
fn mark_opaque_by(set: impl Fn(&[u8], &[u8]) -> Result<(), Errno>) -> Result<(), Errno> {
    match set(b"trusted.overlay.opaque", b"y") {
        // Without CAP_SYS_ADMIN the first cannot be set, nor will it ever be read.
        Ok(()) | Err(Errno::EPERM) => {}
        Err(e) => return Err(e),
    }
    match set(b"user.overlay.opaque", b"y") {
        // A tmpfs has no user attributes before kernel 6.6; root's own mounts read the other one.
        Err(Errno::EOPNOTSUPP) => Ok(()),
        other => other,
    }
}

pub fn is_whiteout(parent: &Directory, name: &[u8]) -> bool {
    const CHARACTER_DEVICE: u32 = 0o020000;
    parent.look(name).is_ok_and(|found| found.st_rdev == 0 && found.st_mode & 0o170000 == CHARACTER_DEVICE)
}
