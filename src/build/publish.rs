//! What a stage has come to becomes an image of the store.

use crate::build::request::Request;
use crate::build::state::State;
use crate::engine::{images, now};
use crate::error::Result;
use crate::image::commit::Base;
use crate::image::{Loaded, Reference, built};
use crate::paths::Paths;
use crate::time;
use serde_json::json;

pub fn publish(paths: &Paths, state: &State, request: &Request, names: &[Reference]) -> Result<Loaded> {
    let below = state.image.as_deref().map(|id| Base::find(paths, id)).transpose()?.map(|base| base.layers).unwrap_or_default();
    let layers = below.into_iter().map(|layer| layer.passed).chain(state.layers.iter().cloned()).collect();
    let mut about = state.about.clone();
    about.insert("created".into(), json!(time::rfc3339(state.created.unwrap_or_else(now))));
    if !request.labels.is_empty() {
        let config = about.entry("config").or_insert_with(|| json!({}));
        if let Some(labels) = config.as_object_mut().map(|config| config.entry("Labels").or_insert_with(|| json!({}))) {
            for (name, value) in &request.labels {
                labels[name] = json!(value);
            }
        }
    }
    let made = built::publish(paths, about, &request.annotations, layers, names, &|| images::users(paths))?;
    images::tell_built(paths, &made);
    Ok(made)
}
