//! `pause` and `unpause`: the kernel takes every process of the container off the processors, and puts them back.

use crate::error::{Context, Error, Result};
use crate::record::{Live, Seen, Status};
use crate::runtime::cgroup::Group;
use std::path::Path;

pub fn pause(seen: &Seen) -> Result<()> {
    let what = || format!("cannot pause container {}", seen.record.name);
    let live = seen.running().map_err(|error| error.context(what()))?;
    if seen.status == Status::Paused {
        return Err(Error::conflict(what()).because("it is paused already").hint(format!("tare unpause {}", seen.record.name)));
    }
    let group = group(live).ok_or_else(|| {
        Error::cannot_keep(what()).because("it has no control group, which could stand still").hint("tare info tells why")
    })?;
    group.set_frozen(true).with_context(what)
}

pub fn unpause(seen: &Seen) -> Result<()> {
    let what = || format!("cannot unpause container {}", seen.record.name);
    match (&seen.live, seen.status) {
        (Some(live), Status::Paused) => thaw(live).with_context(what),
        (Some(_), _) => Err(Error::conflict(what()).because("it is not paused")),
        (None, _) => seen.running().map(drop).map_err(|error| error.context(what())),
    }
}

/// A signal is heard by nobody who stands still.
pub fn thaw(live: &Live) -> Result<(), crate::sys::Errno> {
    group(live).map_or(Ok(()), |group| group.set_frozen(false))
}

pub(in crate::engine) fn group(live: &Live) -> Option<Group> {
    if live.cgroup.is_empty() { None } else { Group::open(Path::new(&live.cgroup)) }
}
