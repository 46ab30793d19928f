//! SHA-256 digests: the names of everything in an image.

use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// The 64 hex digits of `sha256:…`. Other algorithms and capital letters are refused: a digest becomes a file name.
pub fn hex_of(digest: &str) -> Result<&str> {
    match digest.strip_prefix("sha256:") {
        Some(hex) if is_hex(hex) => Ok(hex),
        Some(_) => Err(Error::damaged(format!("digest {digest:.80?} is malformed")).because("it must have 64 small hex digits")),
        None => Err(Error::damaged(format!("digest {digest:.80?} is of an unknown algorithm")).because("only sha256 is known")),
    }
}

pub fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub fn of_bytes(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect()
}

/// Passes bytes on and keeps their digest and count.
pub struct Hashing<T> {
    inner: T,
    hash: Sha256,
    count: u64,
}

impl<T> Hashing<T> {
    pub fn new(inner: T) -> Self {
        Hashing { inner, hash: Sha256::new(), count: 0 }
    }
    /// Hex digits and number of bytes.
    pub fn finish(self) -> (String, u64) {
        (to_hex(&self.hash.finalize()), self.count)
    }
    pub fn count(&self) -> u64 {
        self.count
    }
    fn take(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.count += bytes.len() as u64;
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.take(&buffer[..length]);
        Ok(length)
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        let length = self.inner.write(buffer)?;
        self.take(&buffer[..length]);
        Ok(length)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_text_has_the_digest_that_everybody_knows() {
        assert_eq!(of_bytes(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn only_small_sha256_digests_become_file_names() {
        let hex = "a".repeat(64);
        assert_eq!(hex_of(&format!("sha256:{hex}")).unwrap(), hex);
        for bad in ["sha256:../../etc/passwd".to_owned(), format!("sha256:{}", "A".repeat(64)), format!("sha512:{hex}"), hex, String::new()]
        {
            assert!(hex_of(&bad).is_err(), "{bad}");
        }
    }
}
