//! Inflating (RFC 1951): what most layers are packed with, and what most of a pull's time goes to. So it is written for speed,
//! and in safe Rust, because what it reads comes from strangers.
//!
//! What makes it fast: 64 bits of the stream are in hand and taken up without asking how many are wanted; one look at a table tells a
//! symbol with all its bits (`codes.rs`); letters are taken three at a time; the next symbol is looked up before the bytes
//! of the last one are copied. There is one loop only, because neither side of it has an edge: behind the input lie zeros to be read,
//! and behind the output is room to write, so both are looked after once for each symbol and not for each byte.

use crate::image::compression::codes::{END, Entry, Gaps, KIND, LITERAL, NO_CODE, SPECIAL, Table};
use crate::image::compression::input::{Bits, Input};
use std::io::{Error, ErrorKind, Read, Result};

pub const CHUNK: usize = 256 << 10;
/// As far back as a stream may repeat itself.
pub const HISTORY: usize = 32 << 10;
/// A symbol makes no more than this, with the two letters before it and what is copied too much behind it.
const SLACK: usize = 320;

/// Where a chunk of bytes is made, behind what was made before it. Its length is fixed so that the compiler knows what lies inside.
pub type Room = [u8; HISTORY + CHUNK + SLACK];
/// Where a chunk is full.
const LIMIT: usize = HISTORY + CHUNK;

const LITERAL_BITS: usize = 11;
const DISTANCE_BITS: usize = 8;

pub struct Inflate {
    literals: Box<Table<LITERAL_BITS, 4096>>,
    distances: Box<Table<DISTANCE_BITS, 1024>>,
    is_fixed: bool,
    /// Taken from the input and not used: `count` of them (in its low byte), the first one lowest.
    bits: u64,
    count: u32,
    block: Block,
    is_last: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Before,
    Stored(usize),
    Packed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is no room for more.
    Full,
    /// The end of the stream.
    End,
}

pub fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("corrupt deflate stream: {what}"))
}

impl Inflate {
    pub fn new() -> Inflate {
        Inflate {
            literals: Table::new(),
            distances: Table::new(),
            is_fixed: false,
            bits: 0,
            count: 0,
            block: Block::Before,
            is_last: false,
        }
    }

    /// Goes on to write at `out[*at]`. What lies between `floor` and there may be repeated.
    pub fn run<R: Read>(&mut self, input: &mut Input<R>, out: &mut Room, at: &mut usize, floor: usize) -> Result<State> {
        loop {
            match self.block {
                Block::Before if self.is_last => {
                    self.finish(input);
                    return Ok(State::End);
                }
                Block::Before => self.begin(input)?,
                Block::Stored(0) => self.block = Block::Before,
                Block::Stored(left) => {
                    let room = left.min(LIMIT.saturating_sub(*at));
                    if room == 0 {
                        return Ok(State::Full);
                    }
                    let count = input.read(&mut out[*at..*at + room])?;
                    if count == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                    *at += count;
                    self.block = Block::Stored(left - count);
                }
                Block::Packed => match self.symbols(input, out, at, floor)? {
                    State::Full => return Ok(State::Full),
                    State::End => self.block = Block::Before,
                },
            }
        }
    }

    /// The next stream begins with a whole byte.
    fn finish<R: Read>(&mut self, input: &mut Input<R>) {
        input.give_back((self.count as u8 / 8).into());
        (self.bits, self.count, self.is_last) = (0, 0, false);
    }

    fn begin<R: Read>(&mut self, input: &mut Input<R>) -> Result<()> {
        self.is_last = self.take(input, 1)? == 1;
        match self.take(input, 2)? {
            0 => {
                let last = self.is_last;
                self.finish(input);
                self.is_last = last;
                let [a, b, c, d] = input.array()?;
                if [a, b] != [!c, !d] {
                    return Err(wrong("the length of a block"));
                }
                self.block = Block::Stored(u16::from_le_bytes([a, b]).into());
            }
            1 => {
                self.fixed()?;
                self.block = Block::Packed;
            }
            2 => {
                self.is_fixed = false;
                self.dynamic(input)?;
                self.block = Block::Packed;
            }
            _ => return Err(wrong("the kind of a block")),
        }
        Ok(())
    }

