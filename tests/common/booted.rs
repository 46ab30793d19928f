//! A Debian that has booted in a container: systemd is its process 1.

use super::{Store, eventually, test_images};

pub struct Booted<'a> {
    store: &'a Store,
    name: &'a str,
}

impl<'a> Booted<'a> {
    /// `None`: there is no such image here.
    pub fn boot(store: &'a Store, name: &'a str, flags: &[&str]) -> Option<Booted<'a>> {
        if test_images::archive("systemd").is_none() {
            let _ = super::lacking("target/images/systemd.tar (images/systemd/build)");
            return None;
        }
        store.load_built("systemd");
        store.ok(&[&["run", "-dt", "--name", name], flags, &["debian:systemd"]].concat());
        let booted = Booted { store, name };
        booted.wait_until_up();
        Some(booted)
    }

    /// Every unit has started, and none has failed.
    pub fn wait_until_up(&self) {
        let is_up = || self.store.tare(&["exec", self.name, "systemctl", "is-system-running"]).stdout.trim().to_owned();
        eventually("systemd is up", || ["running", "degraded"].contains(&is_up().as_str()));
        assert_eq!(self.run(&["systemctl", "--failed", "--plain", "--no-legend"]), "");
    }

    pub fn run(&self, words: &[&str]) -> String {
        self.store.ok(&[&["exec", self.name], words].concat())
    }

    /// A service of its own, which runs this shell script.
    pub fn serve(&self, service: &str, settings: &str, script: &str) {
        let unit = format!("[Service]\n{settings}\nExecStart=/bin/sh -c '{script}'");
        let write = format!("cat >/etc/systemd/system/{service}.service; systemctl start {service}");
        self.store.tare_with(&["exec", "-i", self.name, "sh", "-c", &write], unit).ok();
    }

    /// In its own way, not by force, and within the time it has.
    pub fn switch_off(&self) {
        assert_eq!(self.store.ok(&["stop", "-t", "90", self.name]), self.name);
        let state = &self.store.inspect(self.name)["State"];
        assert_eq!((&state["Status"], &state["ExitCode"], &state["Error"]), (&"exited".into(), &0.into(), &"".into()), "{state}");
        let log = self.store.ok(&["logs", self.name]);
        assert!(log.contains("System Shutdown") && log.contains("Exiting container."), "{log}");
    }
}
