//! Verbs on volumes: made and removed with an eye on the containers that use them.

use crate::engine::events::{self, Kind as What};
use crate::engine::{list, now, size};
use crate::error::{Context, Error, Result};
use crate::names;
use crate::options::Mount;
use crate::options::mounts::check_volume_name;
use crate::options::volumes::device;
use crate::paths::Paths;
use crate::record::Container;
use crate::store::Durable;
use crate::sys::file;
use crate::volume::{self, Held, Volume};

/// What `volume create` was asked for.
#[derive(Default)]
pub struct Request {
    pub name: Option<String>,
    pub labels: Vec<(String, String)>,
    pub options: Vec<(String, String)>,
}

/// The name. One that is there already is as good as made, unless it was made otherwise.
pub fn create(paths: &Paths, request: Request) -> Result<String> {
    if let Some(device) = device(&request.options)?.filter(|device| !device.is_dir()) {
        return Err(Error::no_such(format!("there is no directory {}", device.display())).hint("make it first"));
    }
    let anonymous = request.name.is_none();
    let name = match request.name {
        Some(name) => check_volume_name(&name).map(|()| name)?,
        None => file::random_id().context("cannot make a name")?,
    };
    let options = request.options.clone();
    let wish = Volume { name: name.clone(), created: now(), labels: request.labels, options, anonymous, ..Volume::default() };
    volume::clear_away(paths);
    let held = volume::make(paths, &wish, Durable::Yes)?;
    held.volume.check_options(&request.options)?;
    tell_made(paths, &held);
    Ok(name)
}

/// Of one that was not there before.
pub fn tell_made(paths: &Paths, held: &Held) {
    if held.is_new {
        tell(paths, "create", &held.volume.name);
    }
}

fn tell(paths: &Paths, action: &str, name: &str) {
    events::of(paths, What::Volume, action, name, &[("driver", "local".to_owned())]);
}

pub fn find(paths: &Paths, name: &str) -> Result<Volume> {
    let found = if names::is_name(name) { volume::find(paths, name)? } else { None };
    found.ok_or_else(|| no_such(paths, name))
}

fn no_such(paths: &Paths, name: &str) -> Error {
    let all = volume::list(paths).unwrap_or_default();
    let hint = names::did_you_mean(name, all.iter().map(|volume| volume.name.as_str()));
    Error::no_such(format!("no such volume: {name}")).hint(hint.unwrap_or_else(|| "tare volume ls lists all".to_owned()))
}

/// Names of the containers that have this volume, whether they run or not.
pub fn users(containers: &[Container], name: &str) -> Vec<String> {
    let has = |container: &&Container| container.wishes.mounts.iter().filter_map(Mount::volume).any(|volume| volume.name == name);
    containers.iter().filter(has).map(|container| container.name.clone()).collect()
}

pub fn containers(paths: &Paths) -> Result<Vec<Container>> {
    Ok(list::containers(paths)?.into_iter().map(|seen| seen.record).collect())
}

pub fn remove(paths: &Paths, name: &str) -> Result<()> {
    let held = if names::is_name(name) { volume::hold(paths, name)? } else { None };
    let held = held.ok_or_else(|| no_such(paths, name))?;
    // Looked at under the lock: see the story in `volume/mod.rs`.
    if let Some(user) = users(&containers(paths)?, name).first() {
        return Err(Error::conflict(format!("cannot remove volume {name}"))
            .because(format!("container {user} uses it"))
            .hint(format!("remove the container first: tare rm {user}")));
    }
    held.remove(paths)?;
    tell(paths, "destroy", name);
    Ok(())
}

/// Removes the volumes that nobody uses and that fit; returns their names and what they held.
pub fn prune(paths: &Paths, fits: impl Fn(&Volume) -> bool) -> Result<Vec<(String, u64)>> {
    volume::clear_away(paths);
    let mut gone = Vec::new();
    for volume in volume::list(paths)?.into_iter().filter(fits) {
        let Some(held) = volume::hold(paths, &volume.name)? else { continue };
        if users(&containers(paths)?, &volume.name).is_empty() {
            let size = size::of_volume(paths, &volume.name);
            held.remove(paths)?;
            tell(paths, "destroy", &volume.name);
            gone.push((volume.name, size));
        }
    }
    let room = gone.iter().map(|(_, size)| size).sum::<u64>();
    events::of(paths, What::Volume, "prune", "", &[("reclaimed", room.to_string())]);
    Ok(gone)
}

/// The volumes of a container that nobody gave a name. It is gone, so nobody finds them any more either; the files go with
/// `remove_nameless`, or the next time somebody clears away. What another container uses stays.
pub fn forget_nameless(paths: &Paths, gone: &Container) {
    let volumes = gone.wishes.mounts.iter().filter_map(Mount::volume);
    forget(paths, volumes.filter(|volume| volume.anonymous).map(|volume| volume.name.as_str()));
}

pub fn remove_nameless(paths: &Paths, gone: &Container) {
    if gone.wishes.mounts.iter().filter_map(Mount::volume).any(|volume| volume.anonymous) {
        forget_nameless(paths, gone);
        volume::clear_away(paths);
    }
}

fn forget<'a>(paths: &Paths, names: impl Iterator<Item = &'a str>) {
    for name in names {
        let Ok(Some(held)) = volume::hold(paths, name) else { continue };
        let is_free = containers(paths).is_ok_and(|containers| users(&containers, name).is_empty());
        if is_free && held.let_go(paths).is_ok() {
            tell(paths, "destroy", name);
        }
    }
}

/// The same for a container whose record is lost: that of one that was to be removed at its end does not survive a reboot.
pub fn forget_those_of(paths: &Paths, id: &str) {
    let all = volume::list(paths).unwrap_or_default();
    forget(paths, all.iter().filter(|volume| volume.ends_with.as_deref() == Some(id)).map(|volume| volume.name.as_str()));
    volume::clear_away(paths);
}
