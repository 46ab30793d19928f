//! The Dockerfile of a directory, and the list of what in it does not count.
//!
//! A directory of the user's own is his, and its names may lead anywhere. One that came as an archive or a repository is somebody
//! else's: its symlinks lead nowhere out of it, and nothing is read there but plain files.

use crate::error::{Context, Error, Result};
use crate::sys::beneath::Directory;
use crate::sys::file::bytes_of;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// In the order in which they are looked for.
const USUAL: [&str; 2] = ["Dockerfile", "Containerfile"];
const IGNORED: &str = ".dockerignore";
/// Nobody writes more by hand.
pub const LONGEST: u64 = 16 << 20;

/// A directory in which files are looked for.
pub struct Place<'a> {
    directory: &'a Path,
    /// Of somebody else's: as its files see it.
    root: Option<Directory>,
}

/// As it is found.
pub struct Found {
    /// What the Dockerfile is called in messages, and its text.
    pub file: String,
    pub text: String,
    /// The text of `.dockerignore`, and its name.
    pub ignored: Option<(String, String)>,
}

impl<'a> Place<'a> {
    pub fn own(directory: &'a Path) -> Place<'a> {
        Place { directory, root: None }
    }

    pub fn foreign(directory: &'a Path) -> Result<Place<'a>> {
        let root = Directory::open_root(directory).context("cannot open what was brought")?;
        Ok(Place { directory, root: Some(root) })
    }

    /// `typed`: `-f`
    pub fn find(&self, typed: Option<&str>) -> Result<Found> {
        let (file, text, path) = self.dockerfile(typed)?;
        Ok(Found { file, text, ignored: self.ignored(path.as_deref())? })
    }

    /// What it is called, what it says, and where it lies.
    fn dockerfile(&self, typed: Option<&str>) -> Result<(String, String, Option<PathBuf>)> {
        match typed {
            Some("-") => {
                let mut bytes = Vec::new();
                let read = io::stdin().lock().take(LONGEST).read_to_end(&mut bytes);
                read.map_err(|e| Error::failed("cannot read standard input").because(e))?;
                Ok(("Dockerfile".to_owned(), text(bytes, "standard input")?, None))
            }
            Some(typed) => {
                let path = self.path_of(typed);
                Ok((typed.to_owned(), self.read(&path, typed)?, Some(path)))
            }
            None => {
                let found = USUAL.iter().find(|name| self.has(Path::new(name)));
                let name = found.ok_or_else(|| not_there(self.directory))?;
                let path = PathBuf::from(name);
                Ok(((*name).to_owned(), self.read(&path, name)?, Some(path)))
            }
        }
    }

    /// As Docker: from where we stand. As others: from the context.
    fn path_of(&self, typed: &str) -> PathBuf {
        let here = Path::new(typed);
        let is_here = self.root.is_none() && here.exists();
        std::path::absolute(here).ok().filter(|_| is_here).unwrap_or_else(|| here.to_owned())
    }

    fn has(&self, path: &Path) -> bool {
        match &self.root {
            None => self.directory.join(path).exists(),
            Some(root) => root.find_inside(bytes_of(path)).is_ok(),
        }
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        let Some(root) = &self.root else { return File::open(self.directory.join(path)) };
        let held = root.find_inside(bytes_of(path))?;
        match held.is_regular_file() {
            true => Ok(held.open_to_read()?.into()),
            false => Err(io::Error::other("it is no plain file")),
        }
    }

    fn read(&self, path: &Path, typed: &str) -> Result<String> {
        if self.root.is_none() && self.directory.join(path).is_dir() {
            return Err(Error::usage(format!("{typed} is a directory")).hint("-f names the Dockerfile itself"));
        }
        let mut bytes = Vec::new();
        let read = self.open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
        read.map_err(|e| match e.kind() {
            ErrorKind::NotFound => Error::no_such(format!("no such Dockerfile: {typed}")),
            _ => Error::failed(format!("cannot read {typed}")).because(e),
        })?;
        text(bytes, typed)
    }

    /// The list beside the Dockerfile comes before the one of the directory.
    fn ignored(&self, dockerfile: Option<&Path>) -> Result<Option<(String, String)>> {
        let own = dockerfile.map(|path| {
            let mut name = path.as_os_str().to_owned();
            name.push(IGNORED);
            PathBuf::from(name)
        });
        for path in own.into_iter().chain([PathBuf::from(IGNORED)]) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            match self.open(&path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes)) {
                Ok(_) => return Ok(Some((name.clone(), text(bytes, &name)?))),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(e) => return Err(Error::failed(format!("cannot read {name}")).because(e)),
            }
        }
        Ok(None)
    }
}

pub fn text(bytes: Vec<u8>, named: &str) -> Result<String> {
    if bytes.len() as u64 >= LONGEST {
        return Err(Error::usage(format!("{named} is longer than {} MiB", LONGEST >> 20)).because("nobody writes that by hand"));
    }
    String::from_utf8(bytes).map_err(|_| Error::usage(format!("{named} is not text in UTF-8")).because("a Dockerfile is"))
}

fn not_there(directory: &Path) -> Error {
    const SHOWN: usize = 8;
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let near: Vec<&String> = names.iter().filter(|name| name.to_ascii_lowercase().contains("file")).collect();
    let what = match names.len() {
        0 => "the directory is empty".to_owned(),
        1..=SHOWN => format!("there is {}", names.join(", ")),
        more => format!("there is {}, and {} more", names[..SHOWN].join(", "), more - SHOWN),
    };
    let hint = near.first().map_or("-f names a Dockerfile that lies elsewhere".to_owned(), |name| format!("-f {name}"));
    Error::no_such("there is no Dockerfile").because(what).hint(hint)
}
