//! The layers of all images of an archive, side by side: as many at a time as there are processors.
//!
//! Each is passed through once (`layer.rs`) and proven. What an archive brings that the store has already is proven all the same,
//! and not written again; what is elsewhere is not even fetched then (`proven.rs`), and else by one command at a time (`arrival.rs`).

mod fetch;

use crate::error::{Context, Error, Kind, Result};
use crate::image::archive::{Found, Layer};
use crate::image::arrival::Arrival;
use crate::image::digest::Sum;
use crate::image::entries::{broken, damaged};
use crate::image::layer::{self, Passed, Wanted};
use crate::image::limits::Budget;
use crate::image::members::Place;
use crate::image::progress::{Part, Progress};
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use crate::sys::threads;
use crate::trace::{self, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A layer of which all is known: what it is, and what of it has yet to get into the store.
#[derive(Clone, Debug)]
pub struct Taken {
    pub passed: Passed,
    pub blob: Blob,
    pub tree: Option<PathBuf>,
    /// It was passed through just now: its sizes are what they are.
    pub is_proven: bool,
    /// Held as long as its files are needed.
    pub arrival: Option<Arc<Arrival>>,
}

impl Taken {
    pub fn own_blob(&self) -> Option<&Path> {
        match &self.blob {
            Blob::At(path) => Some(path.as_path()).filter(|path| self.is_own(path)),
            Blob::InStore | Blob::NotKept => None,
        }
    }

    pub fn own_tree(&self) -> Option<&Path> {
        self.tree.as_deref().filter(|path| self.is_own(path))
    }

    /// It is gone, and has to be taken in again. What lies by now where it came from may be another's.
    pub fn let_go(&mut self) {
        (self.arrival, self.tree) = (None, None);
        if self.blob != Blob::NotKept {
            self.blob = Blob::InStore;
        }
    }

    /// Another command that shared it may have published it and taken the files along.
    fn is_own(&self, path: &Path) -> bool {
        path.exists() && self.arrival.as_ref().is_none_or(|arrival| !arrival.holds(path) || arrival.is_current())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blob {
    InStore,
    At(PathBuf),
    /// Its files are enough for the user.
    NotKept,
}

/// All there is to do, each once, however many images share it.
pub struct Intake<'a> {
    paths: &'a Paths,
    workplace: &'a Workplace,
    budget: &'a Budget,
    keep: Keep,
    jobs: Vec<Job>,
}

/// Whether the blobs stay in the store beside what is unpacked from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    Blobs,
    FilesOnly,
}

struct Job {
    layer: Layer,
    /// Where it stands, for messages.
    said: String,
    part: Arc<Part>,
    /// Another job has the same content, and unpacks it.
    only_prove: bool,
}

impl<'a> Intake<'a> {
    /// Also gives the number of the job for each layer of each image.
    pub fn plan(
        paths: &'a Paths,
        workplace: &'a Workplace,
        budget: &'a Budget,
        progress: &Progress,
        keep: Keep,
        images: &[Found],
    ) -> (Self, Vec<Vec<usize>>) {
        let (mut jobs, mut known, mut contents) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        let mut numbers = Vec::new();
        for image in images {
            let mut of_image = Vec::new();
            for (number, layer) in image.layers.iter().enumerate() {
                let next = jobs.len();
                let job = *known.entry((layer.member.key(), layer.diff_id.clone())).or_insert(next);
                if job == next {
                    jobs.push(Job {
                        layer: layer.clone(),
                        said: format!("layer {} of {}", number + 1, image.layers.len()),
                        part: progress.begin(&layer.diff_id[..12], Some(layer.member.size)),
                        only_prove: !contents.insert(layer.diff_id.clone()),
                    });
                }
                of_image.push(job);
            }
            numbers.push(of_image);
        }
        (Intake { paths, workplace, budget, keep, jobs }, numbers)
    }

    /// A layer that belongs to no image yet.
    pub fn of_one(paths: &'a Paths, workplace: &'a Workplace, budget: &'a Budget, layer: Layer) -> Self {
        let said = format!("layer {:.12}", layer.diff_id);
        let job = Job { layer, said, part: Arc::default(), only_prove: false };
        Intake { paths, workplace, budget, keep: Keep::Blobs, jobs: vec![job] }
    }

    /// Does all jobs; the first error ends the others, too.
    pub fn take_all(&self) -> Result<Vec<Taken>> {
        trace::begin(Step::FetchLayers);
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(self.jobs.len());
        // The largest first, or the last one would be waited for by a single processor. Always in the same order: two commands that
        // want the same layers want them one after the other.
        let mut order: Vec<usize> = (0..self.jobs.len()).collect();
        order.sort_by_key(|number| (std::cmp::Reverse(self.jobs[*number].layer.member.size), &self.jobs[*number].layer.digest));
        let (next, failed) = (AtomicUsize::new(0), Mutex::new(None));
        let taken: Vec<Mutex<Option<Taken>>> = self.jobs.iter().map(|_| Mutex::new(None)).collect();
        let work = || {
            loop {
                let Some(&number) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                if self.budget.is_given_up() {
                    return;
                }
                match self.take(number, false) {
                    Ok(done) => *locked(&taken[number]) = Some(done),
                    Err(error) => {
                        // Those that end because this one failed have nothing to say.
                        locked(&failed).get_or_insert(error);
                        self.budget.give_up();
                    }
                }
            }
        };
        threads::crew(workers, work);
        if let Some(error) = locked(&failed).take() {
            return Err(error);
        }
        // Nobody fails where the work is not wanted any more.
        taken.iter().map(|done| locked(done).take().ok_or_else(|| Error::failed("interrupted"))).collect()
    }

    /// One layer. `again`: what the store had of it a moment ago is gone, so all of it is needed.
    pub fn take(&self, number: usize, again: bool) -> Result<Taken> {
        let job = &self.jobs[number];
        let taken = match &job.layer.member.place {
            Place::Elsewhere(there, digest) => self.fetch(job, there, digest),
            _ => self.pass(number, again),
        };
        let taken = taken.with_context(|| job.said.clone())?;
        job.part.finish();
        Ok(taken)
    }

    /// From an archive or a directory.
    fn pass(&self, number: usize, again: bool) -> Result<Taken> {
        let Job { layer, part, only_prove, .. } = &self.jobs[number];
        let here = |what: &str| self.workplace.file(&format!("{what}-{number}{}", if again { "-again" } else { "" }));
        let in_store = |digest: &String| !again && self.paths.blob(digest).exists();
        let (spooled, counted) = match &layer.member.place {
            Place::Spooled(path, digest) => (Some(path.clone()), Some(digest.clone())),
            _ => (None, None),
        };
        let keep = (spooled.is_none() && !layer.digest.as_ref().is_some_and(in_store)).then(|| here("blob"));
        let unpacked = *only_prove || self.paths.layer(&layer.diff_id).exists();
        let tree = (again || !unpacked).then(|| here("layer"));
        let wanted = Wanted { keep: keep.as_deref(), tree: tree.as_deref(), digest: counted.as_deref() };
        let passed = layer::pass(layer.member.read()?, wanted, self.budget, part);
        let passed = passed.and_then(|passed| prove(layer, passed)).map_err(|e| blame(layer, e))?;
        Ok(Taken { passed, blob: keep.or(spooled).map_or(Blob::InStore, Blob::At), tree, is_proven: true, arrival: None })
    }
}

fn locked<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn prove(layer: &Layer, passed: Passed) -> Result<Passed> {
    if let Some(said) = layer.digest.as_ref().filter(|said| **said != passed.digest) {
        return Err(damaged(format!("the layer sha256:{said} is damaged")).because(format!("its digest is sha256:{}", passed.digest)));
    }
    if passed.diff_id != layer.diff_id {
        return Err(damaged("its content is not what the image says")
            .because(format!("its digest is sha256:{}, wanted is sha256:{}", passed.diff_id, layer.diff_id)));
    }
    Ok(passed)
}

/// Bytes that are not what the archive says fail in some decompressor first. The true reason is that they are the wrong ones.
fn blame(layer: &Layer, error: Error) -> Error {
    let Some(said) = layer.digest.as_ref().filter(|_| error.kind() == Kind::Damaged) else { return error };
    blame_for(said, layer.member.read().and_then(digest_of), error)
}

fn blame_for(said: &str, digest: Result<String>, error: Error) -> Error {
    match digest {
        Ok(digest) if digest != said => {
            damaged(format!("the layer sha256:{said} is damaged")).because(format!("its digest is sha256:{digest}"))
        }
        _ => error,
    }
}

fn digest_of(mut source: Box<dyn Read + Send>) -> Result<String> {
    let (mut sum, mut buffer) = (Sum::default(), vec![0; 256 << 10]);
    loop {
        match source.read(&mut buffer).map_err(broken)? {
            0 => return Ok(sum.finish()),
            count => sum.add(&buffer[..count]),
        }
    }
}
