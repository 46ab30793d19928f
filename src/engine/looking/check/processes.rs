//! Processes of containers that nobody watches any more, and control groups that were left.
//!
//! What a process belongs to is told by its root (`keeping/inhabitants.rs`); a control group has only a name. All stores of a machine have their groups beside each other, so one with processes is judged by them, and an empty one that this
//! store does not know only goes when it is too old to be waiting for its first process.

use super::containers::at_rest;
use super::{What, Wrong};
use crate::engine::{find, inhabitants, repair};
use crate::error::{Error, Result};
use crate::paths::Paths;
use crate::runtime::cgroup::Group;
use std::collections::BTreeMap;
use std::time::Duration;

const LONG_AGO: Duration = Duration::from_secs(60);

pub fn look(paths: &Paths) -> Vec<Wrong> {
    let of = |id: &str| super::containers::shown(paths, id);
    let processes = unwatched(paths).into_keys().map(|id| Wrong::new(What::Processes, &id, of(&id)));
    let groups = Group::all_of_containers().into_iter().filter(|id| is_left(paths, id));
    processes.chain(groups.map(|id| Wrong::new(What::Group, &id, format!("control group tare/{}", &id[..12])))).collect()
}

fn unwatched(paths: &Paths) -> BTreeMap<String, Vec<i32>> {
    inhabitants::all(paths, |id| at_rest(paths, id))
}

fn is_left(paths: &Paths, id: &str) -> bool {
    let Ok(Some(group)) = Group::existing(id) else { return false };
    let is_ours = find::ids(paths).iter().any(|known| known == id);
    match group.is_populated() {
        true => false,
        // What is wrong with the container itself is put right with all that it has.
        false if is_ours => super::containers::is_well_at_rest(paths, id),
        false => group.age().is_some_and(|age| age > LONG_AGO),
    }
}

pub fn mend(paths: &Paths, wrong: &Wrong) -> Result<bool> {
    let id = &wrong.which;
    match wrong.what {
        What::Group => remove_group(paths, id),
        _ => end(paths, id),
    }
}

fn remove_group(paths: &Paths, id: &str) -> Result<bool> {
    if !is_left(paths, id) {
        return Ok(false);
    }
    let Ok(Some(group)) = Group::existing(id) else { return Ok(false) };
    group.remove().map(|()| true).map_err(|errno| Error::from_errno("it cannot be removed", errno))
}

fn end(paths: &Paths, id: &str) -> Result<bool> {
    if !inhabitants::end(paths, id, |id| at_rest(paths, id)) {
        return Ok(false);
    }
    if let Ok(Some(group)) = Group::existing(id) {
        repair::remove_group(&group);
    }
    match unwatched(paths).contains_key(id) {
        true => Err(Error::failed("they do not end")),
        false => Ok(true),
    }
}
