//! `update`: other limits, and another restart policy, for a container that runs or rests. All that was asked for, or nothing.
//!
//! Three places say what the limits are: the group, while it runs; `config.json`, from which the next start takes them; and the
//! record, which is shown. They change in this order, and what cannot be written is taken back from those before. Who is killed on
//! the way leaves a record that is older than the others: it is the record that counts at the next start (`agree`).

use crate::engine::amend::{self, Undo};
use crate::engine::{events, find, machine};
use crate::error::{Context, Error, Result};
use crate::options::restart::Restart;
use crate::options::{Limits, limits};
use crate::paths::{ContainerPaths, Paths};
use crate::record::{Container, Live};
use crate::runtime::cgroup::Group;
use crate::spec::resources;
use crate::store::{self, Durable};
use oci_spec::runtime::{LinuxCpu, LinuxMemory, LinuxResources, Spec};
use std::collections::HashMap;
use std::path::Path;

/// What shall be different.
pub struct Change<'a> {
    /// What becomes of the limits that it has.
    pub limits: &'a dyn Fn(&Limits) -> Result<Limits>,
    pub restart: Option<Restart>,
}

pub fn update(paths: &Paths, wanted: &str, change: &Change) -> Result<()> {
    let found = find::container(paths, wanted)?;
    let id = found.record.id.clone();
    // Of two who change it at once, one comes after the other, and adds to what the first has made of it.
    let _one_at_a_time = store::lock_dir(&found.files(paths).disk)?;
    let seen = find::by_id(paths, &id)?.unwrap_or(found);
    let what = || format!("cannot update container {}", seen.record.name);
    let before = &seen.record.wishes.limits;
    let after = (change.limits)(before).and_then(|after| check(&seen.record, &after, change).map(|()| after)).with_context(what)?;
    let files = seen.files(paths);
    let limit = |live: Option<&Live>| match after == *before {
        true => Ok(Box::new(|| ()) as Undo),
        false => change_limits(&files, live, before, &after).with_context(what),
    };
    amend::amend_with(paths, &seen, &limit, &|amended| {
        if after != *before {
            amended.limits = Some(after.clone());
        }
        amended.restart = change.restart.or(amended.restart);
    })?;
    events::of_container(paths, &seen.record, "update", &[]);
    Ok(())
}

fn check(record: &Container, after: &Limits, change: &Change) -> Result<()> {
    if record.wishes.remove && change.restart.is_some_and(|restart| restart != Restart::No) {
        return Err(Error::conflict("it is removed when it ends (--rm)").because("what is gone cannot be started again"));
    }
    limits::check(after)?;
    machine::check(after)
}

/// The group and `config.json`; what is returned makes both what they were.
fn change_limits(files: &ContainerPaths, live: Option<&Live>, before: &Limits, after: &Limits) -> Result<Undo> {
    let spec: Spec = store::read_json(&files.config())?.ok_or_else(|| Error::damaged("it has no config.json"))?;
    let group = live.map(|live| live.cgroup.clone()).filter(|path| !path.is_empty());
    match (live, &group) {
        (Some(_), Some(path)) => write_to(path, before, after)?,
        (Some(_), None) => return Err(Error::cannot_keep("it has no control group").hint("tare info tells why")),
        (None, _) => {
            let mut wanted = LinuxResources::default();
            resources::limit(&mut wanted, after);
            Group::check_offered(&wanted)?;
        }
    }
    let (config, old_limits, new_limits) = (files.config(), before.clone(), after.clone());
    let mut changed = spec.clone();
    agree(&mut changed, after);
    let undo = {
        let config = config.clone();
        move || {
            let _ = store::write_json(&config, &spec, Durable::No);
            let _ = group.iter().try_for_each(|path| write_to(path, &new_limits, &old_limits));
        }
    };
    match store::write_json(&config, &changed, if live.is_some() { Durable::No } else { Durable::Yes }) {
        Ok(()) => Ok(Box::new(undo)),
        Err(error) => {
            undo();
            Err(error)
        }
    }
}

fn write_to(group: &str, before: &Limits, after: &Limits) -> Result<()> {
    let mut group = Group::open(Path::new(group)).ok_or_else(|| Error::conflict("it has just ended").hint("try again"))?;
    let wanted = difference(before, after, group.path());
    group.update(&wanted)
}

/// What a start would read is what the record says.
pub fn agree(spec: &mut Spec, limits: &Limits) {
    if let Some(linux) = spec.linux_mut() {
        let mut wanted = linux.resources().clone().unwrap_or_default();
        resources::limit(&mut wanted, limits);
        linux.set_resources(Some(wanted));
    }
}

