//! Files below a directory that somebody else filled: every name is resolved by the kernel, which never leaves the directory.
//!
//! A path from an archive may hold `..`, and what lies on its way may be a symlink to anywhere. `openat2` with
//! RESOLVE_IN_ROOT treats the directory as if it were the root; from there on only descriptors and single names are used.

#![allow(unsafe_code)]

use crate::sys::file::{OFlag, open_dir};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, fchmod, fchmodat, fstat, fstatat, futimens, makedev, mkdirat, mknodat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, LinkatFlags, Uid, UnlinkatFlags, fchown, fchownat, linkat, symlinkat, unlinkat};
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

pub struct Root(OwnedFd);

/// What lies under a name, no link followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Directory,
    Other,
}

impl Root {
    pub fn open(path: &Path) -> Result<Root, Errno> {
        open_dir(path).map(Root)
    }
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// A directory below; links on the way are followed as if ours were the root.
    pub fn directory(&self, path: &Path) -> Result<OwnedFd, Errno> {
        self.resolve(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY)
    }

    /// The same, with what is missing made.
    pub fn directory_made(&self, path: &Path) -> Result<OwnedFd, Errno> {
        match self.directory(path) {
            Err(Errno::ENOENT) => {}
            other => return other,
        }
        let mut here = openat(&self.0, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let mut so_far = std::path::PathBuf::new();
        for part in path.components() {
            let Component::Normal(name) = part else { continue };
            so_far.push(name);
            here = match self.directory(&so_far) {
                Err(Errno::ENOENT) => {
                    mkdirat(&here, name, Mode::from_bits_truncate(0o755))?;
                    self.directory(&so_far)?
                }
                other => other?,
            };
        }
        Ok(here)
    }

    fn resolve(&self, path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        loop {
            match openat2(&self.0, path, how) {
                // Something below was renamed meanwhile; the kernel asks for another try.
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                other => return other,
            }
        }
    }
}

pub fn kind_of(dir: BorrowedFd, name: &OsStr) -> Result<Option<Kind>, Errno> {
    match fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(found) if SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR => Ok(Some(Kind::Directory)),
        Ok(_) => Ok(Some(Kind::Other)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// A new file, for writing; the name must be free.
pub fn new_file(dir: BorrowedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(dir, name, flags, Mode::from_bits_truncate(0o600))
}

pub fn new_directory(dir: BorrowedFd, name: &OsStr) -> Result<(), Errno> {
    mkdirat(dir, name, Mode::from_bits_truncate(0o755))
}

pub fn open_directory(dir: BorrowedFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    openat(dir, name, OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())
}

pub fn new_symlink(target: &OsStr, dir: BorrowedFd, name: &OsStr) -> Result<(), Errno> {
    symlinkat(target, dir, name)
}

/// A further name for a file; a symlink gets one itself and is not followed.
pub fn new_link(from_dir: BorrowedFd, from: &OsStr, dir: BorrowedFd, name: &OsStr) -> Result<(), Errno> {
    linkat(from_dir, from, dir, name, LinkatFlags::empty())
}

/// What `new_node` makes.
#[derive(Clone, Copy)]
pub enum Node {
    Fifo,
    Character(u64, u64),
    Block(u64, u64),
}

pub fn new_node(dir: BorrowedFd, name: &OsStr, node: Node) -> Result<(), Errno> {
    let (kind, device) = match node {
        Node::Fifo => (SFlag::S_IFIFO, 0),
        Node::Character(major, minor) => (SFlag::S_IFCHR, makedev(major, minor)),
        Node::Block(major, minor) => (SFlag::S_IFBLK, makedev(major, minor)),
    };
    mknodat(dir, name, kind, Mode::from_bits_truncate(0o600), device)
}

/// Removes whatever has this name, a directory with all that is in it.
pub fn remove(dir: BorrowedFd, name: &OsStr) -> Result<(), Errno> {
    match unlinkat(dir, name, UnlinkatFlags::NoRemoveDir) {
        Err(Errno::EISDIR | Errno::EPERM) => {}
        Err(Errno::ENOENT) => return Ok(()),
        other => return other,
    }
    empty(open_directory(dir, name)?)?;
    unlinkat(dir, name, UnlinkatFlags::RemoveDir)
}

/// Removes everything in a directory.
pub fn empty(dir: OwnedFd) -> Result<(), Errno> {
    let mut listing = nix::dir::Dir::from_fd(nix::unistd::dup(&dir)?)?;
    let names: Vec<CString> = listing.iter().flatten().map(|entry| entry.file_name().to_owned()).collect();
    for name in names.iter().filter(|name| !matches!(name.to_bytes(), b"." | b"..")) {
        remove(dir.as_fd(), OsStr::from_bytes(name.to_bytes()))?;
    }
    Ok(())
}

/// Owner, then mode: a change of owner takes setuid away.
pub fn set_owner_and_mode(fd: BorrowedFd, uid: u32, gid: u32, mode: u32) -> Result<(), Errno> {
    fchown(fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    fchmod(fd, Mode::from_bits_truncate(mode))
}

/// The same by name, for what cannot be opened without a deed; links are not followed (and have no mode).
pub fn set_owner_and_mode_at(dir: BorrowedFd, name: &OsStr, uid: u32, gid: u32, mode: Option<u32>) -> Result<(), Errno> {
    fchownat(dir, name, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::AT_SYMLINK_NOFOLLOW)?;
    match mode {
        Some(mode) => fchmodat(dir, name, Mode::from_bits_truncate(mode), nix::sys::stat::FchmodatFlags::FollowSymlink),
        None => Ok(()),
    }
}

pub fn set_time(fd: BorrowedFd, seconds: i64, nanoseconds: i64) -> Result<(), Errno> {
    let time = TimeSpec::new(seconds, nanoseconds);
    futimens(fd, &time, &time)
}

pub fn set_time_at(dir: BorrowedFd, name: &OsStr, seconds: i64, nanoseconds: i64) -> Result<(), Errno> {
    let time = TimeSpec::new(seconds, nanoseconds);
    utimensat(dir, name, &time, &time, UtimensatFlags::NoFollowSymlink)
}

pub fn set_attribute(fd: BorrowedFd, name: &OsStr, value: &[u8]) -> Result<(), Errno> {
    let name = CString::new(name.as_bytes()).map_err(|_| Errno::EINVAL)?;
    // SAFETY: a C string, and as many bytes as we say.
    Errno::result(unsafe { libc::fsetxattr(fd.as_raw_fd(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) }).map(drop)
}

/// The file's type and permission bits.
pub fn mode_of(fd: BorrowedFd) -> Result<u32, Errno> {
    Ok(fstat(fd)?.st_mode)
}

/// Everything written to this file system is on the disk when it returns.
pub fn sync_file_system(fd: BorrowedFd) -> Result<(), Errno> {
    nix::unistd::syncfs(fd)
}
