//! Text in the Dockerfile that becomes files.

use crate::build::files::tree::Tree;
use crate::dockerfile::instruction::Heredoc;
use crate::error::{Context, Error, Result};
use crate::sys::beneath::{self, Directory};
use crate::sys::{Errno, file};
use std::os::fd::AsFd;
use std::path::Path;

/// `place`: an empty directory.
pub fn heredocs(heredocs: &[Heredoc], place: &Path) -> Result<Tree> {
    let into = Directory::open_root(place).context("cannot open the place of heredocs")?;
    for heredoc in heredocs {
        let what = || format!("cannot make a file of <<{}", heredoc.name);
        let made = match into.new_file(heredoc.name.as_bytes()) {
            Ok(made) if !heredoc.name.contains('/') => made,
            Err(Errno::EEXIST) => return Err(Error::usage(what()).because("there is another one of this name")),
            _ => return Err(Error::usage(what()).because("it is no name of a file")),
        };
        file::write_all(made.as_fd(), heredoc.content.as_bytes()).with_context(what)?;
        beneath::set_mode(made.as_fd(), 0o644).with_context(what)?;
    }
    Tree::context(place, None)
}
