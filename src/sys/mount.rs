//! Mounting: the old call for small file systems (it is the cheapest), the new ones where a tree is held by descriptor.

#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use nix::mount::MsFlags as Flags;

/// A new file system of `kind` at `target`.
pub fn file_system(kind: &str, source: &str, target: &Path, flags: Flags, data: &str) -> Result<(), Errno> {
    let data = (!data.is_empty()).then_some(data);
    nix::mount::mount(Some(source), target, Some(kind), flags, data)
}

/// Changes how a mount point hands mounts on (private, slave …).
pub fn set_propagation(target: &Path, flags: Flags) -> Result<(), Errno> {
    nix::mount::mount(None::<&str>, target, None::<&str>, flags, None::<&str>)
}

/// Makes what is mounted at `target` read-only, in this namespace only; everything else stays as it is.
pub fn close(target: &Path) -> Result<(), Errno> {
    set_attributes(open_target(target)?.as_fd(), false, attribute::READ_ONLY, 0, 0)
}

/// Gives what is mounted at `target` these flags and no others, in this namespace only.
pub fn remount(target: &Path, flags: Flags) -> Result<(), Errno> {
    nix::mount::mount(None::<&str>, target, None::<&str>, Flags::MS_REMOUNT | Flags::MS_BIND | flags, None::<&str>)
}

pub fn bind(source: &Path, target: &Path, flags: Flags) -> Result<(), Errno> {
    nix::mount::mount(Some(source), target, None::<&str>, Flags::MS_BIND | flags, None::<&str>)
}

/// Directories that overlay stacks below the one that is written to (OVL_MAX_STACK).
pub const MOST_LOWER: usize = 500;

/// An overlay whose options may be longer than the page that mount(2) takes: told piece by piece (kernel 6.8 and later).
pub fn long_overlay(lower: &[String], others: &[(String, String)], attributes: u64, target: &Path) -> Result<(), Errno> {
    let layers = lower.iter().map(|layer| ("lowerdir+", layer.as_str()));
    let others = others.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let tree = new_tree(c"overlay", layers.chain(others), attributes)?;
    let target = CString::new(target.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    move_mount(&tree, libc::AT_FDCWD, &target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS)
}

/// A new file system that is mounted nowhere, with its options told one by one; empty values are flags.
pub fn new_tree<'a>(kind: &CStr, options: impl Iterator<Item = (&'a str, &'a str)>, attributes: u64) -> Result<OwnedFd, Errno> {
    const FSCONFIG_SET_FLAG: libc::c_uint = 0;
    const FSCONFIG_SET_STRING: libc::c_uint = 1;
    const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
    const CLOSE_ON_EXEC: libc::c_uint = 1;
    // SAFETY: a C string and numbers; the result is a descriptor or an error.
    let fs = Errno::result(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), CLOSE_ON_EXEC) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    let fs = unsafe { OwnedFd::from_raw_fd(fs as i32) };
    let set = |command: libc::c_uint, key: Option<&str>, value: Option<&str>| -> Result<(), Errno> {
        let key = key.map(CString::new).transpose().map_err(|_| Errno::EINVAL)?;
        let value = value.map(CString::new).transpose().map_err(|_| Errno::EINVAL)?;
        let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        // SAFETY: the strings live until the call returns.
        let result = unsafe { libc::syscall(libc::SYS_fsconfig, fs.as_raw_fd(), command, pointer(&key), pointer(&value), 0) };
        Errno::result(result).map(drop)
    };
    for (key, value) in options {
        match value.is_empty() {
            true => set(FSCONFIG_SET_FLAG, Some(key), None)?,
            false => set(FSCONFIG_SET_STRING, Some(key), Some(value))?,
        }
    }
    set(FSCONFIG_CMD_CREATE, None, None)?;
    // SAFETY: numbers; the result is a descriptor or an error.
    let tree = Errno::result(unsafe { libc::syscall(libc::SYS_fsmount, fs.as_raw_fd(), CLOSE_ON_EXEC, attributes) })?;
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(tree as i32) })
}

/// A procfs of this process's pid namespace that is mounted nowhere, so that nobody can have mounted anything over its files.
pub fn private_proc() -> Result<OwnedFd, Errno> {
    new_tree(c"proc", std::iter::empty(), 0)
}

/// A copy of the mount that holds `path`, from `path` on, attached nowhere: it can be carried past pivot_root.
pub fn detached_copy(path: &Path, recursive: bool) -> Result<OwnedFd, Errno> {
    open_tree(libc::AT_FDCWD, path, if recursive { libc::AT_RECURSIVE as libc::c_uint } else { 0 })
}

/// A directory that can be looked into and no more: it cannot be written, and `..` leads nowhere, because it is a mount's root.
pub fn dead_end(path: &Path) -> Result<OwnedFd, Errno> {
    let tree = detached_copy(path, false)?;
    set_attributes(tree.as_fd(), false, attribute::READ_ONLY, 0, 0)?;
    Ok(tree)
}

