//! `commit`: an image is made of what a container has changed.
//!
//! What is typed is judged first, then the container stands still as long as its files are read, and no longer.

pub use crate::engine::standstill::Pause;
use crate::engine::{commit_words, events, find, images, now, standstill};
use crate::error::{Context, Error, Result};
use crate::image::commit::{self, Base};
use crate::image::making::{self, Making};
use crate::image::{Limits, Loaded, Progress, changes};
use crate::paths::Paths;
use crate::record::Container;
use crate::spec::image_words::ImageWords;
use crate::sys::beneath::Directory;
use crate::sys::file;
use crate::time;
use serde_json::{Map, Value, json};
use std::os::fd::AsFd;

pub struct Request<'a> {
    pub container: &'a str,
    pub name: Option<&'a str>,
    pub author: &'a str,
    pub message: &'a str,
    /// Instructions of a Dockerfile.
    pub changes: Vec<&'a str>,
    pub pause: Pause,
}

/// The image, and what should be known of it.
pub fn commit(paths: &Paths, request: &Request, limits: &Limits) -> Result<(Loaded, Option<Error>)> {
    let name = making::name(request.name)?;
    let seen = find::container(paths, request.container)?;
    let cannot = || format!("cannot commit container {}", seen.record.name);
    let base = Base::find(paths, &seen.record.image_id).with_context(cannot)?;
    let config = describe(&seen.record, &base, request)?;
    let making = Making::begin(paths, limits, &Progress::default(), &|| images::users(paths)).with_context(cannot)?;
    let (layer, note) = (|| {
        let (record, _standstill, note) = standstill::begin(paths, &seen.record.id, request.pause)?;
        let upper = seen.files(paths).upper();
        let changed = Directory::open_root(&upper).context("cannot open its files")?;
        let layer = commit::layer(&making, &changed, record.owners.clone());
        // Whoever removes it takes the record first, and then the files from under our hands: what we have may be a part.
        let is_there = file::has_name(changed.as_fd(), &upper) && find::record(paths, &record.id)?.is_some();
        if is_there { Ok((layer?, note)) } else { Err(Error::no_such("it was removed meanwhile")) }
    })()
    .with_context(cannot)?;
    let made = making.publish(config, base.layers, layer, name.as_ref()).with_context(cannot)?;
    let mut told = vec![("comment", request.message.to_owned()), ("imageID", made.id.clone())];
    told.extend(made.names.first().map(|name| ("imageRef", name.clone())));
    events::of_container(paths, &seen.record, "commit", &told);
    Ok((made, note))
}

fn describe(record: &Container, base: &Base, request: &Request) -> Result<Map<String, Value>> {
    let below = base.config.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
    let whole = serde_json::from_value(Value::Object(base.config.clone()));
    let words = ImageWords::from(&whole.map_err(|e| Error::damaged("the image's config is damaged").because(e))?);
    let mut settings = commit_words::settings(record, below, &words);
    changes::apply_all(&mut settings, &request.changes)?;
    let mut step = Map::new();
    step.insert("created".into(), json!(time::rfc3339(now())));
    for (field, text) in [("author", request.author), ("created_by", &record.args.join(" ")), ("comment", request.message)] {
        if !text.is_empty() {
            step.insert(field.into(), json!(text));
        }
    }
    Ok(commit::describe(base, settings, request.author, step))
}
