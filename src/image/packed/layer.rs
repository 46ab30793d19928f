//! One layer, in one pass: its bytes are read once, and on the way hashed, kept as the blob, inflated, hashed again and put
//! down as files.
//!
//! Two threads share the work, half of it each: one reads, hashes the blob and inflates, the other hashes what comes out and puts it
//! down as files. Chunks go from one to the other, and are written from where they were inflated to. What comes out is complete,
//! but not yet under its final name.

use crate::error::{Context, Error, Result};
use crate::image::compression::{Chunk, Compression, Unpacked};
use crate::image::digest::Sum;
use crate::image::entries::broken;
use crate::image::limits::Budget;
use crate::image::progress::Part;
use crate::image::unpack;
use crate::sys::beneath::{self, Directory};
use crate::sys::file::{self, OFlag};
use crate::sys::threads;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};

/// Chunks on their way: they and the packed bytes in hand are all the memory a layer takes, however large it is.
const ON_THE_WAY: usize = 8;

/// So much of a blob is handed to the disk at once.
const WRITTEN_BACK: u64 = 8 << 20;

/// What is to become of the bytes.
#[derive(Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// The blob is copied to here, as it comes.
    pub keep: Option<&'a Path>,
    /// The files go to this new directory; without it they are only looked at.
    pub tree: Option<&'a Path>,
    /// The digest of the blob (hex), where it was counted before.
    pub digest: Option<&'a str>,
}

/// What a layer turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Of the blob, and of what is in it (hex).
    pub digest: String,
    pub diff_id: String,
    pub blob_size: u64,
    pub compression: Compression,
    /// Bytes of its files.
    pub size: u64,
}

pub fn pass(source: impl Read + Send, wanted: Wanted, budget: &Budget, part: &Part) -> Result<Passed> {
    let root = wanted.tree.map(new_root).transpose()?;
    let keep = wanted.keep.map(|path| file::create(path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600)).transpose().map_err(not_kept)?;
    let sum = wanted.digest.is_none().then(Sum::default);
    let failure = Failure::default();
    let mut intake = Intake { source, sum, length: 0, keep, part, budget, failure: &failure };
    let unpacked = Unpacked::new(&mut intake).map_err(|e| failure.cause(e))?;
    let compression = unpacked.compression();
    let (full, to_unpack) = sync_channel(ON_THE_WAY);
    let (empty, to_fill) = channel();
    let writes = root.is_some();
    // What is not packed has one digest, and what was read a second time is hashed once more.
    let sum = (compression != Compression::Plain || wanted.digest.is_some()).then(Sum::default);
    let chunks = Chunks { receiver: to_unpack, back: empty, current: Chunk::default(), at: 0, sum };
    let read_on = || feed(unpacked, &Pipe { full, to_fill }, &failure, budget, writes);
    let (read, (consumed, content)) = threads::beside(read_on, || consume(chunks, root, budget));
    match (consumed, read.unwrap_or_else(|_| Err(Stop::Broken(Error::failed("the reader of the layer broke down"))))) {
        // The other side saw a stream that ended too soon; the reader knows why.
        (_, Err(Stop::Broken(error))) | (Err(error), _) => Err(error),
        (Ok(_), Err(Stop::NobodyListens)) => Err(Error::failed("the layer was not read to its end")),
        (Ok(size), Ok(())) => {
            let digest = intake.sum.map(Sum::finish).or(wanted.digest.map(str::to_owned)).unwrap_or_default();
            let diff_id = content.map_or_else(|| digest.clone(), Sum::finish);
            Ok(Passed { digest, diff_id, blob_size: intake.length, compression, size })
        }
    }
}

fn consume(mut chunks: Chunks, root: Option<Directory>, budget: &Budget) -> (Result<u64>, Option<Sum>) {
    let consumed = match root {
        Some(root) => unpack::unpack(&mut chunks, root, budget),
        None => unpack::measure(&mut chunks, budget),
    };
    (consumed, chunks.sum)
}

