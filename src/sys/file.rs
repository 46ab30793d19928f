//! Files as the engine uses them: opened once, passed on as descriptors, closed on exec.

pub use crate::sys::removal::remove_tree;
use nix::errno::Errno;
pub use nix::fcntl::OFlag;
use nix::fcntl::{self, AT_FDCWD};
use nix::sys::stat::{self, Mode, SFlag};
use std::ffi::CStr;
use std::io::{IoSlice, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Every descriptor we open is closed by exec: what a container gets is handed over on purpose, never by neglect.
pub fn open(path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    // openat: musl's open asks for the descriptor to be closed by exec a second time, by a call of its own.
    fcntl::openat(AT_FDCWD, path, flags | OFlag::O_CLOEXEC, Mode::empty())
}

pub fn open_dir(path: &Path) -> Result<OwnedFd, Errno> {
    open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY)
}

pub fn open_dev_null() -> Result<OwnedFd, Errno> {
    open(Path::new("/dev/null"), OFlag::O_RDWR)
}

pub fn create(path: &Path, flags: OFlag, mode: u32) -> Result<OwnedFd, Errno> {
    fcntl::openat(AT_FDCWD, path, flags | OFlag::O_CLOEXEC | OFlag::O_CREAT, Mode::from_bits_truncate(mode))
}

