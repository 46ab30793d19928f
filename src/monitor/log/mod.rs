//! The container's log: what it writes becomes entries (`entry`) in files that follow one another (`file`); `read` goes through
//! them again, `series` finds them, and `tail` finds the last lines from the end.
//!
//! A line that does not end (a prompt) is held back for a moment only, see `rest`; then it is written without `\n` at its
//! end, as Docker writes the pieces of long lines. Pieces put together are always exactly what the container wrote.

pub mod entry;
mod file;
#[doc(hidden)] // for tests/fuzz
pub mod read;
mod series;
#[doc(hidden)] // for tests/fuzz
pub mod tail;

use super::protocol::Stream;
use crate::options::logs::Rotation;
use crate::time::rfc3339_nanos;
use entry::{LONGEST_PIECE, entries};
use file::LogFile;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// What is kept, and where.
pub struct Keeping {
    pub path: PathBuf,
    pub rotation: Rotation,
    /// Written beside every line.
    pub attributes: BTreeMap<String, String>,
}

impl Keeping {
    /// As it is when nothing is said.
    pub fn at(path: PathBuf) -> Self {
        Keeping { path, rotation: Rotation::default(), attributes: BTreeMap::new() }
    }
}

/// Entries go to the file by so many bytes: a call for each would cost more than the entry.
const PORTION: usize = 128 << 10;

pub struct Log {
    file: LogFile,
    /// `"attrs":{…},`, or nothing.
    attributes: String,
    /// The begun line of each stream.
    begun: [Vec<u8>; 2],
    /// Where entries are put together; no memory is held while nothing flows.
    text: Vec<u8>,
}

impl Log {
    pub fn new(keeping: Keeping) -> Self {
        let attributes = match keeping.attributes.is_empty() {
            true => String::new(),
            // A map of texts is always JSON.
            false => format!("\"attrs\":{},", serde_json::to_string(&keeping.attributes).unwrap_or_default()),
        };
        Log { file: LogFile::new(keeping.path, keeping.rotation), attributes, begun: [Vec::new(), Vec::new()], text: Vec::new() }
    }

    /// Takes a chunk of output; its complete lines are written at once.
    pub fn append(&mut self, stream: Stream, mut bytes: &[u8]) {
        let end = self.end_of_entry(stream);
        let Log { file, begun, text, .. } = self;
        let begun = &mut begun[stream as usize];
        while let Some(place) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(place + 1);
            if begun.is_empty() {
                entries(text, line, &end);
            } else {
                begun.extend_from_slice(line);
                entries(text, begun, &end);
                begun.clear();
            }
            bytes = rest;
            if text.len() >= PORTION {
                file.write(text);
                text.clear();
            }
        }
        begun.extend_from_slice(bytes);
        if begun.len() >= LONGEST_PIECE {
            let whole = begun.len() - begun.len() % LONGEST_PIECE;
            entries(text, &begun[..whole], &end);
            begun.drain(..whole);
        }
        file.write(text);
        text.clear();
    }

    /// Nothing came for a moment: what was begun is written as it is, and no memory is held.
    pub fn rest(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let begun = std::mem::take(&mut self.begun[stream as usize]);
            if !begun.is_empty() {
                let end = self.end_of_entry(stream);
                entries(&mut self.text, &begun, &end);
            }
        }
        let text = std::mem::take(&mut self.text);
        self.file.write(&text);
    }

    pub fn holds_something(&self) -> bool {
        self.text.capacity() > 0 || self.begun.iter().any(|begun| begun.capacity() > 0)
    }

    /// What follows the text: the same for all that is written at one time.
    fn end_of_entry(&self, stream: Stream) -> String {
        format!("\",\"stream\":\"{}\",{}\"time\":\"{}\"}}\n", stream.name(), self.attributes, rfc3339_nanos(now()))
    }
}

/// Nanoseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::file;

    fn written(pieces: &[(Stream, &[u8])], rest: bool) -> String {
        let path = std::env::temp_dir().join(format!("tare-log-{}-{:?}", std::process::id(), std::thread::current().id()));
        let _ = file::remove_file(&path);
        let mut log = Log::new(Keeping::at(path.clone()));
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
            let entry = entry::parse(entry.as_bytes()).unwrap();
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
    }

    #[test]
    fn attributes_stand_in_every_entry() {
        let path = std::env::temp_dir().join(format!("tare-log-attrs-{}", std::process::id()));
        let attributes = BTreeMap::from([("a\"".to_owned(), "1".to_owned())]);
        let mut log = Log::new(Keeping { attributes: attributes.clone(), ..Keeping::at(path.clone()) });
        log.append(Stream::Stdout, b"one\n\xff\n");
        let text = std::fs::read(&path).unwrap();
        file::remove_file(&path).unwrap();
        let read: Vec<_> = text.split(|byte| *byte == b'\n').filter_map(entry::parse).collect();
        assert!(read.len() == 2 && read.iter().all(|entry| entry.attributes == attributes), "{read:?}");
    }

    #[test]
    fn a_log_that_cannot_be_written_is_no_failure() {
        let mut log = Log::new(Keeping::at(PathBuf::from("/nonexistent/log")));
        log.append(Stream::Stdout, b"lost\n");
        log.rest();
    }
}
