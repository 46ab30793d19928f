//! Our own program's file, to which nothing that goes into a container may leave a way.

use crate::error::{Context, Result};
use crate::sys::{Errno, file, mount, process};
use std::ffi::{CString, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const OURS: &str = "/proc/self/exe";
const WHAT: &str = "cannot protect the program from the container";
/// With all that a debugger wants to know of it.
const LARGEST: u64 = 1 << 30;

/// Executes this very command again from a mount that cannot be written: what goes into a container leaves no way to the
/// host's binary behind it (CVE-2019-5736). Returns at once where it is so already.
pub fn be_read_only() -> Result<()> {
    let is_in_memory = std::fs::read_link(OURS).is_ok_and(|name| name.as_os_str().as_encoded_bytes().starts_with(b"/memfd:tare"));
    if is_in_memory || mount::is_read_only(Path::new(OURS)).context(WHAT)? {
        return Ok(());
    }
    become_read_only(&std::env::args_os().collect::<Vec<_>>())
}

/// The same with other words. Returns only to say why not.
pub fn become_read_only(words: &[OsString]) -> Result<()> {
    let copy = untouchable_copy().context(WHAT)?;
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

/// Our own file was opened among other mounts than ours where we have gone into a user namespace, and no mount can be made of it: then
/// of the file that has its name now, if it is the same; else the file is copied, into memory and sealed.
/// An ordinary user who is in none makes no mounts at all.
fn untouchable_copy() -> Result<OwnedFd, Errno> {
    match mount::dead_end(Path::new(OURS)) {
        Err(Errno::EINVAL | Errno::EPERM) => {}
        other => return other,
    }
    let identity = |path: &Path| std::fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    let by_name = std::fs::read_link(OURS).ok().filter(|name| identity(name) == identity(Path::new(OURS)));
    match by_name.map(|name| mount::dead_end(&name)) {
        Some(Ok(copy)) => Ok(copy),
        _ => process::sealed_program(c"tare", &file::read_bounded(Path::new(OURS), LARGEST)?),
    }
}
