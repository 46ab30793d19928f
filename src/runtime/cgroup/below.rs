//! What lies below a container's group: for whose first process keeps groups itself (systemd), a group that is its own; and
//! whatever a container makes there.
//!
//! The names are the container's, and there may be many of them, one in the other: so they are never put together to a path.

use super::{Group, above};
use crate::error::{Context, Result};
use crate::sys::beneath::Directory;
use crate::sys::{Errno, file};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

const OWN: &str = "own";

/// What systemd deals out among its services, where it is there.
const CONTROLLERS: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];

/// How deep, and how many: enough for containers in containers, and no burden for the kernel.
const BOUNDS: [(&str, &str); 2] = [("cgroup.max.depth", "64"), ("cgroup.max.descendants", "20000")];

impl Group {
    /// A group below this one, which is the top of what the container sees and may write. Our limits and our guard of devices stay
    /// up here, where it does not come: the kernel would let root lift those in a group of its own, unless the host was mounted
    /// with `nsdelegate`.
    pub fn own_tree(&self) -> Result<Group> {
        let path = self.path.join(OWN);
        let what = || format!("cannot make group {}", path.display());
        for (name, bound) in BOUNDS {
            file::write_kernel_file_at(self.descriptor(), name, bound).with_context(what)?;
        }
        file::make_dir(&path, 0o755).with_context(what)?;
        // Nobody asked for them: what cannot be dealt out here is not dealt out there.
        for controller in CONTROLLERS {
            let _ = above::hand_on(&path, &[controller]);
        }
        Group::open(&path).ok_or(Errno::ENOENT).with_context(what)
    }

    /// Where a process that enters is born: no group has processes that deals out controllers to others below it, so it joins the
    /// one that is process `pid` of the container, wherever that went.
    pub fn of_process(&self, pid: i32) -> Option<Group> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
        let path = super::mount_point()?.join(path);
        path.starts_with(&self.path).then(|| Group::open(&path)).flatten()
    }

    /// Those of the groups below count too.
    pub fn all_processes(&self) -> Vec<i32> {
        let mut all = self.processes();
        // The kernel counts the groups below as links (kernfs): most containers have none, and one look less.
        if std::fs::metadata(&self.path).is_ok_and(|about| about.nlink() <= 2) {
            return all;
        }
        let _ = Directory::open_root(&self.path).and_then(|dir| collect(&dir, &mut all));
        all
    }

    /// Groups that the container made below go first; those above that were made for it go with it.
    pub fn remove(&self) -> Result<(), Errno> {
        match file::remove_dir(&self.path) {
            Err(Errno::EBUSY) => {
                empty(&Directory::open_root(&self.path)?)?;
                file::remove_dir(&self.path)?;
            }
            // Systemd takes a scope away with all that is below it, as soon as nobody is left in there.
            Err(Errno::ENOENT) => {}
            other => other?,
        }
        if self.has_promise {
            let _ = above::promise_memory(&self.path);
        }
        self.path.parent().into_iter().for_each(above::remove_made);
        Ok(())
    }
}

fn collect(dir: &Directory, all: &mut Vec<i32>) -> Result<(), Errno> {
    for name in dir.directory_names()? {
        let Ok(below) = dir.directory(&name) else { continue };
        let text = file::read_at(below.as_fd(), "cgroup.procs").unwrap_or_default();
        all.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
        collect(&below, all)?;
    }
    Ok(())
}

fn empty(dir: &Directory) -> Result<(), Errno> {
    for name in dir.directory_names()? {
        match dir.remove_directory(&name) {
            Err(Errno::EBUSY) => {
                empty(&dir.directory(&name)?)?;
                dir.remove_directory(&name)?;
            }
            Err(Errno::ENOENT) => {}
            other => other?,
        }
    }
    Ok(())
}
