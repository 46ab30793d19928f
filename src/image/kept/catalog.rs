//! What the store holds: listed, told in full, given names, removed.

use crate::error::{Context, Error, Result};
use crate::image::digest;
use crate::image::documents::{self, IMAGE_SIZE, Index};
use crate::image::find::{self, Image};
use crate::image::garbage;
use crate::image::index::{self, Writing, id_of, name_of};
use crate::image::reference::Reference;
use crate::paths::Paths;
use std::collections::BTreeMap;

/// An image as `images` lists it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// `sha256:…`
    pub id: String,
    /// By which registries know it: of its manifest, or of the list of images out of which it was chosen.
    pub digest: String,
    pub name: Option<String>,
    /// RFC 3339, as the image says; empty when it does not.
    pub created: String,
    /// Bytes of all files in its layers.
    pub size: u64,
    pub labels: BTreeMap<String, String>,
    /// Diff ids (hex), bottom to top.
    pub layers: Vec<String>,
}

/// One row per name, newest first; an image without a name has one row, too.
pub fn list(paths: &Paths) -> Result<Vec<Listed>> {
    let index = index::read(paths)?;
    let mut rows = Vec::new();
    for entry in &index.manifests {
        // One damaged image does not hide the others; using it says what is wrong.
        let Ok(text) = digest::hex_of(id_of(entry)).and_then(|hex| documents::read("the image's config", &paths.blob(hex))) else {
            continue;
        };
        let Ok((config, layers)) = documents::parse_config("the image's config", &text) else { continue };
        rows.push(Listed {
            layers,
            id: id_of(entry).to_owned(),
            digest: index::digest_of(entry).to_owned(),
            name: name_of(entry).map(str::to_owned),
            created: config.created().clone().unwrap_or_default(),
            size: entry.annotations.get(IMAGE_SIZE).and_then(|size| size.parse().ok()).unwrap_or(0),
            labels: config.config().as_ref().and_then(|config| config.labels().clone()).unwrap_or_default().into_iter().collect(),
        });
    }
    rows.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.name.cmp(&b.name)));
    Ok(rows)
}

/// Everything that is known of an image.
pub struct Details {
    pub image: Image,
    pub raw_config: serde_json::Value,
    pub names: Vec<String>,
    pub digest: String,
    pub size: u64,
}

pub fn details(paths: &Paths, wanted: &str) -> Result<Details> {
    let image = find::find(paths, wanted)?;
    let index = index::read(paths)?;
    let entries: Vec<_> = index.manifests.iter().filter(|entry| id_of(entry) == image.id).collect();
    let text = documents::read("the image's config", &paths.blob(digest::hex_of(&image.id)?))?;
    Ok(Details {
        raw_config: documents::parse("the image's config", &text)?,
        names: entries.iter().filter_map(|entry| name_of(entry)).map(str::to_owned).collect(),
        digest: entries.first().map(|entry| index::digest_of(entry).to_owned()).unwrap_or_default(),
        size: entries.first().and_then(|entry| entry.annotations.get(IMAGE_SIZE)?.parse().ok()).unwrap_or(0),
        image,
    })
}

pub fn tag(paths: &Paths, wanted: &str, new: &str) -> Result<()> {
    let new = Reference::parse(new)?;
    if new.digest.is_some() {
        return Err(Error::usage(format!("{new} cannot be given as a name")).because("a digest is not chosen, it follows from the content"));
    }
    let writing = Writing::begin(paths)?;
    let mut index = writing.read()?;
    let image = find::select(&index, wanted)?.clone();
    index::insert(&mut index, image, Some(&new.to_string()));
    writing.replace(index)
}

/// What `rmi` did.
#[derive(Debug, PartialEq, Eq)]
pub enum Removed {
    Untagged(String),
    /// An id of an image, or the digest of a layer that went with it.
    Deleted(String),
}

/// A container that needs its image.
#[derive(Clone, Debug)]
pub struct User {
    pub container: String,
    pub image_id: String,
    /// Diff ids (hex).
    pub layers: Vec<String>,
}

/// Says which containers there are; asked under the lock, and not before, or it would be old.
pub type Users<'a> = &'a dyn Fn() -> Result<Vec<User>>;

