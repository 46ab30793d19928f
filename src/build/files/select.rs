//! Which files the words of a COPY mean, by Docker's rules.
//!
//! A directory means what is in it. A wildcard stands for names in one directory (`*` passes no slash) and follows no symlink on its
//! way, but what it has found is followed. A wildcard alone may match nothing, because people write `package.json yarn.lock*` to say
//! "if it is there"; where nothing at all is found, the instruction has failed.

use crate::build::files::filter::{Filter, Verdict};
use crate::build::files::look::Kind;
use crate::build::files::parents;
use crate::build::files::real_path::{RealPath, real_path};
use crate::build::files::tree::Tree;
use crate::build::files::walk::{Entry, Level, below, list, walk};
use crate::dockerfile::wildcard;
use crate::error::{Error, Result};
use crate::names;
use crate::sys::Errno;

pub struct Selection<'t> {
    pub(super) tree: &'t Tree,
    pub(super) picks: Vec<Pick>,
}

/// What one name stands for.
#[derive(Debug)]
pub(super) struct Pick {
    /// In messages.
    pub named: String,
    pub what: What,
    /// The directory that `levels` begin at, by its real path.
    pub top: Vec<u8>,
    pub levels: Vec<Level>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// One file; what it is called where it goes, if that is a directory.
    File { called: Vec<u8> },
    /// What is in a directory.
    Content,
    /// The same with `--parents`: directories that are there already stay as they are.
    WithParents,
}

impl<'t> Selection<'t> {
    /// Files by their names, which are no patterns.
    pub fn of_files<'n>(tree: &'t Tree, names: impl IntoIterator<Item = &'n str>) -> Result<Selection<'t>> {
        let mut picks = Vec::new();
        for name in names {
            let wanted = Wanted { tree, source: name, excluded: None };
            let real = wanted.real(name.as_bytes())?;
            picks.extend(wanted.pick(name.as_bytes().to_vec(), real, true)?);
        }
        Ok(Selection { tree, picks })
    }
}

pub fn select<'t>(tree: &'t Tree, sources: &[String], excluded: Option<&dyn Filter>, with_parents: bool) -> Result<Selection<'t>> {
    let mut picks = Vec::new();
    for source in sources {
        let wanted = Wanted { tree, source, excluded };
        match with_parents {
            true => parents::pick(&wanted, &mut picks)?,
            false => wanted.plain(&mut picks)?,
        }
    }
    if picks.is_empty() && !sources.is_empty() {
        let all = sources.iter().map(|source| format!("{source:?}")).collect::<Vec<_>>().join(" ");
        return Err(Error::no_such(format!("nothing in {} matches {all}", tree.called())));
    }
    Ok(Selection { tree, picks })
}

/// One source, as it is written.
pub(super) struct Wanted<'a> {
    pub tree: &'a Tree,
    pub source: &'a str,
    pub excluded: Option<&'a dyn Filter>,
}

