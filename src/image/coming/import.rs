//! `import`: a tar of a root file system becomes an image of one layer.

use crate::error::{Error, Result};
use crate::image::archive;
use crate::image::catalog::Users;
use crate::image::changes;
use crate::image::entries::damaged;
use crate::image::limits::Limits;
use crate::image::load::Loaded;
use crate::image::making::{self, Making};
use crate::image::progress::Progress;
use crate::paths::Paths;
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
    let name = making::name(request.name)?;
    let mut settings = Map::new();
    changes::apply_all(&mut settings, &request.changes)?;
    let config = describe(request, settings)?;
    let making = Making::begin(paths, limits, progress, users)?;
    let part = progress.begin("archive", length);
    let layer = making.layer(source, &part)?;
    if layer.passed.blob_size == 0 {
        return Err(damaged("the archive is empty"));
    }
    part.finish();
    making.publish(config, Vec::new(), layer, name.as_ref())
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
