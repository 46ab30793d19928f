//! Somebody who logs in.

use crate::common::{Ran, eventually, process, program};
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct User {
    name: String,
}

impl User {
    /// With an account, ranges in /etc/subuid, and the image `busybox`.
    pub fn new(name: &str) -> User {
        process::tool(&["useradd", "-m", "-s", "/bin/bash", name]).ok();
        User { name: name.to_owned() }
    }

    /// His systemd stays without a session of his.
    pub fn lingers(self) -> User {
        process::tool(&["loginctl", "enable-linger", &self.name]).ok();
        let unit = format!("user@{}.service", self.uid());
        eventually("his systemd is up", || process::tool(&["systemctl", "is-active", &unit]).stdout.trim() == "active");
        self
    }

    pub fn with_image(self) -> User {
        let archive = crate::common::image_dir().join("busybox.tar");
        self.ok(&format!("tare load -qi {}", archive.display()));
        self
    }

    pub fn uid(&self) -> String {
        process::tool(&["id", "-u", &self.name]).ok().trim().to_owned()
    }

    /// A line for his shell, in a session that begins and ends with it, as at a login.
    pub fn says(&self, line: &str) -> Ran {
        let mut command = Command::new("su");
        command.args(["-l", &self.name, "-c", line]).env_clear().env("PATH", std::env::var("PATH").unwrap_or_default());
        process::run(command, None)
    }

    pub fn ok(&self, line: &str) -> String {
        self.says(line).ok().trim().to_owned()
    }

    /// As cron, or a daemon that gives up being root: without PAM, so without a session.
    pub fn without_session(&self, words: &[&str]) -> Ran {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &self.name, "--regid", &self.name, "--clear-groups", "env", "-i"]);
        command.arg(format!("HOME=/home/{}", self.name)).arg(program()).args(words);
        process::run(command, None)
    }

    /// The first process of a container.
    pub fn pid(&self, container: &str) -> String {
        self.ok(&format!("tare inspect -f '{{{{.State.Pid}}}}' {container}"))
    }

    /// What is left of his in the machine's groups.
    pub fn groups(&self) -> Vec<PathBuf> {
        let all = format!("/sys/fs/cgroup/user.slice/user-{}.slice", self.uid());
        let found = process::tool(&["find", &all, "-path", "*tare*.scope*", "-type", "d"]).stdout;
        found.lines().map(PathBuf::from).collect()
    }
}

pub fn group_of(pid: &str) -> PathBuf {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_else(|e| panic!("process {pid}: {e}"));
    let path = text.lines().find_map(|line| line.strip_prefix("0::/")).expect("a group");
    Path::new("/sys/fs/cgroup").join(path)
}

pub fn parent_of(pid: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    text.lines().find_map(|line| line.strip_prefix("PPid:")).expect("a parent").trim().to_owned()
}

pub fn read(group: &Path, file: &str) -> String {
    std::fs::read_to_string(group.join(file)).unwrap_or_else(|e| panic!("{}/{file}: {e}", group.display())).trim().to_owned()
}
