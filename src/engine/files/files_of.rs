//! The files of a container as its own programs see them, for `cp` and `export`, whether it runs or rests.
//!
//! Of one that runs they are taken out of its own mounts. One that rests is held, so that nobody starts it meanwhile, and its
//! layers, volumes and binds are stacked where only we see them. Either way what comes back is one descriptor (`runtime/view.rs`):
//! whoever is killed leaves no mount behind, and the lock goes with him.

use crate::engine::users::{self, Users};
use crate::engine::{find, hold, kill, mounts, ordinary, start};
use crate::error::{Context, Error, Result};
use crate::image;
use crate::options::{IdMap, Mount};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Container, Seen};
use crate::runtime::plan::{Beyond, Plan};
use crate::runtime::view::{self, Extent};
use crate::store::{self, Lock};
use crate::sys::beneath::Directory;
use crate::sys::signal;
use oci_spec::runtime::Spec;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// The open root. Names in it are looked up by `sys/beneath/rooted.rs` only.
pub struct Files {
    pub record: Container,
    /// Whom its users are, where the files are seen as those outside.
    users: Option<Users>,
    root: Option<Directory>,
    kept: Kept,
}

enum Kept {
    /// Its first process.
    Running(OwnedFd),
    /// Nobody else may change it.
    Resting { files: ContainerPaths, _lock: Lock },
}

pub fn open(paths: &Paths, wanted: &str, extent: Extent) -> Result<Files> {
    let seen = find::container(paths, wanted)?;
    let opened = loop {
        let id = &seen.record.id;
        // It may start or end between two looks.
        if let Some((record, lock)) = start::hold_at_rest(paths, id)? {
            break of_resting(paths, record, lock, extent);
        }
        if let Some(running) = find::by_id(paths, id)?.filter(Seen::is_running) {
            break of_running(running, extent);
        }
    };
    opened.with_context(|| format!("cannot open the files of container {}", seen.record.name))
}

fn of_running(seen: Seen, extent: Extent) -> Result<Files> {
    const ENDED: &str = "it has just ended";
    let init = kill::first_process(seen.running()?).context(ENDED)?;
    let root = Directory::of(view::of_running(init.as_fd(), extent)?);
    let users = users::of_others(&seen).context(ENDED)?;
    Ok(Files { record: seen.record, users, root: Some(root), kept: Kept::Running(init) })
}

fn of_resting(paths: &Paths, record: Container, lock: Lock, extent: Extent) -> Result<Files> {
    let files = ContainerPaths::new(paths, &record.id, record.wishes.remove);
    // Lets go of it also when something fails from here on.
    let mut opened =
        Files { users: users::at_rest(&record), record, root: None, kept: Kept::Resting { files: files.clone(), _lock: lock } };
    let record = &opened.record;
    image::ground(paths)?;
    ordinary::furnish(paths, record, |_| {})?;
    let spec: Spec = store::read_json(&files.config())?.ok_or_else(|| Error::damaged("it has no config.json"))?;
    if extent == Extent::Everything {
        mounts::prepare(paths, record, &spec)?;
    }
    let held = if extent == Extent::Everything { mounts::open(&record.wishes, None)? } else { Vec::new() };
    let mut plan = Plan::new(&spec, Beyond { held, ..Beyond::default() })?;
    plan.mounts.retain(|planned| planned.target == Path::new("/") || (extent == Extent::Everything && is_wished(record, planned.target)));
    for planned in &mut plan.mounts {
        // An overlay that was mounted so refuses to be mounted a second time.
        planned.options.data.retain(|option| option != "volatile");
    }
    opened.root = Some(Directory::of(view::of_resting(&plan, extent)?));
    Ok(opened)
}

/// Volumes and binds. Files in memory are there only while it runs, and so is what could be mounted below /proc, /sys and /dev.
fn is_wished(record: &Container, target: &Path) -> bool {
    let of_the_kernel = ["/proc", "/sys", "/dev"].iter().any(|above| target.starts_with(above));
    let wished = record.wishes.mounts.iter().filter(|mount| !matches!(mount, Mount::Tmpfs { .. }));
    !of_the_kernel && wished.into_iter().any(|mount| Path::new(mount.target()) == target)
}

impl Files {
    pub fn root(&self) -> Result<&Directory> {
        self.root.as_ref().ok_or_else(|| Error::failed("the container's files are not open"))
    }

    /// Owners in the archive are those inside.
    pub fn map(&self) -> Option<&IdMap> {
        self.users.as_ref().map(Users::map)
    }

    /// Writes into it.
    pub fn change<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        match &self.users {
            Some(users) => users.as_its_root(work),
            None => work(),
        }
    }

    /// What was written into a container that has ended meanwhile may not all be where its next run will look for it.
    pub fn is_as_it_was(&self) -> bool {
        match &self.kept {
            Kept::Running(init) => signal::send(init.as_fd(), 0).is_ok(),
            Kept::Resting { .. } => true,
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // The mounts go before the lock.
        self.root = None;
        if let Kept::Resting { files, .. } = &self.kept {
            // The records of one that is removed at its end lie in there.
            if !self.record.wishes.remove {
                hold::forget_live(files);
            }
        }
    }
}
