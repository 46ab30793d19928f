//! The container's log, in the form of Docker's json-file, so that what reads those reads ours: one JSON object per line,
//! `{"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.000000006Z"}`.
//!
//! JSON cannot carry bytes that are not UTF-8. Docker replaces them by U+FFFD and they are lost. We write the same, for
//! readers made for Docker, and beside it the true bytes as `"raw":"base64"`, which our `logs` prefers.
//!
//! A line that does not end (a prompt) is held back for a moment only, see `rest`; then it is written without `\n` at its
//! end, as Docker writes the pieces of long lines. Pieces put together are always exactly what the container wrote.

use super::protocol::Stream;
use crate::sys::file;
use crate::time::rfc3339_nanos;
use nix::fcntl::OFlag;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Longer lines are written in pieces, as Docker does.
pub const LONGEST_PIECE: usize = 16 << 10;

pub struct Log {
    path: PathBuf,
    /// Opened at the first byte: most containers that only compute never pay for a file.
    file: Option<OwnedFd>,
    /// The begun line of each stream.
    begun: [Vec<u8>; 2],
    /// The last write was cut short (disk full): the next one starts on a line of its own.
    torn: bool,
}

impl Log {
    pub fn new(path: PathBuf) -> Self {
        Log { path, file: None, begun: [Vec::new(), Vec::new()], torn: false }
    }

    /// Takes a chunk of output; its complete lines are written at once, in one call.
    pub fn append(&mut self, stream: Stream, mut bytes: &[u8]) {
        let end = end_of_entry(stream);
        let mut text = Vec::with_capacity(2 * bytes.len());
        let begun = &mut self.begun[stream as usize];
        while let Some(place) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(place + 1);
            if begun.is_empty() {
                entries(&mut text, line, &end);
            } else {
                begun.extend_from_slice(line);
                entries(&mut text, begun, &end);
                begun.clear();
            }
            bytes = rest;
        }
        begun.extend_from_slice(bytes);
        if begun.len() >= LONGEST_PIECE {
            let whole = begun.len() - begun.len() % LONGEST_PIECE;
            entries(&mut text, &begun[..whole], &end);
            begun.drain(..whole);
        }
        self.write(&text);
    }

    /// Nothing came for a moment: what was begun is written as it is, and no memory is held.
    pub fn rest(&mut self) {
        let mut text = Vec::new();
        for stream in [Stream::Stdout, Stream::Stderr] {
            let begun = std::mem::take(&mut self.begun[stream as usize]);
            if !begun.is_empty() {
                entries(&mut text, &begun, &end_of_entry(stream));
            }
        }
        self.write(&text);
    }

    pub fn holds_something(&self) -> bool {
        self.begun.iter().any(|begun| begun.capacity() > 0)
    }

    /// A log that cannot be written (disk full, directory removed) never hurts the container: what does not fit is lost.
    fn write(&mut self, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        if self.file.is_none() {
            self.file = file::create(&self.path, OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_NOFOLLOW, 0o600).ok();
        }
        let Some(file) = &self.file else { return };
        if self.torn && file::write(file.as_fd(), b"\n") != Ok(1) {
            return;
        }
        self.torn = file::write(file.as_fd(), text) != Ok(text.len());
    }
}

/// One entry per piece of a line.
fn entries(text: &mut Vec<u8>, line: &[u8], end: &str) {
    for piece in line.chunks(LONGEST_PIECE) {
        entry(text, piece, end);
    }
}

/// What follows the text: the same for all that is written at one time.
fn end_of_entry(stream: Stream) -> String {
    format!("\",\"stream\":\"{}\",\"time\":\"{}\"}}\n", stream.name(), rfc3339_nanos(now()))
}

fn entry(text: &mut Vec<u8>, piece: &[u8], end: &str) {
    text.extend_from_slice(b"{\"log\":\"");
    if let Ok(valid) = std::str::from_utf8(piece) {
        escape(text, valid);
        return text.extend_from_slice(end.as_bytes());
    }
    for part in piece.utf8_chunks() {
        escape(text, part.valid());
        if !part.invalid().is_empty() {
            text.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    text.extend_from_slice(end.trim_end_matches("}\n").as_bytes());
    text.extend_from_slice(b",\"raw\":\"");
    base64(text, piece);
    text.extend_from_slice(b"\"}\n");
}

/// What JSON asks for, and the three marks that Go escapes as well. Runs of plain bytes are copied as they are: a log is
/// written as fast as a container writes, or the container has to wait for it.
fn escape(text: &mut Vec<u8>, valid: &str) {
    let (bytes, mut copied) = (valid.as_bytes(), 0);
    for (place, &byte) in bytes.iter().enumerate() {
        if !matches!(byte, 0..=0x1f | b'"' | b'\\' | b'<' | b'>' | b'&' | 0x7f) {
            continue;
        }
        text.extend_from_slice(&bytes[copied..place]);
        copied = place + 1;
        match byte {
            b'"' | b'\\' => text.extend_from_slice(&[b'\\', byte]),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'\t' => text.extend_from_slice(b"\\t"),
            _ => {
                let digit = |number: u8| b"0123456789abcdef"[number as usize & 15];
                text.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
            }
        }
    }
    text.extend_from_slice(&bytes[copied..]);
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(text: &mut Vec<u8>, bytes: &[u8]) {
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { digit } else { b'=' });
        }
    }
}

