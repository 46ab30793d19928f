//! The path of a file without any symlink on it, found as a program would find it whose root the tree is.
//!
//! Links are read and their parts walked, as the kernel does it; `..` at the root stays there. What is not there yet is walked over as it
//! is written, because a target may have to be made. The kernel itself is never asked to follow.

use crate::build::files::look::{Kind, Look};
use crate::sys::Errno;
use crate::sys::beneath::Directory;
use std::collections::VecDeque;

/// As many as the kernel follows (path_resolution(7)).
const MOST_LINKS: usize = 40;

pub struct RealPath {
    /// From the root, with single slashes between its parts and none around them; empty: the root itself.
    pub path: Vec<u8>,
    /// `None`: there is nothing.
    pub look: Option<Look>,
    /// The symlinks that were followed, each by its own real path.
    pub links: Vec<Vec<u8>>,
}

pub fn real_path(root: &Directory, path: &[u8]) -> Result<RealPath, Errno> {
    let mut waiting: VecDeque<Vec<u8>> = parts(path).collect();
    // Each with what was seen there.
    let mut done: Vec<(Vec<u8>, Option<Look>)> = Vec::new();
    let mut links = Vec::new();
    while let Some(part) = waiting.pop_front() {
        if part == b".." {
            done.pop();
            continue;
        }
        let above = done.last().map(|(_, look)| *look);
        let here = joined(&done, &part);
        let look = match above {
            Some(None) => None,
            Some(Some(above)) if !above.is_directory() => return Err(Errno::ENOTDIR),
            _ => look(root, &here)?,
        };
        if look.is_none_or(|look| look.kind() != Kind::Symlink) {
            done.push((part, look));
            continue;
        }
        if links.len() == MOST_LINKS {
            return Err(Errno::ELOOP);
        }
        let text = root.hold(&here)?.link_text()?;
        links.push(here);
        if text.starts_with(b"/") {
            done.clear();
        }
        for part in parts(&text).collect::<Vec<_>>().into_iter().rev() {
            waiting.push_front(part);
        }
    }
    let look = match done.last() {
        Some((_, look)) => *look,
        None => look(root, b"")?,
    };
    let path = done.into_iter().map(|(part, _)| part).collect::<Vec<_>>().join(&b'/');
    Ok(RealPath { path, look, links })
}

fn parts(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).map(<[u8]>::to_vec)
}

fn joined(done: &[(Vec<u8>, Option<Look>)], part: &[u8]) -> Vec<u8> {
    let mut path = done.iter().map(|(part, _)| part.as_slice()).collect::<Vec<_>>();
    path.push(part);
    path.join(&b'/')
}

fn look(root: &Directory, path: &[u8]) -> Result<Option<Look>, Errno> {
    match root.look(if path.is_empty() { b"." } else { path }) {
        Ok(about) => Ok(Some(Look::of(&about))),
        Err(Errno::ENOENT) => Ok(None),
        Err(e) => Err(e),
    }
}
