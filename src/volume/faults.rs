//! What crashes have left of volumes: found without changing anything, and put right under the volume's own lock.

use crate::error::{Context, Error, Kind, Result};
use crate::paths::{Paths, VolumePaths};
use crate::store::{self, Durable};
use crate::sys::file;
use crate::volume::{Volume, keep};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Its maker came no further than its directory.
    HalfMade,
    /// The image's files were being copied in.
    HalfFilled,
    WithoutRecord,
    /// A newer version of tare has written it.
    Newer,
}

/// By name.
pub fn look(paths: &Paths) -> Result<Vec<(String, Fault)>> {
    let entries = match std::fs::read_dir(paths.volumes()) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.context("cannot list the volumes")?,
    };
    let dirs = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let names = dirs.filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names
        .filter_map(|name| Some((at_rest(&paths.volume(&name)).then(|| judge(&paths.volume(&name)))??, name)))
        .map(|(fault, name)| (name, fault))
        .collect())
}

fn at_rest(files: &VolumePaths) -> bool {
    !store::is_held(&files.lock()).unwrap_or(true)
}

fn judge(files: &VolumePaths) -> Option<Fault> {
    if !files.data().is_dir() {
        return Some(Fault::HalfMade);
    }
    match store::read_json::<Volume>(&files.record()) {
        Ok(None) => return Some(Fault::WithoutRecord),
        Err(error) if error.kind() == Kind::Damaged => return Some(Fault::WithoutRecord),
        Err(error) if error.kind() == Kind::Newer => return Some(Fault::Newer),
        _ => {}
    }
    files.filling().exists().then_some(Fault::HalfFilled)
}

/// False: by now it is not so any more.
pub fn mend(paths: &Paths, name: &str, fault: Fault) -> Result<bool> {
    let Some(held) = keep::hold(paths, name)? else { return Ok(false) };
    if judge(&held.files) != Some(fault) {
        return Ok(false);
    }
    match fault {
        Fault::HalfMade => held.remove(paths)?,
        Fault::HalfFilled => file::remove_tree(&held.files.filling()).with_context(|| format!("cannot clear up volume {name}"))?,
        Fault::WithoutRecord => {
            // It has been used, or it might be filled over what somebody has put there.
            let found = keep::find(paths, name)?.ok_or_else(|| Error::no_such(format!("no such volume: {name}")))?;
            store::write_json(&held.files.record(), &Volume { used: true, ..found }, Durable::Yes)?;
        }
        Fault::Newer => return Err(Error::failed("it cannot be understood")),
    }
    Ok(true)
}
