//! Whom `--userns keep-id` brings into a container: programs look up who they are, and the image does not know him. So lines are added
//! to its /etc/passwd and /etc/group, in the container's own layer.
//!
//! Nothing that anybody has mounted there is changed, nor what a link leads to; where the files are not there or cannot be written, it
//! begins without.

use crate::spec::user::{self, Newcomer};
use crate::sys::inside;
use crate::sys::{Errno, file};
use std::os::fd::AsFd;
use std::path::Path;

/// Longer files are not looked through.
const LONGEST: u64 = 1 << 20;

/// In the container's root, before anybody else is in it.
pub fn introduce(newcomer: &Newcomer) {
    let _ = add(Path::new("/etc/passwd"), |text| user::line_of_user(text, newcomer));
    let _ = add(Path::new("/etc/group"), |text| user::line_of_group(text, newcomer));
}

fn add(path: &Path, line: impl Fn(&str) -> Option<String>) -> Result<(), Errno> {
    let open = inside::open_of_root_alone(path)?;
    let text = file::read_bounded_from(file::duplicate(open.as_fd())?, LONGEST)?;
    match line(&String::from_utf8_lossy(&text)) {
        Some(line) => file::write_all(open.as_fd(), line.as_bytes()),
        None => Ok(()),
    }
}