    /// A few bits, where time does not matter.
    fn take<R: Read>(&mut self, input: &mut Input<R>, wanted: u32) -> Result<usize> {
        if u32::from(self.count as u8) < wanted {
            input.prepare(self.count)?;
            self.refill(input);
        }
        let value = self.bits & ((1 << wanted) - 1);
        self.bits >>= wanted;
        self.count = u32::from(self.count as u8) - wanted;
        Ok(value as usize)
    }

    fn refill<R: Read>(&mut self, input: &mut Input<R>) {
        let mut bits = input.bits(self.bits, self.count);
        bits.refill();
        (self.bits, self.count) = (bits.bits, bits.count & 0xff);
        let taken = bits.at;
        input.taken(taken);
    }

    fn fixed(&mut self) -> Result<()> {
        if !self.is_fixed {
            let length = |symbol: usize| match symbol {
                144..=255 => 9,
                256..=279 => 7,
                _ => 8,
            };
            let lengths: [u8; 288] = std::array::from_fn(length);
            self.literals.build(&lengths, Gaps::None, literal)?;
            self.distances.build(&[5; 32], Gaps::None, distance)?;
            self.is_fixed = true;
        }
        Ok(())
    }

    fn dynamic<R: Read>(&mut self, input: &mut Input<R>) -> Result<()> {
        const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let (literals, distances) = (self.take(input, 5)? + 257, self.take(input, 5)? + 1);
        if literals > 286 || distances > 30 {
            return Err(wrong("too many symbols"));
        }
        let mut of_lengths = [0; 19];
        for place in &ORDER[..self.take(input, 4)? + 4] {
            of_lengths[*place] = self.take(input, 3)? as u8;
        }
        // No code of these is longer than seven bits: there is no second table.
        let mut table = Table::<7, 128>([0; 128]);
        table.build(&of_lengths, Gaps::None, |symbol| (symbol as Entry) << 16)?;
        let (mut lengths, mut have) = ([0u8; 286 + 30], 0);
        while have < literals + distances {
            input.prepare(self.count)?;
            self.refill(input);
            let entry = table.0[self.bits as usize & 127];
            self.bits >>= entry & 63;
            self.count = self.count.wrapping_sub(entry) & 0xff;
            let (length, times) = match entry >> 16 {
                16 if have == 0 => return Err(wrong("a repeated length without a first")),
                16 => (lengths[have - 1], 3 + self.take(input, 2)?),
                17 => (0, 3 + self.take(input, 3)?),
                18 => (0, 11 + self.take(input, 7)?),
                length => (length as u8, 1),
            };
            lengths[..literals + distances].get_mut(have..have + times).ok_or_else(|| wrong("too many lengths"))?.fill(length);
            have += times;
        }
        if lengths[256] == 0 {
            return Err(wrong("a block without an end"));
        }
        self.literals.build(&lengths[..literals], Gaps::Single, literal)?;
        self.distances.build(&lengths[literals..literals + distances], Gaps::Single, distance)
    }

    /// The symbols of a block, up to its end or that of the room for them.
    fn symbols<R: Read>(&mut self, input: &mut Input<R>, out: &mut Room, at: &mut usize, floor: usize) -> Result<State> {
        loop {
            if *at >= LIMIT {
                return Ok(State::Full);
            }
            input.prepare(self.count)?;
            let mut bits = input.bits(self.bits, self.count);
            let done = self.many(&mut bits, out, at, floor)?;
            (self.bits, self.count) = (bits.bits, bits.count & 0xff);
            let taken = bits.at;
            input.taken(taken);
            if done {
                input.check(self.count)?;
                return Ok(State::End);
            }
        }
    }

