//! One file is made like another one: content, owner, mode, what hangs on it, and its time.

use crate::build::files::carry_out::Options;
use crate::build::files::digest;
use crate::build::files::look::{Kind, Look};
use crate::build::files::walk::Entry;
use crate::error::{Context, Error, Kind as Wrong, Result};
use crate::image::shown_bytes;
use crate::sys::beneath::{self, Attribute, Directory, Held, Node};
use crate::sys::{Errno, file, mount};
use std::os::fd::{AsFd, OwnedFd};

/// A file up to this size is read and written in one piece.
pub const BUFFER: usize = 256 << 10;
const MAKE: &str = "cannot make it";
const LOOK: &str = "cannot look at it";

pub struct Maker<'a> {
    pub options: &'a Options,
    pub keeps_owners: bool,
}

impl Maker<'_> {
    /// Anything but a directory. Returns its bytes.
    pub fn copy(&self, from: &Directory, entry: &Entry, into: &Directory, name: &[u8], buffer: &mut [u8]) -> Result<u64> {
        let held = from.hold(&entry.name).map_err(gone)?;
        let look = &entry.look;
        if Look::of(&held.about().context(LOOK)?).kind() != look.kind() {
            return Err(changed());
        }
        let attributes = held.attributes().context("cannot read its attributes")?;
        let (major, minor) = mount::device_numbers(look.stands_for);
        let (major, minor) = (u32::try_from(major).unwrap_or(0), u32::try_from(minor).unwrap_or(0));
        match look.kind() {
            Kind::File => return self.file(&held, entry, &attributes, into, name, buffer),
            Kind::Symlink => {
                let text = held.link_text().context("cannot read it")?;
                replacing(into, name, |name| into.make_symlink(name, &text))?;
            }
            Kind::Character => node(into, name, Node::Character(major, minor))?,
            Kind::Block => node(into, name, Node::Block(major, minor))?,
            Kind::Fifo => node(into, name, Node::Fifo)?,
            Kind::Directory | Kind::Socket => return Ok(0),
        }
        let made = into.hold(name).context(MAKE)?;
        let (uid, gid) = self.owner(look);
        made.set_owner(uid, gid).map_err(owner_refused)?;
        if look.kind() != Kind::Symlink {
            made.set_mode(self.mode(look)).context("cannot set its mode")?;
        }
        hang_on(&attributes, |attribute, value| made.set_attribute(attribute, value))?;
        into.set_time(name, look.modified).context("cannot set its time")?;
        Ok(0)
    }

    fn file(&self, held: &Held, entry: &Entry, attributes: &[Attribute], into: &Directory, name: &[u8], buffer: &mut [u8]) -> Result<u64> {
        let look = &entry.look;
        let source = held.open_to_read().context("cannot open it")?;
        let made = replacing(into, name, |name| into.new_file_with(name, look.mode & 0o777))?;
        let bytes = content(source, &made, look.size, buffer)?;
        if !look.is_still(&Look::of(&held.about().context(LOOK)?)) {
            self.check(entry, into, name, attributes, buffer)?;
        }
        let about = beneath::about(made.as_fd()).context(LOOK)?;
        let (owner, mode) = (self.owner(look), self.mode(look));
        let has_owner = (about.st_uid, about.st_gid) == owner;
        if !has_owner {
            beneath::set_owner(made.as_fd(), owner.0, owner.1).map_err(owner_refused)?;
        }
        if !has_owner || about.st_mode & 0o7777 != mode {
            beneath::set_mode(made.as_fd(), mode).context("cannot set its mode")?;
        }
        hang_on(attributes, |attribute, value| beneath::set_attribute(made.as_fd(), attribute, value))?;
        beneath::set_time(made.as_fd(), look.modified).context("cannot set its time")?;
        Ok(bytes)
    }

    /// The file was touched since it was looked at. That does no harm as long as what was copied is what the key was made of.
    fn check(&self, entry: &Entry, into: &Directory, name: &[u8], attributes: &[Attribute], buffer: &mut [u8]) -> Result<()> {
        let Some(print) = entry.print else { return Ok(()) };
        let copy = into.open_to_read(name).context("cannot read it again")?;
        let content = digest::of_content(&copy, entry.look.size, buffer)?;
        if digest::of(content, attributes) == print { Ok(()) } else { Err(changed()) }
    }

    pub fn finish_directory(&self, from: &Held, entry: &Entry, made: &Directory) -> Result<()> {
        let (uid, gid) = self.owner(&entry.look);
        beneath::set_owner(made.as_fd(), uid, gid).map_err(owner_refused)?;
        beneath::set_mode(made.as_fd(), self.mode(&entry.look)).context("cannot set its mode")?;
        let attributes = from.attributes().context("cannot read its attributes")?;
        hang_on(&attributes, |attribute, value| beneath::set_attribute(made.as_fd(), attribute, value))?;
        beneath::set_time(made.as_fd(), entry.look.modified).context("cannot set its time")
    }

    fn owner(&self, look: &Look) -> (u32, u32) {
        self.options.chown.unwrap_or(if self.keeps_owners { (look.uid, look.gid) } else { (0, 0) })
    }

    fn mode(&self, look: &Look) -> u32 {
        match &self.options.chmod {
            Some(chmod) => chmod.of(look.mode & 0o7777, look.is_directory()),
            None => look.mode & 0o7777,
        }
    }
}

