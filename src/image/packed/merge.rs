//! Layers that lie upon each other become one, which does to what lies below them what all of them did.
//!
//! Files get a second name and are not copied: a layer is never written to. Only directories are made anew.

use crate::error::{Context, Result};
use crate::image::shown_bytes;
use crate::image::tree::{is_whiteout, mark_opaque};
use crate::sys::beneath::{Directory, FileStat};
use crate::sys::{Errno, copy};

const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;

/// The lowest first; `into` is empty, and lies on the same file system.
pub fn merge(layers: &[Directory], into: &Directory) -> Result<()> {
    layers.iter().try_for_each(|layer| lay(layer, into))
}

fn lay(layer: &Directory, into: &Directory) -> Result<()> {
    let mut directories = vec![Vec::new()];
    let mut done = 0;
    // A list of paths and no recursion: a deep tree takes neither stack nor descriptors.
    while let Some(path) = directories.get(done).cloned() {
        let (from, to) = (below(layer, &path)?, below(into, &path)?);
        for (name, about) in from.entries().context("cannot list a layer")? {
            let whole = if path.is_empty() { name.clone() } else { [&path[..], b"/", &name[..]].concat() };
            let is_directory = about.st_mode & KIND == DIRECTORY;
            let put = if is_directory { make_directory(&from, &to, &name) } else { put_over(&from, &to, &name) };
            put.with_context(|| format!("cannot put /{} over what is below", shown_bytes(&whole)))?;
            if is_directory {
                directories.push(whole);
            }
        }
        done += 1;
    }
    // From the deepest up: whatever is made in a directory changes its time.
    for path in directories.iter().rev() {
        let (from, to) = (below(layer, path)?, below(into, path)?);
        forget_attributes(&from, &to).context("cannot finish a directory")?;
        copy::directory_of_layer(&from, &to)?;
    }
    Ok(())
}

fn put_over(from: &Directory, to: &Directory, name: &[u8]) -> Result<(), Errno> {
    if there(to, name)?.is_some() {
        to.remove(name)?;
    }
    to.make_link(name, from, name)
}

/// One that is there stays and is added to, unless the upper one hides it.
fn make_directory(from: &Directory, to: &Directory, name: &[u8]) -> Result<(), Errno> {
    let found = there(to, name)?;
    let was_other = found.is_some_and(|found| found.st_mode & KIND != DIRECTORY);
    if found.is_some() && !was_other && !is_opaque(&from.directory(name)?)? {
        return Ok(());
    }
    // A whiteout or a file has hidden what lies below all of these layers, and it stays hidden.
    let hides = was_other || is_whiteout(to, name);
    if found.is_some() {
        to.remove(name)?;
    }
    to.make_directory(name)?;
    if hides { mark_opaque(&to.directory(name)?) } else { Ok(()) }
}

fn there(directory: &Directory, name: &[u8]) -> Result<Option<FileStat>, Errno> {
    match directory.look(name) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::ENOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

fn is_opaque(directory: &Directory) -> Result<bool, Errno> {
    let attributes = directory.hold_itself()?.attributes()?;
    Ok(attributes.iter().any(|(name, value)| is_overlay_s(name) && name.ends_with(b".opaque") && value == b"y"))
}

fn is_overlay_s(name: &[u8]) -> bool {
    name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.")
}

/// What the upper one does not have any more. A mark that hides what lies below stays.
fn forget_attributes(from: &Directory, to: &Directory) -> Result<(), Errno> {
    let (model, made) = (from.hold_itself()?.attributes()?, to.hold_itself()?);
    for (name, _) in made.attributes()? {
        if !is_overlay_s(&name) && !model.iter().any(|(kept, _)| *kept == name) {
            made.remove_attribute(&name)?;
        }
    }
    Ok(())
}

fn below(root: &Directory, path: &[u8]) -> Result<Directory> {
    root.directory(if path.is_empty() { b"." } else { path }).context("cannot open a directory of a layer")
}
