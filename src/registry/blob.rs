//! A blob on its way: where the connection breaks, it is taken up again from the byte that was missing.

use crate::registry::http::Answer;
use crate::registry::repository::Repository;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use ureq::BodyReader;

/// So often in a row without a single new byte.
const TRIES: u32 = 5;

pub struct Blob {
    repository: Arc<Repository>,
    digest: String,
    size: u64,
    at: u64,
    body: Option<BodyReader<'static>>,
    /// Tries since the last byte.
    tried: u32,
}

impl Blob {
    pub fn new(repository: Arc<Repository>, digest: String, size: u64, from: u64) -> Blob {
        Blob { repository, digest, size, at: from, body: None, tried: 0 }
    }

    fn open(&mut self) -> io::Result<BodyReader<'static>> {
        let answer = self.repository.blob_from(&self.digest, self.at, self.tried > 1).map_err(io::Error::other)?;
        let skipped = if begins_anew(&answer) { self.at } else { 0 };
        let mut body = answer.into_body().into_reader();
        // It does not know how to go on: what we have comes once more.
        if io::copy(&mut body.by_ref().take(skipped), &mut io::sink())? != skipped {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(body)
    }

    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut body = match self.body.take() {
            Some(body) => body,
            None => self.open()?,
        };
        match body.read(buffer)? {
            0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the registry ended before the blob did")),
            count => {
                self.body = Some(body);
                Ok(count)
            }
        }
    }
}

fn begins_anew(answer: &Answer) -> bool {
    answer.status().as_u16() == 200
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // What a registry sends beyond the end was not asked for.
        let most = usize::try_from(self.size.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buffer.len());
        if most == 0 {
            return Ok(0);
        }
        loop {
            match self.try_read(&mut buffer[..most]) {
                Ok(count) => {
                    self.at += count as u64;
                    self.tried = 0;
                    return Ok(count);
                }
                Err(error) => {
                    self.tried += 1;
                    if self.tried >= TRIES {
                        return Err(error);
                    }
                    std::thread::sleep(Duration::from_millis(50 << self.tried));
                }
            }
        }
    }
}
