//! Names in a container's root, used by us who are in there already and still hold more than the container may.
//!
//! Symlinks and `..` stay inside by themselves. What does not are the links of /proc: `/proc/self/fd/N` is whatever we have open,
//! and `/proc/1/root` is the host where the container sees its processes. An image that has such a link in the way (its WORKDIR,
//! its /dev, the directory of a mount point) would let us write on the host (CVE-2024-21626). So none is ever followed here.

use super::file;
use super::mount::{Flags, open_target};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{self, Mode, SFlag};
use nix::unistd::{self, Gid, Uid, UnlinkatFlags};
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;

/// A name in a directory that is open.
struct Entry<'a> {
    above: OwnedFd,
    name: &'a OsStr,
}

impl Entry<'_> {
    fn of(path: &Path) -> Result<Entry<'_>, Errno> {
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Err(Errno::EINVAL) };
        Ok(Entry { above: open_target(above)?, name })
    }

    fn without_its_file(self) -> Result<Self, Errno> {
        match unistd::unlinkat(&self.above, self.name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(self),
            Err(errno) => Err(errno),
        }
    }
}

pub fn open(path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    open_how(path, OpenHow::new().flags(flags | OFlag::O_CLOEXEC))
}

pub fn create(path: &Path, flags: OFlag, mode: u32) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlag::O_CLOEXEC | OFlag::O_CREAT;
    open_how(path, OpenHow::new().flags(flags).mode(Mode::from_bits_truncate(mode)))
}

/// To read, and to write behind its end: only what lies in the root's own file system, by no link and below no other mount. Not waited for.
pub fn open_of_root_alone(path: &Path) -> Result<OwnedFd, Errno> {
    let alone = ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    let flags = OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    openat2(nix::fcntl::AT_FDCWD, path, OpenHow::new().flags(flags).resolve(alone))
}

fn open_how(path: &Path, how: OpenHow) -> Result<OwnedFd, Errno> {
    openat2(nix::fcntl::AT_FDCWD, path, how.resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS))
}

/// Makes a directory and those above it; what is there already is fine, whatever it is.
pub fn make_dirs(path: &Path, mode: u32) -> Result<(), Errno> {
    match open_target(path) {
        Err(Errno::ENOENT) => {}
        other => return other.map(drop),
    }
    make_dirs(path.parent().ok_or(Errno::ENOENT)?, mode)?;
    // A path that ends in `..` is there now, or never.
    let Some(_) = path.file_name() else { return open_target(path).map(drop) };
    let entry = Entry::of(path)?;
    match stat::mkdirat(&entry.above, entry.name, Mode::from_bits_truncate(mode)) {
        Err(Errno::EEXIST) => Ok(()),
        other => other,
    }
}

/// What a device file shall be.
#[derive(Clone, Copy)]
pub enum Node {
    Character(u64, u64),
    Block(u64, u64),
    Fifo,
}

/// In the place of what has this name, with exactly this mode; the umask must be 0.
pub fn replace_by_node(path: &Path, node: Node, mode: u32, owner: (u32, u32)) -> Result<(), Errno> {
    let entry = Entry::of(path)?.without_its_file()?;
    let (kind, major, minor) = match node {
        Node::Character(major, minor) => (SFlag::S_IFCHR, major, minor),
        Node::Block(major, minor) => (SFlag::S_IFBLK, major, minor),
        Node::Fifo => (SFlag::S_IFIFO, 0, 0),
    };
    stat::mknodat(&entry.above, entry.name, kind, Mode::from_bits_truncate(mode), stat::makedev(major, minor))?;
    if owner == (0, 0) {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
    unistd::fchownat(&entry.above, entry.name, Some(uid), Some(gid), nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW)
}

/// In the place of what has this name.
pub fn replace_by_link(path: &Path, target: &str) -> Result<(), Errno> {
    let entry = Entry::of(path)?.without_its_file()?;
    unistd::symlinkat(target, &entry.above, entry.name)
}

/// A new file system over an open file or directory: no name is looked up again, so nobody can exchange it.
pub fn mount_over(target: BorrowedFd, kind: &str, source: &str, flags: Flags, data: &str) -> Result<(), Errno> {
    unistd::fchdir(target)?;
    let data = (!data.is_empty()).then_some(data);
    let mounted = nix::mount::mount(Some(source), ".", Some(kind), flags, data);
    unistd::chdir("/")?;
    mounted
}

/// As `file::read_bounded`.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Errno> {
    file::read_bounded_from(open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY)?, limit)
}
