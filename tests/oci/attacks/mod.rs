//! Holes that other runtimes had, tried again through hostile bundles, each by its number: one file per way in. What must not
//! change is a directory of the host (`Victim`), and nothing may be left where a bundle is refused.

mod descriptors;
mod devices;
mod links;
mod mounts;
mod procfs;
mod shelf;
mod streams;
mod users;

use super::bundle::Bundle;
use crate::common::{Running, Victim, test_images};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

impl Bundle {
    fn mounts(&mut self) -> &mut Vec<Value> {
        self.config["mounts"].as_array_mut().expect("mounts")
    }

    fn bind(&mut self, source: &str, destination: &str) {
        self.mounts().push(json!({"destination": destination, "type": "bind", "source": source, "options": ["bind"]}));
    }

    /// Nothing of the configuration is mounted on this directory or below: there is what the root brings.
    fn leave_bare(&mut self, place: &str) {
        self.mounts().retain(|mount| !Path::new(mount["destination"].as_str().expect("a place")).starts_with(place));
    }

    /// A directory of the host is /dev, and whoever else has it may change it.
    fn share_dev(&mut self) -> PathBuf {
        let shared = self.dir.join("devices");
        std::fs::create_dir_all(&shared).expect("a directory");
        self.leave_bare("/dev");
        self.bind(&shared.display().to_string(), "/dev");
        shared
    }

    /// Takes away what is in the root under this name, and puts a link there.
    fn link_in_place_of(&self, name: &str, to: &str) {
        let path = self.root(name);
        let _ = std::fs::remove_dir_all(&path);
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(to, &path).expect("a symlink");
    }

    fn without_namespace(&mut self, kind: &str) {
        self.config["linux"]["namespaces"].as_array_mut().expect("namespaces").retain(|one| one["type"] != kind);
    }

    /// With a hook, the mounts are made while the root is only changed, and not yet entered.
    fn make_detour(&mut self, wanted: bool) {
        match wanted {
            true => self.config["hooks"] = json!({"createContainer": [{"path": "/bin/true"}]}),
            false => drop(self.config.as_object_mut().expect("a config").remove("hooks")),
        }
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

/// Somebody on the host, or in another container, who exchanges two names for ever.
fn racer(one: &Path, other: &Path) -> Running {
    let mut command = std::process::Command::new(test_images::probe());
    command.arg("exchange").args([one, other]).stdin(std::process::Stdio::null());
    let mut racer = Running::spawn(command);
    racer.expect("ready");
    racer
}

/// From anywhere to the top.
const UPWARDS: &str = "../../../../../../../../../../../..";
