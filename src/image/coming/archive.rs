//! What an archive of images says: which images are in it, of which config and layers, under which names.
//!
//! Two families. An OCI layout (of skopeo, podman, and of `docker save` since version 25) has index.json and blobs named after
//! their digests; docker's older archive has manifest.json with paths. In both the config is the image: its digest is the id.

use crate::error::{Context, Result};
use crate::image::digest::{self, shown};
use crate::image::documents::{self, CONTAINERD_NAME, Descriptor, DockerImage, Index, MANIFEST_TYPE, Manifest, NAME};
use crate::image::entries::damaged;
use crate::image::members::{Document, Member, Members};
use crate::image::reference::Reference;

/// An image as it was found: its documents' digests are proven, its layers are not yet read.
#[derive(Debug)]
pub struct Found {
    /// Short, as we list them.
    pub names: Vec<String>,
    /// `sha256:…`, of the list of images out of which it was chosen.
    pub origin: Option<String>,
    /// With its media type; `None`: the archive has none, and one is made when the layers are known.
    pub manifest: Option<(Document, String)>,
    pub config: Document,
    /// Bottom first.
    pub layers: Vec<Layer>,
}

#[derive(Clone, Debug)]
pub struct Layer {
    pub member: Member,
    /// The digest (hex) that its content must have, and that its bytes must have where the archive says so.
    pub diff_id: String,
    pub digest: Option<String>,
}

/// Nobody packs more images together, and what is said of them is kept in memory.
const MOST_IMAGES: usize = 1000;
const LONGEST_DOCUMENTS: usize = 64 << 20;

/// Indexes may lead to indexes (one image for several machines), but nobody nests them deeper.
const DEEPEST: usize = 3;

pub fn read(members: &Members) -> Result<Vec<Found>> {
    let docker: Option<Vec<DockerImage>> =
        members.document("manifest.json")?.map(|document| documents::parse("manifest.json", &document.text)).transpose()?;
    let mut found = Vec::new();
    match (members.document("index.json")?, &docker) {
        (Some(document), _) => {
            let index: Index = documents::parse("index.json", &document.text)?;
            check_images(index.manifests.len())?;
            for descriptor in &index.manifests {
                found.extend(from_descriptor(members, descriptor, DEEPEST)?);
                check_length(&found)?;
            }
        }
        (None, Some(images)) => {
            check_images(images.len())?;
            for image in images {
                found.push(from_docker(members, image)?);
                check_length(&found)?;
            }
        }
        (None, None) => {
            return Err(damaged("this is no archive of images")
                .because("it holds neither index.json nor manifest.json")
                .hint("a root file system is taken in with tare import"));
        }
    }
    // `docker save` since version 25 says the names in both ways, and some only in the older one.
    for image in docker.iter().flatten().take(MOST_IMAGES) {
        let Some(config) = members.document(&image.config)? else { continue };
        let names = names_of(image.repo_tags.iter().map(String::as_str))?;
        if let Some(same) = found.iter_mut().find(|have| have.config.digest == config.digest) {
            names.into_iter().for_each(|name| {
                if !same.names.contains(&name) {
                    same.names.push(name)
                }
            });
        }
    }
    if found.is_empty() {
        return Err(damaged("this archive holds no image"));
    }
    Ok(found)
}

fn check_images(count: usize) -> Result<()> {
    if count > MOST_IMAGES { Err(damaged(format!("the archive holds {count} images"))) } else { Ok(()) }
}

fn check_length(found: &[Found]) -> Result<()> {
    let length = |image: &Found| image.config.text.len() + image.manifest.as_ref().map_or(0, |(manifest, _)| manifest.text.len());
    if found.iter().map(length).sum::<usize>() > LONGEST_DOCUMENTS {
        return Err(damaged("what the archive says of its images is longer than 64 MiB"));
    }
    Ok(())
}

fn from_descriptor(members: &Members, descriptor: &Descriptor, depth: usize) -> Result<Option<Found>> {
    let name = descriptor.annotations.get(CONTAINERD_NAME).or_else(|| descriptor.annotations.get(NAME));
    let names = names_of(name.iter().map(|name| name.as_str()))?;
    let document = document_of(members, "manifest", descriptor)?;
    let manifest: Manifest = documents::parse("the manifest", &document.text)?;
    if manifest.config.digest.is_empty() {
        let index: Index = documents::parse("the manifest", &document.text)?;
        let Some(chosen) = for_this_machine(members, &index)? else { return Ok(None) };
        if depth == 0 {
            return Err(damaged("indexes lead to indexes without end"));
        }
        let found = from_descriptor(members, chosen, depth - 1)?;
        return Ok(found.map(|found| Found { names: if names.is_empty() { found.names } else { names }, ..found }));
    }
    documents::check_manifest(&manifest)?;
    let config = document_of(members, "config", &manifest.config)?;
    let (_, diff_ids) = documents::parse_config("the image's config", &config.text)?;
    if diff_ids.len() != manifest.layers.len() {
        return Err(damaged("manifest and config do not name the same number of layers"));
    }
    let layer = |(layer, diff_id): (&Descriptor, String)| {
        let (member, digest) = member_of(members, "layer", layer)?;
        Ok(Layer { member, diff_id, digest: Some(digest) })
    };
    let layers = manifest.layers.iter().zip(diff_ids).map(layer).collect::<Result<_>>()?;
    let said = [manifest.media_type, descriptor.media_type.clone(), MANIFEST_TYPE.into()];
    let media_type = said.into_iter().find(|kind| !kind.is_empty()).unwrap_or_default();
    Ok(Some(Found { names, origin: None, manifest: Some((document, media_type)), config, layers }))
}

