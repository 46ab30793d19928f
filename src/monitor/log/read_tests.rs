//! Promises about reading a log, with a real writer beside the reader.

use super::*;
use crate::monitor::log::{Keeping, Log};
use crate::monitor::protocol::Stream;
use crate::options::logs::Rotation;
use crate::sys::file;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::mpsc::{TryRecvError, channel};

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

/// The last lines of a log of several files, oldest first.
fn last_of(texts: &[&str], wanted: u64, period: Period) -> Vec<String> {
    let mut files: Vec<Cursor<&str>> = texts.iter().map(|text| Cursor::new(*text)).collect();
    let (index, place) = Tail::new(wanted, period).start(&mut files).unwrap();
    let rest = texts[index..].concat();
    all(&rest.as_bytes()[place as usize..], 1000)
}

fn last(text: &str, wanted: u64) -> Vec<String> {
    last_of(&[text], wanted, Period::default())
}

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("tare-read-{name}-{}", std::process::id()));
    let _ = file::remove_tree(&dir);
    file::make_dirs(&dir, 0o700).unwrap();
    dir
}

/// Everything that is read, as text; gaps as `GAP\n`.
fn read_all(log: &Path, wanted: &Wanted) -> String {
    let mut got = String::new();
    let met = |met| {
        match met {
            Met::Entry(entry) => got.push_str(std::str::from_utf8(&entry.bytes).unwrap()),
            Met::Gap => got.push_str("GAP\n"),
            Met::Rest => {}
        }
        Ok(())
    };
    read(log, wanted, &mut { met }).unwrap();
    got
}

