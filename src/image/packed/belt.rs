//! A blob in the making: bytes are cut into pieces, the pieces are packed by as many hands as there are processors, and written in their
//! order; on the way both are hashed, what went in and what came out.
//!
//! The caller's thread brings the bytes and hashes them. Helpers come when there is more than one piece, so a small layer is packed
//! without any. There are so many pieces and no more: who brings bytes waits until one is written, whatever the length of the whole.

use crate::error::{Error, Result};
use crate::image::compression::Compression;
use crate::image::digest::Sum;
use crate::image::layer::write_back;
use crate::image::squeeze::{self, PIECE, Squeezer};
use crate::sys::file::{self, OFlag};
use crate::sys::{Errno, threads};
use crc32fast::Hasher;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What became of the bytes.
#[derive(Debug)]
pub struct Written {
    /// Of what went in (hex).
    pub content: String,
    /// Of what came out (hex), and how long that is.
    pub digest: String,
    pub size: u64,
}

/// Writes a blob of all that `bring` writes; also gives what that one returns. `told` hears how many bytes were brought.
pub fn write<T>(
    blob: &Path,
    compression: Compression,
    told: &dyn Fn(u64),
    bring: impl FnOnce(&mut Feed) -> Result<T>,
) -> Result<(T, Written)> {
    let fd = file::create(blob, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600).map_err(not_written)?;
    write_to(fd, compression, told, bring)
}

fn write_to<T>(
    fd: OwnedFd,
    compression: Compression,
    told: &dyn Fn(u64),
    bring: impl FnOnce(&mut Feed) -> Result<T>,
) -> Result<(T, Written)> {
    let hands = std::thread::available_parallelism().map_or(1, usize::from);
    let is_packed = compression != Compression::Plain;
    let (full, waiting) = sync_channel(hands);
    let (back, empty) = channel();
    let belt = Belt { waiting: Mutex::new(waiting), is_packed, is_over: AtomicBool::new(false), out: Mutex::new(Out::new(fd, back)) };
    // As many as can be in somebody's hands, and as many again that lie ready.
    let rooms = 2 * hands + 1;
    let brought = threads::helped(
        || belt.help(),
        |more| {
            let sum = is_packed.then(Sum::default);
            let mut feed =
                Feed { belt: &belt, full, empty, more, hands, rooms, helpers: 0, number: 0, room: Room::default(), sum, length: 0, told };
            if is_packed {
                belt.out().bytes(&squeeze::HEAD);
            }
            let brought = bring(&mut feed)?;
            Ok((brought, feed.finish()))
        },
    );
    let out = belt.out.into_inner().unwrap_or_else(PoisonError::into_inner);
    // The other side has heard only that it is over.
    let failed = out.failed.map(not_written).map_or(Ok(()), Err);
    let (mut out, (brought, (content, length))) = (Out { failed: None, ..out }, failed.and(brought)?);
    if is_packed {
        let tail = squeeze::tail(std::mem::take(&mut out.check), length);
        out.bytes(&tail);
        out.failed.map_or(Ok(()), |e| Err(not_written(e)))?;
    }
    let digest = out.sum.finish();
    Ok((brought, Written { content: content.unwrap_or_else(|| digest.clone()), digest, size: out.size }))
}

fn not_written(error: Errno) -> Error {
    Error::from_errno("cannot write a blob", error)
}

/// Memory that goes round: what was touched once is not asked for again.
#[derive(Default)]
struct Room {
    piece: Vec<u8>,
    /// Empty where the piece is written as it is.
    packed: Vec<u8>,
    check: Hasher,
}

/// What is brought, and which piece it is.
type Brought = (u64, Room);

/// Takes the bytes.
pub struct Feed<'a> {
    belt: &'a Belt,
    full: SyncSender<Brought>,
    empty: Receiver<Room>,
    more: &'a mut dyn FnMut(),
    hands: usize,
    /// That may still be made.
    rooms: usize,
    helpers: usize,
    number: u64,
    room: Room,
    sum: Option<Sum>,
    length: u64,
    told: &'a dyn Fn(u64),
}

