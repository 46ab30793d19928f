//! `--squash`: what the build has added becomes one layer, on those of its base.

use crate::build::Request;
use crate::build::state::State;
use crate::error::{Context, Result};
use crate::image::built::{self, Packing};
use crate::image::steps::{self, Fresh, Layer, Step};
use crate::image::{Workplace, merge};
use crate::paths::Paths;
use crate::store;
use crate::sys::beneath::Directory;
use crate::sys::file;
use serde_json::{Value, json};
use std::time::Instant;

pub fn squash(paths: &Paths, workplace: &Workplace, request: &Request, mut state: State) -> Result<State> {
    if state.layers.len() < 2 {
        return Ok(state);
    }
    // Named by what it is made of: the same layers make the same one.
    let words: Vec<&str> = ["squash"].into_iter().chain(state.layers.iter().map(|layer| layer.diff_id.as_str())).collect();
    let key = state.key.then(&words);
    let known = if request.no_cache { None } else { steps::find(paths, key.hex())?.and_then(|step| step.layer) };
    let layer = known.map_or_else(|| make(paths, workplace, request, &state, key.hex()), Ok)?;
    state.layers = vec![layer];
    tell(&mut state);
    Ok(state)
}

fn make(paths: &Paths, workplace: &Workplace, request: &Request, state: &State, key: &str) -> Result<Layer> {
    const WHAT: &str = "cannot make one layer of all";
    let begun = Instant::now();
    let (upper, blob) = (workplace.file("squashed"), workplace.file("squashed-blob"));
    file::make_dir(&upper, 0o755).context(WHAT)?;
    let open = |layer: &Layer| Directory::open_root(&paths.layer(&layer.diff_id)).context(WHAT);
    let layers = state.layers.iter().map(open).collect::<Result<Vec<_>>>()?;
    merge::merge(&layers, &Directory::open_root(&upper).context(WHAT)?).map_err(store::advise).context(WHAT)?;
    let latest = request.epoch.filter(|_| request.rewrite_times).map(|seconds| seconds as i64);
    let packing = Packing { users: None, latest, squeeze: true };
    let layer = built::pack(&upper, &blob, packing, &|_| {}).map_err(store::advise).context(WHAT)?;
    let step = Step {
        layer: Some(layer.clone()),
        what: "all layers as one".to_owned(),
        made: crate::engine::now(),
        took_ms: begun.elapsed().as_millis() as u64,
        note: Value::Null,
    };
    steps::keep(paths, key, &step, Some(Fresh { upper, blob }))?;
    Ok(layer)
}

/// In the image's history the lines stay, and the last has the layer, as with Docker.
fn tell(state: &mut State) {
    let below = state.below.len();
    let Some(history) = state.about.get_mut("history").and_then(Value::as_array_mut) else { return };
    let mut layers = 0;
    let (mut created, mut from) = (Value::Null, history.len());
    for (at, step) in history.iter_mut().enumerate() {
        let has_layer = !step["empty_layer"].as_bool().unwrap_or(false);
        layers += usize::from(has_layer);
        if layers > below {
            from = from.min(at);
            step["empty_layer"] = json!(true);
            created = step["created"].clone();
        }
    }
    let count = history.len() - from;
    history.push(json!({"created": created, "comment": format!("the layers of {count} steps became one")}));
}
