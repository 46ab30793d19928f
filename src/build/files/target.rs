//! Where files go: a path in the image, found or made.

use crate::build::files::look::Look;
use crate::build::files::real_path::{RealPath, real_path};
use crate::build::files::select::{Pick, What};
use crate::build::files::walk::or_itself;
use crate::error::{Context, Error, Result};
use crate::image::shown_bytes;
use crate::sys::Errno;
use crate::sys::beneath::{self, Directory};
use std::os::fd::AsFd;

/// As an instruction names it.
pub struct Target {
    /// From the root.
    path: String,
    /// It ends in a slash, or in a dot.
    is_directory: bool,
}

/// Where one pick lands.
pub struct Landing {
    /// A directory that is there, by its real path.
    pub directory: Vec<u8>,
    /// For a single file: its name in it.
    pub called: Option<Vec<u8>>,
}

impl Target {
    pub fn of(written: &str, workdir: &str) -> Target {
        let last = written.rsplit('/').next().unwrap_or_default();
        let path = if written.starts_with('/') { written.to_owned() } else { format!("{workdir}/{written}") };
        Target { path, is_directory: matches!(last, "" | "." | "..") }
    }

    /// Makes the directories that it needs. `several`: whether other files go to the same target.
    pub fn land(&self, root: &Directory, pick: &Pick, several: bool, owner: (u32, u32)) -> Result<Landing> {
        let found = real_path(root, self.path.as_bytes()).map_err(|errno| self.unusable(errno))?;
        let is_directory = found.look.map(|look| look.is_directory());
        match &pick.what {
            What::Content | What::WithParents if is_directory == Some(false) => {
                Err(Error::conflict(format!("cannot copy the directory {:?} to {}", pick.named, self.path))
                    .because("there is something that is no directory"))
            }
            What::Content | What::WithParents => self.inside(root, found, owner, None),
            What::File { called } if self.is_directory || is_directory == Some(true) => {
                if is_directory == Some(false) {
                    return Err(self.unusable(Errno::ENOTDIR));
                }
                self.inside(root, found, owner, Some(called.clone()))
            }
            What::File { .. } if several => Err(Error::usage(format!("several files cannot all become {}", self.path))
                .because("it is no directory")
                .hint(format!("end it with a slash: {}/", self.path))),
            What::File { .. } => {
                let (above, name) = split(&found.path);
                if name.is_empty() {
                    return Err(self.unusable(Errno::EISDIR));
                }
                make_directories(root, above, owner)?;
                Ok(Landing { directory: above.to_vec(), called: Some(name.to_vec()) })
            }
        }
    }

    /// What is in an archive goes into a directory, whatever ends its name.
    pub fn land_archive(&self, root: &Directory, owner: (u32, u32)) -> Result<Directory> {
        let found = real_path(root, self.path.as_bytes()).map_err(|errno| self.unusable(errno))?;
        make_directories(root, &found.path, owner)?;
        root.directory(or_itself(&found.path)).map_err(|errno| self.unusable(errno))
    }

    fn inside(&self, root: &Directory, found: RealPath, owner: (u32, u32), called: Option<Vec<u8>>) -> Result<Landing> {
        make_directories(root, &found.path, owner)?;
        Ok(Landing { directory: found.path, called })
    }

    fn unusable(&self, errno: Errno) -> Error {
        let what = format!("cannot copy to {}", self.path);
        match errno {
            Errno::ENOTDIR => Error::conflict(what).because("a file is where a directory is meant"),
            Errno::ELOOP => Error::conflict(what).because("too many symlinks lead to each other"),
            errno => Error::from_errno(what, errno),
        }
    }
}

/// A directory with those above it, found as a program in there would find it.
pub fn make_directory(root: &Directory, path: &str, owner: (u32, u32)) -> Result<()> {
    let found = real_path(root, path.as_bytes()).map_err(|errno| Error::from_errno(format!("cannot make the directory {path}"), errno))?;
    make_directories(root, &found.path, owner)
}

/// A directory with those above it, by a real path; what is there stays as it is.
pub fn make_directories(root: &Directory, path: &[u8], owner: (u32, u32)) -> Result<()> {
    let what = || format!("cannot make the directory /{}", shown_bytes(path));
    match root.look(or_itself(path)) {
        Ok(about) if Look::of(&about).is_directory() => return Ok(()),
        Ok(_) => return Err(Error::conflict(what()).because("a file is there")),
        Err(Errno::ENOENT) => {}
        Err(e) => return Err(Error::from_errno(what(), e)),
    }
    let (above, name) = split(path);
    make_directories(root, above, owner)?;
    let parent = root.directory(or_itself(above)).with_context(what)?;
    parent.make_directory(name).with_context(what)?;
    let made = parent.directory(name).with_context(what)?;
    beneath::set_owner(made.as_fd(), owner.0, owner.1).with_context(what)?;
    beneath::set_mode(made.as_fd(), 0o755).with_context(what)
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}
