//! The files of an archive of images, in whatever order they come, found by name.
//!
//! Where the archive is a plain file, only its headers are read: each member is then a stretch of it, which several workers
//! can read at once, and nothing is written twice. What comes down a pipe, or packed as a whole, cannot be read a second time
//! and goes to the workplace first, with its digest counted on the way.

use crate::error::{Context, Error, Result};
use crate::image::compression;
use crate::image::digest::{self, Sum, shown};
use crate::image::documents::LONGEST_DOCUMENT;
use crate::image::entries::{Entries, Entry, What, broken, damaged};
use crate::image::limits::Budget;
use crate::image::progress::Progress;
use crate::image::workplace::Workplace;
use crate::sys::file::{self, OFlag};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Many images of many layers fit; an archive of a root file system may have more, and is refused anyway.
const MOST_MEMBERS: usize = 50_000;
/// Nobody calls a blob by more; all names are kept in memory, and a PAX record has room for a megabyte.
const LONGEST_NAME: usize = 1024;

/// Where a file's bytes are.
#[derive(Clone, Debug)]
pub enum Place {
    /// In the archive, from here on.
    Stretch(Arc<File>, u64),
    /// In a layout on disk.
    Apart(PathBuf),
    /// In the workplace, with its digest (hex).
    Spooled(PathBuf, String),
    /// Not on this machine: fetched when it is read, by its digest (`sha256:…`).
    Elsewhere(Arc<dyn Elsewhere>, String),
}

/// Who gives what is not on this machine. What comes is not believed: whoever reads it proves its digest.
pub trait Elsewhere: Send + Sync + Debug {
    fn manifest(&self, digest: &str) -> Result<Vec<u8>>;
    /// From the byte `from` on.
    fn blob(&self, digest: &str, size: u64, from: u64) -> Result<Box<dyn Read + Send>>;
}

#[derive(Clone, Debug)]
pub struct Member {
    pub place: Place,
    pub size: u64,
}

/// A short text, and its digest (hex).
#[derive(Clone, Debug)]
pub struct Document {
    pub text: Vec<u8>,
    pub digest: String,
}

impl Document {
    pub fn new(text: Vec<u8>) -> Document {
        Document { digest: digest::of(&text), text }
    }
}

impl Member {
    pub fn read(&self) -> Result<Box<dyn Read + Send>> {
        Ok(match &self.place {
            Place::Stretch(archive, start) => Box::new(Stretch { file: archive.clone(), at: *start, end: start + self.size }),
            Place::Apart(path) | Place::Spooled(path, _) => {
                let what = || format!("cannot read {}", path.display());
                let fd = file::open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY).with_context(what)?;
                let file = File::from(fd);
                match file.metadata() {
                    Ok(found) if found.is_file() => Box::new(file.take(self.size)),
                    Ok(_) => return Err(damaged(format!("{} is no regular file", path.display()))),
                    Err(e) => return Err(e).with_context(what),
                }
            }
            Place::Elsewhere(there, digest) => there.blob(digest, self.size, 0)?,
        })
    }

    /// Equal for equal bytes; two members may lead to the same place.
    pub fn key(&self) -> String {
        match &self.place {
            Place::Stretch(_, start) => format!("{start}+{}", self.size),
            Place::Apart(path) | Place::Spooled(path, _) => path.display().to_string(),
            Place::Elsewhere(_, digest) => digest.clone(),
        }
    }

    pub fn document(&self, what: &str) -> Result<Document> {
        if self.size > LONGEST_DOCUMENT {
            return Err(damaged(format!("{what} is damaged")).because("it is longer than 4 MiB"));
        }
        let mut text = Vec::new();
        self.read()?.read_to_end(&mut text).map_err(broken).with_context(|| format!("cannot read {what}"))?;
        if text.len() as u64 != self.size {
            return Err(damaged(format!("{what} is cut short")));
        }
        Ok(Document::new(text))
    }
}

enum Listed {
    File(Member),
    /// Old docker archives store a layer once and link the rest.
    Link(String),
}

/// Where members are looked up: in an archive, or in a directory.
pub struct Members(Kind);

enum Kind {
    Archive(BTreeMap<String, Listed>),
    Directory(PathBuf),
}

impl Members {
    pub fn in_directory(path: PathBuf) -> Members {
        Members(Kind::Directory(path))
    }

    /// Of an archive that can be read anywhere: its headers, and not what lies between. `None`: it cannot.
    pub fn list(archive: &File) -> Result<Option<Members>> {
        let Some(whole) = Stretch::whole(archive)? else { return Ok(None) };
        let (file, length) = (whole.file.clone(), whole.end);
        let mut entries = Entries::new(whole);
        let listed = collect(&mut entries, |entries, entry, _| {
            let at = entries.source().at;
            // With the padding: a stream that is cut there is refused as well.
            if [entry.size, entries.until_next()].iter().any(|size| at.checked_add(*size).is_none_or(|end| end > length)) {
                return Err(damaged("the archive is cut in the middle of an entry"));
            }
            entries.pass_over(|source, count| source.at += count);
            Ok(Member { place: Place::Stretch(file.clone(), at), size: entry.size })
        })?;
        Ok(Some(Members(Kind::Archive(listed))))
    }

