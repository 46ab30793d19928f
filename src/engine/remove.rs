//! `rm`: a container is first nobody's, then nothing.

use crate::engine::{find, kill, name_claim, repair, volumes, wait};
use crate::error::{Context, Error, Kind, Result};
use crate::paths::{ContainerPaths, Paths};
use crate::record::Container;
use crate::store;
use crate::sys::file;

/// The beginning of names that nobody looks for any more.
const GONE: &str = "gone-";

/// Removes a container that does not run; `force` ends it first.
pub fn remove(paths: &Paths, wanted: &str, force: bool) -> Result<()> {
    let seen = match find::container(paths, wanted) {
        // What is damaged cannot be understood, but it can be removed.
        Err(error) if force && error.kind() == Kind::Damaged => {
            let id = find::id_of(paths, wanted).ok_or(error)?;
            repair::discard(paths, &id);
            return Ok(());
        }
        other => other?,
    };
    let files = seen.files(paths);
    if seen.is_running() {
        if !force {
            return Err(Error::conflict(format!("cannot remove container {wanted}"))
                .because("it is running")
                .hint(format!("stop it first (tare stop {wanted}), or remove it by force: tare rm -f {wanted}")));
        }
        kill::kill_all(&seen)?;
    }
    // The monitor's last work; a container that removes itself is gone after it.
    wait::settled(&files)?;
    if find::by_id(paths, &seen.record.id)?.is_none() && seen.record.wishes.remove {
        return Ok(());
    }
    let alive = store::try_lock_existing(&files.live, &files.alive())?;
    unlist(paths, &seen.record, &files);
    let away = paths.unfinished().join(format!("container-{}", seen.record.id));
    store::make_dirs(&paths.unfinished())?;
    match file::rename(&files.disk, &away) {
        Ok(()) => file::remove_tree(&away).with_context(|| format!("cannot remove {}", away.display()))?,
        Err(_) => file::remove_tree(&files.disk).with_context(|| format!("cannot remove {}", files.disk.display()))?,
    }
    forget_live(&files);
    drop(alive);
    Ok(())
}

/// From here on nobody finds it.
pub fn unlist(paths: &Paths, record: &Container, files: &ContainerPaths) {
    let _ = file::remove_file(&files.record());
    let _ = file::remove_file(&files.state());
    name_claim::release(paths, &record.name, &record.id);
}

/// All of it, in the cheap order: most containers leave these few names and nothing else.
pub fn erase(paths: &Paths, record: &Container, files: &ContainerPaths) {
    unlist(paths, record, files);
    let _ = file::remove_dir(&files.work().join("work"));
    for dir in [files.work(), files.upper()] {
        if file::remove_dir(&dir).is_err() {
            let _ = file::remove_tree(&dir);
        }
    }
    let _ = file::remove_file(&files.log());
    if file::remove_dir(&files.disk).is_err() {
        let _ = file::remove_tree(&files.disk);
    }
    forget_live(files);
    volumes::remove_nameless(paths, record);
}

/// What is true only while it runs. It goes as a whole, by one rename: whoever starts the container again at this moment makes a
/// directory of his own, and nothing of his is removed with ours.
pub fn forget_live(files: &ContainerPaths) {
    let Some(id) = files.live.file_name().and_then(|id| id.to_str()) else { return };
    let away = files.live.with_file_name(format!("{GONE}{id}"));
    let _ = file::rename(&files.live, &away);
    let _ = file::remove_tree(&away);
}

/// What a killed process left of that.
pub fn sweep_gone(paths: &Paths) {
    for entry in std::fs::read_dir(paths.live_containers()).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(GONE)) {
            let _ = file::remove_tree(&entry.path());
        }
    }
}
