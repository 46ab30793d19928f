//! Those whom tare is compared with: Debian's Docker, whose daemon has a BuildKit in it, and Debian's buildah. Both work in a
//! world of their own, without any network.

use crate::case::Case;
use crate::common::process::{self, Ran};
use crate::common::world::{World, busybox_archive};
use crate::common::{installed, lacking};
use std::path::Path;
use std::process::Command;

pub struct Peers {
    world: World,
    /// The client that came with the daemon: newer ones leave BuildKit to a plugin that Debian 12 has not.
    client: &'static str,
}

impl Peers {
    /// `None`: they are not installed.
    pub fn new() -> Option<Peers> {
        if let Some(missing) = ["dockerd", "docker", "buildah", "unshare", "nsenter"].iter().find(|program| !installed(program)) {
            let _ = lacking(missing);
            return None;
        }
        let debian = "/usr/bin/docker";
        let peers = Peers { world: World::new(), client: if Path::new(debian).exists() { debian } else { "docker" } };
        let path = |name: &str| peers.world.path(name);
        let (data, run, pid) = (path("data"), path("run"), path("docker.pid"));
        let words = ["dockerd", "--data-root", &data, "--exec-root", &run, "--pidfile", &pid];
        let alone = ["--bridge=none", "--iptables=false", "--ip6tables=false", "--cgroup-parent", &peers.world.group];
        let host = peers.host();
        let words = [&words[..], &["--host", &host], &alone].concat();
        peers.world.daemon(&words, || peers.docker(&["version"]).code == 0);
        peers.docker(&["load", "-qi", &busybox_archive()]).ok();
        peers.buildah(&["pull", "-q", &format!("docker-archive:{}", busybox_archive())]).ok();
        Some(peers)
    }

    fn host(&self) -> String {
        format!("unix://{}", self.world.path("docker.sock"))
    }

    fn docker(&self, words: &[&str]) -> Ran {
        self.run(&[&[self.client, "--host", &self.host()], words].concat())
    }

    fn buildah(&self, words: &[&str]) -> Ran {
        let (root, run) = (self.world.path("storage"), self.world.path("storage-run"));
        self.run(&[&["buildah", "--root", &root, "--runroot", &run, "--storage-driver", "overlay"], words].concat())
    }

    fn run(&self, words: &[&str]) -> Ran {
        let mut command: Command = self.world.command(words);
        command.env("DOCKER_BUILDKIT", "1").env("BUILDAH_ISOLATION", "chroot");
        process::run(command, None)
    }

    pub fn build(&self, case: &Case, context: &Path) -> Ran {
        let (image, context) = (case.image(), context.to_string_lossy());
        let flags: Vec<&str> = case.flags.iter().map(String::as_str).collect();
        if case.with_buildah {
            self.buildah(&[&["build", "-q", "--network", "none", "-t", &image], &flags[..], &[&context]].concat())
        } else {
            self.docker(&[&["build", "-q", "--network", "none", "-t", &image], &flags[..], &[&context]].concat())
        }
    }

    /// The archive of these images, written as `docker save` does.
    pub fn save(&self, with_buildah: bool, images: &[String]) -> std::path::PathBuf {
        let images: Vec<&str> = images.iter().map(String::as_str).collect();
        let archive = self.world.path(if with_buildah { "buildah.tar" } else { "docker.tar" });
        if with_buildah {
            let [image] = images[..] else { panic!("buildah saves one at a time") };
            let _ = std::fs::remove_file(&archive);
            self.buildah(&["push", "-q", &format!("localhost/{image}"), &format!("docker-archive:{archive}:{image}")]).ok();
        } else {
            self.docker(&[&["save", "-o", &archive], &images[..]].concat()).ok();
        }
        archive.into()
    }
}
