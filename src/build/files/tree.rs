//! Where files are found that are to be copied.

use crate::build::files::filter::{Filter, Verdict};
use crate::error::{Context, Result};
use crate::sys::beneath::Directory;
use std::path::Path;

pub struct Tree {
    root: Directory,
    is_context: bool,
    ignored: Option<Ignored>,
}

/// What a context does not have, although it lies there.
pub struct Ignored {
    pub filter: Box<dyn Filter>,
    /// What the file is called that says so.
    pub by: String,
}

impl Tree {
    /// The build context. Its files belong to nobody in particular: in an image they are root's.
    pub fn context(directory: &Path, ignored: Option<Ignored>) -> Result<Tree> {
        let root = Directory::open_root(directory).with_context(|| format!("cannot open the build context {}", directory.display()))?;
        Ok(Tree { root, is_context: true, ignored })
    }

    /// The same, of a directory that is open.
    pub fn of_context(root: Directory) -> Tree {
        Tree { root, is_context: true, ignored: None }
    }

    /// The files of a stage or an image, as they are seen there: owners are kept.
    pub fn of_root(root: Directory) -> Tree {
        Tree { root, is_context: false, ignored: None }
    }

    pub fn keeps_owners(&self) -> bool {
        !self.is_context
    }

    pub fn root(&self) -> &Directory {
        &self.root
    }

    /// In messages.
    pub fn called(&self) -> &'static str {
        if self.is_context { "the build context" } else { "what is copied from" }
    }

    /// `path`: from the root, and without symlinks.
    pub fn verdict(&self, path: &[u8], is_directory: bool) -> Verdict {
        match &self.ignored {
            // Nobody can leave out the context itself.
            Some(ignored) if !path.is_empty() => Verdict::of(&*ignored.filter, path, is_directory),
            _ => Verdict::Take,
        }
    }

    pub fn ignored_by(&self) -> Option<&str> {
        self.ignored.as_ref().map(|ignored| ignored.by.as_str())
    }
}