impl Wanted<'_> {
    fn plain(&self, picks: &mut Vec<Pick>) -> Result<()> {
        let parts = parts(self.source);
        let Some(magic) = magic(&parts) else {
            let real = self.real(&parts.join(&b'/'))?;
            picks.extend(self.pick(parts.last().cloned().unwrap_or_default(), real, true)?);
            return Ok(());
        };
        for path in self.expand(&parts[..magic], &parts[magic..])? {
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
            let real = self.real(&path)?;
            picks.extend(self.pick(name, real, false)?);
        }
        Ok(())
    }

    /// Paths that match, the part before the first wildcard without its symlinks.
    pub fn expand(&self, plain: &[Vec<u8>], patterns: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
        let start = self.real(&plain.join(&b'/'))?;
        if !start.look.is_some_and(|look| look.is_directory()) {
            return Err(self.not_found());
        }
        let mut found = vec![start.path];
        for (index, pattern) in patterns.iter().enumerate() {
            let is_last = index + 1 == patterns.len();
            let mut next = Vec::new();
            for directory in found {
                for entry in list(self.tree.root(), &directory).map_err(|errno| self.unreadable(errno))? {
                    let path = below(&directory, &entry.name);
                    let is_directory = entry.look.is_directory();
                    let fits = (is_last || is_directory) && matches(pattern, &entry.name)?;
                    if fits && self.tree.verdict(&path, is_directory) != Verdict::Leave {
                        next.push(path);
                    }
                }
            }
            found = next;
        }
        Ok(found)
    }

    pub fn real(&self, path: &[u8]) -> Result<RealPath> {
        real_path(self.tree.root(), path).map_err(|errno| self.unreadable(errno))
    }

    /// `None`: it is excluded, or, where nobody insists on it, left out of the context.
    fn pick(&self, called: Vec<u8>, real: RealPath, must_be: bool) -> Result<Option<Pick>> {
        let Some(look) = real.look else { return Err(self.not_found()) };
        let is_directory = look.is_directory();
        let verdict = self.tree.verdict(&real.path, is_directory);
        let is_hidden = |link: &Vec<u8>| self.tree.verdict(link, false) == Verdict::Leave;
        if verdict == Verdict::Leave || real.links.iter().any(is_hidden) {
            return if must_be { Err(self.ignored()) } else { Ok(None) };
        }
        if is_directory {
            let levels = self.walk(&real.path, &|_, _| Verdict::Take)?;
            if verdict == Verdict::Pass && levels.iter().all(|level| level.entries.is_empty()) {
                return if must_be { Err(self.ignored()) } else { Ok(None) };
            }
            return Ok(Some(Pick { named: self.source.to_owned(), what: What::Content, top: real.path, levels }));
        }
        if look.kind() == Kind::Socket {
            return Err(Error::conflict(format!("{:?} is a socket", self.source)).because("it is nothing without the process behind it"));
        }
        if self.excluded.is_some_and(|excluded| excluded.leaves_out(&called)) {
            return Ok(None);
        }
        let (top, name) = split(&real.path);
        let level = Level { path: Vec::new(), entries: vec![Entry::new(name, look)] };
        Ok(Some(Pick { named: self.source.to_owned(), what: What::File { called }, top: top.to_vec(), levels: vec![level] }))
    }

    pub fn walk(&self, top: &[u8], wanted: &dyn Fn(&[u8], bool) -> Verdict) -> Result<Vec<Level>> {
        let verdict = |path: &[u8], is_directory: bool| {
            let excluded = || self.excluded.map_or(Verdict::Take, |excluded| Verdict::of(excluded, path, is_directory));
            self.tree.verdict(&below(top, path), is_directory).and(|| wanted(path, is_directory).and(excluded))
        };
        walk(self.tree.root(), top, &verdict).map_err(|error| error.context(format!("cannot look at {:?}", self.source)))
    }

    pub fn not_found(&self) -> Error {
        let error = self.absent();
        match self.near() {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    fn absent(&self) -> Error {
        Error::no_such(format!("{:?} is not in {}", self.source, self.tree.called()))
    }

    /// What lies where it was looked for, and is called almost so.
    fn near(&self) -> Option<String> {
        let parts = parts(self.source);
        let (last, above) = parts.split_last()?;
        let above = real_path(self.tree.root(), &above.join(&b'/')).ok().filter(|found| found.look.is_some())?;
        let there = list(self.tree.root(), &above.path).ok()?;
        let seen = there.iter().filter(|entry| self.tree.verdict(&below(&above.path, &entry.name), false) == Verdict::Take);
        let names: Vec<String> = seen.map(|entry| String::from_utf8_lossy(&entry.name).into_owned()).collect();
        names::did_you_mean(&String::from_utf8_lossy(last), names.iter().map(String::as_str))
    }

    pub fn ignored(&self) -> Error {
        let by = self.tree.ignored_by().unwrap_or_default();
        let line = String::from_utf8_lossy(&parts(self.source).join(&b'/')).into_owned();
        self.absent().because(format!("{by} leaves it out")).hint(format!("add a line !{line} to {by}"))
    }

    fn unreadable(&self, errno: Errno) -> Error {
        match errno {
            Errno::ENOENT | Errno::ENOTDIR => self.not_found(),
            Errno::ELOOP => Error::conflict(format!("cannot find {:?}", self.source)).because("too many symlinks lead to each other"),
            errno => Error::from_errno(format!("cannot look at {:?}", self.source), errno),
        }
    }
}

/// The first part that stands for others.
pub(super) fn magic(parts: &[Vec<u8>]) -> Option<usize> {
    parts.iter().position(|part| wildcard::has_magic(&String::from_utf8_lossy(part)))
}

pub(super) fn matches(pattern: &[u8], name: &[u8]) -> Result<bool> {
    wildcard::matches(&String::from_utf8_lossy(pattern), &String::from_utf8_lossy(name))
}

/// The parts of a path, read as text: nothing climbs above the first of them.
pub(super) fn parts(path: &str) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    for part in path.as_bytes().split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part.to_vec()),
        }
    }
    parts
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}
