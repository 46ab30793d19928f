//! A word of ADD that means something elsewhere.

use crate::build::files::add::git::Repository;
use crate::build::files::add::url::FromUrl;
use crate::build::files::select::{Selection, select};
use crate::build::files::tree::Tree;
use crate::error::{Error, Result};
use std::path::Path;

pub enum Distant {
    File(FromUrl),
    Repository(Repository),
}

/// Whether COPY would refuse it.
pub fn is_elsewhere(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://") || matches!(Repository::of(source, false, None), Ok(Some(_)) | Err(_))
}

impl Distant {
    /// `None`: it is a name in the context.
    pub fn of(source: &str, checksum: Option<&str>, keeps_git: bool) -> Result<Option<Distant>> {
        if !is_elsewhere(source) {
            return match checksum {
                Some(_) => Err(Error::usage(format!("--checksum is not for {source:?}")).because("it is for URLs and repositories")),
                None => Ok(None),
            };
        }
        match Repository::of(source, keeps_git, checksum)? {
            Some(repository) => Ok(Some(Distant::Repository(repository))),
            None => FromUrl::of(source, checksum).map(|url| Some(Distant::File(url))),
        }
    }

    /// What it is for a key. `memory`: a directory for notes. `place`: an empty directory, the same one for `fetch`.
    pub fn print(&mut self, memory: &Path, place: &Path) -> Result<String> {
        match self {
            Distant::File(url) => url.print(memory, place),
            Distant::Repository(repository) => repository.print(),
        }
    }

    /// Brings it, into `place`.
    pub fn fetch(&mut self, place: &Path) -> Result<Tree> {
        match self {
            Distant::File(url) => {
                url.fetch(place)?;
                Tree::context(place, None)
            }
            Distant::Repository(repository) => repository.fetch(place).map(Tree::of_context),
        }
    }

    /// What is copied of what was brought.
    pub fn select<'t>(&self, tree: &'t Tree) -> Result<Selection<'t>> {
        match self {
            Distant::File(url) => Selection::of_file(tree, url.name()),
            Distant::Repository(_) => select(tree, &[".".to_owned()], None, false),
        }
    }
}
