//! A gzip file (RFC 1952): one member after another, each a deflate stream with a checksum behind it.

use crate::image::compression::inflate::{CHUNK, HISTORY, Inflate, Room, State};
use crate::image::compression::input::Input;
use crate::image::compression::{MOST_ZEROS, count_empty};
use crc32fast::Hasher;
use std::io::{Error, ErrorKind, Read, Result};

/// Of a header: name and comment have no length, and nobody writes longer ones.
const LONGEST_TEXT: usize = 64 << 10;

pub struct Members<R> {
    input: Input<R>,
    inflate: Inflate,
    is_inside: bool,
    /// Of the member so far.
    sum: Hasher,
    made: u64,
    empty: u32,
    /// What was made last: a stream repeats itself across the chunks in which it is fetched.
    history: Box<[u8]>,
}

impl<R: Read> Members<R> {
    pub fn new(source: R) -> Members<R> {
        Members {
            input: Input::new(source),
            inflate: Inflate::new(),
            is_inside: false,
            sum: Hasher::new(),
            made: 0,
            empty: 0,
            history: vec![0; HISTORY].into(),
        }
    }

    /// Makes a chunk behind the history in the room, and says where the bytes end; at the very end there are none.
    pub fn fill(&mut self, room: &mut Room) -> Result<usize> {
        room[..HISTORY].copy_from_slice(&self.history);
        let mut at = HISTORY;
        loop {
            if !self.is_inside {
                if at >= HISTORY + CHUNK || self.is_padding()? {
                    break;
                }
                header(&mut self.input)?;
                self.is_inside = true;
            }
            let start = at;
            let known = usize::try_from(self.made).unwrap_or(usize::MAX);
            let state = self.inflate.run(&mut self.input, room, &mut at, start.saturating_sub(known))?;
            self.sum.update(&room[start..at]);
            self.made += (at - start) as u64;
            match state {
                State::Full => break,
                State::End => self.end()?,
            }
        }
        self.history.copy_from_slice(&room[at - HISTORY..at]);
        Ok(at)
    }

    fn end(&mut self) -> Result<()> {
        let (sum, length) = (u32::from_le_bytes(self.input.array()?), u32::from_le_bytes(self.input.array()?));
        if (sum, length) != (self.sum.clone().finalize(), self.made as u32) {
            return Err(Error::new(ErrorKind::InvalidData, "corrupt gzip stream: the checksum is wrong"));
        }
        if self.made == 0 {
            count_empty(&mut self.empty, 1)?
        } else {
            self.empty = 0
        }
        self.sum.reset();
        self.made = 0;
        self.is_inside = false;
        Ok(())
    }

    /// Whether nothing but zeros is left: tapes and some tools fill up the last block with them.
    fn is_padding(&mut self) -> Result<bool> {
        let mut seen = 0;
        loop {
            if seen > MOST_ZEROS {
                return Err(Error::new(ErrorKind::InvalidData, "zeros without end after the compressed data"));
            }
            let left = self.input.peek()?;
            if left.is_empty() {
                return Ok(true);
            }
            let zeros = left.iter().take_while(|byte| **byte == 0).count();
            if zeros < left.len() {
                return if zeros + seen == 0 {
                    Ok(false)
                } else {
                    Err(Error::new(ErrorKind::InvalidData, "noise after the compressed data"))
                };
            }
            seen += zeros;
            self.input.pass(zeros);
        }
    }
}

fn header<R: Read>(input: &mut Input<R>) -> Result<()> {
    let (checked, extra, name, comment) = (2, 4, 8, 16);
    let [0x1f, 0x8b, 8, flags, ..] = input.array::<10>()? else {
        return Err(Error::new(ErrorKind::InvalidData, "noise between gzip members"));
    };
    if flags & extra != 0 {
        let length = u16::from_le_bytes(input.array()?);
        input.read_exact(&mut vec![0; length.into()])?;
    }
    for _ in 0..(flags & (name | comment)).count_ones() {
        let mut length = 0;
        while input.array()? != [0] {
            length += 1;
            if length > LONGEST_TEXT {
                return Err(Error::new(ErrorKind::InvalidData, "a gzip header without end"));
            }
        }
    }
    if flags & checked != 0 {
        input.array::<2>()?;
    }
    Ok(())
}
