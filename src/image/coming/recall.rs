//! Results of steps come in from where another store has left them: first the list, and a layer when its files are needed.
//!
//! What is taken is proven as in a pull, and must be what the list has said of it. What a step results in says the list alone: whoever
//! can write it decides.

use crate::error::{Error, Result};
use crate::image::archive::Layer as Wanted;
use crate::image::digest;
use crate::image::documents::{self, Index, Manifest};
use crate::image::entries::damaged;
use crate::image::index::Writing;
use crate::image::intake::{Blob, Intake};
use crate::image::limits::{Budget, Limits};
use crate::image::members::{Elsewhere, Member, Place};
use crate::image::step_list::{self, LIST_TYPE, Steps};
use crate::image::steps::{self, Fresh, Layer, Step};
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use crate::store;
use std::collections::BTreeSet;
use std::sync::Arc;

/// As many layers as steps may have.
const MOST_LAYERS: usize = 10_000;

/// What there is.
#[derive(Default)]
pub struct Recalled {
    pub steps: Steps,
    /// Digests (hex) of the layers that came along.
    layers: BTreeSet<String>,
}

impl Recalled {
    pub fn has(&self, layer: &Layer) -> bool {
        self.layers.contains(&layer.digest)
    }
}

/// `top`: the manifest, proven where there was something to prove it by.
pub fn list(from: &Arc<dyn Elsewhere>, top: &[u8]) -> Result<Recalled> {
    let manifest: Manifest = documents::parse("the manifest", top)?;
    if manifest.config.media_type != LIST_TYPE {
        return Err(no_list(&manifest, top));
    }
    if manifest.layers.len() > MOST_LAYERS {
        return Err(damaged(format!("the manifest names {} layers", manifest.layers.len())));
    }
    let wanted = digest::hex_of(&manifest.config.digest)?;
    let place = Place::Elsewhere(from.clone(), manifest.config.digest.clone());
    let document = Member { place, size: manifest.config.size }.document("the list of steps")?;
    if document.digest != wanted {
        return Err(damaged("the list of steps is damaged").because(format!("its digest is sha256:{}", document.digest)));
    }
    let layers = manifest.layers.iter().map(|layer| digest::hex_of(&layer.digest).map(str::to_owned)).collect::<Result<_>>()?;
    Ok(Recalled { steps: step_list::read(&document.text)?, layers })
}

fn no_list(manifest: &Manifest, top: &[u8]) -> Error {
    const BUILDKIT: &str = "application/vnd.buildkit.cacheconfig";
    let index: Index = documents::parse("the manifest", top).unwrap_or_default();
    let is_buildkits = |kind: &str| kind.starts_with(BUILDKIT);
    let because = match is_buildkits(&manifest.config.media_type) || index.manifests.iter().any(|have| is_buildkits(&have.media_type)) {
        true => "it is a cache of BuildKit's, whose keys are others",
        false => "it is an image",
    };
    Error::failed("no results of steps are there").because(because)
}

/// A layer comes into the store, as the result of all of `steps`.
pub fn take(
    paths: &Paths,
    workplace: &Workplace,
    limits: &Limits,
    from: &Arc<dyn Elsewhere>,
    layer: &Layer,
    steps: &[(&str, &Step)],
) -> Result<()> {
    let budget = Budget::new(limits, workplace.path())?;
    let member = Member { place: Place::Elsewhere(from.clone(), format!("sha256:{}", layer.digest)), size: layer.blob_size };
    let wanted = Wanted { member, diff_id: layer.diff_id.clone(), digest: Some(layer.digest.clone()) };
    let taken = Intake::of_one(paths, workplace, &budget, wanted).take(0, false).map_err(store::advise)?;
    if taken.passed != *layer {
        return Err(damaged("the list of steps says something else of a layer than it is"));
    }
    let nowhere = || workplace.file("nowhere");
    let fresh = Fresh {
        upper: taken.tree.clone().unwrap_or_else(nowhere),
        blob: match &taken.blob {
            Blob::At(path) => path.clone(),
            Blob::InStore | Blob::NotKept => nowhere(),
        },
    };
    let writing = Writing::begin(paths)?;
    for (key, step) in steps {
        steps::keep_now(paths, key, step, Some(fresh.clone()), &writing)?;
    }
    // Under the lock, as whoever shares it expects.
    if let Some(arrival) = taken.arrival.and_then(Arc::into_inner) {
        arrival.remove();
    }
    Ok(())
}
