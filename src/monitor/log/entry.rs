//! One entry of a log, as it stands in the file: the form of Docker's json-file, so that what reads those reads ours. One JSON
//! object per line, `{"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.000000006Z"}`.
//!
//! JSON cannot carry bytes that are not UTF-8. Docker replaces them by U+FFFD and they are lost. We write the same, for
//! readers made for Docker, and beside it the true bytes as `"raw":"base64"`, which our `logs` prefers.

use crate::monitor::protocol::Stream;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Longer lines are written in pieces, as Docker does.
pub const LONGEST_PIECE: usize = 16 << 10;
/// A piece of 16 KiB, each byte written as `\u001b`, beside it as base64, and some room: longer lines are not ours.
pub const LONGEST_LINE: usize = 192 << 10;

/// One entry per piece of a line.
pub fn entries(text: &mut Vec<u8>, line: &[u8], end: &str) {
    for piece in line.chunks(LONGEST_PIECE) {
        entry(text, piece, end);
    }
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
fn from_base64(text: &str) -> Option<Vec<u8>> {
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

/// What was written at one time on one stream, exactly. It is a whole line if it ends in one.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    pub stream: Stream,
    /// As it stands in the file: RFC 3339.
    pub time: String,
    pub bytes: Vec<u8>,
    /// What `--log-opt labels=…` and its like put beside it.
    pub attributes: BTreeMap<String, String>,
}

impl Entry {
    pub fn ends_line(&self) -> bool {
        self.bytes.ends_with(b"\n")
    }
}

/// Fields that others add are passed over.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    log: Cow<'a, str>,
    #[serde(borrow)]
    stream: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
    #[serde(borrow, default)]
    raw: Option<Cow<'a, str>>,
    #[serde(default)]
    attrs: BTreeMap<String, serde_json::Value>,
}

/// One line of the file, without its end. A line that was cut short (disk full, power cut) is no entry.
pub fn parse(line: &[u8]) -> Option<Entry> {
    if line.len() > LONGEST_LINE {
        return None;
    }
    let line: Line = serde_json::from_slice(line).ok()?;
    let stream = match line.stream.as_ref() {
        "stdout" => Stream::Stdout,
        "stderr" => Stream::Stderr,
        _ => return None,
    };
    let bytes = match line.raw {
        Some(raw) => from_base64(&raw)?,
        None => line.log.into_owned().into_bytes(),
    };
    let text = |(name, value): (String, serde_json::Value)| Some((name, value.as_str()?.to_owned()));
    Some(Entry { stream, time: line.time.into_owned(), bytes, attributes: line.attrs.into_iter().filter_map(text).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let mut text = Vec::new();
        entry(&mut text, b"a\x1b\"\n", "\",\"stream\":\"stdout\",\"time\":\"t\"}\n");
        let read = parse(text.trim_ascii_end()).unwrap();
        assert_eq!(read, Entry { stream: Stream::Stdout, time: "t".into(), bytes: b"a\x1b\"\n".to_vec(), attributes: BTreeMap::new() });
        let raw = br#"{"file":3,"log":"?","stream":"stderr","time":"t","raw":"Yf/+Ygo=","attrs":{"a":[1],"b":"c"}}"#;
        let read = parse(raw).unwrap();
        assert_eq!((read.stream, read.bytes.as_slice()), (Stream::Stderr, &b"a\xff\xfeb\n"[..]));
        assert!(read.attributes.iter().eq([(&"b".to_owned(), &"c".to_owned())]));
    }

    #[test]
    fn what_is_no_entry_is_none() {
        for bad in
            ["", "{", "[]", r#"{"log":"x"}"#, r#"{"log":"x","stream":"stdin"}"#, r#"{"log":"","stream":"stdout","raw":"!"}"#, "\0\0\0"]
        {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn base64_leads_back() {
        assert_eq!(from_base64("Yf/+Ygo=").unwrap(), b"a\xff\xfeb\n");
        assert_eq!(from_base64("Y!"), None);
        for length in 0..20u8 {
            let (bytes, mut text) = ((0..length).map(|n| n.wrapping_mul(37)).collect::<Vec<_>>(), Vec::new());
            base64(&mut text, &bytes);
            assert_eq!(from_base64(std::str::from_utf8(&text).unwrap()).unwrap(), bytes);
        }
    }
}