/// Writes all of `bytes` in one call where the kernel takes them (cgroup and map files insist on one).
pub fn write_all(fd: BorrowedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match nix::unistd::write(fd, bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Writes an existing file of the kernel's (cgroup, proc, sys): no creation, no truncation.
pub fn write_kernel_file(path: &Path, text: &str) -> Result<(), Errno> {
    let fd = open(path, OFlag::O_WRONLY)?;
    write_all(fd.as_fd(), text.as_bytes())
}

/// The same, beneath an open directory.
pub fn write_kernel_file_at(dir: BorrowedFd, name: &str, text: &str) -> Result<(), Errno> {
    let fd = fcntl::openat(dir, name, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    write_all(fd.as_fd(), text.as_bytes())
}

/// The same with a path of several parts, which no symlink and no mount can lead elsewhere.
pub fn write_kernel_file_beneath(dir: BorrowedFd, path: &str, text: &str) -> Result<(), Errno> {
    use nix::fcntl::{OpenHow, ResolveFlag};
    let stay = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    let fd = fcntl::openat2(dir, path, OpenHow::new().flags(OFlag::O_WRONLY | OFlag::O_CLOEXEC).resolve(stay))?;
    write_all(fd.as_fd(), text.as_bytes())
}

pub fn read_at(dir: BorrowedFd, name: &str) -> Result<String, Errno> {
    let fd = fcntl::openat(dir, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    let mut text = String::new();
    std::fs::File::from(fd).read_to_string(&mut text).map_err(|e| errno(&e))?;
    Ok(text)
}

/// Reads a file that somebody else wrote: never waits on a fifo, never follows into more than `limit` bytes.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, Errno> {
    read_bounded_from(open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY)?, limit)
}

pub fn read_bounded_from(fd: OwnedFd, limit: u64) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    read_bounded_into(fd, limit, &mut bytes)?;
    Ok(bytes)
}

/// The same into a buffer that was used before.
pub fn read_bounded_into(fd: OwnedFd, limit: u64, bytes: &mut Vec<u8>) -> Result<(), Errno> {
    let kind = stat::fstat(fd.as_fd())?;
    if SFlag::from_bits_truncate(kind.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(Errno::EINVAL);
    }
    if kind.st_size as u64 > limit {
        return Err(Errno::EFBIG);
    }
    // With room for one byte more, because a read that ends before it has met the end: one call for each of a thousand records.
    bytes.resize(kind.st_size as usize + 1, 0);
    let mut length = 0;
    loop {
        let count = read(fd.as_fd(), &mut bytes[length..])?;
        length += count;
        if count == 0 || length < bytes.len() {
            bytes.truncate(length);
            return Ok(());
        }
        // It has grown since.
        if length as u64 > limit {
            return Err(Errno::EFBIG);
        }
        bytes.resize(length * 2, 0);
    }
}

/// Copies a file's content into an empty one; holes stay holes (lseek(2), SEEK_DATA), and file systems that can share blocks do.
pub fn copy_content(from: OwnedFd, to: BorrowedFd) -> Result<(), Errno> {
    use nix::unistd::{Whence, lseek};
    let mut from = std::fs::File::from(from);
    let mut to = std::fs::File::from(duplicate(to)?);
    let end = stat::fstat(from.as_fd())?.st_size;
    let mut at = 0;
    while at < end {
        let data = match lseek(from.as_fd(), at, Whence::SeekData) {
            Ok(data) => data,
            // Nothing but a hole is left.
            Err(Errno::ENXIO) => break,
            Err(e) => return Err(e),
        };
        at = lseek(from.as_fd(), data, Whence::SeekHole)?;
        lseek(from.as_fd(), data, Whence::SeekSet)?;
        lseek(to.as_fd(), data, Whence::SeekSet)?;
        std::io::copy(&mut (&mut from).take((at - data) as u64), &mut to).map_err(|e| errno(&e))?;
    }
    nix::unistd::ftruncate(&to, end)
}

/// What a file system can still take from us: bytes, and files (0 where it does not count them).
pub struct FreeRoom {
    pub bytes: u64,
    pub files: u64,
}

#[allow(clippy::unnecessary_cast, reason = "the fields' types differ between C libraries")]
pub fn free_room(path: &Path) -> Result<FreeRoom, Errno> {
    let found = nix::sys::statvfs::statvfs(path)?;
    Ok(FreeRoom { bytes: found.blocks_available() as u64 * found.fragment_size() as u64, files: found.files_available() as u64 })
}

/// Lets the disk begin with what was written here, and does not wait: whoever syncs later has less to wait for.
#[allow(unsafe_code)]
pub fn begin_write_back(fd: BorrowedFd, offset: u64, length: u64) {
    // SAFETY: takes a descriptor that is open, and numbers. It is advice: a file system that cannot do it needs no answer.
    unsafe { libc::sync_file_range(fd.as_raw_fd(), offset as libc::off64_t, length as libc::off64_t, libc::SYNC_FILE_RANGE_WRITE) };
}

/// Reads at a place, without moving where others read the same open file.
pub fn read_at_offset(fd: BorrowedFd, buffer: &mut [u8], offset: u64) -> Result<usize, Errno> {
    let place = i64::try_from(offset).map_err(|_| Errno::EFBIG)?;
    loop {
        match nix::sys::uio::pread(fd, buffer, place) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

pub fn sync_data(fd: BorrowedFd) -> Result<(), Errno> {
    nix::unistd::fdatasync(fd)
}

pub fn sync_dir(path: &Path) -> Result<(), Errno> {
    nix::unistd::fsync(open_dir(path)?)
}

pub fn rename(from: &Path, to: &Path) -> Result<(), Errno> {
    fcntl::renameat(AT_FDCWD, from, AT_FDCWD, to)
}

pub fn make_dir(path: &Path, mode: u32) -> Result<(), Errno> {
    nix::unistd::mkdir(path, Mode::from_bits_truncate(mode))
}

/// Makes a directory and those above it; one that exists is fine.
pub fn make_dirs(path: &Path, mode: u32) -> Result<(), Errno> {
    match make_dir(path, mode) {
        Ok(()) => Ok(()),
        Err(Errno::EEXIST) if path.is_dir() => Ok(()),
        // Somebody has removed it between the two looks.
        Err(Errno::EEXIST) if path.symlink_metadata().is_err() => make_dirs(path, mode),
        Err(Errno::ENOENT) => {
            let above = path.parent().ok_or(Errno::ENOENT)?;
            make_dirs(above, mode)?;
            match make_dir(path, mode) {
                Err(Errno::EEXIST) => Ok(()),
                other => other,
            }
        }
        Err(e) => Err(e),
    }
}

pub fn remove_dir(path: &Path) -> Result<(), Errno> {
    match nix::unistd::unlinkat(AT_FDCWD, path, nix::unistd::UnlinkatFlags::RemoveDir) {
        Err(Errno::ENOENT) => Ok(()),
        other => other,
    }
}

/// Removes a name; one that is gone already is fine.
pub fn remove_file(path: &Path) -> Result<(), Errno> {
    match nix::unistd::unlink(path) {
        Err(Errno::ENOENT) => Ok(()),
        other => other,
    }
}

/// Fails with EEXIST if the name is taken: this is how a container's name is claimed without a lock.
pub fn make_symlink(target: &str, path: &Path) -> Result<(), Errno> {
    nix::unistd::symlinkat(target, AT_FDCWD, path)
}

/// Whether `path` leads to the open file.
pub fn has_name(fd: BorrowedFd, path: &Path) -> bool {
    match (stat::fstat(fd), stat::lstat(path)) {
        (Ok(open), Ok(named)) => (open.st_dev, open.st_ino) == (named.st_dev, named.st_ino),
        _ => false,
    }
}

pub fn length(fd: BorrowedFd) -> Result<u64, Errno> {
    Ok(stat::fstat(fd)?.st_size as u64)
}

pub fn is_regular_file(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|m| m.is_file())
}

/// Whether we may; for a file that only says so when it is tried.
pub fn may_write(path: &Path) -> bool {
    nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_ok()
}

/// Whether it is a file that somebody may execute (root may whatever one of the three may).
pub fn may_execute(path: &CStr) -> Result<(), Errno> {
    let found = stat::stat(path)?;
    match SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG if found.st_mode & 0o111 != 0 => Ok(()),
        _ => Err(Errno::EACCES),
    }
}

/// Both ends close on exec.
pub fn pipe() -> Result<(OwnedFd, OwnedFd), Errno> {
    nix::unistd::pipe2(OFlag::O_CLOEXEC)
}

pub fn set_nonblocking(fd: BorrowedFd) -> Result<(), Errno> {
    let flags = OFlag::from_bits_truncate(fcntl::fcntl(fd, fcntl::FcntlArg::F_GETFL)?);
    fcntl::fcntl(fd, fcntl::FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).map(drop)
}

/// Lets a descriptor survive exec; the reaper's status pipe is the only one that needs it.
pub fn keep_on_exec(fd: BorrowedFd) -> Result<(), Errno> {
    fcntl::fcntl(fd, fcntl::FcntlArg::F_SETFD(fcntl::FdFlag::empty())).map(drop)
}

pub fn read(fd: BorrowedFd, buffer: &mut [u8]) -> Result<usize, Errno> {
    loop {
        match nix::unistd::read(fd, buffer) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

pub fn write(fd: BorrowedFd, buffer: &[u8]) -> Result<usize, Errno> {
    loop {
        match nix::unistd::write(fd, buffer) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

pub fn write_vectored(fd: BorrowedFd, parts: &[IoSlice]) -> Result<usize, Errno> {
    loop {
        match nix::sys::uio::writev(fd, parts) {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

/// 32 bytes from the kernel's random source, as hex: a container's id.
pub fn random_id() -> Result<String, Errno> {
    let mut hex = String::with_capacity(64);
    for byte in random_bytes::<32>()? {
        hex.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        hex.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    Ok(hex)
}

/// From the kernel's random source; few of them, so that they come in one piece.
#[allow(unsafe_code)]
pub fn random_bytes<const COUNT: usize>() -> Result<[u8; COUNT], Errno> {
    let mut bytes = [0u8; COUNT];
    // By number: the standard library refers to the C function weakly, and link-time optimisation makes our reference weak too.
    // SAFETY: the buffer is ours and as long as we say.
    let got = unsafe { libc::syscall(libc::SYS_getrandom, bytes.as_mut_ptr(), bytes.len(), 0) };
    Errno::result(got).map(|_| bytes)
}

/// A descriptor that we were handed by number (standard streams, inherited sockets).
///
/// A duplicate is made, so that dropping it never closes the caller's.
pub fn duplicate(fd: BorrowedFd) -> Result<OwnedFd, Errno> {
    duplicate_above(fd, 3)
}

/// A name below an open directory, symlinks followed.
pub fn exists_beneath(dir: BorrowedFd, name: &CStr) -> bool {
    stat::fstatat(dir, name, nix::fcntl::AtFlags::empty()).is_ok()
}

/// The number that the kernel will give to the next descriptor: the lowest that is free.
pub fn next_number(any: BorrowedFd) -> Result<i32, Errno> {
    nix::unistd::dup(any).map(|fd| std::os::fd::AsRawFd::as_raw_fd(&fd))
}

/// The same, with a number not below `lowest`.
#[allow(unsafe_code)]
pub fn duplicate_above(fd: BorrowedFd, lowest: i32) -> Result<OwnedFd, Errno> {
    let raw = fcntl::fcntl(fd, fcntl::FcntlArg::F_DUPFD_CLOEXEC(lowest))?;
    // SAFETY: fcntl has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

fn errno(e: &std::io::Error) -> Errno {
    e.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// The name of a path for messages and for C.
pub fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub fn change_owner(path: &Path, uid: u32, gid: u32) -> Result<(), Errno> {
    nix::unistd::chown(path, Some(nix::unistd::Uid::from_raw(uid)), Some(nix::unistd::Gid::from_raw(gid)))
}

pub fn change_owner_of(fd: BorrowedFd, uid: u32, gid: u32) -> Result<(), Errno> {
    nix::unistd::fchown(fd, Some(nix::unistd::Uid::from_raw(uid)), Some(nix::unistd::Gid::from_raw(gid)))
}

pub fn is_dir(fd: BorrowedFd) -> Result<bool, Errno> {
    Ok(SFlag::from_bits_truncate(stat::fstat(fd)?.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR)
}

/// The permission bits.
pub fn mode(fd: BorrowedFd) -> Result<u32, Errno> {
    Ok(stat::fstat(fd)?.st_mode & 0o7777)
}

pub fn change_mode(path: &Path, mode: u32) -> Result<(), Errno> {
    stat::fchmodat(AT_FDCWD, path, Mode::from_bits_truncate(mode), stat::FchmodatFlags::FollowSymlink)
}

/// An extended attribute of what the path leads to.
#[allow(unsafe_code)]
pub fn set_attribute(path: &Path, name: &str, value: &[u8]) -> Result<(), Errno> {
    let (path, name) = (c_string(bytes_of(path))?, c_string(name.as_bytes())?);
    // SAFETY: both names are C strings, and the value is as long as we say.
    Errno::result(unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) }).map(drop)
}

pub fn has_attribute(path: &Path, name: &str) -> bool {
    attribute(path, name).is_ok()
}

/// How long it is; ENODATA: there is none, EOPNOTSUPP: there can be none.
#[allow(unsafe_code)]
pub fn attribute(path: &Path, name: &str) -> Result<usize, Errno> {
    let (path, name) = (c_string(bytes_of(path))?, c_string(name.as_bytes())?);
    // SAFETY: both names are C strings; without a buffer the kernel only tells the length.
    let length = Errno::result(unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), std::ptr::null_mut(), 0) })?;
    Ok(length as usize)
}

fn c_string(bytes: &[u8]) -> Result<std::ffi::CString, Errno> {
    std::ffi::CString::new(bytes).map_err(|_| Errno::EINVAL)
}

/// One that pipe(2) made, and no fifo that has a name: that is a file of somebody's.
#[allow(clippy::unnecessary_cast, reason = "the field's type differs between C libraries")]
pub fn is_pipe(fd: BorrowedFd) -> Result<bool, Errno> {
    const PIPEFS_MAGIC: i64 = 0x5049_5045;
    Ok(nix::sys::statfs::fstatfs(fd)?.filesystem_type().0 as i64 == PIPEFS_MAGIC)
}

/// Descriptors 0, 1 and 2: open from a program's start to its end.
#[allow(unsafe_code)]
pub fn standard_streams() -> [BorrowedFd<'static>; 3] {
    // SAFETY: nobody in this program closes them; where the caller had closed one, Rust's start has put /dev/null there.
    [0, 1, 2].map(|fd| unsafe { BorrowedFd::borrow_raw(fd) })
}
