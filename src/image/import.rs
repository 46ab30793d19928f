//! `import`: a tar of a root file system becomes an image of one layer.

use crate::error::{Error, Result};
use crate::image::archive;
use crate::image::catalog::Users;
use crate::image::changes;
use crate::image::entries::damaged;
use crate::image::intake::Taken;
use crate::image::layer::{self, Wanted};
use crate::image::limits::{Budget, Limits};
use crate::image::load::Loaded;
use crate::image::members::Document;
use crate::image::progress::Progress;
use crate::image::publish::{self, Ready};
use crate::image::reference::Reference;
use crate::image::workplace::Workplace;
use crate::paths::Paths;
use crate::store;
use serde_json::{Map, Value, json};
use std::io::Read;

pub struct Request<'a> {
    pub name: Option<&'a str>,
    /// Instructions of a Dockerfile.
    pub changes: Vec<&'a str>,
    pub message: Option<&'a str>,
    /// As it stands in the image's config: RFC 3339.
    pub created: String,
    /// `linux/arm64/v8`; `None`: this machine.
    pub platform: Option<&'a str>,
}

/// `length`: of the archive, where it is known.
pub fn import(
    paths: &Paths,
    (source, length): (impl Read + Send, Option<u64>),
    request: &Request,
    limits: &Limits,
    progress: &Progress,
    users: Users,
) -> Result<Loaded> {
    // All that was typed is judged before anything is read.
    let name = request.name.map(Reference::parse).transpose()?;
    if name.as_ref().is_some_and(|name| name.digest.is_some()) {
        return Err(Error::usage("a digest cannot be given as a name").because("it follows from the content"));
    }
    let mut settings = Map::new();
    for line in &request.changes {
        changes::apply(&mut settings, line)?;
    }
    let config = describe(request, settings)?;
    let workplace = Workplace::begin(paths, users)?;
    let budget = Budget::new(limits, workplace.path())?;
    let part = progress.begin("archive", length);
    let (blob, tree) = (workplace.file("blob"), workplace.file("layer"));
    let wanted = Wanted { keep: Some(&blob), tree: Some(&tree), digest: None };
    let passed = layer::pass(source, wanted, &budget, &part).map_err(store::advise)?;
    if passed.blob_size == 0 {
        return Err(damaged("the archive is empty"));
    }
    part.finish();
    // Nobody told the digest of what is in it; it is known now.
    let config = Document::new(with_layer(config, &passed.diff_id));
    let loaded = Loaded { names: name.iter().map(Reference::to_string).collect(), id: format!("sha256:{}", config.digest) };
    let image = Ready { names: loaded.names.clone(), config, manifest: None, layers: vec![0] };
    let taken = vec![Taken { passed, blob: Some(blob), tree: Some(tree) }];
    let never = |_| Err(Error::failed("the layer is gone"));
    publish::publish(paths, &workplace, &[image], taken, never).map_err(store::advise)?;
    Ok(loaded)
}

fn describe(request: &Request, settings: Map<String, Value>) -> Result<Map<String, Value>> {
    let mut config = Map::new();
    let mut platform = request.platform.unwrap_or("linux").split('/');
    if platform.next() != Some("linux") {
        return Err(Error::usage("only linux images can be imported").hint("write the platform like linux/arm64"));
    }
    config.insert("architecture".into(), json!(platform.next().unwrap_or(archive::architecture())));
    if let Some(variant) = platform.next() {
        config.insert("variant".into(), json!(variant));
    }
    config.insert("os".into(), json!("linux"));
    config.insert("created".into(), json!(request.created));
    config.insert("config".into(), Value::Object(settings));
    let comment = request.message.unwrap_or("Imported from -");
    config.insert("history".into(), json!([{"created": request.created, "comment": comment}]));
    Ok(config)
}

fn with_layer(mut config: Map<String, Value>, diff_id: &str) -> Vec<u8> {
    config.insert("rootfs".into(), json!({"type": "layers", "diff_ids": [format!("sha256:{diff_id}")]}));
    Value::Object(config).to_string().into_bytes()
}
