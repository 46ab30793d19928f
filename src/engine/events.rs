//! What happened, for `tare events`: a line of JSON for each deed, written by whoever did it, because there is no daemon to ask.
//!
//! The file lies with the live state, so what it tells begins with the machine. A line is one write to a file that is opened to
//! append: lines of many processes never mix. A deed never fails because it could not be told.

use crate::engine::now;
use crate::paths::Paths;
use crate::record::Container;
use crate::sys::file::{self, OFlag};
use serde_json::{Map, Value, json};
use std::os::fd::AsFd;

/// What it happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Container,
    Image,
    Volume,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Container => "container",
            Kind::Image => "image",
            Kind::Volume => "volume",
        }
    }
}

/// To a container: `create`, `start`, `die` … in Docker's words. `more`: attributes beside its image, name and labels.
pub fn of_container(paths: &Paths, record: &Container, action: &str, more: &[(&str, String)]) {
    let mut attributes: Map<String, Value> = record.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    attributes.insert("image".into(), json!(record.image));
    attributes.insert("name".into(), json!(record.name));
    tell(paths, Kind::Container, action, &record.id, attributes, more);
}

/// To something else: an image by its id, a volume by its name.
pub fn of(paths: &Paths, kind: Kind, action: &str, id: &str, more: &[(&str, String)]) {
    tell(paths, kind, action, id, Map::new(), more);
}

fn tell(paths: &Paths, kind: Kind, action: &str, id: &str, mut attributes: Map<String, Value>, more: &[(&str, String)]) {
    attributes.extend(more.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    let now = now();
    let mut line = json!({
        "Type": kind.name(),
        "Action": action,
        "Actor": { "ID": id, "Attributes": attributes },
        "scope": "local",
        "time": now / 1_000_000_000,
        "timeNano": now,
    })
    .to_string();
    line.push('\n');
    if let Ok(fd) = file::create(&paths.events(), OFlag::O_WRONLY | OFlag::O_APPEND, 0o600) {
        let _ = file::write_all(fd.as_fd(), line.as_bytes());
    }
}
