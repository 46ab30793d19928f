//! How far a `load`, `import` or `pull` has come: counted here by the workers, looked at by whoever wants to show it.
//!
//! The other way round it tells the workers that nobody wants their work any more.

use crate::image::lost::Lost;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// All parts of the work, in the order in which they became known.
#[derive(Debug, Default)]
pub struct Progress {
    parts: Mutex<Vec<Arc<Part>>>,
    unwanted: Arc<AtomicBool>,
    /// Of what came in.
    pub lost: Arc<Lost>,
}

/// One part: the archive that is read, or a layer that is unpacked.
#[derive(Debug, Default)]
pub struct Part {
    /// The beginning of a digest, or a word.
    pub name: String,
    /// Bytes to read; `None`: a pipe does not tell.
    pub total: Option<u64>,
    done: AtomicU64,
    begun: OnceLock<Instant>,
    ready: AtomicBool,
    waiting: AtomicBool,
    outcome: OnceLock<String>,
}

impl Progress {
    pub fn begin(&self, name: &str, total: Option<u64>) -> Arc<Part> {
        let part = Arc::new(Part { name: name.to_owned(), total, ..Part::default() });
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).push(part.clone());
        part
    }

    pub fn parts(&self) -> Vec<Arc<Part>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whoever waits for it has gone away.
    pub fn stop(&self) {
        self.unwanted.store(true, Ordering::Relaxed);
    }

    pub fn unwanted(&self) -> Arc<AtomicBool> {
        self.unwanted.clone()
    }
}

impl Part {
    pub fn advance(&self, bytes: u64) {
        self.begun.get_or_init(Instant::now);
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }
    /// Somebody else fetches it.
    pub fn wait(&self, waiting: bool) {
        self.waiting.store(waiting, Ordering::Relaxed);
    }
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }
    /// It begins anew, or goes on where it broke.
    pub fn begin_at(&self, bytes: u64) {
        self.done.store(bytes, Ordering::Relaxed);
    }
    pub fn finish(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }
    /// Bytes in a second, since the first one.
    pub fn rate(&self) -> Option<u64> {
        let seconds = self.begun.get()?.elapsed().as_secs_f64();
        // What has only just begun says nothing yet.
        (seconds > 0.3).then(|| (self.done() as f64 / seconds) as u64)
    }
    /// The same with a word on how it ended.
    pub fn finish_as(&self, outcome: String) {
        let _ = self.outcome.set(outcome);
        self.finish();
    }
    pub fn outcome(&self) -> Option<&str> {
        self.outcome.get().map(String::as_str)
    }
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }
}