    /// As many symbols as input and room are in hand for, and one at least. True: the last was the end of the block.
    #[inline(always)]
    fn many(&self, stream: &mut Bits, out: &mut Room, place: &mut usize, floor: usize) -> Result<bool> {
        let (literals, distances) = (&self.literals.0, &self.distances.0);
        // As the caller has seen to; said here again, the compiler knows it, too, and asks less often.
        let mut at = (*place).min(LIMIT);
        let mut bits = *stream;
        bits.refill();
        let mut entry = literals[bits.next(LITERAL_BITS)];
        let is_end = loop {
            if entry & LITERAL != 0 {
                bits.drop(entry);
                out[at] = (entry >> 16) as u8;
                at += 1;
                entry = literals[bits.next(LITERAL_BITS)];
                if entry & LITERAL != 0 {
                    bits.drop(entry);
                    out[at] = (entry >> 16) as u8;
                    at += 1;
                    entry = literals[bits.next(LITERAL_BITS)];
                    if entry & LITERAL != 0 {
                        bits.drop(entry);
                        out[at] = (entry >> 16) as u8;
                        at += 1;
                        if at >= LIMIT || bits.are_few() {
                            break false;
                        }
                        bits.refill();
                        entry = literals[bits.next(LITERAL_BITS)];
                        continue;
                    }
                }
            }
            let mut before = bits.bits;
            bits.drop(entry);
            if entry & SPECIAL != 0 {
                if entry & KIND == SPECIAL {
                    entry = literals[((entry >> 16) as usize + bits.next((entry >> 8 & 15) as usize)) & 4095];
                    before = bits.bits;
                    bits.drop(entry);
                    if entry & LITERAL != 0 {
                        out[at] = (entry >> 16) as u8;
                        at += 1;
                        if at >= LIMIT || bits.are_few() {
                            break false;
                        }
                        bits.refill();
                        entry = literals[bits.next(LITERAL_BITS)];
                        continue;
                    }
                }
                if entry & SPECIAL != 0 {
                    if entry & KIND == END {
                        break true;
                    }
                    return Err(wrong("a code without meaning"));
                }
            }
            let length = value(entry, before);
            // At most 42 of 56 bits are gone, and a distance may take 28.
            bits.refill();
            entry = distances[bits.next(DISTANCE_BITS)];
            if entry & SPECIAL != 0 {
                if entry & KIND == SPECIAL {
                    bits.drop(entry);
                    entry = distances[((entry >> 16) as usize + bits.next((entry >> 8 & 15) as usize)) & 1023];
                }
                if entry & SPECIAL != 0 {
                    return Err(wrong("a distance without meaning"));
                }
            }
            before = bits.bits;
            bits.drop(entry);
            let distance = value(entry, before);
            if distance > at - floor {
                return Err(wrong("a distance too far back"));
            }
            // Looked up before the bytes are copied: the processor does both at once.
            let few = bits.are_few();
            bits.refill();
            entry = literals[bits.next(LITERAL_BITS)];
            repeat(out, at, distance, length);
            at += length;
            if at >= LIMIT || few {
                break false;
            }
        };
        (*stream, *place) = (bits, at);
        Ok(is_end)
    }
}

/// The smallest of a length or distance, and the extra bits that lie behind its code.
#[inline(always)]
fn value(entry: Entry, bits: u64) -> usize {
    (entry >> 16) as usize + ((bits & ((1u64 << (entry & 63)) - 1)) >> (entry >> 8 & 15)) as usize
}

/// Copies what lies `distance` back, in pieces: behind the end there is room for what is too much.
#[inline(always)]
fn repeat(out: &mut Room, at: usize, distance: usize, length: usize) {
    let end = at + length;
    let (mut from, mut to) = (at - distance, at);
    if distance >= 16 {
        while to < end {
            piece::<16>(out, from, to);
            from += 16;
            to += 16;
        }
    } else if distance == 1 {
        let byte = out[from];
        out[to..end].fill(byte);
    } else {
        // Of each piece only the first `distance` bytes are right, and the next one writes over the rest.
        let step = distance.min(8);
        while to < end {
            piece::<8>(out, from, to);
            from += step;
            to += step;
        }
    }
}

#[inline(always)]
fn piece<const N: usize>(out: &mut Room, from: usize, to: usize) {
    // Not by copy_from_slice, which some builds make a call of memcpy for these few bytes.
    let bytes = *out[from..].first_chunk::<N>().unwrap_or(&[0; N]);
    if let Some(place) = out[to..].first_chunk_mut() {
        *place = bytes;
    }
}

fn literal(symbol: usize) -> Entry {
    const BASE: [u16; 29] =
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
    const EXTRA: [u8; 29] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
    match symbol {
        0..=255 => LITERAL | (symbol as Entry) << 16,
        256 => END,
        257..=285 => Entry::from(BASE[symbol - 257]) << 16 | Entry::from(EXTRA[symbol - 257]),
        _ => NO_CODE,
    }
}

fn distance(symbol: usize) -> Entry {
    match symbol {
        0..=3 => (symbol as Entry + 1) << 16,
        4..=29 => {
            let extra = symbol as Entry / 2 - 1;
            (((2 + (symbol as Entry & 1)) << extra) + 1) << 16 | extra
        }
        _ => NO_CODE,
    }
}
