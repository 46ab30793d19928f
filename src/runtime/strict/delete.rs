//! The end of a container of the strict runtime: nothing of it is left.

use crate::error::{Error, Result};
use crate::runtime::cgroup::{Group, systemd};
use crate::runtime::hooks::{self, Moment};
use crate::runtime::strict::shelf::{Kept, Shelf, Status};
use crate::runtime::strict::{newer, resctrl};
use crate::sys::{process, signal};
use std::time::Duration;

/// Removes a container that has stopped; `force` ends it first. Returns which hooks failed: that keeps nothing back.
pub fn delete(shelf: &Shelf, kept: &Kept, force: bool) -> Result<Vec<Error>> {
    let claim = shelf.hold(kept)?;
    let status = kept.status(shelf);
    if status != Status::Stopped {
        if !force {
            return Err(Error::conflict(format!("cannot delete container {}", kept.id))
                .because(format!("it is {}, not stopped", status.word()))
                .hint("end it first, or say --force"));
        }
        kept.kill_all(signal::KILL)?;
        wait_until_stopped(shelf, kept)?;
    }
    // Whoever the container left behind in its group (it may share the pid namespace of others) ends with it.
    if let Some(group) = kept.group() {
        let _ = group.kill();
        remove_group(&group, &kept.scope)?;
    }
    resctrl::leave(&kept.resctrl);
    let spec = newer::read(&claim.place.config()).ok().flatten();
    claim.remove()?;
    Ok(spec.map_or_else(Vec::new, |(spec, _)| hooks::run_all(&spec, Moment::PostStop, &kept.for_hooks(Status::Stopped))))
}

pub fn wait_until_stopped(shelf: &Shelf, kept: &Kept) -> Result<()> {
    for attempt in 0..3000 {
        if kept.status(shelf) == Status::Stopped {
            return Ok(());
        }
        process::sleep(if attempt < 50 { Duration::from_micros(200) } else { Duration::from_millis(10) });
    }
    Err(Error::failed(format!("container {} does not end", kept.id)).because("the kernel has not ended its first process after SIGKILL"))
}

/// The kernel takes a moment to end what was killed. `scope`: systemd must not go on believing in the group.
pub fn remove_group(group: &Group, scope: &str) -> Result<()> {
    if !scope.is_empty() {
        systemd::stop(scope)?;
    }
    let mut last = None;
    for attempt in 0..2000 {
        match group.remove() {
            Ok(()) => return Ok(()),
            Err(errno) => last = Some(errno),
        }
        process::sleep(if attempt < 20 { Duration::from_micros(200) } else { Duration::from_millis(5) });
    }
    let what = format!("cannot remove control group {}", group.path().display());
    Err(last.map_or_else(|| Error::failed(what.clone()), |errno| Error::from_errno(what.clone(), errno)))
}
