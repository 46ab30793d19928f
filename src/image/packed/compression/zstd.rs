//! A zstd file: one frame after another, some of them to be skipped.

use crate::image::compression::count_empty;
use ruzstd::decoding::StreamingDecoder;
use std::io::{BufRead, Error, ErrorKind, Read, Result};

pub struct Frames<R: BufRead> {
    source: Option<R>,
    current: Option<Box<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>>,
    empty: u32,
}

impl<R: BufRead> Frames<R> {
    pub fn new(source: R) -> Frames<R> {
        Frames { source: Some(source), current: None, empty: 0 }
    }
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
