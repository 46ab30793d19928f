//! What is packed comes out again, and what is broken is an error: both as others see it.

use super::*;
use std::io::Write;

/// Hands over its bytes a few at a time.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

/// Always the same numbers, of which none looks like the one before.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// Letters, some of them repeated from near or far: what is packed has symbols of every kind.
fn text(length: usize, letters: usize, numbers: &mut Numbers) -> Vec<u8> {
    let mut text = Vec::with_capacity(length + 300);
    while text.len() < length {
        if text.is_empty() || numbers.below(3) == 0 {
            (0..1 + numbers.below(20)).for_each(|_| text.push(numbers.below(letters) as u8));
            continue;
        }
        let most = [1, 2, 7, 8, 15, 16, 40, 300, 40_000][numbers.below(9)].min(text.len());
        let from = text.len() - 1 - numbers.below(most);
        (0..3 + numbers.below(256)).for_each(|place| text.push(text[from + place]));
    }
    text.truncate(length);
    text
}

fn gzip_at(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    gzip_at(bytes, 1)
}

fn read(bytes: impl Read) -> Result<(Compression, Vec<u8>)> {
    let (compression, mut reader) = unpacked(bytes)?;
    let mut out = Vec::new();
    reader.read_to_end(&mut out)?;
    Ok((compression, out))
}

#[test]
fn each_is_told_by_its_first_bytes() {
    let zstd = ruzstd::encoding::compress_to_vec(&b"hello"[..], ruzstd::encoding::CompressionLevel::Fastest);
    assert_eq!(read(&b"hello"[..]).unwrap(), (Compression::Plain, b"hello".to_vec()));
    assert_eq!(read(&gzip(b"hello")[..]).unwrap(), (Compression::Gzip, b"hello".to_vec()));
    assert_eq!(read(&zstd[..]).unwrap(), (Compression::Zstd, b"hello".to_vec()));
    assert_eq!(read(&b""[..]).unwrap(), (Compression::Plain, Vec::new()));
}

#[test]
fn all_members_and_frames_are_read() {
    let frame = |text: &[u8]| ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest);
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
    assert_eq!(read(&[gzip(b"one"), gzip(b""), gzip(b"two")].concat()[..]).unwrap().1, b"onetwo");
    assert_eq!(read(&[frame(b"one"), skipped.clone(), frame(b"two"), skipped].concat()[..]).unwrap().1, b"onetwo");
}

#[test]
fn a_cut_or_noisy_stream_is_an_error_and_padding_is_not() {
    let whole = gzip(&[7; 1000]);
    for length in 4..whole.len() {
        assert_eq!(read(&whole[..length]).unwrap_err().kind(), ErrorKind::UnexpectedEof, "{length}");
    }
    assert!(read(&[&whole[..], b"noise"].concat()[..]).is_err());
    assert!(read(&[&whole[..], &[0; 700], b"noise"].concat()[..]).is_err());
    assert_eq!(read(&[&whole[..], &[0; 700]].concat()[..]).unwrap().1, [7; 1000]);
    let mut wrong = whole.clone();
    let middle = wrong.len() - 6;
    wrong[middle] ^= 1;
    assert!(read(&wrong[..]).is_err());
}

#[test]
fn members_that_hold_nothing_are_not_read_for_ever() {
    assert!(read(&gzip(b"").repeat(20_000)[..]).is_err());
}

#[test]
fn a_header_may_say_more_than_it_must() {
    let plain = gzip(b"hello");
    let mut header = plain[..10].to_vec();
    header[3] = 2 | 4 | 8 | 16;
    let packed = [&header, &[3, 0][..], b"xyz", b"name\0", b"comment\0", &[1, 2], &plain[10..]].concat();
    assert_eq!(read(&packed[..]).unwrap().1, b"hello");
    assert!(read(&[&header, &[0, 0][..], &[b'n'; 1 << 20]].concat()[..]).is_err());
}

#[test]
fn what_is_packed_comes_out_again() {
    let mut numbers = Numbers(1);
    for round in 0..60 {
        let length = [0, 1, 300, 40_000, CHUNK - 1, CHUNK, CHUNK + 1, 700_000][round % 8];
        let letters = [1, 2, 20, 256][numbers.below(4)];
        let plain = text(length, letters, &mut numbers);
        let packed = gzip_at(&plain, round as u32 % 10);
        assert!(read(&packed[..]).unwrap().1 == plain, "round {round}");
        let at_a_time = [1, 7, 63, 64, 65, 5000][numbers.below(6)];
        assert!(read(Slow(&packed, at_a_time)).unwrap().1 == plain, "round {round}, {at_a_time} at a time");
    }
}

/// Without the header and the checksum, which would hide whether a broken stream was understood in the same way.
#[test]
fn what_is_broken_is_seen_as_by_another_inflater() {
    let mut numbers = Numbers(2);
    let mut accepted = 0;
    for round in 0..3000 {
        let letters = [2, 20, 256][numbers.below(3)];
        let length = 1 + numbers.below(3000);
        let packed = gzip_at(&text(length, letters, &mut numbers), round % 10);
        let mut stream = packed[10..packed.len() - 8].to_vec();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(stream.len().min(if round % 2 == 0 { 80 } else { usize::MAX }));
            stream[at] ^= 1 << numbers.below(8);
        }
        let mut theirs = Vec::new();
        let their_end = flate2::bufread::DeflateDecoder::new(&stream[..]).read_to_end(&mut theirs).is_ok();
        let (mut input, mut chunk, mut at) = (input::Input::new(&stream[..]), Chunk::default(), HISTORY);
        match inflate::Inflate::new().run(&mut input, &mut chunk.room, &mut at, HISTORY) {
            Ok(inflate::State::End) => {
                assert!(their_end && chunk.room[HISTORY..at] == theirs, "round {round}");
                accepted += 1;
            }
            // Few bytes may be repeated very often.
            Ok(inflate::State::Full) => assert!(theirs.len() >= CHUNK, "round {round}"),
            Err(_) => assert!(!their_end, "round {round}"),
        }
    }
    assert!(accepted > 100, "{accepted} broken streams had a meaning");
}
