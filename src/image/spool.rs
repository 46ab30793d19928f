//! An archive of an image, taken apart on disk: its members in any order, each hashed while it is written.

use crate::error::{Context, Error, Result};
use crate::image::digest::Hashing;
use crate::image::{compression, layout};
use crate::paths::Paths;
use crate::store::{self, Lock};
use crate::sys::file::{self, OFlag};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// More members than any image has; each is a file of ours while it is looked at.
const MOST_MEMBERS: usize = 20_000;

/// A directory for half-made things. It is locked while its maker lives, so that others can tell leftovers.
pub struct Workshop {
    pub dir: PathBuf,
    _alive: Lock,
}

impl Workshop {
    pub fn open(paths: &Paths) -> Result<Workshop> {
        store::make_dirs(&paths.unfinished())?;
        sweep(paths);
        let dir = paths.unfinished().join(file::random_id().context("cannot make a name")?);
        store::make_dirs(&dir)?;
        let alive = store::lock(&dir.join(".alive"))?;
        Ok(Workshop { dir, _alive: alive })
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = file::remove_tree(&self.dir);
    }
}

/// Removes workshops whose maker was killed.
fn sweep(paths: &Paths) {
    for entry in std::fs::read_dir(paths.unfinished()).into_iter().flatten().flatten() {
        let alive = entry.path().join(".alive");
        // One without a lock file is being made right now, or was never a workshop: then its age decides.
        let is_old = || {
            entry
                .metadata()
                .and_then(|found| found.modified())
                .ok()
                .and_then(|time| time.elapsed().ok())
                .is_some_and(|age| age.as_secs() > 3600)
        };
        if (alive.exists() && !store::is_held(&alive).unwrap_or(true)) || (!alive.exists() && is_old()) {
            let _ = file::remove_tree(&entry.path());
        }
    }
}

pub struct Member {
    pub file: PathBuf,
    /// Hex.
    pub digest: String,
    pub size: u64,
}

/// The members by their path in the archive.
#[derive(Default)]
pub struct Spool {
    members: HashMap<PathBuf, Member>,
    links: HashMap<PathBuf, PathBuf>,
}

impl Spool {
    /// Everything in a (packed) tar.
    pub fn of_archive(source: impl Read, workshop: &Workshop) -> Result<Spool> {
        let (_, plain) = compression::open(source)?;
        let broken = |error: std::io::Error| Error::damaged("the archive is broken").because(error);
        let mut archive = tar::Archive::new(plain);
        let mut spool = Spool::default();
        for entry in archive.entries().map_err(broken)? {
            let mut entry = entry.map_err(broken)?;
            if spool.members.len() + spool.links.len() >= MOST_MEMBERS {
                return Err(Error::damaged("the archive has too many members to be an image"));
            }
            let path = plain_path(&entry.path().map_err(broken)?);
            match entry.header().entry_type() {
                tar::EntryType::Regular | tar::EntryType::Continuous => {
                    let file = workshop.dir.join(format!("member-{}", spool.members.len()));
                    spool.members.insert(path, keep(&mut entry, file)?);
                }
                // Old docker-archives name a layer that stands twice by a link to its first place.
                tar::EntryType::Symlink | tar::EntryType::Link => {
                    let target = entry.link_name().map_err(broken)?.map(|target| target.into_owned()).unwrap_or_default();
                    let is_hard = entry.header().entry_type() == tar::EntryType::Link;
                    let above = if is_hard { Path::new("") } else { path.parent().unwrap_or(Path::new("")) };
                    spool.links.insert(path.clone(), plain_path(&above.join(target)));
                }
                _ => {}
            }
        }
        Ok(spool)
    }

    /// The same of a directory: an OCI layout as it lies on disk. The files are copied, because they may change under us.
    pub fn of_directory(dir: &Path, workshop: &Workshop) -> Result<Spool> {
        let mut spool = Spool::default();
        for name in ["oci-layout", "index.json", "manifest.json"] {
            spool.take_file(&dir.join(name), Path::new(name), workshop)?;
        }
        let blobs = Path::new("blobs/sha256");
        for entry in std::fs::read_dir(dir.join(blobs)).with_context(|| format!("{} is no OCI layout", dir.display()))?.flatten() {
            spool.take_file(&entry.path(), &blobs.join(entry.file_name()), workshop)?;
        }
        Ok(spool)
    }

    fn take_file(&mut self, from: &Path, name: &Path, workshop: &Workshop) -> Result<()> {
        if !file::is_regular_file(from) || self.members.len() >= MOST_MEMBERS {
            return Ok(());
        }
        let mut source = File::open(from).with_context(|| format!("cannot read {}", from.display()))?;
        let copy = workshop.dir.join(format!("member-{}", self.members.len()));
        self.members.insert(name.to_owned(), keep(&mut source, copy)?);
        Ok(())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn get(&self, name: &str) -> Option<&Member> {
        let mut path = plain_path(Path::new(name));
        for _ in 0..8 {
            match self.links.get(&path) {
                Some(target) => path = target.clone(),
                None => break,
            }
        }
        self.members.get(&path)
    }

    pub fn member(&self, name: &str) -> Result<&Member> {
        self.get(name).ok_or_else(|| Error::damaged("the archive is incomplete").because(format!("{name:.200?} is missing")))
    }

    /// A member that describes something.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let member = self.member(name)?;
        if member.size > layout::LONGEST_DESCRIPTION {
            return Err(Error::damaged(format!("{name:.200?} is too long")).because(format!("{} bytes", member.size)));
        }
        file::read_bounded(&member.file, layout::LONGEST_DESCRIPTION).with_context(|| format!("cannot read {name}"))
    }

    /// The digest of every member is known by now; one that is named by another is a lie.
    pub fn blob(&self, digest: &str) -> Result<(String, &Member)> {
        let hex = crate::image::digest::hex_of(digest)?;
        let name = format!("blobs/sha256/{hex}");
        let member = self.member(&name)?;
        if member.digest != hex {
            return Err(Error::damaged(format!("blob {digest:.19} has another digest"))
                .because(format!("its contents are sha256:{:.12}…", member.digest)));
        }
        Ok((name, member))
    }
}

fn keep(source: &mut impl Read, path: PathBuf) -> Result<Member> {
    let what = || format!("cannot write {}", path.display());
    let made = file::create(&path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600).with_context(what)?;
    let mut hashing = Hashing::new(File::from(made));
    let mut buffer = vec![0; 256 << 10];
    loop {
        let length = source.read(&mut buffer).map_err(|error| Error::damaged("the archive is broken").because(error))?;
        if length == 0 {
            break;
        }
        hashing.write_all(&buffer[..length]).with_context(what)?;
    }
    let (digest, size) = hashing.finish();
    Ok(Member { file: path, digest, size })
}

/// Without `.` and `..`, as text: these are names of members, not paths of ours.
fn plain_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::Normal(name) => plain.push(name),
            std::path::Component::ParentDir => {
                plain.pop();
            }
            _ => {}
        }
    }
    plain
}
