//! Writes archives: a tree of files as the entries of a tar, in the form that POSIX calls PAX.
//!
//! The tree may be a container's that runs, and changes under our hands. So each name is looked up beneath the directory and held;
//! what is held is described, and that very file is read. What has gone meanwhile is left out, what has become shorter is filled
//! with zeros: the archive is always whole, and nothing of the host gets into it.
//!
//! As a layer (`Form::Layer`) it tells what overlayfs keeps as devices and attributes in the words of layers: `.wh.NAME`, `.wh..wh..opq`.

mod adoption;
mod header;
mod overlay;

use crate::error::{Context, Error, Result};
use crate::image::entries::shown_bytes;
use crate::image::packed::owners;
use crate::options::IdMap;
use crate::sys::beneath::{Attribute, Directory, FileStat, Held};
use crate::sys::{Errno, mount};
use adoption::Adoption;
pub use header::Entry;
pub use overlay::is_opaque as is_marked_opaque;
use std::collections::HashMap;
use std::io::{Read, Write};

const BLOCK: usize = 512;
const BUFFER: usize = 256 << 10;
/// Of names that are kept in memory: those that wait for their turn, and those of files that have several. A container may make
/// as many as it likes.
const MOST_NAMES: usize = 256 << 20;
/// What a name costs beside its letters.
const OVERHEAD: usize = 64;

/// How what overlayfs has hidden is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it lies there.
    Plain,
    /// As a layer of an image.
    Layer,
}

pub struct Pack<W> {
    out: W,
    form: Form,
    /// Whom the users of the container are outside whose files these are; `None`: who they are.
    users: Option<IdMap>,
    /// What is packed becomes what the archive says.
    adoption: Option<Adoption>,
    /// Bytes of files that are in the archive.
    size: u64,
    /// Files that have several names, until all of them were met.
    links: HashMap<(u64, u64), Link>,
    /// For names that are kept in memory.
    room: usize,
    buffer: Vec<u8>,
}

/// The first name of a file in the archive, and how many others it had then.
struct Link {
    name: Vec<u8>,
    others: u64,
    owner: (u32, u32),
}

/// A directory that is being packed, and what is still to come of it.
struct Level {
    path: Vec<u8>,
    called: Vec<u8>,
    names: std::vec::IntoIter<Vec<u8>>,
    room: usize,
}

impl<W: Write> Pack<W> {
    pub fn new(out: W, form: Form) -> Pack<W> {
        Pack { out, form, users: None, adoption: None, size: 0, links: HashMap::new(), room: MOST_NAMES, buffer: vec![0; BUFFER] }
    }

    /// The tree itself becomes the layer that the archive tells of; nothing in it is younger than `latest`.
    pub fn adopting(self, latest: Option<i64>) -> Pack<W> {
        Pack { adoption: Some(Adoption { latest }), ..self }
    }

    pub fn with_users(self, users: Option<IdMap>) -> Pack<W> {
        Pack { users, ..self }
    }

    /// What is called `name` in `parent`, with all that is below it; in the archive it is called `called`.
    pub fn add(&mut self, parent: &Directory, name: &[u8], called: &[u8]) -> Result<()> {
        let mut levels: Vec<Level> = self.add_one(parent, name, called)?.into_iter().collect();
        while let Some(level) = levels.last_mut() {
            match level.names.next() {
                Some(name) => {
                    let (path, called) = (joined(&level.path, &name), joined(&level.called, &name));
                    levels.extend(self.add_one(parent, &path, &called)?);
                }
                None => {
                    self.room += level.room;
                    levels.pop();
                }
            }
        }
        Ok(())
    }

    /// All that is in a directory, but not the directory itself; `prefix` goes before its names.
    pub fn add_contents(&mut self, directory: &Directory, prefix: &[u8]) -> Result<()> {
        let level = self.level(directory, Vec::new(), Vec::new())?;
        for name in level.names {
            self.add(directory, &name, &joined(prefix, &name))?;
        }
        self.room += level.room;
        Ok(())
    }

    /// The directory itself, if it is not what the root of a layer is that says nothing of it.
    pub fn add_root(&mut self, directory: &Directory) -> Result<()> {
        const USUAL: (u32, (u32, u32)) = (0o755, (0, 0));
        let held = directory.hold_itself().map_err(|e| refused(b".", e))?;
        let about = held.about().map_err(|e| refused(b".", e))?;
        let owner = self
            .users
            .as_ref()
            .map_or((about.st_uid, about.st_gid), |users| owners::seen_inside(users, (about.st_uid, about.st_gid), &mut []));
        if (about.st_mode & 0o7777, owner) == USUAL {
            return self.adoption.as_ref().map_or(Ok(()), |adoption| adoption.of_root(&held, &about, owner)).map_err(|e| refused(b".", e));
        }
        self.one(&held, &about, b".")
    }

