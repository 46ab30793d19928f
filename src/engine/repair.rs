//! What a killed process left behind is found by the next one and taken away.

use crate::engine::{find, remove, volumes};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Live, Seen, Status};
use crate::runtime::cgroup::Group;
use crate::store::{self, Durable};
use crate::sys::{file, process};
use std::path::Path;
use std::time::Duration;

/// Younger leftovers may be a container in the making.
const GRACE: Duration = Duration::from_secs(10);

/// Looks at every container whose monitor or maker is gone. Done when no one waits for it, and cheap for those who live: a look
/// at a lock, or at a name.
pub fn sweep(paths: &Paths) {
    remove::sweep_gone(paths);
    for id in find::ids(paths) {
        let files = ContainerPaths::new(paths, &id, true);
        let is_kept = || ContainerPaths::new(paths, &id, false).record().exists();
        let is_cared_for = if files.live.exists() { store::is_held(&files.alive()).unwrap_or(true) } else { is_kept() };
        if is_cared_for {
            continue;
        }
        match find::by_id(paths, &id) {
            Ok(Some(seen)) if seen.status == Status::Exited && seen.files(paths).state().exists() => lost(paths, &id),
            Ok(Some(seen)) if seen.status == Status::Created && files.live.exists() => cut_off(paths, &seen),
            Ok(None) if is_abandoned(&files) => discard(paths, &id),
            _ => {}
        }
    }
}

/// Its monitor was killed. The container died with it, unless its program cleared the parent-death signal: the group ends that.
fn lost(paths: &Paths, id: &str) {
    let Ok(Some(seen)) = find::by_id(paths, id) else { return };
    let files = seen.files(paths);
    // One repairs, the others pass on.
    let Ok(Some(_repairing)) = store::try_lock(&files.alive()) else { return };
    let live = store::read_json::<Live>(&files.state()).ok().flatten();
    if let Some(group) = live.and_then(|live| Group::open(Path::new(&live.cgroup))) {
        let _ = group.kill();
        remove_group(&group);
    }
    if seen.record.wishes.remove {
        remove::erase(paths, &seen.record, &files);
        return;
    }
    let _ = store::write_json(&files.record(), &seen.record, Durable::Yes);
    remove::forget_live(&files);
}

/// Its monitor was killed before it could say that it runs, or the command before it had one.
fn cut_off(paths: &Paths, seen: &Seen) {
    let files = seen.files(paths);
    let Ok(Some(_repairing)) = store::try_lock_existing(&files.live, &files.alive()) else { return };
    // A start that ended meanwhile, well or not, has left other words.
    if !matches!(find::by_id(paths, &seen.record.id), Ok(Some(now)) if now.status == Status::Created && now.record.ended.is_none()) {
        return;
    }
    let group = crate::paths::control_group(seen.record.wishes.cgroup_parent.as_deref(), &seen.record.id);
    if let Ok(Some(group)) = Group::existing_at(&group) {
        let _ = group.kill();
        remove_group(&group);
    }
    if seen.record.launched && seen.record.wishes.remove {
        remove::erase(paths, &seen.record, &files);
    }
}

fn is_abandoned(files: &ContainerPaths) -> bool {
    let is_old = |path: &Path| {
        let age = std::fs::metadata(path).and_then(|found| found.modified()).ok().and_then(|time| time.elapsed().ok());
        age.is_none_or(|age| age > GRACE)
    };
    !store::is_held(&files.alive()).unwrap_or(true) && is_old(&files.disk) && is_old(&files.live)
}

/// Directories without a record: their maker or remover was killed.
pub fn discard(paths: &Paths, id: &str) {
    let live = store::read_json::<Live>(&ContainerPaths::new(paths, id, true).state()).ok().flatten();
    let group = live.and_then(|live| Group::open(Path::new(&live.cgroup))).or_else(|| Group::existing(id).ok().flatten());
    if let Some(group) = group {
        let _ = group.kill();
        remove_group(&group);
    }
    for dir in [ContainerPaths::new(paths, id, true).live, ContainerPaths::new(paths, id, true).disk] {
        let _ = file::remove_tree(&dir);
    }
    for names in [paths.names_kept(), paths.names_live()] {
        for entry in std::fs::read_dir(names).into_iter().flatten().flatten() {
            if std::fs::read_link(entry.path()).is_ok_and(|target| target == Path::new(id)) {
                let _ = file::remove_file(&entry.path());
            }
        }
    }
    volumes::forget_those_of(paths, id);
}

/// The kernel takes a moment to end what was killed.
pub fn remove_group(group: &Group) {
    for attempt in 0..2000 {
        if group.remove().is_ok() {
            return;
        }
        process::sleep(if attempt < 20 { Duration::from_micros(200) } else { Duration::from_millis(5) });
    }
}
