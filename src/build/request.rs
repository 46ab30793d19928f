//! What `build` was asked for.

use crate::options::Wishes;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The label that tells of which build a container is.
pub const BUILD: &str = "tare.build";

pub struct Request {
    /// No other build's.
    pub id: String,
    /// What the Dockerfile is called in messages, and its text.
    pub file: String,
    pub text: String,
    /// `None`: only a Dockerfile was given.
    pub context: Option<Context>,
    /// What the images shall be called.
    pub names: Vec<String>,
    /// `--build-arg`, the later one wins.
    pub arguments: Vec<(String, String)>,
    /// The stage that is wanted; `None`: the last.
    pub target: Option<String>,
    pub no_cache: bool,
    /// Of these stages nothing is taken from the cache.
    pub no_cache_of: Vec<String>,
    /// Images are fetched although they are here.
    pub pull: bool,
    pub labels: Vec<(String, String)>,
    /// Of the image's manifest.
    pub annotations: BTreeMap<String, String>,
    /// `linux/amd64`; `None`: this machine.
    pub platform: Option<String>,
    pub secrets: Vec<Secret>,
    /// Ids of agents, and where each listens.
    pub agents: Vec<(String, PathBuf)>,
    pub contexts: Vec<(String, NamedContext)>,
    /// For RUN: its network, hosts, limits …
    pub wishes: Wishes,
    /// `--allow security.insecure`
    pub may_be_insecure: bool,
    pub may_use_host_network: bool,
    /// All layers above those of the base become one.
    pub squash: bool,
    /// Seconds since 1970: SOURCE_DATE_EPOCH.
    pub epoch: Option<u64>,
    /// No file of the new layers is younger than that.
    pub rewrite_times: bool,
    /// Containers of failed steps stay for those who want to look (`--rm=false`), and the state before the step (`--debug`).
    pub keep_failed: bool,
    /// Only what this line's checks say.
    pub cache_from: Vec<Remembered>,
    pub cache_to: Vec<KeepTo>,
    /// The result becomes an image of the store; else it is only handed over (`Built`).
    pub makes_image: bool,
}

/// Where COPY, ADD and RUN --mount find files.
#[derive(Clone, Debug)]
pub struct Context {
    pub directory: PathBuf,
    /// The text of `.dockerignore`, if there is one, and what it is called in messages.
    pub ignored: Option<(String, String)>,
}

#[derive(Clone, Debug)]
pub enum NamedContext {
    Directory(PathBuf),
    /// `docker-image://NAME`
    Image(String),
    /// `target:NAME` or `oci-layout://DIRECTORY[:TAG|@DIGEST]`
    Layout(PathBuf, Option<String>),
}

pub struct Secret {
    pub id: String,
    pub content: SecretSource,
}

pub enum SecretSource {
    File(PathBuf),
    Bytes(Vec<u8>),
}

/// Where results of steps are kept beside the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remembered {
    Directory(PathBuf),
    Registry(String),
}

impl fmt::Display for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Remembered::Directory(path) => path.display().fmt(f),
            Remembered::Registry(name) => name.fmt(f),
        }
    }
}

/// `--cache-to`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepTo {
    pub place: Remembered,
    /// `mode=max`: the layers of all stages, and not only those of the result.
    pub all_stages: bool,
    /// `ignore-error=true`
    pub may_fail: bool,
}
