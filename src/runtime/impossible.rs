//! Numbers that a specification can write and the kernel would read as others: refused by name, because what would become of them
//! is not what was asked for, and may be much more.

use crate::error::{Error, Result};
use oci_spec::runtime::Process;

/// What setresuid(2) and its like read as "leave it as it is": whoever asked for it would stay root.
const NOBODY_AT_ALL: u32 = u32::MAX;

pub fn check_process(process: &Process) -> Result<()> {
    if !process.cwd().is_absolute() {
        return Err(Error::damaged(format!("process.cwd {:?}", process.cwd())).because("not an absolute path"));
    }
    let user = process.user();
    let further = user.additional_gids().iter().flatten().map(|gid| ("additionalGids", *gid));
    for (name, id) in [("uid", user.uid()), ("gid", user.gid())].into_iter().chain(further) {
        if id == NOBODY_AT_ALL {
            return Err(wrong(format!("process.user.{name}"), id, "nobody can have this number"));
        }
    }
    if let Some(umask) = user.umask().filter(|umask| *umask > 0o777) {
        return Err(wrong("process.user.umask", umask, "it has nine bits"));
    }
    if let Some(size) = process.console_size().filter(|size| size.height().max(size.width()) > u64::from(u16::MAX)) {
        return Err(wrong("process.consoleSize", format!("{}x{}", size.height(), size.width()), "a terminal counts to 65535"));
    }
    Ok(())
}

/// mknod(2): what does not fit into these bits is cut off, and so becomes another device.
pub fn device_numbers(name: &str, major: i64, minor: i64) -> Result<(u64, u64)> {
    let fits = |number: i64, bits: u32| u64::try_from(number).ok().filter(|number| *number < 1 << bits);
    let numbers = fits(major, 12).zip(fits(minor, 20));
    numbers.ok_or_else(|| wrong(format!("device {name}"), format!("{major}:{minor}"), "they have 12 and 20 bits"))
}

fn wrong(what: impl Into<String>, value: impl std::fmt::Display, because: &str) -> Error {
    Error::damaged(format!("{} {value}", what.into())).because(because)
}
