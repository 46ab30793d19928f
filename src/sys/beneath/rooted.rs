//! Names in somebody's root, looked up from outside: as a program whose root the directory is would find them, and no further.
//!
//! Symlinks and `..` are followed inside (RESOLVE_IN_ROOT), whoever exchanges what meanwhile; the links of /proc are not followed
//! at all (RESOLVE_NO_MAGICLINKS), because they lead to what a process has open and not to a name.

use super::{Directory, Held, one, proc_path};
use nix::errno::Errno;
use nix::fcntl::{OFlag, ResolveFlag};
use nix::sys::stat::{Mode, SFlag};
use nix::unistd::{self, UnlinkatFlags};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

const IN_ROOT: ResolveFlag = ResolveFlag::RESOLVE_IN_ROOT.union(ResolveFlag::RESOLVE_NO_MAGICLINKS);

impl Directory {
    /// One that was opened elsewhere.
    pub fn of(directory: OwnedFd) -> Directory {
        Directory(directory)
    }

    /// What lies at `name`, held without being opened; the last part of the name is not followed.
    pub fn hold_inside(&self, name: &[u8]) -> Result<Held, Errno> {
        self.open(name, OFlag::O_PATH | OFlag::O_NOFOLLOW, 0, IN_ROOT).map(Held)
    }

    /// The same with the last part followed, too: what a program finds there whose root this directory is.
    pub fn find_inside(&self, name: &[u8]) -> Result<Held, Errno> {
        self.open(name, OFlag::O_PATH, 0, IN_ROOT).map(Held)
    }

    /// Removes a name, and never a directory: what somebody has put there in place of a file stays, with EISDIR.
    pub fn unlink(&self, name: &[u8]) -> Result<(), Errno> {
        unistd::unlinkat(self.as_fd(), one(name)?, UnlinkatFlags::NoRemoveDir)
    }
}

impl Held {
    /// A directory that is held, to look up names in it.
    pub fn into_directory(self) -> Directory {
        Directory(self.0)
    }

    /// The very file that is held, to be written anew. Only for files; a device would start.
    pub fn open_to_overwrite(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlag::O_WRONLY | OFlag::O_TRUNC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        nix::fcntl::open(&proc_path(self.0.as_fd()), flags, Mode::empty())
    }

    pub fn is_regular_file(&self) -> bool {
        self.about().is_ok_and(|about| SFlag::from_bits_truncate(about.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG)
    }

    /// Whether its content is made by the kernel when somebody looks: there is nothing in it to be copied, and some of it waits,
    /// acts, or leads to what others have open.
    pub fn is_kernels_own(&self) -> Result<bool, Errno> {
        let kind = nix::sys::statfs::fstatfs(&self.0)?.filesystem_type();
        #[allow(clippy::unnecessary_cast, reason = "the field's type differs between C libraries")]
        Ok(OF_THE_KERNEL.contains(&(kind.0 as i64)))
    }

    /// Whether something is mounted at its place, in its own mount namespace. Asked because unlink(2) itself refuses only mount points
    /// of the namespace that we are in; of any other it takes the mount away.
    pub fn is_mount_point(&self) -> Result<bool, Errno> {
        // SAFETY: a structure of numbers, for which zero is a value.
        let mut about: libc::statx = unsafe { std::mem::zeroed() };
        // SAFETY: an open descriptor, a C string, and a structure of ours.
        let result = unsafe { libc::statx(self.0.as_raw_fd(), c"".as_ptr(), libc::AT_EMPTY_PATH, 0, &mut about) };
        Errno::result(result)?;
        Ok(about.stx_attributes & libc::STATX_ATTR_MOUNT_ROOT as u64 != 0)
    }

    /// Whether it lies on a mount or file system that cannot be written.
    pub fn is_read_only(&self) -> Result<bool, Errno> {
        Ok(nix::sys::statvfs::fstatvfs(&self.0)?.flags().contains(nix::sys::statvfs::FsFlags::ST_RDONLY))
    }
}

/// statfs(2): proc, sysfs, cgroup, cgroup2, devpts, mqueue, debugfs, tracefs, securityfs, bpf, configfs, pstore, efivarfs,
/// selinuxfs, smackfs, binfmt_misc, nsfs.
const OF_THE_KERNEL: [i64; 17] = [
    0x9fa0,
    0x6265_6572,
    0x0027_e0eb,
    0x6367_7270,
    0x1cd1,
    0x1980_0202,
    0x6462_6720,
    0x7472_6163,
    0x7363_6673,
    0xcafe_4a11,
    0x6265_6570,
    0x6165_676c,
    0xde5e_81e4,
    0xf97c_ff8c,
    0x4341_5d53,
    0x4249_4e4d,
    0x6e73_6673,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::file;

    #[test]
    fn a_name_is_found_where_the_root_s_own_programs_find_it() {
        let path = std::env::temp_dir().join(format!("tare-rooted-{}", std::process::id()));
        let _ = file::remove_tree(&path);
        file::make_dirs(&path.join("root/etc"), 0o755).unwrap();
        std::fs::write(path.join("root/etc/passwd"), "inside").unwrap();
        let root = Directory::open_root(&path.join("root")).unwrap();
        root.make_symlink(b"up", b"../../../../../../etc").unwrap();
        root.make_symlink(b"magic", b"/proc/self/root/etc/passwd").unwrap();
        let inode = |held: &Held| held.about().unwrap().st_ino;
        assert_eq!(inode(&root.hold_inside(b"/up/passwd").unwrap()), inode(&root.hold_inside(b"etc/passwd").unwrap()));
        assert_eq!(root.hold_inside(b"magic/x").unwrap_err(), Errno::ENOENT);
        assert!(root.hold_inside(b"magic").unwrap().link_text().unwrap().starts_with(b"/proc"));
        file::remove_tree(&path).unwrap();
        let host = Directory::open_root(std::path::Path::new("/")).unwrap();
        assert_eq!(host.hold_inside(b"/proc/self/root/etc").unwrap_err(), Errno::ELOOP);
        assert!(host.hold_inside(b"/proc").unwrap().is_mount_point().unwrap());
        assert!(!host.hold_inside(b"/proc/version").unwrap().is_mount_point().unwrap());
        assert!(host.hold_inside(b"/proc/version").unwrap().is_kernels_own().unwrap());
    }

    #[test]
    fn a_directory_is_never_unlinked() {
        let path = std::env::temp_dir().join(format!("tare-unlink-{}", std::process::id()));
        file::make_dirs(&path.join("directory"), 0o755).unwrap();
        let root = Directory::open_root(&path).unwrap();
        assert_eq!(root.unlink(b"directory"), Err(Errno::EISDIR));
        assert_eq!(root.unlink(b".."), Err(Errno::EINVAL));
        file::remove_tree(&path).unwrap();
    }
}
