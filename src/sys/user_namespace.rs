//! The maps of a user namespace: written for a process that is in a new one, read for oneself, or kept where nobody lives.

#![allow(unsafe_code)]

use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use crate::sys::process::{self, Forked, namespace};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::sync::OnceLock;

/// First id inside, first id outside, how many: user_namespaces(7).
pub type Range = (u32, u32, u32);

/// Each in one write, as the kernel wants it: all of it is taken, or nothing.
pub fn write_maps(pid: i32, uids: &[Range], gids: &[Range]) -> Result<(), Errno> {
    let write = |name: &str, map: &[Range]| {
        let lines: String = map.iter().map(|(inside, outside, count)| format!("{inside} {outside} {count}\n")).collect();
        file::write_kernel_file(Path::new(&format!("/proc/{pid}/{name}")), &lines)
    };
    write("uid_map", uids).and_then(|()| write("gid_map", gids))
}

/// Those of users and groups that the calling process lives under.
pub fn own_maps() -> Result<(Vec<Range>, Vec<Range>), Errno> {
    maps_in("self")
}

/// Those of another process, as they are for us.
pub fn maps_of(pid: i32) -> Result<(Vec<Range>, Vec<Range>), Errno> {
    maps_in(&pid.to_string())
}

fn maps_in(process: &str) -> Result<(Vec<Range>, Vec<Range>), Errno> {
    let read = |name: &str| {
        let text = file::read_bounded(Path::new(&format!("/proc/{process}/{name}")), 1 << 16)?;
        let line = |line: &str| {
            let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().ok());
            Some((numbers.next()??, numbers.next()??, numbers.next()??))
        };
        String::from_utf8_lossy(&text).lines().map(|text| line(text).ok_or(Errno::EINVAL)).collect::<Result<Vec<Range>, Errno>>()
    };
    Ok((read("uid_map")?, read("gid_map")?))
}

/// A user namespace that nobody lives in: only its maps are wanted, for a mount whose files have other owners on disk.
pub fn with_maps(uids: &[Range], gids: &[Range]) -> Result<OwnedFd, Errno> {
    let unmapped = Unmapped::new()?;
    write_maps(unmapped.pid, uids, gids)?;
    unmapped.hold()
}

/// A new user namespace whose maps are still to be written, by its only process, which waits for its end.
pub struct Unmapped {
    pub pid: i32,
    keeper: Option<OwnedFd>,
}

impl Unmapped {
    pub fn new() -> Result<Unmapped, Errno> {
        let (gate, keeper) = file::pipe()?;
        match process::clone3(namespace::USER, None)? {
            Forked::Child => {
                drop(keeper);
                // Until the maps are written and somebody holds the namespace, which ends with its last process else.
                let _ = file::read(gate.as_fd(), &mut [0]);
                process::exit_now(0)
            }
            Forked::Parent { pid, .. } => Ok(Unmapped { pid, keeper: Some(keeper) }),
        }
    }

    /// From now on it lives as long as the descriptor.
    pub fn hold(self) -> Result<OwnedFd, Errno> {
        open(self.pid)
    }
}

impl Drop for Unmapped {
    fn drop(&mut self) {
        // Then it ends, and can be waited for.
        drop(self.keeper.take());
        let _ = process::wait(self.pid);
    }
}

/// Whoever is not root maps himself alone, and gives up changing groups: user_namespaces(7).
pub fn write_own_map(pid: i32, uid: &[Range], gid: &[Range]) -> Result<(), Errno> {
    file::write_kernel_file(Path::new(&format!("/proc/{pid}/setgroups")), "deny")?;
    write_maps(pid, uid, gid)
}

/// That of a process.
pub fn open(pid: i32) -> Result<OwnedFd, Errno> {
    file::open(Path::new(&format!("/proc/{pid}/ns/user")), OFlag::O_RDONLY)
}

/// The number by which the kernel tells namespaces apart, while they live.
pub fn number_of(namespace: BorrowedFd) -> Result<u64, Errno> {
    nix::sys::stat::fstat(namespace).map(|about| about.st_ino)
}

/// The same, of the namespace that a process lives in; `None`: nobody of ours, or nobody at all.
pub fn number_of_process(pid: i32) -> Option<u64> {
    let link = std::fs::read_link(format!("/proc/{pid}/ns/user")).ok()?;
    link.to_str()?.strip_prefix("user:[")?.strip_suffix(']')?.parse().ok()
}