/// Removes a name, and with the last one the image. `users` is asked under the lock: it must not be older than that.
pub fn remove(paths: &Paths, wanted: &str, force: bool, users: impl Fn() -> Result<Vec<User>>) -> Result<Vec<Removed>> {
    let writing = Writing::begin(paths)?;
    let mut index = writing.read()?;
    let chosen = find::select(&index, wanted)?;
    let (id, found) = (id_of(chosen).to_owned(), name_of(chosen).map(str::to_owned));
    let names: Vec<String> =
        index.manifests.iter().filter(|entry| id_of(entry) == id).filter_map(|entry| name_of(entry).map(str::to_owned)).collect();
    let by_name = Reference::parse(wanted).is_ok_and(|wanted| wanted.digest.is_some() || Some(wanted.to_string()) == found);
    let doomed = match found {
        Some(name) if by_name => vec![name],
        _ if names.len() > 1 && !force => {
            return Err(Error::conflict(format!("cannot remove image {wanted}"))
                .because(format!("it has several names: {}", names.join(", ")))
                .hint("remove it by one of them, or all with -f"));
        }
        _ => names.clone(),
    };
    let is_last = doomed.len() == names.len();
    if is_last && let Some(user) = users()?.iter().find(|user| user.image_id == id) {
        // Not even by force: what the container stands on would go.
        return Err(Error::conflict(format!("cannot remove image {wanted}"))
            .because(format!("container {} uses it", user.container))
            .hint(format!("remove the container first: tare rm {}", user.container)));
    }
    let layers = if is_last { layers_of(paths, &index) } else { Default::default() };
    index
        .manifests
        .retain(|entry| id_of(entry) != id || (!is_last && !name_of(entry).is_some_and(|name| doomed.iter().any(|doomed| doomed == name))));
    writing.replace(index.clone())?;
    let mut done: Vec<Removed> = doomed.into_iter().map(Removed::Untagged).collect();
    if is_last {
        done.push(Removed::Deleted(id));
        let gone = garbage::collect(paths, &writing, &index, &users()?).context("the image is removed, but not all of its files")?;
        done.extend(gone.into_iter().filter(|layer| layers.contains(layer)).map(|layer| Removed::Deleted(format!("sha256:{layer}"))));
    }
    Ok(done)
}

fn layers_of(paths: &Paths, index: &Index) -> std::collections::BTreeSet<String> {
    let ids = index.manifests.iter().map(id_of);
    ids.filter_map(|id| find::config(paths, id).ok()).flat_map(|(_, layers)| layers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::image::import::{Request, import};
    use crate::image::limits::Limits;
    use crate::image::progress::Progress;
    use crate::sys::file;

    fn store(name: &str) -> Paths {
        let root = std::env::temp_dir().join(format!("tare-catalog-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&root);
        Paths::new(&root, root.join("run"))
    }

    fn make(paths: &Paths, content: &str, name: Option<&str>) -> String {
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, "file", content.as_bytes()).unwrap();
        let request = Request { name, changes: vec!["LABEL a=b"], message: None, created: "2024-01-02T03:04:05Z".into(), platform: None };
        let tar = tar.into_inner().unwrap();
        import(paths, (&tar[..], None), &request, &Limits::default(), &Progress::default(), &|| Ok(Vec::new())).unwrap().id
    }

    #[test]
    fn the_last_name_takes_the_image_with_it() {
        let paths = store("last");
        let id = make(&paths, "one", Some("one"));
        tag(&paths, "one", "two:2").unwrap();
        let nobody = || Ok(Vec::new());
        assert_eq!(remove(&paths, &id, false, nobody).unwrap_err().kind(), Kind::Conflict);
        assert_eq!(remove(&paths, "one", false, nobody).unwrap(), [Removed::Untagged("one:latest".into())]);
        let rows = list(&paths).unwrap();
        assert_eq!((rows.len(), rows[0].name.as_deref(), rows[0].size, rows[0].labels["a"].as_str()), (1, Some("two:2"), 3, "b"));
        let user = User { container: "web".into(), image_id: id.clone(), layers: Vec::new() };
        assert_eq!(remove(&paths, "two:2", true, || Ok(vec![user.clone()])).unwrap_err().kind(), Kind::Conflict);
        let done = remove(&paths, &id[7..20], false, nobody).unwrap();
        assert_eq!(done[..2], [Removed::Untagged("two:2".into()), Removed::Deleted(id)]);
        assert_eq!(std::fs::read_dir(paths.blobs()).unwrap().count() + std::fs::read_dir(paths.layers()).unwrap().count(), 0);
        file::remove_tree(paths.root()).unwrap();
    }

    #[test]
    fn what_others_use_stays() {
        let paths = store("shared");
        let one = make(&paths, "same", Some("one"));
        let other = make(&paths, "other", None);
        let layer = find::find(&paths, &other).unwrap().layers[0].clone();
        let user = User { container: "old".into(), image_id: "sha256:gone".into(), layers: vec![layer.clone()] };
        remove(&paths, &other, false, || Ok(vec![user.clone()])).unwrap();
        assert!(paths.layer(&layer).is_dir(), "a container's layers stay, whatever becomes of its image");
        assert_eq!(find::find(&paths, "one").unwrap().id, one);
        assert!(paths.layer(&find::find(&paths, "one").unwrap().layers[0]).is_dir());
        file::remove_tree(paths.root()).unwrap();
    }
}
