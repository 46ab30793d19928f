//! How much memory an archive of xz wants: what it was packed with decides, and anybody can write four gigabytes there.
//!
//! Each block says in its header how far back its bytes may reach (the dictionary), and the one who unpacks keeps so much. The headers
//! are read here before, each where the one who unpacks will find it: behind pieces that say their own lengths. Names and numbers are
//! those of the .xz File Format (tukaani.org/xz/xz-file-format.txt).

use std::io::{self, BufRead, ErrorKind, Seek};

pub const MAGIC: &[u8] = b"\xfd7zXZ\0";
/// `xz -9` takes a quarter of it.
const MOST: u64 = 256 << 20;
/// The filter that unpacks; those before it only turn bytes around.
const LZMA2: u64 = 0x21;
/// Bytes of the check behind each block, by its kind.
const CHECKS: [u64; 16] = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

/// False: some block wants more memory than anybody gets. `file` stands at its beginning, and is somewhere else afterwards.
pub fn is_modest(file: impl BufRead + Seek) -> io::Result<bool> {
    let mut blocks = Blocks { file, at: 0 };
    loop {
        let check = CHECKS[usize::from(blocks.stream_header()? & 15)];
        while let Some(dictionary) = blocks.header()? {
            if dictionary > MOST {
                return Ok(false);
            }
            blocks.skip_pieces()?;
            blocks.align()?;
            blocks.skip(check)?;
        }
        if !blocks.goes_on_behind_index()? {
            return Ok(true);
        }
    }
}

struct Blocks<R> {
    file: R,
    /// Where in the file.
    at: u64,
}

impl<R: BufRead + Seek> Blocks<R> {
    fn bytes<const COUNT: usize>(&mut self) -> io::Result<[u8; COUNT]> {
        let mut bytes = [0; COUNT];
        self.file.read_exact(&mut bytes)?;
        self.at += COUNT as u64;
        Ok(bytes)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        self.at += count;
        self.file.seek_relative(i64::try_from(count).map_err(|_| wrong())?)
    }

    /// To a multiple of four.
    fn align(&mut self) -> io::Result<()> {
        self.skip((4 - self.at % 4) % 4)
    }

    /// Seven bits in each byte, the lowest first.
    fn number(&mut self) -> io::Result<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(wrong())
    }

    /// Its kind of check.
    fn stream_header(&mut self) -> io::Result<u8> {
        let [magic @ .., _, check, _, _, _, _] = self.bytes::<12>()?;
        if magic == *MAGIC { Ok(check) } else { Err(wrong()) }
    }

    /// The dictionary of the next block; `None`: the index follows.
    fn header(&mut self) -> io::Result<Option<u64>> {
        let begun = self.at;
        let size = (u64::from(self.byte()?) + 1) * 4;
        if size == 4 {
            return Ok(None);
        }
        let flags = self.byte()?;
        for _ in 0..(flags >> 6).count_ones() {
            self.number()?;
        }
        let mut dictionary = 0;
        for _ in 0..=(flags & 3) {
            let (filter, length) = (self.number()?, self.number()?);
            match (filter, length) {
                (LZMA2, 1) => dictionary = dictionary.max(dictionary_of(self.byte()?)?),
                (_, 0..=64) => self.skip(length)?,
                _ => return Err(wrong()),
            }
        }
        self.skip((begun + size).checked_sub(self.at).ok_or_else(wrong)?)?;
        Ok(Some(dictionary))
    }

    /// Of what is packed each piece says how long it is.
    fn skip_pieces(&mut self) -> io::Result<()> {
        loop {
            match self.byte()? {
                0 => return Ok(()),
                // As it is.
                1 | 2 => {
                    let length = u16::from_be_bytes(self.bytes()?);
                    self.skip(u64::from(length) + 1)?;
                }
                kind @ 0x80.. => {
                    let [_, _, high, low] = self.bytes()?;
                    let has_properties = kind >= 0xc0;
                    self.skip(u64::from(u16::from_be_bytes([high, low])) + 1 + u64::from(has_properties))?;
                }
                _ => return Err(wrong()),
            }
        }
    }

    /// Behind the index and its footer another stream may begin.
    fn goes_on_behind_index(&mut self) -> io::Result<bool> {
        for _ in 0..self.number()? {
            self.number()?;
            self.number()?;
        }
        self.align()?;
        // The index' checksum, and the footer.
        self.skip(4 + 12)?;
        loop {
            match self.file.fill_buf()?.first() {
                None => return Ok(false),
                Some(0) => self.bytes::<4>().map(drop)?,
                Some(_) => return Ok(true),
            }
        }
    }
}

/// Two or three times a power of two.
fn dictionary_of(bits: u8) -> io::Result<u64> {
    match bits {
        0..=39 => Ok((2 | u64::from(bits & 1)) << (bits / 2 + 11)),
        40 => Ok(u64::from(u32::MAX)),
        _ => Err(wrong()),
    }
}

fn wrong() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "it is no archive of xz")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};
    use std::process::{Command, Stdio};

    /// `None`: there is no xz here.
    fn packed(words: &[&str], text: &[u8]) -> Option<Vec<u8>> {
        let mut xz = Command::new("xz").arg("-c").args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let mut input = xz.stdin.take()?;
        input.write_all(text).ok()?;
        drop(input);
        Some(xz.wait_with_output().ok()?.stdout)
    }

    /// Where the only dictionary of a small archive stands: behind the block's size and flags, the filter's name and its length.
    const BITS: usize = 12 + 4;

    /// The archive with another dictionary, all checksums as they must be.
    fn with_dictionary(mut archive: Vec<u8>, bits: u8) -> Vec<u8> {
        archive[BITS] = bits;
        let sum = crc32fast::hash(&archive[12..20]).to_le_bytes();
        archive[20..24].copy_from_slice(&sum);
        archive
    }

    #[test]
    fn what_every_xz_makes_is_modest_and_four_gigabytes_are_not() {
        let text: Vec<u8> = (0..60_000u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        let Some(small) = packed(&["-0", "-T1"], b"text") else { return eprintln!("skipped: there is no xz") };
        for words in
            [&["-0"][..], &["-9"], &["--check=sha256"], &["--check=none"], &["--block-size=100000"], &["--x86", "--lzma2=dict=4MiB"]]
        {
            let whole = packed(words, &text).expect("xz");
            assert!(is_modest(Cursor::new(&whole)).unwrap_or_else(|error| panic!("{words:?}: {error}")), "{words:?}");
            // Several in a row, with padding between them, and the last one greedy.
            let behind = |bits: u8| [&whole[..], &[0; 8], &with_dictionary(small.clone(), bits)].concat();
            assert!(is_modest(Cursor::new(behind(22))).expect("streams"), "{words:?}");
            assert!(!is_modest(Cursor::new(behind(40))).expect("streams"), "{words:?}");
            for cut in [0, 5, 11, 13, 30, whole.len() / 2, whole.len() - 30] {
                assert!(is_modest(Cursor::new(&whole[..cut])).is_err(), "{words:?} cut at {cut}");
            }
        }
        assert!(is_modest(Cursor::new(with_dictionary(small.clone(), 32))).unwrap(), "256 MiB");
        assert!(!is_modest(Cursor::new(with_dictionary(small, 33))).unwrap());
    }
}
