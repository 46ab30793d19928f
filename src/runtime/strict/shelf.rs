//! What the strict runtime knows of its containers between two commands: a directory for each, and a record in it.
//!
//! Everything else is asked of the kernel each time: whether the process is there, whether it is frozen. So nothing here can be
//! out of date, and a machine that was switched off leaves only records of processes that do not exist.

use crate::error::{Context, Error, Kind, Result};
use crate::paths::ShelfPlace;
use crate::runtime::cgroup::Group;
use crate::store::{self, Durable, Lock};
use crate::sys::{Errno, file, identity, process};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    pub id: String,
    pub oci_version: String,
    pub bundle: PathBuf,
    pub rootfs: PathBuf,
    /// The container's first process, in the caller's numbers.
    pub pid: i32,
    /// Clock ticks since boot at which it started: a pid alone may be somebody else's by now.
    pub pid_started: u64,
    /// Nanoseconds since 1970.
    pub created: u64,
    /// It has a pid namespace of its own.
    pub own_pids: bool,
    /// It has a session keyring of its own.
    #[serde(default)]
    pub own_keyring: bool,
    /// Its group; empty where there is none.
    pub cgroup: PathBuf,
    /// Directories that were made for it in resctrl, which end with it.
    #[serde(default)]
    pub resctrl: Vec<PathBuf>,
    /// The scope that systemd has made for it; empty where the group is ours.
    #[serde(default)]
    pub scope: String,
    pub annotations: BTreeMap<String, String>,
}

/// The specification's words for where a container is in its life, and `paused`, which every engine knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Creating,
    Created,
    Running,
    Paused,
    Stopped,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Creating => "creating",
            Status::Created => "created",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Stopped => "stopped",
        }
    }
    pub fn has_process(self) -> bool {
        matches!(self, Status::Created | Status::Running | Status::Paused)
    }
}

/// All containers below one directory (`--root`).
#[derive(Clone, Debug)]
pub struct Shelf(PathBuf);

/// A place of one's own on the shelf; whoever holds it makes or removes the container.
pub struct Claim {
    pub place: ShelfPlace,
    _lock: Lock,
}

impl Shelf {
    pub fn new(root: PathBuf) -> Shelf {
        Shelf(root)
    }

    pub fn place(&self, id: &str) -> ShelfPlace {
        ShelfPlace::new(&self.0, id)
    }

    /// Takes an id that nobody has. What a killed `create` left under it is taken away first.
    pub fn claim(&self, id: &str) -> Result<Claim> {
        check_id(id)?;
        store::make_dirs(&self.0)?;
        self.check()?;
        let place = self.place(id);
        let taken = || Error::conflict(format!("container {id} exists already")).hint(format!("tare oci delete {id} removes it"));
        for _ in 0..100 {
            match file::make_dir(&place.dir, 0o711) {
                Ok(()) => {}
                Err(Errno::EEXIST) if place.record().exists() || !place.is_dir() => return Err(taken()),
                Err(Errno::EEXIST) => {}
                Err(errno) => return Err(Error::from_errno(format!("cannot make {}", place.dir.display()), errno)),
            }
            let lock = match store::try_lock(&place.lock()) {
                // It was removed in between.
                Err(error) if error.errno() == Some(Errno::ENOENT) => continue,
                other => other?,
            };
            match lock {
                Some(lock) if !lock.is_of(&place.lock()) => {}
                Some(lock) if !place.record().exists() => {
                    let _ = file::remove_file(&place.gate());
                    return Ok(Claim { place, _lock: lock });
                }
                // Somebody makes it now, or has made it meanwhile.
                _ => return Err(taken()),
            }
        }
        Err(taken())
    }

    /// A container that is there already, for whoever wants to change or remove it. While we waited for our turn it may have been
    /// removed, and another one made that has its id and its group.
    pub fn hold(&self, kept: &Kept) -> Result<Claim> {
        let place = self.place(&kept.id);
        let lock = match store::lock(&place.lock()) {
            Err(error) if error.errno() == Some(Errno::ENOENT) => return Err(no_such(&kept.id)),
            other => other?,
        };
        if !lock.is_of(&place.lock()) {
            return Err(no_such(&kept.id));
        }
        let claim = Claim { place, _lock: lock };
        match self.find(&kept.id) {
            Ok(now) if (now.pid, now.pid_started) == (kept.pid, kept.pid_started) => Ok(claim),
            Err(error) if error.kind() == Kind::NoSuch => claim.remove().and(Err(error)),
            other => other.and(Err(no_such(&kept.id))),
        }
    }

