//! Engines that drive tare: podman, Docker and containerd, each in a world of its own.

use super::process::Ran;
use super::world::{NETWORK, World, busybox_archive, from_readme};
use super::{installed, lacking};
use std::path::Path;
use std::process::Command;

/// Where the README thinks that the program lies.
const IN_README: &str = "/usr/local/bin/tare-oci";

fn are_here(programs: &[&str]) -> bool {
    match programs.iter().find(|program| !installed(program)) {
        Some(missing) => !lacking(missing),
        None => true,
    }
}

pub struct Docker {
    pub world: World,
}

impl Docker {
    /// dockerd with the README's daemon.json. `None`: it is not installed.
    pub fn new(flags: &[&str]) -> Option<Docker> {
        are_here(&["dockerd", "docker", "containerd", "unshare", "nsenter"]).then(World::new).map(|world| Docker::start(world, flags))
    }

    fn start(world: World, flags: &[&str]) -> Docker {
        let config = from_readme("{\n  \"runtimes\"", &[(IN_README, &world.path("tare-oci"))]);
        std::fs::write(world.path("daemon.json"), config).expect("daemon.json");
        let docker = Docker { world };
        let path = |name: &str| docker.world.path(name);
        let (config, data, run, pid, host) = (path("daemon.json"), path("data"), path("run"), path("docker.pid"), docker.host());
        let mut words = vec!["dockerd", "--config-file", &config, "--data-root", &data, "--exec-root", &run, "--pidfile", &pid];
        words.extend(["--host", &host, "--cgroup-parent", &docker.world.group]);
        words.extend(flags);
        docker.world.daemon(&words, || docker.call(&["version"]).code == 0);
        docker.ok(&["load", "-qi", &busybox_archive()]);
        docker
    }

    fn host(&self) -> String {
        format!("unix://{}", self.world.path("docker.sock"))
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.world.command(&[&["docker", "--host", &self.host()], words].concat())
    }

    pub fn call(&self, words: &[&str]) -> Ran {
        self.world.run(self.command(words))
    }

    pub fn ok(&self, words: &[&str]) -> String {
        self.call(words).ok()
    }
}

pub struct Containerd {
    pub world: World,
}

/// The name that it gives to the image.
pub const BUSYBOX: &str = "docker.io/library/busybox:latest";

impl Containerd {
    /// With the README's config.toml, and what the test wants to stand behind it.
    pub fn new(settings: impl FnOnce(&World) -> String) -> Option<Containerd> {
        let needed = ["containerd", "containerd-shim-runc-v2", "ctr", "curl", "unshare", "nsenter"];
        are_here(&needed).then(World::new).map(|world| Containerd::start(&settings(&world), world))
    }

    fn start(settings: &str, world: World) -> Containerd {
        let config = from_readme("version = 2\n", &[(IN_README, &world.path("tare-oci"))]);
        std::fs::write(world.path("config.toml"), format!("{config}\n{settings}")).expect("config.toml");
        let containerd = Containerd { world };
        let path = |name: &str| containerd.world.path(name);
        let (config, root, state, socket) = (path("config.toml"), path("root"), path("state"), path("sock"));
        let words = ["containerd", "--config", &config, "--root", &root, "--state", &state, "--address", &socket];
        containerd.world.daemon(&words, || containerd.call(&["version"]).code == 0);
        containerd.ok(&["image", "import", &busybox_archive()]);
        containerd
    }

    pub fn command(&self, words: &[&str]) -> Command {
        self.world.command(&[&["ctr", "--address", &self.world.path("sock")], words].concat())
    }

    pub fn call(&self, words: &[&str]) -> Ran {
        self.world.run(self.command(words))
    }

    pub fn ok(&self, words: &[&str]) -> String {
        self.call(words).ok()
    }

    /// `ctr run` with tare; `flags` may hold --rm, -d, limits.
    pub fn run(&self, flags: &[&str], id: &str, words: &[&str]) -> Ran {
        let (program, group) = (self.world.path("tare-oci"), format!("{}/{id}", self.world.group));
        let ours = ["run", "--runc-binary", &program, "--cgroup", &group];
        self.call(&[&ours[..], flags, &[BUSYBOX, id], words].concat())
    }
}

pub struct Podman {
    pub world: World,
}

impl Podman {
    /// `settings`: further lines for the part `[containers]` of its configuration.
    pub fn new(settings: &str) -> Option<Podman> {
        are_here(&["podman", "conmon", "unshare", "nsenter"]).then(World::new).map(|world| {
            let conf = format!(
                "[containers]\n{settings}\n[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n\
                 [network]\ndefault_subnet = \"{NETWORK}0.0/24\"\nnetwork_config_dir = \"{}\"\n",
                world.path("networks")
            );
            std::fs::write(world.path("containers.conf"), conf).expect("a file");
            let podman = Podman { world };
            podman.ok(&["load", "-qi", &busybox_archive()]);
            podman
        })
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let path = |name: &str| self.world.path(name);
        let (root, run, tmp, program) = (path("root"), path("run"), path("tmp"), path("tare-oci"));
        let ours = ["podman", "--root", &root, "--runroot", &run, "--tmpdir", &tmp, "--runtime", &program];
        let mut command = self.world.command(&[&ours, words].concat());
        command.env("CONTAINERS_CONF", Path::new(&path("containers.conf")));
        command
    }

    pub fn call(&self, words: &[&str]) -> Ran {
        self.world.run(self.command(words))
    }

    pub fn ok(&self, words: &[&str]) -> String {
        self.call(words).ok()
    }

    /// `podman run` with the world's group above the container's.
    pub fn run(&self, words: &[&str]) -> Ran {
        self.call(&[&["run", "--cgroup-parent", &self.world.group], words].concat())
    }
}
