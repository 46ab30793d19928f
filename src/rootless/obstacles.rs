//! What keeps an ordinary user from having a user namespace, or from having more than one id in it, and what helps.

use crate::error::Error;
use crate::kernel::abilities;
use crate::rootless::ranges;
use crate::rootless::who::{self, Who};
use crate::sys::{Errno, attempt, mount};
use std::path::Path;

const APPARMOR: &str = "kernel.apparmor_restrict_unprivileged_userns";

/// The kernel's answer in words, where a setting of this machine is behind it.
pub fn explain(error: Error) -> Error {
    match (error.errno(), abilities::user_namespaces_are_only_for_root()) {
        (Some(Errno::ENOSPC), _) => match abilities::sysctl("user.max_user_namespaces").as_deref() {
            Some("0") => error
                .because("there are to be none on this machine: user.max_user_namespaces is 0")
                .hint("sudo sysctl user.max_user_namespaces=10000"),
            _ => error
                .because("there are as many as may be, or they lie too deep in each other")
                .hint("sudo sysctl user.max_user_namespaces=10000"),
        },
        (Some(Errno::EPERM | Errno::EACCES | Errno::EINVAL), Some((APPARMOR, ..))) => error
            .because(format!("AppArmor leaves them to programs with a profile that says so: {APPARMOR} is 1"))
            .hint(format!("{}, or for every program: sudo sysctl {APPARMOR}=0", profile_for_us())),
        (Some(Errno::EPERM | Errno::EACCES | Errno::EINVAL), Some((switch, is, should))) => {
            error.because(format!("they are only for root here: {switch} is {is}")).hint(format!("sudo sysctl {switch}={should}"))
        }
        // Docker's filter, for one, answers so.
        (Some(Errno::EPERM | Errno::ENOSYS), None) if attempt::is_filtered() => error
            .because("a filter of system calls around us forbids it, as containers have one")
            .hint("start what is around us without it, as with --security-opt seccomp=unconfined, or run tare outside of it"),
        _ => error,
    }
}

/// One line that root can type. The profile confines nothing: its being there is what AppArmor asks for.
fn profile_for_us() -> String {
    let program = std::env::current_exe().map_or_else(|_| "/usr/local/bin/tare".to_owned(), |path| path.display().to_string());
    let text = format!("abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile tare {program} flags=(unconfined) {{ userns, }}\\n");
    format!("printf '{text}' | sudo tee /etc/apparmor.d/tare && sudo apparmor_parser -r /etc/apparmor.d/tare")
}

/// Told once, because much still works: one image in two has files of other owners, and packages want to make users.
pub fn why_one_id(who: &Who, has_programs: bool) -> Error {
    const WHAT: &str = "note: containers have one user only, root";
    let called = who.called();
    match has_programs {
        _ if !who.has_ranges() => {
            Error::failed(WHAT).because(format!("{called} has no ids in {} and {}", who::SUBUID, who::SUBGID)).hint(more_ids(who))
        }
        _ => Error::failed(WHAT).because("newuidmap is not installed").hint("sudo apt install uidmap (Fedora: shadow-utils)"),
    }
}

/// Images have files of nobody, who is 65534.
pub fn why_few_ids(who: &Who) -> Option<Error> {
    let count = |owned: &[ranges::Owned]| owned.iter().map(|(_, count)| u64::from(*count)).sum::<u64>();
    let fewest = count(&who.uids).min(count(&who.gids));
    (fewest < u64::from(ranges::USUAL)).then(|| {
        Error::failed(format!("note: containers have users 0 to {fewest} only"))
            .because(format!("{} has no more ids in {} and {}", who.called(), who::SUBUID, who::SUBGID))
            .hint(more_ids(who))
    })
}

/// The first range behind everybody else's: whoever shares ids with others shares his files with them.
fn more_ids(who: &Who) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let first = ranges::first_free(&[&read(who::SUBUID), &read(who::SUBGID)]);
    let range = format!("{first}-{}", first + (ranges::USUAL - 1));
    format!("sudo usermod --add-subuids {range} --add-subgids {range} {}", who.called())
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
        () if attempt::gains_nothing() => error
            .because("whoever started us has decided that no program may get more rights (no_new_privs)")
            .hint("run tare outside of that sandbox or service (NoNewPrivileges=no)"),
        () => explain(error),
    }
}
