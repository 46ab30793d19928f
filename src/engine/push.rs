//! `push`: an image of the store goes to the registry that its name says, a few blobs at a time, the manifest when all are there.

use crate::engine::events;
use crate::error::{Error, Result};
use crate::image::progress::Part;
use crate::image::push::{self, Blob, Outgoing};
use crate::image::{Progress, Reference};
use crate::paths::Paths;
use crate::registry::{Content, Known, Repository, Went, Wish};
use crate::sys::threads;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// More at once fill no line better, and keep a registry from others.
const AT_ONCE: usize = 3;

/// What is said of a push that went well.
#[derive(Debug)]
pub struct Pushed {
    /// Of the manifest.
    pub digest: String,
    pub size: usize,
    /// Bottom first: the beginning of its id, and how it came there.
    pub layers: Vec<(String, Went)>,
}

/// The way to one repository, for one or more of its tags.
pub struct Pushing<'a> {
    paths: &'a Paths,
    repository: Arc<Repository>,
    neighbours: BTreeMap<String, String>,
    /// Digests of blobs that went there under an earlier tag.
    there: Mutex<Vec<String>>,
}

impl<'a> Pushing<'a> {
    pub fn to(paths: &'a Paths, name: &Reference) -> Result<Pushing<'a>> {
        let repository = Repository::new(&Known::of_this_user()?, &name.registry, &name.path, Wish::Push);
        Ok(Pushing { paths, repository, neighbours: push::neighbours(paths, name)?, there: Mutex::default() })
    }

    /// How far it has come stands in `progress` at any time.
    pub fn push(&self, name: &Reference, progress: &Progress) -> Result<Pushed> {
        let cannot = |error: Error| error.context(format!("cannot push {name}"));
        let image = push::outgoing(self.paths, name).map_err(cannot)?;
        let went = self.put(&image, name, progress).map_err(cannot)?;
        events::of(self.paths, events::Kind::Image, "push", &name.to_string(), &[("name", name.repository())]);
        let layers = image.layers.iter().filter_map(|layer| Some((layer.shown.clone()?, went.get(&layer.digest)?.clone()))).collect();
        Ok(Pushed { digest: image.digest, size: image.manifest.len(), layers })
    }

    /// Whatever it is; gives how each blob came there, by its digest.
    pub(super) fn put(&self, what: &Outgoing, name: &Reference, progress: &Progress) -> Result<BTreeMap<String, Went>> {
        let went = self.blobs(what, progress)?;
        let tag = name.tag.as_deref().unwrap_or_default();
        self.repository.put_manifest(tag, &what.media_type, &what.manifest, &what.digest)?;
        Ok(went)
    }

    /// The largest first, so that none is left at the end that all wait for. Gives how each came there, by its digest.
    fn blobs(&self, image: &Outgoing, progress: &Progress) -> Result<BTreeMap<String, Went>> {
        // An image may have a layer twice, which goes once.
        let blobs: BTreeMap<&str, &Blob> = image.blobs().map(|blob| (blob.digest.as_str(), blob)).collect();
        let mut blobs: Vec<&Blob> = blobs.into_values().collect();
        blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (went, failed) = (Mutex::new(BTreeMap::new()), Mutex::new(None));
        let work = || {
            while let Some(blob) = blobs.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| !stop.load(Ordering::Relaxed)) {
                match self.blob(blob, progress, &stop) {
                    Ok(how) => drop(locked(&went).insert(blob.digest.clone(), how)),
                    // The first is the reason; the others were stopped by it.
                    Err(error) => {
                        locked(&failed).get_or_insert(error);
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            }
        };
        threads::crew(AT_ONCE.min(blobs.len()), work);
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(went.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    fn blob(&self, blob: &Blob, progress: &Progress, stop: &AtomicBool) -> Result<Went> {
        if locked(&self.there).contains(&blob.digest) {
            return Ok(Went::WasThere);
        }
        // Nobody waits for a config, which is a short text.
        let aside = Progress::default();
        let part = blob.shown.as_ref().map_or_else(|| aside.begin("", None), |shown| progress.begin(shown, Some(blob.size)));
        let leaving = Leaving { blob, part: &part, stop };
        let went = self.repository.put_blob(&leaving, self.neighbours.get(&blob.digest).map(String::as_str))?;
        locked(&self.there).push(blob.digest.clone());
        part.finish_as(said(&went));
        Ok(went)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// In Docker's words.
pub fn said(went: &Went) -> String {
    match went {
        Went::Up => "Pushed".to_owned(),
        Went::WasThere => "Layer already exists".to_owned(),
        Went::MountedFrom(repository) => format!("Mounted from {repository}"),
    }
}

/// A blob of the store, as the registry's side sees it.
struct Leaving<'a> {
    blob: &'a Blob,
    part: &'a Part,
    /// Another has failed, so this one is in vain.
    stop: &'a AtomicBool,
}

impl Content for Leaving<'_> {
    fn digest(&self) -> &str {
        &self.blob.digest
    }
    fn size(&self) -> u64 {
        self.blob.size
    }
    fn open(&self, from: u64) -> Result<Box<dyn Read + '_>> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Error::failed("another blob has failed"));
        }
        self.part.begin_at(from);
        Ok(Box::new(Counted { source: self.blob.open(from)?, leaving: self }))
    }
}

struct Counted<'a> {
    source: Box<dyn Read + Send>,
    leaving: &'a Leaving<'a>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.leaving.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("another blob has failed"));
        }
        let count = self.source.read(buffer)?;
        self.leaving.part.advance(count as u64);
        Ok(count)
    }
}
