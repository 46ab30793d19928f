//! `create`: the image is found, the wishes are checked and written down, and the directories are there. Nothing runs yet.

use crate::engine::describe::{self, Described};
use crate::engine::{events, hold, mounts, name_claim, networks, ordinary, remove, users};
use crate::error::{Context, Error, Result};
use crate::image::{self, Image};
use crate::network;
use crate::options::Wishes;
use crate::paths::{ContainerPaths, Paths};
use crate::record::Container;
use crate::store::{self, Durable, Lock};
use crate::sys::{Errno, file};
use crate::trace::{self, Step};
use oci_spec::runtime::Spec;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub struct Request {
    /// As it was typed.
    pub image: String,
    pub name: Option<String>,
    pub wishes: Wishes,
    /// It is started at once.
    pub launched: bool,
    /// Told of so many bytes that are copied first.
    pub on_copy: fn(u64),
    pub place: Option<Place>,
}

/// For a container that is a step of something larger: what it writes stays when it ends, and it ends when whoever began it is gone.
pub struct Place {
    pub upper: PathBuf,
    pub work: PathBuf,
    /// A layer below all others, with mount points that only this container needs.
    pub points: Option<PathBuf>,
    /// Sources of bind mounts that lie nowhere on the host, by target.
    pub trees: Vec<(PathBuf, OwnedFd)>,
}

/// A container at hand: what is written down of it, and the lock that says that somebody cares for it.
pub struct Made {
    pub record: Container,
    pub spec: Spec,
    pub files: ContainerPaths,
    pub alive: Lock,
    pub place: Option<Place>,
}

pub fn create(paths: &Paths, request: Request, image: &Image) -> Result<Made> {
    trace::begin(Step::DescribeContainer);
    image::ground(paths)?;
    let Request { image: image_name, name, wishes, launched, on_copy, place } = request;
    let Described { mut record, spec, files, missing } =
        describe::describe(paths, image_name, wishes, image, place.as_ref(), network::default)?;
    for source in missing {
        // Unlike what is the store's own, it is for others to look into.
        file::make_dirs(&source, 0o755).with_context(|| format!("cannot make directory {}", source.display()))?;
    }
    // Up to here nothing was made. From here on whatever fails is taken back.
    record.launched = launched;
    // The lock first: what is there without one was left behind, and may be taken away by anybody.
    let alive = hold::take(&files).context("cannot create the container")?;
    let made = name_claim::claim(paths, name.as_deref(), &record.id, !record.wishes.remove).and_then(|name| {
        record.name = name;
        write_down(paths, &mut record, &spec, &files, on_copy).context("cannot create the container")
    });
    match made {
        Ok(()) => {
            events::of_container(paths, &record, "create", &[]);
            Ok(Made { record, spec, files, alive, place })
        }
        Err(error) => {
            remove::erase(paths, &record, &files);
            Err(error)
        }
    }
}

fn write_down(paths: &Paths, record: &mut Container, spec: &Spec, files: &ContainerPaths, on_copy: fn(u64)) -> Result<()> {
    make_directories(paths, record, files)?;
    store::write_json(&files.config(), spec, Durable::No)?;
    store::write_json(&files.record(), record, Durable::No)?;
    // From here on `rmi` sees that the image is used; it may have looked a moment before.
    if let Some(gone) = record.layers.iter().find(|layer| !paths.layer(layer).is_dir()) {
        return Err(Error::no_such(format!("image {} was removed meanwhile", record.image)).because(format!("layer {gone:.12} is gone")));
    }
    ordinary::furnish(paths, record, on_copy)?;
    networks::still_there(paths, &record.wishes)?;
    mounts::prepare(paths, record, spec)?;
    match mounts::settle_owners(record, spec)? {
        true => store::write_json(&files.record(), record, Durable::No),
        false => Ok(()),
    }
}

fn make_directories(paths: &Paths, record: &Container, files: &ContainerPaths) -> Result<()> {
    make(&files.disk, &paths.kept_containers())?;
    make(&files.upper(), &files.disk)?;
    if let Some(root) = users::at_rest(record).and_then(|users| users.root()) {
        file::change_owner(&files.upper(), root.0, root.1).context("cannot give the container its files")?;
    }
    make(&files.work(), &files.disk)
}

/// For a container that is not started at once: on disk for good, and nobody's until somebody starts it.
pub fn lay_to_rest(paths: &Paths, made: Made) -> Result<()> {
    if made.record.wishes.remove {
        return Ok(());
    }
    sync(paths, &made.files)?;
    hold::forget_live(&made.files);
    Ok(())
}

/// From now on a power cut takes nothing of the records; of the files it takes what the container has not synced itself.
pub fn sync(paths: &Paths, files: &ContainerPaths) -> Result<()> {
    store::sync(&files.config())?;
    store::sync(&files.record())?;
    store::sync_dir(&paths.kept_containers())?;
    store::sync_dir(&paths.names_kept())
}

/// Mode 0755 for what becomes the container's root; the directories above are closed to other users.
fn make(dir: &Path, above: &Path) -> Result<()> {
    let what = || format!("cannot make directory {}", dir.display());
    match file::make_dir(dir, 0o755) {
        Err(Errno::ENOENT) => {
            store::make_dirs(above)?;
            file::make_dir(dir, 0o755).with_context(what)
        }
        other => other.with_context(what).map_err(store::advise),
    }
}
