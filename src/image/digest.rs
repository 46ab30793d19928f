//! Digests: how a blob is called, and how it is checked while it passes by.

use crate::error::{Error, Result};
use sha2::{Digest as _, Sha256};
use std::io::Read;

/// The 64 hex digits of `sha256:…`. Anything else (upper case, other algorithms) is refused: a digest becomes a file name.
pub fn hex_of(digest: &str) -> Result<&str> {
    match digest.split_once(':') {
        Some(("sha256", hex)) if is_hex(hex) => Ok(hex),
        Some(("sha256", _)) => Err(Error::damaged(format!("digest {}", shown(digest))).because("not 64 small hex digits")),
        Some((algorithm, _)) if !algorithm.is_empty() => {
            Err(Error::damaged(format!("digest {}", shown(digest))).because(format!("the algorithm {} is not known", shown(algorithm))))
        }
        _ => Err(Error::damaged(format!("digest {}", shown(digest))).because("it names no algorithm")),
    }
}

pub fn is_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What an archive says, cut and cleaned so that it can be shown on a terminal.
pub fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().count() > 80 { format!("\"{cut}…\"") } else { format!("\"{cut}\"") }
}

pub fn of(bytes: &[u8]) -> String {
    to_hex(&Sha256::digest(bytes))
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// The digest of bytes that come piece by piece.
#[derive(Default)]
pub struct Sum(Sha256);

impl Sum {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    /// Hex.
    pub fn finish(self) -> String {
        to_hex(&self.0.finalize())
    }
}

/// Passes bytes on, and knows their digest and number afterwards.
pub struct Hashing<R> {
    inner: R,
    sum: Sum,
    length: u64,
}

impl<R: Read> Hashing<R> {
    pub fn new(inner: R) -> Self {
        Hashing { inner, sum: Sum::default(), length: 0 }
    }
    /// Hex, and how many bytes they were.
    pub fn finish(self) -> (String, u64) {
        (self.sum.finish(), self.length)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sum.add(&buffer[..count]);
        self.length += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_digest_of_ours_is_one() {
        let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex_of(&format!("sha256:{hex}")).unwrap(), hex);
        for wrong in ["", "sha256:", "sha256:abc", "sha512:abc", ":", hex, "sha256:../../../../etc/passwd"] {
            assert!(hex_of(wrong).is_err(), "{wrong}");
        }
        assert!(hex_of(&format!("sha256:{}", hex.to_uppercase())).is_err());
        assert!(hex_of(&format!("SHA256:{hex}")).is_err());
    }

    #[test]
    fn what_passes_by_is_hashed_and_counted() {
        let mut reader = Hashing::new(&b"abc"[..]);
        std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
        assert_eq!(reader.finish(), ("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into(), 3));
    }

    #[test]
    fn control_characters_are_not_shown() {
        assert_eq!(shown("a\u{1b}[31m"), "\"a\\u{1b}[31m\"");
        assert!(shown(&"x".repeat(1000)).len() < 100);
    }
}
