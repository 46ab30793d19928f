//! Volumes that are half made, half filled or half removed, that nobody will ever remove, or whose record is lost.

use super::{What, Wrong};
use crate::engine::{find, volumes};
use crate::error::{Error, Result};
use crate::names;
use crate::paths::{ContainerPaths, Paths};
use crate::volume::{self, faults, faults::Fault};
use std::path::Path;

pub fn look(paths: &Paths) -> Result<Vec<Wrong>> {
    let mut faults = faults::look(paths)?;
    // Afterwards, because who makes a volume for a container has written that one down before.
    let users = volumes::containers(paths)?;
    // A half-made one that a container has is made whole when that one starts.
    let is_used = |name: &str| !volumes::users(&users, name).is_empty();
    faults.retain(|(name, fault)| names::is_name(name) && (*fault != Fault::HalfMade || !is_used(name)));
    if !faults.is_empty() {
        // Its container may have come and gone between the two looks.
        let still = faults::look(paths)?;
        faults.retain(|fault| still.contains(fault));
    }
    let mut found: Vec<Wrong> = faults.into_iter().map(|(name, fault)| Wrong::new(what(fault), &name, format!("volume {name}"))).collect();
    let going = volume::abandoned(paths).into_iter().map(|path| path.display().to_string());
    found.extend(going.map(|path| Wrong::new(What::VolumeHalfRemoved, &path, format!("unfinished/{}", name_of(&path)))));
    let of_nobody = volume::list(paths)?
        .into_iter()
        .filter(|volume| volume.ends_with.as_deref().is_some_and(|id| is_gone(paths, id)) && !is_used(&volume.name));
    found.extend(of_nobody.map(|volume| Wrong::new(What::VolumeOfNobody, &volume.name, format!("volume {}", &volume.name))));
    Ok(found)
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn what(fault: Fault) -> What {
    match fault {
        Fault::HalfMade => What::VolumeHalfMade,
        Fault::HalfFilled => What::VolumeHalfFilled,
        Fault::WithoutRecord => What::VolumeWithoutRecord,
        Fault::Newer => What::NewerVolume,
    }
}

/// The container; one that is being made or removed has a run directory.
fn is_gone(paths: &Paths, id: &str) -> bool {
    matches!(find::record(paths, id), Ok(None)) && !ContainerPaths::new(paths, id, true).live.exists()
}

pub fn mend(paths: &Paths, wrong: &Wrong) -> Result<bool> {
    let name = &wrong.which;
    match wrong.what {
        What::VolumeHalfMade => faults::mend(paths, name, Fault::HalfMade),
        What::VolumeHalfFilled => faults::mend(paths, name, Fault::HalfFilled),
        What::VolumeWithoutRecord => faults::mend(paths, name, Fault::WithoutRecord),
        What::VolumeHalfRemoved => {
            volume::clear_away(paths);
            gone_now(!Path::new(name).exists())
        }
        _ => {
            if let Some(id) = volume::find(paths, name)?.and_then(|volume| volume.ends_with).filter(|id| is_gone(paths, id)) {
                volumes::forget_those_of(paths, &id);
            }
            gone_now(volume::find(paths, name)?.is_none())
        }
    }
}

fn gone_now(is_gone: bool) -> Result<bool> {
    if is_gone { Ok(true) } else { Err(Error::failed("it cannot be removed")) }
}