fn new_root(path: &Path) -> Result<Directory> {
    let what = "cannot make a directory for the layer";
    file::make_dir(path, 0o755).context(what)?;
    let root = Directory::open_root(path).context(what)?;
    // Not left to the caller's umask: this mode is what a container sees of `/` when the archive says nothing.
    beneath::set_mode(root.as_fd(), 0o755).context(what)?;
    Ok(root)
}

fn not_kept(error: crate::sys::Errno) -> Error {
    Error::from_errno("cannot keep a blob", error)
}

/// The blob on its way in.
struct Intake<'a, R> {
    source: R,
    sum: Option<Sum>,
    length: u64,
    keep: Option<OwnedFd>,
    part: &'a Part,
    budget: &'a Budget,
    failure: &'a Failure,
}

/// Decompressors put their own words around an error; what really happened stands here.
#[derive(Default)]
struct Failure(Mutex<Option<Error>>);

impl Failure {
    fn note(&self, error: Error, shown: &str) -> io::Error {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        io::Error::other(shown)
    }
    fn cause(&self, error: io::Error) -> Error {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| broken(error))
    }
}

impl<R: Read> Intake<'_, R> {
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        let (before, count) = (self.length, bytes.len() as u64);
        if let Some(sum) = &mut self.sum {
            sum.add(bytes);
        }
        self.length += count;
        self.part.advance(count);
        let Some(fd) = &self.keep else { return Ok(()) };
        self.budget.spend(count)?;
        file::write_all(fd.as_fd(), bytes).map_err(not_kept)?;
        write_back(fd.as_fd(), before, self.length);
        Ok(())
    }
}

impl<R: Read> Read for Intake<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer).map_err(|error| match error.downcast::<Error>() {
            Ok(ours) => self.failure.note(ours, "the blob cannot be fetched"),
            Err(other) => other,
        })?;
        self.take(&buffer[..count]).map_err(|error| self.failure.note(error, "the blob cannot be kept"))?;
        Ok(count)
    }
}

/// The disk works at a blob while we do, and not only when all of it must be there.
pub fn write_back(blob: BorrowedFd, before: u64, now: u64) {
    if before / WRITTEN_BACK != now / WRITTEN_BACK {
        file::begin_write_back(blob, before / WRITTEN_BACK * WRITTEN_BACK, WRITTEN_BACK);
    }
}

enum Stop {
    Broken(Error),
    /// The unpacker has given up and says why.
    NobodyListens,
}

/// Full chunks go one way, empty ones come back: memory that was touched once is not asked for again.
struct Pipe {
    full: SyncSender<Result<Chunk, ()>>,
    to_fill: Receiver<Chunk>,
}

/// Reads to the end, whatever the archive says about its end, because the digest is of all bytes.
fn feed<R: Read>(mut unpacked: Unpacked<R>, pipe: &Pipe, failure: &Failure, budget: &Budget, writes: bool) -> Result<(), Stop> {
    let fail = |error| {
        let _ = pipe.full.send(Err(()));
        Stop::Broken(error)
    };
    let mut total = 0u64;
    loop {
        let mut chunk = pipe.to_fill.try_recv().unwrap_or_default();
        unpacked.fill(&mut chunk).map_err(|e| fail(failure.cause(e)))?;
        let count = chunk.bytes().len() as u64;
        if count == 0 {
            return Ok(());
        }
        total += count;
        budget.check_layer(total).and_then(|()| if writes { budget.spend(count) } else { Ok(()) }).map_err(fail)?;
        if budget.is_given_up() {
            return Err(fail(Error::failed("another layer has failed")));
        }
        pipe.full.send(Ok(chunk)).map_err(|_| Stop::NobodyListens)?;
    }
}

/// The other end.
struct Chunks {
    receiver: Receiver<Result<Chunk, ()>>,
    back: Sender<Chunk>,
    current: Chunk,
    at: usize,
    sum: Option<Sum>,
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.current.bytes().len() {
            match self.receiver.recv() {
                Ok(Ok(chunk)) => {
                    let _ = self.back.send(std::mem::replace(&mut self.current, chunk));
                    self.at = 0;
                    if let Some(sum) = &mut self.sum {
                        sum.add(self.current.bytes());
                    }
                }
                Ok(Err(())) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(_) => {}
            }
        }
        Ok(&self.current.bytes()[self.at..])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
