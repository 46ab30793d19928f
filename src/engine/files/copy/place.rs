//! What a path means that somebody typed: looked up in an open root, the host's or a container's.

use crate::error::{Context, Error, Kind, Result};
use crate::sys::Errno;
use crate::sys::beneath::{Directory, FileStat, Held};

/// As many as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

/// What is to be copied.
pub struct Source {
    pub found: Found,
    /// `None`: what is in the directory, not the directory itself (`DIR/.`).
    name: Option<Vec<u8>>,
}

pub enum Found {
    Directory(Directory),
    Other(Held),
}

impl Source {
    pub fn is_directory(&self) -> bool {
        matches!(self.found, Found::Directory(_))
    }
    pub fn name(&self) -> Option<&[u8]> {
        self.name.as_deref()
    }
}

/// Where it shall go.
pub enum Target {
    Directory(Directory),
    File {
        parent: Directory,
        name: Vec<u8>,
    },
    /// `as_directory`: it was written with a slash at the end.
    Missing {
        parent: Directory,
        name: Vec<u8>,
        as_directory: bool,
    },
}

pub fn source(root: &Directory, path: &[u8], follow: bool) -> Result<Source> {
    let typed = Typed::of(path);
    let name = (!typed.means_content).then(|| typed.name.clone());
    let held = if typed.is_directory {
        root.directory_inside(path).map_err(not_found).and_then(|found| found.hold_itself().map_err(not_found))?
    } else {
        let path = if follow { behind_links(root, path)? } else { path.to_vec() };
        root.hold_inside(&path).map_err(not_found)?
    };
    // Nothing in there has a length, and some of it never ends.
    if held.is_kernels_own().map_err(not_found)? {
        return Err(Error::conflict("its content is made by the kernel whenever somebody reads it").hint("read it with cat: tare exec"));
    }
    let about = held.about().map_err(not_found)?;
    let found = if kind(&about) == DIRECTORY { Found::Directory(held.into_directory()) } else { Found::Other(held) };
    Ok(Source { found, name })
}

pub fn target(root: &Directory, path: &[u8]) -> Result<Target> {
    let typed = Typed::of(path);
    if typed.is_directory {
        return match root.directory_inside(path) {
            Ok(directory) => Ok(Target::Directory(directory)),
            Err(Errno::ENOENT) => missing(root, typed.path, true),
            Err(e) => Err(not_found(e)),
        };
    }
    let path = behind_links(root, path)?;
    let held = match root.hold_inside(&path) {
        Err(Errno::ENOENT) => return missing(root, &path, false),
        other => other.map_err(not_found)?,
    };
    match kind(&held.about().map_err(not_found)?) {
        DIRECTORY => Ok(Target::Directory(held.into_directory())),
        REGULAR => above(root, &path).map(|(parent, name)| Target::File { parent, name }),
        _ => Err(Error::conflict("it is neither a directory nor a regular file")),
    }
}

fn missing(root: &Directory, path: &[u8], as_directory: bool) -> Result<Target> {
    let (parent, name) = above(root, path)?;
    Ok(Target::Missing { parent, name, as_directory })
}

/// The directory of a path whose last part is a name.
fn above(root: &Directory, path: &[u8]) -> Result<(Directory, Vec<u8>)> {
    let (parent, name) = split(path);
    let parent = root.directory_inside(parent).map_err(|errno| match errno {
        Errno::ENOENT => Error::no_such("there is no such directory to put it into").hint("make it first"),
        errno => not_found(errno),
    })?;
    Ok((parent, name.to_vec()))
}

/// The last part of a path is followed as long as it is a symlink; where that ends, nothing need be.
fn behind_links(root: &Directory, path: &[u8]) -> Result<Vec<u8>> {
    let mut path = path.to_vec();
    for _ in 0..MOST_LINKS {
        let held = match root.hold_inside(&path) {
            Err(Errno::ENOENT) => return Ok(path),
            other => other.map_err(not_found)?,
        };
        if kind(&held.about().map_err(not_found)?) != SYMLINK {
            return Ok(path);
        }
        let link = held.link_text().map_err(not_found)?;
        path = if link.starts_with(b"/") { link } else { [split(&path).0, b"/", &link].concat() };
    }
    Err(not_found(Errno::ELOOP))
}

/// Before the first file is touched: what cannot be written is said in one word, and not in the middle.
pub fn check_writable(place: &Held) -> Result<()> {
    const WHAT: &str = "cannot look at its directory";
    if place.is_kernels_own().context(WHAT)? {
        return Err(Error::conflict("nothing is kept there: these files are the kernel's"));
    }
    match place.is_read_only().context(WHAT)? {
        true => Err(Error::conflict("it is mounted read-only")),
        false => Ok(()),
    }
}

fn not_found(errno: Errno) -> Error {
    match errno {
        Errno::ENOENT => Error::no_such("no such file or directory"),
        Errno::ENOTDIR => Error::conflict("not a directory"),
        Errno::ELOOP => Error::conflict("it leads over too many symlinks, or over a link of /proc that is no name of a file"),
        errno => Error::from_errno("cannot look at it", errno).of_kind(Kind::Failed),
    }
}

/// A path as it is written.
struct Typed<'a> {
    /// Without what stands at the end only to say that it is a directory.
    path: &'a [u8],
    name: Vec<u8>,
    is_directory: bool,
    means_content: bool,
}

impl Typed<'_> {
    fn of(path: &[u8]) -> Typed<'_> {
        let mut rest = path;
        let (mut is_directory, mut means_content) = (false, false);
        loop {
            rest = match rest {
                [before @ .., b'/'] => before,
                [before @ .., b'/', b'.'] => {
                    means_content = true;
                    before
                }
                b"." => {
                    means_content = true;
                    b""
                }
                _ => break,
            };
            is_directory = true;
        }
        // Only to give it a name: what `..` leads to, the kernel finds.
        let mut parts: Vec<&[u8]> = Vec::new();
        for part in rest.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        let is_directory = is_directory || rest.is_empty() || split(rest).1 == b"..";
        let name = parts.last().map(|name| name.to_vec()).unwrap_or_default();
        Typed { path: rest, means_content: means_content || name.is_empty(), name, is_directory }
    }
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) => (b"/", &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (b"/", path),
    }
}

// inode(7)
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

fn kind(about: &FileStat) -> u32 {
    about.st_mode & KIND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_path_says_what_is_meant() {
        let typed = |path: &str| {
            let typed = Typed::of(path.as_bytes());
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (text(typed.path), text(&typed.name), typed.is_directory, typed.means_content)
        };
        let of = |path: &str, name: &str, directory, content| (path.to_owned(), name.to_owned(), directory, content);
        assert_eq!(typed("/a/b"), of("/a/b", "b", false, false));
        assert_eq!(typed("/a/b/"), of("/a/b", "b", true, false));
        assert_eq!(typed("/a/b/."), of("/a/b", "b", true, true));
        assert_eq!(typed("/a/b/.//"), of("/a/b", "b", true, true));
        assert_eq!(typed("/a/b/.."), of("/a/b/..", "a", true, false));
        assert_eq!(typed("/a/.hidden"), of("/a/.hidden", ".hidden", false, false));
        for root in ["/", ".", "/.", "//", ""] {
            assert_eq!(typed(root), of("", "", true, true), "{root}");
        }
    }
}