    /// Of a stream: all its files are taken in.
    pub fn spool(source: impl Read, workplace: &Workplace, budget: &Budget, progress: &Progress) -> Result<Members> {
        let part = progress.begin("archive", None);
        let (_, plain) = compression::unpacked(source).map_err(broken)?;
        let mut entries = Entries::new(plain);
        let listed = collect(&mut entries, |entries, entry, number| {
            let path = workplace.file(&format!("member-{number}"));
            budget.check_announced(entry.size)?;
            let digest = keep(&mut entries.by_ref().take(entry.size), &path, budget, |count| part.advance(count))?;
            Ok(Member { place: Place::Spooled(path, digest), size: entry.size })
        })?;
        part.finish();
        Ok(Members(Kind::Archive(listed)))
    }

    /// `None`: there is no such file.
    pub fn find(&self, name: &str) -> Result<Option<Member>> {
        match &self.0 {
            Kind::Archive(members) => {
                let mut name = normal(name);
                for _ in 0..8 {
                    match members.get(&name) {
                        Some(Listed::File(member)) => return Ok(Some(member.clone())),
                        Some(Listed::Link(to)) => name = to.clone(),
                        None => return Ok(None),
                    }
                }
                Err(damaged(format!("{} is a symlink that leads nowhere", shown(&name))))
            }
            Kind::Directory(root) => {
                let path = root.join(normal(name));
                match std::fs::metadata(&path) {
                    Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(e) => Err(e).with_context(|| format!("cannot read {}", path.display())),
                    Ok(found) if !found.is_file() => Err(damaged(format!("{} is no regular file", path.display()))),
                    Ok(found) => Ok(Some(Member { size: found.len(), place: Place::Apart(path) })),
                }
            }
        }
    }

    pub fn document(&self, name: &str) -> Result<Option<Document>> {
        self.find(name)?.map(|member| member.document(&shown(name))).transpose()
    }
}

/// Walks through an archive; `file` says where the bytes of a file are. Only the last of several members of one name counts.
fn collect<R: Read>(
    entries: &mut Entries<R>,
    mut file: impl FnMut(&mut Entries<R>, &Entry, usize) -> Result<Member>,
) -> Result<BTreeMap<String, Listed>> {
    let mut members = BTreeMap::new();
    let mut number = 0;
    while let Some(entry) = entries.next()? {
        number += 1;
        if number > MOST_MEMBERS {
            return Err(damaged("the archive has too many members").hint("a root file system is taken in with tare import"));
        }
        if entry.name.len() > LONGEST_NAME || entry.link.len() > LONGEST_NAME {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        let link = || String::from_utf8_lossy(&entry.link).into_owned();
        let member = match entry.what {
            What::File if entry.pieces.is_none() => Listed::File(file(entries, &entry, number)?),
            What::Symlink => Listed::Link(normal(&format!("{}/../{}", name, link()))),
            What::HardLink => Listed::Link(normal(&link())),
            _ => continue,
        };
        members.insert(normal(&name), member);
    }
    Ok(members)
}

/// Copies a stream to a new file and learns its digest.
fn keep(source: &mut impl Read, path: &Path, budget: &Budget, seen: impl Fn(u64)) -> Result<String> {
    let failed = |e| Error::from_errno("cannot keep a file of the archive", e);
    let fd = file::create(path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600).map_err(failed)?;
    let mut sum = Sum::default();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return Ok(sum.finish()),
            Ok(count) => {
                budget.spend(count as u64)?;
                sum.add(&buffer[..count]);
                file::write_all(fd.as_fd(), &buffer[..count]).map_err(failed)?;
                seen(count as u64);
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(broken(e)),
        }
    }
}

/// A part of a file that others read at the same time.
struct Stretch {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Stretch {
    /// `None`: a pipe, a file that is not read from its beginning, or a packed one.
    fn whole(archive: &File) -> Result<Option<Stretch>> {
        let what = "cannot read the archive";
        if !archive.metadata().context(what)?.is_file() || io::Seek::stream_position(&mut &*archive).context(what)? != 0 {
            return Ok(None);
        }
        let file = Arc::new(archive.try_clone().context(what)?);
        let whole = Stretch { at: 0, end: file.metadata().context(what)?.len(), file };
        let mut first = [0; 4];
        let count = file::read_at_offset(whole.file.as_fd(), &mut first, 0).context(what)?;
        Ok((compression::of(&first[..count]) == compression::Compression::Plain).then_some(whole))
    }
}

impl Read for Stretch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buffer.len());
        let count = file::read_at_offset(self.file.as_fd(), &mut buffer[..most], self.at)?;
        if count == 0 && most > 0 {
            // Somebody has made the archive shorter meanwhile.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += count as u64;
        Ok(count)
    }
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