    fn add_one(&mut self, parent: &Directory, path: &[u8], called: &[u8]) -> Result<Option<Level>> {
        let Some(held) = still_there(parent.hold(path)).map_err(|e| refused(path, e))? else { return Ok(None) };
        let about = held.about().map_err(|e| refused(path, e))?;
        self.one(&held, &about, called)?;
        if about.st_mode & kind::MASK == kind::SOCKET
            && let Some(adoption) = &self.adoption
        {
            adoption.leave_out(parent, path).map_err(|e| refused(path, e))?;
        }
        if about.st_mode & kind::MASK != kind::DIRECTORY {
            return Ok(None);
        }
        let Some(below) = still_there(parent.directory(path)).map_err(|e| refused(path, e))? else { return Ok(None) };
        self.level(&below, path.to_vec(), called.to_vec()).map(Some)
    }

    /// In the order of their names: an archive of the same tree is always the same.
    fn level(&mut self, directory: &Directory, path: Vec<u8>, called: Vec<u8>) -> Result<Level> {
        let mut names = directory.names_within(self.room, OVERHEAD).map_err(|e| refused(&path, e))?;
        let room = names.iter().map(|name| name.len() + OVERHEAD).sum();
        self.room -= room;
        names.sort_unstable();
        // Somebody who renames meanwhile may show the same name twice.
        names.dedup();
        Ok(Level { path, called, names: names.into_iter(), room })
    }

    /// Something that is held, without what is below it.
    pub fn one(&mut self, held: &Held, about: &FileStat, called: &[u8]) -> Result<()> {
        let what = about.st_mode & kind::MASK;
        let (major, minor) = mount::device_numbers(about.st_rdev);
        let mut entry = Entry {
            mode: about.st_mode & 0o7777,
            uid: about.st_uid,
            gid: about.st_gid,
            modified: self.adoption.as_ref().map_or(about.st_mtime, |adoption| adoption.time_of(about).0),
            device: (major as u32, minor as u32),
            ..Entry::default()
        };
        entry.kind = match what {
            kind::FILE => b'0',
            kind::DIRECTORY => b'5',
            kind::CHARACTER => b'3',
            kind::BLOCK => b'4',
            kind::FIFO => b'6',
            kind::SYMLINK => b'2',
            // A socket is nothing without the process behind it; tar has no word for it.
            _ => return Ok(()),
        };
        if self.form == Form::Layer && overlay::is_whiteout(what, about.st_rdev) {
            return self.whiteout(called, entry);
        }
        let mut attributes = held.attributes().map_err(|e| refused(called, e))?;
        if let Some(users) = &self.users {
            (entry.uid, entry.gid) = owners::seen_inside(users, (entry.uid, entry.gid), &mut attributes);
        }
        let is_opaque = what == kind::DIRECTORY && self.form == Form::Layer && overlay::is_opaque(&attributes);
        if self.form == Form::Layer {
            overlay::check(called, &attributes)?;
        }
        let (travels, books): (_, Vec<Attribute>) = attributes.into_iter().partition(|(name, _)| overlay::travels(name));
        entry.attributes = travels;
        if what != kind::DIRECTORY && about.st_nlink > 1 {
            if let Some((link, (uid, gid))) = self.linked(about) {
                let entry = Entry { kind: b'1', link, uid, gid, attributes: Vec::new(), ..entry };
                return self.entry(called, &entry, std::io::empty());
            }
            self.remember(about, called, (entry.uid, entry.gid))?;
        }
        if let Some(adoption) = &self.adoption {
            adoption.settle(held, about, &entry, &books, is_opaque).map_err(|e| refused(called, e))?;
        }
        if what == kind::FILE {
            return self.file(held, called, entry);
        }
        if what == kind::SYMLINK {
            entry.link = held.link_text().map_err(|e| refused(called, e))?;
        }
        let name = if what == kind::DIRECTORY { joined(called, b"") } else { called.to_vec() };
        self.entry(&name, &entry, std::io::empty())?;
        if is_opaque {
            let mark = Entry { kind: b'0', mode: 0o644, attributes: Vec::new(), ..entry };
            self.entry(&joined(called, overlay::OPAQUE), &mark, std::io::empty())?;
        }
        Ok(())
    }

    /// The name under which this file is in the archive already, and whose it is there.
    fn linked(&mut self, about: &FileStat) -> Option<(Vec<u8>, (u32, u32))> {
        let key = (about.st_dev, about.st_ino);
        let link = self.links.get_mut(&key)?;
        link.others = link.others.saturating_sub(1);
        if link.others > 0 {
            return Some((link.name.clone(), link.owner));
        }
        let Link { name, owner, .. } = self.links.remove(&key)?;
        self.room += name.len() + OVERHEAD;
        Some((name, owner))
    }

