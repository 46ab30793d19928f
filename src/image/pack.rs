//! Writes archives: a tree of files as the entries of a tar, in the form that POSIX calls PAX.
//!
//! The tree may be a container's that runs, and changes under our hands. So each name is looked up beneath the directory and held;
//! what is held is described, and that very file is read. What has gone meanwhile is left out, what has become shorter is filled
//! with zeros: the archive is always whole, and nothing of the host gets into it.
//!
//! As a layer (`Form::Layer`) it tells what overlayfs keeps as devices and attributes in the words of layers: `.wh.NAME`, `.wh..wh..opq`.

use crate::error::{Context, Error, Result};
use crate::image::entries::shown_bytes;
use crate::sys::beneath::{Directory, FileStat, Held};
use crate::sys::{Errno, mount};
use std::collections::HashMap;
use std::io::{Read, Write};
use tar::Header;

const BLOCK: usize = 512;
const BUFFER: usize = 256 << 10;
/// What fits into a header; more goes into a record before it.
const LONGEST_NAME: usize = 100;
const LARGEST_ID: u32 = 0o7_777_777;
const LARGEST_SIZE: u64 = 0o77_777_777_777;

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
    /// The first name of each file that has several: inode to name in the archive.
    names: HashMap<(u64, u64), Vec<u8>>,
    buffer: Vec<u8>,
}

