//! Lists what is below a directory, with what each file is: directories before what is in them, names in their order.

use crate::build::files::filter::Verdict;
use crate::build::files::look::{Kind, Look};
use crate::build::files::make;
use crate::error::{Context, Error, Result};
use crate::image::shown_bytes;
use crate::sys::Errno;
use crate::sys::beneath::Directory;

/// Files of one instruction. Somebody who wants more of them copies an archive.
const MOST_FILES: usize = 5_000_000;

/// A directory, and what is copied of what is in it.
#[derive(Debug)]
pub struct Level {
    /// Below the directory where the walk began; empty: that one itself.
    pub path: Vec<u8>,
    pub entries: Vec<Entry>,
}

#[derive(Debug)]
pub struct Entry {
    pub name: Vec<u8>,
    pub look: Look,
    /// What its content is, once somebody has read it.
    pub print: Option<[u8; 32]>,
}

impl Entry {
    pub fn new(name: &[u8], look: Look) -> Entry {
        Entry { name: name.to_vec(), look, print: None }
    }
}

/// `verdict` hears of each path below `top` (a real path), and whether it is a directory.
pub fn walk(root: &Directory, top: &[u8], verdict: &dyn Fn(&[u8], bool) -> Verdict) -> Result<Vec<Level>> {
    let mut walk = Walk { root, top, verdict, levels: Vec::new(), count: 0 };
    walk.directory(Vec::new())?;
    Ok(walk.levels)
}

struct Walk<'a> {
    root: &'a Directory,
    top: &'a [u8],
    verdict: &'a dyn Fn(&[u8], bool) -> Verdict,
    levels: Vec<Level>,
    count: usize,
}

impl Walk<'_> {
    /// It calls itself for what is below: no deeper than a path can be named, because each one is opened by its whole path.
    fn directory(&mut self, path: Vec<u8>) -> Result<()> {
        let here = below(self.top, &path);
        let listed =
            list(self.root, &here).map_err(make::gone).with_context(|| format!("cannot read the directory {}", shown_bytes(&here)))?;
        let level = self.levels.len();
        self.levels.push(Level { path, entries: Vec::new() });
        for entry in listed {
            let path = below(&self.levels[level].path, &entry.name);
            // A socket is nothing without the process behind it.
            if entry.look.kind() == Kind::Socket {
                continue;
            }
            let verdict = (self.verdict)(&path, entry.look.is_directory());
            if verdict == Verdict::Leave || (verdict == Verdict::Pass && !entry.look.is_directory()) {
                continue;
            }
            self.count += 1;
            if self.count > MOST_FILES {
                return Err(Error::failed(format!("there are more than {MOST_FILES} files")).hint("leave out some in .dockerignore"));
            }
            if entry.look.is_directory() {
                let next = self.levels.len();
                self.directory(path)?;
                if verdict == Verdict::Pass && self.levels[next].entries.is_empty() {
                    self.levels.truncate(next);
                    continue;
                }
            }
            self.levels[level].entries.push(entry);
        }
        Ok(())
    }
}

pub fn list(root: &Directory, path: &[u8]) -> Result<Vec<Entry>, Errno> {
    let mut all: Vec<Entry> =
        root.directory(or_itself(path))?.entries()?.iter().map(|(name, about)| Entry::new(name, Look::of(about))).collect();
    all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    // Somebody who renames meanwhile may show the same name twice.
    all.dedup_by(|one, other| one.name == other.name);
    Ok(all)
}

pub fn below(path: &[u8], name: &[u8]) -> Vec<u8> {
    match (path, name) {
        (b"", name) => name.to_vec(),
        (path, b"") => path.to_vec(),
        (path, name) => [path, b"/", name].concat(),
    }
}

/// As the kernel wants to hear it.
pub fn or_itself(path: &[u8]) -> &[u8] {
    if path.is_empty() { b"." } else { path }
}
