//! Holes that other runtimes had, tried again through hostile bundles, each by its number: one file per way in. What must not
//! change is a directory of the host (`Victim`), and nothing may be left where a bundle is refused.

mod descriptors;
mod links;

use super::bundle::Bundle;
use crate::common::Victim;
use serde_json::{Value, json};
use std::path::Path;

impl Bundle {
    fn mounts(&mut self) -> &mut Vec<Value> {
        self.config["mounts"].as_array_mut().expect("mounts")
    }

    /// Nothing of the configuration is mounted on this directory or below: there is what the root brings.
    fn leave_bare(&mut self, place: &str) {
        self.mounts().retain(|mount| !Path::new(mount["destination"].as_str().expect("a place")).starts_with(place));
    }

    /// Takes away a directory of the root, and puts a link there.
    fn link_in_place_of(&self, name: &str, to: &str) {
        let path = self.root(name);
        let _ = std::fs::remove_dir_all(&path);
        std::os::unix::fs::symlink(to, &path).expect("a symlink");
    }

    /// With a hook, the mounts are made while the root is only changed, and not yet entered.
    fn make_detour(&mut self) {
        self.config["hooks"] = json!({"createContainer": [{"path": "/bin/true"}]});
    }

    /// Runs it, whatever comes of that: nothing may be left, and nothing may have panicked.
    fn attack(&self, what: &str, victim: &Victim) -> std::process::Output {
        let ran = self.run("tare");
        victim.assert_untouched(what);
        let error = String::from_utf8_lossy(&ran.stderr);
        assert!(!error.contains("panicked") && !error.contains("overflow"), "{what}: {error}");
        self.assert_nothing_left();
        ran
    }
}