/// What one entry says of itself.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub kind: u8,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds since 1970.
    pub modified: i64,
    pub size: u64,
    pub link: Vec<u8>,
    pub device: (u32, u32),
    /// Names and values of extended attributes.
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl<W: Write> Pack<W> {
    pub fn new(out: W, form: Form) -> Pack<W> {
        Pack { out, form, names: HashMap::new(), buffer: vec![0; BUFFER] }
    }

    /// What is called `name` in `parent`, with all that is below it; in the archive it is called `called`.
    pub fn add(&mut self, parent: &Directory, name: &[u8], called: &[u8]) -> Result<()> {
        let mut waiting = vec![(name.to_vec(), called.to_vec())];
        while let Some((path, called)) = waiting.pop() {
            let Some(held) = still_there(parent.hold(&path)).with_context(|| cannot_pack(&path))? else { continue };
            let about = held.about().with_context(|| cannot_pack(&path))?;
            self.one(&held, &about, &called)?;
            if about.st_mode & kind::MASK == kind::DIRECTORY {
                let below = still_there(parent.directory(&path)).with_context(|| cannot_pack(&path))?;
                let names = below.map_or(Ok(Vec::new()), |below| below.names()).with_context(|| cannot_pack(&path))?;
                waiting.extend(in_order(names).map(|name| (joined(&path, &name), joined(&called, &name))));
            }
        }
        Ok(())
    }

    /// All that is in a directory, but not the directory itself; `prefix` goes before its names.
    pub fn add_contents(&mut self, directory: &Directory, prefix: &[u8]) -> Result<()> {
        let names = directory.names().context("cannot read a directory")?;
        // The last of the reverse order comes first.
        let names: Vec<Vec<u8>> = in_order(names).collect();
        names.iter().rev().try_for_each(|name| self.add(directory, name, &joined(prefix, name)))
    }

    /// Something that is held, without what is below it.
    pub fn one(&mut self, held: &Held, about: &FileStat, called: &[u8]) -> Result<()> {
        let what = about.st_mode & kind::MASK;
        let (major, minor) = mount::device_numbers(about.st_rdev);
        let mut entry = Entry {
            mode: about.st_mode & 0o7777,
            uid: about.st_uid,
            gid: about.st_gid,
            modified: about.st_mtime,
            device: (major as u32, minor as u32),
            ..Entry::default()
        };
        if self.form == Form::Layer && what == kind::CHARACTER && about.st_rdev == 0 {
            return self.whiteout(called, entry);
        }
        let attributes = held.attributes().with_context(|| cannot_pack(called))?;
        let is_opaque = what == kind::DIRECTORY && self.form == Form::Layer && attributes.iter().any(is_opaque_mark);
        entry.attributes = attributes.into_iter().filter(|(name, _)| travels(name)).collect();
        if what != kind::DIRECTORY && about.st_nlink > 1 {
            if let Some(first) = self.names.get(&(about.st_dev, about.st_ino)) {
                let (kind, link, attributes) = (b'1', first.clone(), Vec::new());
                return self.entry(called, &Entry { kind, link, attributes, ..entry }, std::io::empty());
            }
            self.names.insert((about.st_dev, about.st_ino), called.to_vec());
        }
        entry.kind = match what {
            kind::FILE => return self.file(held, called, Entry { kind: b'0', ..entry }),
            kind::DIRECTORY => b'5',
            kind::CHARACTER => b'3',
            kind::BLOCK => b'4',
            kind::FIFO => b'6',
            kind::SYMLINK => {
                entry.link = held.link_text().with_context(|| cannot_pack(called))?;
                b'2'
            }
            // A socket is nothing without the process behind it; tar has no word for it.
            _ => return Ok(()),
        };
        let name = if entry.kind == b'5' { joined(called, b"") } else { called.to_vec() };
        self.entry(&name, &entry, std::io::empty())?;
        if is_opaque {
            let mark = Entry { kind: b'0', mode: 0o644, attributes: Vec::new(), ..entry };
            self.entry(&joined(called, b".wh..wh..opq"), &mark, std::io::empty())?;
        }
        Ok(())
    }

    fn whiteout(&mut self, called: &[u8], entry: Entry) -> Result<()> {
        let at = called.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        let name = [&called[..at], b".wh.", &called[at..]].concat();
        self.entry(&name, &Entry { kind: b'0', device: (0, 0), ..entry }, std::io::empty())
    }

    fn file(&mut self, held: &Held, called: &[u8], entry: Entry) -> Result<()> {
        let what = || cannot_pack(called);
        let file = std::fs::File::from(held.open_to_read().with_context(what)?);
        // Its length now: a file that grows is cut there.
        let size = file.metadata().map_err(|e| Error::failed(what()).because(e))?.len();
        self.entry(called, &Entry { size, ..entry }, file)
    }

    /// Bytes that we have made ourselves.
    pub fn bytes(&mut self, called: &[u8], mode: u32, modified: i64, bytes: &[u8]) -> Result<()> {
        self.entry(called, &Entry { kind: b'0', mode, modified, size: bytes.len() as u64, ..Entry::default() }, bytes)
    }

    /// One entry, as it is described.
    pub fn entry(&mut self, called: &[u8], entry: &Entry, data: impl Read) -> Result<()> {
        self.records(called, entry)?;
        let header = header(called, entry);
        self.write(header.as_bytes())?;
        self.data(entry.size, data).with_context(|| cannot_pack(called))
    }

    /// What does not fit into a header stands in one of its own before it.
    fn records(&mut self, called: &[u8], entry: &Entry) -> Result<()> {
        let mut text = Vec::new();
        if called.len() > LONGEST_NAME || !called.is_ascii() {
            record(&mut text, b"path", called);
        }
        if entry.link.len() > LONGEST_NAME || !entry.link.is_ascii() {
            record(&mut text, b"linkpath", &entry.link);
        }
        for (key, id) in [(b"uid", entry.uid), (b"gid", entry.gid)].into_iter().filter(|(_, id)| *id > LARGEST_ID) {
            record(&mut text, key, id.to_string().as_bytes());
        }
        if entry.size > LARGEST_SIZE {
            record(&mut text, b"size", entry.size.to_string().as_bytes());
        }
        if entry.modified < 0 || entry.modified as u64 > LARGEST_SIZE {
            record(&mut text, b"mtime", entry.modified.to_string().as_bytes());
        }
        for (name, value) in &entry.attributes {
            record(&mut text, &[b"SCHILY.xattr.", &name[..]].concat(), value);
        }
        if text.is_empty() {
            return Ok(());
        }
        let about = Entry { kind: b'x', mode: 0o644, size: text.len() as u64, ..Entry::default() };
        let header = header(b"PaxHeaders/entry", &about);
        self.write(header.as_bytes())?;
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

/// For a stack: the first name is the last, so that it is taken first. An archive of the same tree is always the same.
fn in_order(mut names: Vec<Vec<u8>>) -> impl Iterator<Item = Vec<u8>> {
    names.sort_unstable_by(|one, other| other.cmp(one));
    names.into_iter()
}

fn joined(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

fn is_opaque_mark((name, value): &(Vec<u8>, Vec<u8>)) -> bool {
    matches!(&name[..], b"trusted.overlay.opaque" | b"user.overlay.opaque") && value == b"y"
}

/// Overlayfs keeps its own books in attributes, and labels belong to the host.
fn travels(name: &[u8]) -> bool {
    const STAY: &[&[u8]] = &[b"trusted.overlay.", b"user.overlay.", b"security.selinux", b"security.ima", b"security.evm"];
    !STAY.iter().any(|stays| name.starts_with(stays))
}

fn header(called: &[u8], entry: &Entry) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().linkflag = [entry.kind];
    copy_cut(&mut header.as_old_mut().name, called);
    copy_cut(&mut header.as_old_mut().linkname, &entry.link);
    header.set_mode(entry.mode);
    header.set_uid(entry.uid.min(LARGEST_ID).into());
    header.set_gid(entry.gid.min(LARGEST_ID).into());
    // Where a record says it, the header says nothing.
    header.set_size(if entry.size > LARGEST_SIZE { 0 } else { entry.size });
    header.set_mtime(u64::try_from(entry.modified).unwrap_or(0).min(LARGEST_SIZE));
    if matches!(entry.kind, b'3' | b'4') {
        // A ustar header has the fields.
        let _ = header.set_device_major(entry.device.0);
        let _ = header.set_device_minor(entry.device.1);
    }
    header.set_cksum();
    header
}

fn copy_cut(field: &mut [u8], text: &[u8]) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text[..length]);
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn record(text: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    text.extend_from_slice(length.to_string().as_bytes());
    text.extend([b" ", key, b"=", value, b"\n"].concat());
}

fn cannot_pack(name: &[u8]) -> String {
    format!("cannot pack {}", shown_bytes(name))
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
}

#[cfg(test)]
mod tests;
