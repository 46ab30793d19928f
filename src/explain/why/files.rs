//! A container's files without a mount: names are looked up through its layers as overlayfs would, from the top, and symlinks are
//! followed inside. So one that has ended, or never began, can be looked into, and nothing of it is executed.

use crate::image::pack::is_marked_opaque;
use crate::image::shifted;
use crate::options::Mount;
use crate::paths::Paths;
use crate::record::Seen;
use crate::sys::beneath::{Directory, FileStat, Held};
use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// path_resolution(7)
const MOST_LINKS: usize = 40;
// inode(7)
const KIND: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
const CHARACTER: u32 = 0o020_000;
const REGULAR: u32 = 0o100_000;

pub struct Files {
    /// The topmost first.
    layers: Vec<Directory>,
    mounts: Vec<Hung>,
}

/// What was asked to be mounted.
struct Hung {
    target: String,
    /// `None`: in memory, and so gone.
    source: Option<PathBuf>,
}

/// A file or directory as its mode guards it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    pub path: String,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

impl Owned {
    fn of(path: String, about: &FileStat) -> Owned {
        Owned { path, mode: about.st_mode, uid: about.st_uid, gid: about.st_gid }
    }
    pub fn is_directory(&self) -> bool {
        self.mode & KIND == DIRECTORY
    }
}

/// What lies at a path.
pub struct Found {
    /// Where the symlinks have led.
    pub path: String,
    pub mode: u32,
    /// Every directory on the way, and what lies at its end.
    pub passed: Vec<Owned>,
    held: Held,
}

impl Found {
    pub fn is_directory(&self) -> bool {
        self.mode & KIND == DIRECTORY
    }
    pub fn is_file(&self) -> bool {
        self.mode & KIND == REGULAR
    }
    pub fn is_executable(&self) -> bool {
        self.mode & 0o111 != 0
    }
    /// Some bytes at a place; fewer at its end, none where it cannot be read.
    pub fn read(&self, place: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let Some(file) = self.held.open_to_read().ok().filter(|_| self.is_file()).map(File::from) else { return Vec::new() };
        let mut done = 0;
        while let Ok(count @ 1..) = file.read_at(&mut bytes[done..], place + done as u64) {
            done += count;
        }
        bytes.truncate(done);
        bytes
    }
}

/// One name, and the layers that show something at it.
struct Step {
    held: Held,
    about: FileStat,
    /// Of a directory: those that it is merged from.
    among: Vec<usize>,
}

fn hung(mount: &Mount) -> Hung {
    let source = match mount {
        Mount::Bind { source, .. } => Some(source.clone()),
        Mount::Volume(volume) => Some(volume.subpath.as_ref().map_or_else(|| volume.source.clone(), |part| volume.source.join(part))),
        Mount::Tmpfs { .. } => None,
    };
    Hung { target: mount.target().trim_matches('/').to_owned(), source }
}

impl Hung {
    /// The part of a path that is below it; empty: itself.
    fn rest_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&self.target)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
    }

    /// On the host, as far as its own names lead.
    fn look(&self, path: &str) -> Option<Step> {
        let source = self.source.as_ref()?.canonicalize().ok()?;
        let held = match self.rest_of(path)? {
            "" => Directory::open_root(source.parent()?).ok()?.hold(source.file_name()?.as_encoded_bytes()),
            rest => Directory::open_root(&source).ok()?.hold(rest.as_bytes()),
        };
        let held = held.ok()?;
        Some(Step { about: held.about().ok()?, held, among: Vec::new() })
    }
}

impl Files {
    pub fn of(paths: &Paths, seen: &Seen) -> Files {
        let record = &seen.record;
        let owners = record.owners.as_ref();
        let layers = shifted::of(paths, &record.layers, owners).into_iter().rev();
        let all = std::iter::once(seen.files(paths).upper()).chain(layers).chain([shifted::ground_of(paths, owners)]);
        // One that was never started has not all of them.
        let layers = all.filter_map(|layer| Directory::open_root(&layer).ok()).collect();
        Files { layers, mounts: record.wishes.mounts.iter().map(hung).collect() }
    }

