//! The packed bytes on their way into the inflater: always enough of them in hand that it need not ask.

use crate::image::compression::codes::Entry;
use std::io::{ErrorKind, Read, Result};

const ROOM: usize = 128 << 10;
/// So many bytes may be read without asking: behind the end of the stream they are zeros.
const IN_HAND: usize = 64;
/// Bytes that were taken up as bits and not used.
const MAY_COME_BACK: usize = 8;

pub struct Input<R> {
    source: R,
    buffer: Box<[u8; ROOM + IN_HAND]>,
    at: usize,
    end: usize,
    is_over: bool,
}

impl<R: Read> Input<R> {
    pub fn new(source: R) -> Input<R> {
        Input { source, buffer: Box::new([0; ROOM + IN_HAND]), at: 0, end: 0, is_over: false }
    }

    /// What lies next, without taking it; nothing at the end.
    pub fn peek(&mut self) -> Result<&[u8]> {
        if self.at >= self.end && !self.is_over {
            self.fetch(1)?;
        }
        Ok(&self.buffer[self.at.min(self.end)..self.end])
    }

    pub fn pass(&mut self, count: usize) {
        self.at += count;
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    /// Sees to it that many bytes are in hand. `bits`: how many have been taken and not used, in its low byte.
    #[inline(always)]
    pub fn prepare(&mut self, bits: u32) -> Result<()> {
        if self.at + IN_HAND > self.end { self.prepare_more(bits) } else { Ok(()) }
    }

    #[cold]
    fn prepare_more(&mut self, bits: u32) -> Result<()> {
        self.check(bits)?;
        if self.is_over { Ok(()) } else { self.fetch(IN_HAND) }
    }

    /// Nothing that lies behind the end may have been used.
    pub fn check(&self, bits: u32) -> Result<()> {
        if self.at > self.end + usize::from(bits as u8 / 8) { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    #[cold]
    fn fetch(&mut self, wanted: usize) -> Result<()> {
        let gone = self.at.saturating_sub(MAY_COME_BACK);
        self.buffer.copy_within(gone..self.end, 0);
        (self.at, self.end) = (self.at - gone, self.end - gone);
        while self.end - self.at < wanted && !self.is_over {
            match self.source.read(&mut self.buffer[self.end..ROOM]) {
                Ok(0) => {
                    self.buffer[self.end..self.end + IN_HAND].fill(0);
                    self.is_over = true;
                }
                Ok(count) => self.end += count,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// What is in hand, as bits.
    #[inline(always)]
    pub fn bits(&self, bits: u64, count: u32) -> Bits<'_> {
        Bits { bits, count, at: self.at, buffer: &self.buffer, end: self.end }
    }

    pub fn taken(&mut self, at: usize) {
        self.at = at;
    }

    pub fn give_back(&mut self, bytes: usize) {
        self.at -= bytes;
    }
}

/// The stream as the inflater takes it.
#[derive(Clone, Copy)]
pub struct Bits<'a> {
    pub bits: u64,
    /// How many are in hand: in the low byte, what lies above it does not matter.
    pub count: u32,
    pub at: usize,
    buffer: &'a [u8; ROOM + IN_HAND],
    end: usize,
}

impl Bits<'_> {
    /// As many whole bytes as there is room for above the bits in hand: at least 56 bits are there then.
    #[inline(always)]
    pub fn refill(&mut self) {
        let next = *self.buffer[self.at..].first_chunk().unwrap_or(&[0; 8]);
        let have = u32::from(self.count as u8);
        // Above `have` the bits may be there already; they are the same ones.
        self.bits |= u64::from_le_bytes(next) << (have & 63);
        self.at += ((63 - have) >> 3) as usize;
        self.count = have | 56;
    }

    /// The next `many`, as an index.
    #[inline(always)]
    pub fn next(&self, many: usize) -> usize {
        self.bits as usize & ((1 << many) - 1)
    }

    /// As many as a table's entry says.
    #[inline(always)]
    pub fn drop(&mut self, entry: Entry) {
        self.bits >>= entry & 63;
        self.count = self.count.wrapping_sub(entry);
    }

    /// Before they are taken further the input is to be asked.
    #[inline(always)]
    pub fn are_few(&self) -> bool {
        self.at + IN_HAND > self.end
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = self.peek()?.read(buffer)?;
        self.at += count;
        Ok(count)
    }
}
