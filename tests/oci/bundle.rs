//! A bundle to try a runtime with: a root of busybox and the probe, and a config.json that a test changes as it likes.
#![allow(dead_code, reason = "each test program uses a part of it")]

use crate::common::{self, test_images};
use serde_json::{Value, json};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

pub struct Bundle {
    pub dir: PathBuf,
    /// Where runtimes keep their state.
    pub shelf: PathBuf,
    pub config: Value,
}

impl Bundle {
    pub fn new() -> Bundle {
        let bundle = Bundle::bare();
        let applets = Command::new(test_images::busybox()).arg("--list").output().expect("busybox --list");
        for applet in String::from_utf8_lossy(&applets.stdout).lines().filter(|applet| *applet != "busybox") {
            let _ = std::os::unix::fs::symlink("busybox", bundle.root("bin").join(applet));
        }
        bundle
    }

    /// With a shell and the probe, and no more programs.
    pub fn bare() -> Bundle {
        let dir = common::fresh_directory(&std::env::temp_dir(), "tare-oci-");
        let shelf = dir.join("shelf");
        std::fs::create_dir_all(&shelf).expect("a directory");
        make_root(&dir.join("rootfs"));
        let mut config = usual_config();
        config["process"]["terminal"] = json!(false);
        config["process"]["args"] = json!(["/probe"]);
        // Which every peer knows.
        config["ociVersion"] = json!("1.0.0");
        config["root"]["readonly"] = json!(false);
        config["linux"]["cgroupsPath"] = json!(format!("/tare-oci-test/{}", dir.file_name().expect("a name").to_string_lossy()));
        // Root here may not raise a limit (no CAP_SYS_RESOURCE): the tests that want some say so.
        config["process"]["rlimits"] = json!([]);
        let bundle = Bundle { dir, shelf, config };
        bundle.write();
        bundle
    }

    /// With another command.
    pub fn of(words: &[&str]) -> Bundle {
        let mut bundle = Bundle::new();
        bundle.config["process"]["args"] = json!(words);
        bundle
    }

    pub fn root(&self, name: &str) -> PathBuf {
        self.dir.join("rootfs").join(name)
    }

    pub fn write(&self) {
        std::fs::write(self.dir.join("config.json"), self.config.to_string()).expect("write config.json");
    }

    /// A runtime's command line: ours, or a peer's by name.
    pub fn command(&self, runtime: &str, words: &[&str]) -> Command {
        let mut command = if runtime == "tare" { Command::new(common::program()) } else { Command::new(runtime) };
        if runtime == "tare" {
            command.arg0("tare-oci");
        }
        command.arg("--root").arg(self.shelf.join(runtime)).args(words).current_dir(&self.dir).stdin(Stdio::null());
        command
    }

    /// Through files, because a container that goes on would hold pipes open.
    pub fn try_call(&self, words: &[&str]) -> Said {
        let (out, error) = (self.dir.join("stdout"), self.dir.join("stderr"));
        let file = |path: &Path| std::fs::File::create(path).expect("a file");
        let status = self.command("tare", words).stdout(file(&out)).stderr(file(&error)).status().expect("tare runs");
        let read = |path: &Path| std::fs::read_to_string(path).expect("a file");
        Said { code: status.code().unwrap_or(-1), out: read(&out), error: read(&error) }
    }

    pub fn call(&self, words: &[&str]) -> String {
        let said = self.try_call(words);
        assert_eq!(said.code, 0, "tare-oci {}: {}", words.join(" "), said.error);
        said.out
    }

    /// What must fail, and with which words.
    pub fn refuses(&self, words: &[&str], part: &str) -> String {
        let said = self.try_call(words);
        assert_ne!(said.code, 0, "tare-oci {} should have failed", words.join(" "));
        assert!(said.error.contains(part), "tare-oci {}: no {part:?} in: {}", words.join(" "), said.error);
        said.error
    }

    /// The program in the place of a shell that has done something before, with the shell's pid and descriptors.
    pub fn through_a_shell(&self, before: &str, words: &[&str]) -> Output {
        let script = format!("{before}; exec \"$0\" oci --root \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).arg(common::program()).arg(self.shelf.join("tare")).args(words);
        command.current_dir(&self.dir).stdin(Stdio::null()).output().expect("sh runs")
    }

    /// `run` to its end; the config is written before.
    pub fn run(&self, runtime: &str) -> Output {
        self.write();
        self.command(runtime, &["run", "one"]).output().unwrap_or_else(|e| panic!("{runtime}: {e}"))
    }

    pub fn state(&self, id: &str) -> Value {
        serde_json::from_str(&self.call(&["state", id])).expect("JSON")
    }
    pub fn status(&self, id: &str) -> String {
        self.state(id)["status"].as_str().expect("a status").to_owned()
    }

    /// The group of the container, if this host has cgroup2.
    pub fn group(&self) -> Option<PathBuf> {
        // One that names none, or leads upwards, is refused, and would name a directory that is there.
        let names_one = |path: &&str| path.bytes().any(|byte| !b"/.".contains(&byte)) && !path.contains("..");
        let path = self.config["linux"]["cgroupsPath"].as_str().filter(names_one)?;
        Some(common::cgroup2()?.0.join(path.trim_start_matches('/')))
    }

    /// No process, group, mount or record is there any more.
    pub fn assert_nothing_left(&self) {
        let shelf = self.shelf.join("tare");
        let left: Vec<_> = std::fs::read_dir(shelf).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "left on the shelf: {left:?}");
        if let Some(group) = self.group() {
            assert!(!group.exists(), "left: {}", group.display());
        }
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
        let dir = self.dir.display().to_string();
        assert!(!mounts.contains(&dir), "a mount is left below {dir}");
    }
}

pub struct Said {
    pub code: i32,
    pub out: String,
    pub error: String,
}

impl Drop for Bundle {
    fn drop(&mut self) {
        for entry in std::fs::read_dir(self.shelf.join("tare")).into_iter().flatten().flatten() {
            let id = entry.file_name().to_string_lossy().into_owned();
            let _ = self.command("tare", &["delete", "--force", &id]).output();
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// What `spec` writes, asked once.
fn usual_config() -> Value {
    static WRITTEN: OnceLock<Value> = OnceLock::new();
    let ask = || {
        let dir = common::fresh_directory(&std::env::temp_dir(), "tare-oci-spec-");
        let ran = Command::new(common::program()).args(["oci", "spec", "-b"]).arg(&dir).output().expect("tare runs");
        assert!(ran.status.success(), "tare oci spec: {}", String::from_utf8_lossy(&ran.stderr));
        let text = std::fs::read_to_string(dir.join("config.json")).expect("config.json");
        std::fs::remove_dir_all(&dir).expect("remove");
        serde_json::from_str(&text).expect("JSON")
    };
    WRITTEN.get_or_init(ask).clone()
}

fn make_root(root: &Path) {
    for dir in ["bin", "dev", "etc", "proc", "sys", "tmp", "home"] {
        std::fs::create_dir_all(root.join(dir)).expect("a directory");
    }
    std::fs::copy(test_images::probe(), root.join("probe")).expect("the probe");
    let busybox = test_images::busybox();
    std::fs::copy(busybox, root.join("bin/busybox")).expect("busybox");
    std::os::unix::fs::symlink("busybox", root.join("bin/sh")).expect("a link");
    std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home:/bin/sh\n").expect("passwd");
}
