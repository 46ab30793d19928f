//! Threads that are gone when their work is done: the only place where some are made.
//!
//! `std::thread::scope` waits for the work, not for the threads: on its last steps one still holds locks of the C library. A process
//! that is made in that moment (`process::clone3` copies memory, and only the thread that calls) has them locked for ever, and a
//! container once stood still on its way to becoming somebody, because musl's setgroups(2) wants the list of threads. Who joins a
//! thread waits until the kernel has taken it away.

use std::thread::{self, Result};

/// Two things at once, one of them on a thread of its own. That one's panic is its result.
pub fn beside<A: Send, B>(theirs: impl FnOnce() -> A + Send, ours: impl FnOnce() -> B) -> (Result<A>, B) {
    thread::scope(|scope| {
        let other = scope.spawn(theirs);
        let done = ours();
        (other.join(), done)
    })
}

/// The same work by so many at once, who share it among themselves.
pub fn crew(count: usize, work: impl Fn() + Sync) {
    let work = &work;
    let done = thread::scope(|scope| {
        let crew: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        crew.into_iter().map(|one| one.join()).fold(Ok(()), Result::and)
    });
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// Our work, and helpers for it: each call of what it is given brings one more. They must see by themselves that it is over.
pub fn helped<A>(help: impl Fn() + Sync, ours: impl FnOnce(&mut dyn FnMut()) -> A) -> A {
    let help = &help;
    let (done, helpers) = thread::scope(|scope| {
        let mut crew = Vec::new();
        let done = ours(&mut || crew.push(scope.spawn(help)));
        (done, crew.into_iter().map(|one| one.join()).fold(Ok(()), Result::and))
    });
    helpers.map_or_else(|panic| std::panic::resume_unwind(panic), |()| done)
}

/// A thread for each, all at once; `done` hears of them in their order.
pub fn each<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync, done: &mut dyn FnMut(&T, Result<R>)) {
    let work = &work;
    thread::scope(|scope| {
        let begun: Vec<_> = all.iter().map(|one| (one, scope.spawn(move || work(one)))).collect();
        begun.into_iter().for_each(|(one, working)| done(one, working.join()));
    });
}
