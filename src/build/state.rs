//! What a stage has come to: its layers, what its image would say, and the key that stands for all of it.

use crate::build::key::Key;
use crate::build::scope::Scope;
use crate::image::built::Layer;
use crate::image::commit::Base;
use crate::image::steps::Step;
use crate::options::platform::Platform;
use crate::time;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Where programs are looked for in an image that begins with nothing, as in Docker.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    /// `sha256:…` of the image below; `None`: it began with nothing.
    pub image: Option<String>,
    /// Diff ids (hex) of that one's layers, bottom first.
    pub below: Vec<String>,
    /// Those that were made here.
    pub layers: Vec<Layer>,
    /// What the image says of itself, without its layers: `architecture`, `config`, `history` …
    pub about: Map<String, Value>,
    pub key: Key,
    /// When the last of its layers was made (nanoseconds since 1970), or what was wished: a build of which all is known comes to the
    /// very same image again.
    pub created: Option<u64>,
    pub created_is_wished: bool,
    /// What ARG has said.
    pub scope: Scope,
    /// The image's own ONBUILD, for whoever begins with it.
    pub triggers: Vec<String>,
    /// Keys of all steps that led here, for whoever keeps them elsewhere.
    pub used: BTreeSet<Key>,
}

impl State {
    pub fn from_scratch(platform: &Platform) -> State {
        let config = json!({ "Env": [format!("PATH={PATH}")], "WorkingDir": "/" });
        let mut about = Map::from_iter([
            ("architecture".to_owned(), json!(platform.architecture)),
            ("os".to_owned(), json!(platform.os)),
            ("config".to_owned(), config),
        ]);
        about.extend(platform.variant.iter().map(|variant| ("variant".to_owned(), json!(variant))));
        State { about, key: Key::first(&["scratch"]), ..State::default() }
    }

    pub fn of_image(id: &str, base: &Base) -> State {
        let mut about = base.config.clone();
        about.remove("rootfs");
        let mut state = State {
            image: Some(id.to_owned()),
            below: base.layers.iter().map(|layer| layer.passed.diff_id.clone()).collect(),
            key: Key::first(&["image", id]),
            created: base.config.get("created").and_then(Value::as_str).and_then(time::parse_rfc3339),
            about,
            ..State::default()
        };
        state.take_triggers();
        state
    }

    /// ONBUILD is for an image's children, and not for theirs.
    pub fn take_triggers(&mut self) {
        let taken = self.config_mut().remove("OnBuild");
        self.triggers =
            taken.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    }

    pub fn config(&self) -> Map<String, Value> {
        self.about.get("config").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    pub fn config_mut(&mut self) -> &mut Map<String, Value> {
        let place = self.about.entry("config").or_insert_with(|| json!({}));
        if !place.is_object() {
            *place = json!({});
        }
        place.as_object_mut().expect("it was just made one")
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.about.get("config")?.get(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Of the whole, bottom first.
    pub fn diff_ids(&self) -> Vec<String> {
        self.below.iter().cloned().chain(self.layers.iter().map(|layer| layer.diff_id.clone())).collect()
    }

    /// A step is done.
    pub fn goes_on(&mut self, step: Step, key: Key) {
        self.layers.extend(step.layer);
        self.key = key;
        // One that was wished stays.
        if !self.created_is_wished {
            self.created = Some(step.made);
        }
    }

    /// One line more of the image's history.
    pub fn told(&mut self, text: String, has_layer: bool) {
        let mut step = Map::from_iter([
            ("created".to_owned(), json!(time::rfc3339(self.created.unwrap_or(0)))),
            ("created_by".to_owned(), json!(text)),
            // Tools tell by it who has written the lines, and read them so.
            ("comment".to_owned(), json!("buildkit.dockerfile.v0")),
        ]);
        if !has_layer {
            step.insert("empty_layer".to_owned(), json!(true));
        }
        let history = self.about.entry("history").or_insert_with(|| json!([]));
        match history.as_array_mut() {
            Some(all) => all.push(Value::Object(step)),
            None => *history = json!([step]),
        }
    }
}
