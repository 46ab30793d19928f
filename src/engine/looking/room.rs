//! `system df`: what takes room on the disk, how much of it is shared, and how much of it nobody needs.
//!
//! A layer is on the disk once, however many images and containers stand on it; so rooms are sums over sets of layers, never over
//! images.

use crate::engine::build_cache::{self, Cached};
use crate::engine::{list, size, volumes};
use crate::error::Result;
use crate::image;
use crate::image::catalog::{self, Listed};
use crate::paths::Paths;
use crate::record::{Container, Seen};
use crate::volume::{self, Volume};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

/// Everything there is, with its size.
pub struct Room {
    pub images: Vec<OfImage>,
    pub containers: Vec<OfContainer>,
    pub volumes: Vec<OfVolume>,
    /// What builds keep for later ones.
    pub build_cache: Vec<Cached>,
    /// Of all layers of images and containers, each once, and of their copies for other owners.
    pub layers: u64,
    /// Of those among them that no container stands on.
    pub idle_layers: u64,
    /// The layers as they came, kept beside them for `save`, and what broken pulls have left. Not those that only builds need.
    pub blobs: u64,
}

pub struct OfImage {
    /// A row of `images`: one image may have several names.
    pub listed: Listed,
    /// Of its layers, what other images have, too.
    pub shared: u64,
    pub unique: u64,
    pub containers: usize,
}

pub struct OfContainer {
    pub seen: Seen,
    /// In its own layer.
    pub own: u64,
}

pub struct OfVolume {
    pub volume: Volume,
    pub links: usize,
    pub size: u64,
}

pub fn look(paths: &Paths) -> Result<Room> {
    let seen = list::containers(paths)?;
    let listed = catalog::list(paths)?;
    let layers = LayersOf::find(paths, &listed, &seen);
    let rows = listed.into_iter().map(|listed| layers.of(listed, &seen)).collect();
    let mut sizes = size::of_all(paths, &seen);
    let records: Vec<Container> = seen.iter().map(|seen| seen.record.clone()).collect();
    let volumes = volume::list(paths)?.into_iter().map(|volume| OfVolume {
        links: volumes::users(&records, &volume.name).len(),
        size: size::of_volume(paths, &volume.name),
        volume,
    });
    let build_cache = build_cache::look(paths)?;
    let blobs_of_builds: u64 = build_cache.iter().filter(|cached| !cached.is_shared).map(|cached| cached.blob_size).sum();
    let blobs = size::of_files_in(&paths.blobs()) + size::of_files_in(&paths.arriving());
    let used = copies_in_use(paths, &seen);
    let copies = image::shifted::all(paths).into_iter().map(|copy| (size::of_files_in(&copy), used.contains(&copy)));
    let copies: Vec<(u64, bool)> = copies.collect();
    let idle_copies = copies.iter().filter(|(_, is_used)| !is_used).map(|(size, _)| size).sum::<u64>();
    Ok(Room {
        layers: layers.total(|_| true) + copies.iter().map(|(size, _)| size).sum::<u64>(),
        idle_layers: layers.total(|layer| !layers.used.contains(layer)) + idle_copies,
        images: rows,
        volumes: volumes.collect(),
        containers: seen
            .into_iter()
            .map(|seen| OfContainer { own: sizes.remove(&seen.record.id).map_or(0, |sizes| sizes.own), seen })
            .collect(),
        blobs: blobs.saturating_sub(blobs_of_builds),
        build_cache,
    })
}

/// Copies of layers that containers stand on whose users are not those of their files.
pub fn copies_in_use(paths: &Paths, containers: &[Seen]) -> BTreeSet<PathBuf> {
    let records = containers.iter().map(|seen| &seen.record).filter(|record| record.owners.is_some());
    let of_one = |record: &Container| {
        let owners = record.owners.as_ref();
        image::shifted::of(paths, &record.layers, owners).into_iter().chain([image::shifted::ground_of(paths, owners)]).collect::<Vec<_>>()
    };
    records.flat_map(of_one).collect()
}

/// Which image has which layers, and what each layer takes.
struct LayersOf {
    images: HashMap<String, BTreeSet<String>>,
    sizes: BTreeMap<String, u64>,
    /// In how many images each is.
    owners: BTreeMap<String, usize>,
    /// By containers.
    used: BTreeSet<String>,
}

impl LayersOf {
    fn find(paths: &Paths, listed: &[Listed], seen: &[Seen]) -> LayersOf {
        let ids: BTreeSet<&String> = listed.iter().map(|image| &image.id).collect();
        let layers = |id: &&String| Some(((*id).clone(), image::find(paths, id).ok()?.layers.into_iter().collect()));
        let images: HashMap<String, BTreeSet<String>> = ids.iter().filter_map(layers).collect();
        let used: BTreeSet<String> = seen.iter().flat_map(|seen| seen.record.layers.iter().cloned()).collect();
        let mut owners = BTreeMap::new();
        for layer in images.values().flatten() {
            *owners.entry(layer.clone()).or_insert(0) += 1;
        }
        // What a container stands on is there, also when its image has gone.
        let all: Vec<String> = owners.keys().chain(&used).cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let sizes = all.iter().cloned().zip(size::of_layers(paths, &all)).collect();
        LayersOf { images, sizes, owners, used }
    }

    fn total(&self, counts: impl Fn(&String) -> bool) -> u64 {
        self.sizes.iter().filter(|(layer, _)| counts(layer)).map(|(_, size)| size).sum()
    }

    fn of(&self, listed: Listed, seen: &[Seen]) -> OfImage {
        let none = BTreeSet::new();
        let layers = self.images.get(&listed.id).unwrap_or(&none);
        let is_shared = |layer: &String| self.owners.get(layer).is_some_and(|owners| *owners > 1);
        let shared = self.total(|layer| layers.contains(layer) && is_shared(layer));
        let unique = self.total(|layer| layers.contains(layer) && !is_shared(layer));
        let containers = seen.iter().filter(|seen| seen.record.image_id == listed.id).count();
        OfImage { listed, shared, unique, containers }
    }
}
