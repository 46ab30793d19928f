//! What a person asked for with `run` or `create`, as data: the words of the command line, checked, but not yet carried out.
//! The parsers of single values are in the files beside this one; they take text and never open a file.
//!
//! Kept in `container.json`, so that `start` does later what `run` does at once, and `inspect` can tell.

pub mod detach_keys;
pub mod devices;
pub mod env_file;
pub mod labels;
pub mod limits;
pub mod mounts;
pub mod namespaces;
pub mod security;
pub mod signals;
pub mod sizes;
pub mod ulimits;
pub mod users;

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

    // Its streams.
    pub interactive: bool,
    pub terminal: bool,

    // What it sees.
    pub hostname: Option<String>,
    pub network: Network,
    pub host_pid: bool,
    pub host_ipc: bool,
    pub host_uts: bool,
    pub mounts: Vec<Mount>,
    pub read_only: bool,
    pub devices: Vec<Device>,

    // What it may.
    pub privileged: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub seccomp: Seccomp,
    pub no_new_privileges: bool,
    pub ulimits: Vec<Ulimit>,
    pub limits: Limits,

    // What it is called.
    pub labels: Vec<(String, String)>,
    /// Removed when it ends.
    pub remove: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// A network namespace of its own, with nothing but the loopback interface.
    #[default]
    None,
    Host,
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
    },
    Tmpfs {
        target: String,
        /// As mount(8) takes them: `size=64m`, `mode=1777`, `noexec`, `ro` …
        #[serde(default)]
        options: Vec<String>,
    },
}

impl Mount {
    pub fn target(&self) -> &str {
        match self {
            Mount::Bind { target, .. } | Mount::Tmpfs { target, .. } => target,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl Limits {
    pub fn any(&self) -> bool {
        *self != Limits::default()
    }
}