/// The counterpart; `None` for what is no base64.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for four in text.trim_end_matches('=').as_bytes().chunks(4) {
        let mut number = 0u32;
        for place in 0..4 {
            let digit = match four.get(place) {
                Some(byte) => DIGITS.iter().position(|digit| digit == byte)? as u32,
                None => 0,
            };
            number = number << 6 | digit;
        }
        bytes.extend_from_slice(&number.to_be_bytes()[1..four.len()]);
    }
    Some(bytes)
}

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[(Stream, &[u8])], rest: bool) -> String {
        let path = std::env::temp_dir().join(format!("tare-log-{}-{:?}", std::process::id(), std::thread::current().id()));
        let _ = file::remove_file(&path);
        let mut log = Log::new(path.clone());
        assert!(!path.exists());
        pieces.iter().for_each(|(stream, bytes)| log.append(*stream, bytes));
        if rest {
            log.rest();
            assert!(!log.holds_something());
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        file::remove_file(&path).unwrap();
        text
    }

    fn logs(text: &str) -> Vec<(String, String)> {
        let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let pick = |line: &serde_json::Value, name: &str| line[name].as_str().unwrap().to_owned();
        text.lines().map(value).map(|line| (pick(&line, "log"), pick(&line, "stream"))).collect()
    }

    #[test]
    fn lines_are_entries_with_their_stream() {
        let text = written(&[(Stream::Stdout, b"one\ntwo\n"), (Stream::Stderr, b"\"\\\x1b\t\x7f<\n")], false);
        let expected = [("one\n", "stdout"), ("two\n", "stdout"), ("\"\\\x1b\t\x7f<\n", "stderr")];
        assert_eq!(logs(&text), expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn a_begun_line_waits_for_its_end_but_not_for_ever() {
        let pieces: &[(Stream, &[u8])] = &[(Stream::Stdout, b"be"), (Stream::Stderr, b"x\n"), (Stream::Stdout, b"gun\n$ ")];
        let of = |text: &str| logs(text).into_iter().map(|(log, _)| log).collect::<Vec<_>>();
        assert_eq!(of(&written(pieces, false)), ["x\n", "begun\n"]);
        assert_eq!(of(&written(pieces, true)), ["x\n", "begun\n", "$ "]);
    }

    #[test]
    fn a_long_line_is_written_in_pieces_that_add_up() {
        let line = "ab€".repeat(20_000);
        let text = written(&[(Stream::Stdout, line.as_bytes()), (Stream::Stdout, b"\n")], false);
        assert!(logs(&text).len() > 5);
        let mut whole = Vec::new();
        for entry in text.lines() {
            let entry = crate::monitor::log_reader::parse(entry.as_bytes()).unwrap();
            assert!(entry.bytes.len() <= LONGEST_PIECE);
            whole.extend_from_slice(&entry.bytes);
        }
        assert_eq!(whole, format!("{line}\n").as_bytes());
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_exactly() {
        let text = written(&[(Stream::Stdout, b"a\xff\xfeb\n")], false);
        assert_eq!(logs(&text)[0].0, "a\u{fffd}\u{fffd}b\n");
        assert!(text.contains(",\"raw\":\"Yf/+Ygo=\"}"), "{text}");
        assert_eq!(from_base64("Yf/+Ygo=").unwrap(), b"a\xff\xfeb\n");
        assert_eq!(from_base64("Y!"), None);
        for length in 0..20u8 {
            let (bytes, mut text) = ((0..length).map(|n| n.wrapping_mul(37)).collect::<Vec<_>>(), Vec::new());
            base64(&mut text, &bytes);
            assert_eq!(from_base64(std::str::from_utf8(&text).unwrap()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_log_that_cannot_be_written_is_no_failure() {
        let mut log = Log::new(PathBuf::from("/nonexistent/log"));
        log.append(Stream::Stdout, b"lost\n");
        log.rest();
    }
}
