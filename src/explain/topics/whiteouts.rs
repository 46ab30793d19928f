//! Whiteouts and opaque directories.

use super::{Example, Page};
use crate::engine::diff::{self, Kind};
use crate::sys::beneath::Directory;
use crate::trace::Step;
use std::path::Path;

const WORDS: &str = "
A layer only adds; it cannot reach into one below it. To remove a file it adds
a mark of the file's name, a whiteout, which says \"not here, and do not look
further down\". A directory can carry a mark as well: it is then opaque, and
nothing that layers below have in it shows through.

The marks have two forms. In an image's archive they are files that begin with
.wh.: `.wh.secret` removes `secret`, `.wh..wh..opq` makes its directory opaque.
On the disk, for overlayfs, they are a character device with numbers 0 and 0,
and the attribute trusted.overlay.opaque=y (user.overlay.opaque without root).
In the container you see neither, only that something is missing.

So `RUN rm secret` makes no image smaller and hides no secret: whoever unpacks
the layer below has it. What is not to stay must be removed in the line that
made it, or be brought by RUN --mount=type=secret.
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::MountRoot),
        further: "tare layers IMAGE; tare diff NAME; the kernel's overlayfs.rst; opencontainers/image-spec, layer.md",
    }
}

/// Which of the two forms it has.
fn mark(upper: &Path, path: &str) -> &'static str {
    let relative = path.trim_start_matches('/').as_bytes();
    match Directory::open_root(upper).and_then(|upper| upper.hold(relative)?.about()) {
        Ok(_) => "there is a whiteout of that name, a character device 0, 0",
        Err(_) => "there is nothing of that name, because a directory above it is opaque",
    }
}

fn live(example: &Example) -> Vec<String> {
    let Some(seen) = &example.seen else {
        return vec!["this command has no layers, so there is nothing to be seen: name a container".to_owned()];
    };
    let upper = seen.files(&example.paths).upper();
    let changes = diff::diff(&example.paths, &seen.record.id).unwrap_or_default();
    let gone: Vec<String> = changes
        .iter()
        .filter(|change| change.kind == Kind::Deleted)
        .map(|change| String::from_utf8_lossy(&change.path).into_owned())
        .collect();
    let mut lines = vec![format!("its own layer: {}", upper.display())];
    match gone.as_slice() {
        [] => lines.push(format!("nothing in it is a whiteout; make one: tare exec {} rm /etc/group", seen.record.name)),
        gone => lines.extend(gone.iter().take(5).map(|path| format!("{path} is gone: {}", mark(&upper, path)))),
    }
    lines
}
