//! What a person asked for with `run` or `create`, as data: the words of the command line, checked, but not yet carried out.
//! The parsers of single values are in the files beside this one; they take text and never open a file.
//!
//! Kept in `container.json`, so that `start` does later what `run` does at once, and `inspect` can tell.

pub mod cgroup_parent;
pub mod clocks;
pub mod detach_keys;
pub mod device_rules;
pub mod devices;
pub mod env_file;
pub mod explain;
pub mod exposed;
pub mod groups;
pub mod health;
pub mod io_rates;
pub mod keep_id;
pub mod labels;
pub mod limits;
pub mod logs;
pub mod mounts;
pub mod name_service;
pub mod namespaces;
pub mod networks;
pub mod platform;
pub mod ports;
pub mod restart;
pub mod security;
pub mod sizes;
pub mod sysctls;
pub mod systemd;
pub mod ulimits;
pub mod user_namespaces;
pub mod users;
pub mod volumes;
pub mod without;

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Everything `run` and `create` take, except the image (`record.rs`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wishes {
    // The process.
    pub entrypoint: Option<Vec<String>>,
    pub command: Vec<String>,
    /// `NAME=value`, in the order given; `--env-file` lines come before `-e`.
    pub env: Vec<String>,
    pub user: Option<String>,
    pub workdir: Option<String>,
    pub stop_signal: Option<String>,
    pub stop_timeout: Option<u32>,
    /// `None`: our reaper is pid 1 unless the image brings a known init of its own.
    pub init: Option<bool>,
    /// Whether what systemd wants is there.
    pub systemd: systemd::Systemd,
    /// `--group-add`: names or numbers.
    pub groups: Vec<String>,
    pub oom_score_adj: Option<i32>,

    // Its streams.
    pub interactive: bool,
    pub terminal: bool,
    pub log: Log,

    // What it sees.
    pub hostname: Option<String>,
    pub domainname: Option<String>,
    pub network: Network,
    /// Published when it starts; see `publish_all` for the rest.
    pub ports: Vec<ports::PortWish>,
    /// Every port that it or its image exposes is published somewhere.
    pub publish_all: bool,
    pub net_rate: networks::NetRate,
    pub pid: Pid,
    pub ipc: Ipc,
    pub host_uts: bool,
    /// It sees the whole tree of groups, not only its own below it.
    pub host_group_view: bool,
    /// Whom its users are outside.
    pub user_namespace: user_namespaces::UserNamespace,
    pub clocks: ClockOffsets,
    /// Bytes of /dev/shm.
    pub shm_size: Option<u64>,
    /// `name=value`, in the order given.
    pub sysctls: Vec<(String, String)>,
    pub names: NameService,
    pub mounts: Vec<Mount>,
    /// `--volumes-from`, as typed; what they have stands in `mounts` when the container is created.
    pub volumes_from: Vec<String>,
    pub read_only: bool,
    pub devices: Vec<Device>,
    /// `c 10:200 rwm`, checked: what may be opened beside the devices that are there.
    pub device_rules: Vec<String>,

    // What it may.
    pub privileged: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub seccomp: Seccomp,
    pub no_new_privileges: bool,
    pub ulimits: Vec<Ulimit>,
    pub limits: Limits,
    /// The group below which its own is made, below the cgroup2 mount; `None`: ours.
    pub cgroup_parent: Option<String>,

    // What it is called.
    pub labels: Vec<(String, String)>,
    /// Handed on in the OCI spec.
    pub annotations: Vec<(String, String)>,
    /// `80/tcp`: kept beside those of the image, for `inspect` and for `-P`.
    pub exposed: Vec<String>,
    /// Where its first process is written down while it runs, in the host's numbers.
    pub pid_file: Option<PathBuf>,
    /// Removed when it ends.
    pub remove: bool,
    /// Started again when it ends.
    pub restart: restart::Restart,
    /// When the container is created it becomes one whole with what the image says.
    pub health: Option<health::Check>,
    /// Left out on purpose. What the other wishes can say of it, they say as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<without::Part>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// A network namespace of its own, with nothing but the loopback interface.
    #[default]
    None,
    Host,
    /// That of another container, by name or id as it was typed; when the container is created it becomes the id.
    Container(String),
    /// One of its own, with a cable into each of these.
    Networks(Vec<networks::Attachment>),
}

impl Wishes {
    /// Its places in networks.
    pub fn attachments(&self) -> &[networks::Attachment] {
        match &self.network {
            Network::Networks(all) => all,
            Network::None | Network::Host | Network::Container(_) => &[],
        }
    }
}

/// Whose processes it sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pid {
    #[default]
    Own,
    Host,
    Container(String),
}

/// System V objects, message queues and /dev/shm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ipc {
    /// Its own, which no other container may join.
    #[default]
    Private,
    Shareable,
    /// Its own, and without /dev/shm.
    None,
    Host,
    Container(String),
}

/// How far its clocks stand apart from the host's, in nanoseconds (time_namespaces(7)); zero: not at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClockOffsets {
    pub monotonic: i64,
    pub boottime: i64,
}

/// What stands in its /etc/hosts and /etc/resolv.conf beside what stands there anyway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NameService {
    /// Name and address.
    pub hosts: Vec<(String, String)>,
    pub servers: Vec<String>,
    pub search: Vec<String>,
    pub options: Vec<String>,
}

