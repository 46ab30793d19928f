//! All that can be said of the images in an archive, fact by fact: settings, history, layers, files.
//!
//! | fact | of what | for example |
//! |---|---|---|
//! | `config.Env` | a field of the settings, as JSON; none if it says nothing | `["A=1"]` |
//! | `author` | who is named as such | `somebody` |
//! | `history 2` | a line of the history, from 1; whether it made a layer | `layer: COPY a / # buildkit` |
//! | `layer 2 /dir/a` | what a layer holds | `file 0644 0:0 "text\n"` |
//! | `/dir/a` | what the whole image holds | `file 0644 0:0 "text\n"` |

use crate::tree::{self, Tree};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use tar::EntryType;

pub type Facts = BTreeMap<String, String>;

/// A plain tar by the names of its files.
pub struct Saved {
    files: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, String>,
    fresh: u64,
}

impl Saved {
    /// `fresh`: whatever has a later time was made by a build.
    pub fn open(path: &Path, fresh: u64) -> Saved {
        let mut saved = Saved { files: BTreeMap::new(), links: BTreeMap::new(), fresh };
        let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("cannot open {}: {e}", path.display()));
        for entry in tar::Archive::new(file).entries().expect("an archive") {
            let mut entry = entry.expect("an entry of the archive");
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if entry.header().entry_type() == EntryType::Symlink {
                let target = String::from_utf8_lossy(&entry.link_name_bytes().expect("a target")).into_owned();
                saved.links.insert(name, target.trim_start_matches("../").to_owned());
                continue;
            }
            let mut data = Vec::new();
            entry.read_to_end(&mut data).expect("a file of the archive");
            saved.files.insert(name, data);
        }
        saved
    }

    fn file(&self, name: &str) -> &[u8] {
        let name = self.links.get(name).map_or(name, String::as_str);
        self.files.get(name).unwrap_or_else(|| panic!("the archive has no {name}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(self.file(name)).unwrap_or_else(|e| panic!("{name} is no JSON: {e}"))
    }

    fn layer(&self, name: &str) -> Tree {
        let data = self.file(name);
        if !data.starts_with(&[0x1f, 0x8b]) {
            return tree::of_layer(data, self.fresh);
        }
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(data).read_to_end(&mut plain).expect("gzip");
        tree::of_layer(&plain, self.fresh)
    }

    /// The facts of one image; `None` if the archive has no such.
    pub fn facts(&self, image: &str) -> Option<Facts> {
        let manifest = self.json("manifest.json");
        let has_name =
            |one: &&Value| one["RepoTags"].as_array().into_iter().flatten().any(|tag| tag.as_str().is_some_and(|tag| tag.ends_with(image)));
        let about = manifest.as_array().expect("a list of images").iter().find(has_name)?;
        let config = self.json(about["Config"].as_str().expect("Config"));
        let mut facts = settings(&config);
        facts.extend(history(&config));
        let mut files = Tree::new();
        for (index, name) in about["Layers"].as_array().expect("Layers").iter().enumerate() {
            let layer = self.layer(name.as_str().expect("a name"));
            let news = tree::news(layer.clone(), &files);
            tree::lay(&mut files, &layer);
            facts.extend(news.into_iter().map(|(path, line)| (format!("layer {} {path}", index + 1), line)));
        }
        facts.extend(files);
        Some(facts)
    }
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    }
}

fn settings(config: &Value) -> Facts {
    let fields = config["config"].as_object().into_iter().flatten().filter(|(_, value)| says_something(value));
    let mut facts: Facts = fields.map(|(name, value)| (format!("config.{name}"), value.to_string())).collect();
    facts.extend(config["author"].as_str().filter(|text| !text.is_empty()).map(|text| ("author".to_owned(), text.to_owned())));
    facts
}

fn history(config: &Value) -> Facts {
    let lines = config["history"].as_array().into_iter().flatten().enumerate();
    let line = |line: &Value| {
        let kind = if line["empty_layer"] == true { "empty" } else { "layer" };
        let rest = ["author", "comment"].map(|name| line[name].as_str().map_or_else(String::new, |text| format!(" ({name}: {text})")));
        format!("{kind}: {}{}", line["created_by"].as_str().unwrap_or_default().replace('\n', "\\n"), rest.concat())
    };
    lines.map(|(index, one)| (format!("history {}", index + 1), line(one))).collect()
}