/// As much as there was when it was listed.
fn content(source: OwnedFd, made: &OwnedFd, size: u64, buffer: &mut [u8]) -> Result<u64> {
    const COPY: &str = "cannot copy it";
    if size > buffer.len() as u64 {
        file::copy_content(source, made.as_fd()).context(COPY)?;
        beneath::set_length(made.as_fd(), size).context(COPY)?;
        return Ok(size);
    }
    let mut have = 0;
    while have < size as usize {
        match file::read(source.as_fd(), &mut buffer[have..size as usize]).context(COPY)? {
            0 => break,
            count => have += count,
        }
    }
    let bytes = &buffer[..have];
    if have > 0 && bytes.iter().all(|byte| *byte == 0) {
        // Nothing but zeros need not take any room.
        beneath::set_length(made.as_fd(), have as u64).context(COPY)?;
    } else {
        file::write_all(made.as_fd(), bytes).context(COPY)?;
    }
    Ok(have as u64)
}

fn node(into: &Directory, name: &[u8], node: Node) -> Result<()> {
    replacing(into, name, |name| into.make_node(name, node)).map_err(|error| match error.errno() {
        Some(Errno::EPERM) => error.of_kind(Wrong::CannotKeep).hint("only root makes devices; leave it out with --exclude"),
        _ => error,
    })
}

/// Makes something under a name; what has the name already gives way, unless it is a directory.
pub fn replacing<T>(into: &Directory, name: &[u8], make: impl Fn(&[u8]) -> Result<T, Errno>) -> Result<T> {
    match make(name) {
        Err(Errno::EEXIST) => {}
        other => return other.context(MAKE),
    }
    match into.unlink(name) {
        Ok(()) => make(name).context(MAKE),
        Err(Errno::EISDIR) => Err(Error::conflict("a file cannot take the place of a directory")),
        Err(e) => Err(Error::from_errno("cannot replace what has its name", e)),
    }
}

fn hang_on(attributes: &[Attribute], set: impl Fn(&[u8], &[u8]) -> Result<(), Errno>) -> Result<()> {
    for (name, value) in attributes.iter().filter(|(name, _)| digest::travels(name)) {
        match set(name, value) {
            // This kind of file or file system keeps no such attribute; only a lost capability changes what a program can do.
            Err(Errno::EOPNOTSUPP | Errno::EPERM) if name != b"security.capability" => {}
            other => other.with_context(|| format!("cannot set its attribute {}", shown_bytes(name)))?,
        }
    }
    Ok(())
}

fn owner_refused(errno: Errno) -> Error {
    let error = Error::from_errno("cannot give it its owner", errno);
    match errno {
        Errno::EINVAL | Errno::EPERM => {
            error.of_kind(Wrong::CannotKeep).hint("there is no such id in your range of /etc/subuid or /etc/subgid")
        }
        _ => error,
    }
}

/// What was listed cannot be opened.
pub fn gone(errno: Errno) -> Error {
    match errno {
        Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR => changed(),
        errno => Error::from_errno("cannot open it", errno),
    }
}

pub fn changed() -> Error {
    Error::new(Wrong::Changed, "it was changed while it was copied").hint("build again when nobody writes there")
}
