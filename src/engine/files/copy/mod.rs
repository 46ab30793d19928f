//! `cp`: files of a container come out to the host, and files of the host go in.
//!
//! A copy is an archive that is packed on one side and unpacked on the other, also where nobody sees it: so `-` is the same as any
//! other source or target. On each side names are looked up in an open root (`place.rs`): `/` of the host for the caller's own
//! paths, the container's for the container's. What is copied where follows Docker's rules (`landing.rs`). `gather.rs` walks over
//! the source, `image/packed/put.rs` puts down what comes.
//!
//! The container may change all of its files while they are copied, and mean harm (CVE-2018-15664, CVE-2019-14271). It cannot lead
//! us anywhere: its names are resolved by the kernel inside of its root, none of its programs and libraries is ever used, its
//! devices and fifos are never opened. What comes out is put down beneath the target without following any link.

mod gather;
mod landing;
mod place;

use crate::engine::events;
use crate::engine::files_of::{self, Files};
use crate::error::{Context, Error, Result};
use crate::image::compression;
use crate::image::progress::Part;
use crate::image::put::{self, Owner};
use crate::options::{IdMap, Mount};
use crate::paths::Paths;
use crate::runtime::view::Extent;
use crate::sys::beneath::Directory;
use crate::sys::{Errno, file, identity, threads};
use gather::Gather;
use landing::Landing;
use place::{Source, Target};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Owners, and all that hangs on them, stay as they are.
    pub archive: bool,
    /// A source that is a symlink: what it leads to is copied.
    pub follow: bool,
}

/// Paths on the host are absolute.
pub enum From<'a> {
    Host(&'a str),
    Archive(Box<dyn Read + 'a>),
}

pub enum To<'a> {
    Host(&'a str),
    Archive(&'a mut dyn Write),
}

/// What could not be copied, with the reason: sockets, and devices that are not wished outside.
pub type LeftOut = Vec<String>;

/// The container of one copy, opened. A process is forked for that, so it comes before any thread.
pub struct Container<'a> {
    paths: &'a Paths,
    name: &'a str,
    files: Files,
}

pub fn open<'a>(paths: &'a Paths, name: &'a str) -> Result<Container<'a>> {
    Ok(Container { paths, name, files: files_of::open(paths, name, Extent::Everything)? })
}

impl Container<'_> {
    pub fn copy_out(&self, from: &str, to: To, options: Options, part: &Part) -> Result<LeftOut> {
        let what = || format!("cannot copy {}:{from}", self.name);
        let source = place::source(self.files.root()?, from.as_bytes(), options.follow).with_context(what)?;
        let closed = of_devices(&self.files)?;
        let left_out = match to {
            To::Archive(to) => {
                let mut gather = Gather::new(to, self.files.map().cloned(), true);
                gather.keep_out_of(closed);
                gather.take(&source, source.name().unwrap_or(b".")).and_then(|()| gather.finish()).with_context(what)?
            }
            To::Host(path) => {
                let landing = land(&host()?, &source, path).with_context(what)?;
                let owner = if options.archive { Owner::AsPacked } else { Owner::Stranger(identity::own_uid(), identity::own_gid()) };
                let way = Way { devices: options.archive, closed, owner, from: self.files.map(), to: None };
                transfer(&source, landing, way, part).with_context(what)?
            }
        };
        events::of_container(self.paths, &self.files.record, "archive-path", &[]);
        Ok(left_out)
    }

    pub fn copy_in(&self, from: From, to: &str, options: Options, part: &Part) -> Result<LeftOut> {
        let root = self.files.root()?;
        let what = || format!("cannot copy to {}:{to}", self.name);
        let left_out = match from {
            From::Archive(archive) => {
                let unpacked = self.files.change(|| unpack(archive, root, to, self.files.map(), part));
                unpacked.with_context(what).map(|()| LeftOut::new())?
            }
            From::Host(path) => {
                let source = place::source(&host()?, path.as_bytes(), options.follow).with_context(|| format!("cannot copy {path}"))?;
                let owner = if options.archive { Owner::AsPacked } else { Owner::Given(0, 0) };
                let way = Way { devices: true, closed: None, owner, from: None, to: self.files.map() };
                let landing = self.files.change(|| land(root, &source, to)).with_context(what)?;
                self.files.change(|| transfer(&source, landing, way, part)).with_context(what)?
            }
        };
        if !self.files.is_as_it_was() {
            return Err(Error::conflict(what()).because("the container ended meanwhile").hint("look what has arrived, and copy again"));
        }
        events::of_container(self.paths, &self.files.record, "extract-to-dir", &[]);
        Ok(left_out)
    }
}

