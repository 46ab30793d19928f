//! Ctrl-c while an image comes in: the workers hear of it, clear away what is half done, and only then the program ends, of the same
//! signal, as a shell expects.

use crate::cli::say::say_aside;
use crate::image::Progress;
use crate::sys::signal::{self, Signals};
use crate::sys::threads;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(50);
/// A worker may wait for a registry that says nothing. What it leaves then the next command clears away.
const PATIENCE: Duration = Duration::from_secs(2);

/// From here on the signals wait to be read. Before any thread is made: one that does not know of it would die of them.
pub fn catch() -> Option<Signals> {
    Signals::new(signal::ENDING).ok()
}

/// Does the work. Where it is interrupted, `said` is printed and nobody hears of its result.
pub fn heard<T>(signals: Option<&Signals>, progress: &Progress, said: &str, work: impl FnOnce() -> T) -> T {
    let Some(signals) = signals else { return work() };
    let caught = AtomicI32::new(0);
    let (over, is_over) = channel::<()>();
    let watch = || watch(signals, progress, &caught, said, is_over);
    let (_, done) = threads::beside(watch, || {
        let done = work();
        drop(over);
        done
    });
    match caught.into_inner() {
        0 => done,
        number => {
            say_aside(format!("\ntare: interrupted; {said}\n").as_bytes());
            signal::die_of(number);
            done
        }
    }
}

fn watch(signals: &Signals, progress: &Progress, caught: &AtomicI32, said: &str, is_over: Receiver<()>) {
    let mut until = None;
    while is_over.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
        if let Some(number) = signals.next() {
            // A second one means: now.
            until = Some(if until.is_none() { Instant::now() + PATIENCE } else { Instant::now() });
            caught.store(number, Ordering::Relaxed);
            progress.stop();
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            say_aside(format!("\ntare: interrupted; {said}\n").as_bytes());
            signal::die_of(caught.load(Ordering::Relaxed));
        }
    }
}
