//! The store's list of images: `index.json` of the OCI layout, read without a lock, changed under one.
//!
//! Each name is a descriptor of its own, as OCI layouts do it; an image without a name has one without `ref.name`.

use crate::error::{Context, Result};
use crate::image::documents::{self, Descriptor, IMAGE_ID, INDEX_TYPE, Index, NAME, ORIGIN};
use crate::image::unflushed;
use crate::paths::Paths;
use crate::store::{self, Durable};
use crate::sys::beneath::Directory;
use crate::sys::{Errno, file};

/// Empty when there is no store yet.
pub fn read(paths: &Paths) -> Result<Index> {
    match file::read_bounded(&paths.image_index(), documents::LONGEST_DOCUMENT) {
        Ok(text) => documents::parse("the list of images", &text),
        Err(Errno::ENOENT) => Ok(Index::default()),
        Err(e) => Err(crate::error::Error::from_errno("cannot read the list of images", e)),
    }
}

/// The lock under which the list and what it refers to change.
pub struct Writing<'a> {
    paths: &'a Paths,
    _lock: store::Lock,
}

impl<'a> Writing<'a> {
    /// Makes the layout if need be, and waits for the lock.
    pub fn begin(paths: &'a Paths) -> Result<Writing<'a>> {
        store::make_dirs(&paths.blobs())?;
        store::make_dirs(&paths.layers())?;
        store::make_dirs(&paths.proven())?;
        store::make_dirs(&paths.unfinished())?;
        let lock = store::lock(&paths.image_lock())?;
        let version = paths.image_layout().join("oci-layout");
        if !version.exists() {
            store::write(&version, br#"{"imageLayoutVersion":"1.0.0"}"#, Durable::Yes)?;
            Writing { paths, _lock: lock }.replace(Index::default())?;
            return Writing::begin(paths);
        }
        Ok(Writing { paths, _lock: lock })
    }

    pub fn read(&self) -> Result<Index> {
        read(self.paths)
    }

    fn is_no_longer(&self, text: &[u8]) -> bool {
        std::fs::metadata(self.paths.image_index()).is_ok_and(|now| now.len() >= text.len() as u64)
    }

    /// Also lets the disk finish with what was put down before.
    pub fn replace(&self, mut index: Index) -> Result<()> {
        unflushed::forget(&self.read()?, &mut index, || {
            let layout = Directory::open_root(&self.paths.image_layout()).context("cannot open the store")?;
            layout.sync_file_system().context("cannot write the store to disk")
        })?;
        self.replace_only(index)
    }

    /// For who has put something down just now, and does not wait for the disk.
    pub fn replace_only(&self, mut index: Index) -> Result<()> {
        index.schema_version = 2;
        index.media_type = INDEX_TYPE.into();
        // Equal images, equal text; and a person can read it.
        index.manifests.sort_by(|one, other| (name_of(one), id_of(one), &one.digest).cmp(&(name_of(other), id_of(other), &other.digest)));
        let text =
            serde_json::to_vec_pretty(&index).map_err(|e| crate::error::Error::failed("cannot write the list of images").because(e))?;
        match store::write(&self.paths.image_index(), &text, Durable::Yes) {
            // On a full disk images must still be removed: the list is no longer than before.
            Err(error) if matches!(error.errno(), Some(Errno::ENOSPC | Errno::EDQUOT)) && self.is_no_longer(&text) => {
                store::overwrite(&self.paths.image_index(), text).map_err(|_| error)
            }
            other => other,
        }
    }
}

/// `busybox:latest`
pub fn name_of(descriptor: &Descriptor) -> Option<&str> {
    descriptor.annotations.get(NAME).map(String::as_str)
}

/// `sha256:…`, the digest of the config.
pub fn id_of(descriptor: &Descriptor) -> &str {
    descriptor.annotations.get(IMAGE_ID).map_or("", String::as_str)
}

/// The digest that others know the image by: of its manifest, or of the list of images out of which it was chosen.
pub fn digest_of(descriptor: &Descriptor) -> &str {
    descriptor.annotations.get(ORIGIN).unwrap_or(&descriptor.digest)
}

/// Gives an image a name (or only makes it known). Who had the name before keeps its image, without a name if it had no other.
pub fn insert(index: &mut Index, mut image: Descriptor, name: Option<&str>) {
    image.annotations.remove(NAME);
    if let Some(name) = name {
        let before: Vec<Descriptor> = index.manifests.extract_if(.., |have| name_of(have) == Some(name)).collect();
        image.annotations.insert(NAME.into(), name.into());
        index.manifests.push(image);
        for mut old in before {
            if !index.manifests.iter().any(|have| id_of(have) == id_of(&old)) {
                old.annotations.remove(NAME);
                index.manifests.push(old);
            }
        }
    } else if !index.manifests.iter().any(|have| id_of(have) == id_of(&image)) {
        index.manifests.push(image);
    }
    // A nameless entry is only for images that have no name at all.
    let named: Vec<String> = index.manifests.iter().filter(|have| name_of(have).is_some()).map(|have| id_of(have).to_owned()).collect();
    index.manifests.retain(|have| name_of(have).is_some() || !named.iter().any(|id| id == id_of(have)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str) -> Descriptor {
        Descriptor { digest: format!("m-{id}"), annotations: [(IMAGE_ID.to_owned(), id.to_owned())].into(), ..Descriptor::default() }
    }

    fn listed(index: &Index) -> Vec<(Option<&str>, &str)> {
        index.manifests.iter().map(|have| (name_of(have), id_of(have))).collect()
    }

    #[test]
    fn a_name_that_moves_leaves_its_old_image_nameless() {
        let mut index = Index::default();
        insert(&mut index, image("1"), Some("a:latest"));
        insert(&mut index, image("2"), Some("a:latest"));
        assert_eq!(listed(&index), [(Some("a:latest"), "2"), (None, "1")]);
        insert(&mut index, image("1"), Some("b:latest"));
        assert_eq!(listed(&index), [(Some("a:latest"), "2"), (Some("b:latest"), "1")]);
        insert(&mut index, image("2"), None);
        assert_eq!(listed(&index).len(), 2);
    }
}
