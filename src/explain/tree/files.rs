//! The files of a container for the picture: the layers that it stands on, what it has written, and what is mounted.

use crate::engine::size;
use crate::explain::layers::made_by_of;
use crate::explain::live::mounts::{self, Mounted};
use crate::explain::live::namespaces::first_process;
use crate::options::Mount;
use crate::paths::Paths;
use crate::record::Seen;

pub struct Files {
    /// The topmost first, as they are looked through.
    pub layers: Vec<Layer>,
    pub upper: String,
    /// Bytes that it has written itself.
    pub written: u64,
    pub is_read_only: bool,
    /// What was asked for: volumes, directories of the host, files in memory.
    pub wished: Vec<Wished>,
    /// What every container has; empty where it does not run.
    pub others: Vec<Mounted>,
}

pub struct Layer {
    /// Diff id (hex).
    pub id: String,
    pub size: u64,
    pub made_by: String,
}

pub struct Wished {
    pub target: String,
    /// `volume home`, `the host's /src`, `memory`
    pub what: String,
    pub source: String,
    pub is_read_only: bool,
}

pub fn of(paths: &Paths, seen: &Seen) -> Files {
    let record = &seen.record;
    let sizes = size::of_layers(paths, &record.layers);
    let made_by = made_by_of(paths, &record.image_id, record.layers.len());
    let layers = record.layers.iter().zip(sizes).zip(made_by).rev();
    let upper = seen.files(paths).upper();
    let mounted = first_process(seen).map(mounts::of).unwrap_or_default();
    let targets: Vec<&str> = record.wishes.mounts.iter().map(Mount::target).collect();
    let is_other = |mounted: &Mounted| mounted.target != "/" && !targets.contains(&mounted.target.as_str());
    Files {
        layers: layers.map(|((id, size), made_by)| Layer { id: id.clone(), size, made_by }).collect(),
        written: size::of_files_in(&upper),
        upper: upper.display().to_string(),
        is_read_only: record.wishes.read_only,
        wished: record.wishes.mounts.iter().map(wished).collect(),
        others: mounted.into_iter().filter(is_other).collect(),
    }
}

fn wished(mount: &Mount) -> Wished {
    let target = mount.target().to_owned();
    match mount {
        Mount::Bind { source, read_only, .. } => {
            Wished { target, what: "of the host".to_owned(), source: source.display().to_string(), is_read_only: *read_only }
        }
        Mount::Volume(volume) => {
            let what = if volume.anonymous { "a volume of its own".to_owned() } else { format!("volume {}", volume.name) };
            Wished { target, what, source: volume.source.display().to_string(), is_read_only: volume.read_only }
        }
        Mount::Tmpfs { options, .. } => {
            let is_read_only = options.iter().any(|option| option == "ro");
            Wished { target, what: "in memory".to_owned(), source: options.join(","), is_read_only }
        }
    }
}
