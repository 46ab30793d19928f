//! An image that is not on this machine comes in: its documents first, each proven, then its layers as with `load`.
//!
//! What the store has of it already is read from there and not fetched again.

use crate::error::{Error, Result};
use crate::image::archive::{self, Found, Layer};
use crate::image::catalog::Users;
use crate::image::digest;
use crate::image::documents::{self, Descriptor, Index, Manifest, Platform};
use crate::image::entries::damaged;
use crate::image::index;
use crate::image::limits::{Budget, Limits};
use crate::image::load::take_images;
use crate::image::members::{Document, Elsewhere, Member, Place};
use crate::image::progress::Progress;
use crate::image::reference::Reference;
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use crate::store;
use std::sync::Arc;

/// The document that the name leads to: a manifest, or an index of manifests for several machines.
pub struct Top {
    pub media_type: String,
    pub text: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled {
    /// `sha256:…`
    pub id: String,
    /// Of what the name leads to.
    pub digest: String,
    /// The name led here before to the same.
    pub is_up_to_date: bool,
}

pub struct Request<'a> {
    pub name: &'a Reference,
    pub top: Top,
    /// `linux/arm64/v8`; `None`: this machine's.
    pub platform: Option<&'a str>,
}

pub fn pull(
    paths: &Paths,
    from: Arc<dyn Elsewhere>,
    request: Request,
    limits: &Limits,
    progress: &Progress,
    users: Users,
) -> Result<Pulled> {
    let top = proven(request.name, request.top.text)?;
    let said = format!("sha256:{}", top.digest);
    let (document, media_type) = choose(&*from, top, request.top.media_type, &platform(request.platform)?)?;
    let name = request.name.to_string();
    if let Some(id) = already_here(paths, &name, &document)? {
        return Ok(Pulled { id, digest: said, is_up_to_date: true });
    }
    let workplace = Workplace::begin(paths, users)?;
    let image = describe(paths, &from, name, document, media_type)?;
    let budget = Budget::new(limits, workplace.path())?;
    let loaded = take_images(paths, vec![image], &workplace, &budget, progress).map_err(store::advise)?;
    let id = loaded.into_iter().next().map(|loaded| loaded.id).unwrap_or_default();
    Ok(Pulled { id, digest: said, is_up_to_date: false })
}

/// What came for a name that says a digest has this digest.
pub fn proven(name: &Reference, text: Vec<u8>) -> Result<Document> {
    let top = Document::new(text);
    if let Some(wanted) = name.digest.as_deref().filter(|wanted| digest::hex_of(wanted).is_ok_and(|hex| hex != top.digest)) {
        return Err(
            damaged(format!("the registry gave something else than {wanted}")).because(format!("its digest is sha256:{}", top.digest))
        );
    }
    Ok(top)
}

fn already_here(paths: &Paths, name: &str, manifest: &Document) -> Result<Option<String>> {
    let index = index::read(paths)?;
    let here = index.manifests.iter().find(|have| index::name_of(have) == Some(name));
    let same = here.filter(|have| digest::hex_of(&have.digest).is_ok_and(|hex| hex == manifest.digest));
    Ok(same.map(|have| index::id_of(have).to_owned()))
}

/// Down to the manifest of the image for this machine.
pub(super) fn choose(from: &dyn Elsewhere, top: Document, media_type: String, platform: &Platform) -> Result<(Document, String)> {
    let manifest: Manifest = documents::parse("the manifest", &top.text)?;
    if !manifest.config.digest.is_empty() {
        let media_type = if manifest.media_type.is_empty() { media_type } else { manifest.media_type };
        return Ok((top, media_type));
    }
    let index: Index = documents::parse("the manifest", &top.text)?;
    let chosen = for_platform(&index, platform)?;
    let wanted = digest::hex_of(&chosen.digest)?;
    let document = Document::new(from.manifest(&chosen.digest)?);
    if document.digest != wanted {
        return Err(
            damaged(format!("the manifest sha256:{wanted} is damaged")).because(format!("its digest is sha256:{}", document.digest))
        );
    }
    Ok((document, chosen.media_type.clone()))
}

pub(super) fn platform(wanted: Option<&str>) -> Result<Platform> {
    let mut parts = wanted.unwrap_or("linux").split('/').map(str::to_owned);
    let os = parts.next().unwrap_or_default();
    let architecture = parts.next().unwrap_or_else(|| archive::architecture().to_owned());
    Ok(Platform { os, architecture, variant: parts.next() })
}

fn for_platform<'a>(index: &'a Index, wanted: &Platform) -> Result<&'a Descriptor> {
    // An image built for no machine in particular is a signature or the like.
    let machines = || index.manifests.iter().filter_map(|have| Some((have, have.platform.as_ref()?)));
    let fits = |(_, have): &(&Descriptor, &Platform)| have.os == wanted.os && have.architecture == wanted.architecture;
    let same = |(_, have): &(&Descriptor, &Platform)| wanted.variant.is_none() || have.variant == wanted.variant;
    let found = machines().find(|have| fits(have) && same(have)).or_else(|| machines().find(fits));
    let shown = |platform: &Platform| {
        let variant = platform.variant.iter().map(|variant| format!("/{variant}"));
        variant.fold(format!("{}/{}", platform.os, platform.architecture), |text, variant| text + &variant)
    };
    found.map(|(have, _)| have).ok_or_else(|| {
        let there: Vec<String> = machines().filter(|(_, have)| have.os != "unknown").map(|(_, have)| shown(have)).take(20).collect();
        Error::no_such(format!("the image is not there for {}", shown(wanted))).because(match there.is_empty() {
            true => "it is there for no machine".to_owned(),
            false => format!("it is there for {}", there.join(", ")),
        })
    })
}

pub(super) fn describe(paths: &Paths, from: &Arc<dyn Elsewhere>, name: String, document: Document, media_type: String) -> Result<Found> {
    let manifest: Manifest = documents::parse("the manifest", &document.text)?;
    if manifest.config.digest.is_empty() {
        return Err(damaged("indexes lead to indexes without end"));
    }
    documents::check_manifest(&manifest)?;
    let config = member(paths, from, &manifest.config)?.document("the image's config")?;
    let wanted = digest::hex_of(&manifest.config.digest)?;
    if config.digest != wanted {
        return Err(damaged(format!("the config sha256:{wanted} is damaged")).because(format!("its digest is sha256:{}", config.digest)));
    }
    let (_, diff_ids) = documents::parse_config("the image's config", &config.text)?;
    if diff_ids.len() != manifest.layers.len() {
        return Err(damaged("manifest and config do not name the same number of layers"));
    }
    let layer = |(layer, diff_id): (&Descriptor, String)| {
        let digest = digest::hex_of(&layer.digest)?.to_owned();
        Ok(Layer { member: member(paths, from, layer)?, diff_id, digest: Some(digest) })
    };
    let layers = manifest.layers.iter().zip(diff_ids).map(layer).collect::<Result<_>>()?;
    Ok(Found { names: vec![name], manifest: Some((document, media_type)), config, layers })
}

fn member(paths: &Paths, from: &Arc<dyn Elsewhere>, descriptor: &Descriptor) -> Result<Member> {
    let blob = paths.blob(digest::hex_of(&descriptor.digest)?);
    // It may go away before it is read; then this pull fails, and the next one fetches it.
    let place = match blob.exists() {
        true => Place::Apart(blob),
        false => Place::Elsewhere(from.clone(), descriptor.digest.clone()),
    };
    Ok(Member { place, size: descriptor.size })
}
