//! Where everything lies: the one file that makes the names of the store's files and directories.
//!
//! Two trees. The store (`/var/lib/tare`) survives a reboot; the run directory (`/run/tare`, on tmpfs) holds
//! what is true only while the machine is up, and what may be lost with it (`--rm` containers' records).

use std::path::{Path, PathBuf};

/// The beginning of names that nobody looks for any more.
pub const GONE: &str = "gone-";
const UNFINISHED: &str = "container-";

#[derive(Clone, Debug)]
pub struct Paths {
    root: PathBuf,
    run: PathBuf,
}

impl Paths {
    pub const DEFAULT_ROOT: &str = "/var/lib/tare";
    pub const DEFAULT_RUN: &str = "/run/tare";

    pub fn new(root: impl Into<PathBuf>, run: impl Into<PathBuf>) -> Self {
        Paths { root: root.into(), run: run.into() }
    }
    pub fn root(&self) -> &Path {
        &self.root
    }
    pub fn run(&self) -> &Path {
        &self.run
    }

    /// Which tare has written all this. See `store/version.rs`.
    pub fn version(&self) -> PathBuf {
        self.root.join("version")
    }

    /// Which user namespace an ordinary user's containers live in. See `rootless/find.rs`.
    pub fn namespace(&self) -> PathBuf {
        self.run.join("namespace")
    }
    /// Held while it is looked for, or made.
    pub fn namespace_lock(&self) -> PathBuf {
        self.run.join("namespace.lock")
    }

    // Images: a valid OCI image layout, which skopeo and others can read.
    pub fn image_layout(&self) -> PathBuf {
        self.root.join("image")
    }
    pub fn image_index(&self) -> PathBuf {
        self.root.join("image/index.json")
    }
    pub fn blobs(&self) -> PathBuf {
        self.root.join("image/blobs/sha256")
    }
    /// `hex` is the digest without `sha256:`.
    pub fn blob(&self, hex: &str) -> PathBuf {
        self.blobs().join(hex)
    }
    /// Held while index.json is read, changed and replaced.
    pub fn image_lock(&self) -> PathBuf {
        self.root.join("image/.lock")
    }

    /// What is known of a blob that is a layer: what it unpacks to. See `image/kept/proven.rs`.
    pub fn proven(&self) -> PathBuf {
        self.root.join("proven")
    }
    /// Blobs that are being fetched, each in a directory that outlives who fetches it. See `image/coming/arrival.rs`.
    pub fn arriving(&self) -> PathBuf {
        self.root.join("arriving")
    }

    /// Unpacked layers, each complete and read-only under its diff id (hex).
    pub fn layers(&self) -> PathBuf {
        self.root.join("layer")
    }
    pub fn layer(&self, diff_id_hex: &str) -> PathBuf {
        self.layers().join(diff_id_hex)
    }
    /// The empty layer below every image: it holds the mount points that a container needs (/proc, /dev, /etc/hosts …),
    /// so that making them never copies a directory of the image up. Its name sorts apart from digests.
    pub fn ground_layer(&self) -> PathBuf {
        self.layers().join("ground")
    }
    /// Copies of layers whose files have other owners: a directory for each map of ids. See `image/kept/shifted.rs`.
    pub fn shifted(&self) -> PathBuf {
        self.root.join("layer-for")
    }
    /// Half-made things; whoever finds one whose maker is dead removes it.
    pub fn unfinished(&self) -> PathBuf {
        self.root.join("unfinished")
    }

    // What builds remember. See `image/kept/steps.rs`.
    /// Results of steps that the disk has, each under the key of its step.
    pub fn steps(&self) -> PathBuf {
        self.root.join("build/step")
    }
    /// Results that it may not have yet: a directory for each life of the machine.
    pub fn fresh_steps(&self) -> PathBuf {
        self.root.join("build/fresh")
    }
    /// A file for each build that is at work, locked by it.
    pub fn running_builds(&self) -> PathBuf {
        self.root.join("build/running")
    }
    /// Held by who makes the result that has this key.
    pub fn step_being_made(&self, key: &str) -> PathBuf {
        self.run.join("build").join(key)
    }
    /// What `RUN --mount=type=cache` keeps, by id.
    pub fn build_mounts(&self) -> PathBuf {
        self.root.join("build/mount")
    }
    /// What is remembered of the files of contexts. See `build/files/memory.rs`.
    pub fn context_memories(&self) -> PathBuf {
        self.root.join("build/context")
    }
    /// What is remembered of files that ADD has fetched. See `build/files/add/url.rs`.
    pub fn url_memories(&self) -> PathBuf {
        self.root.join("build/url")
    }

