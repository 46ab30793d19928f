//! What the store holds: found by name or id, listed, tagged, removed.

use crate::error::{Error, Result};
use crate::image::digest;
use crate::image::layout::{self, Index, Platform};
use crate::image::reference::Reference;
use crate::names;
use crate::paths::Paths;
use crate::sys::file;
use oci_spec::image::ImageConfiguration;
use std::collections::{BTreeMap, BTreeSet};

/// What a start needs of an image.
#[derive(Clone, Debug)]
pub struct Image {
    /// The digest of its config: `sha256:…`
    pub id: String,
    pub reference: Option<String>,
    pub config: ImageConfiguration,
    /// Diff ids (hex), bottom to top.
    pub layers: Vec<String>,
}

/// By name, by id, or by the beginning of an id.
pub fn find(paths: &Paths, wanted: &str) -> Result<Image> {
    let index = layout::read(paths)?;
    let (id, reference) = identify(&index, wanted)?;
    let config = parse_config(&layout::read_blob(paths, &id)?)?;
    let layers = config.rootfs().diff_ids().iter().map(|id| digest::hex_of(id).map(str::to_owned)).collect::<Result<_>>()?;
    Ok(Image { id, reference, config, layers })
}

/// The id, and the name it was found by.
pub fn identify(index: &Index, wanted: &str) -> Result<(String, Option<String>)> {
    let reference = Reference::parse(wanted);
    if let Ok(reference) = &reference {
        let name = reference.to_string();
        let fits = |entry: &&layout::Descriptor| match &reference.digest {
            Some(digest) => entry.digest == *digest || entry.config() == Some(digest),
            None => entry.name() == Some(&name),
        };
        if let Some(id) = index.manifests.iter().find(fits).and_then(|entry| entry.config()) {
            return Ok((id.to_owned(), Some(name)));
        }
    }
    let hex = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    if !hex.is_empty() && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        let ids: BTreeSet<&str> = index.manifests.iter().filter_map(|entry| entry.config()).collect();
        let matching: Vec<&str> = ids.into_iter().filter(|id| id.strip_prefix("sha256:").is_some_and(|id| id.starts_with(hex))).collect();
        match matching[..] {
            [] => {}
            [id] => return Ok((id.to_owned(), None)),
            _ => return Err(Error::conflict(format!("{wanted} is the beginning of several image ids")).hint("type more of it")),
        }
    }
    reference?;
    let known: Vec<&str> = index.manifests.iter().filter_map(|entry| entry.name()).collect();
    // People leave `:latest` out, and misspell what they type.
    let short: Vec<&str> = known.iter().map(|name| name.strip_suffix(":latest").unwrap_or(name)).collect();
    let hint = names::did_you_mean(wanted, short);
    Err(Error::no_such(format!("no such image: {wanted}"))
        .hint(hint.unwrap_or_else(|| "tare images lists what is here; tare load -i FILE brings one in".into())))
}

pub fn parse_config(bytes: &[u8]) -> Result<ImageConfiguration> {
    let config: ImageConfiguration = layout::parse(bytes, "the image's config")?;
    if *config.os() != oci_spec::image::Os::Linux {
        return Err(Error::cannot_keep(format!("the image is for {}", config.os())).because("only linux images run here"));
    }
    Ok(config)
}

/// As OCI calls this machine's.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

pub fn is_ours(platform: &Platform) -> bool {
    platform.os == "linux" && platform.architecture == architecture()
}

/// An image as `images` lists it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: String,
    pub manifest: String,
    pub name: Option<String>,
    pub created: String,
    /// Bytes of all its layers, as they are kept.
    pub size: u64,
    pub labels: BTreeMap<String, String>,
}

