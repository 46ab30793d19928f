//! Changes to a config.json, one at a time, each of which a runtime must obey.
//!
//! In a value BUNDLE is the bundle's directory (`BUNDLE/shared` a mount of the host with another one below it), and HOLDER a
//! process with namespaces of its own.

mod filters;
mod linux;
mod mounts;
mod process;

use serde_json::Value;

/// A name, and what is put where (a JSON pointer; `-` at its end: appended to a list).
#[derive(Default)]
pub struct Variation {
    pub name: String,
    pub changes: Vec<(String, Value)>,
    /// Of the command line.
    pub flags: &'static [&'static str],
    /// Why the process sees nothing of it.
    pub unseen: Option<&'static str>,
}

impl Variation {
    fn flags(self, flags: &'static [&'static str]) -> Variation {
        Variation { name: format!("{} {}", flags.join(" "), self.name), flags, ..self }
    }
    fn unseen(self, why: &'static str) -> Variation {
        Variation { unseen: Some(why), ..self }
    }
}

pub fn one(place: &str, value: Value) -> Variation {
    several(&[(place, value)])
}

pub fn several(changes: &[(&str, Value)]) -> Variation {
    let changes: Vec<(String, Value)> = changes.iter().map(|(place, value)| ((*place).to_owned(), value.clone())).collect();
    let name: Vec<String> = changes.iter().map(|(place, value)| format!("{place} = {value}")).collect();
    Variation { name: name.join("; "), changes, ..Variation::default() }
}

pub fn all() -> Vec<Variation> {
    [process::all(), linux::all(), mounts::all(), filters::all()].into_iter().flatten().collect()
}
