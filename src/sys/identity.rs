//! Who a process is: its user and groups, its capabilities, its limits, its filter.

#![allow(unsafe_code)]

use crate::sys::user_namespace;
use nix::errno::Errno;
use nix::unistd::{Gid, Uid};
use std::os::fd::{FromRawFd, OwnedFd};

/// Groups first, while we may still change them; uid 0 keeps its capabilities until they are set.
///
/// Not through libc, which would change all threads of the process, by its list of them: that was copied from the process that
/// made us, and may be wrong, or locked (`threads.rs`).
pub fn become_user(uid: u32, gid: u32, groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: so many numbers are there, and live until the call returns.
    match Errno::result(unsafe { libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr()) }) {
        // Where only one user exists there are no other groups either.
        Err(Errno::EPERM) if user_namespace::groups_are_fixed() => {}
        other => other.map(drop)?,
    }
    // SAFETY: numbers only.
    unsafe {
        Errno::result(libc::syscall(libc::SYS_setresgid, gid, gid, gid))?;
        Errno::result(libc::syscall(libc::SYS_setresuid, uid, uid, uid)).map(drop)
    }
}

/// Capabilities survive the change to another user: they are set to what was wished right after it.
pub fn keep_capabilities(keep: bool) -> Result<(), Errno> {
    nix::sys::prctl::set_keepcaps(keep)
}

/// To file systems the caller is somebody else while it does something, with all of its capabilities (capabilities(7):
/// SECBIT_NO_SETUID_FIXUP). The caller has no threads, and is root.
pub fn seen_by_files_as<T>(uid: u32, gid: u32, work: impl FnOnce() -> T) -> Result<T, Errno> {
    const NO_SETUID_FIXUP: libc::c_ulong = 1 << 2;
    // SAFETY: prctl without further words.
    let bits = Errno::result(unsafe { libc::prctl(libc::PR_GET_SECUREBITS) })? as libc::c_ulong;
    // SAFETY: prctl with a number.
    let set = |bits: libc::c_ulong| Errno::result(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, bits) }).map(drop);
    set(bits | NO_SETUID_FIXUP)?;
    nix::unistd::setfsgid(Gid::from_raw(gid));
    nix::unistd::setfsuid(Uid::from_raw(uid));
    let done = work();
    nix::unistd::setfsuid(Uid::from_raw(0));
    nix::unistd::setfsgid(Gid::from_raw(0));
    set(bits).map(|()| done)
}

/// The five sets as bit masks, capability n at bit n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    pub bounding: u64,
    pub effective: u64,
    pub permitted: u64,
    pub inheritable: u64,
    pub ambient: u64,
}

/// Whatever is not in the mask can never come back, not even by a setuid program.
pub fn limit_bounding_set(mask: u64) -> Result<(), Errno> {
    for capability in 0..64 {
        if mask & (1 << capability) != 0 {
            continue;
        }
        // SAFETY: prctl with numbers.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }) {
            Ok(_) => {}
            // The kernel's last capability lies behind us.
            Err(Errno::EINVAL) => break,
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Effective, permitted and inheritable at once, then ambient.
pub fn set_capabilities(sets: &Capabilities) -> Result<(), Errno> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    #[repr(C)]
    struct Half {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let half = |shift: u32| Half {
        effective: (sets.effective >> shift) as u32,
        permitted: (sets.permitted >> shift) as u32,
        inheritable: (sets.inheritable >> shift) as u32,
    };
    let header = Header { version: VERSION_3, pid: 0 };
    let halves = [half(0), half(32)];
    // SAFETY: both structures have the kernel's shape for version 3 and live until the call returns.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, halves.as_ptr()) })?;
    // SAFETY: prctl with numbers.
    Errno::result(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) })?;
    for capability in (0..64).filter(|bit| sets.ambient & (1 << bit) != 0) {
        // SAFETY: prctl with numbers.
        Errno::result(unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability, 0, 0) })?;
    }
    Ok(())
}

/// All capabilities this kernel knows, as a mask.
pub fn every_capability() -> u64 {
    let last = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap").ok().and_then(|text| text.trim().parse::<u32>().ok());
    (1u64 << (last.unwrap_or(40) + 1)) - 1
}

/// What we hold ourselves: nobody can be given more.
pub fn own_capabilities() -> u64 {
    caps::read(None, caps::CapSet::Permitted).map_or(0, |set| set.iter().fold(0, |mask, capability| mask | capability.bitmask()))
}

/// No program executed from here on gains anything by being setuid.
pub fn no_new_privileges() -> Result<(), Errno> {
    nix::sys::prctl::set_no_new_privs()
}

