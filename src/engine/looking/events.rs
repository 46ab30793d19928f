//! What happened, for `tare events`: a line of JSON for each deed, written by whoever did it, because there is no daemon to ask.
//!
//! The file lies with the live state, so what it tells begins with the machine. A line is one write to a file that is opened to
//! append: lines of many processes never mix. A deed never fails because it could not be told. `read.rs` is the other side.
//!
//! It never grows without end: whoever finds it full puts it aside, as the one file before, and the next deed begins a new one.

pub mod of_execs;
pub mod of_runs;
pub mod read;

use crate::engine::now;
use crate::paths::Paths;
use crate::record::Container;
use crate::sys::Errno;
use crate::sys::file::{self, OFlag};
use crate::sys::lock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};

/// Some thousand deeds; twice as many are kept.
const FULL: u64 = 1 << 20;

/// What it happened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Builder,
    Container,
    Image,
    Network,
    Volume,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Builder => "builder",
            Kind::Container => "container",
            Kind::Image => "image",
            Kind::Network => "network",
            Kind::Volume => "volume",
        }
    }
}

/// A line, in the shape of Docker's API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    #[serde(rename = "Type")]
    pub kind: Kind,
    #[serde(rename = "Action")]
    pub action: String,
    #[serde(rename = "Actor")]
    pub actor: Actor,
    pub scope: String,
    /// Seconds since 1970.
    pub time: u64,
    #[serde(rename = "timeNano")]
    pub nanos: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    #[serde(rename = "ID")]
    pub id: String,
    #[serde(rename = "Attributes")]
    pub attributes: BTreeMap<String, String>,
}

/// To a container: `create`, `start`, `die` … in Docker's words. `more`: attributes beside its image, name and labels.
pub fn of_container(paths: &Paths, record: &Container, action: &str, more: &[(&str, String)]) {
    let mut attributes: BTreeMap<String, String> = record.labels.iter().cloned().collect();
    attributes.insert("image".into(), record.image.clone());
    attributes.insert("name".into(), record.name.clone());
    tell(paths, Kind::Container, action, &record.id, attributes, more);
}

/// To something else: an image or a network by its id, a volume by its name.
pub fn of(paths: &Paths, kind: Kind, action: &str, id: &str, more: &[(&str, String)]) {
    tell(paths, kind, action, id, BTreeMap::new(), more);
}

fn tell(paths: &Paths, kind: Kind, action: &str, id: &str, mut attributes: BTreeMap<String, String>, more: &[(&str, String)]) {
    attributes.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let nanos = now();
    let actor = Actor { id: id.to_owned(), attributes };
    let event = Event { kind, action: action.to_owned(), actor, scope: "local".to_owned(), time: nanos / 1_000_000_000, nanos };
    // The end of a line also before it: what somebody was killed at, or had no room for, spoils no other line.
    let mut line = vec![b'\n'];
    if serde_json::to_writer(&mut line, &event).is_ok() {
        line.push(b'\n');
        let _ = append(paths, &line);
    }
}

fn append(paths: &Paths, line: &[u8]) -> Result<(), Errno> {
    let open = || file::create(&paths.events(), OFlag::O_WRONLY | OFlag::O_APPEND, 0o600);
    let fd = match open() {
        Err(Errno::ENOENT) => file::make_dirs(paths.run(), 0o700).and_then(|()| open())?,
        other => other?,
    };
    file::write_all(fd.as_fd(), line)?;
    if file::length(fd.as_fd())? >= FULL {
        put_aside(paths, fd.as_fd())?;
    }
    Ok(())
}

/// Of many who find it full one renames it. For those who come later the name leads to another file by then.
fn put_aside(paths: &Paths, full: BorrowedFd) -> Result<(), Errno> {
    if lock::take(full, lock::Kind::Alone, false)? && file::has_name(full, &paths.events()) {
        file::rename(&paths.events(), &paths.events_before())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_aside_once_by_whoever_comes_last_too() {
        let dir = std::env::temp_dir().join(format!("tare-events-{}", std::process::id()));
        let paths = Paths::new(&dir, dir.join("run"));
        append(&paths, b"old\n").unwrap();
        // Two of them have it open, and find it full.
        let open = || file::open(&paths.events(), OFlag::O_WRONLY | OFlag::O_APPEND).unwrap();
        let (one, other) = (open(), open());
        put_aside(&paths, one.as_fd()).unwrap();
        drop(one);
        append(&paths, b"new\n").unwrap();
        put_aside(&paths, other.as_fd()).unwrap();
        let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
        assert_eq!((read(&paths.events_before()).as_str(), read(&paths.events()).as_str()), ("old\n", "new\n"));
        file::remove_tree(&dir).unwrap();
    }
}
