//! The files behind a log: `log` is written, and when it is full becomes `log.1`, which becomes `log.2`; the last one goes.
//!
//! A file that is full is renamed and never cut short, so whoever reads it reads on to its end and finds the next. The first entry of
//! each file but the very first begins with its number, `{"file":3,"log":…`: that is how a reader knows that none is missing.
//!
//! Killed at any instruction this leaves whole files under names in the right order, perhaps with one name left out, and at most
//! one entry that is cut short: the next to write begins a line of its own.

use crate::options::logs::Rotation;
use crate::paths::ContainerPaths;
use crate::sys::file;
use nix::fcntl::OFlag;
use std::fs::File;
use std::io::IoSlice;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub struct LogFile {
    path: PathBuf,
    rotation: Rotation,
    /// Opened at the first byte: most containers that only compute never pay for a file.
    open: Option<Open>,
    /// Of the open file, counted from the container's first.
    number: u64,
}

struct Open {
    file: File,
    size: u64,
    /// What was written last is no whole entry (disk full, monitor killed).
    torn: bool,
}

impl LogFile {
    pub fn new(path: PathBuf, rotation: Rotation) -> Self {
        LogFile { path, rotation, open: None, number: 0 }
    }

    /// Whole entries, written by as few calls as the size of a file allows. A log that cannot be written (disk full, directory
    /// removed) never hurts the container: what does not fit is lost.
    pub fn write(&mut self, mut entries: &[u8]) {
        while !entries.is_empty() {
            if self.open.is_none() {
                self.open = self.take_up();
            }
            let Some(open) = &mut self.open else { return };
            let length = that_fit(entries, self.rotation.max_size.saturating_sub(open.size), open.size == 0);
            let (now, later) = entries.split_at(length);
            if length > 0 {
                open.append(now, self.number);
            }
            if !later.is_empty() {
                self.rotate();
            }
            entries = later;
        }
    }

    /// The file that an earlier monitor of this container wrote, or a new one.
    fn take_up(&mut self) -> Option<Open> {
        let mut open = self.create()?;
        open.size = open.file.metadata().ok()?.len();
        if open.size > 0 {
            let mut last = [0];
            let _ = open.file.read_exact_at(&mut last, open.size - 1);
            open.torn = last != *b"\n";
            self.number = number_of(&open.file).unwrap_or(0);
        } else if let Ok(full) = File::open(ContainerPaths::rotated_log(&self.path, 1)) {
            self.number = number_of(&full).map_or(0, |number| number + 1);
        }
        Some(open)
    }

    fn create(&self) -> Option<Open> {
        let fd = file::create(&self.path, OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_NOFOLLOW, 0o600).ok()?;
        Some(Open { file: File::from(fd), size: 0, torn: false })
    }

    /// From the oldest to the newest, so that no name is ever given to two. A name that is missing is no failure.
    fn rotate(&mut self) {
        let path = |age| ContainerPaths::rotated_log(&self.path, age);
        let oldest = self.rotation.max_files - 1;
        if oldest == 0 {
            let _ = file::remove_file(&self.path);
        }
        for age in (0..oldest).rev() {
            let _ = file::rename(&path(age), &path(age + 1));
        }
        self.number += 1;
        self.open = self.create();
    }
}

/// How many bytes of whole entries have room. An empty file takes one entry, however long.
fn that_fit(entries: &[u8], room: u64, is_empty: bool) -> usize {
    if entries.len() as u64 <= room {
        return entries.len();
    }
    let end = |place: Option<usize>| place.map_or(0, |place| place + 1);
    match end(entries[..room as usize].iter().rposition(|byte| *byte == b'\n')) {
        0 if is_empty => end(entries.iter().position(|byte| *byte == b'\n')),
        length => length,
    }
}

impl Open {
    fn append(&mut self, entries: &[u8], number: u64) {
        if self.torn && file::write(self.file.as_fd(), b"\n") != Ok(1) {
            return;
        }
        let first = if self.size == 0 && number > 0 { format!("{NUMBER}{number},") } else { String::new() };
        // The brace that opens the entry stands before its number already.
        let rest = if first.is_empty() { entries } else { &entries[1..] };
        let written = file::write_vectored(self.file.as_fd(), &[IoSlice::new(first.as_bytes()), IoSlice::new(rest)]);
        self.torn = written != Ok(first.len() + rest.len());
        self.size += written.unwrap_or(0) as u64;
    }
}

const NUMBER: &str = "{\"file\":";

