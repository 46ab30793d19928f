//! Reading a container's log (`log.rs` says what is in it): one line is one entry; the last lines of a long file are found
//! from its end.

use super::log::from_base64;
use super::protocol::Stream;
use crate::sys::poll::Changes;
use serde::Deserialize;
use std::borrow::Cow;
use std::fs::File;
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

/// A piece of 16 KiB, each byte written as `\u001b`, beside it as base64, and some room: longer lines are not ours.
const LONGEST_LINE: usize = 192 << 10;
/// How much is read at once when looking for the last lines.
const STRIDE: u64 = 64 << 10;

/// What was written at one time on one stream, exactly. It is a whole line if it ends in one.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    pub stream: Stream,
    /// As it stands in the file: RFC 3339.
    pub time: String,
    pub bytes: Vec<u8>,
}

impl Entry {
    pub fn ends_line(&self) -> bool {
        self.bytes.ends_with(b"\n")
    }
}

/// Fields that others add (Docker's `attrs`) are passed over.
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
    Some(Entry { stream, time: line.time.into_owned(), bytes })
}

/// Cuts what a file yields into entries; it may be fed any pieces.
#[derive(Default)]
pub struct Entries {
    begun: Vec<u8>,
    /// The begun line is too long to be ours: it is passed over up to its end.
    lost: bool,
}

impl Entries {
    pub fn feed(&mut self, mut bytes: &[u8], each: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(&bytes[..end]);
            if let Some(entry) = parse(&self.begun).filter(|_| !self.lost) {
                each(entry)?;
            }
            self.begun.clear();
            self.lost = false;
            bytes = &bytes[end + 1..];
        }
        self.begun.extend_from_slice(bytes);
        if self.begun.len() > LONGEST_LINE {
            self.begun.clear();
            self.lost = true;
        }
        Ok(())
    }
}

/// Reads a log from the last `tail` lines (`None`: from its beginning) to its end, and if `still_runs` is given, goes on
/// with what is written until that says no. A container that has not written anything yet has no log.
pub fn read(
    path: &Path,
    tail: Option<u64>,
    still_runs: Option<&dyn Fn() -> bool>,
    each: &mut dyn FnMut(Entry) -> Result<()>,
) -> Result<()> {
    let mut reading = Reading { file: None, entries: Entries::default() };
    // The wait for changes is set up before the first look: nothing can happen unseen between the two.
    let changes = still_runs.and_then(|_| Changes::of(&[path.parent()?]).ok());
    // What is there already counts as past; a log that appears later is read from its beginning.
    reading.open(path, tail)?;
    loop {
        // Asked before the file is read to its end: what was written before the container ended is never missed.
        let goes_on = still_runs.is_some_and(|still_runs| still_runs());
        reading.open(path, None)?;
        reading.read_to_end(each)?;
        if !goes_on {
            return Ok(());
        }
        match &changes {
            // Not for ever, because the end of a container is no change of its directory.
            Some(changes) => changes.wait(CHECK_AFTER),
            None => std::thread::sleep(Duration::from_millis(CHECK_AFTER as u64)),
        }
    }
}

/// Milliseconds.
const CHECK_AFTER: i32 = 100;

struct Reading {
    file: Option<File>,
    entries: Entries,
}

impl Reading {
    fn open(&mut self, path: &Path, tail: Option<u64>) -> Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let mut file = match File::open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let start = tail.map_or(Ok(0), |wanted| start_of_last(&mut file, wanted))?;
        file.seek(SeekFrom::Start(start))?;
        self.file = Some(file);
        Ok(())
    }

    fn read_to_end(&mut self, each: &mut dyn FnMut(Entry) -> Result<()>) -> Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut block = vec![0; STRIDE as usize];
        loop {
            match file.read(&mut block)? {
                0 => return Ok(()),
                count => self.entries.feed(&block[..count], each)?,
            }
        }
    }
}

/// Where the last `wanted` lines of output begin. A line may be several entries: those that do not end it come first.
pub fn start_of_last(file: &mut (impl Read + Seek), wanted: u64) -> Result<u64> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut found = 0;
    // Bytes from `start` on that belong to a line of the file whose beginning was not read yet.
    let (mut start, mut rest) = (end, Vec::new());
    let mut earliest = end;
    while start > 0 {
        let length = start.min(STRIDE);
        start -= length;
        file.seek(SeekFrom::Start(start))?;
        let mut block = vec![0; length as usize];
        file.read_exact(&mut block)?;
        block.append(&mut rest);
        rest = block;
        while let Some(place) = rest[..rest.len().saturating_sub(1)].iter().rposition(|byte| *byte == b'\n') {
            let line = rest.split_off(place + 1);
            if !count(&line, start + place as u64 + 1, wanted, &mut found, &mut earliest) {
                return Ok(earliest);
            }
        }
        if rest.len() > 2 * LONGEST_LINE {
            rest.truncate(1);
        }
    }
    count(&rest, 0, wanted, &mut found, &mut earliest);
    Ok(earliest)
}

