//! The files of a result, for whoever wants them outside of the store.

use crate::build::state::State;
use crate::engine::copy;
use crate::error::{Context, Result};
use crate::image::Workplace;
use crate::image::pack::{Form, Pack};
use crate::paths::Paths;
use crate::runtime::view;
use crate::spec::mounts::layers;
use crate::sys::beneath::Directory;
use crate::sys::{file, user_namespace};
use std::io::Write;
use std::path::Path;

/// All layers seen as one tree, which is gone with this value.
pub struct Files {
    root: Directory,
    /// An empty directory of it is part of the tree: the kernel lists nothing of what has lost one.
    _workplace: Workplace,
}

/// A process is forked for that, so it comes before any thread.
pub fn open(paths: &Paths, state: &State) -> Result<Files> {
    const WHAT: &str = "cannot open the result";
    let workplace = Workplace::begin_alone(paths)?;
    let mut lower: Vec<String> = state.diff_ids().iter().rev().map(|layer| paths.layer(layer).display().to_string()).collect();
    // Overlay wants two directories at least.
    for number in lower.len()..2 {
        let empty = workplace.file(&format!("empty-{number}"));
        file::make_dir(&empty, 0o755).context(WHAT)?;
        lower.push(empty.display().to_string());
    }
    let place = workplace.file("place");
    file::make_dir(&place, 0o755).context(WHAT)?;
    let overlay = layers(&lower, None, !user_namespace::is_initial())?;
    let root = view::of_layers(&overlay, &place, None).map(Directory::of).context(WHAT)?;
    Ok(Files { root, _workplace: workplace })
}

impl Files {
    /// Whoever asks for them owns them. Gives what could not be copied, with the reason.
    pub fn to_directory(&self, path: &Path) -> Result<Vec<String>> {
        let what = || format!("cannot write to {}", path.display());
        file::make_dirs(path, 0o755).with_context(what)?;
        copy::tree_out(&self.root, Directory::open_root(path).with_context(what)?).with_context(what)
    }

    pub fn to_archive(&self, to: impl Write) -> Result<()> {
        let mut pack = Pack::new(to, Form::Plain);
        pack.add_contents(&self.root, b"").and_then(|()| pack.finish()).map(drop).context("cannot write the archive")
    }
}