/// Which file of its log this is: the first one bears no number. `None`: nothing is written in it yet.
pub fn number_of(file: &File) -> Option<u64> {
    let mut head = [0; NUMBER.len() + 20];
    let length = file.read_at(&mut head, 0).ok().filter(|length| *length > 0)?;
    let digits = head[..length].strip_prefix(NUMBER.as_bytes()).and_then(|rest| rest.split(|byte| *byte == b',').next());
    Some(digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).unwrap_or(0))
}

/// The file of this age, with what tells it from every other file that is open.
pub fn open(log: &Path, age: u32) -> std::io::Result<Option<File>> {
    match File::open(ContainerPaths::rotated_log(log, age)) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("tare-rotate-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&dir);
        file::make_dirs(&dir, 0o700).unwrap();
        dir
    }

    fn entry(text: &str) -> String {
        format!("{{\"log\":\"{text}\"}}\n")
    }

    /// Name and text of every file.
    fn files(dir: &Path) -> BTreeMap<String, String> {
        let read = |entry: std::fs::DirEntry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap());
        std::fs::read_dir(dir).unwrap().map(|entry| read(entry.unwrap())).collect()
    }

    #[test]
    fn full_files_move_on_and_the_last_one_goes() {
        let dir = scratch("move");
        let mut log = LogFile::new(dir.join("log"), Rotation { max_size: 60, max_files: 3 });
        // Three entries of 14 bytes fit, four do not; in a numbered file there is less room.
        let all: String = (10..25).map(|n| entry(&n.to_string())).collect();
        log.write(all.as_bytes());
        let found = files(&dir);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["log", "log.1", "log.2"]);
        assert!(found.values().all(|text| text.len() <= 70), "{found:?}");
        let text = format!("{}{}{}", found["log.2"], found["log.1"], found["log"]);
        let kept: Vec<&str> = text.lines().map(|line| &line[line.len() - 4..line.len() - 2]).collect();
        let expected: Vec<String> = (25 - kept.len()..25).map(|n| n.to_string()).collect();
        assert_eq!(kept, expected, "the newest entries, in order");
        let numbers: Vec<Option<u64>> = (0..3).map(|age| number_of(&open(&dir.join("log"), age).unwrap().unwrap())).collect();
        assert_eq!(numbers[0].unwrap(), numbers[2].unwrap() + 2);
        assert_eq!(numbers[1].unwrap(), numbers[2].unwrap() + 1);
        file::remove_tree(&dir).unwrap();
    }

    #[test]
    fn one_file_is_made_anew_and_an_entry_is_never_cut() {
        let dir = scratch("one");
        let mut log = LogFile::new(dir.join("log"), Rotation { max_size: 1, max_files: 1 });
        log.write([entry("one"), entry("two"), entry("three")].concat().as_bytes());
        assert_eq!(files(&dir), BTreeMap::from([("log".to_owned(), "{\"file\":2,\"log\":\"three\"}\n".to_owned())]));
        file::remove_tree(&dir).unwrap();
    }

    #[test]
    fn the_next_monitor_goes_on_where_a_killed_one_stopped() {
        let dir = scratch("killed");
        let (path, rotation) = (dir.join("log"), Rotation { max_size: 100, max_files: 3 });
        let write = |path: PathBuf, text: &str| {
            let fd = file::create(&path, OFlag::O_WRONLY | OFlag::O_TRUNC, 0o600).unwrap();
            file::write_all(fd.as_fd(), text.as_bytes()).unwrap();
        };
        // In the middle of an entry.
        write(path.clone(), &format!("{}{{\"log\":\"thr", entry("one")));
        LogFile::new(path.clone(), rotation).write(entry("four").as_bytes());
        assert_eq!(files(&dir)["log"], format!("{}{{\"log\":\"thr\n{}", entry("one"), entry("four")));
        // Between the last rename of a rotation and the first byte after it.
        write(ContainerPaths::rotated_log(&path, 1), &format!("{{\"file\":7,{}", &entry("five")[1..]));
        file::remove_file(&path).unwrap();
        LogFile::new(path.clone(), rotation).write(entry("six").as_bytes());
        assert_eq!(files(&dir)["log"], format!("{{\"file\":8,{}", &entry("six")[1..]));
        // Between two renames: a name is missing, and the order is right.
        file::rename(&ContainerPaths::rotated_log(&path, 1), &ContainerPaths::rotated_log(&path, 2)).unwrap();
        let mut log = LogFile::new(path, rotation);
        log.write((0..8).map(|_| entry("seven")).collect::<String>().as_bytes());
        let found = files(&dir);
        assert!(found["log.2"].contains("six") || found["log.1"].contains("six"), "{found:?}");
        file::remove_tree(&dir).unwrap();
    }
}
