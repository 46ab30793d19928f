//! podman drives its containers with tare: run, exec, kill, pause, pods.

use crate::common::{self, cgroup2, image_dir, installed, lacking};
use std::path::PathBuf;
use std::process::{Command, Stdio};

struct Podman {
    dir: PathBuf,
}

impl Podman {
    /// `None`: it is not installed.
    fn new() -> Option<Podman> {
        if !installed("podman") || !installed("conmon") {
            let _ = lacking("podman and conmon");
            return None;
        }
        let dir = common::fresh_directory(&std::env::temp_dir(), "tare-podman-");
        std::os::unix::fs::symlink(common::program(), dir.join("tare-oci")).expect("a link");
        // Where controllers lie in cgroup v1 no limit can be kept, and root may not raise its own here.
        let conf = "[containers]\npids_limit = 0\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n\
                    [engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
        std::fs::write(dir.join("containers.conf"), conf).expect("a file");
        let podman = Podman { dir };
        podman.ok(&["load", "-qi", image_dir().join("busybox.tar").to_str().expect("utf-8")]);
        Some(podman)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("podman");
        command.env("CONTAINERS_CONF", self.dir.join("containers.conf"));
        command
            .arg("--root")
            .arg(self.dir.join("root"))
            .arg("--runroot")
            .arg(self.dir.join("run"))
            .arg("--tmpdir")
            .arg(self.dir.join("tmp"));
        command.arg("--runtime").arg(self.dir.join("tare-oci")).args(words).stdin(Stdio::null());
        command
    }

    /// Exit code, output, errors. Through files, because conmon holds pipes open.
    fn call(&self, words: &[&str]) -> (i32, String, String) {
        let (out, error) = (self.dir.join("stdout"), self.dir.join("stderr"));
        let file = |path: &PathBuf| std::fs::File::create(path).expect("a file");
        let status = self.command(words).stdout(file(&out)).stderr(file(&error)).status().expect("podman runs");
        let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap_or_default().trim_end().to_owned();
        (status.code().unwrap_or(-1), read(&out), read(&error))
    }

    fn ok(&self, words: &[&str]) -> String {
        let (code, out, error) = self.call(words);
        assert_eq!(code, 0, "podman {}: {error}", words.join(" "));
        out
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.call(&["rm", "-fa", "-t", "0"]);
        let _ = Command::new("umount").arg(self.dir.join("root/overlay")).stderr(Stdio::null()).status();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn podman_runs_executes_pauses_and_kills() {
    let Some(podman) = Podman::new() else { return };
    assert_eq!(podman.ok(&["run", "--rm", "--network", "none", "busybox", "echo", "hello"]), "hello");
    assert_eq!(podman.call(&["run", "--rm", "--network", "none", "busybox", "sh", "-c", "exit 7"]).0, 7);
    assert_eq!(podman.call(&["run", "--rm", "--network", "none", "busybox", "nosuch"]).0, 127);
    assert_eq!(podman.call(&["run", "--rm", "--network", "none", "busybox", "/etc"]).0, 126);

    podman.ok(&["run", "-d", "--name", "web", "--network", "none", "busybox", "sh", "-c", "echo logged; exec sleep 1000"]);
    assert_eq!(podman.ok(&["exec", "web", "cat", "/proc/1/comm"]), "sleep");
    assert_eq!(podman.call(&["exec", "web", "nosuch"]).0, 127);
    assert_eq!(podman.call(&["exec", "web", "sh", "-c", "exit 5"]).0, 5);
    assert!(podman.ok(&["exec", "-t", "web", "tty"]).starts_with("/dev/pts/"));
    common::eventually("its log", || podman.ok(&["logs", "web"]) == "logged");
    if cgroup2().is_some() {
        podman.ok(&["pause", "web"]);
        assert_eq!(podman.ok(&["inspect", "-f", "{{.State.Status}}", "web"]), "paused");
        podman.ok(&["unpause", "web"]);
    }
    assert!(podman.ok(&["top", "web"]).contains("sleep 1000"));
    podman.ok(&["kill", "web"]);
    assert_eq!(podman.ok(&["wait", "web"]), "137");
    podman.ok(&["start", "web"]);
    podman.ok(&["stop", "-t", "0", "web"]);
    podman.ok(&["rm", "web"]);
}

#[test]
fn podman_s_pods_share_namespaces() {
    let Some(podman) = Podman::new() else { return };
    if !installed("catatonit") {
        let _ = lacking("catatonit, which waits in podman's pods");
        return;
    }
    podman.ok(&["pod", "create", "--name", "pod", "--network", "none", "--share", "ipc,net,uts,pid"]);
    podman.ok(&["run", "-d", "--pod", "pod", "--name", "first", "busybox", "sleep", "1000"]);
    let seen = podman.ok(&["run", "--rm", "--pod", "pod", "busybox", "ps"]);
    assert!(seen.contains("sleep 1000"), "they share their pids:\n{seen}");
    let space = |name: &str, kind: &str| podman.ok(&["exec", name, "readlink", &format!("/proc/self/ns/{kind}")]);
    podman.ok(&["run", "-d", "--pod", "pod", "--name", "second", "busybox", "sleep", "1000"]);
    for kind in ["net", "ipc", "uts", "pid"] {
        assert_eq!(space("first", kind), space("second", kind), "{kind}");
    }
    assert_ne!(space("first", "mnt"), space("second", "mnt"));
    podman.ok(&["pod", "rm", "-f", "-t", "0", "pod"]);
}
