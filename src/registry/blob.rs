//! A blob on its way: where the connection breaks or hardly moves, it is taken up again from the byte that was missing.

use crate::error::{Error, Kind};
use crate::registry::repository::Repository;
use crate::registry::way::http::Answer;
use crate::registry::way::pace::{LEAST, Paced};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use ureq::BodyReader;

/// So often in a row without more than a few new bytes.
const TRIES: u32 = 5;

pub struct Blob {
    repository: Arc<Repository>,
    digest: String,
    size: u64,
    at: u64,
    body: Option<Paced<BodyReader<'static>>>,
    /// How often it broke since it last went well, and what has come since it broke last.
    tried: u32,
    since: u64,
}

impl Blob {
    pub fn new(repository: Arc<Repository>, digest: String, size: u64, from: u64) -> Blob {
        Blob { repository, digest, size, at: from, body: None, tried: 0, since: 0 }
    }

    fn open(&mut self) -> io::Result<Paced<BodyReader<'static>>> {
        let answer = self.repository.blob_from(&self.digest, self.at, self.tried > 1).map_err(io::Error::other)?;
        let skipped = if begins_anew(&answer) { self.at } else { 0 };
        if skipped == 0 && begins_at(&answer).is_some_and(|begins| begins != self.at) {
            return Err(io::Error::other("the registry gives another part of the blob than it was asked for"));
        }
        let all = self.size.saturating_sub(self.at - skipped);
        if let Some(other) = answer.body().content_length().filter(|length| *length != all) {
            let damaged = Error::damaged(format!("{} is not what the registry has", self.digest));
            return Err(io::Error::other(damaged.because(format!("it has {other} bytes of it, wanted are {all}"))));
        }
        let mut body = Paced::new(answer.into_body().into_reader());
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

/// To ask once more would change nothing.
fn is_final(error: &io::Error) -> bool {
    let ours = error.get_ref().and_then(|error| error.downcast_ref::<Error>());
    ours.is_some_and(|error| matches!(error.kind(), Kind::NoSuch | Kind::Damaged))
}

/// `bytes 100-199/200`: where the part begins, if it says so.
fn begins_at(answer: &Answer) -> Option<u64> {
    let range = answer.headers().get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
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
                    self.since += count as u64;
                    // One byte for each try would be no progress.
                    if self.since >= LEAST {
                        self.tried = 0;
                    }
                    return Ok(count);
                }
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => {
                    (self.tried, self.since) = (self.tried + 1, 0);
                    if self.tried >= TRIES {
                        return Err(error);
                    }
                    std::thread::sleep(Duration::from_millis(50 << self.tried));
                }
            }
        }
    }
}
