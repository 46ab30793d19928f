//! Puts an archive's entries among files that are there already: for `cp`, into a container or out of it, and for ADD.
//!
//! Not as a layer (`unpack.rs`): a file called `.wh.x` is a file called `.wh.x`, a directory that is there stays and gets what it
//! lacks, and nothing takes the place of a directory, nor a directory that of something else (ADD: the archive is right). A file that is
//! there is replaced by a new one and never opened: it may be a device, a fifo, or a link that somebody has just put there.
//!
//! Where the names of the archive lie beneath a directory, no symlink is followed (`sys/beneath.rs`); somebody who exchanges
//! directories for symlinks meanwhile reaches an error.

use crate::error::{Context, Error, Result};
use crate::image::entries::{Entries, Entry, What, broken, damaged, shown_bytes};
use crate::image::lost;
use crate::image::packed::owners;
use crate::image::unpack::{components, finish, finish_held};
use crate::options::IdMap;
use crate::sys::Errno;
use crate::sys::beneath::{self, Directory, Moment, Node};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

/// Whose the files become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// As the archive says, with everything that hangs on it; root's, where its owner does not exist.
    AsPacked,
    /// This user's and group's. A program that ran with its owner's rights does so only if it has not changed hands.
    Given(u32, u32),
    /// The same, of files from somebody who is not trusted: his root is not ours.
    Stranger(u32, u32),
    /// This user's and group's, with all that hangs on them: whoever says so builds the image, and may give it any power.
    Chosen(u32, u32),
}

/// Opens the directory of this path another way, where a symlink lies on the plain one.
pub type ThroughLinks<'a> = &'a dyn Fn(&[u8]) -> Result<Directory, Errno>;

/// So often somebody may put something else under a name while we want to use it.
const TRIES: usize = 1000;
const BUFFER: usize = 128 << 10;

/// `users`: whom the users of the container are outside that the files are for; `None`: who they are.
pub fn put(source: impl Read, into: Directory, owner: Owner, users: Option<&IdMap>, through_links: Option<ThroughLinks>) -> Result<()> {
    let putting = Putting { into, owner, through_links, archive_wins: false, times: Vec::new(), buffer: vec![0; BUFFER] };
    putting.all(source, users, &mut |_| Ok(()))
}

/// Over what is there, whatever it is. `spend` hears of the bytes of each entry before they are written, and may refuse.
pub fn put_over(
    source: impl Read,
    into: Directory,
    owner: Owner,
    through_links: ThroughLinks,
    spend: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<()> {
    let through_links = Some(through_links);
    let putting = Putting { into, owner, through_links, archive_wins: true, times: Vec::new(), buffer: vec![0; BUFFER] };
    putting.all(source, None, spend)
}

struct Putting<'a> {
    into: Directory,
    owner: Owner,
    through_links: Option<ThroughLinks<'a>>,
    /// Directories give way to what is none, and the other way round.
    archive_wins: bool,
    /// A directory's time changes with everything that is made in it, so it is set at the end.
    times: Vec<(Vec<u8>, Moment)>,
    buffer: Vec<u8>,
}