    fn remember(&mut self, about: &FileStat, called: &[u8], owner: (u32, u32)) -> Result<()> {
        let left = self.room.checked_sub(called.len() + OVERHEAD);
        self.room = left.ok_or_else(|| refused(called, Errno::E2BIG))?;
        self.links.insert((about.st_dev, about.st_ino), Link { name: called.to_vec(), others: about.st_nlink - 1, owner });
        Ok(())
    }

    fn whiteout(&mut self, called: &[u8], entry: Entry) -> Result<()> {
        let at = called.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        let name = [&called[..at], overlay::WHITEOUT, &called[at..]].concat();
        self.entry(&name, &Entry { kind: b'0', device: (0, 0), ..entry }, std::io::empty())
    }

    fn file(&mut self, held: &Held, called: &[u8], entry: Entry) -> Result<()> {
        let file = std::fs::File::from(held.open_to_read().map_err(|e| refused(called, e))?);
        // Its length now: a file that grows is cut there.
        let size = file.metadata().map_err(|e| Error::failed(cannot_pack(called)).because(e))?.len();
        self.size += size;
        self.entry(called, &Entry { size, ..entry }, file)
    }

    /// Bytes of all files that were packed, each counted once.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that we have made ourselves.
    pub fn bytes(&mut self, called: &[u8], mode: u32, modified: i64, bytes: &[u8]) -> Result<()> {
        self.entry(called, &Entry { kind: b'0', mode, modified, size: bytes.len() as u64, ..Entry::default() }, bytes)
    }

    /// One entry, as it is described.
    pub fn entry(&mut self, called: &[u8], entry: &Entry, data: impl Read) -> Result<()> {
        self.records(called, entry)?;
        self.write(header::header(called, entry).as_bytes())?;
        self.data(entry.size, data).with_context(|| cannot_pack(called))
    }

    /// What does not fit into a header stands in one of its own before it.
    fn records(&mut self, called: &[u8], entry: &Entry) -> Result<()> {
        let text = header::records(called, entry);
        if text.is_empty() {
            return Ok(());
        }
        let about = Entry { kind: b'x', mode: 0o644, size: text.len() as u64, ..Entry::default() };
        self.write(header::header(b"PaxHeaders/entry", &about).as_bytes())?;
        self.data(about.size, &text[..])
    }

    fn data(&mut self, size: u64, data: impl Read) -> Result<()> {
        let (mut data, mut left) = (data.take(size), size);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
            let count = match data.read(&mut self.buffer[..most]) {
                // It has become shorter since it was described.
                Ok(0) => {
                    self.buffer[..most].fill(0);
                    most
                }
                Ok(count) => count,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(from_io("cannot read it", &e)),
            };
            self.out.write_all(&self.buffer[..count]).map_err(|e| not_written(&e))?;
            left -= count as u64;
        }
        let padding = (BLOCK - (size % BLOCK as u64) as usize) % BLOCK;
        self.write(&[0; BLOCK][..padding])
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|e| not_written(&e))
    }

    /// The end mark: two empty blocks.
    pub fn finish(mut self) -> Result<W> {
        self.write(&[0; 2 * BLOCK])?;
        self.out.flush().map_err(|e| not_written(&e))?;
        Ok(self.out)
    }
}

/// Of what a container may change at any moment.
fn still_there<T>(look: std::result::Result<T, Errno>) -> std::result::Result<Option<T>, Errno> {
    match look {
        Ok(found) => Ok(Some(found)),
        Err(Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR) => Ok(None),
        Err(e) => Err(e),
    }
}

fn joined(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

fn cannot_pack(name: &[u8]) -> String {
    format!("cannot pack {}", shown_bytes(name))
}

fn refused(name: &[u8], errno: Errno) -> Error {
    let error = Error::failed(cannot_pack(name));
    match errno {
        Errno::ENAMETOOLONG => error.because("its path is longer than the 4095 bytes with which anybody could name it again"),
        Errno::E2BIG => error.because("there are more names than memory should be filled with"),
        errno => Error::from_errno(cannot_pack(name), errno),
    }
}

fn not_written(error: &std::io::Error) -> Error {
    from_io("cannot write the archive", error)
}

fn from_io(what: &str, error: &std::io::Error) -> Error {
    match error.raw_os_error() {
        Some(number) => Error::from_errno(what, Errno::from_raw(number)),
        None => Error::failed(what).because(error),
    }
}

/// What a file is: inode(7).
mod kind {
    pub const MASK: u32 = 0o170000;
    pub const FILE: u32 = 0o100000;
    pub const DIRECTORY: u32 = 0o040000;
    pub const SYMLINK: u32 = 0o120000;
    pub const CHARACTER: u32 = 0o020000;
    pub const BLOCK: u32 = 0o060000;
    pub const FIFO: u32 = 0o010000;
    pub const SOCKET: u32 = 0o140000;
}

#[cfg(test)]
mod tests;
