//! A container's name, claimed without a lock: making a symlink fails when it is there already.
//!
//! Everybody claims in the run directory first, so two claims at once meet there; kept containers claim on disk too, for the
//! time after a reboot. Whoever finds the name on disk, held by another, gives its first claim back.

use crate::engine::repair;
use crate::error::{Context, Error, Result};
use crate::names;
use crate::paths::Paths;
use crate::record::Container;
use crate::store;
use crate::sys::{Errno, file};
use std::path::{Path, PathBuf};

/// Claims `name`, or one of our own making, for container `id`.
pub fn claim(paths: &Paths, name: Option<&str>, id: &str, kept: bool) -> Result<String> {
    if let Some(name) = name {
        names::check(name)?;
        let mut claim = try_claim(paths, name, id, kept)?;
        if let Claim::Taken(by) = &claim {
            // Whoever has it may be the leftover of somebody who was killed.
            repair::doubt(paths, by);
            claim = try_claim(paths, name, id, kept)?;
        }
        return match claim {
            Claim::Ours => Ok(name.to_owned()),
            Claim::Taken(by) => Err(Error::conflict(format!("name {name} is in use"))
                .because(format!("container {} has it", &by[..by.len().min(12)]))
                .hint(format!("choose another name, or remove that container: tare rm {name}"))),
        };
    }
    let number = u64::from_str_radix(&id[..16], 16).unwrap_or(0);
    for attempt in 0..1000 {
        let name = names::random(number, attempt);
        if let Claim::Ours = try_claim(paths, &name, id, kept)? {
            return Ok(name);
        }
    }
    Err(Error::conflict("cannot find a free name for the container").hint("give it one with --name"))
}

enum Claim {
    Ours,
    Taken(String),
}

fn try_claim(paths: &Paths, name: &str, id: &str, kept: bool) -> Result<Claim> {
    let live = paths.names_live().join(name);
    let disk = paths.names_kept().join(name);
    if let Some(holder) = make(&live, id)? {
        return Ok(Claim::Taken(holder));
    }
    let holder = if kept { make(&disk, id) } else { Ok(holder(&disk)) };
    if !matches!(holder, Ok(None)) {
        let _ = file::remove_file(&live);
    }
    Ok(holder?.map_or(Claim::Ours, Claim::Taken))
}

/// `None`: it is ours now. The directory is made where it is missing, which after the first time it is not.
fn make(link: &Path, id: &str) -> Result<Option<String>> {
    let what = || format!("cannot claim name {}", link.display());
    loop {
        match file::make_symlink(id, link) {
            Ok(()) => return Ok(None),
            // Without a holder it has just been given back: another try.
            Err(Errno::EEXIST) => {
                if let Some(holder) = holder(link) {
                    return Ok(Some(holder));
                }
            }
            Err(Errno::ENOENT) => store::make_dirs(link.parent().unwrap_or(link))?,
            Err(errno) => return Err(errno).with_context(what).map_err(store::advise),
        }
    }
}

/// Who has it.
pub fn holder(link: &Path) -> Option<String> {
    std::fs::read_link(link).ok().and_then(|id| id.to_str().map(str::to_owned))
}

/// The id of the container that has this name.
pub fn who_has(paths: &Paths, name: &str) -> Option<String> {
    if names::check(name).is_err() {
        return None;
    }
    holder(&paths.names_live().join(name)).or_else(|| holder(&paths.names_kept().join(name)))
}

/// Gives a name back, if it is still this container's.
pub fn release(paths: &Paths, name: &str, id: &str) {
    let links: [PathBuf; 2] = [paths.names_kept().join(name), paths.names_live().join(name)];
    for link in links {
        if holder(&link).as_deref() == Some(id) {
            let _ = file::remove_file(&link);
        }
    }
}

/// A disk may have kept the record and lost the name. Another container that has it now keeps it.
pub fn restore(paths: &Paths, record: &Container) {
    if names::is_name(&record.name) {
        let dir = if record.wishes.remove { paths.names_live() } else { paths.names_kept() };
        let _ = make(&dir.join(&record.name), &record.id);
    }
}

/// Gives back whatever this container has, where nobody knows what it is called.
pub fn release_all(paths: &Paths, id: &str) {
    release_all_but(paths, "", id);
}

/// Every name that leads to this container, except the one that it is called by.
pub fn release_all_but(paths: &Paths, name: &str, id: &str) {
    for dir in [paths.names_kept(), paths.names_live()] {
        for (link, _) in all_in(&dir).into_iter().filter(|(link, holder)| holder == id && link.file_name() != Some(name.as_ref())) {
            let _ = file::remove_file(&link);
        }
    }
}

/// Every name, on disk and in the run directory, and who has it.
pub fn all(paths: &Paths) -> Vec<(PathBuf, String)> {
    [paths.names_kept(), paths.names_live()].iter().flat_map(|dir| all_in(dir)).collect()
}

/// Every name on disk, and who has it.
pub fn all_kept(paths: &Paths) -> Vec<(PathBuf, String)> {
    all_in(&paths.names_kept())
}

fn all_in(dir: &Path) -> Vec<(PathBuf, String)> {
    let links = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    links.filter_map(|link| holder(&link).map(|id| (link, id))).collect()
}

/// What a container is called whose record cannot be read.
pub fn name_of(paths: &Paths, id: &str) -> Option<String> {
    let mut links = [paths.names_kept(), paths.names_live()].into_iter().flat_map(|dir| all_in(&dir));
    links.find(|(_, holder)| holder == id).and_then(|(link, _)| Some(link.file_name()?.to_str()?.to_owned()))
}