/// A copy of an open file's mount.
pub fn detached_copy_of(fd: BorrowedFd) -> Result<OwnedFd, Errno> {
    detached_tree_of(fd, false)
}

/// The same with what is mounted below.
pub fn detached_tree_of(fd: BorrowedFd, recursive: bool) -> Result<OwnedFd, Errno> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    open_tree(fd.as_raw_fd(), Path::new(""), flags as libc::c_uint)
}

fn open_tree(dir: i32, path: &Path, flags: libc::c_uint) -> Result<OwnedFd, Errno> {
    const OPEN_TREE_CLONE: libc::c_uint = 1;
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let flags = flags | OPEN_TREE_CLONE | libc::O_CLOEXEC as libc::c_uint;
    // SAFETY: the path is a C string; the result is a descriptor or an error.
    let fd = unsafe { libc::syscall(libc::SYS_open_tree, dir, path.as_ptr(), flags) };
    // SAFETY: the kernel has just made this descriptor for us.
    Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// By which other calls can look at an open tree.
pub fn path_of(tree: BorrowedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", tree.as_raw_fd()))
}

/// Attributes for `set_attributes`.
pub mod attribute {
    pub const READ_ONLY: u64 = 1;
    pub const NO_SUID: u64 = 2;
    pub const NO_DEV: u64 = 4;
    pub const NO_EXEC: u64 = 8;
    /// Three ways to keep access times in three bits; none of them set is `relatime`.
    pub const ACCESS_TIME_MASK: u64 = 0x70;
    pub const NO_ACCESS_TIME: u64 = 0x10;
    pub const STRICT_ACCESS_TIME: u64 = 0x20;
    pub const NO_DIR_ACCESS_TIME: u64 = 0x80;
    pub const NO_SYMLINKS: u64 = 0x20_0000;
}

/// Sets and clears attributes of a detached tree; `propagation` in mount(2)'s bits, 0: unchanged.
pub fn set_attributes(tree: BorrowedFd, recursive: bool, set: u64, clear: u64, propagation: u64) -> Result<(), Errno> {
    change(tree, recursive, &MountAttributes { set, clear, propagation, user_namespace: 0 })
}

/// The owners of files are seen through a tree as the map of a user namespace says (MOUNT_ATTR_IDMAP); EINVAL where the file
/// system cannot.
pub fn map_owners(tree: BorrowedFd, recursive: bool, user_namespace: BorrowedFd) -> Result<(), Errno> {
    const MOUNT_ATTR_IDMAP: u64 = 0x0010_0000;
    let user_namespace = user_namespace.as_raw_fd() as u64;
    change(tree, recursive, &MountAttributes { set: MOUNT_ATTR_IDMAP, clear: 0, propagation: 0, user_namespace })
}

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

fn change(tree: BorrowedFd, recursive: bool, attributes: &MountAttributes) -> Result<(), Errno> {
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    let attributes: *const MountAttributes = attributes;
    // SAFETY: the structure has the kernel's shape and lives until the call returns.
    let result =
        unsafe { libc::syscall(libc::SYS_mount_setattr, tree.as_raw_fd(), c"".as_ptr(), flags, attributes, size_of::<MountAttributes>()) };
    Errno::result(result).map(drop)
}

/// Hangs a detached tree over `target`.
pub fn attach(tree: OwnedFd, target: &Path) -> Result<(), Errno> {
    let target = CString::new(target.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    move_mount(&tree, libc::AT_FDCWD, &target, MOVE_MOUNT_F_EMPTY_PATH)
}

/// Hangs a detached tree over an open file or directory: no name is looked up again, so nobody can exchange it.
pub fn attach_over(tree: OwnedFd, target: BorrowedFd) -> Result<(), Errno> {
    move_mount(&tree, target.as_raw_fd(), c"", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
}

const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 4;
const MOVE_MOUNT_T_SYMLINKS: libc::c_uint = 0x10;
const MOVE_MOUNT_T_EMPTY_PATH: libc::c_uint = 0x40;

fn move_mount(tree: &OwnedFd, dir: i32, target: &CStr, flags: libc::c_uint) -> Result<(), Errno> {
    // SAFETY: both names are C strings; the call takes numbers besides.
    let result = unsafe { libc::syscall(libc::SYS_move_mount, tree.as_raw_fd(), c"".as_ptr(), dir, target.as_ptr(), flags) };
    Errno::result(result).map(drop)
}

/// Takes away what is mounted at `target`; whoever still uses it goes on.
pub fn unmount(target: &Path) -> Result<(), Errno> {
    nix::mount::umount2(target, MntFlags::MNT_DETACH)
}

/// The current directory becomes the root, and what was the root is gone: pivot_root(2) onto itself, then unmount what lies below.
pub fn pivot_root_here() -> Result<(), Errno> {
    nix::unistd::pivot_root(".", ".")?;
    nix::mount::umount2(".", MntFlags::MNT_DETACH)
}

/// The same where the root is an initramfs, which pivot_root refuses: the new root is moved over the old one.
pub fn move_root_here() -> Result<(), Errno> {
    nix::mount::mount(Some("."), "/", None::<&str>, MsFlags::MS_MOVE, None::<&str>)?;
    nix::unistd::chroot(".")
}

/// chroot(2), and into it.
pub fn change_root(path: &Path) -> Result<(), Errno> {
    nix::unistd::chroot(path)?;
    nix::unistd::chdir("/")
}

/// The same to a directory that is open, which may lie outside of the present root.
pub fn change_root_to(dir: BorrowedFd) -> Result<(), Errno> {
    nix::unistd::fchdir(dir)?;
    nix::unistd::chroot(".")
}

pub fn change_dir(path: &Path) -> Result<(), Errno> {
    nix::unistd::chdir(path)
}

pub fn change_dir_to(directory: BorrowedFd) -> Result<(), Errno> {
    nix::unistd::fchdir(directory)
}

/// Opens a mount point below the root without following links of /proc: nothing is opened for reading or writing.
pub fn open_target(path: &Path) -> Result<OwnedFd, Errno> {
    use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
    let how = OpenHow::new().flags(OFlag::O_PATH | OFlag::O_CLOEXEC).resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS);
    openat2(nix::fcntl::AT_FDCWD, path, how)
}

/// Makes a device node with exactly this mode; the umask must be 0.
pub fn make_device(path: &Path, character: bool, mode: u32, major: u64, minor: u64) -> Result<(), Errno> {
    use nix::sys::stat::{Mode, SFlag, makedev, mknod};
    let kind = if character { SFlag::S_IFCHR } else { SFlag::S_IFBLK };
    mknod(path, kind, Mode::from_bits_truncate(mode), makedev(major, minor))
}

pub fn set_umask(mask: u32) -> u32 {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(mask)).bits()
}

/// Major and minor number of what `stat` calls `rdev`.
pub fn device_numbers(rdev: u64) -> (u64, u64) {
    (nix::sys::stat::major(rdev), nix::sys::stat::minor(rdev))
}

/// Whether the descriptor is the null device (1:3), whatever its name says (CVE-2025-31133).
pub fn is_null_device(fd: BorrowedFd) -> Result<bool, Errno> {
    use nix::sys::stat::{SFlag, fstat, makedev};
    let found = fstat(fd)?;
    Ok(SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFCHR && found.st_rdev == makedev(1, 3))
}

/// Whether a path lies on a file system of this kind (a magic number of statfs(2)).
#[allow(clippy::unnecessary_cast, reason = "the field's type differs between C libraries")]
pub fn lies_on(path: &Path, magic: i64) -> bool {
    nix::sys::statfs::statfs(path).is_ok_and(|found| found.filesystem_type().0 as i64 == magic)
}

pub const CGROUP2_MAGIC: i64 = 0x6367_7270;
pub const PROC_MAGIC: i64 = 0x9fa0;

/// Whether a file lies on a mount that cannot be written: then it needs no further protection.
pub fn is_read_only(path: &Path) -> Result<bool, Errno> {
    Ok(nix::sys::statvfs::statvfs(path)?.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY))
}

