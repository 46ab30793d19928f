//! A directory from which no name leads out: what archives and images say about paths is looked up here, by the kernel.
//!
//! Every name is resolved by openat2(2) with RESOLVE_BENEATH, so `..`, absolute names and symlinks cannot leave, whatever
//! somebody else does to the tree meanwhile. Nothing here looks at a path as text.

#![allow(unsafe_code)]

mod reading;
mod rooted;

use nix::errno::Errno;
use nix::fcntl::{self, AtFlags, OFlag, OpenHow, ResolveFlag};
pub use nix::sys::stat::FileStat;
use nix::sys::stat::{self, Mode, SFlag, UtimensatFlags};
use nix::sys::time::TimeSpec;
use nix::unistd::{self, Gid, Uid, UnlinkatFlags};
pub use reading::Attribute;
use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// An open directory; every operation is relative to it and stays beneath it.
#[derive(Debug)]
pub struct Directory(OwnedFd);

/// What a special file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    Character(u32, u32),
    Block(u32, u32),
    Fifo,
}

/// Seconds since 1970 and nanoseconds.
pub type Moment = (i64, u32);

/// On top of what the caller wants: no symlink is followed at all, not even one that stays beneath.
const STRICT: ResolveFlag = ResolveFlag::RESOLVE_BENEATH.union(ResolveFlag::RESOLVE_NO_MAGICLINKS).union(ResolveFlag::RESOLVE_NO_SYMLINKS);

impl Directory {
    /// The directory itself is named by us, not by an archive.
    pub fn open_root(path: &Path) -> Result<Directory, Errno> {
        super::file::open_dir(path).map(Directory)
    }

    /// One in a container's root, where we are.
    pub fn open_inside_root(path: &Path) -> Result<Directory, Errno> {
        super::inside::open(path, OFlag::O_RDONLY | OFlag::O_DIRECTORY).map(Directory)
    }

