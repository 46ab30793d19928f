//! What a selection is, in 32 bytes: names, kinds, modes, content and what hangs on it; never a time.

use crate::build::files::look::{Kind, Look};
use crate::build::files::make;
use crate::build::files::memory::Memory;
use crate::build::files::select::{Pick, Selection, What};
use crate::build::files::walk::below;
use crate::error::{Context, Error, Result};
use crate::image::shown_bytes;
use crate::sys::beneath::{Attribute, Directory};
use crate::sys::{file, threads};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

pub type Print = [u8; 32];

pub fn hex(print: &Print) -> String {
    print.iter().map(|byte| format!("{byte:02x}")).collect()
}

const BUFFER: usize = 256 << 10;
/// So few files are read quicker by one than threads are made.
const FEW: usize = 16;

/// `owners`: whether it matters whose the files are: they are kept, and no `--chown` changes them.
pub fn digest(selection: &mut Selection, memory: &mut Memory, owners: bool) -> Result<Print> {
    read(selection, memory)?;
    let mut hash = Fields(Sha256::new());
    for pick in &selection.picks {
        match &pick.what {
            What::File { called } => hash.all(&[b"file", called]),
            What::Content => hash.all(&[b"content"]),
            What::WithParents => hash.all(&[b"parents"]),
        }
        describe(pick, owners, &mut hash);
    }
    Ok(hash.0.finalize().into())
}

fn describe(pick: &Pick, owners: bool, hash: &mut Fields) {
    let mut links: HashMap<(u64, u64), u64> = HashMap::new();
    let mut number = 0u64;
    for level in &pick.levels {
        hash.all(&[&level.path, &(level.entries.len() as u64).to_le_bytes()]);
        for entry in &level.entries {
            number += 1;
            let look = &entry.look;
            // The real name of a single file is nobody's affair: it is called as the instruction calls it.
            let name: &[u8] = if matches!(pick.what, What::File { .. }) { b"" } else { &entry.name };
            let owner = if owners { (look.uid, look.gid) } else { (0, 0) };
            let first = match look.links > 1 && look.kind() == Kind::File {
                true => *links.entry((look.device, look.inode)).or_insert(number),
                false => number,
            };
            let print = entry.print.unwrap_or_default();
            hash.all(&[name, &look.mode.to_le_bytes(), &owner.0.to_le_bytes(), &owner.1.to_le_bytes(), &print]);
            hash.all(&[&(number - first).to_le_bytes()]);
        }
    }
}

/// Each with its length before it: no two lists of fields are the same bytes.
struct Fields(Sha256);

impl Fields {
    fn all(&mut self, fields: &[&[u8]]) {
        for field in fields {
            self.0.update((field.len() as u64).to_le_bytes());
            self.0.update(field);
        }
    }
}

/// A file that nobody remembers.
struct Job {
    path: Vec<u8>,
    look: Look,
    place: (usize, usize, usize),
    found: OnceLock<Result<Found>>,
}

struct Found {
    print: Print,
    is_still: bool,
}

/// Finds the print of every file: remembered, or read now by all processors.
fn read(selection: &mut Selection, memory: &mut Memory) -> Result<()> {
    memory.begin();
    let mut jobs = Vec::new();
    for (p, pick) in selection.picks.iter_mut().enumerate() {
        for (l, level) in pick.levels.iter_mut().enumerate() {
            let directory = below(&pick.top, &level.path);
            for (e, entry) in level.entries.iter_mut().enumerate() {
                let path = below(&directory, &entry.name);
                entry.print = memory.find(&path, &entry.look);
                if entry.print.is_none() {
                    jobs.push(Job { path, look: entry.look, place: (p, l, e), found: OnceLock::new() });
                }
            }
        }
    }
    let (root, next) = (selection.tree.root(), AtomicUsize::new(0));
    let work = || {
        let mut buffer = vec![0; BUFFER];
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = look_at(root, &job.path, &job.look, &mut buffer);
            let _ = job.found.set(found.map_err(|error| error.context(format!("cannot read {}", shown_bytes(&job.path)))));
        }
    };
    match jobs.len() {
        0..FEW => work(),
        _ => threads::crew(std::thread::available_parallelism().map_or(1, usize::from), work),
    }
    for job in jobs {
        let found = job.found.into_inner().unwrap_or_else(|| Err(Error::failed("nobody has read it")))?;
        let (p, l, e) = job.place;
        selection.picks[p].levels[l].entries[e].print = Some(found.print);
        if found.is_still {
            memory.remember(job.path, &job.look, found.print);
        }
    }
    Ok(())
}

fn look_at(root: &Directory, path: &[u8], look: &Look, buffer: &mut [u8]) -> Result<Found> {
    const LOOK: &str = "cannot look at it";
    let held = root.hold(path).map_err(make::gone)?;
    let now = Look::of(&held.about().context(LOOK)?);
    if now.kind() != look.kind() {
        return Err(make::changed());
    }
    let attributes = held.attributes().context("cannot read its attributes")?;
    let content = match look.kind() {
        Kind::File => of_content(&held.open_to_read().context("cannot open it")?, look.size, buffer)?,
        Kind::Symlink => Sha256::digest(held.link_text().context("cannot read it")?).into(),
        Kind::Character | Kind::Block => Sha256::digest(look.stands_for.to_le_bytes()).into(),
        _ => Print::default(),
    };
    let is_still = look.is_still(&Look::of(&held.about().context(LOOK)?));
    Ok(Found { print: of(content, &attributes), is_still })
}

/// Of what it had when it was listed: a log that grows meanwhile has one print, and not a new one for each look.
pub(super) fn of_content(file: &OwnedFd, size: u64, buffer: &mut [u8]) -> Result<Print> {
    let (mut hash, mut left) = (Sha256::new(), size);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match file::read(file.as_fd(), &mut buffer[..most]).context("cannot read it")? {
            0 => break,
            count => {
                hash.update(&buffer[..count]);
                left -= count as u64;
            }
        }
    }
    Ok(hash.finalize().into())
}

/// Content, with what hangs on it and goes along.
pub(super) fn of(content: Print, attributes: &[Attribute]) -> Print {
    let mut travelling: Vec<_> = attributes.iter().filter(|(name, _)| travels(name)).collect();
    if travelling.is_empty() {
        return content;
    }
    travelling.sort_unstable();
    let mut hash = Fields(Sha256::new());
    hash.all(&[&content]);
    travelling.iter().for_each(|(name, value)| hash.all(&[name, value]));
    hash.0.finalize().into()
}

/// Labels of security modules are the affair of where a file lies, and so is what overlay notes for itself.
pub(super) fn travels(attribute: &[u8]) -> bool {
    let is_overlay_s = attribute.starts_with(b"trusted.overlay.") || attribute.starts_with(b"user.overlay.");
    !is_overlay_s && (!attribute.starts_with(b"security.") || attribute == b"security.capability")
}