/// Whether nobody gains anything by executing it, although it is setuid. Nobody who cannot even look at it does.
pub fn ignores_setuid(program: &Path) -> bool {
    nix::sys::statvfs::statvfs(program).is_ok_and(|about| about.flags().contains(nix::sys::statvfs::FsFlags::ST_NOSUID))
}

/// Whether no file that lies there can be executed.
pub fn executes_nothing(path: &Path) -> bool {
    nix::sys::statvfs::statvfs(path).is_ok_and(|about| about.flags().contains(nix::sys::statvfs::FsFlags::ST_NOEXEC))
}

/// How cgroup2 is mounted: `nsdelegate` and its like. Who mounts it once more in the machine's own view of groups sets them anew
/// for everybody, cgroups(7).
pub fn cgroup2_settings() -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let settings = mounts.lines().find_map(|line| line.split_once(" - cgroup2 ")?.1.split(' ').nth(1));
    settings.into_iter().flat_map(|settings| settings.split(',')).filter(|word| !["rw", "ro"].contains(word)).map(str::to_owned).collect()
}

/// Where cgroup2 is mounted: alone, or beside cgroup v1's controllers (hybrid).
pub fn cgroup2() -> Option<&'static Path> {
    ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].into_iter().map(Path::new).find(|path| lies_on(path, CGROUP2_MAGIC))
}