impl Putting<'_> {
    fn all(mut self, source: impl Read, users: Option<&IdMap>, spend: &mut dyn FnMut(u64) -> Result<()>) -> Result<()> {
        let mut entries = Entries::new(source);
        while let Some(mut entry) = entries.next()? {
            spend(entries.stored())?;
            self.change_hands(&mut entry);
            let known = users.map_or(Ok(()), |users| owners::meant_outside(users, &mut entry));
            let put = known.and_then(|()| self.entry(&entry, &mut entries));
            put.map_err(|error| explain(error).context(format!("cannot put {}", shown_bytes(&entry.name))))?;
        }
        self.set_times();
        Ok(())
    }

    /// What made a file powerful in its owner's hands makes nobody else powerful: as chown(2) does it.
    fn change_hands(&self, entry: &mut Entry) {
        let (uid, gid, keeps) = match self.owner {
            Owner::AsPacked => {
                lost::settle(entry);
                return;
            }
            Owner::Chosen(uid, gid) => {
                (entry.uid, entry.gid) = (uid, gid);
                return;
            }
            Owner::Given(uid, gid) => (uid, gid, (entry.uid, entry.gid) == (uid, gid)),
            Owner::Stranger(uid, gid) => (uid, gid, false),
        };
        (entry.uid, entry.gid) = (uid, gid);
        if keeps {
            return;
        }
        if entry.what != What::Directory {
            entry.mode &= 0o1777;
        }
        entry.attributes.retain(|(name, _)| name.starts_with(b"user."));
    }

    fn entry(&mut self, entry: &Entry, data: &mut Entries<impl Read>) -> Result<()> {
        let parts = components(&entry.name)?;
        // `./`: the directory itself was there before.
        let Some((name, above)) = parts.split_last() else { return Ok(()) };
        let parent = self.directory(above)?;
        match entry.what {
            What::Directory => self.make_directory(&parent, &parts, entry),
            What::File => self.make_file(&parent, name, entry, data),
            What::HardLink => {
                let linked = components(&entry.link)?;
                let Some((old, above)) = linked.split_last() else { return Err(damaged("a hard link to a directory")) };
                let from = self.directory(above)?;
                self.replacing(&parent, name, || parent.make_link(name, &from, old))
            }
            What::Symlink => {
                self.replacing(&parent, name, || parent.make_symlink(name, &entry.link))?;
                finish_made(&parent, name, entry)
            }
            What::Character => self.make_node(&parent, name, entry, Node::Character(entry.device.0, entry.device.1)),
            What::Block => self.make_node(&parent, name, entry, Node::Block(entry.device.0, entry.device.1)),
            What::Fifo => self.make_node(&parent, name, entry, Node::Fifo),
        }
    }

    /// What an archive does not list is made.
    fn directory(&self, parts: &[&[u8]]) -> Result<Directory> {
        const WHAT: &str = "cannot open its directory";
        let path = if parts.is_empty() { b".".to_vec() } else { parts.join(&b'/') };
        match (self.into.directory(&path), self.through_links) {
            (Err(Errno::ELOOP), Some(open)) => open(&path).context(WHAT),
            (Err(Errno::ENOENT), _) => {
                let Some((name, above)) = parts.split_last() else { return Err(Error::from_errno(WHAT, Errno::ENOENT)) };
                let parent = self.directory(above)?;
                match parent.make_directory(name) {
                    Ok(()) | Err(Errno::EEXIST) => parent.directory(name).context(WHAT),
                    Err(e) => Err(Error::from_errno("cannot make its directory", e)),
                }
            }
            (other, _) => other.context(WHAT),
        }
    }

    fn make_directory(&mut self, parent: &Directory, parts: &[&[u8]], entry: &Entry) -> Result<()> {
        let name = parts.last().copied().unwrap_or_default();
        match parent.make_directory(name) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(e) => return Err(Error::from_errno("cannot make it", e)),
        }
        if self.archive_wins && matches!(parent.directory(name), Err(Errno::ENOTDIR | Errno::ELOOP)) {
            parent.unlink(name).and_then(|()| parent.make_directory(name)).context("cannot replace what has its name")?;
        }
        let directory = parent.directory(name).map_err(|errno| match errno {
            Errno::ENOTDIR | Errno::ELOOP => Error::conflict("cannot put a directory in the place of something else"),
            errno => Error::from_errno("cannot open it", errno),
        })?;
        finish(directory.as_fd(), entry)?;
        self.times.push((parts.join(&b'/'), entry.modified));
        Ok(())
    }

    fn make_file(&mut self, parent: &Directory, name: &[u8], entry: &Entry, data: &mut Entries<impl Read>) -> Result<()> {
        match self.replacing(parent, name, || parent.new_file(name)) {
            Ok(file) => {
                self.write(&file, entry, data)?;
                finish(file.as_fd(), entry)?;
                beneath::set_time(file.as_fd(), entry.modified).context("cannot set its time")
            }
            // A mount point cannot be replaced (a container's /etc/hosts, a file that was bound into it): it is written over.
            Err(error) if error.errno() == Some(Errno::EBUSY) => {
                let file = overwrite(parent, name).context("cannot write over it")?;
                self.write(&file, entry, data)
            }
            Err(error) => Err(error),
        }
    }

    /// What is nothing but zeros is not written: it takes no room.
    fn write(&mut self, file: &OwnedFd, entry: &Entry, data: &mut Entries<impl Read>) -> Result<()> {
        const WRITE: &str = "cannot write it";
        for (offset, length) in entry.pieces.clone().unwrap_or_else(|| vec![(0, entry.size)]) {
            let (mut offset, mut left) = (offset, length);
            while left > 0 {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(self.buffer.len());
                let count = data.read(&mut self.buffer[..most]).map_err(broken)?;
                let bytes = &self.buffer[..count];
                if bytes.iter().any(|byte| *byte != 0) {
                    beneath::write_at(file.as_fd(), bytes, offset).context(WRITE)?;
                }
                offset += count as u64;
                left -= count as u64;
            }
        }
        beneath::set_length(file.as_fd(), entry.size).context(WRITE)
    }

    /// Makes something under a name; what has the name already gives way, unless it is a directory.
    fn replacing<T>(&self, parent: &Directory, name: &[u8], make: impl Fn() -> Result<T, Errno>) -> Result<T> {
        for _ in 0..TRIES {
            match make() {
                Err(Errno::EEXIST) => {}
                other => return other.context("cannot make it"),
            }
            if parent.hold(name).and_then(|held| held.is_mount_point()) == Ok(true) {
                return Err(Error::from_errno("cannot replace what is mounted there", Errno::EBUSY));
            }
            match parent.unlink(name) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(Errno::EISDIR) if self.archive_wins => parent.remove(name).context("cannot replace the directory that has its name")?,
                // POSIX has one of them for a directory, Linux the other; a file that must not be changed gives it, too.
                Err(Errno::EISDIR) => return Err(Error::conflict("cannot put it in the place of a directory")),
                Err(e) => return Err(Error::from_errno("cannot replace what has its name", e)),
            }
        }
        Err(Error::conflict("its name is taken again and again"))
    }

    fn make_node(&self, parent: &Directory, name: &[u8], entry: &Entry, node: Node) -> Result<()> {
        self.replacing(parent, name, || parent.make_node(name, node))?;
        finish_made(parent, name, entry)
    }

    /// One that somebody has taken away since needs none.
    fn set_times(&self) {
        for (path, modified) in self.times.iter().rev() {
            if let Ok(directory) = self.into.directory(path) {
                let _ = beneath::set_time(directory.as_fd(), *modified);
            }
        }
    }
}

