//! `--cidfile`: a new file that tells scripts the id of the container that was made.

use crate::error::{Error, Result};
use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

/// Taken before the container is made, so that of two commands with the same file one fails at once; gone again with this
/// value, unless an id was written that stays true.
pub struct IdFile {
    path: PathBuf,
    fd: OwnedFd,
    keep: bool,
}

impl IdFile {
    pub fn take(path: Option<PathBuf>) -> Result<Option<IdFile>> {
        let Some(path) = path else { return Ok(None) };
        match file::create(&path, OFlag::O_WRONLY | OFlag::O_EXCL, 0o644) {
            Ok(fd) => Ok(Some(IdFile { path, fd, keep: false })),
            Err(Errno::EEXIST) => Err(Error::conflict(format!("the file {} exists already", path.display()))
                .because("it may hold the id of another container")
                .hint("remove it if that container is not needed any more, or name another file with --cidfile")),
            Err(errno) => Err(Error::from_errno(format!("cannot make {} (--cidfile)", path.display()), errno)),
        }
    }

    pub fn write(&mut self, id: &str) -> Result<()> {
        file::write_all(self.fd.as_fd(), id.as_bytes())
            .map_err(|errno| Error::from_errno(format!("cannot write {} (--cidfile)", self.path.display()), errno))
    }

    /// The container it names is there.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for IdFile {
    fn drop(&mut self) {
        if !self.keep {
            let _ = file::remove_file(&self.path);
        }
    }
}
