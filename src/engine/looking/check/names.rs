//! Names that lead nowhere, to the wrong container, or that are missing.

use super::{What, Wrong};
use crate::engine::{find, name_claim};
use crate::error::{Error, Result};
use crate::names;
use crate::paths::{ContainerPaths, Paths};
use crate::record::Container;
use crate::store;
use std::path::Path;

pub fn look(paths: &Paths) -> Vec<Wrong> {
    let mut found = Vec::new();
    for (link, id) in name_claim::all(paths) {
        if let Some(what) = judge(paths, &link, &id) {
            found.push(Wrong::new(what, link.display().to_string(), format!("name {}", name_of(&link))).of(id));
        }
    }
    for id in find::ids(paths) {
        if let Ok(Some(record)) = find::record(paths, &id)
            && is_lost(paths, &record)
        {
            found.push(Wrong::new(What::NameLost, id, format!("container {}", record.name)));
        }
    }
    found
}

fn name_of(link: &Path) -> String {
    link.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn judge(paths: &Paths, link: &Path, id: &str) -> Option<What> {
    match find::record(paths, id) {
        Ok(Some(record)) => (record.name != name_of(link)).then_some(What::NameOfAnother),
        // One that is being made has its name before its record, and its run directory before both.
        Ok(None) => (!ContainerPaths::new(paths, id, true).live.exists()).then_some(What::NameToNowhere),
        Err(_) => None,
    }
}

fn is_lost(paths: &Paths, record: &Container) -> bool {
    let dir = if record.wishes.remove { paths.names_live() } else { paths.names_kept() };
    names::is_name(&record.name) && name_claim::holder(&dir.join(&record.name)).as_deref() != Some(&record.id)
}

pub fn mend(paths: &Paths, wrong: &Wrong) -> Result<bool> {
    if wrong.what == What::NameLost {
        return give_back(paths, &wrong.which);
    }
    let link = Path::new(&wrong.which);
    let Some(id) = name_claim::holder(link) else { return Ok(false) };
    // Whoever renames it holds this.
    let _renaming = store::lock_dir(&ContainerPaths::new(paths, &id, true).disk).ok();
    if judge(paths, link, &id) != Some(wrong.what) {
        return Ok(false);
    }
    name_claim::release(paths, &name_of(link), &id);
    match name_claim::holder(link) == Some(id) {
        true => Err(Error::failed("it cannot be removed")),
        false => Ok(true),
    }
}

fn give_back(paths: &Paths, id: &str) -> Result<bool> {
    let record = |id: &str| Ok::<_, Error>(find::record(paths, id)?.filter(|record| is_lost(paths, record)));
    let Some(record) = record(id)? else { return Ok(false) };
    name_claim::restore(paths, &record);
    match is_lost(paths, &record) {
        true => Err(Error::conflict("another container has its name")),
        false => Ok(true),
    }
}
