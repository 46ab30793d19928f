//! A context that comes from elsewhere, as an archive or a git repository: its files lie in the store while the build goes on, and go
//! with it.

use crate::build::files::Repository;
use crate::engine::images;
use crate::error::{Context as _, Error, Result};
use crate::image::put::{self, Owner};
use crate::image::{Workplace, compression};
use crate::paths::Paths;
use crate::store;
use crate::sys::beneath::Directory;
use crate::sys::{file, mount};
use std::io::Read;
use std::os::fd::AsFd;
use std::path::PathBuf;

/// The files. They are removed with this value, or by the next command if we are killed.
pub struct Taken {
    pub directory: PathBuf,
    _workplace: Workplace,
}

/// A tar, plain or packed. It may take three quarters of the room that is free, as an image may.
pub fn archive(paths: &Paths, source: impl Read) -> Result<Taken> {
    const WHAT: &str = "cannot take in the context";
    let (workplace, directory) = begin(paths)?;
    let room = file::free_room(&directory).context(WHAT)?.bytes / 4 * 3;
    let (_, plain) = compression::unpacked(source).context(WHAT)?;
    let into = Directory::open_root(&directory).context(WHAT)?;
    put::put(Bounded { source: plain, left: room }, into, Owner::AsPacked, None, None).map_err(store::advise).context(WHAT)?;
    Ok(Taken { directory, _workplace: workplace })
}

/// `github.com/…` is how people say it.
const SAID_SHORT: &str = "github.com/";

/// Whether what was typed is the address of a git repository: `https://HOST/NAME.git#BRANCH:DIRECTORY`, `git@HOST:NAME` …
pub fn is_repository(typed: &str) -> bool {
    typed.starts_with(SAID_SHORT) || !matches!(Repository::of(typed, false, None), Ok(None))
}

/// Its files, as git brings them, or those of the directory in it that the address names.
pub fn repository(paths: &Paths, typed: &str) -> Result<Taken> {
    let mut repository =
        Repository::of(&in_full(typed), false, None)?.ok_or_else(|| Error::usage(format!("{typed} names no repository")))?;
    let (workplace, directory) = begin(paths)?;
    let part = repository.fetch(&directory)?;
    let directory = std::fs::read_link(mount::path_of(part.as_fd())).context("cannot find what git has brought")?;
    Ok(Taken { directory, _workplace: workplace })
}

fn in_full(typed: &str) -> String {
    let (address, fragment) = typed.split_once('#').map_or((typed, String::new()), |(address, rest)| (address, format!("#{rest}")));
    match address.starts_with(SAID_SHORT) {
        true => format!("https://{}.git{fragment}", address.trim_end_matches('/').trim_end_matches(".git")),
        false => typed.to_owned(),
    }
}

fn begin(paths: &Paths) -> Result<(Workplace, PathBuf)> {
    let workplace = Workplace::begin(paths, &|| images::users(paths))?;
    let directory = workplace.file("context");
    file::make_dir(&directory, 0o755).context("cannot make a place for the context")?;
    Ok((workplace, directory))
}

/// Whether bytes are the beginning of an archive; a Dockerfile is text.
pub fn is_archive(first: &[u8]) -> bool {
    const MAGIC: std::ops::Range<usize> = 257..262;
    compression::of(first) != compression::Compression::Plain || first.get(MAGIC) == Some(b"ustar".as_slice())
}

/// So that a bomb ends as an error.
struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        let too_much = || std::io::Error::other(Error::damaged("it takes more than three quarters of the room that is free").to_string());
        self.left = self.left.checked_sub(count as u64).ok_or_else(too_much)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_told_by_their_addresses() {
        for typed in [
            "https://github.com/x/y.git",
            "https://github.com/x/y.git#v1:docs",
            "git@github.com:x/y.git#main",
            "git@github.com:x/y",
            "git://x.example/y",
            "ssh://git@x.example/y.git",
            "github.com/x/y",
            "github.com/x/y#:docs",
            // Wrong ones are named as such, and not taken for a directory.
            "git@github.com:x/y.git#--upload-pack=x",
        ] {
            assert!(is_repository(typed), "{typed}");
        }
        for typed in [".", "x.git", "https://github.com/x/y", "https://x.example/y.tar.gz#x.git", "-"] {
            assert!(!is_repository(typed), "{typed}");
        }
        assert_eq!(in_full("github.com/x/y#main:a"), "https://github.com/x/y.git#main:a");
        assert_eq!(in_full("github.com/x/y.git/"), "https://github.com/x/y.git");
        assert_eq!(in_full("git@github.com:x/y"), "git@github.com:x/y");
    }
}