#[test]
fn damaged_lines_are_passed_over_and_nothing_panics() {
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
fn the_last_lines_may_begin_in_an_older_file() {
    let (older, newer) = ([line("one\n"), line("two\n"), line("thr")].concat(), [line("ee\n"), line("four\n")].concat());
    let files = ["", older.as_str(), newer.as_str()];
    let of = |wanted| last_of(&files, wanted, Period::default());
    assert_eq!(of(1), ["four\n"]);
    assert_eq!(of(2), ["thr", "ee\n", "four\n"]);
    assert_eq!(of(3), ["two\n", "thr", "ee\n", "four\n"]);
    assert_eq!(of(100).len(), 5);
    assert_eq!(of(0), Vec::<String>::new());
}

#[test]
fn the_last_lines_of_a_period_are_those_before_its_end() {
    let at = |second: u32, log: &str| line(log).replace("03:04:05", &format!("03:04:{second:02}"));
    let text: String = (10..20).map(|second| at(second, &format!("{second}\n"))).collect();
    let until = parse_rfc3339("2026-01-02T03:04:15Z");
    let got = last_of(&[&text], 2, Period { since: None, until });
    assert_eq!(got[..2], ["13\n", "14\n"], "what comes after the end is left out when it is read");
}

/// A writer in a thread of its own, and whether it still writes. It begins when the reader, who has looked for the log by then, asks.
fn writer(log: PathBuf, rotation: Rotation, count: u32) -> (std::thread::JoinHandle<()>, impl Fn() -> bool) {
    let (tell, runs) = channel::<()>();
    let (ask, asked) = channel::<()>();
    let thread = std::thread::spawn(move || {
        asked.recv().unwrap();
        let mut log = Log::new(Keeping { rotation, ..Keeping::at(log) });
        for number in 0..count {
            if number % 50 == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            log.append(Stream::Stdout, format!("{number}\n").as_bytes());
        }
        log.append(Stream::Stderr, b"last");
        log.rest();
        drop(tell);
    });
    let still_runs = move || {
        let _ = ask.send(());
        runs.try_recv() != Err(TryRecvError::Disconnected)
    };
    (thread, still_runs)
}

#[test]
fn following_begins_before_the_log_exists_and_misses_nothing_at_the_end() {
    let directory = scratch("follow");
    let path = directory.join("log");
    let (thread, still_runs) = writer(path.clone(), Rotation::default(), 20);
    let wanted = Wanted { files: 3, tail: Some(3), period: Period::default(), still_runs: Some(&still_runs) };
    let got = read_all(&path, &wanted);
    thread.join().unwrap();
    assert_eq!(got, (0..20).map(|number| format!("{number}\n")).collect::<String>() + "last");
    assert_eq!(read_all(&path, &Wanted { tail: Some(2), still_runs: None, ..wanted }), "19\nlast");
    file::remove_tree(&directory).unwrap();
}

#[test]
fn following_survives_hundreds_of_rotations() {
    for max_files in [1, 2, 3] {
        let directory = scratch(&format!("rotate{max_files}"));
        let path = directory.join("log");
        // About ten lines in each file.
        let (thread, still_runs) = writer(path.clone(), Rotation { max_size: 800, max_files }, 4000);
        let wanted = Wanted { files: max_files, tail: None, period: Period::default(), still_runs: Some(&still_runs) };
        let got = read_all(&path, &wanted);
        thread.join().unwrap();
        let mut next = 0;
        let mut after_gap = false;
        for line in got.strip_suffix("last").expect("the last words").lines() {
            if line == "GAP" {
                after_gap = true;
                continue;
            }
            let number: u32 = line.parse().unwrap();
            let is_told = number > next && after_gap;
            assert!(number == next || is_told, "{max_files} files: {number} came where {next} was due, gap told: {after_gap}");
            (next, after_gap) = (number + 1, false);
        }
        assert_eq!(next, 4000);
        file::remove_tree(&directory).unwrap();
    }
}

#[test]
fn a_reader_that_was_too_slow_says_so_where_lines_are_missing() {
    let directory = scratch("slow");
    let path = directory.join("log");
    let mut log = Log::new(Keeping { rotation: Rotation { max_size: 300, max_files: 2 }, ..Keeping::at(path.clone()) });
    let mut write = |numbers: std::ops::Range<u32>| numbers.for_each(|n| log.append(Stream::Stdout, format!("{n}\n").as_bytes()));
    write(0..2);
    let (mut got, looks) = (Vec::new(), std::cell::Cell::new(0));
    let still_runs = || looks.replace(looks.get() + 1) < 3;
    read(&path, &Wanted { files: 2, tail: None, period: Period::default(), still_runs: Some(&still_runs) }, &mut |met| {
        match met {
            Met::Entry(entry) => got.push(String::from_utf8(entry.bytes).unwrap().trim_end().to_owned()),
            Met::Gap => got.push("GAP".to_owned()),
            // The reader rests, and meanwhile more is written than is kept; the second time, no more than is kept.
            Met::Rest if looks.get() == 1 => write(2..100),
            Met::Rest if looks.get() == 2 => write(100..103),
            Met::Rest => {}
        }
        Ok(())
    })
    .unwrap();
    let gap = got.iter().position(|word| word == "GAP").expect("a gap");
    assert_eq!(got.iter().filter(|word| *word == "GAP").count(), 1, "{got:?}");
    assert_eq!(got[..gap], ["0", "1", "2", "3"], "what was open already is read to its end");
    let after: Vec<String> = (got[gap + 1].parse::<u32>().unwrap()..103).map(|n| n.to_string()).collect();
    assert_eq!(got[gap + 1..], after[..]);
    file::remove_tree(&directory).unwrap();
}

#[test]
fn a_file_emptied_by_hand_is_read_from_its_beginning() {
    let directory = scratch("emptied");
    let path = directory.join("log");
    let mut log = Log::new(Keeping::at(path.clone()));
    log.append(Stream::Stdout, b"one\ntwo\n");
    let (mut got, looks) = (String::new(), std::cell::Cell::new(0));
    let still_runs = || looks.replace(looks.get() + 1) < 2;
    read(&path, &Wanted { files: 3, tail: None, period: Period::default(), still_runs: Some(&still_runs) }, &mut |met| {
        match met {
            Met::Entry(entry) => got.push_str(std::str::from_utf8(&entry.bytes).unwrap()),
            Met::Rest if looks.get() == 1 => {
                file::create(&path, file::OFlag::O_WRONLY | file::OFlag::O_TRUNC, 0o600).unwrap();
                log.append(Stream::Stdout, b"3\n");
            }
            _ => {}
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(got, "one\ntwo\n3\n");
    file::remove_tree(&directory).unwrap();
}
