//! What lies in one layer, as its directory in the store holds it: names, sizes, and the two marks that hide.

use super::stack::{Entry, Kind};
use crate::image::pack::is_marked_opaque;
use crate::sys::Errno;
use crate::sys::beneath::{Directory, FileStat};

/// Every name, a directory before what is in it. A list of what is to be done and no recursion: a tree may be deep.
pub fn layer(root: &Directory) -> Result<Vec<Entry>, Errno> {
    let mut found = Vec::new();
    let mut waiting = vec![Vec::new()];
    while let Some(path) = waiting.pop() {
        let directory = root.directory(if path.is_empty() { b"." } else { &path })?;
        for (name, about) in directory.entries()? {
            let path = if path.is_empty() { name.clone() } else { [&path[..], b"/", &name].concat() };
            let kind = kind(&directory, &name, &about)?;
            if matches!(kind, Kind::Directory { .. }) {
                waiting.push(path.clone());
            }
            let inode = (about.st_nlink > 1).then_some(about.st_ino);
            found.push(Entry { path, kind, bytes: about.st_size.unsigned_abs(), inode });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

fn kind(above: &Directory, name: &[u8], about: &FileStat) -> Result<Kind, Errno> {
    Ok(match about.st_mode & KIND {
        DIRECTORY => Kind::Directory { opaque: is_marked_opaque(&above.hold(name)?.attributes()?) },
        CHARACTER if about.st_rdev == 0 => Kind::Whiteout,
        _ => Kind::File,
    })
}

// inode(7)
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const CHARACTER: u32 = 0o020_000;
