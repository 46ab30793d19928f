//! What keeps an ordinary user from having a user namespace, or from having more than one id in it, and what helps.

use crate::error::Error;
use crate::kernel::abilities;
use crate::rootless::who::{self, Who};
use crate::sys::{Errno, mount};
use std::path::Path;

/// The kernel's answer in words, where a setting of this machine is behind it.
pub fn explain(error: Error) -> Error {
    match (error.errno(), abilities::user_namespaces_are_only_for_root()) {
        (Some(Errno::ENOSPC), _) => error.because("no more are allowed").hint("sudo sysctl user.max_user_namespaces=10000"),
        (Some(Errno::EPERM | Errno::EACCES | Errno::EINVAL), Some((switch, is, should))) => {
            error.because(format!("they are only for root here: {switch} is {is}")).hint(format!("sudo sysctl {switch}={should}"))
        }
        _ => error,
    }
}

/// Told once, because much still works: one image in two has files of other owners, and packages want to make users.
pub fn why_one_id(who: &Who, has_programs: bool) -> Error {
    const WHAT: &str = "note: containers have one user only, root";
    let called = who.called();
    match has_programs {
        _ if !who.has_ranges() => Error::failed(WHAT)
            .because(format!("{called} has no ids in {} and {}", who::SUBUID, who::SUBGID))
            .hint(format!("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {called}")),
        _ => Error::failed(WHAT).because("newuidmap is not installed").hint("sudo apt install uidmap (Fedora: shadow-utils)"),
    }
}

/// A program that should be setuid, and could not do its work.
pub fn of_program(program: &Path, error: Error) -> Error {
    use std::os::unix::fs::MetadataExt;
    let is_setuid = std::fs::metadata(program).is_ok_and(|about| about.mode() & 0o4000 != 0);
    let has_capability = crate::sys::file::has_attribute(program, "security.capability");
    match () {
        () if !is_setuid && !has_capability => error
            .because(format!("{} may not do more than you: it is neither setuid nor has it a capability", program.display()))
            .hint(format!("sudo chmod u+s {}", program.display())),
        () if mount::ignores_setuid(program) => {
            error.because(format!("{} lies on a file system that is mounted nosuid", program.display())).hint("install it elsewhere")
        }
        () => explain(error),
    }
}
