//! Plain, gzip or zstd: told apart by the first bytes, because names and media types are often wrong.

mod codes;
mod gzip;
mod inflate;
mod input;
mod zstd;

use gzip::Members;
use inflate::{CHUNK, HISTORY, Room};
use serde::{Deserialize, Serialize};
use std::io::{BufReader, Chain, Cursor, Error, ErrorKind, Read, Result};
use zstd::Frames;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    Plain,
    Gzip,
    Zstd,
}

const PACKED_CHUNK: usize = 128 << 10;
/// Members or frames in a row that hold nothing, and zeros behind the last: a pipe could send these without end.
const MOST_EMPTY: u32 = 10_000;
const MOST_ZEROS: usize = 64 << 20;

pub fn of(first: &[u8]) -> Compression {
    match first {
        [0x1f, 0x8b, 0x08, ..] => Compression::Gzip,
        // A frame of zstd, or one that it skips (RFC 8878, section 3.1).
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::Plain,
    }
}

/// What is in `source`, whatever it is packed in.
pub fn unpacked<'a, R: Read + 'a>(source: R) -> Result<(Compression, Box<dyn Read + 'a>)> {
    let unpacked = Unpacked::new(source)?;
    Ok((unpacked.compression(), Box::new(Reader { unpacked, chunk: Chunk::default(), at: 0 })))
}

/// A piece of unpacked bytes. They are made where they stay: around them is what an inflater needs.
pub struct Chunk {
    room: Box<Room>,
    end: usize,
}

impl Default for Chunk {
    fn default() -> Chunk {
        Chunk { room: zeroed(), end: HISTORY }
    }
}

/// Not by way of the stack, which has no room for it.
fn zeroed() -> Box<Room> {
    let room: Box<[u8]> = vec![0; size_of::<Room>()].into();
    room.try_into().unwrap_or_else(|_| unreachable!("it is as long"))
}

impl Chunk {
    pub fn bytes(&self) -> &[u8] {
        &self.room[HISTORY..self.end]
    }
}

/// The first bytes, which were looked at, and the others.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

/// What is in a source, chunk by chunk.
pub enum Unpacked<R: Read> {
    Plain(Whole<R>),
    Gzip(Box<Members<Whole<R>>>),
    Zstd(Box<Frames<BufReader<Whole<R>>>>),
}

impl<R: Read> Unpacked<R> {
    pub fn new(mut source: R) -> Result<Self> {
        let first = first_bytes(&mut source)?;
        let compression = of(&first);
        let whole = Cursor::new(first).chain(source);
        Ok(match compression {
            Compression::Plain => Unpacked::Plain(whole),
            Compression::Gzip => Unpacked::Gzip(Box::new(Members::new(whole))),
            Compression::Zstd => Unpacked::Zstd(Box::new(Frames::new(BufReader::with_capacity(PACKED_CHUNK, whole)))),
        })
    }

    pub fn compression(&self) -> Compression {
        match self {
            Unpacked::Plain(_) => Compression::Plain,
            Unpacked::Gzip(_) => Compression::Gzip,
            Unpacked::Zstd(_) => Compression::Zstd,
        }
    }

    /// The next bytes; at the end there are none.
    pub fn fill(&mut self, chunk: &mut Chunk) -> Result<()> {
        let room = &mut chunk.room[HISTORY..HISTORY + CHUNK];
        chunk.end = match self {
            Unpacked::Plain(source) => HISTORY + read_full(source, room)?,
            Unpacked::Zstd(frames) => HISTORY + read_full(&mut **frames, room)?,
            Unpacked::Gzip(members) => members.fill(&mut chunk.room)?,
        };
        Ok(())
    }
}

/// A pipe may hand over its first bytes one by one.
fn first_bytes(source: &mut impl Read) -> Result<Vec<u8>> {
    let mut first = vec![0; PACKED_CHUNK];
    let mut have = 0;
    while have < 4 {
        match source.read(&mut first[have..]) {
            Ok(0) => break,
            Ok(count) => have += count,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    first.truncate(have);
    Ok(first)
}

fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    let mut have = 0;
    while have < buffer.len() {
        match source.read(&mut buffer[have..]) {
            Ok(0) => break,
            Ok(count) => have += count,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(have)
}

/// For those who read a little at a time.
struct Reader<R: Read> {
    unpacked: Unpacked<R>,
    chunk: Chunk,
    at: usize,
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.at == self.chunk.bytes().len() {
            self.unpacked.fill(&mut self.chunk)?;
            self.at = 0;
        }
        let count = self.chunk.bytes()[self.at..].as_ref().read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

fn count_empty(empty: &mut u32, by: u32) -> Result<()> {
    *empty += by;
    if *empty > MOST_EMPTY { Err(Error::new(ErrorKind::InvalidData, "compressed data that holds nothing, over and over")) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
