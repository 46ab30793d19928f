//! Reading a tree without ever leaving it: what is in a directory, what its files hold, and what is attached to them.

use super::{Directory, Held, STRICT, proc_path};
use nix::errno::Errno;
use nix::fcntl::{OFlag, ResolveFlag};
use nix::sys::stat::{self, FileStat};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// Names of attributes of one file fit in this (XATTR_LIST_MAX), and so does a value (XATTR_SIZE_MAX).
const LONGEST: usize = 64 << 10;

/// Name and value.
pub type Attribute = (Vec<u8>, Vec<u8>);

impl Directory {
    /// A directory as a program whose root this one is would find it: symlinks are followed inside.
    pub fn directory_inside(&self, name: &[u8]) -> Result<Directory, Errno> {
        let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        self.open(name, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0, resolve).map(Directory)
    }

    /// What lies at a path below, held without being opened. Symlinks are followed as long as they stay below; EXDEV otherwise.
    pub fn hold_below(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        self.open(name, OFlag::O_PATH, 0, ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS)
    }

    /// A file to read; ELOOP when it is a symlink. Never waits on a fifo.
    pub fn open_to_read(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        self.open(name, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY, 0, STRICT)
    }

    /// The names in it, in no order.
    pub fn names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        self.names_within(usize::MAX, 0)
    }

    /// The same; E2BIG where they have more than so many bytes, with so many for each beside its letters.
    pub fn names_within(&self, most: usize, overhead: usize) -> Result<Vec<Vec<u8>>, Errno> {
        let errno = |e: std::io::Error| e.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        let (mut names, mut room) = (Vec::new(), most);
        for entry in std::fs::read_dir(self.proc_path()).map_err(errno)? {
            let name = entry.map_err(errno)?.file_name().into_vec();
            room = room.checked_sub(name.len() + overhead).ok_or(Errno::E2BIG)?;
            names.push(name);
        }
        Ok(names)
    }

    /// The names in it that do not begin with a dot, in no order: by the descriptor alone, also for one who cannot look into /proc.
    pub fn file_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        let mut directory =
            nix::dir::Dir::openat(&self.0, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, stat::Mode::empty())?;
        let names = directory.iter().map(|entry| Ok(entry?.file_name().to_bytes().to_vec()));
        names.filter(|name: &Result<Vec<u8>, Errno>| !name.as_ref().is_ok_and(|name| name.starts_with(b"."))).collect()
    }

    /// The names of the directories in it, in no order; symlinks are none.
    pub fn directory_names(&self) -> Result<Vec<Vec<u8>>, Errno> {
        let errno = |e: std::io::Error| e.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.proc_path()).map_err(errno)? {
            let entry = entry.map_err(errno)?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                all.push(entry.file_name().into_vec());
            }
        }
        Ok(all)
    }

    /// The directory itself, only held.
    pub fn hold_itself(&self) -> Result<Held, Errno> {
        self.open(b".", OFlag::O_PATH, 0, STRICT).map(Held)
    }
}

impl Held {
    /// The very file that is held, to read: nobody can have put something else under its name. Only for files; a device would start.
    pub fn open_to_read(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        nix::fcntl::open(&proc_path(self.0.as_fd()), flags, stat::Mode::empty())
    }

    /// What it says, if it is a symlink.
    pub fn link_text(&self) -> Result<Vec<u8>, Errno> {
        nix::fcntl::readlinkat(self.0.as_fd(), "").map(OsStringExt::into_vec)
    }

    pub fn about(&self) -> Result<FileStat, Errno> {
        stat::fstat(self.0.as_fd())
    }

    /// Names and values of its extended attributes. By way of /proc, because flistxattr(2) refuses descriptors that are only
    /// held; the link in /proc leads to the very inode.
    pub fn attributes(&self) -> Result<Vec<Attribute>, Errno> {
        let path = CString::new(proc_path(self.0.as_fd()).into_os_string().as_bytes()).map_err(|_| Errno::EINVAL)?;
        let found = names_of(&path)?.into_iter().map(|name| Ok(value_of(&path, &name)?.map(|value| (name.into_bytes(), value))));
        found.filter_map(Result::transpose).collect()
    }
}

fn names_of(path: &CStr) -> Result<Vec<CString>, Errno> {
    let mut names = vec![0u8; LONGEST];
    // SAFETY: the path is a C string, and the buffer is as long as we say.
    match Errno::result(unsafe { libc::listxattr(path.as_ptr(), names.as_mut_ptr().cast(), names.len()) }) {
        Ok(length) => names.truncate(usize::try_from(length).unwrap_or(0)),
        // This file system keeps none.
        Err(Errno::EOPNOTSUPP) => names.clear(),
        Err(e) => return Err(e),
    }
    Ok(names.split(|byte| *byte == 0).filter(|name| !name.is_empty()).filter_map(|name| CString::new(name).ok()).collect())
}

/// `None`: gone meanwhile, or listed by a file system that does not give it out.
fn value_of(path: &CStr, name: &CStr) -> Result<Option<Vec<u8>>, Errno> {
    let mut value = vec![0u8; LONGEST];
    // SAFETY: both names are C strings, and the buffer is as long as we say.
    match Errno::result(unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) }) {
        Ok(length) => {
            value.truncate(usize::try_from(length).unwrap_or(0));
            Ok(Some(value))
        }
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(None),
        Err(e) => Err(e),
    }
}
