//! `save`: images go out into an archive, with the blobs as they were taken in, so that all digests stay what they were.
//!
//! Both forms are an OCI layout in a tar. Docker's has manifest.json beside it, from which podman, skopeo and older dockers read,
//! and calls images in index.json as containerd does. The same images are always the same archive, byte for byte.

use crate::error::{Context, Error, Result};
use crate::image::digest::{Hashing, hex_of};
use crate::image::documents::{self, CONTAINERD_NAME, Descriptor, INDEX_TYPE, Index, Manifest, NAME};
use crate::image::find;
use crate::image::index::{self, id_of, name_of};
use crate::image::members::Document;
use crate::image::pack::{Entry, Form, Pack};
use crate::image::publish;
use crate::image::reference::Reference;
use crate::paths::Paths;
use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use crate::time;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Docker,
    Oci,
}

/// An image, and the names under which it was asked for: none, if by its id.
struct Chosen {
    image: Descriptor,
    names: Vec<String>,
    manifest: Manifest,
}

/// All that is to be written.
pub struct Saving<'a> {
    paths: &'a Paths,
    format: Format,
    images: Vec<Chosen>,
    /// Hex and length, each once.
    blobs: BTreeMap<String, u64>,
    /// One that is not in the store.
    written: Option<Document>,
    /// Seconds since 1970: a moment that depends on nothing but the images.
    moment: i64,
}

