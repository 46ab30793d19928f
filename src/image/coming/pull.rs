//! An image that is not on this machine comes in: its documents first, each proven, then its layers as with `load`.
//!
//! What the store has of it already is not fetched again.

use crate::error::Result;
use crate::image::archive::{Found, Layer};
use crate::image::catalog::Users;
use crate::image::digest;
use crate::image::documents::{self, Descriptor, Index, Manifest};
use crate::image::entries::damaged;
use crate::image::index;
pub use crate::image::intake::Keep;
use crate::image::kinds::{self, Kind};
use crate::image::limits::{Budget, Limits};
use crate::image::load::take_images;
use crate::image::machines::{self, Machines};
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
    pub wishes: Wishes<'a>,
}

/// What of it shall come.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'a> {
    pub machines: Machines<'a>,
    pub keep: Keep,
    pub limits: Limits,
}

/// The manifest of an image, and the name that it gets here.
pub(super) struct Chosen {
    pub name: String,
    pub document: Document,
    pub media_type: String,
}

pub fn pull(paths: &Paths, from: Arc<dyn Elsewhere>, request: Request, progress: &Progress, users: Users) -> Result<Pulled> {
    let top = proven(request.name, request.top.text)?;
    let said = format!("sha256:{}", top.digest);
    let chosen = choose(&*from, top, request.top.media_type, request.name, &request.wishes.machines)?;
    // Which machine an image is for, that is in no list, stands in its config.
    let is_told = said.ends_with(&chosen[0].document.digest) && matches!(request.wishes.machines, Machines::One(Some(_)));
    if let [only] = &chosen[..]
        && !is_told
        && let Some(id) = already_here(paths, only, &said, request.wishes.keep)?
    {
        return Ok(Pulled { id, digest: said, is_up_to_date: true });
    }
    let workplace = Workplace::begin(paths, users)?;
    let images: Vec<Found> = chosen.into_iter().map(|chosen| describe(paths, &from, chosen, &said)).collect::<Result<_>>()?;
    images.iter().try_for_each(|image| machines::check(&request.wishes.machines, &image.config))?;
    let budget = Budget::new(&request.wishes.limits, workplace.path())?.while_wanted(progress);
    let loaded = take_images(paths, images, &workplace, &budget, progress, request.wishes.keep).map_err(store::advise)?;
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

/// The name leads to the same as before, here and there.
fn already_here(paths: &Paths, wanted: &Chosen, said: &str, keep: Keep) -> Result<Option<String>> {
    let manifest: Manifest = documents::parse("the manifest", &wanted.document.text)?;
    let is_kept = |layer: &Descriptor| digest::hex_of(&layer.digest).is_ok_and(|hex| paths.blob(hex).exists());
    // It came without its blobs before, and now they are wanted.
    if keep == Keep::Blobs && !manifest.layers.iter().all(is_kept) {
        return Ok(None);
    }
    let index = index::read(paths)?;
    let here = index.manifests.iter().find(|have| index::name_of(have) == Some(&wanted.name));
    let same =
        here.filter(|have| index::digest_of(have) == said && digest::hex_of(&have.digest).is_ok_and(|hex| hex == wanted.document.digest));
    Ok(same.map(|have| index::id_of(have).to_owned()))
}

/// Down to the manifests of the images that are wanted; the first is the one that gets the name.
pub(super) fn choose(
    from: &dyn Elsewhere,
    top: Document,
    media_type: String,
    name: &Reference,
    machines: &Machines,
) -> Result<Vec<Chosen>> {
    if kinds::of(&top.text)? == Kind::Image {
        return Ok(vec![Chosen { name: name.to_string(), media_type: kinds::media_type(&top.text, &media_type), document: top }]);
    }
    let index: Index = documents::parse("the manifest", &top.text)?;
    let wanted = machines::choose(&index, machines)?;
    wanted.into_iter().map(|(descriptor, suffix)| fetch(from, descriptor, name, suffix)).collect()
}

fn fetch(from: &dyn Elsewhere, descriptor: &Descriptor, name: &Reference, suffix: Option<String>) -> Result<Chosen> {
    let wanted = digest::hex_of(&descriptor.digest)?;
    let document = Document::new(from.manifest(&descriptor.digest)?);
    if document.digest != wanted {
        return Err(
            damaged(format!("the manifest sha256:{wanted} is damaged")).because(format!("its digest is sha256:{}", document.digest))
        );
    }
    let name = match suffix {
        None => name.to_string(),
        Some(suffix) => {
            Reference::parse(&format!("{}:{}-{suffix}", name.repository(), name.tag.as_deref().unwrap_or("latest")))?.to_string()
        }
    };
    Ok(Chosen { name, media_type: kinds::media_type(&document.text, &descriptor.media_type), document })
}

/// `top`: the digest of what the name leads to.
pub(super) fn describe(paths: &Paths, from: &Arc<dyn Elsewhere>, chosen: Chosen, top: &str) -> Result<Found> {
    if kinds::of(&chosen.document.text)? == Kind::Index {
        return Err(damaged("indexes lead to indexes without end"));
    }
    let manifest: Manifest = documents::parse("the manifest", &chosen.document.text)?;
    documents::check_manifest(&manifest)?;
    let wanted = digest::hex_of(&manifest.config.digest)?;
    let config = config_of(paths, from, &manifest.config)?.document("the image's config")?;
    if config.digest != wanted {
        return Err(damaged(format!("the config sha256:{wanted} is damaged")).because(format!("its digest is sha256:{}", config.digest)));
    }
    let parsed = documents::parse_config("the image's config", &config.text);
    let (_, diff_ids) = parsed.map_err(|error| kinds::blame_config(&manifest.config.media_type, error))?;
    if diff_ids.len() != manifest.layers.len() {
        return Err(damaged("manifest and config do not name the same number of layers"));
    }
    let layer = |(layer, diff_id): (&Descriptor, String)| {
        let digest = digest::hex_of(&layer.digest)?.to_owned();
        let member = Member { place: Place::Elsewhere(from.clone(), layer.digest.clone()), size: layer.size };
        Ok(Layer { member, diff_id, digest: Some(digest) })
    };
    let layers = manifest.layers.iter().zip(diff_ids).map(layer).collect::<Result<_>>()?;
    let origin = Some(top.to_owned()).filter(|_| !top.ends_with(&chosen.document.digest));
    Ok(Found { names: vec![chosen.name], origin, manifest: Some((chosen.document, chosen.media_type)), config, layers })
}

fn config_of(paths: &Paths, from: &Arc<dyn Elsewhere>, descriptor: &Descriptor) -> Result<Member> {
    let blob = paths.blob(digest::hex_of(&descriptor.digest)?);
    // It may go away before it is read; then this pull fails, and the next one fetches it.
    let place = match blob.exists() {
        true => Place::Apart(blob),
        false => Place::Elsewhere(from.clone(), descriptor.digest.clone()),
    };
    Ok(Member { place, size: descriptor.size })
}
