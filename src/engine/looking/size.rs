//! What things take on the disk: the files that a container has written, those of a volume, and the layers below them.

use crate::image::catalog;
use crate::paths::Paths;
use crate::record::Seen;
use crate::sys::Errno;
use crate::sys::beneath::Directory;
use std::collections::{HashMap, HashSet};
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// In the container's own layer.
    pub own: u64,
    /// With the layers of its image, which others share.
    pub with_image: u64,
}

/// By id. One whose layer cannot be read is left out.
pub fn of_all(paths: &Paths, containers: &[Seen]) -> HashMap<String, Sizes> {
    let images: HashMap<String, u64> = catalog::list(paths).unwrap_or_default().into_iter().map(|image| (image.id, image.size)).collect();
    let sizes = containers.iter().filter_map(|seen| {
        let own = match bytes_below(&seen.files(paths).upper()) {
            // It never started.
            Err(Errno::ENOENT) => 0,
            other => other.ok()?,
        };
        let image = images.get(&seen.record.image_id).copied().unwrap_or(0);
        Some((seen.record.id.clone(), Sizes { own, with_image: own.saturating_add(image) }))
    });
    sizes.collect()
}

/// In their order. One that cannot be read takes nothing.
pub fn of_layers(paths: &Paths, layers: &[String]) -> Vec<u64> {
    layers.iter().map(|layer| bytes_below(&paths.layer(layer)).unwrap_or(0)).collect()
}

/// Nothing where it stands for a directory of somebody else's.
pub fn of_volume(paths: &Paths, name: &str) -> u64 {
    bytes_below(&paths.volume(name).data()).unwrap_or(0)
}

/// Of a directory that has nothing but files.
pub fn of_files_in(dir: &Path) -> u64 {
    bytes_below(dir).unwrap_or(0)
}

/// The lengths of all files, each counted once whatever the number of its names. A container may change the tree meanwhile, so the
/// kernel sees to it that no name leads out of it.
fn bytes_below(top: &Path) -> Result<u64, Errno> {
    let root = Directory::open_root(top)?;
    let mut total = 0u64;
    let mut counted = HashSet::new();
    let mut waiting = vec![b".".to_vec()];
    while let Some(name) = waiting.pop() {
        // Gone meanwhile, or deeper than a path can be long.
        let Ok(entries) = root.directory(&name).and_then(|directory| directory.entries()) else { continue };
        for (entry, about) in entries {
            if about.st_mode & DIRECTORY_MASK == DIRECTORY {
                waiting.push([&name[..], b"/", &entry].concat());
            } else if about.st_nlink == 1 || counted.insert((about.st_dev, about.st_ino)) {
                total = total.saturating_add(about.st_size.unsigned_abs());
            }
        }
    }
    Ok(total)
}

// inode(7)
const DIRECTORY_MASK: u32 = 0o170000;
const DIRECTORY: u32 = 0o040000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::file;

    #[test]
    fn every_file_counts_once_and_nothing_outside() {
        let dir = std::env::temp_dir().join(format!("tare-size-{}", std::process::id()));
        let _ = file::remove_tree(&dir);
        file::make_dirs(&dir.join("a/b"), 0o700).unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
        write("one", "1234");
        write("a/b/two", "56");
        std::fs::hard_link(dir.join("one"), dir.join("a/again")).unwrap();
        assert_eq!(bytes_below(&dir), Ok(6));
        // A symbolic link is as long as its text, and not followed.
        file::make_symlink("/usr", &dir.join("a/out")).unwrap();
        assert_eq!(bytes_below(&dir), Ok(10));
        assert_eq!(bytes_below(&dir.join("missing")), Err(Errno::ENOENT));
        file::remove_tree(&dir).unwrap();
    }
}