impl<'a> Saving<'a> {
    /// Everything is looked for before anything is written.
    pub fn plan(paths: &'a Paths, wanted: &[&str], format: Format) -> Result<Saving<'a>> {
        let index = index::read(paths)?;
        let mut saving = Saving { paths, format, images: Vec::new(), blobs: BTreeMap::new(), written: None, moment: 1 };
        for wanted in wanted {
            for (image, name) in choose(&index, wanted)? {
                saving.add(image, name).with_context(|| format!("cannot save image {wanted}"))?;
            }
        }
        Ok(saving)
    }

    /// The only image goes out under these names, whatever it is called here.
    pub fn call_it(&mut self, names: &[String]) {
        if let [chosen] = &mut self.images[..] {
            chosen.names = names.to_vec();
        }
    }

    /// And its manifest says this of it: another image of the same content may be here, of which something else is said.
    pub fn annotate(&mut self, annotations: &BTreeMap<String, String>) -> Result<()> {
        let [Chosen { image, manifest, .. }] = &mut self.images[..] else { return Ok(()) };
        if manifest.annotations == *annotations {
            return Ok(());
        }
        self.blobs.remove(hex_of(&image.digest)?);
        let document = publish::manifest_of(manifest.config.clone(), manifest.layers.clone(), annotations)?;
        (image.digest, image.size) = (format!("sha256:{}", document.digest), document.text.len() as u64);
        self.blobs.insert(document.digest.clone(), image.size);
        self.written = Some(document);
        Ok(())
    }

    /// The ids, and what each was asked for by.
    pub fn images(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.images.iter().map(|chosen| (id_of(&chosen.image), &chosen.names[..]))
    }

    fn add(&mut self, image: &Descriptor, name: Option<&str>) -> Result<()> {
        let known = self.images.iter().position(|known| id_of(&known.image) == id_of(image));
        let at = match known {
            Some(at) => at,
            None => {
                let text = documents::read("its manifest", &self.paths.blob(hex_of(&image.digest)?)).map_err(not_kept)?;
                let manifest: Manifest = documents::parse("its manifest", &text)?;
                documents::check_manifest(&manifest)?;
                let config = documents::read("its config", &self.paths.blob(hex_of(&manifest.config.digest)?)).map_err(not_kept)?;
                let config: Value = documents::parse("its config", &config)?;
                let created = config["created"].as_str().and_then(time::parse_rfc3339).unwrap_or(0) / 1_000_000_000;
                self.moment = self.moment.max(i64::try_from(created).unwrap_or(0));
                for blob in [image, &manifest.config].into_iter().chain(&manifest.layers) {
                    self.add_blob(hex_of(&blob.digest)?, blob.size)?;
                }
                self.images.push(Chosen { image: image.clone(), names: Vec::new(), manifest });
                self.images.len() - 1
            }
        };
        let names = &mut self.images[at].names;
        names.extend(name.filter(|name| !names.iter().any(|known| known == name)).map(str::to_owned));
        Ok(())
    }

    fn add_blob(&mut self, hex: &str, size: u64) -> Result<()> {
        let length = match file::open(&self.paths.blob(hex), OFlag::O_RDONLY).and_then(|fd| file::length(std::os::fd::AsFd::as_fd(&fd))) {
            Ok(length) => length,
            Err(e) => return Err(not_kept(Error::from_errno(format!("blob sha256:{hex}"), e))),
        };
        if length != size {
            return Err(Error::damaged(format!("blob sha256:{hex} of the store is damaged"))
                .because(format!("it has {length} bytes, said are {size}"))
                .hint("load the image again"));
        }
        self.blobs.insert(hex.to_owned(), size);
        Ok(())
    }

    /// Short texts first, so that who reads from a pipe knows early what comes.
    pub fn write(&self, out: impl Write) -> Result<()> {
        let mut archive = Pack::new(out, Form::Plain);
        let text = |value: Value| value.to_string().into_bytes();
        archive.bytes(b"oci-layout", 0o644, self.moment, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        archive.bytes(b"index.json", 0o644, self.moment, &text(self.index()))?;
        if self.format == Format::Docker {
            archive.bytes(b"manifest.json", 0o644, self.moment, &text(self.docker_manifest()))?;
        }
        for directory in [&b"blobs/"[..], b"blobs/sha256/"] {
            let about = Entry { kind: b'5', mode: 0o755, modified: self.moment, ..Entry::default() };
            archive.entry(directory, &about, std::io::empty())?;
        }
        for (hex, size) in &self.blobs {
            self.blob(&mut archive, hex, *size)?;
        }
        archive.finish().map(drop)
    }

    /// Proven on its way, or a disk that forgets would be found out by somebody else much later.
    fn blob(&self, archive: &mut Pack<impl Write>, hex: &str, size: u64) -> Result<()> {
        if let Some(document) = self.written.as_ref().filter(|document| document.digest == hex) {
            return archive.bytes(format!("blobs/sha256/{hex}").as_bytes(), 0o644, self.moment, &document.text);
        }
        let fd = file::open(&self.paths.blob(hex), OFlag::O_RDONLY).map_err(|e| match e {
            Errno::ENOENT => Error::no_such(format!("blob sha256:{hex} is gone")).because("its image was removed meanwhile"),
            e => Error::from_errno(format!("cannot read blob sha256:{hex}"), e),
        })?;
        let mut content = Hashing::new(File::from(fd));
        let about = Entry { kind: b'0', mode: 0o644, modified: self.moment, size, ..Entry::default() };
        archive.entry(format!("blobs/sha256/{hex}").as_bytes(), &about, &mut content)?;
        match content.finish().0 {
            found if found == hex => Ok(()),
            found => Err(Error::damaged(format!("blob sha256:{hex} of the store is damaged"))
                .because(format!("its digest is sha256:{found}"))
                .hint("load the image again")),
        }
    }

    /// A line for each name, as OCI layouts do it.
    fn index(&self) -> Value {
        let mut manifests = Vec::new();
        for Chosen { image, names, .. } in &self.images {
            for name in names.iter().map(Some).chain(names.is_empty().then_some(None)) {
                let annotations = name.map(|name| self.annotations(name)).unwrap_or_default();
                manifests.push(Descriptor { annotations, ..image.clone() });
            }
        }
        json!(Index { schema_version: 2, media_type: INDEX_TYPE.to_owned(), manifests })
    }

    fn annotations(&self, name: &str) -> BTreeMap<String, String> {
        let whole = whole(name);
        // Docker puts the tag alone into the one; in a layout of several images it would not tell them apart.
        let tag = whole.rsplit_once(':').map_or(&whole[..], |(_, tag)| tag);
        let short = if self.format == Format::Docker { tag } else { &whole };
        [(NAME.to_owned(), short.to_owned()), (CONTAINERD_NAME.to_owned(), whole.clone())].into()
    }

    fn docker_manifest(&self) -> Value {
        let path = |digest: &str| format!("blobs/{}", digest.replace(':', "/"));
        let image = |Chosen { names, manifest, .. }: &Chosen| {
            json!({
                "Config": path(&manifest.config.digest),
                // With the registry: podman would take a bare name for one of its own, and call the image otherwise than by index.json.
                "RepoTags": if names.is_empty() { Value::Null } else { names.iter().map(|name| whole(name)).collect() },
                "Layers": manifest.layers.iter().map(|layer| path(&layer.digest)).collect::<Vec<_>>(),
            })
        };
        self.images.iter().map(image).collect()
    }
}

/// `docker.io/library/busybox:latest`
fn whole(name: &str) -> String {
    let whole = |reference: Reference| format!("{}/{}:{}", reference.registry, reference.path, reference.tag.unwrap_or_default());
    Reference::parse(name).map_or_else(|_| name.to_owned(), whole)
}

/// A repository without a tag means all its tags, as Docker has it; an id means the image without any name.
fn choose<'a>(index: &'a Index, wanted: &str) -> Result<Vec<(&'a Descriptor, Option<&'a str>)>> {
    let selected = find::select(index, wanted);
    let is_id = selected.as_ref().is_ok_and(|found| id_of(found).ends_with(wanted) && wanted.len() >= 64);
    let reference = Reference::parse(wanted).ok().filter(|reference| !is_id && reference.digest.is_none());
    let typed_a_tag = wanted.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if let Some(reference) = reference.as_ref().filter(|_| !typed_a_tag) {
        let of_repository = |name: &str| Reference::parse(name).is_ok_and(|have| have.repository() == reference.repository());
        let all = index.manifests.iter().filter_map(|have| Some((have, name_of(have).filter(|name| of_repository(name))?)));
        let all: Vec<_> = all.map(|(image, name)| (image, Some(name))).collect();
        if !all.is_empty() {
            return Ok(all);
        }
    }
    let found = selected?;
    let name = name_of(found).filter(|name| reference.is_some_and(|reference| reference.to_string() == *name));
    Ok(vec![(found, name)])
}

fn not_kept(error: Error) -> Error {
    match error.errno() {
        Some(Errno::ENOENT) => error.because("the store has not kept it").hint("load it again, or pull it without --no-keep-blobs"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::documents::IMAGE_ID;

    #[test]
    fn a_repository_means_all_its_tags_and_an_id_no_name() {
        let mut index = Index::default();
        for (name, id) in [("app:1", "a"), ("app:2", "b"), ("app:latest", "b"), ("lib:1", "c"), ("team/app:1", "d")] {
            let id = format!("sha256:{}", id.repeat(64));
            index::insert(&mut index, Descriptor { annotations: [(IMAGE_ID.to_owned(), id)].into(), ..Descriptor::default() }, Some(name));
        }
        let chosen = |wanted: &str| -> Vec<String> {
            let chosen = choose(&index, wanted).unwrap();
            chosen.into_iter().map(|(image, name)| format!("{} {}", &id_of(image)[7..8], name.unwrap_or("-"))).collect()
        };
        assert_eq!(chosen("app"), ["a app:1", "b app:2", "b app:latest"]);
        assert_eq!(chosen("docker.io/library/app"), chosen("app"));
        assert_eq!(chosen("app:2"), ["b app:2"]);
        assert_eq!(chosen("lib"), ["c lib:1"], "also without a latest one");
        assert_eq!((chosen("ccc"), chosen(&"b".repeat(64))), (vec!["c -".to_owned()], vec!["b -".to_owned()]));
        assert!(choose(&index, "lib:2").is_err() && choose(&index, "nosuch").is_err());
    }
}
