//! How far a `load` or `import` has come: counted here by the workers, looked at by whoever wants to show it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// All parts of the work, in the order in which they became known.
#[derive(Debug, Default)]
pub struct Progress(Mutex<Vec<Arc<Part>>>);

/// One part: the archive that is read, or a layer that is unpacked.
#[derive(Debug, Default)]
pub struct Part {
    /// The beginning of a digest, or a word.
    pub name: String,
    /// Bytes to read; `None`: a pipe does not tell.
    pub total: Option<u64>,
    done: AtomicU64,
    ready: AtomicBool,
    outcome: OnceLock<String>,
}

impl Progress {
    pub fn begin(&self, name: &str, total: Option<u64>) -> Arc<Part> {
        let part = Arc::new(Part { name: name.to_owned(), total, ..Part::default() });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(part.clone());
        part
    }

    pub fn parts(&self) -> Vec<Arc<Part>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Part {
    pub fn advance(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }
    /// It begins anew, or goes on where it broke.
    pub fn begin_at(&self, bytes: u64) {
        self.done.store(bytes, Ordering::Relaxed);
    }
    pub fn finish(&self) {
        self.ready.store(true, Ordering::Relaxed);
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