    // Volumes: each a directory of its own.
    pub fn volumes(&self) -> PathBuf {
        self.root.join("volume")
    }
    pub fn volume(&self, name: &str) -> VolumePaths {
        VolumePaths { dir: self.volumes().join(name) }
    }
    /// Where a volume goes that is being removed. What is found there is nobody's.
    pub fn volume_going(&self, random: &str) -> PathBuf {
        self.unfinished().join(format!("{}{random}", Self::VOLUME_GOING))
    }
    pub const VOLUME_GOING: &str = "volume-";

    // Networks: what each is, and, in the run directory, who is in it. See `network/mod.rs`.
    pub fn networks(&self) -> PathBuf {
        self.root.join("network")
    }
    pub fn network(&self, name: &str) -> PathBuf {
        self.networks().join(name)
    }
    /// Where an ordinary user's bridges lie. See `network/switchboard.rs`.
    pub fn switchboard(&self) -> PathBuf {
        self.run.join("switchboard")
    }
    pub fn switchboard_lock(&self) -> PathBuf {
        self.run.join("switchboard.lock")
    }
    pub fn live_networks(&self) -> PathBuf {
        self.run.join("network")
    }
    pub fn live_network(&self, name: &str) -> PathBuf {
        self.live_networks().join(name)
    }

    // Containers. Records of kept ones are on disk, of `--rm` ones in the run directory; writable files always on disk.
    pub fn kept_containers(&self) -> PathBuf {
        self.root.join("container")
    }
    pub fn live_containers(&self) -> PathBuf {
        self.run.join("container")
    }
    pub fn names_kept(&self) -> PathBuf {
        self.root.join("name")
    }
    pub fn names_live(&self) -> PathBuf {
        self.run.join("name")
    }
    /// Written whenever somebody has looked for what killed processes left; missing since the machine was started: nobody has.
    pub fn swept(&self) -> PathBuf {
        self.run.join("swept")
    }
    /// Which ids of the host are a container's own. See `engine/life/id_claims.rs`.
    pub fn ids(&self) -> PathBuf {
        self.run.join("ids")
    }
    /// What happened since the machine was started.
    pub fn events(&self) -> PathBuf {
        self.run.join("events")
    }
    /// What happened earlier: the file that was full last.
    pub fn events_before(&self) -> PathBuf {
        self.run.join("events.1")
    }
    /// Half-removed containers, by id.
    pub fn unfinished_containers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.unfinished()).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_prefix(UNFINISHED)?.to_owned())).collect()
    }
}

/// A container's control group, below the cgroup2 mount: ours holds all of them, unless another one was named.
pub fn control_group(parent: Option<&str>, id: &str) -> PathBuf {
    Path::new(parent.unwrap_or("/tare")).join(id)
}

/// One volume's files.
#[derive(Clone, Debug)]
pub struct VolumePaths {
    pub dir: PathBuf,
}

impl VolumePaths {
    /// Also of one that has lost its name.
    pub fn at(dir: &Path) -> VolumePaths {
        VolumePaths { dir: dir.to_owned() }
    }
    /// What containers see. Called as in Docker, because people look for it.
    pub fn data(&self) -> PathBuf {
        self.dir.join("_data")
    }
    /// Becomes `_data` when it is complete.
    pub fn filling(&self) -> PathBuf {
        self.dir.join("filling")
    }
    pub fn record(&self) -> PathBuf {
        self.dir.join("volume.json")
    }
    /// Held while the volume is made, filled or removed.
    pub fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }
}

/// One container's files.
#[derive(Clone, Debug)]
pub struct ContainerPaths {
    /// `container/<id>` in the store: `upper work log` and, if kept, the records.
    pub disk: PathBuf,
    /// `container/<id>` in the run directory: state, socket, lock and, if `--rm`, the records.
    pub live: PathBuf,
    /// The one of the two that holds `container.json` and `config.json`.
    pub records: PathBuf,
}