/// Who has made it, and so has all power over it from outside.
pub fn owner_of(namespace: BorrowedFd) -> Result<u32, Errno> {
    const NS_GET_OWNER_UID: libc::c_ulong = 0xb704;
    let mut uid: libc::uid_t = 0;
    // SAFETY: the kernel writes one number.
    Errno::result(unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_OWNER_UID as _, &raw mut uid) })?;
    Ok(uid)
}

/// The number of the one that it was made in. EPERM: it is none of ours, nor of those that were made in ours.
pub fn parent_of(namespace: BorrowedFd) -> Result<u64, Errno> {
    const NS_GET_PARENT: libc::c_ulong = 0xb702;
    // SAFETY: no argument; the kernel gives a new descriptor.
    let parent = Errno::result(unsafe { libc::ioctl(namespace.as_raw_fd(), NS_GET_PARENT as _) })?;
    // SAFETY: the kernel has just made it for us.
    number_of(unsafe { OwnedFd::from_raw_fd(parent) }.as_fd())
}

/// Whether we live in the machine's first one, where every user is who he is. The kernel has given it this number for ever. Whoever
/// is about to leave it for another one asks afterwards: the answer is kept.
pub fn is_initial() -> bool {
    const FIRST: u64 = 0xeffffffd;
    static IS_INITIAL: OnceLock<bool> = OnceLock::new();
    *IS_INITIAL.get_or_init(|| number_of_process(process::own_pid()).is_none_or(|number| number == FIRST))
}

/// Whether the machine is ours: an ordinary user is not its root, and the root of a namespace is not either. Also after we have
/// become somebody in a container: the answer is kept.
pub fn is_machine_s_root() -> bool {
    static IS_ROOT: OnceLock<bool> = OnceLock::new();
    *IS_ROOT.get_or_init(|| nix::unistd::geteuid().is_root() && is_initial())
}

/// Whether a file of ours can belong to this user.
pub fn has_user(uid: u32) -> bool {
    is_in(&maps().0, uid)
}

pub fn has_group(gid: u32) -> bool {
    is_in(&maps().1, gid)
}

pub fn count_of_users() -> u64 {
    count(&maps().0)
}

pub fn count_of_groups() -> u64 {
    count(&maps().1)
}

fn count(map: &[Range]) -> u64 {
    map.iter().map(|(_, _, count)| u64::from(*count)).sum()
}

pub fn is_in(map: &[Range], id: u32) -> bool {
    map.iter().any(|(inside, _, count)| id >= *inside && id - inside < *count)
}

/// Ours, which cannot change any more.
fn maps() -> &'static (Vec<Range>, Vec<Range>) {
    static MAPS: OnceLock<(Vec<Range>, Vec<Range>)> = OnceLock::new();
    MAPS.get_or_init(|| own_maps().unwrap_or_default())
}

/// Who a user of ours is outside.
pub fn outside(uid: u32) -> Option<u32> {
    find_outside(&own_maps().ok()?.0, uid)
}

pub fn outside_of_group(gid: u32) -> Option<u32> {
    find_outside(&maps().1, gid)
}

fn find_outside(map: &[Range], uid: u32) -> Option<u32> {
    map.iter().find(|(inside, _, count)| uid >= *inside && uid - inside < *count).map(|(inside, outside, _)| outside + (uid - inside))
}

/// Whether the groups of a process are what they are here: nobody may have them changed who mapped only himself. Asked by whoever
/// comes into it, and not again: a process that is about to become somebody in a container opens no file any more.
pub fn groups_are_fixed() -> bool {
    static ARE_FIXED: OnceLock<bool> = OnceLock::new();
    *ARE_FIXED.get_or_init(|| file::read_bounded(Path::new("/proc/self/setgroups"), 16).is_ok_and(|text| text.starts_with(b"deny")))
}

/// We go over to it, become its root, and get mounts of our own, which belong to it and so may be changed. We have no threads.
pub fn become_root_of(namespace: BorrowedFd) -> Result<(), Errno> {
    process::join(namespace, namespace::USER)?;
    let root = (nix::unistd::Gid::from_raw(0), nix::unistd::Uid::from_raw(0));
    nix::unistd::setresgid(root.0, root.0, root.0)?;
    nix::unistd::setresuid(root.1, root.1, root.1)?;
    have_own_mounts()
}

/// The same for whoever stays who he is in it: he has all power there until he executes something.
pub fn go_over_to(namespace: BorrowedFd) -> Result<(), Errno> {
    process::join(namespace, namespace::USER)?;
    have_own_mounts()
}

fn have_own_mounts() -> Result<(), Errno> {
    process::unshare(namespace::MOUNT)?;
    // The change of the user has hidden us from our like, who look for the namespace in /proc.
    nix::sys::prctl::set_dumpable(true)
}