/// One instruction of a system call filter, in the kernel's shape.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterInstruction {
    pub code: u16,
    pub jump_true: u8,
    pub jump_false: u8,
    pub constant: u32,
}

/// From here on every system call passes the filter. `flags` as seccomp(2) has them: with NEW_LISTENER a descriptor is returned.
pub fn load_filter(filter: &[FilterInstruction], flags: u32) -> Result<Option<OwnedFd>, Errno> {
    #[repr(C)]
    struct Program {
        length: u16,
        instructions: *const FilterInstruction,
    }
    const SECCOMP_SET_MODE_FILTER: libc::c_uint = 1;
    const NEW_LISTENER: u32 = 1 << 3;
    let program = Program { length: u16::try_from(filter.len()).map_err(|_| Errno::E2BIG)?, instructions: filter.as_ptr() };
    // SAFETY: the program points at `length` instructions of the kernel's shape.
    let answer = Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &raw const program) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok((flags & NEW_LISTENER != 0).then(|| unsafe { OwnedFd::from_raw_fd(answer as i32) }))
}

/// A limit by its number (see `rlimit_number`).
pub fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
    // SAFETY: the structure lives until the call returns.
    Errno::result(unsafe { libc::setrlimit(resource as _, &raw const limit) }).map(drop)
}

/// Our own, soft and hard.
pub fn limit(resource: u32) -> Result<(u64, u64), Errno> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure lives until the call returns.
    Errno::result(unsafe { libc::getrlimit(resource as _, &raw mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// The limits of getrlimit(2), as Docker names them.
#[allow(clippy::unnecessary_cast, reason = "the constants' type differs between C libraries")]
const LIMITS: [(&str, u32); 16] = [
    ("cpu", libc::RLIMIT_CPU as u32),
    ("fsize", libc::RLIMIT_FSIZE as u32),
    ("data", libc::RLIMIT_DATA as u32),
    ("stack", libc::RLIMIT_STACK as u32),
    ("core", libc::RLIMIT_CORE as u32),
    ("rss", libc::RLIMIT_RSS as u32),
    ("nproc", libc::RLIMIT_NPROC as u32),
    ("nofile", libc::RLIMIT_NOFILE as u32),
    ("memlock", libc::RLIMIT_MEMLOCK as u32),
    ("as", libc::RLIMIT_AS as u32),
    ("locks", libc::RLIMIT_LOCKS as u32),
    ("sigpending", libc::RLIMIT_SIGPENDING as u32),
    ("msgqueue", libc::RLIMIT_MSGQUEUE as u32),
    ("nice", libc::RLIMIT_NICE as u32),
    ("rtprio", libc::RLIMIT_RTPRIO as u32),
    ("rttime", libc::RLIMIT_RTTIME as u32),
];

/// By its name, with `RLIMIT_` or without.
pub fn rlimit_number(name: &str) -> Option<u32> {
    let name = name.strip_prefix("RLIMIT_").unwrap_or(name).to_ascii_lowercase();
    LIMITS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

pub fn rlimit_name(number: u32) -> &'static str {
    LIMITS.iter().find(|(_, known)| *known == number).map_or("unknown", |(name, _)| name)
}

/// A session keyring of one's own: keyctl(2), KEYCTL_JOIN_SESSION_KEYRING. It has no name: by one it would be found by others, and
/// theirs by us.
pub fn new_session_keyring() -> Result<(), Errno> {
    const JOIN_SESSION_KEYRING: i32 = 1;
    // SAFETY: numbers only.
    match Errno::result(unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, 0) }) {
        // A kernel without keys, or a filter around us that forbids them: then there is nothing to be kept apart.
        Err(Errno::ENOSYS | Errno::EPERM) => Ok(()),
        other => other.map(drop),
    }
}

pub fn own_gid() -> u32 {
    nix::unistd::getegid().as_raw()
}

pub fn own_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

pub fn hostname() -> String {
    nix::unistd::gethostname().map_or_else(|_| "localhost".to_owned(), |name| name.to_string_lossy().into_owned())
}

pub fn set_hostname(name: &str) -> Result<(), Errno> {
    whole(name)?;
    nix::unistd::sethostname(name)
}

/// The name of NIS, setdomainname(2); what DNS calls a domain is part of the host name.
pub fn set_domainname(name: &str) -> Result<(), Errno> {
    whole(name)?;
    // SAFETY: the kernel reads as many bytes as it is told.
    Errno::result(unsafe { libc::setdomainname(name.as_ptr().cast(), name.len() as _) }).map(drop)
}

/// The kernel takes any bytes, and everybody would read them as far as the first zero.
fn whole(name: &str) -> Result<(), Errno> {
    if name.contains('\0') { Err(Errno::EINVAL) } else { Ok(()) }
}
