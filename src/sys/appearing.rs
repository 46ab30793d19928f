//! A file for a person that appears under its name when it is whole, and not at all if it never is.
//!
//! Until then it has no name (O_TMPFILE), so nothing is left of it when its writer is killed. Where a file system knows no such
//! files it has a name of its own beside the final one.

use super::file;
use nix::errno::Errno;
use nix::fcntl::{self, AT_FDCWD, AtFlags, OFlag};
use nix::sys::stat::Mode;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};

pub struct Appearing {
    file: File,
    /// Where it goes; `None`: to a device or a pipe, which is written as it comes.
    target: Option<PathBuf>,
    /// The name that it has meanwhile.
    beside: PathBuf,
    is_named: bool,
}

impl Appearing {
    /// What is there under this name stays until the end, and is then replaced.
    pub fn begin(path: &Path) -> Result<Appearing, Errno> {
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(Errno::EISDIR),
            Ok(found) if !found.is_file() => {
                let fd = file::open(path, OFlag::O_WRONLY | OFlag::O_NOCTTY)?;
                return Ok(Appearing { file: File::from(fd), target: None, beside: PathBuf::new(), is_named: false });
            }
            _ => {}
        }
        // Behind a symlink the file is replaced, and not the symlink.
        let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let directory = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = target.file_name().ok_or(Errno::EINVAL)?.to_string_lossy();
        let beside = directory.join(format!(".{name:.200}.new{}", std::process::id()));
        let nameless = fcntl::open(directory, OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::from_bits_truncate(0o600));
        let (fd, is_named) = match nameless {
            Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL) => {
                (file::create(&beside, OFlag::O_WRONLY | OFlag::O_EXCL, 0o600)?, true)
            }
            other => (other?, false),
        };
        Ok(Appearing { file: File::from(fd), target: Some(target), beside, is_named })
    }

    /// From now on it has its name, also after a power cut.
    pub fn finish(mut self) -> Result<(), Errno> {
        let Some(target) = self.target.take() else { return Ok(()) };
        file::sync_data(self.file.as_fd())?;
        if self.is_named {
            file::rename(&self.beside, &target)?;
            self.is_named = false;
            return Ok(());
        }
        match self.link(&target) {
            Err(Errno::EEXIST) => self.replace(&target),
            other => other,
        }
    }

    fn link(&self, name: &Path) -> Result<(), Errno> {
        let open = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        nix::unistd::linkat(AT_FDCWD, open.as_str(), AT_FDCWD, name, AtFlags::AT_SYMLINK_FOLLOW)
    }

    /// A link replaces nothing, so the file has a second name for the moment before its rename. Who is killed in that moment
    /// leaves it behind; the name is always the same, so the next one that writes this file takes it away.
    fn replace(&self, target: &Path) -> Result<(), Errno> {
        let name = target.file_name().ok_or(Errno::EINVAL)?.to_string_lossy();
        let beside = target.with_file_name(format!(".{name:.200}.new"));
        while let Err(errno) = self.link(&beside) {
            match errno {
                Errno::EEXIST => file::remove_file(&beside).or_else(|errno| if errno == Errno::ENOENT { Ok(()) } else { Err(errno) })?,
                other => return Err(other),
            }
        }
        match file::rename(&beside, target) {
            // Another writer of the same file took ours away: its own, whole as well, stands there as if written just after.
            Err(Errno::ENOENT) => Ok(()),
            other => other,
        }
    }
}

impl Write for Appearing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Appearing {
    fn drop(&mut self) {
        if self.is_named {
            let _ = file::remove_file(&self.beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_appears_when_it_is_whole_and_else_what_was_there_stays() {
        let dir = std::env::temp_dir().join(format!("tare-appearing-{}", std::process::id()));
        let _ = file::remove_tree(&dir);
        file::make_dirs(&dir, 0o700).unwrap();
        let path = dir.join("archive");
        let names = || std::fs::read_dir(&dir).unwrap().count();
        let mut first = Appearing::begin(&path).unwrap();
        first.write_all(b"half").unwrap();
        assert_eq!(names(), usize::from(first.is_named));
        drop(first);
        assert_eq!(names(), 0);
        for text in ["one", "other"] {
            let mut file = Appearing::begin(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.finish().unwrap();
            assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), names()), (text, 1));
        }
        assert_eq!(Appearing::begin(&dir).err(), Some(Errno::EISDIR));
        assert_eq!(Appearing::begin(&dir.join("missing/archive")).err(), Some(Errno::ENOENT));
        std::fs::write(dir.join(".archive.new"), "of one who was killed").unwrap();
        Appearing::begin(&path).unwrap().finish().unwrap();
        assert_eq!(names(), 1);
        Appearing::begin(Path::new("/dev/null")).unwrap().finish().unwrap();
        file::remove_tree(&dir).unwrap();
    }
}