/// Where its output is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Log {
    pub driver: LogDriver,
    /// `name=value` as given, checked: `max-size`, `max-file`, `labels` …
    pub options: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogDriver {
    #[default]
    JsonFile,
    /// Shown to whoever is attached, and kept nowhere.
    None,
    /// The container writes to the caller's own streams; nobody stands between.
    Passthrough,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "type")]
pub enum Mount {
    Bind {
        source: PathBuf,
        target: String,
        #[serde(default)]
        read_only: bool,
        /// `rprivate`, `rslave`, …; empty: rprivate.
        #[serde(default)]
        propagation: String,
        /// `-v` makes a source that is missing, `--mount` does not.
        #[serde(default)]
        make_source: bool,
        #[serde(default)]
        below: Below,
        #[serde(default)]
        ownership: Ownership,
    },
    Volume(VolumeMount),
    Tmpfs {
        target: String,
        /// As mount(8) takes them: `size=64m`, `mode=1777`, `noexec`, `ro` …
        #[serde(default)]
        options: Vec<String>,
    },
}

/// A volume in a container. What it says of the volume itself (labels, options) counts when the container has to make it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeMount {
    /// Empty: one of the container's own; when the container is created it gets 64 hex digits.
    pub name: String,
    /// Nobody gave it a name, so it goes with the last container that uses it (`--rm`, `rm -v`).
    pub anonymous: bool,
    /// Where its files are on this host; known when the container is created.
    pub source: PathBuf,
    pub target: String,
    pub read_only: bool,
    /// It is not filled with what the image has at the target.
    pub no_copy: bool,
    /// Only this part of it is seen.
    pub subpath: Option<String>,
    pub labels: Vec<(String, String)>,
    pub options: Vec<(String, String)>,
    pub ownership: Ownership,
}

/// What becomes of mounts below the source of a bind mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Below {
    /// They are seen; read-only means them too.
    #[default]
    Seen,
    /// They are seen, and stay writable below a read-only one.
    Writable,
    /// They are not seen.
    Hidden,
}

/// Whose the files are, as the container sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ownership {
    /// As on the host.
    #[default]
    Kept,
    /// `:U`: the files themselves are given to the container's user.
    Given,
    /// `:idmap`: the source's owner and the container's user stand for each other. When the container is created it becomes `Mapped`.
    Exchanged,
    /// The files keep their owners, the container sees others.
    Mapped(IdMap),
    /// `:noidmap`: as on the host, also where the container's users are others outside; to them the files are nobody's.
    Outside,
}

/// Each range as (first id in the files, first id as it is seen, how many), or of a container as (first id inside, first id outside,
/// how many); ids in no range appear as nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdMap {
    pub uids: Vec<(u32, u32, u32)>,
    pub gids: Vec<(u32, u32, u32)>,
}

impl Mount {
    pub fn target(&self) -> &str {
        match self {
            Mount::Bind { target, .. } | Mount::Tmpfs { target, .. } => target,
            Mount::Volume(volume) => &volume.target,
        }
    }
    pub fn volume(&self) -> Option<&VolumeMount> {
        match self {
            Mount::Volume(volume) => Some(volume),
            _ => None,
        }
    }
    pub fn ownership(&self) -> &Ownership {
        const KEPT: &Ownership = &Ownership::Kept;
        match self {
            Mount::Bind { ownership, .. } | Mount::Volume(VolumeMount { ownership, .. }) => ownership,
            Mount::Tmpfs { .. } => KEPT,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub source: PathBuf,
    pub target: PathBuf,
    /// Some of `r`, `w`, `m`.
    pub access: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Seccomp {
    #[default]
    Default,
    Unconfined,
    /// The text of a profile in Docker's or OCI's JSON: kept whole, because the file may change before `start`.
    Profile(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// Without `RLIMIT_`, lower case: `nofile`.
    pub name: String,
    /// `u64::MAX`: unlimited.
    pub soft: u64,
    pub hard: u64,
}

/// Limits on a group of processes, in cgroup v2's terms. `None`: not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes.
    pub memory: Option<u64>,
    /// As Docker means it: memory and swap together, in bytes; -1: unlimited.
    pub memory_swap: Option<i64>,
    /// Billionths of a processor.
    pub nano_cpus: Option<u64>,
    /// Docker's shares, 2 to 262144; 1024 is everybody's.
    pub cpu_shares: Option<u64>,
    /// -1: unlimited.
    pub pids: Option<i64>,
    /// Bytes the kernel tries to leave it when memory is short.
    pub memory_reservation: Option<u64>,
    /// Microseconds of processor in every period; -1: unlimited.
    pub cpu_quota: Option<i64>,
    /// Microseconds.
    pub cpu_period: Option<u64>,
    /// `0-2,4`
    pub cpuset_cpus: Option<String>,
    pub cpuset_mems: Option<String>,
    /// 10 to 1000, as Docker counts; 500 is everybody's.
    pub io_weight: Option<u16>,
    pub io_rates: Vec<IoRate>,
}

/// One of `--device-read-bps`, `--device-write-bps`, `--device-read-iops`, `--device-write-iops`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoRate {
    /// The block device on this host.
    pub device: PathBuf,
    pub kind: IoRateKind,
    /// Bytes or operations per second.
    pub rate: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IoRateKind {
    ReadBytes,
    WriteBytes,
    ReadOperations,
    WriteOperations,
}

impl Limits {
    pub fn any(&self) -> bool {
        *self != Limits::default()
    }
}