/// One line of the file, going backwards: false when it belongs to a line of output that is one too many.
fn count(line: &[u8], at: u64, wanted: u64, found: &mut u64, earliest: &mut u64) -> bool {
    let Some(entry) = parse(line.strip_suffix(b"\n").unwrap_or(line)) else { return true };
    // The last entry of all may be a line that was begun only; it counts as one.
    *found += u64::from(entry.ends_line() || *found == 0);
    if *found > wanted {
        return false;
    }
    *earliest = at;
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    const TIME: &str = "2026-01-02T03:04:05.000000006Z";

    fn line(log: &str) -> String {
        format!("{{\"log\":{},\"stream\":\"stdout\",\"time\":\"{TIME}\"}}\n", serde_json::to_string(log).unwrap())
    }

    fn all(text: &[u8], cut: usize) -> Vec<String> {
        let (mut entries, mut got) = (Entries::default(), Vec::new());
        let mut each = |entry: Entry| {
            got.push(String::from_utf8(entry.bytes).unwrap());
            Ok(())
        };
        text.chunks(cut).for_each(|piece| entries.feed(piece, &mut each).unwrap());
        got
    }

    fn last(text: &str, wanted: u64) -> Vec<String> {
        let start = start_of_last(&mut Cursor::new(text), wanted).unwrap();
        all(&text.as_bytes()[start as usize..], 1000)
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = parse(line("a\u{1b}\"\n").trim_end().as_bytes()).unwrap();
        assert_eq!(entry, Entry { stream: Stream::Stdout, time: TIME.into(), bytes: b"a\x1b\"\n".to_vec() });
        let raw = br#"{"log":"?","stream":"stderr","time":"t","raw":"Yf/+Ygo=","attrs":{"a":[1]}}"#;
        let entry = parse(raw).unwrap();
        assert_eq!((entry.stream, entry.bytes.as_slice()), (Stream::Stderr, &b"a\xff\xfeb\n"[..]));
    }

    #[test]
    fn damaged_lines_are_passed_over_and_nothing_panics() {
        for bad in
            ["", "{", "[]", r#"{"log":"x"}"#, r#"{"log":"x","stream":"stdin"}"#, r#"{"log":"","stream":"stdout","raw":"!"}"#, "\0\0\0"]
        {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
        let text = format!("{}{{\"log\":\"to\n{}", line("one\n"), line("two\n"));
        for cut in [1, 7, 10_000] {
            assert_eq!(all(text.as_bytes(), cut), ["one\n", "two\n"]);
        }
        let long = format!("{}{}\n{}", line("one\n"), "x".repeat(LONGEST_LINE * 3), line("two\n"));
        assert_eq!(all(long.as_bytes(), 5000), ["one\n", "two\n"]);
        assert_eq!(last(&long, 2), ["one\n", "two\n"]);
    }

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        let text: String = (0..5000).map(|n| line(&format!("line {n}\n"))).collect();
        assert_eq!(last(&text, 0), Vec::<String>::new());
        assert_eq!(last(&text, 1), ["line 4999\n"]);
        assert_eq!(last(&text, 3000).first().unwrap(), "line 2000\n");
        assert_eq!(last(&text, 9000).len(), 5000);
        assert_eq!(last("", 5), Vec::<String>::new());
    }

    #[test]
    fn a_line_in_pieces_counts_once() {
        let text = [line("one\n"), line("tw"), line("o\n"), line("thr"), line("ee\n"), line("begun")].concat();
        assert_eq!(last(&text, 1), ["begun"]);
        assert_eq!(last(&text, 2), ["thr", "ee\n", "begun"]);
        assert_eq!(last(&text, 3), ["tw", "o\n", "thr", "ee\n", "begun"]);
        assert_eq!(last(&text, 9).len(), 6);
    }

    #[test]
    fn following_begins_before_the_log_exists_and_misses_nothing_at_the_end() {
        let directory = std::env::temp_dir().join(format!("tare-follow-{}", std::process::id()));
        crate::sys::file::make_dirs(&directory, 0o700).unwrap();
        let path = directory.join("log");
        let (tell, runs) = std::sync::mpsc::channel::<()>();
        let in_thread = path.clone();
        let writer = std::thread::spawn(move || {
            let mut log = crate::monitor::log::Log::new(in_thread);
            for number in 0..20 {
                std::thread::sleep(Duration::from_millis(5));
                log.append(Stream::Stdout, format!("{number}\n").as_bytes());
            }
            log.append(Stream::Stderr, b"last");
            log.rest();
            drop(tell);
        });
        let still_runs = || runs.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected);
        let mut got = String::new();
        read(&path, Some(3), Some(&still_runs), &mut |entry| {
            got.push_str(std::str::from_utf8(&entry.bytes).unwrap());
            Ok(())
        })
        .unwrap();
        writer.join().unwrap();
        assert_eq!(got, (0..20).map(|number| format!("{number}\n")).collect::<String>() + "last");
        let mut last = Vec::new();
        read(&path, Some(2), None, &mut |entry| {
            last.push(entry.bytes);
            Ok(())
        })
        .unwrap();
        assert_eq!(last, [b"19\n".to_vec(), b"last".to_vec()]);
        crate::sys::file::remove_tree(&directory).unwrap();
    }
}
