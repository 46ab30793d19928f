//! Overlayfs: how layers become one tree.

use super::{Example, Page};
use crate::explain::live::mounts::{self, Mounted};
use crate::explain::topics::images::folded;
use crate::trace::Step;

const WORDS: &str = "
An image's layers are directories. Overlayfs shows them as one: it looks for a
name in the topmost, then in the next one below, and so on; directories of the
same name are merged. That needs no copy: the mount takes a millisecond
whatever the size of the image, and a thousand containers share one set of
layers on the disk and in memory.

The layers below (lowerdir) are never changed. On top lies one directory of
the container's own (upperdir). A file that is written for the first time is
copied up there as a whole, and from then on it hides the one below. A file
that is removed gets a mark there that says so (tare explain whiteouts).

When the container is removed, its upper directory is, and nothing else. With
commit, it becomes one more layer.
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::MountRoot),
        further: "the kernel's overlayfs.rst; tare diff NAME; tare layers IMAGE",
    }
}

fn live(example: &Example) -> Vec<String> {
    let mounted = mounts::of(example.first);
    let overlay = mounted.iter().find(|mounted| mounted.target == "/" && mounted.kind == "overlay");
    match (overlay, &example.seen) {
        (Some(overlay), _) => of_mount(overlay),
        (None, Some(seen)) => {
            let layers = seen.record.layers.iter().rev().map(|layer| format!("layer {}", example.paths.layer(layer).display()));
            let upper = format!("upper {}", seen.files(&example.paths).upper().display());
            let mut lines = vec!["it is not mounted now; when it starts, from the top:".to_owned(), upper];
            lines.extend(layers.take(8));
            lines
        }
        (None, None) => {
            let root = mounted.iter().rfind(|mounted| mounted.target == "/");
            root.map_or_else(
                || vec!["this command's own root cannot be seen".to_owned()],
                |root| vec![format!("this command's own root is no overlay but {} on {}", root.kind, root.source)],
            )
        }
    }
}

/// As `mount` would show it, with a line for each directory.
fn of_mount(overlay: &Mounted) -> Vec<String> {
    let layers: Vec<&str> = overlay.option("lowerdir").unwrap_or("").split(':').filter(|layer| !layer.is_empty()).collect();
    // Since Linux 6.8 each may be an option of its own.
    let more: Vec<&str> = overlay.of_file_system.split(',').filter_map(|option| option.strip_prefix("lowerdir+=")).collect();
    let mut lines = vec![format!("{} on / type overlay ({})", overlay.source, overlay.options)];
    lines.push(format!("upperdir  {}", overlay.option("upperdir").unwrap_or("none: nothing can be written")));
    lines.push(format!("workdir   {}", overlay.option("workdir").unwrap_or("none")));
    let all: Vec<&str> = layers.into_iter().chain(more).collect();
    lines.extend(all.iter().take(8).map(|layer| format!("lowerdir  {layer}")));
    if all.len() > 8 {
        lines.push(format!("          … and {} more below", all.len() - 8));
    }
    let others =
        overlay.of_file_system.split(',').filter(|option| !["lowerdir", "upperdir", "workdir"].iter().any(|name| option.starts_with(name)));
    lines.extend(folded("options   ", &others.collect::<Vec<_>>()));
    lines
}