impl ContainerPaths {
    pub fn new(paths: &Paths, id: &str, removed_at_exit: bool) -> Self {
        let disk = paths.kept_containers().join(id);
        let live = paths.live_containers().join(id);
        let records = if removed_at_exit { live.clone() } else { disk.clone() };
        ContainerPaths { disk, live, records }
    }
    pub fn upper(&self) -> PathBuf {
        self.disk.join("upper")
    }
    pub fn work(&self) -> PathBuf {
        self.disk.join("work")
    }
    pub fn log(&self) -> PathBuf {
        self.disk.join("log")
    }
    /// The one that is written, or an older one: `log.1` was full last.
    pub fn rotated_log(log: &Path, age: u32) -> PathBuf {
        let mut name = log.as_os_str().to_owned();
        if age > 0 {
            name.push(format!(".{age}"));
        }
        name.into()
    }
    /// The wishes: what the user asked for, and how the container ended. See `record.rs`.
    pub fn record(&self) -> PathBuf {
        self.records.join("container.json")
    }
    /// The OCI runtime spec.
    pub fn config(&self) -> PathBuf {
        self.records.join("config.json")
    }
    /// What is true while it runs. See `record.rs`.
    pub fn state(&self) -> PathBuf {
        self.live.join("state.json")
    }
    /// Locked by the monitor as long as it lives.
    pub fn alive(&self) -> PathBuf {
        self.live.join("alive")
    }
    /// Where it is in its networks. See `record/network.rs`.
    pub fn network(&self) -> PathBuf {
        self.live.join("network.json")
    }
    /// Held while that is changed.
    pub fn network_lock(&self) -> PathBuf {
        self.live.join("network.lock")
    }
    /// Where its porter hears of changes. See `network/porter/`.
    pub fn porter(&self) -> PathBuf {
        self.live.join("porter")
    }
    pub fn amended(&self) -> PathBuf {
        self.live.join("amended.json")
    }
    /// That it shall stay down. See `engine/life/down.rs`.
    pub fn down(&self) -> PathBuf {
        self.live.join("down")
    }
    /// What the checks have found. See `record/health.rs`.
    pub fn health(&self) -> PathBuf {
        self.live.join("health.json")
    }
    /// Which signal `kill` or `stop` sent last. See `record.rs`.
    pub fn asked(&self) -> PathBuf {
        self.live.join("asked.json")
    }
    /// Where the run directory goes to be removed: nobody looks for this name.
    pub fn gone(&self) -> PathBuf {
        let id = self.live.file_name().unwrap_or_default().to_string_lossy();
        self.live.with_file_name(format!("{GONE}{id}"))
    }
    pub fn gone_alive(&self) -> PathBuf {
        self.gone().join("alive")
    }
    /// Where the files on disk go to be removed.
    pub fn unfinished(&self, paths: &Paths) -> PathBuf {
        let id = self.live.file_name().unwrap_or_default().to_string_lossy();
        paths.unfinished().join(format!("{UNFINISHED}{id}"))
    }
    pub fn attach_socket(&self) -> PathBuf {
        self.live.join("attach")
    }
    /// Where the container finds its /etc/hosts and the like: only in its own mounts (`runtime/root/small_files.rs`).
    pub fn etc(&self, name: &str) -> PathBuf {
        self.live.join(name)
    }
}

/// One container's files on the strict runtime's shelf (`--root` of `tare oci`).
#[derive(Clone, Debug)]
pub struct ShelfPlace {
    pub dir: PathBuf,
}

impl ShelfPlace {
    pub fn new(root: &Path, id: &str) -> Self {
        ShelfPlace { dir: root.join(id) }
    }
    /// And no symlink to one.
    pub fn is_dir(&self) -> bool {
        std::fs::symlink_metadata(&self.dir).is_ok_and(|found| found.is_dir())
    }
    /// See `runtime/strict/shelf.rs`; runc's name, because people look for it.
    pub fn record(&self) -> PathBuf {
        self.dir.join("state.json")
    }
    /// A copy of the bundle's: the bundle may be changed or gone when the container is deleted.
    pub fn config(&self) -> PathBuf {
        self.dir.join("config.json")
    }
    /// The socket at which a created container waits for `start`. It is gone when it has started.
    pub fn gate(&self) -> PathBuf {
        self.dir.join("gate")
    }
    pub fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }
    /// The directory of the socket at which the container says that it is ready; there only where somebody wants to know.
    pub fn notices(&self) -> PathBuf {
        self.dir.join("notify")
    }
}
