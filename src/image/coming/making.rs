//! An image that is made here: one new layer, on top of those of another image, or of nothing.
//!
//! `import` and `commit` do it in two steps. First the layer comes in as every layer does, whoever packed it (`layer.rs`); then its
//! digest is known, the image's config can be written, and all becomes known together (`publish.rs`).

use crate::error::{Context, Error, Result};
use crate::image::catalog::Users;
use crate::image::documents::{self, MANIFEST_TYPE};
use crate::image::intake::{Blob, Taken};
use crate::image::layer::{self, Wanted};
use crate::image::limits::{Budget, Limits};
use crate::image::load::Loaded;
use crate::image::members::Document;
use crate::image::progress::{Part, Progress};
use crate::image::publish::{self, Ready};
use crate::image::reference::Reference;
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use crate::store;
use serde_json::{Map, Value, json};
use std::fmt::Display;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A place to work at, and what may be taken.
pub struct Making<'a> {
    paths: &'a Paths,
    workplace: Workplace,
    budget: Budget,
}

/// What an image shall be called, judged before anything is read.
pub fn name(typed: Option<&str>) -> Result<Option<Reference>> {
    let name = typed.map(Reference::parse).transpose()?;
    if name.as_ref().is_some_and(|name| name.digest.is_some()) {
        return Err(Error::usage("a digest cannot be given as a name").because("it follows from the content"));
    }
    Ok(name)
}

impl<'a> Making<'a> {
    pub fn begin(paths: &'a Paths, limits: &Limits, progress: &Progress, users: Users) -> Result<Making<'a>> {
        let workplace = Workplace::begin(paths, users)?;
        let budget = Budget::new(limits, workplace.path())?.while_wanted(progress);
        Ok(Making { paths, workplace, budget })
    }

    /// The new layer, from its archive, which is kept as it comes.
    pub fn layer(&self, source: impl Read + Send, part: &Part) -> Result<Taken> {
        self.pass(source, part, Some(&self.blob()))
    }

    /// The same, and the blob is left to the caller, who puts it at `blob`.
    pub fn files(&self, source: impl Read + Send) -> Result<Taken> {
        self.pass(source, &Part::default(), None)
    }

    pub fn blob(&self) -> PathBuf {
        self.workplace.file("blob")
    }

    fn pass(&self, source: impl Read + Send, part: &Part, keep: Option<&Path>) -> Result<Taken> {
        let tree = self.workplace.file("layer");
        let wanted = Wanted { keep, tree: Some(&tree), digest: None };
        let passed = layer::pass(source, wanted, &self.budget, part).map_err(store::advise)?;
        Ok(Taken { passed, blob: Blob::At(self.blob()), tree: Some(tree), is_proven: true, arrival: None })
    }

    /// `config` is whole but for its layers: `below`, the lowest first, and the new one.
    pub fn publish(self, config: Map<String, Value>, below: Vec<Taken>, new: Taken, name: Option<&Reference>) -> Result<Loaded> {
        let taken: Vec<Taken> = below.into_iter().chain([new]).collect();
        let (config, loaded) = describe(config, &taken, name.as_slice())?;
        publish(self.paths, &self.workplace, config, None, taken, &loaded)?;
        Ok(loaded)
    }
}

/// The config with its layers, and how the image will be known.
pub fn describe(mut config: Map<String, Value>, layers: &[Taken], names: &[impl Display]) -> Result<(Document, Loaded)> {
    documents::check_count(layers.len())?;
    let diff_ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", layer.passed.diff_id)).collect();
    config.insert("rootfs".into(), json!({"type": "layers", "diff_ids": diff_ids}));
    let config = Document::new(Value::Object(config).to_string().into_bytes());
    let loaded = Loaded { names: names.iter().map(|name| name.to_string()).collect(), id: format!("sha256:{}", config.digest) };
    Ok((config, loaded))
}

/// `manifest`: one that says more than what follows from the rest.
pub fn publish(
    paths: &Paths,
    workplace: &Workplace,
    config: Document,
    manifest: Option<Document>,
    taken: Vec<Taken>,
    loaded: &Loaded,
) -> Result<()> {
    let manifest = manifest.map(|manifest| (manifest, MANIFEST_TYPE.to_owned()));
    let image = Ready { names: loaded.names.clone(), origin: None, config, manifest, layers: (0..taken.len()).collect() };
    let never = |_| Err(Error::no_such("a layer is gone").because("the image that it belongs to was removed meanwhile"));
    publish::publish(paths, workplace, &[image], taken, never).map_err(store::advise).context("cannot make the image")
}
