//! Whether a file was replaced by itself: `RUN chown` or `chmod` in a later layer copies all of its bytes.

use super::stack::{How, Waste};
use crate::paths::Paths;
use crate::sys::Errno;
use crate::sys::beneath::Directory;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// `layers`: their diff ids (hex), the lowest first. What cannot be read is not the same.
pub fn is_same(paths: &Paths, layers: &[String], waste: &Waste) -> bool {
    let of = |number: usize| {
        let layer = Directory::open_root(&paths.layer(layers.get(number.wrapping_sub(1)).ok_or(Errno::ENOENT)?))?;
        layer.open_to_read(&waste.path).map(File::from)
    };
    let is_file = waste.how == How::Replaces && !waste.is_directory;
    let older = waste.of.last().copied().unwrap_or(0);
    is_file && of(older).and_then(|older| Ok((older, of(waste.by)?))).is_ok_and(|(older, newer)| have_same_content(older, newer))
}

fn have_same_content(one: File, other: File) -> bool {
    let is_file = |file: &File| file.metadata().is_ok_and(|about| about.is_file());
    let length = |file: &File| file.metadata().map_or(0, |about| about.len());
    if !is_file(&one) || !is_file(&other) || length(&one) != length(&other) {
        return false;
    }
    let (mut one, mut other) = (BufReader::with_capacity(64 << 10, one), BufReader::with_capacity(64 << 10, other));
    loop {
        let (Ok(left), Ok(right)) = (one.fill_buf(), other.fill_buf()) else { return false };
        let length = left.len().min(right.len());
        if length == 0 {
            return left.len() == right.len();
        }
        if left[..length] != right[..length] {
            return false;
        }
        one.consume(length);
        other.consume(length);
    }
}