    fn open(&self, name: &[u8], flags: OFlag, mode: u32, resolve: ResolveFlag) -> Result<OwnedFd, Errno> {
        let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).mode(Mode::from_bits_truncate(mode)).resolve(resolve);
        loop {
            // EAGAIN: something was renamed during the walk and the kernel could not prove that it stayed beneath (openat2(2)).
            match fcntl::openat2(&self.0, OsStr::from_bytes(name), how) {
                Err(Errno::EAGAIN | Errno::EINTR) => {}
                other => return other,
            }
        }
    }

    /// A directory below; ELOOP when a symlink lies on the way.
    pub fn directory(&self, name: &[u8]) -> Result<Directory, Errno> {
        // Without O_NOFOLLOW, which would turn the clear ELOOP into ENOTDIR; RESOLVE_NO_SYMLINKS does its work.
        self.open(name, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0, STRICT).map(Directory)
    }

    /// A file to read, as a program whose root this directory is would find it: symlinks are followed inside. Never waits on a fifo.
    pub fn open_inside(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        self.open(name, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY, 0, resolve)
    }

    /// A new file to write; EEXIST when the name is taken, also by a symlink.
    pub fn new_file(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        self.new_file_with(name, 0o600)
    }

    /// The same with another mode, of which the caller's umask may take something.
    pub fn new_file_with(&self, name: &[u8], mode: u32) -> Result<OwnedFd, Errno> {
        self.open(name, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW, mode, STRICT)
    }

    /// What lies at `name`, held without being opened: no device starts, no fifo waits.
    pub fn hold(&self, name: &[u8]) -> Result<Held, Errno> {
        // RESOLVE_NO_SYMLINKS with O_PATH and O_NOFOLLOW still yields a symlink that is the last component (openat2(2)).
        self.open(name, OFlag::O_PATH | OFlag::O_NOFOLLOW, 0, STRICT).map(Held)
    }

    pub fn look(&self, name: &[u8]) -> Result<FileStat, Errno> {
        stat::fstat(self.hold(name)?.0.as_fd())
    }

    /// What lies directly in it; names that are gone again before they could be looked at are left out.
    pub fn entries(&self) -> Result<Vec<(Vec<u8>, FileStat)>, Errno> {
        let mut all = Vec::new();
        // A descriptor of its own, because reading moves its position.
        let mut listed = nix::dir::Dir::from_fd(self.directory(b".")?.0)?;
        for entry in listed.iter() {
            let name = entry?.file_name().to_bytes().to_vec();
            if name == b"." || name == b".." {
                continue;
            }
            if let Ok(about) = stat::fstatat(&self.0, OsStr::from_bytes(&name), AtFlags::AT_SYMLINK_NOFOLLOW) {
                all.push((name, about));
            }
        }
        Ok(all)
    }

    // The calls below have no RESOLVE flags. They take one component only, and none of them follows it.

    pub fn make_directory(&self, name: &[u8]) -> Result<(), Errno> {
        stat::mkdirat(&self.0, one(name)?, Mode::from_bits_truncate(0o755))
    }

    pub fn make_symlink(&self, name: &[u8], target: &[u8]) -> Result<(), Errno> {
        unistd::symlinkat(OsStr::from_bytes(target), &self.0, one(name)?)
    }

    /// What a symlink says; it is not followed.
    pub fn read_link(&self, name: &[u8]) -> Result<Vec<u8>, Errno> {
        fcntl::readlinkat(&self.0, one(name)?).map(|link| link.into_encoded_bytes())
    }

    pub fn make_node(&self, name: &[u8], node: Node) -> Result<(), Errno> {
        let (kind, device) = match node {
            Node::Character(major, minor) => (SFlag::S_IFCHR, stat::makedev(major.into(), minor.into())),
            Node::Block(major, minor) => (SFlag::S_IFBLK, stat::makedev(major.into(), minor.into())),
            Node::Fifo => (SFlag::S_IFIFO, 0),
        };
        stat::mknodat(&self.0, one(name)?, kind, Mode::from_bits_truncate(0o600), device)
    }

    /// A second name for what is called `old` in `from`; a symlink gets the second name itself, it is not followed.
    pub fn make_link(&self, name: &[u8], from: &Directory, old: &[u8]) -> Result<(), Errno> {
        unistd::linkat(&from.0, one(old)?, &self.0, one(name)?, AtFlags::empty())
    }

    /// Removes an empty directory.
    pub fn remove_directory(&self, name: &[u8]) -> Result<(), Errno> {
        unistd::unlinkat(&self.0, one(name)?, UnlinkatFlags::RemoveDir)
    }

    /// Removes whatever has this name, with all that is in it.
    pub fn remove(&self, name: &[u8]) -> Result<(), Errno> {
        let name = one(name)?;
        match unistd::unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir) {
            Err(Errno::EISDIR | Errno::EPERM) => super::file::remove_tree(&self.proc_path().join(name)),
            other => other,
        }
    }

    pub fn set_time(&self, name: &[u8], modified: Moment) -> Result<(), Errno> {
        let time = time_spec(modified);
        stat::utimensat(&self.0, one(name)?, &time, &time, UtimensatFlags::NoFollowSymlink)
    }

    /// Flushes the file system that holds this directory.
    pub fn sync_file_system(&self) -> Result<(), Errno> {
        // SAFETY: takes a descriptor that is open.
        Errno::result(unsafe { libc::syncfs(self.0.as_raw_fd()) }).map(drop)
    }

    fn proc_path(&self) -> PathBuf {
        proc_path(self.0.as_fd())
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// One component, or EINVAL: this is what keeps the calls without RESOLVE flags in their directory.
fn one(name: &[u8]) -> Result<&OsStr, Errno> {
    match name {
        b"" | b"." | b".." => Err(Errno::EINVAL),
        name if name.contains(&b'/') || name.contains(&0) => Err(Errno::EINVAL),
        name => Ok(OsStr::from_bytes(name)),
    }
}

/// Something in a tree, of any kind, by an O_PATH descriptor.
#[derive(Debug)]
pub struct Held(OwnedFd);

impl Held {
    pub fn set_owner(&self, uid: u32, gid: u32) -> Result<(), Errno> {
        unistd::fchownat(&self.0, "", Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::AT_EMPTY_PATH)
    }

    /// Through /proc: fchmod(2) refuses O_PATH descriptors, and fchmodat(2) follows symlinks. The link in /proc leads to the very inode.
    pub fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        stat::fchmodat(fcntl::AT_FDCWD, &proc_path(self.0.as_fd()), bits(mode), stat::FchmodatFlags::FollowSymlink)
    }

    pub fn set_attribute(&self, name: &[u8], value: &[u8]) -> Result<(), Errno> {
        let path = CString::new(proc_path(self.0.as_fd()).into_os_string().as_bytes()).map_err(|_| Errno::EINVAL)?;
        let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
        // SAFETY: both names are C strings, and the value is as long as we say.
        let result = unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
        Errno::result(result).map(drop)
    }

    /// One that is not there is fine.
    pub fn remove_attribute(&self, name: &[u8]) -> Result<(), Errno> {
        let path = CString::new(proc_path(self.0.as_fd()).into_os_string().as_bytes()).map_err(|_| Errno::EINVAL)?;
        let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
        // SAFETY: both names are C strings.
        match Errno::result(unsafe { libc::removexattr(path.as_ptr(), name.as_ptr()) }) {
            Ok(_) | Err(Errno::ENODATA) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Of a symlink its own: the link in /proc leads to the very inode, and is the only one that is followed.
    pub fn set_time(&self, modified: Moment) -> Result<(), Errno> {
        let time = time_spec(modified);
        stat::utimensat(fcntl::AT_FDCWD, &proc_path(self.0.as_fd()), &time, &time, UtimensatFlags::FollowSymlink)
    }
}

/// What is open here.
pub fn about(fd: BorrowedFd) -> Result<FileStat, Errno> {
    stat::fstat(fd)
}

pub fn set_owner(fd: BorrowedFd, uid: u32, gid: u32) -> Result<(), Errno> {
    unistd::fchown(fd, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))
}

/// With setuid, setgid and sticky; after the owner, because a change of owner takes the first two away (chown(2)).
pub fn set_mode(fd: BorrowedFd, mode: u32) -> Result<(), Errno> {
    stat::fchmod(fd, bits(mode))
}

/// After the owner, because a change of owner takes security.capability away.
pub fn set_attribute(fd: BorrowedFd, name: &[u8], value: &[u8]) -> Result<(), Errno> {
    let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
    // SAFETY: the name is a C string, and the value is as long as we say.
    let result = unsafe { libc::fsetxattr(fd.as_raw_fd(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    Errno::result(result).map(drop)
}

pub fn set_time(fd: BorrowedFd, modified: Moment) -> Result<(), Errno> {
    let time = time_spec(modified);
    stat::futimens(fd, &time, &time)
}

/// Makes a file as long as it should be; what was not written reads as zeros and takes no room.
pub fn set_length(fd: BorrowedFd, length: u64) -> Result<(), Errno> {
    unistd::ftruncate(fd, i64::try_from(length).map_err(|_| Errno::EFBIG)?)
}

/// Writes at a place, all of it.
pub fn write_at(fd: BorrowedFd, mut bytes: &[u8], mut offset: u64) -> Result<(), Errno> {
    while !bytes.is_empty() {
        let place = i64::try_from(offset).map_err(|_| Errno::EFBIG)?;
        match nix::sys::uio::pwrite(fd, bytes, place) {
            Ok(written) => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
            Err(Errno::EINTR) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

fn bits(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode & 0o7777)
}

fn time_spec((seconds, nanoseconds): Moment) -> TimeSpec {
    TimeSpec::new(seconds, i64::from(nanoseconds))
}

fn proc_path(fd: BorrowedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> (PathBuf, Directory) {
        let path = std::env::temp_dir().join(format!("tare-beneath-{name}-{}", std::process::id()));
        let _ = super::super::file::remove_tree(&path);
        super::super::file::make_dirs(&path.join("root"), 0o755).unwrap();
        let root = Directory::open_root(&path.join("root")).unwrap();
        (path, root)
    }

    #[test]
    fn no_name_leads_out() {
        let (path, root) = scratch("out");
        root.make_symlink(b"away", path.as_os_str().as_bytes()).unwrap();
        root.make_symlink(b"up", b"..").unwrap();
        assert_eq!(root.directory(b"../").unwrap_err(), Errno::EXDEV);
        assert_eq!(root.directory(b"/tmp").unwrap_err(), Errno::EXDEV);
        assert_eq!(root.directory(b"away").unwrap_err(), Errno::ELOOP);
        assert_eq!(root.new_file(b"up/made").unwrap_err(), Errno::ELOOP);
        assert_eq!(root.new_file(b"away").unwrap_err(), Errno::EEXIST);
        for name in [&b".."[..], b"a/b", b"", b"."] {
            assert_eq!(root.make_directory(name).unwrap_err(), Errno::EINVAL);
            assert_eq!(root.remove(name).unwrap_err(), Errno::EINVAL);
        }
        super::super::file::remove_tree(&path).unwrap();
    }

    #[test]
    fn a_program_s_root_follows_its_own_links() {
        let (path, root) = scratch("inside");
        root.make_directory(b"etc").unwrap();
        let fd = root.directory(b"etc").unwrap().new_file(b"passwd").unwrap();
        super::super::file::write_all(fd.as_fd(), b"here").unwrap();
        root.make_symlink(b"link", b"/../../etc/passwd").unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut std::fs::File::from(root.open_inside(b"link").unwrap()), &mut text).unwrap();
        assert_eq!(text, "here");
        super::super::file::remove_tree(&path).unwrap();
    }

    #[test]
    fn removing_takes_the_symlink_and_not_what_it_means() {
        let (path, root) = scratch("remove");
        super::super::file::make_dirs(&path.join("victim/deep"), 0o755).unwrap();
        root.make_directory(b"tree").unwrap();
        root.directory(b"tree").unwrap().make_symlink(b"link", path.join("victim").as_os_str().as_bytes()).unwrap();
        root.remove(b"tree").unwrap();
        assert!(root.look(b"tree").is_err() && path.join("victim/deep").is_dir());
        super::super::file::remove_tree(&path).unwrap();
    }
}
