//! Reading a container's log from first to last, and going on with what is written, through any number of rotations.
//!
//! A reader that follows holds the file it reads, and opens those that come after it as soon as it sees them. So nothing is lost
//! to it that the monitor takes away meanwhile, unless it is slower than all files of the log together; then it says so.

use super::entry::{Entry, LONGEST_LINE, parse};
use super::series::{self, Found};
use super::tail::Tail;
use crate::sys::poll::Changes;
use crate::time::parse_rfc3339;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

/// What of a log is asked for.
pub struct Wanted<'a> {
    /// How many files it has at most.
    pub files: u32,
    /// Only the last so many lines; `None`: all.
    pub tail: Option<u64>,
    pub period: Period,
    /// Given: goes on with what is written until this says no, or the period is over.
    pub still_runs: Option<&'a dyn Fn() -> bool>,
}

/// Nanoseconds since 1970, both ends belong to it. An entry without a time is always in it.
#[derive(Clone, Copy, Default)]
pub struct Period {
    pub since: Option<u64>,
    pub until: Option<u64>,
}

impl Period {
    pub fn holds(&self, entry: &Entry) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let Some(time) = parse_rfc3339(&entry.time) else { return true };
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time <= until)
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until < super::now())
    }
}

/// What a reader meets.
#[derive(Debug)]
pub enum Met {
    Entry(Entry),
    /// What was written here is gone: it came faster than it was read.
    Gap,
    /// All that is there was read; the next may be long in coming.
    Rest,
}

type Each<'a> = dyn FnMut(Met) -> Result<()> + 'a;

/// Cuts what a file yields into entries; it may be fed any pieces.
#[derive(Default)]
pub struct Entries {
    begun: Vec<u8>,
    /// The begun line is too long to be ours: it is passed over up to its end.
    lost: bool,
}

impl Entries {
    pub fn feed(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(&bytes[..end]);
            if let Some(entry) = parse(&self.begun).filter(|_| !self.lost) {
                each(entry)?;
            }
            self.begun.clear();
            self.lost = false;
            bytes = &bytes[end + 1..];
        }
        self.begun.extend_from_slice(bytes);
        if self.begun.len() > LONGEST_LINE {
            self.begun.clear();
            self.lost = true;
        }
        Ok(())
    }
}

/// How much is read at once.
const BLOCK: usize = 64 << 10;
/// Milliseconds: the end of a container is no change of its directory.
const CHECK_AFTER: i32 = 100;

/// A container that has not written anything yet has no log; what appears later is read from its beginning.
pub fn read(log: &Path, wanted: &Wanted, each: &mut Each) -> Result<()> {
    let follows = wanted.still_runs.is_some();
    // The wait for changes is set up before the first look: nothing can happen unseen between the two.
    let changes = log.parent().filter(|_| follows).and_then(|directory| Changes::of(&[directory]).ok());
    let mut reading = Reading { log, files: wanted.files, follows, current: None, waiting: VecDeque::new(), entries: Entries::default() };
    reading.begin(wanted)?;
    loop {
        // Asked before the files are read to their end: what was written before the container ended is never missed.
        let goes_on = wanted.still_runs.is_some_and(|still_runs| still_runs()) && !wanted.period.is_over();
        reading.read_to_end(&mut |met| match met {
            Met::Entry(entry) if !wanted.period.holds(&entry) => Ok(()),
            met => each(met),
        })?;
        each(Met::Rest)?;
        if !goes_on {
            return Ok(());
        }
        match &changes {
            Some(changes) => changes.wait(CHECK_AFTER),
            None => std::thread::sleep(Duration::from_millis(CHECK_AFTER as u64)),
        }
    }
}

struct Reading<'a> {
    log: &'a Path,
    files: u32,
    follows: bool,
    current: Option<Found>,
    /// Those after it, open already.
    waiting: VecDeque<Found>,
    entries: Entries,
}

impl Reading<'_> {
    fn begin(&mut self, wanted: &Wanted) -> Result<()> {
        let mut found = series::look(self.log, self.files)?;
        if let Some(lines) = wanted.tail.filter(|_| !found.is_empty()) {
            let mut files: Vec<&File> = found.iter().map(|one| &one.file).collect();
            let (first, place) = Tail::new(lines, wanted.period).start(&mut files)?;
            found.drain(..first);
            // Where the others are read from was moved by the search.
            for (index, one) in found.iter_mut().enumerate() {
                one.file.seek(SeekFrom::Start(if index == 0 { place } else { 0 }))?;
            }
        }
        self.waiting = found.into();
        self.current = self.waiting.pop_front();
        Ok(())
    }

    /// To the end of the last file there is.
    fn read_to_end(&mut self, each: &mut Each) -> Result<()> {
        let mut block = vec![0; BLOCK];
        loop {
            self.read_file(&mut block, each)?;
            // Each look at the files came before the last read: what has a successor by now is read to its true end, because the
            // monitor writes no more to a file after it has renamed it.
            if self.waiting.is_empty() {
                return Ok(());
            }
            self.current = self.waiting.pop_front();
            // An entry that a killed monitor did not finish ends with its file.
            self.entries = Entries::default();
            if self.current.as_ref().is_some_and(|current| current.after_gap) {
                each(Met::Gap)?;
            }
        }
    }

    fn read_file(&mut self, block: &mut [u8], each: &mut Each) -> Result<()> {
        loop {
            self.look()?;
            let Some(current) = &mut self.current else { return Ok(()) };
            match current.file.read(block)? {
                0 if self.follows && was_cut(&mut current.file)? => {
                    current.file.rewind()?;
                    self.entries = Entries::default();
                }
                0 => return Ok(()),
                count => self.entries.feed(&block[..count], &mut |entry| each(Met::Entry(entry)))?,
            }
        }
    }

    /// Opens what was begun since the last look.
    fn look(&mut self) -> Result<()> {
        let last = self.waiting.back().or(self.current.as_ref());
        if (!self.follows && last.is_some()) || series::newest(self.log)? == last.map(|last| last.identity) {
            return Ok(());
        }
        let mut found = series::look(self.log, self.files)?;
        let due = last.map_or(0, |last| last.number + 1);
        match found.iter().position(|one| last.is_some_and(|last| last.identity == one.identity)) {
            Some(known) => drop(found.drain(..=known)),
            None => found.iter_mut().take(1).for_each(|oldest| oldest.after_gap = oldest.number != due),
        }
        self.waiting.extend(found);
        Ok(())
    }
}

/// Somebody has emptied the file by hand.
fn was_cut(file: &mut File) -> Result<bool> {
    Ok(file.metadata()?.len() < file.stream_position()?)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