fn explain(error: Error) -> Error {
    match error.errno() {
        Some(Errno::ELOOP) => Error::conflict("a symlink is in its way"),
        Some(Errno::ENOTDIR) => Error::conflict("what should be its directory is none"),
        Some(Errno::EROFS) => Error::conflict("it is mounted read-only"),
        _ => error,
    }
}

/// Made by name, and so somebody may have put something else there since: that does not become ours.
fn finish_made(parent: &Directory, name: &[u8], entry: &Entry) -> Result<()> {
    let held = parent.hold(name).context("cannot make it")?;
    let kind = match entry.what {
        What::Symlink => SYMLINK,
        What::Character => CHARACTER,
        What::Block => BLOCK,
        _ => FIFO,
    };
    if held.about().context("cannot look at it")?.st_mode & KIND != kind {
        return Err(Error::conflict("something else was put in its place meanwhile"));
    }
    finish_held(&held, entry)?;
    parent.set_time(name, entry.modified).context("cannot set its time")
}

/// Looked at before it is opened: a device would start.
fn overwrite(parent: &Directory, name: &[u8]) -> Result<OwnedFd, Errno> {
    let held = parent.hold(name)?;
    if held.about()?.st_mode & KIND != REGULAR {
        return Err(Errno::EBUSY);
    }
    held.open_to_overwrite()
}

// inode(7)
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;
const BLOCK: u32 = 0o060_000;
const FIFO: u32 = 0o010_000;

#[cfg(test)]
mod tests;
