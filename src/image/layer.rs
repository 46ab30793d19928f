//! One layer: from its blob to a directory that is complete and proven, not yet under its final name.
//!
//! Two threads share the work, because reading, inflating and hashing take as long as writing: one makes the bytes of the
//! archive and their digest, the other puts them down as files.

use crate::error::{Context, Error, Result};
use crate::image::compression;
use crate::image::digest::Hashing;
use crate::image::entries::{broken, damaged};
use crate::image::unpack::{self, Limits};
use crate::sys::beneath::Directory;
use crate::sys::file;
use std::io::{self, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

const CHUNK: usize = 256 << 10;
/// Chunks on their way: this and the decompressor's window are all the memory a layer takes, however large it is.
const ON_THE_WAY: usize = 8;

/// Unpacks `blob` into the new directory `target` and proves that its content is what the image's config says (`diff_id`, hex).
/// Returns the bytes of its files.
pub fn unpack(blob: &Path, diff_id: &str, target: &Path, limits: &Limits) -> Result<u64> {
    file::make_dir(target, 0o755).context("cannot make a directory for the layer")?;
    let root = Directory::open_root(target).context("cannot make a directory for the layer")?;
    // Not left to the caller's umask: this mode is what a container sees of `/` when the archive says nothing.
    crate::sys::beneath::set_mode(std::os::fd::AsFd::as_fd(&root), 0o755).context("cannot set the layer's mode")?;
    let source = std::fs::File::open(blob).context("cannot read the layer's blob")?;
    stream(source, diff_id, limits, |chunks| unpack::unpack(chunks, root, limits))
}

/// Proves a blob whose content is unpacked already; returns the bytes of its files.
pub fn prove(blob: &Path, diff_id: &str, limits: &Limits) -> Result<u64> {
    let source = std::fs::File::open(blob).context("cannot read the layer's blob")?;
    stream(source, diff_id, limits, |chunks| unpack::measure(chunks, limits))
}

/// Runs `consume` over the unpacked bytes while another thread makes them, and compares their digest.
fn stream(source: std::fs::File, diff_id: &str, limits: &Limits, consume: impl FnOnce(Chunks) -> Result<u64>) -> Result<u64> {
    let (sender, receiver) = sync_channel(ON_THE_WAY);
    let (consumed, read) = std::thread::scope(|scope| {
        let reader = scope.spawn(move || feed(source, sender, limits.bytes));
        let consumed = consume(Chunks { receiver, current: Vec::new(), at: 0 });
        (consumed, reader.join())
    });
    match (consumed, read.unwrap_or_else(|_| Err(Stop::Broken(Error::failed("the reader of the layer broke down"))))) {
        // The other side saw a stream that ended too soon; the reader knows why.
        (_, Err(Stop::Broken(error))) | (Err(error), _) => Err(error),
        (Ok(size), Ok(found)) if found == diff_id => Ok(size),
        (Ok(_), Ok(found)) => {
            Err(damaged("its content is not what the image says")
                .because(format!("its digest is sha256:{found}, wanted is sha256:{diff_id}")))
        }
        (Ok(_), Err(Stop::NobodyListens)) => Err(Error::failed("the layer was not read to its end")),
    }
}

enum Stop {
    Broken(Error),
    /// The unpacker has given up and says why.
    NobodyListens,
}

type Chunk = Result<Vec<u8>, ()>;

/// Reads to the end, whatever the archive says about its end, because the digest is of all bytes.
fn feed(source: impl Read, sender: SyncSender<Chunk>, limit: u64) -> Result<String, Stop> {
    let fail = |error| {
        let _ = sender.send(Err(()));
        Stop::Broken(error)
    };
    let (_, unpacked) = compression::unpacked(source).map_err(|e| fail(broken(e)))?;
    let mut hashing = Hashing::new(unpacked);
    let mut total = 0u64;
    loop {
        let mut chunk = vec![0; CHUNK];
        let count = fill(&mut hashing, &mut chunk).map_err(|e| fail(broken(e)))?;
        if count == 0 {
            return Ok(hashing.finish().0);
        }
        total += count as u64;
        if total > limit {
            let error = damaged(format!("the layer unpacks to more than {limit} bytes"));
            return Err(fail(error.hint("if you trust it, allow more with --max-layer-size")));
        }
        chunk.truncate(count);
        sender.send(Ok(chunk)).map_err(|_| Stop::NobodyListens)?;
    }
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
    receiver: Receiver<Chunk>,
    current: Vec<u8>,
    at: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.current.len() {
            match self.receiver.recv() {
                Ok(Ok(chunk)) => (self.current, self.at) = (chunk, 0),
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
