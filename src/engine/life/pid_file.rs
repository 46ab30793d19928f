//! `--pidfile`: the container's first process, in the host's numbers, for as long as it runs.

use crate::error::{Context, Result};
use crate::record::Container;
use crate::store;
use crate::sys::file;
use std::path::Path;

/// Longer is no number.
const LONGEST: u64 = 32;

/// Before the word to go on: whoever started it finds the file, and a file that cannot be written ends nothing that runs.
pub fn write(container: &Container, pid: i32) -> Result<()> {
    match &container.wishes.pid_file {
        Some(file) => store::write_readable(file, format!("{pid}\n").as_bytes()).context("cannot keep --pidfile"),
        None => Ok(()),
    }
}

/// The number in it; `None`: it is not there, or not ours.
pub fn read(path: &Path) -> Option<u32> {
    let text = file::read_bounded(path, LONGEST).ok()?;
    std::str::from_utf8(&text).ok()?.strip_suffix('\n')?.parse().ok()
}

/// The number may soon be somebody else's. A file that tells another one is not ours any more.
pub fn forget(container: &Container, pid: i32) {
    let Some(path) = &container.wishes.pid_file else { return };
    if file::read_bounded(path, LONGEST).is_ok_and(|text| text == format!("{pid}\n").into_bytes()) {
        let _ = file::remove_file(path);
    }
}