/// Of several, the one for this machine; else any that the archive really holds, because loading is not yet running.
fn for_this_machine<'a>(members: &Members, index: &'a Index) -> Result<Option<&'a Descriptor>> {
    let architecture = architecture();
    let is_image = |descriptor: &&Descriptor| !descriptor.annotations.contains_key("vnd.docker.reference.type");
    let mut there = Vec::new();
    for descriptor in index.manifests.iter().filter(is_image) {
        let path = format!("blobs/sha256/{}", digest::hex_of(&descriptor.digest)?);
        if members.find(&path)?.is_some() {
            there.push(descriptor);
        }
    }
    let fits = |descriptor: &&Descriptor| {
        descriptor.platform.as_ref().is_none_or(|platform| platform.architecture == architecture && platform.os == "linux")
    };
    Ok(there.iter().copied().find(fits).or_else(|| there.first().copied()))
}

/// What Go, and so the specification, calls this machine.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn from_docker(members: &Members, image: &DockerImage) -> Result<Found> {
    documents::check_count(image.layers.len())?;
    let config =
        members.document(&image.config)?.ok_or_else(|| damaged(format!("the config {} is not in the archive", shown(&image.config))))?;
    if let Some(said) = said_by_name(&image.config).filter(|said| *said != config.digest) {
        return Err(damaged(format!("the config sha256:{said} is damaged")).because(format!("its digest is sha256:{}", config.digest)));
    }
    let (_, diff_ids) = documents::parse_config("the image's config", &config.text)?;
    if diff_ids.len() != image.layers.len() {
        return Err(damaged("manifest.json and config do not name the same number of layers"));
    }
    let mut layers = Vec::new();
    for (path, diff_id) in image.layers.iter().zip(diff_ids) {
        let member = members.find(path)?.ok_or_else(|| damaged(format!("the layer {} is not in the archive", shown(path))))?;
        layers.push(Layer { member, diff_id, digest: said_by_name(path).map(str::to_owned) });
    }
    Ok(Found { names: names_of(image.repo_tags.iter().map(String::as_str))?, origin: None, manifest: None, config, layers })
}

fn member_of(members: &Members, what: &str, descriptor: &Descriptor) -> Result<(Member, String)> {
    let hex = digest::hex_of(&descriptor.digest).context(format!("the {what} cannot be found"))?;
    let member =
        members.find(&format!("blobs/sha256/{hex}"))?.ok_or_else(|| damaged(format!("the {what} sha256:{hex} is not in the archive")))?;
    if member.size != descriptor.size {
        return Err(damaged(format!("the {what} sha256:{hex} is damaged"))
            .because(format!("it has {} bytes, said are {}", member.size, descriptor.size)));
    }
    Ok((member, hex.to_owned()))
}

fn document_of(members: &Members, what: &str, descriptor: &Descriptor) -> Result<Document> {
    let (member, hex) = member_of(members, what, descriptor)?;
    let document = member.document(&format!("the {what}"))?;
    if document.digest != hex {
        return Err(damaged(format!("the {what} sha256:{hex} is damaged")).because(format!("its digest is sha256:{}", document.digest)));
    }
    Ok(document)
}

/// Where a path of docker's is a digest (`HEX.json`, `blobs/sha256/HEX`), it must be the digest of what is there.
/// A directory's name is none: `HEX/layer.tar` is called after an older kind of id.
fn said_by_name(path: &str) -> Option<&str> {
    let last = path.rsplit('/').next().unwrap_or_default();
    let said = last.split('.').next().unwrap_or_default();
    // skopeo calls a layer after its content, also where that is compressed inside; the content is proven later.
    (digest::is_hex(said) && !last.ends_with(".tar")).then_some(said)
}

fn names_of<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<String>> {
    names
        .map(|name| {
            Reference::parse(name)
                .map(|reference| Reference { digest: None, ..reference }.to_string())
                .map_err(|e| e.of_kind(crate::error::Kind::Damaged))
        })
        .collect()
}
