//! Plain, gzip or zstd: told apart by the first bytes, because names and media types are often wrong.

use flate2::bufread::GzDecoder;
use ruzstd::decoding::StreamingDecoder;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    Plain,
    Gzip,
    Zstd,
}

const CHUNK: usize = 128 << 10;
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
    let mut source = BufReader::with_capacity(CHUNK, source);
    // A pipe may hand over its first bytes one by one, so they are collected and put in front again.
    let mut first = Vec::with_capacity(4);
    source.by_ref().take(4).read_to_end(&mut first)?;
    let compression = of(&first);
    let whole = BufReader::with_capacity(CHUNK, std::io::Cursor::new(first).chain(source));
    Ok(match compression {
        Compression::Plain => (compression, Box::new(whole)),
        Compression::Gzip => (compression, Box::new(Members { source: Some(whole), current: None, empty: 0 })),
        Compression::Zstd => (compression, Box::new(Frames { source: Some(whole), current: None, empty: 0 })),
    })
}

/// A gzip file is one member after another. Ours instead of flate2's, which would read noise after the last member as its end.
struct Members<R: BufRead> {
    source: Option<R>,
    current: Option<Box<GzDecoder<R>>>,
    empty: u32,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            if let Some(decoder) = &mut self.current {
                let count = decoder.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    self.empty = 0;
                    return Ok(count);
                }
                count_empty(&mut self.empty, 1)?;
                self.source = self.current.take().map(|decoder| decoder.into_inner());
            }
            let Some(mut source) = self.source.take() else { return Ok(0) };
            if is_padding(&mut source)? {
                return Ok(0);
            }
            self.current = Some(Box::new(GzDecoder::new(source)));
        }
    }
}

fn count_empty(empty: &mut u32, by: u32) -> Result<()> {
    *empty += by;
    if *empty > MOST_EMPTY { Err(Error::new(ErrorKind::InvalidData, "compressed data that holds nothing, over and over")) } else { Ok(()) }
}

/// Whether nothing but zeros is left: tapes and some tools fill up the last block with them.
fn is_padding(source: &mut impl BufRead) -> Result<bool> {
    let mut seen = 0;
    loop {
        if seen > MOST_ZEROS {
            return Err(Error::new(ErrorKind::InvalidData, "zeros without end after the compressed data"));
        }
        let left = source.fill_buf()?;
        if left.is_empty() {
            return Ok(true);
        }
        let zeros = left.iter().take_while(|byte| **byte == 0).count();
        let all = zeros == left.len();
        if !all {
            return if zeros == 0 { Ok(false) } else { Err(Error::new(ErrorKind::InvalidData, "noise after the compressed data")) };
        }
        seen += zeros;
        source.consume(zeros);
    }
}

/// A zstd file is one frame after another, some of them to be skipped.
struct Frames<R: BufRead> {
    source: Option<R>,
    current: Option<Box<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>>,
    empty: u32,
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            if let Some(decoder) = &mut self.current {
                let count = decoder.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    self.empty = 0;
                    return Ok(count);
                }
                count_empty(&mut self.empty, 1)?;
                // Its checksum is not looked at: the digests that follow are stronger.
                self.source = self.current.take().map(|decoder| decoder.into_inner());
            }
            let Some(mut source) = self.source.take() else { return Ok(0) };
            if skip_frames(&mut source, &mut self.empty)? {
                return Ok(0);
            }
            self.current = Some(Box::new(StreamingDecoder::new(source).map_err(|e| Error::new(ErrorKind::InvalidData, e.to_string()))?));
        }
    }
}

/// Skips what is not data; true at the end.
fn skip_frames<R: BufRead>(source: &mut R, empty: &mut u32) -> Result<bool> {
    loop {
        let first = source.fill_buf()?;
        match first.first() {
            None => return Ok(true),
            Some(0x50..=0x5f) => {}
            Some(_) => return Ok(false),
        }
        let mut head = [0; 8];
        source.read_exact(&mut head)?;
        if head[1..4] != [0x2a, 0x4d, 0x18] {
            return Err(Error::new(ErrorKind::InvalidData, "noise between zstd frames"));
        }
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        // A long one counts as many.
        count_empty(empty, 1 + length / 8192)?;
        let length = u64::from(length);
        if std::io::copy(&mut source.by_ref().take(length), &mut std::io::sink())? != length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<(Compression, Vec<u8>)> {
        let (compression, mut reader) = unpacked(bytes)?;
        let mut out = Vec::new();
        reader.read_to_end(&mut out)?;
        Ok((compression, out))
    }

    #[test]
    fn each_is_told_by_its_first_bytes() {
        let zstd = ruzstd::encoding::compress_to_vec(&b"hello"[..], ruzstd::encoding::CompressionLevel::Fastest);
        assert_eq!(read(b"hello").unwrap(), (Compression::Plain, b"hello".to_vec()));
        assert_eq!(read(&gzip(b"hello")).unwrap(), (Compression::Gzip, b"hello".to_vec()));
        assert_eq!(read(&zstd).unwrap(), (Compression::Zstd, b"hello".to_vec()));
        assert_eq!(read(b"").unwrap(), (Compression::Plain, Vec::new()));
    }

    #[test]
    fn all_members_and_frames_are_read() {
        let frame = |text: &[u8]| ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
        assert_eq!(read(&[gzip(b"one"), gzip(b"two")].concat()).unwrap().1, b"onetwo");
        assert_eq!(read(&[frame(b"one"), skipped.clone(), frame(b"two"), skipped].concat()).unwrap().1, b"onetwo");
    }

    #[test]
    fn a_cut_or_noisy_stream_is_an_error_and_padding_is_not() {
        let whole = gzip(&[7; 1000]);
        assert!(read(&whole[..whole.len() - 3]).is_err());
        assert!(read(&[&whole[..], b"noise"].concat()).is_err());
        assert_eq!(read(&[&whole[..], &[0; 700][..]].concat()).unwrap().1, [7; 1000]);
        let mut wrong = whole.clone();
        let middle = wrong.len() - 6;
        wrong[middle] ^= 1;
        assert!(read(&wrong).is_err());
    }
}
