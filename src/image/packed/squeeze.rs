//! A gzip file in the making (RFC 1952), by several hands: one member, whose bytes are cut into pieces of always the same length, and each
//! is deflated for itself.
//!
//! So the same bytes become the same file whatever the number of processors, and whoever reads it sees nothing unusual: a piece ends at
//! a whole byte (a sync flush), and a deflate stream may consist of as many blocks as it likes. What does not become smaller is stored.

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};

/// Nothing is known at the beginning of a piece of what came before it: shorter ones would cost room, longer ones leave processors idle.
pub const PIECE: usize = 512 << 10;

/// Nobody's name, no time, no machine: equal layers, equal files.
pub const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// A block of deflate that is not compressed is no longer (RFC 1951, section 3.2.4), and has so much before it.
const LONGEST_STORED: usize = 65_535;
const STORED_HEAD: usize = 5;

/// So much of a piece is tried, at its beginning and in its middle, before all of it is: packed files are found in most images.
const TRIED: usize = 8 << 10;

/// The fastest. Layers are made far more often than they are sent away.
const LEVEL: u32 = 1;

pub struct Squeezer(Compress);

impl Default for Squeezer {
    fn default() -> Squeezer {
        Squeezer(Compress::new(Compression::new(LEVEL), false))
    }
}

impl Squeezer {
    /// What is in `to` gives way to the piece, packed.
    pub fn squeeze(&mut self, piece: &[u8], to: &mut Vec<u8>) {
        let middle = piece.len() / 2;
        let is_hopeless =
            piece.len() > 4 * TRIED && [&piece[..TRIED], &piece[middle..middle + TRIED]].iter().all(|part| !self.deflate(part, to));
        if is_hopeless || !self.deflate(piece, to) {
            store(piece, to);
        }
    }

    /// False where that made it no smaller; then `to` holds a part.
    fn deflate(&mut self, bytes: &[u8], to: &mut Vec<u8>) -> bool {
        self.0.reset();
        to.clear();
        // The longest code of a byte has nine bits. There must be room for all of it: zlib-rs 0.6 forgets half of what it should when a
        // stream is given up in the middle, and what came next would be damaged.
        to.reserve(bytes.len() + bytes.len() / 8 + 1024);
        let most = bytes.len() - bytes.len() / 32;
        let done = self.0.compress_vec(bytes, to, FlushCompress::Sync);
        let is_whole = done.is_ok() && self.0.total_in() == bytes.len() as u64 && to.len() < to.capacity();
        if !is_whole {
            *self = Squeezer::default();
        }
        is_whole && to.len() <= most
    }
}

fn store(bytes: &[u8], to: &mut Vec<u8>) {
    to.clear();
    to.reserve(bytes.len() + bytes.len().div_ceil(LONGEST_STORED) * STORED_HEAD);
    for block in bytes.chunks(LONGEST_STORED) {
        let length = block.len() as u16;
        to.push(0);
        to.extend(length.to_le_bytes());
        to.extend((!length).to_le_bytes());
        to.extend(block);
    }
}

/// Behind the last piece: an empty block that says so, the checksum of all that was packed, and its length.
pub fn tail(sum: Hasher, length: u64) -> [u8; 10] {
    let mut tail = [0; 10];
    tail[..2].copy_from_slice(&[0x03, 0x00]);
    tail[2..6].copy_from_slice(&sum.finalize().to_le_bytes());
    tail[6..].copy_from_slice(&(length as u32).to_le_bytes());
    tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let (mut file, mut sum, mut room) = (HEAD.to_vec(), Hasher::new(), Vec::new());
        let mut squeezer = Squeezer::default();
        for piece in bytes.chunks(PIECE) {
            squeezer.squeeze(piece, &mut room);
            file.extend(&room);
            sum.update(piece);
        }
        file.extend(tail(sum, bytes.len() as u64));
        file
    }

    #[test]
    fn whatever_is_packed_is_read_by_others() {
        let text: Vec<u8> = b"the same words again and again, ".iter().copied().cycle().take(3 * PIECE + 77).collect();
        let mixed = [&text[..PIECE / 2 + 5], &noise(2 * PIECE), &text[..10]].concat();
        for (bytes, most) in [(vec![], 20), (vec![7], 50), (text, 100_000), (noise(PIECE + 1), PIECE + 200), (mixed, 5 << 18)] {
            let file = packed(&bytes);
            assert!(file.len() <= most, "{} of {}", file.len(), bytes.len());
            let mut back = Vec::new();
            flate2::bufread::GzDecoder::new(&file[..]).read_to_end(&mut back).unwrap();
            assert!(back == bytes, "flate2 reads something else");
            let (_, mut own) = crate::image::compression::unpacked(&file[..]).unwrap();
            let mut back = Vec::new();
            own.read_to_end(&mut back).unwrap();
            assert!(back == bytes, "our own inflater reads something else");
        }
    }

    #[test]
    fn what_was_given_up_in_one_piece_is_not_seen_in_the_next() {
        let mut squeezer = Squeezer::default();
        let text = b"the same words again and again, ".repeat(2_000);
        for number in 0..60 {
            let piece = if number % 10 == 9 { text.clone() } else { noise(5 * TRIED + number) };
            // Without any room to begin with.
            let mut packed = Vec::new();
            squeezer.squeeze(&piece, &mut packed);
            packed.extend(&tail(Hasher::new(), 0)[..2]);
            let mut back = Vec::new();
            flate2::bufread::DeflateDecoder::new(&packed[..]).read_to_end(&mut back).unwrap();
            assert!(back == piece, "piece {number}");
        }
    }

    #[test]
    fn what_would_not_become_smaller_is_stored() {
        let bytes = noise(PIECE);
        let mut room = Vec::new();
        Squeezer::default().squeeze(&bytes, &mut room);
        assert_eq!(room.len(), PIECE + PIECE.div_ceil(LONGEST_STORED) * STORED_HEAD);
        assert!(room[STORED_HEAD..].starts_with(&bytes[..LONGEST_STORED]));
    }
}
