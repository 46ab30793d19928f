//! Where the last lines of a log begin, found from its end: no more is read than they take up.

use super::entry::{LONGEST_LINE, parse};
use super::read::Period;
use std::io::{Read, Result, Seek, SeekFrom};

/// How much is read at once.
const STRIDE: u64 = 64 << 10;

pub struct Tail {
    wanted: u64,
    period: Period,
    found: u64,
    /// File and place.
    earliest: (usize, u64),
}

impl Tail {
    pub fn new(wanted: u64, period: Period) -> Self {
        Tail { wanted, period, found: 0, earliest: (0, 0) }
    }

    /// In which file, and where in it, the lines begin. Of files oldest first.
    pub fn start<F: Read + Seek>(mut self, files: &mut [F]) -> Result<(usize, u64)> {
        for index in (0..files.len()).rev() {
            let end = files[index].seek(SeekFrom::End(0))?;
            if index == files.len() - 1 {
                self.earliest = (index, end);
            }
            if !self.search(&mut files[index], index, end)? {
                break;
            }
        }
        Ok(self.earliest)
    }

    /// One file from its end to its beginning; false when all is found.
    fn search(&mut self, file: &mut (impl Read + Seek), index: usize, end: u64) -> Result<bool> {
        // Bytes from `start` on that belong to a line of the file whose beginning was not read yet.
        let (mut start, mut rest) = (end, Vec::new());
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
                if !self.count(&line, (index, start + place as u64 + 1)) {
                    return Ok(false);
                }
            }
            if rest.len() > 2 * LONGEST_LINE {
                rest.truncate(1);
            }
        }
        Ok(self.count(&rest, (index, 0)))
    }

    /// One line of a file, going backwards: false when it belongs to a line of output that is one too many. A line of output may be
    /// several entries: those that do not end it come first.
    fn count(&mut self, line: &[u8], at: (usize, u64)) -> bool {
        let Some(entry) = parse(line.strip_suffix(b"\n").unwrap_or(line)) else { return true };
        if !self.period.holds(&entry) {
            return true;
        }
        // The last entry of all may be a line that was begun only; it counts as one.
        self.found += u64::from(entry.ends_line() || self.found == 0);
        if self.found > self.wanted {
            return false;
        }
        self.earliest = at;
        true
    }
}
