//! What an overlay has written becomes a layer where it lies: each file what the archive says of it, so that nobody can tell whether
//! it was made here or unpacked.
//!
//! The layer will be mounted in every way there is, as root and in user namespaces, and must mean the same in each. So of overlayfs's
//! books only what a layer says stays, which is that nothing shows through a directory; and that in both of its forms.

use crate::image::pack::Entry;
use crate::image::tree;
use crate::sys::Errno;
use crate::sys::beneath::{Attribute, Directory, FileStat, Held, Moment};
use std::os::fd::AsFd;

pub struct Adoption {
    /// Nothing is younger. Seconds since 1970.
    pub latest: Option<i64>,
}

const SYMLINK: u32 = 0o120000;
const KIND: u32 = 0o170000;

impl Adoption {
    pub fn time_of(&self, about: &FileStat) -> Moment {
        let own = (about.st_mtime, about.st_mtime_nsec as u32);
        self.latest.map_or(own, |latest| own.min((latest, 0)))
    }

    /// `entry`: what the archive says. `books`: its attributes that do not travel.
    pub fn settle(&self, held: &Held, about: &FileStat, entry: &Entry, books: &[Attribute], is_opaque: bool) -> Result<(), Errno> {
        if (about.st_uid, about.st_gid) != (entry.uid, entry.gid) {
            held.set_owner(entry.uid, entry.gid)?;
            // Both of these go with the old owner (chown(2)).
            if about.st_mode & KIND != SYMLINK {
                held.set_mode(entry.mode)?;
            }
            let capability = entry.attributes.iter().find(|(name, _)| name == b"security.capability");
            capability.map_or(Ok(()), |(name, value)| held.set_attribute(name, value))?;
        }
        self.close_books(held, books, is_opaque)?;
        self.limit_time(held, about)
    }

    /// It has no entry, and no layer below it.
    pub fn of_root(&self, held: &Held, about: &FileStat, owner: (u32, u32)) -> Result<(), Errno> {
        if (about.st_uid, about.st_gid) != owner {
            held.set_owner(owner.0, owner.1)?;
        }
        self.close_books(held, &held.attributes()?, false)?;
        self.limit_time(held, about)
    }

    fn close_books(&self, held: &Held, attributes: &[Attribute], is_opaque: bool) -> Result<(), Errno> {
        const BOOKS: [&[u8]; 2] = [b"trusted.overlay.", b"user.overlay."];
        let is_mark = |name: &[u8]| is_opaque && matches!(name, b"trusted.overlay.opaque" | b"user.overlay.opaque");
        let books = attributes.iter().map(|(name, _)| &name[..]).filter(|name| BOOKS.iter().any(|books| name.starts_with(books)));
        books.filter(|name| !is_mark(name)).try_for_each(|name| held.remove_attribute(name))?;
        if is_opaque { tree::mark_held_opaque(held) } else { Ok(()) }
    }

    fn limit_time(&self, held: &Held, about: &FileStat) -> Result<(), Errno> {
        let time = self.time_of(about);
        if time == (about.st_mtime, about.st_mtime_nsec as u32) { Ok(()) } else { held.set_time(time) }
    }

    /// What has no word in an archive would be seen here and nowhere else. Its directory does not become younger by that.
    pub fn leave_out(&self, root: &Directory, path: &[u8]) -> Result<(), Errno> {
        let at = path.iter().rposition(|byte| *byte == b'/');
        let (above, name) = at.map_or((&b"."[..], path), |slash| (&path[..slash], &path[slash + 1..]));
        let parent = root.directory(above)?;
        let before = crate::sys::beneath::about(parent.as_fd())?;
        parent.remove(name)?;
        crate::sys::beneath::set_time(parent.as_fd(), (before.st_mtime, before.st_mtime_nsec as u32))
    }
}
