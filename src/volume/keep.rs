//! Volumes are made, found and listed.

use crate::error::{Context, Error, Kind, Result};
use crate::options::volumes;
use crate::paths::{Paths, VolumePaths};
use crate::store::{self, Durable, Lock};
use crate::sys::{Errno, file};
use crate::volume::Volume;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A volume that nobody else makes, fills or removes as long as this lives.
#[derive(Debug)]
pub struct Held {
    pub volume: Volume,
    /// It was not there before.
    pub is_new: bool,
    pub(super) files: VolumePaths,
    _lock: Lock,
}

/// The volume of this name, made as wished if it is not there. `Durable::Yes` waits for the disk.
pub fn make(paths: &Paths, wish: &Volume, durable: Durable) -> Result<Held> {
    let files = paths.volume(&wish.name);
    let what = || format!("cannot make volume {}", wish.name);
    loop {
        store::make_dirs(&files.dir).with_context(what)?;
        let lock = match lock(&files) {
            Ok(Some(lock)) => lock,
            Ok(None) => continue,
            Err(error) => {
                // The disk may be full; a directory with nothing in it has been made for nothing.
                let _ = file::remove_dir(&files.dir);
                return Err(error.context(what()));
            }
        };
        if let Some(volume) = whole_record(&files, &wish.name)? {
            return Ok(Held { volume, is_new: false, files, _lock: lock });
        }
        if let Err(error) = fill_in(&files, wish, durable) {
            take_back(&files);
            return Err(error.context(what()));
        }
        return Ok(Held { volume: wish.clone(), is_new: true, files, _lock: lock });
    }
}

fn fill_in(files: &VolumePaths, wish: &Volume, durable: Durable) -> Result<()> {
    let what = || format!("cannot make {}", files.data().display());
    // Whoever could look into the data of a volume from outside is kept out by the store's own directory.
    match file::make_dir(&files.data(), 0o755) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno).with_context(what).map_err(store::advise),
    }
    file::change_mode(&files.data(), 0o755).with_context(what)?;
    store::write_json(&files.record(), wish, durable)
}

/// What could not be made, unless somebody has put something into it. The lock goes with it, and whoever waits for it sees that.
fn take_back(files: &VolumePaths) {
    let is_empty = file::remove_dir(&files.data()).is_ok();
    if is_empty && !files.record().exists() {
        let _ = file::remove_file(&files.lock());
        let _ = file::remove_dir(&files.dir);
    }
}

/// `None`: there is no such volume.
pub fn hold(paths: &Paths, name: &str) -> Result<Option<Held>> {
    let files = paths.volume(name);
    while files.dir.is_dir() {
        let Some(lock) = lock(&files).with_context(|| format!("cannot hold volume {name}"))? else { continue };
        let volume = read(&files, name)?.unwrap_or_else(|| Volume { name: name.to_owned(), ..Volume::default() });
        return Ok(Some(Held { volume, is_new: false, files, _lock: lock }));
    }
    Ok(None)
}

/// Waits for the lock. `None`: the volume was removed meanwhile, and perhaps made again; to be tried once more.
fn lock(files: &VolumePaths) -> Result<Option<Lock>> {
    let lock = match store::lock(&files.lock()) {
        Err(error) if error.errno() == Some(Errno::ENOENT) => return Ok(None),
        other => other?,
    };
    // Whoever removed it took the lock's file away with the rest: what we hold must be what has the name now.
    let held = std::fs::metadata(format!("/proc/self/fd/{}", lock.descriptor()));
    let named = std::fs::metadata(files.lock());
    Ok(match (held, named) {
        (Ok(held), Ok(named)) if (held.dev(), held.ino()) == (named.dev(), named.ino()) => Some(lock),
        _ => None,
    })
}

pub fn find(paths: &Paths, name: &str) -> Result<Option<Volume>> {
    read(&paths.volume(name), name)
}

/// In the order of their names.
pub fn list(paths: &Paths) -> Result<Vec<Volume>> {
    let entries = match std::fs::read_dir(paths.volumes()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.context("cannot list the volumes")?,
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    // One that cannot be read does not hide the others.
    let mut all: Vec<Volume> = names.filter_map(|name| find(paths, &name).ok().flatten()).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// Without a whole record the data alone makes the volume: a power cut may take what was not waited for.
fn read(files: &VolumePaths, name: &str) -> Result<Option<Volume>> {
    let Ok(about) = std::fs::metadata(files.data()) else { return Ok(None) };
    let created = u64::try_from(about.mtime()).unwrap_or(0).saturating_mul(1_000_000_000);
    let lost = || Volume { name: name.to_owned(), created, ..Volume::default() };
    Ok(Some(whole_record(files, name)?.unwrap_or_else(lost)))
}

fn whole_record(files: &VolumePaths, name: &str) -> Result<Option<Volume>> {
    match store::read_json::<Volume>(&files.record()) {
        Ok(found) => Ok(found.filter(|volume| volume.name == name)),
        Err(error) if error.kind() == Kind::Damaged => Ok(None),
        Err(error) => Err(error.context(format!("cannot read volume {name}"))),
    }
}

impl Volume {
    /// Where its files are.
    pub fn source(&self, paths: &Paths) -> Result<PathBuf> {
        Ok(volumes::device(&self.options)?.unwrap_or_else(|| paths.volume(&self.name).data()))
    }

    /// One that is there already must be what is wished now.
    pub fn check_options(&self, wished: &[(String, String)]) -> Result<()> {
        if wished.is_empty() || self.options == wished {
            return Ok(());
        }
        Err(Error::conflict(format!("volume {} is there already", self.name))
            .because("it was made with other options")
            .hint("choose another name, or remove it first"))
    }
}