impl Feed<'_> {
    fn send(&mut self) -> io::Result<()> {
        let next = match self.empty.try_recv() {
            Ok(room) => room,
            Err(_) if self.rooms > 0 => {
                self.rooms -= 1;
                Room { piece: Vec::with_capacity(PIECE), ..Room::default() }
            }
            Err(_) => self.empty.recv().map_err(|_| io::ErrorKind::BrokenPipe)?,
        };
        if self.helpers < self.hands {
            self.helpers += 1;
            (self.more)();
        }
        let room = std::mem::replace(&mut self.room, next);
        self.count(&room.piece);
        let sent = self.full.send((self.number, room));
        self.number += 1;
        if sent.is_err() || self.belt.is_over.load(Ordering::Relaxed) { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }

    fn count(&mut self, piece: &[u8]) {
        if let Some(sum) = &mut self.sum {
            sum.add(piece);
        }
        self.length += piece.len() as u64;
        (self.told)(piece.len() as u64);
    }

    /// The digest of all bytes, unless it is the blob's, and their number. The helpers see by its end that it is over.
    fn finish(mut self) -> (Option<String>, u64) {
        let room = std::mem::take(&mut self.room);
        self.count(&room.piece);
        if self.helpers == 0 {
            self.belt.work((self.number, room), &mut Squeezer::default());
        } else {
            // They are there as long as we are.
            let _ = self.full.send((self.number, room));
        }
        (self.sum.map(Sum::finish), self.length)
    }
}

impl Write for Feed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room.piece.len() == PIECE {
            self.send()?;
        }
        let count = bytes.len().min(PIECE - self.room.piece.len());
        self.room.piece.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Belt {
    waiting: Mutex<Receiver<Brought>>,
    is_packed: bool,
    /// It has failed, and nothing more need be brought.
    is_over: AtomicBool,
    out: Mutex<Out>,
}

impl Belt {
    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn help(&self) {
        let mut squeezer = Squeezer::default();
        let next = || self.waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok(brought) = next() {
            self.work(brought, &mut squeezer);
        }
    }

    fn work(&self, (number, mut room): Brought, squeezer: &mut Squeezer) {
        if self.is_packed {
            room.check.update(&room.piece);
            squeezer.squeeze(&room.piece, &mut room.packed);
        }
        if !self.out().put(number, room) {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }
}

/// Where the pieces come together again. Who brings the one that is due writes all that are.
struct Out {
    fd: OwnedFd,
    sum: Sum,
    size: u64,
    /// Of what went in: gzip wants it.
    check: Hasher,
    due: u64,
    early: BTreeMap<u64, Room>,
    back: Sender<Room>,
    /// Nothing is written from then on, but all pieces go back.
    failed: Option<Errno>,
}

impl Out {
    fn new(fd: OwnedFd, back: Sender<Room>) -> Out {
        Out { fd, sum: Sum::default(), size: 0, check: Hasher::new(), due: 0, early: BTreeMap::new(), back, failed: None }
    }

    /// False where it has failed.
    fn put(&mut self, number: u64, room: Room) -> bool {
        self.early.insert(number, room);
        while let Some(mut room) = self.early.remove(&self.due) {
            self.due += 1;
            self.check.combine(&room.check);
            self.bytes(if room.packed.is_empty() { &room.piece } else { &room.packed });
            room.piece.clear();
            room.check.reset();
            // At the end nobody wants it any more.
            let _ = self.back.send(room);
        }
        self.failed.is_none()
    }

    fn bytes(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        if let Err(errno) = file::write_all(self.fd.as_fd(), bytes) {
            self.failed = Some(errno);
            return;
        }
        let before = self.size;
        self.size += bytes.len() as u64;
        self.sum.add(bytes);
        write_back(self.fd.as_fd(), before, self.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Context;
    use std::io::Read;

    fn brought(feed: &mut Feed) -> Result<u64> {
        std::io::copy(&mut std::io::repeat(7).take(20 << 20), feed).context("cannot bring it")
    }

    #[test]
    fn a_full_disk_is_told_and_nobody_waits_for_ever() {
        for compression in [Compression::Plain, Compression::Gzip] {
            let full = file::open(Path::new("/dev/full"), OFlag::O_WRONLY).unwrap();
            let error = write_to(full, compression, &|_| {}, brought).unwrap_err();
            assert_eq!(error.errno(), Some(Errno::ENOSPC), "{error}");
        }
    }

    #[test]
    fn who_brings_the_bytes_may_fail() {
        let null = file::open(Path::new("/dev/null"), OFlag::O_WRONLY).unwrap();
        let failed = write_to(null, Compression::Gzip, &|_| {}, |feed| brought(feed).and(Err::<(), _>(Error::failed("no more"))));
        assert!(failed.unwrap_err().to_string().contains("no more"));
    }

    #[test]
    fn all_that_is_brought_is_told() {
        let told = std::cell::Cell::new(0);
        let null = file::open(Path::new("/dev/null"), OFlag::O_WRONLY).unwrap();
        let (count, blob) = write_to(null, Compression::Plain, &|count| told.set(told.get() + count), brought).unwrap();
        assert_eq!((count, told.get(), blob.size), (20 << 20, 20 << 20, 20 << 20));
        assert_eq!(blob.content, blob.digest);
    }
}