/// All limits there shall be, and of those that shall be no more what everybody has: a group forgets nothing by itself.
fn difference(before: &Limits, after: &Limits, group: &Path) -> LinuxResources {
    let mut wanted = LinuxResources::default();
    resources::limit(&mut wanted, after);
    let mut memory: LinuxMemory = wanted.memory().unwrap_or_default();
    if before.memory.is_some() && after.memory.is_none() {
        memory.set_limit(Some(-1)).set_swap(Some(-1));
    }
    let mut cpu: LinuxCpu = wanted.cpu().clone().unwrap_or_default();
    if before.cpu_shares.is_some() && after.cpu_shares.is_none() {
        cpu.set_shares(Some(1024));
    }
    let is_shared_out = |limits: &Limits| limits.nano_cpus.is_some() || limits.cpu_quota.is_some();
    if is_shared_out(before) && !is_shared_out(after) {
        cpu.set_quota(Some(-1));
    }
    if before.cpu_period.is_some() && after.cpu_period.is_none() && cpu.period().is_none() {
        cpu.set_period(Some(100_000));
    }
    // A set cannot be emptied while somebody is in the group: the whole of what the group above has is the same.
    let of_all = |set: &str| std::fs::read_to_string(group.with_file_name(set)).ok().map(|text| text.trim().to_owned());
    if before.cpuset_cpus.is_some() && after.cpuset_cpus.is_none() {
        cpu.set_cpus(of_all("cpuset.cpus.effective"));
    }
    if before.cpuset_mems.is_some() && after.cpuset_mems.is_none() {
        cpu.set_mems(of_all("cpuset.mems.effective"));
    }
    // What the spec has no number for, in the words of the group's own files.
    let mut words = HashMap::new();
    let mut word = |is_gone: bool, file: &str, usual: &str| {
        if is_gone {
            words.insert(file.to_owned(), usual.to_owned());
        }
    };
    word(before.memory_reservation.is_some() && after.memory_reservation.is_none(), "memory.low", "0");
    let weight = if group.join("io.weight").exists() { "io.weight" } else { "io.bfq.weight" };
    word(before.io_weight.is_some() && after.io_weight.is_none(), weight, "100");
    wanted.set_memory((memory != LinuxMemory::default()).then_some(memory));
    wanted.set_cpu((cpu != LinuxCpu::default()).then_some(cpu));
    wanted.set_unified((!words.is_empty()).then_some(words));
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &Limits, after: &Limits) -> serde_json::Value {
        serde_json::to_value(difference(before, after, Path::new("/nowhere"))).unwrap()
    }

    #[test]
    fn what_is_taken_back_is_what_everybody_has() {
        let all = Limits {
            memory: Some(64 << 20),
            memory_reservation: Some(32 << 20),
            nano_cpus: Some(500_000_000),
            cpu_shares: Some(512),
            ..Limits::default()
        };
        let told = told(&all, &Limits::default());
        assert_eq!((&told["memory"]["limit"], &told["memory"]["swap"]), (&(-1).into(), &(-1).into()), "{told}");
        assert_eq!((&told["cpu"]["shares"], &told["cpu"]["quota"]), (&1024.into(), &(-1).into()), "{told}");
        assert_eq!(told["unified"]["memory.low"], "0", "{told}");
    }

    #[test]
    fn a_set_is_widened_to_that_of_the_group_above() {
        let dir = std::env::temp_dir().join(format!("tare-update-{}", std::process::id()));
        store::make_dirs(&dir).unwrap();
        std::fs::write(dir.join("cpuset.cpus.effective"), "0-3\n").unwrap();
        let before = Limits { cpuset_cpus: Some("0".to_owned()), ..Limits::default() };
        let told = serde_json::to_value(difference(&before, &Limits::default(), &dir.join("group"))).unwrap();
        assert_eq!(told["cpu"]["cpus"], "0-3");
        crate::sys::file::remove_tree(&dir).unwrap();
    }

    #[test]
    fn what_stays_is_said_again() {
        let before = Limits { memory: Some(64 << 20), pids: Some(10), ..Limits::default() };
        let after = Limits { memory: Some(128 << 20), ..before.clone() };
        let told = told(&before, &after);
        assert_eq!((&told["memory"]["limit"], &told["memory"]["swap"]), (&(128 << 20).into(), &(256 << 20).into()));
        assert_eq!(told["pids"]["limit"], 10);
        assert!(told.get("cpu").is_none() && told.get("unified").is_none(), "{told}");
    }
}