    /// `None`: nothing is there.
    pub fn find(&self, path: &str) -> Option<Found> {
        let mut waiting: VecDeque<String> = path.split('/').map(str::to_owned).collect();
        let everything: Vec<usize> = (0..self.layers.len()).collect();
        let mut way: Vec<(String, Vec<usize>)> = Vec::new();
        let (mut links, mut last, mut passed) = (0, None, Vec::new());
        while let Some(name) = waiting.pop_front() {
            match name.as_str() {
                "" | "." => continue,
                ".." => {
                    way.pop();
                    last = None;
                    continue;
                }
                _ => {}
            }
            let above = way.last().map_or(&everything, |(_, among)| among);
            let here: String = way.iter().map(|(name, _)| format!("{name}/")).collect::<String>() + &name;
            let step = match self.mount_at(&here) {
                Some(hung) => hung.look(&here)?,
                None => self.step(&here, above)?,
            };
            if step.about.st_mode & KIND == LINK {
                links += 1;
                let text = String::from_utf8(step.held.link_text().ok()?).ok().filter(|_| links <= MOST_LINKS)?;
                if text.starts_with('/') {
                    way.clear();
                }
                text.split('/').rev().for_each(|part| waiting.push_front(part.to_owned()));
                last = None;
                continue;
            }
            passed.push(Owned::of(format!("/{here}"), &step.about));
            way.push((name, step.among));
            last = Some((step.held, step.about));
        }
        let path: String = way.iter().map(|(name, _)| format!("/{name}")).collect();
        let (held, about) = match last {
            Some(found) => found,
            // `..` or a link has led back to a directory that was met before.
            None => {
                let among = way.last().map_or(&everything, |(_, among)| among);
                let held = self.layers.get(*among.first()?)?.hold(if path.is_empty() { b"." } else { &path.as_bytes()[1..] }).ok()?;
                let about = held.about().ok()?;
                (held, about)
            }
        };
        Some(Found { path, mode: about.st_mode, passed, held })
    }

    /// The innermost mount that shows this path, which has no slash before it.
    fn mount_at(&self, path: &str) -> Option<&Hung> {
        self.mounts.iter().filter(|hung| hung.rest_of(path).is_some()).max_by_key(|hung| hung.target.len())
    }

    /// As overlayfs finds a name in a directory that is merged from these.
    fn step(&self, path: &str, among: &[usize]) -> Option<Step> {
        let mut found: Option<Step> = None;
        for layer in among {
            let looked = self.layers[*layer].hold(path.as_bytes()).and_then(|held| Ok((held.about()?, held)));
            let Ok((about, held)) = looked else { continue };
            if about.st_mode & KIND != DIRECTORY {
                let is_whiteout = about.st_mode & KIND == CHARACTER && about.st_rdev == 0;
                return found.or_else(|| (!is_whiteout).then_some(Step { held, about, among: Vec::new() }));
            }
            let is_opaque = is_marked_opaque(&held.attributes().unwrap_or_default());
            match &mut found {
                Some(found) => found.among.push(*layer),
                None => found = Some(Step { held, about, among: vec![*layer] }),
            }
            if is_opaque {
                break;
            }
        }
        found
    }

    /// What is in a directory, whoever of the layers has it.
    pub fn names(&self, path: &str) -> Vec<String> {
        let Some(found) = self.find(path).filter(Found::is_directory) else { return Vec::new() };
        let inside = found.path.trim_start_matches('/').to_owned();
        let inside = if inside.is_empty() { ".".to_owned() } else { inside };
        let names = self
            .layers
            .iter()
            .filter_map(|layer| layer.directory(inside.as_bytes()).and_then(|directory| directory.names()).ok())
            .flatten();
        let mut names: Vec<String> = names.filter_map(|name| String::from_utf8(name).ok()).collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.find(&format!("{}/{name}", found.path)).is_some());
        names
    }
}
