//! Our own program's file, to which nothing that goes into a container may leave a way.

use crate::error::{Context, Result};
use crate::sys::{mount, process};
use std::ffi::{CString, OsString};
use std::os::fd::AsFd;
use std::path::Path;

const WHAT: &str = "cannot protect the program from the container";

/// Executes this very command again from a mount that cannot be written: what goes into a container leaves no way to the
/// host's binary behind it (CVE-2019-5736). Returns at once where it is so already.
pub fn be_read_only() -> Result<()> {
    if mount::is_read_only(Path::new("/proc/self/exe")).context(WHAT)? {
        return Ok(());
    }
    become_read_only(&std::env::args_os().collect::<Vec<_>>())
}

/// The same with other words. Returns only to say why not.
pub fn become_read_only(words: &[OsString]) -> Result<()> {
    let copy = mount::dead_end(Path::new("/proc/self/exe")).context(WHAT)?;
    let word = |word: OsString| CString::new(std::os::unix::ffi::OsStringExt::into_vec(word)).unwrap_or_default();
    let arguments: Vec<CString> = words.iter().cloned().map(word).collect();
    let environment: Vec<CString> = std::env::vars_os()
        .map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            word(name)
        })
        .collect();
    Err(process::exec_fd(copy.as_fd(), &arguments, &environment)).context(WHAT)
}
