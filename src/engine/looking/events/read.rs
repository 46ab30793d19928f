//! Reading what happened, and going on with what happens, while those who write put full files aside.
//!
//! A reader holds the files that it reads: what is put aside or taken away meanwhile is read to its end. Of the last two it reads
//! both, because somebody who opened a file just before it was put aside writes to it a little later.

use super::Event;
use crate::engine::now;
use crate::error::{Context, Result};
use crate::paths::Paths;
use crate::store;
use crate::sys::poll::Changes;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Nanoseconds since 1970; both ends belong to it. Without any of the two nothing is told but what is yet to come.
#[derive(Clone, Copy, Default)]
pub struct Period {
    pub since: Option<u64>,
    pub until: Option<u64>,
}

impl Period {
    fn holds(self, event: &Event) -> bool {
        self.since.is_none_or(|since| since <= event.nanos) && self.until.is_none_or(|until| event.nanos <= until)
    }
    fn begins_now(self) -> bool {
        self.since.is_none() && self.until.is_none()
    }
}

/// What a reader meets.
pub enum Met {
    Events(Vec<Event>),
    /// More happened than is kept, before it was read.
    Gap,
}

/// The longest wait: the clock may be set meanwhile.
const LONGEST_WAIT: u64 = 60_000;

/// Returns when the period is over, when nobody listens any more at `listener` (a pipe's end that we write to), or when `each`
/// says no.
pub fn follow(paths: &Paths, period: Period, listener: BorrowedFd, each: &mut dyn FnMut(Met) -> bool) -> Result<()> {
    const WHAT: &str = "cannot read what happened";
    store::make_dirs(paths.run())?;
    // Before the first look: nothing can happen unseen between the two.
    let changes = Changes::of(&[paths.run()]).context("cannot wait for events")?;
    let mut files = Files { paths, open: Vec::new() };
    files.look().context(WHAT)?;
    if period.begins_now() {
        files.pass_over().context(WHAT)?;
    }
    loop {
        // Asked before the files are read to their end: what happened until then is never missed.
        let now = now();
        let is_over = period.until.is_some_and(|until| until < now);
        if files.look().context(WHAT)? && !each(Met::Gap) {
            return Ok(());
        }
        let mut events = files.read().context(WHAT)?;
        events.retain(|event| period.holds(event));
        if (!events.is_empty() && !each(Met::Events(events))) || is_over {
            return Ok(());
        }
        let left = period.until.map_or(LONGEST_WAIT, |until| (until.saturating_sub(now) / 1_000_000 + 1).min(LONGEST_WAIT));
        if changes.wait_or_end(listener, left as i32) {
            return Ok(());
        }
    }
}

/// What has happened so far, as far as it is kept, oldest first.
pub fn past(paths: &Paths) -> Result<Vec<Event>> {
    let mut files = Files { paths, open: Vec::new() };
    files.look().and_then(|_| files.read()).context("cannot read what happened")
}

/// What tells a file from every other: as long as it is open, nobody else gets its number.
type Identity = (u64, u64);

struct Open {
    file: File,
    identity: Identity,
    /// A line that is not whole yet.
    begun: Vec<u8>,
}

struct Files<'a> {
    paths: &'a Paths,
    /// Oldest first.
    open: Vec<Open>,
}

impl Files<'_> {
    /// Opens what is new. True: there were others between, which are gone.
    fn look(&mut self) -> io::Result<bool> {
        let knew_some = !self.open.is_empty();
        let (before, newest) = self.found()?;
        let is_new = |found: &Open| self.open.iter().all(|open| open.identity != found.identity);
        let (before, newest) = (before.filter(is_new), newest.filter(is_new));
        let gap = knew_some && before.is_some();
        self.open.extend(before.into_iter().chain(newest));
        Ok(gap)
    }

    /// The file before and the one that is written, as they belong together: a file only ever becomes the one before.
    fn found(&self) -> io::Result<(Option<Open>, Option<Open>)> {
        loop {
            let newest = open(&self.paths.events())?;
            let before = open(&self.paths.events_before())?;
            let newest_identity = newest.as_ref().map(|newest| newest.identity);
            if identity(&self.paths.events())? == newest_identity {
                return Ok((before.filter(|before| Some(before.identity) != newest_identity), newest));
            }
        }
    }

    fn pass_over(&mut self) -> io::Result<()> {
        self.open.iter_mut().try_for_each(|open| open.file.seek(SeekFrom::End(0)).map(drop))
    }

    fn read(&mut self) -> io::Result<Vec<Event>> {
        let mut events = Vec::new();
        for open in &mut self.open {
            open.file.read_to_end(&mut open.begun)?;
            let whole = open.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let lines = open.begun[..whole].split(|byte| *byte == b'\n');
            events.extend(lines.filter_map(|line| serde_json::from_slice::<Event>(line).ok()));
            open.begun.drain(..whole);
        }
        let old = self.open.len().saturating_sub(2);
        self.open.drain(..old);
        Ok(events)
    }
}

/// `None`: nothing has happened yet.
fn open(path: &Path) -> io::Result<Option<Open>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let about = file.metadata()?;
    Ok(Some(Open { file, identity: (about.dev(), about.ino()), begun: Vec::new() }))
}

fn identity(path: &Path) -> io::Result<Option<Identity>> {
    match std::fs::metadata(path) {
        Ok(about) => Ok(Some((about.dev(), about.ino()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