/// One row per name; an image without a name has one too.
pub fn list(paths: &Paths) -> Result<Vec<Listed>> {
    let index = layout::read(paths)?;
    let mut rows = Vec::new();
    for entry in &index.manifests {
        let Some(id) = entry.config() else { continue };
        let Ok(config) = layout::read_blob(paths, id).and_then(|bytes| parse_config(&bytes)) else { continue };
        let manifest = layout::read_blob(paths, &entry.digest).and_then(|bytes| layout::parse::<layout::Manifest>(&bytes, "a manifest"));
        rows.push(Listed {
            id: id.to_owned(),
            manifest: entry.digest.clone(),
            name: entry.name().map(str::to_owned),
            created: config.created().clone().unwrap_or_default(),
            size: manifest.map_or(0, |manifest| manifest.layers.iter().map(|layer| layer.size.max(0) as u64).sum()),
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
    pub manifest: String,
    pub size: u64,
}

pub fn details(paths: &Paths, wanted: &str) -> Result<Details> {
    let image = find(paths, wanted)?;
    let rows: Vec<Listed> = list(paths)?.into_iter().filter(|row| row.id == image.id).collect();
    let raw_config = layout::parse(&layout::read_blob(paths, &image.id)?, "the image's config")?;
    let manifest = rows.first().map(|row| row.manifest.clone()).unwrap_or_default();
    Ok(Details {
        size: rows.first().map_or(0, |row| row.size),
        names: rows.into_iter().filter_map(|row| row.name).collect(),
        image,
        raw_config,
        manifest,
    })
}

pub fn tag(paths: &Paths, wanted: &str, new: &str) -> Result<()> {
    let new = Reference::parse(new)?;
    if new.digest.is_some() {
        return Err(Error::usage(format!("{new} cannot be given as a name")).because("a digest is not chosen"));
    }
    let _locked = layout::lock(paths)?;
    let mut index = layout::read(paths)?;
    let (id, _) = identify(&index, wanted)?;
    let name = new.to_string();
    let found = index.manifests.iter().find(|entry| entry.config() == Some(&id)).cloned();
    let mut entry = found.ok_or_else(|| Error::no_such(format!("no such image: {wanted}")))?;
    take_names_away(&mut index, std::slice::from_ref(&name));
    index.manifests.retain(|have| have.digest != entry.digest || have.name().is_some());
    entry.rename(Some(&name));
    index.manifests.push(entry);
    layout::write(paths, &index)
}

/// Entries with these names go; the last one of an image stays, nameless.
pub fn take_names_away(index: &mut Index, names: &[String]) {
    for name in names {
        let Some(at) = index.manifests.iter().position(|entry| entry.name() == Some(name)) else { continue };
        let digest = index.manifests[at].digest.clone();
        match index.manifests.iter().filter(|entry| entry.digest == digest).count() {
            1 => index.manifests[at].rename(None),
            _ => drop(index.manifests.remove(at)),
        }
    }
}

/// What `rmi` did, in its own words.
#[derive(Debug, PartialEq, Eq)]
pub enum Removed {
    Untagged(String),
    Deleted(String),
}

/// `used`: ids of images that containers stand on, with the container's name.
pub fn remove(paths: &Paths, wanted: &str, force: bool, used: &[(String, String)]) -> Result<Vec<Removed>> {
    let _locked = layout::lock(paths)?;
    let mut index = layout::read(paths)?;
    let (id, name) = identify(&index, wanted)?;
    let names: Vec<String> =
        index.manifests.iter().filter(|entry| entry.config() == Some(&id)).filter_map(|entry| entry.name().map(str::to_owned)).collect();
    let doomed: Vec<String> = match name.filter(|name| names.contains(name)) {
        Some(name) => vec![name],
        None if names.len() > 1 && !force => {
            return Err(Error::conflict(format!("cannot remove image {wanted}"))
                .because(format!("it has several names: {}", names.join(", ")))
                .hint("remove it by one of them, or all with -f"));
        }
        None => names.clone(),
    };
    let is_last = doomed.len() == names.len();
    if let (true, Some((_, container))) = (is_last, used.iter().find(|(used, _)| *used == id)) {
        // A container's layers are its ground: removing them would break it, by force or not.
        return Err(Error::conflict(format!("cannot remove image {wanted}"))
            .because(format!("container {container} uses it"))
            .hint(format!("remove the container first: tare rm {container}")));
    }
    let mut done: Vec<Removed> = doomed.iter().cloned().map(Removed::Untagged).collect();
    index.manifests.retain(|entry| {
        entry.config() != Some(&id) || (!is_last && !entry.name().is_some_and(|name| doomed.iter().any(|doomed| doomed == name)))
    });
    layout::write(paths, &index)?;
    if is_last {
        done.push(Removed::Deleted(id));
        collect_garbage(paths)?;
    }
    Ok(done)
}

/// Removes blobs and layers that no image names. Under the lock, which every way in holds from its first layer on.
pub fn collect_garbage(paths: &Paths) -> Result<()> {
    let index = layout::read(paths)?;
    let mut blobs = BTreeSet::new();
    let mut layers = BTreeSet::new();
    let mut keep_config = |id: &str| -> Result<()> {
        blobs.insert(digest::hex_of(id)?.to_owned());
        let config = parse_config(&layout::read_blob(paths, id)?)?;
        layers.extend(config.rootfs().diff_ids().iter().filter_map(|id| digest::hex_of(id).ok().map(str::to_owned)));
        Ok(())
    };
    for entry in &index.manifests {
        if let Some(id) = entry.config() {
            keep_config(id)?;
        }
    }
    for entry in &index.manifests {
        blobs.insert(digest::hex_of(&entry.digest)?.to_owned());
        let manifest: layout::Manifest = layout::parse(&layout::read_blob(paths, &entry.digest)?, "a manifest")?;
        blobs.extend(manifest.layers.iter().filter_map(|layer| digest::hex_of(&layer.digest).ok().map(str::to_owned)));
    }
    for (dir, kept) in [(paths.blobs(), &blobs), (paths.layers(), &layers)] {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if digest::is_hex(&name) && !kept.contains(&name) {
                let _ = file::remove_tree(&entry.path());
            }
        }
    }
    Ok(())
}
