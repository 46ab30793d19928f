//! What has to be brought into a directory before it can be copied from there.

use crate::build::files::add::git::Repository;
use crate::build::files::add::heredocs::heredocs;
use crate::build::files::add::url::FromUrl;
use crate::build::files::select::{Selection, select};
use crate::build::files::tree::Tree;
use crate::dockerfile::instruction::Heredoc;
use crate::error::{Error, Result};
use std::path::Path;

pub enum Errand {
    File(FromUrl),
    Repository(Repository),
    Text(Vec<Heredoc>),
}

/// Whether a source is none of a context, and COPY would refuse it.
pub fn is_elsewhere(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://") || matches!(Repository::of(source, false, None), Ok(Some(_)) | Err(_))
}

impl Errand {
    /// `None`: it is a name in the context.
    pub fn of(source: &str, checksum: Option<&str>, keeps_git: bool) -> Result<Option<Errand>> {
        if !is_elsewhere(source) {
            return match checksum {
                Some(_) => Err(Error::usage(format!("--checksum is not for {source:?}")).because("it is for URLs and repositories")),
                None => Ok(None),
            };
        }
        match Repository::of(source, keeps_git, checksum)? {
            Some(repository) => Ok(Some(Errand::Repository(repository))),
            None => FromUrl::of(source, checksum).map(|url| Some(Errand::File(url))),
        }
    }

    /// `secret`: what one of this name holds. `HTTP_AUTH_TOKEN_host` and `HTTP_AUTH_HEADER_host` say who we are, there alone.
    pub fn identify(&mut self, secret: impl Fn(&str) -> Result<Option<Vec<u8>>>) -> Result<()> {
        let Errand::File(url) = self else { return Ok(()) };
        let host = url.host().to_owned();
        let text = |name: String| Ok::<_, Error>(secret(&name)?.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()));
        let token = text(format!("HTTP_AUTH_TOKEN_{host}"))?.map(|token| format!("Bearer {token}"));
        url.pass = text(format!("HTTP_AUTH_HEADER_{host}"))?.or(token);
        Ok(())
    }

    /// What it is for a key. `memory`: a directory for notes. `place`: an empty directory, the same one for `carry_out`.
    pub fn print(&mut self, memory: &Path, place: &Path) -> Result<String> {
        match self {
            // It may go into a directory, and be called as its address ends.
            Errand::File(url) => Ok(format!("{} {}", url.print(memory, place)?, url.name())),
            Errand::Repository(repository) => repository.print(),
            Errand::Text(all) => Ok(all.iter().map(|one| format!("{:?} {:?}", one.name, one.content)).collect::<Vec<_>>().join(" ")),
        }
    }

    /// Brings it into `place`.
    pub fn carry_out(&mut self, place: &Path) -> Result<Tree> {
        match self {
            Errand::File(url) => {
                url.fetch(place)?;
                Tree::context(place, None)
            }
            Errand::Repository(repository) => repository.fetch(place).map(Tree::of_context),
            Errand::Text(all) => heredocs(all, place),
        }
    }

    /// What is copied of what was brought.
    pub fn select<'t>(&self, tree: &'t Tree) -> Result<Selection<'t>> {
        match self {
            Errand::File(url) => Selection::of_files(tree, [url.name()]),
            Errand::Repository(_) => select(tree, &[".".to_owned()], None, false),
            Errand::Text(all) => Selection::of_files(tree, all.iter().map(|one| one.name.as_str())),
        }
    }
}
