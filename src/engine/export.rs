//! `export`: the files of a container as one archive: what its layers hold and it has written. What is mounted in it, volumes too,
//! is not among them; only the mount points are.

use crate::engine::{events, files_of};
use crate::error::{Context, Result};
use crate::image::pack::{Form, Pack};
use crate::paths::Paths;
use crate::runtime::view::Extent;
use crate::sys::file::{self, OFlag};
use std::fs::File;
use std::io::Write;
use std::path::Path;

pub fn export(paths: &Paths, wanted: &str, to: impl Write) -> Result<()> {
    let files = files_of::open(paths, wanted, Extent::Root)?;
    let mut pack = Pack::new(to, Form::Plain);
    let packed = pack.add_contents(files.root()?, b"").and_then(|()| pack.finish());
    packed.with_context(|| format!("cannot export container {}", files.record.name))?;
    events::of_container(paths, &files.record, "export", &[]);
    Ok(())
}

/// The file gets its name when it is complete. A device or a fifo that has the name is written to.
pub fn export_to_file(paths: &Paths, wanted: &str, path: &Path) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return export(paths, wanted, File::from(file::open(path, OFlag::O_WRONLY).with_context(what)?));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new{}", std::process::id()));
    let new = Path::new(&name);
    let written = file::create(new, OFlag::O_WRONLY | OFlag::O_TRUNC, 0o600).with_context(what);
    let written = written.and_then(|fd| export(paths, wanted, File::from(fd)));
    let written = written.and_then(|()| file::rename(new, path).with_context(what));
    if written.is_err() {
        let _ = file::remove_file(new);
    }
    written
}
