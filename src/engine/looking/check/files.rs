//! Small files that were left: records that never got their name, pid files of the dead, their claims to ids, and what nobody knows.

use super::{What, Wrong};
use crate::engine::{find, id_claims, list, pid_file};
use crate::error::{Error, Result};
use crate::image::steps;
use crate::paths::{ContainerPaths, Paths};
use crate::store;
use crate::sys::file;
use std::path::{Path, PathBuf};

pub fn look(paths: &Paths) -> Vec<Wrong> {
    let below_root = |path: &Path| path.strip_prefix(paths.root()).or(path.strip_prefix(paths.run())).unwrap_or(path).display().to_string();
    let wrong = |what, path: &Path| Wrong::new(what, path.display().to_string(), below_root(path));
    let mut found: Vec<Wrong> = places(paths).iter().flat_map(|dir| scraps(dir)).map(|path| wrong(What::Scrap, &path)).collect();
    let entries = std::fs::read_dir(paths.unfinished()).into_iter().flatten().flatten().map(|entry| entry.path());
    found.extend(entries.filter(|path| !is_known(path)).map(|path| wrong(What::Stranger, &path)));
    found.extend(ids_of_nobody(paths).iter().map(|path| wrong(What::IdsOfNobody, path)));
    found.extend(stale_pid_files(paths).iter().map(|path| wrong(What::PidFile, path)));
    found
}

/// Where records are written.
fn places(paths: &Paths) -> Vec<PathBuf> {
    let mut places = vec![paths.root().to_owned(), paths.run().to_owned(), paths.image_layout(), paths.proven(), paths.steps()];
    places.extend(steps::lives(paths));
    for id in find::ids(paths) {
        let files = ContainerPaths::new(paths, &id, true);
        places.extend([files.disk, files.live]);
    }
    let volumes = std::fs::read_dir(paths.volumes()).into_iter().flatten().flatten();
    places.extend(volumes.map(|entry| entry.path()).filter(|path| path.is_dir()));
    places
}

fn scraps(dir: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    files.filter(|path| store::writer_of(path).is_some_and(|pid| !is_there(pid))).collect()
}

fn is_there(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

fn is_known(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["image-", "container-", Paths::VOLUME_GOING].iter().any(|kind| name.starts_with(kind))
}

/// Of containers that do not run; a process that is there may be another container's.
fn stale_pid_files(paths: &Paths) -> Vec<PathBuf> {
    let resting = list::containers(paths).unwrap_or_default().into_iter().filter(|seen| !seen.is_running());
    let files = resting.filter(|seen| super::containers::at_rest(paths, &seen.record.id)).filter_map(|seen| seen.record.wishes.pid_file);
    files.filter(|path| pid_file::read(path).is_some_and(|pid| !is_there(pid))).collect()
}

fn ids_of_nobody(paths: &Paths) -> Vec<PathBuf> {
    id_claims::of_nobody(paths).iter().map(|first| paths.ids().join(first.to_string())).collect()
}

pub fn mend(paths: &Paths, wrong: &Wrong) -> Result<bool> {
    let path = Path::new(&wrong.which);
    let still = match wrong.what {
        What::PidFile => stale_pid_files(paths).iter().any(|stale| stale == path),
        // A link that leads nowhere.
        What::IdsOfNobody => ids_of_nobody(paths).iter().any(|link| link == path),
        _ => path.exists(),
    };
    if still {
        file::remove_file(path).map_err(|errno| Error::from_errno("it cannot be removed", errno))?;
    }
    Ok(still)
}