/// A tree that belongs to no container comes out into a directory of the caller's; its files become his.
pub fn tree_out(root: &Directory, into: Directory) -> Result<LeftOut> {
    let source = place::source(root, b"/.", false)?;
    let owner = Owner::Stranger(identity::own_uid(), identity::own_gid());
    let way = Way { devices: false, closed: None, owner, from: None, to: None };
    transfer(&source, Landing { into, called: Vec::new() }, way, &Part::default())
}

fn host() -> Result<Directory> {
    Directory::open_root(Path::new("/")).context("cannot open /")
}

fn land(root: &Directory, source: &Source, to: &str) -> Result<Landing> {
    let target = place::target(root, to.as_bytes())?;
    landing::land(source, target)
}

/// An archive tells itself whose its files are. Its names may lead over symlinks of the container, as in its own root.
fn unpack(archive: Box<dyn Read + '_>, root: &Directory, to: &str, users: Option<&IdMap>, part: &Part) -> Result<()> {
    let Target::Directory(into) = place::target(root, to.as_bytes())? else {
        return Err(Error::conflict("it is no directory").hint("an archive is unpacked into a directory that is there"));
    };
    place::check_writable(&into.hold_itself().context("cannot look at it")?)?;
    let archive = Counted { source: archive, part };
    let (_, unpacked) = compression::unpacked(archive).context("cannot read the archive")?;
    let through_links = |path: &[u8]| root.directory_inside(&[to.as_bytes(), b"/", path].concat());
    put::put(unpacked, into, Owner::AsPacked, users, Some(&through_links))
}

/// From one side to the other.
struct Way<'a> {
    devices: bool,
    /// A file system that is not entered.
    closed: Option<u64>,
    owner: Owner,
    /// Whom the users of a container on the one side are outside, and on the other.
    from: Option<&'a IdMap>,
    to: Option<&'a IdMap>,
}

/// One thread packs while we put down.
fn transfer(source: &Source, landing: Landing, way: Way, part: &Part) -> Result<LeftOut> {
    let (read, write) = file::pipe().context("cannot make a pipe")?;
    let (read, write) = (File::from(read), File::from(write));
    let Landing { into, called } = landing;
    let users = way.from.cloned();
    let pack = move || {
        let mut gather = Gather::new(write, users, way.devices);
        gather.keep_out_of(way.closed);
        gather.take(source, &called).and_then(|()| gather.finish())
    };
    let (sent, arrived) = threads::beside(pack, || put::put(Counted { source: read, part }, into, way.owner, way.to, None));
    match (arrived, sent.unwrap_or_else(|_| Err(Error::failed("the packer broke down")))) {
        (Ok(()), sent) => sent,
        // Nobody read on: why, the other side knows.
        (Err(error), Err(sent)) if sent.errno() == Some(Errno::EPIPE) => Err(error),
        (Err(_cut), Err(sent)) => Err(sent),
        (Err(error), Ok(_)) => Err(error),
    }
}

/// The file system of devices that we have mounted for the container: as with Docker it is none of its files. Whoever names
/// something in it gets that.
fn of_devices(files: &Files) -> Result<Option<u64>> {
    if files.record.wishes.mounts.iter().any(|mount| Mount::target(mount) == "/dev") {
        return Ok(None);
    }
    let root = files.root()?;
    let device = |path: &[u8]| root.hold_inside(path).and_then(|held| held.about()).map(|about| about.st_dev);
    Ok(device(b"/dev").ok().filter(|dev| device(b"/") != Ok(*dev)))
}

/// Counts what passes, for whoever wants to show it.
struct Counted<'a, R> {
    source: R,
    part: &'a Part,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.part.advance(count as u64);
        Ok(count)
    }
}
