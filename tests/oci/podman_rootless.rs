//! podman of an ordinary user drives his containers with tare: podman makes him root of a namespace before.

use crate::common::world::busybox_archive;
use crate::common::{Person, fresh_directory, lacking, leftovers, process, program};
use std::path::{Path, PathBuf};
use std::process::Command;

struct Podman {
    person: Person,
    dir: PathBuf,
}

impl Podman {
    fn new() -> Option<Podman> {
        if ["podman", "conmon", "newuidmap"].iter().any(|name| !crate::common::installed(name)) {
            let _ = lacking("podman, conmon and newuidmap");
            return None;
        }
        let (person, dir) = (Person::with_ranges(), fresh_directory(Path::new("/var/tmp"), "tare-podman-"));
        person.owns(&dir);
        std::os::unix::fs::symlink(program(), dir.join("tare-oci")).expect("a link");
        std::fs::copy(busybox_archive(), dir.join("busybox.tar")).expect("an archive");
        person.owns(&dir.join("busybox.tar"));
        Some(Podman { person, dir })
    }

    fn call(&self, words: &[&str]) -> process::Ran {
        let path = |name: &str| self.dir.join(name).display().to_string();
        let mut command = Command::new("podman");
        command.args(["--root", &path("root"), "--runroot", &path("run"), "--tmpdir", &path("tmp"), "--runtime", &path("tare-oci")]);
        command.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]).args(words);
        command.current_dir(&self.dir);
        self.person.takes(&mut command, &self.dir.join("home"), &[]);
        process::run(command, None)
    }

    fn ok(&self, words: &[&str]) -> String {
        self.call(words).ok().trim().to_owned()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // A process that podman leaves behind only to hold the namespace.
        for place in ["tmp/pause.pid", "home/session/libpod/tmp/pause.pid"] {
            if let Some(pid) = std::fs::read_to_string(self.dir.join(place)).ok().and_then(|text| text.trim().parse::<i32>().ok()) {
                // SAFETY: it is a process of this test's podman.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
        }
        let _ = leftovers::remove_tree(&self.dir);
    }
}

#[test]
fn podman_of_an_ordinary_user_runs_and_executes() {
    let Some(podman) = Podman::new() else { return };
    podman.ok(&["load", "-qi", podman.dir.join("busybox.tar").to_str().expect("utf-8")]);
    let run = |words: &[&str]| podman.call(&[&["run", "--rm", "--network", "none"], words].concat());
    assert_eq!(run(&["busybox", "id", "-u"]).ok().trim(), "0");
    assert_eq!(run(&["--userns", "keep-id", "busybox", "id", "-u"]).ok().trim(), "1777");
    assert_eq!(run(&["busybox", "sh", "-c", "exit 7"]).code, 7);
    assert_eq!(run(&["busybox", "nosuch"]).code, 127);
    let seen = run(&["--cgroupns", "host", "busybox", "sh", "-c", "mkdir /sys/fs/cgroup/x; find /sys/fs/cgroup -type f -writable"]);
    assert!(seen.stderr.contains("Read-only") || seen.stderr.contains("Permission denied"), "CVE-2023-25809: {}", seen.story());
    podman.ok(&["run", "-d", "--name", "web", "--network", "none", "busybox", "sleep", "1000"]);
    assert_eq!(podman.ok(&["exec", "web", "cat", "/proc/1/comm"]), "sleep");
    podman.ok(&["rm", "-f", "-t", "0", "web"]);
}
