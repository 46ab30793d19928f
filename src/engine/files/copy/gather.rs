//! Walks over what is to be copied and packs it. The tree may be changed while we walk, by somebody who means harm.

use crate::engine::copy::place::{Found, Source};
use crate::error::{Context, Error, Result};
use crate::image::pack::{Form, Pack};
use crate::image::shown_bytes;
use crate::options::IdMap;
use crate::sys::beneath::{Directory, FileStat, Held};
use crate::sys::{Errno, user_namespace};
use std::io::Write;

pub struct Gather<W> {
    pack: Pack<W>,
    /// Whether devices are copied. A container makes its own as it likes, and only its control group keeps them from working: on the
    /// host they would.
    devices: bool,
    /// A file system that is not entered.
    closed: Option<u64>,
    left_out: Vec<String>,
}

impl<W: Write> Gather<W> {
    /// `users`: whom those of the container are outside whose files these are.
    pub fn new(out: W, users: Option<IdMap>, devices: bool) -> Gather<W> {
        Gather { pack: Pack::new(out, Form::Plain).with_users(users), devices, closed: None, left_out: Vec::new() }
    }

    pub fn keep_out_of(&mut self, device: Option<u64>) {
        self.closed = device;
    }

    /// `called`: its name in the archive; empty: what is in it without the directory itself.
    pub fn take(&mut self, source: &Source, called: &[u8]) -> Result<()> {
        match &source.found {
            Found::Other(held) => {
                self.one(held, &held.about().context("cannot look at it")?, called)?;
                // It was all that was asked for.
                self.left_out.pop().map_or(Ok(()), |why| Err(Error::conflict(why)))
            }
            Found::Directory(directory) => self.tree(directory, called),
        }
    }

    fn tree(&mut self, top: &Directory, called: &[u8]) -> Result<()> {
        let itself = top.hold_itself().context("cannot look at it")?;
        let about = itself.about().context("cannot look at it")?;
        if !called.is_empty() {
            self.pack.one(&itself, &about, called)?;
        }
        // Paths and no open directories: however deep a tree is, it takes no descriptors. The last in the list is the next.
        let mut waiting = children(top, b"", about.st_dev)?;
        while let Some((path, file_system)) = waiting.pop() {
            let what = || format!("cannot read {}", shown_bytes(&path));
            let Some(held) = still_there(top.hold(&path)).with_context(what)? else { continue };
            let about = held.about().with_context(what)?;
            self.one(&held, &about, &below(called, &path))?;
            if is(&about, DIRECTORY) && (about.st_dev == file_system || !self.is_closed(&held, &about)?) {
                waiting.extend(children(top, &path, about.st_dev)?);
            }
        }
        Ok(())
    }

    /// A mount point that is copied as the empty directory it is to the layers: what the kernel makes up cannot be copied.
    fn is_closed(&self, held: &Held, about: &FileStat) -> Result<bool> {
        Ok(self.closed == Some(about.st_dev) || held.is_kernels_own().context("cannot look at a file system")?)
    }

    fn one(&mut self, held: &Held, about: &FileStat, called: &[u8]) -> Result<()> {
        let is_device = is(about, CHARACTER) || is(about, BLOCK);
        let can_be_made = user_namespace::is_initial();
        if is(about, SOCKET) || (is_device && !(self.devices && can_be_made)) {
            let why = match is_device {
                true if can_be_made => "is a device, and copied only with -a",
                true => "is a device, which only the machine's root makes",
                false => "is a socket",
            };
            self.left_out.push(format!("{} {why}", shown_bytes(called)));
            return Ok(());
        }
        self.pack.one(held, about, called)
    }

    /// What was left out.
    pub fn finish(self) -> Result<Vec<String>> {
        self.pack.finish()?;
        Ok(self.left_out)
    }
}

/// What is in a directory, the first name last, each with the file system that it should lie on.
fn children(top: &Directory, path: &[u8], file_system: u64) -> Result<Vec<(Vec<u8>, u64)>> {
    let what = || format!("cannot read {}", shown_bytes(path));
    let directory = still_there(top.directory(if path.is_empty() { b"." } else { path })).with_context(what)?;
    let mut names = directory.map_or(Ok(Vec::new()), |directory| directory.names()).with_context(what)?;
    names.sort_unstable_by(|one, other| other.cmp(one));
    Ok(names.into_iter().map(|name| (below(path, &name), file_system)).collect())
}

fn below(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

/// What has gone, or become something else, since it was listed is left out.
fn still_there<T>(look: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match look {
        Ok(found) => Ok(Some(found)),
        Err(Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR) => Ok(None),
        Err(e) => Err(e),
    }
}

// inode(7)
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const CHARACTER: u32 = 0o020_000;
const BLOCK: u32 = 0o060_000;
const SOCKET: u32 = 0o140_000;

fn is(about: &FileStat, kind: u32) -> bool {
    about.st_mode & KIND == kind
}
