//! Our own program's file, to which nothing that goes into a container may leave a way.

use crate::error::{Context, Result};
use crate::sys::{mount, process};
use std::ffi::CString;
use std::os::fd::AsFd;
use std::path::Path;

/// Executes this very command again from a mount that cannot be written: what goes into a container leaves no way to the
/// host's binary behind it (CVE-2019-5736). Returns at once where it is so already.
pub fn be_read_only() -> Result<()> {
    const WHAT: &str = "cannot protect the program from the container";
    let own = Path::new("/proc/self/exe");
    if mount::is_read_only(own).context(WHAT)? {
        return Ok(());
    }
    let copy = mount::dead_end(own).context(WHAT)?;
    let words = |word: std::ffi::OsString| CString::new(std::os::unix::ffi::OsStringExt::into_vec(word)).unwrap_or_default();
    let arguments: Vec<CString> = std::env::args_os().map(words).collect();
    let environment: Vec<CString> = std::env::vars_os()
        .map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            words(name)
        })
        .collect();
    Err(process::exec_fd(copy.as_fd(), &arguments, &environment)).context(WHAT)
}
