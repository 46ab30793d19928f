//! The files of an archive of images: each taken in once, in whatever order they come, with its digest counted on the way.
//!
//! They go to the workplace and not to memory. A layer that proves right is renamed into the store, so nothing is written twice.

use crate::error::{Context, Error, Result};
use crate::image::compression;
use crate::image::digest::{Hashing, shown};
use crate::image::documents;
use crate::image::entries::{Entries, What, broken, damaged};
use crate::image::unpack::Limits;
use crate::image::workplace::Workplace;
use crate::sys::file::{self, OFlag};
use std::collections::BTreeMap;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Many images of many layers fit; an archive of a root file system may have more, and is refused anyway.
const MOST_MEMBERS: usize = 50_000;
/// Nobody calls a blob by more; all names are kept in memory, and a PAX record has room for a megabyte.
const LONGEST_NAME: usize = 1024;

/// A file taken in.
#[derive(Clone, Debug)]
pub struct Blob {
    pub path: PathBuf,
    /// Hex.
    pub digest: String,
    pub size: u64,
}

pub enum Member {
    File(Blob),
    /// Old docker archives store a layer once and link the rest.
    Link(String),
}

/// Where members are looked up: in an archive that has been read, or in a directory.
pub enum Members<'a> {
    Archive(BTreeMap<String, Member>),
    Directory(PathBuf, &'a Workplace),
}

impl<'a> Members<'a> {
    pub fn read(source: impl Read, workplace: &'a Workplace, limits: &Limits) -> Result<Members<'a>> {
        let (_, plain) = compression::unpacked(source).map_err(broken)?;
        let mut entries = Entries::new(plain);
        let mut members = BTreeMap::new();
        let (mut total, mut count) = (0u64, 0);
        while let Some(entry) = entries.next()? {
            if entry.name.len() > LONGEST_NAME || entry.link.len() > LONGEST_NAME {
                continue;
            }
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            let link = || String::from_utf8_lossy(&entry.link).into_owned();
            let member = match entry.what {
                What::File if entry.pieces.is_none() => {
                    total = total.saturating_add(entry.size);
                    if total > limits.bytes {
                        return Err(damaged(format!("the archive holds more than {} bytes", limits.bytes))
                            .hint("if you trust it, allow more with --max-layer-size"));
                    }
                    Member::File(take_in(&mut entries.by_ref().take(entry.size), &workplace.file(&format!("member-{count}")))?)
                }
                What::Symlink => Member::Link(normal(&format!("{}/../{}", name, link()))),
                What::HardLink => Member::Link(normal(&link())),
                _ => continue,
            };
            // Not by how many are known: an archive that was added to has a name twice, and the later one counts.
            count += 1;
            if count > MOST_MEMBERS {
                return Err(damaged("the archive has too many members").hint("a root file system is taken in with tare import"));
            }
            members.insert(normal(&name), member);
        }
        Ok(Members::Archive(members))
    }

    /// `None`: there is no such file.
    pub fn blob(&self, name: &str) -> Result<Option<Blob>> {
        match self {
            Members::Archive(members) => {
                let mut name = normal(name);
                for _ in 0..8 {
                    match members.get(&name) {
                        Some(Member::File(blob)) => return Ok(Some(blob.clone())),
                        Some(Member::Link(to)) => name = to.clone(),
                        None => return Ok(None),
                    }
                }
                Err(damaged(format!("{} is a symlink that leads nowhere", shown(&name))))
            }
            Members::Directory(path, workplace) => {
                let source = path.join(normal(name));
                match std::fs::metadata(&source) {
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
                    Ok(found) if !found.is_file() => return Err(damaged(format!("{} is no regular file", source.display()))),
                    _ => {}
                }
                let what = || format!("cannot read {}", source.display());
                let target = workplace.file(&format!("member-{}", &file::random_id().context("cannot make an id")?[..16]));
                let fd = file::open(&source, OFlag::O_RDONLY | OFlag::O_NONBLOCK).with_context(what)?;
                take_in(&mut std::fs::File::from(fd), &target).map(Some).with_context(what)
            }
        }
    }

    /// A short document.
    pub fn text(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.blob(name)?.map(|blob| documents::read(&shown(name), &blob.path)).transpose()
    }
}

/// Copies a stream to a new file and learns its digest.
pub fn take_in(source: &mut impl Read, path: &Path) -> Result<Blob> {
    let failed = |e| Error::from_errno("cannot keep a file of the archive", e);
    let fd = file::create(path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600).map_err(failed)?;
    let mut source = Hashing::new(source);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => file::write_all(fd.as_fd(), &buffer[..count]).map_err(failed)?,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(broken(e)),
        }
    }
    let (digest, size) = source.finish();
    Ok(Blob { path: path.to_owned(), digest, size })
}

/// A key and no path: nothing is opened by this name in an archive, and in a directory it cannot climb out.
fn normal(name: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
