//! Puts a selection where the instruction wants it, in a root that is mounted and ours to write.
//!
//! Directories are made first, then their files by several threads, then names of files that have several, and at the end directories
//! get what they should be, because whatever is made in one changes its time.

use crate::build::files::add::archive;
use crate::build::files::chmod::Chmod;
use crate::build::files::look::{Kind, Look};
use crate::build::files::make::{self, Maker};
use crate::build::files::select::{Pick, Selection, What};
use crate::build::files::target::{Landing, Target};
use crate::build::files::walk::{Entry, Level, below, or_itself};
use crate::error::{Context, Error, Result};
use crate::image::shown_bytes;
use crate::sys::beneath::Directory;
use crate::sys::{Errno, threads};
use crate::trace::{self, Step};
use std::collections::{HashMap, HashSet, hash_map};
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `None`: root's, or, of a stage's files, whose they are.
    pub chown: Option<(u32, u32)>,
    pub chmod: Option<Chmod>,
}

/// What is copied by one instruction, in its order.
pub struct Part<'a, 't> {
    pub selection: &'a Selection<'t>,
    /// Archives among the files are unpacked.
    pub unpacks: bool,
}

/// Files that one thread takes at once: each time it opens the two directories.
const AT_ONCE: usize = 64;
/// So few files are copied quicker by one than threads are made.
const FEW: usize = 32;

/// Returns how many bytes were copied. `root`: the files of the image; for `--link` an empty directory that becomes the layer, so that
/// nothing below can be seen and no symlink followed.
pub fn carry_out(selection: &Selection, target: &str, workdir: &str, options: &Options, root: &Directory) -> Result<u64> {
    carry_out_all(&[Part { selection, unpacks: false }], target, workdir, options, root)
}

pub fn carry_out_all(parts: &[Part], target: &str, workdir: &str, options: &Options, root: &Directory) -> Result<u64> {
    trace::begin(Step::CopyFiles);
    let target = Target::of(target, workdir);
    let several = parts.iter().map(|part| part.selection.picks.len()).sum::<usize>() > 1;
    let mut bytes = 0;
    for (part, pick) in parts.iter().flat_map(|part| part.selection.picks.iter().map(move |pick| (part, pick))) {
        let tree = part.selection.tree;
        let copied = match if part.unpacks { archive_of(tree.root(), pick)? } else { None } {
            Some(archive) => {
                target.land_archive(root, options.chown.unwrap_or_default()).and_then(|into| archive::unpack(archive, into, options.chown))
            }
            None => {
                let landing = target.land(root, pick, several, options.chown.unwrap_or_default())?;
                let maker = Maker { options, keeps_owners: tree.keeps_owners() };
                Copying { from: tree.root(), pick, root, landing, maker }.all()
            }
        };
        bytes += copied.map_err(|error| error.context(format!("cannot copy {:?}", pick.named)))?;
    }
    Ok(bytes)
}

/// What is in a single file, if that is an archive.
fn archive_of(from: &Directory, pick: &Pick) -> Result<Option<impl Read + use<>>> {
    let (What::File { .. }, [level]) = (&pick.what, &pick.levels[..]) else { return Ok(None) };
    let Some(entry) = level.entries.first().filter(|entry| entry.look.kind() == Kind::File) else { return Ok(None) };
    let held = from.hold(&below(&pick.top, &entry.name)).map_err(make::gone)?;
    let is_still = held.about().is_ok_and(|about| Look::of(&about).is_still(&entry.look));
    if !is_still {
        return Err(make::changed());
    }
    let file = held.open_to_read().with_context(|| format!("cannot open {:?}", pick.named))?;
    archive::open(file.into())
}

struct Copying<'a> {
    from: &'a Directory,
    pick: &'a Pick,
    root: &'a Directory,
    landing: Landing,
    maker: Maker<'a>,
}

/// Some files of a level.
type Share<'a> = (&'a Level, &'a [Entry]);
/// A level and an entry of it.
type Place<'a> = (&'a Level, &'a Entry);

