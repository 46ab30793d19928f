//! `prune`: what nobody uses goes, and how much room that makes.

use crate::engine::events::{self, Kind as What};
use crate::engine::{images, list, remove, room, size};
use crate::error::{Kind, Result};
use crate::image::{
    self, arrival,
    catalog::{self, Listed, Removed},
    shifted,
};
use crate::paths::Paths;
use crate::record::{Seen, Status};
use std::collections::{BTreeMap, BTreeSet};

/// Removes the containers that do not run and that fit; returns their ids and what they had written.
pub fn containers(paths: &Paths, fits: impl Fn(&Seen) -> bool) -> Result<Vec<(String, u64)>> {
    let mut doomed = list::containers(paths)?;
    doomed.retain(|seen| matches!(seen.status, Status::Created | Status::Exited) && fits(seen));
    let sizes = size::of_all(paths, &doomed);
    let mut gone = Vec::new();
    for id in doomed.into_iter().map(|seen| seen.record.id) {
        match remove::remove(paths, &id, false) {
            Ok(()) => gone.push((id.clone(), sizes.get(&id).map_or(0, |sizes| sizes.own))),
            // Somebody else was faster, with the removal or with a start.
            Err(error) if matches!(error.kind(), Kind::NoSuch | Kind::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    let room = gone.iter().map(|(_, size)| size).sum::<u64>();
    events::of(paths, What::Container, "prune", "", &[("reclaimed", room.to_string())]);
    Ok(gone)
}

/// Removes what broken pulls have left; returns its size.
pub fn broken_pulls(paths: &Paths) -> u64 {
    arrival::remove_all(paths)
}

/// Removes the images that no container needs, that fit, and that have no name or `all`, and copies of layers for owners whom nobody
/// has; returns what went and its size.
pub fn images(paths: &Paths, all: bool, fits: impl Fn(&Listed) -> bool) -> Result<(Vec<Removed>, u64)> {
    let used: BTreeSet<String> = list::containers(paths)?.into_iter().map(|seen| seen.record.image_id).collect();
    let mut doomed = catalog::list(paths)?;
    doomed.retain(|image| (all || image.name.is_none()) && !used.contains(&image.id) && fits(image));
    let ids: BTreeSet<String> = doomed.into_iter().map(|image| image.id).collect();
    let layers: BTreeSet<String> = ids.iter().filter_map(|id| image::find(paths, id).ok()).flat_map(|image| image.layers).collect();
    let layers: Vec<String> = layers.into_iter().collect();
    let sizes: BTreeMap<String, u64> = layers.iter().cloned().zip(size::of_layers(paths, &layers)).collect();
    let (mut gone, mut room) = (Vec::new(), 0);
    for id in ids {
        match images::remove(paths, &id, true) {
            Ok(removed) => gone.extend(removed),
            Err(error) if matches!(error.kind(), Kind::NoSuch | Kind::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    for removed in &gone {
        if let Removed::Deleted(digest) = removed {
            room += digest.strip_prefix("sha256:").and_then(|hex| sizes.get(hex)).copied().unwrap_or(0);
        }
    }
    let in_use = || Ok(room::copies_in_use(paths, &list::containers(paths)?));
    shifted::remove_unused(paths, in_use, |copy| room += size::of_files_in(copy))?;
    events::of(paths, What::Image, "prune", "", &[("reclaimed", room.to_string())]);
    Ok((gone, room))
}
