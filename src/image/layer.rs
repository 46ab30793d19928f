//! One layer, in one pass: its bytes are read once, and on the way hashed, kept as the blob, inflated, hashed again and put
//! down as files.
//!
//! Two threads share the work, because reading, inflating and hashing take as long as writing: one makes the bytes of the
//! archive and their digests, the other puts them down as files. What comes out is complete, but not yet under its final name.

use crate::error::{Context, Error, Result};
use crate::image::compression::{self, Compression};
use crate::image::digest::{Hashing, Sum};
use crate::image::entries::broken;
use crate::image::limits::Budget;
use crate::image::progress::Part;
use crate::image::unpack;
use crate::sys::beneath::{self, Directory};
use crate::sys::file::{self, OFlag};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

const CHUNK: usize = 256 << 10;
/// Chunks on their way: this and the decompressor's window are all the memory a layer takes, however large it is.
const ON_THE_WAY: usize = 8;

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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
    let sum = if wanted.digest.is_none() { Some(Sum::default()) } else { None };
    let (full, to_unpack) = sync_channel(ON_THE_WAY);
    let (empty, to_fill) = channel();
    let writes = root.is_some();
    let (consumed, read) = std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let failure = RefCell::new(None);
            let source = Intake { source, sum, length: 0, keep, part, budget, failure: &failure };
            feed(source, &Pipe { full, to_fill }, budget, writes)
        });
        let chunks = Chunks { receiver: to_unpack, back: empty, current: Vec::new(), at: 0 };
        let consumed = match root {
            Some(root) => unpack::unpack(chunks, root, budget),
            None => unpack::measure(chunks, budget),
        };
        (consumed, reader.join())
    });
    match (consumed, read.unwrap_or_else(|_| Err(Stop::Broken(Error::failed("the reader of the layer broke down"))))) {
        // The other side saw a stream that ended too soon; the reader knows why.
        (_, Err(Stop::Broken(error))) | (Err(error), _) => Err(error),
        (Ok(_), Err(Stop::NobodyListens)) => Err(Error::failed("the layer was not read to its end")),
        (Ok(size), Ok(fed)) => Ok(Passed {
            digest: fed.digest.or(wanted.digest.map(str::to_owned)).unwrap_or_default(),
            diff_id: fed.diff_id,
            blob_size: fed.length,
            compression: fed.compression,
            size,
        }),
    }
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
    /// Decompressors put their own words around an error; what really happened stands here.
    failure: &'a RefCell<Option<Error>>,
}

impl<R: Read> Intake<'_, R> {
    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(sum) = &mut self.sum {
            sum.add(bytes);
        }
        self.length += bytes.len() as u64;
        self.part.advance(bytes.len() as u64);
        match &self.keep {
            Some(fd) => self.budget.spend(bytes.len() as u64).and_then(|()| file::write_all(fd.as_fd(), bytes).map_err(not_kept)),
            None => Ok(()),
        }
    }
}

impl<R: Read> Read for Intake<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer).map_err(|error| match error.downcast::<Error>() {
            Ok(ours) => {
                *self.failure.borrow_mut() = Some(ours);
                io::Error::other("the blob cannot be fetched")
            }
            Err(other) => other,
        })?;
        self.take(&buffer[..count]).map_err(|error| {
            *self.failure.borrow_mut() = Some(error);
            io::Error::other("the blob cannot be kept")
        })?;
        Ok(count)
    }
}

enum Stop {
    Broken(Error),
    /// The unpacker has given up and says why.
    NobodyListens,
}

/// Full chunks go one way, empty ones come back: memory that was touched once is not asked for again.
struct Pipe {
    full: SyncSender<Result<Vec<u8>, ()>>,
    to_fill: Receiver<Vec<u8>>,
}

struct Fed {
    digest: Option<String>,
    diff_id: String,
    length: u64,
    compression: Compression,
}

/// Reads to the end, whatever the archive says about its end, because the digest is of all bytes.
fn feed<R: Read>(mut intake: Intake<R>, pipe: &Pipe, budget: &Budget, writes: bool) -> Result<Fed, Stop> {
    let failure = intake.failure;
    let cause = |e| failure.borrow_mut().take().unwrap_or_else(|| broken(e));
    let fail = |error| {
        let _ = pipe.full.send(Err(()));
        Stop::Broken(error)
    };
    let (compression, unpacked) = compression::unpacked(&mut intake).map_err(|e| fail(cause(e)))?;
    let mut hashing = Hashing::new(unpacked);
    let mut total = 0u64;
    let diff_id = loop {
        let mut chunk = pipe.to_fill.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let count = fill(&mut hashing, &mut chunk).map_err(|e| fail(cause(e)))?;
        if count == 0 {
            break hashing.finish().0;
        }
        total += count as u64;
        budget.check_layer(total).and_then(|()| if writes { budget.spend(count as u64) } else { Ok(()) }).map_err(fail)?;
        if budget.is_given_up() {
            return Err(fail(Error::failed("another layer has failed")));
        }
        chunk.truncate(count);
        pipe.full.send(Ok(chunk)).map_err(|_| Stop::NobodyListens)?;
    };
    Ok(Fed { digest: intake.sum.map(Sum::finish), diff_id, length: intake.length, compression })
}

fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut have = 0;
    while have < buffer.len() {
        match source.read(&mut buffer[have..]) {
            Ok(0) => break,
            Ok(count) => have += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(have)
}

/// The other end.
struct Chunks {
    receiver: Receiver<Result<Vec<u8>, ()>>,
    back: Sender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.current.len() {
            match self.receiver.recv() {
                Ok(Ok(chunk)) => {
                    let _ = self.back.send(std::mem::replace(&mut self.current, chunk));
                    self.at = 0;
                }
                Ok(Err(())) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Err(_) => return Ok(0),
            }
        }
        let count = buffer.len().min(self.current.len() - self.at);
        buffer[..count].copy_from_slice(&self.current[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
