//! Layers laid upon each other as overlayfs shows them: what is seen from above, and what is out of sight for ever.

use std::collections::{BTreeMap, HashMap};

/// A name in one layer, from its root, without a slash before it.
#[derive(Clone, Debug)]
pub struct Entry {
    pub path: Vec<u8>,
    pub kind: Kind,
    pub bytes: u64,
    /// Of a file with several names: they have its bytes together.
    pub inode: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Opaque: nothing of the layers below shows through.
    Directory { opaque: bool },
    /// Says that what is below it is gone.
    Whiteout,
    /// Also links and devices.
    File,
}

/// What a layer does to what lies below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// By a whiteout.
    Removes,
    /// A directory begins anew: its mark hides what was in it.
    Empties,
    /// Something of the same name lies over it.
    Replaces,
    Adds,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub how: How,
    pub path: Vec<u8>,
    /// Added or replaced: 1. Else so many are out of sight by it.
    pub files: usize,
    /// Added: of the new file, none for one more name of it; else of what is out of sight.
    pub bytes: u64,
    /// What is out of sight was a directory, with all that was in it.
    pub is_directory: bool,
}

/// What can be seen nowhere and is paid for all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waste {
    pub path: Vec<u8>,
    pub is_directory: bool,
    pub bytes: u64,
    pub files: usize,
    /// Where the bytes are, counted from 1 at the bottom.
    pub of: Vec<usize>,
    /// Which layer put them out of sight; of several the last.
    pub by: usize,
    pub how: How,
    /// The layer has the very content that it hides: only its owner, mode or time are others.
    pub is_same: bool,
}

/// What is seen at a path.
struct Seen {
    /// From 0.
    layer: usize,
    bytes: u64,
    inode: Option<u64>,
    is_directory: bool,
}

#[derive(Default)]
pub struct Stack {
    seen: BTreeMap<Vec<u8>, Seen>,
    /// How many names of a file with several can still be seen.
    names: HashMap<(usize, u64), usize>,
    wasted: Vec<u64>,
    wastes: BTreeMap<Vec<u8>, Waste>,
}

/// What `lay` tells of one layer.
pub struct Laid {
    pub size: u64,
    pub directories: usize,
    pub changes: Vec<Change>,
}

/// What went out of sight at once.
#[derive(Default)]
struct Hidden {
    files: usize,
    bytes: u64,
    of: Vec<usize>,
    is_directory: bool,
}

impl Stack {
    /// One more on top. Its entries come sorted, a directory before what is in it.
    pub fn lay(&mut self, entries: Vec<Entry>) -> Laid {
        let layer = self.wasted.len();
        self.wasted.push(0);
        let mut laid = Laid { size: 0, directories: 0, changes: Vec::new() };
        for entry in entries {
            let (how, hidden) = match entry.kind {
                Kind::Whiteout => (How::Removes, self.hide(&entry.path, true)),
                Kind::Directory { opaque } => {
                    laid.directories += 1;
                    self.meet_directory(&entry.path, opaque)
                }
                Kind::File => (How::Replaces, self.hide(&entry.path, true)),
            };
            let is_file = entry.kind == Kind::File;
            let path = entry.path.clone();
            let bytes = if entry.kind == Kind::Whiteout { 0 } else { self.show(layer, entry) };
            laid.size += bytes;
            match hidden {
                Some(hidden) => {
                    self.remember(&path, how, layer, &hidden);
                    laid.changes.push(Change { how, path, files: hidden.files, bytes: hidden.bytes, is_directory: hidden.is_directory });
                }
                None if is_file => {
                    laid.changes.push(Change { how: How::Adds, path, files: 1, bytes, is_directory: false });
                }
                None => {}
            }
        }
        laid
    }

    /// Through a directory without a mark shows what was in it; over anything else it lies like a file.
    fn meet_directory(&mut self, path: &[u8], opaque: bool) -> (How, Option<Hidden>) {
        match self.seen.get(path) {
            Some(below) if !below.is_directory => (How::Replaces, self.hide(path, true)),
            Some(_) if opaque => (How::Empties, self.hide(path, false)),
            _ => (How::Adds, None),
        }
    }

    /// The bytes that come with it: a further name of a file brings none.
    fn show(&mut self, layer: usize, entry: Entry) -> u64 {
        let is_directory = matches!(entry.kind, Kind::Directory { .. });
        let names = entry.inode.filter(|_| !is_directory).map(|inode| self.names.entry((layer, inode)).or_default());
        let is_first = names.is_none_or(|names| {
            *names += 1;
            *names == 1
        });
        let bytes = if is_directory { 0 } else { entry.bytes };
        let inode = entry.inode.filter(|_| !is_directory);
        self.seen.insert(entry.path, Seen { layer, bytes, inode, is_directory });
        if is_first { bytes } else { 0 }
    }

    /// What is below the path goes out of sight, and with `itself` what is at it. `None`: nothing was there.
    fn hide(&mut self, path: &[u8], itself: bool) -> Option<Hidden> {
        let mut hidden = Hidden::default();
        let top = if itself { self.seen.remove(path) } else { None };
        hidden.is_directory = !itself || top.as_ref().is_some_and(|seen| seen.is_directory);
        let was_there = top.is_some();
        let below: Vec<Vec<u8>> = match hidden.is_directory {
            // `0` follows `/`: so all that begins with the path and a slash lies between the two.
            true => self.seen.range([path, b"/"].concat()..[path, b"0"].concat()).map(|(path, _)| path.clone()).collect(),
            false => Vec::new(),
        };
        let was_there = was_there || !below.is_empty();
        let inside = below.iter().filter_map(|path| self.seen.remove(path)).collect::<Vec<_>>();
        for seen in top.into_iter().chain(inside).filter(|seen| !seen.is_directory) {
            let bytes = self.lose(&seen);
            hidden.files += 1;
            hidden.bytes += bytes;
            self.wasted[seen.layer] += bytes;
            if !hidden.of.contains(&(seen.layer + 1)) {
                hidden.of.push(seen.layer + 1);
            }
        }
        was_there.then_some(hidden)
    }

    /// Bytes that can be seen under no name any more.
    fn lose(&mut self, seen: &Seen) -> u64 {
        let Some(names) = seen.inode.and_then(|inode| self.names.get_mut(&(seen.layer, inode))) else { return seen.bytes };
        *names -= 1;
        if *names == 0 { seen.bytes } else { 0 }
    }

    fn remember(&mut self, path: &[u8], how: How, layer: usize, hidden: &Hidden) {
        if hidden.bytes == 0 {
            return;
        }
        let new = Waste { path: path.to_vec(), is_directory: false, bytes: 0, files: 0, of: Vec::new(), by: 0, how, is_same: false };
        let waste = self.wastes.entry(path.to_vec()).or_insert(new);
        waste.is_directory |= hidden.is_directory;
        waste.bytes += hidden.bytes;
        waste.files += hidden.files;
        waste.of.extend(&hidden.of);
        waste.of.sort_unstable();
        waste.of.dedup();
        (waste.by, waste.how) = (layer + 1, how);
    }

    pub fn wasted_of_layers(&self) -> Vec<u64> {
        self.wasted.clone()
    }

    /// The most first.
    pub fn wastes(self) -> Vec<Waste> {
        let mut wastes: Vec<Waste> = self.wastes.into_values().collect();
        wastes.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.path.cmp(&other.path)));
        wastes
    }
}

#[cfg(test)]
mod tests;