impl Copying<'_> {
    fn all(&self) -> Result<u64> {
        let was_there = self.make_directories()?;
        let others = self.other_names();
        let bytes = self.copy_files(&others)?;
        for (second, first) in &others {
            self.link(*second, *first).with_context(|| format!("cannot make {}", shown_bytes(&self.path_of(*second))))?;
        }
        self.finish_directories(&was_there)?;
        Ok(bytes)
    }

    /// Returns those that were there before.
    fn make_directories(&self) -> Result<HashMap<Vec<u8>, bool>> {
        let mut was_there = HashMap::new();
        for level in &self.pick.levels {
            let names = level.entries.iter().filter(|entry| entry.look.is_directory());
            let mut into = None;
            for entry in names {
                let into = match &into {
                    Some(into) => into,
                    None => into.insert(self.target_of(level)?),
                };
                let path = below(&level.path, &entry.name);
                let what = || format!("cannot make the directory {}", shown_bytes(&path));
                let made = into.make_directory(&entry.name);
                match made {
                    Ok(()) => {}
                    Err(Errno::EEXIST) if into.directory(&entry.name).is_ok() => {}
                    Err(Errno::EEXIST) => {
                        return Err(Error::conflict(what())
                            .because("the image has something there that is no directory")
                            .hint("copy what is in it to where it leads, if it is a symlink"));
                    }
                    Err(e) => return Err(Error::from_errno(what(), e)),
                }
                was_there.insert(path, made.is_err());
            }
        }
        Ok(was_there)
    }

    /// Files with several names: each later one, with the first.
    fn other_names(&self) -> Vec<(Place<'_>, Place<'_>)> {
        let mut first: HashMap<(u64, u64), Place> = HashMap::new();
        let mut others = Vec::new();
        for level in &self.pick.levels {
            for entry in level.entries.iter().filter(|entry| entry.look.links > 1 && entry.look.kind() == Kind::File) {
                match first.entry((entry.look.device, entry.look.inode)) {
                    hash_map::Entry::Occupied(first) => others.push(((level, entry), *first.get())),
                    hash_map::Entry::Vacant(place) => drop(place.insert((level, entry))),
                }
            }
        }
        others
    }

    fn copy_files(&self, others: &[(Place, Place)]) -> Result<u64> {
        let linked: HashSet<usize> = others.iter().map(|((_, entry), _)| std::ptr::from_ref(*entry).addr()).collect();
        let is_linked = |entry: &Entry| !linked.is_empty() && linked.contains(&std::ptr::from_ref(entry).addr());
        let shares: Vec<Share> =
            self.pick.levels.iter().flat_map(|level| level.entries.chunks(AT_ONCE).map(move |entries| (level, entries))).collect();
        let (next, bytes, is_over) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
        let failed = Mutex::new(None);
        let work = || {
            let mut buffer = vec![0; make::BUFFER];
            while let Some(share) = shares.get(next.fetch_add(1, Ordering::Relaxed)) {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                match self.share(*share, &is_linked, &mut buffer) {
                    Ok(count) => drop(bytes.fetch_add(count, Ordering::Relaxed)),
                    Err(error) => {
                        is_over.store(true, Ordering::Relaxed);
                        failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(error);
                    }
                }
            }
        };
        match self.pick.levels.iter().map(|level| level.entries.len()).sum() {
            0..FEW => work(),
            _ => threads::crew(std::thread::available_parallelism().map_or(1, usize::from), work),
        }
        match failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(bytes.into_inner()),
        }
    }

    fn share(&self, (level, entries): Share, is_linked: &dyn Fn(&Entry) -> bool, buffer: &mut [u8]) -> Result<u64> {
        if entries.iter().all(|entry| entry.look.is_directory()) {
            return Ok(0);
        }
        let (from, into) = (self.source_of(level)?, self.target_of(level)?);
        let mut bytes = 0;
        for entry in entries.iter().filter(|entry| !entry.look.is_directory() && !is_linked(entry)) {
            let copied = self.maker.copy(&from, entry, &into, self.name_of(entry), buffer);
            bytes += copied.map_err(|error| error.context(shown_bytes(&self.path_of((level, entry)))))?;
        }
        Ok(bytes)
    }

    fn link(&self, second: Place, first: Place) -> Result<()> {
        let (from, into) = (self.target_of(first.0)?, self.target_of(second.0)?);
        make::replacing(&into, self.name_of(second.1), |name| into.make_link(name, &from, self.name_of(first.1)))
    }

    fn finish_directories(&self, was_there: &HashMap<Vec<u8>, bool>) -> Result<()> {
        for level in self.pick.levels.iter().rev() {
            for entry in level.entries.iter().filter(|entry| entry.look.is_directory()) {
                let path = below(&level.path, &entry.name);
                if self.pick.what == What::WithParents && was_there.get(&path) == Some(&true) {
                    continue;
                }
                let from = self.from.hold(&below(&self.pick.top, &path)).map_err(make::gone);
                let made = from.and_then(|from| {
                    let into = self.root.directory(&below(&self.landing.directory, &path)).context("cannot open it")?;
                    self.maker.finish_directory(&from, entry, &into)
                });
                made.map_err(|error| error.context(format!("cannot make the directory {}", shown_bytes(&path))))?;
            }
        }
        Ok(())
    }

    fn source_of(&self, level: &Level) -> Result<Directory> {
        let path = below(&self.pick.top, &level.path);
        self.from.directory(or_itself(&path)).map_err(make::gone).map_err(|error| error.context(shown_bytes(&path)))
    }

    fn target_of(&self, level: &Level) -> Result<Directory> {
        let path = below(&self.landing.directory, &level.path);
        self.root.directory(or_itself(&path)).with_context(|| format!("cannot open /{}", shown_bytes(&path)))
    }

    fn name_of<'e>(&'e self, entry: &'e Entry) -> &'e [u8] {
        self.landing.called.as_deref().unwrap_or(&entry.name)
    }

    fn path_of(&self, (level, entry): Place) -> Vec<u8> {
        below(&below(&self.pick.top, &level.path), &entry.name)
    }
}