    pub fn find(&self, id: &str) -> Result<Kept> {
        check_id(id)?;
        let place = self.place(id);
        if !place.is_dir() {
            return Err(no_such(id));
        }
        self.check()?;
        match store::read_json::<Kept>(&place.record())? {
            Some(kept) if kept.id == id => Ok(kept),
            Some(kept) => Err(Error::damaged(format!("the record of container {id} is one of {:?}", kept.id))),
            None => Err(no_such(id)),
        }
    }

    /// What is written on the shelf is believed: which process to kill, which group to remove. So nobody else may write there.
    fn check(&self) -> Result<()> {
        let refused = |why: &str| Err(Error::cannot_keep(format!("cannot keep containers in {}", self.0.display())).because(why));
        let about = std::fs::metadata(&self.0).with_context(|| format!("cannot look at {}", self.0.display()))?;
        if ![0, identity::own_uid()].contains(&about.uid()) {
            return refused("it belongs to another user");
        }
        match about.mode() & 0o022 {
            0 => Ok(()),
            0o020 if [0, identity::own_gid()].contains(&about.gid()) => Ok(()),
            _ => refused("other users can write there"),
        }
    }

    /// In the order of their ids. What cannot be read is left out: it may just be being made or removed.
    pub fn all(&self) -> Vec<Kept> {
        let names = std::fs::read_dir(&self.0).into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut all: Vec<Kept> = names.filter_map(|id| self.find(&id).ok()).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }
}

impl Claim {
    pub fn write(&self, kept: &Kept) -> Result<()> {
        store::write_json(&self.place.record(), kept, Durable::No)
    }
    /// The record goes first: from then on nobody finds the container.
    pub fn remove(self) -> Result<()> {
        let _ = file::remove_file(&self.place.record());
        match file::remove_tree(&self.place.dir) {
            // Somebody who came to the lock when it was gone has made it anew. He finds no record, and takes away what is left.
            Err(Errno::ENOTEMPTY) => Ok(()),
            other => other.with_context(|| format!("cannot remove {}", self.place.dir.display())),
        }
    }
}

impl Kept {
    /// Asked of the kernel. A process that has ended counts as stopped also while its caller has not waited for it.
    pub fn status(&self, shelf: &Shelf) -> Status {
        if !process::is_alive(self.pid, self.pid_started) {
            return Status::Stopped;
        }
        if shelf.place(&self.id).gate().exists() {
            return Status::Created;
        }
        match self.group() {
            Some(group) if group.is_frozen() => Status::Paused,
            _ => Status::Running,
        }
    }

    /// What hooks read on their input.
    pub fn for_hooks(&self, status: Status) -> String {
        let mut state = serde_json::json!({
            "ociVersion": self.oci_version,
            "id": self.id,
            "status": status.word(),
            "bundle": self.bundle,
            "annotations": self.annotations,
        });
        if status.has_process() || status == Status::Creating {
            state["pid"] = self.pid.into();
        }
        state.to_string()
    }

    pub fn group(&self) -> Option<Group> {
        if self.cgroup == Path::new("") { None } else { Group::open(&self.cgroup) }
    }
}

fn no_such(id: &str) -> Error {
    Error::no_such(format!("container {id} does not exist"))
}

/// An id becomes the name of a directory: the letters that runc allows.
fn check_id(id: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+-.".contains(&byte);
    if id.is_empty() || id.len() > 1024 || id == "." || id == ".." || !id.bytes().all(allowed) {
        return Err(Error::usage(format!("{id:?} is no container id")).hint("letters, digits, _ + - and . only"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_leave_the_shelf() {
        for bad in ["", ".", "..", "a/b", "/etc", "a b", "a\0", "ä", "*"] {
            assert!(check_id(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "web-1", "0123", "a.b_c+d", "..."] {
            assert!(check_id(good).is_ok(), "{good:?}");
        }
    }
}
