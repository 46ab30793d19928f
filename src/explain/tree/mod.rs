//! `tree`: the living picture of a container, or of all that run, beneath the host that carries them.
//!
//! `of_one.rs` and `of_all.rs` say what belongs into the picture, `drawing.rs` draws it with lines, `value.rs` tells the same to programs.
//! The facts come from `live/` and from the records; a container that has ended has the latter only.

mod drawing;
mod files;
mod of_all;
mod of_one;
mod value;

pub use drawing::{Branch, draw};
pub use of_one::port_text;

use crate::engine::{find, list};
use crate::error::Result;
use crate::explain::live::group::{self, Limits, Use};
use crate::explain::live::namespaces::{self, Namespace};
use crate::explain::live::network::{self, Place};
use crate::explain::live::processes::{self, Process};
use crate::paths::Paths;
use crate::record::Seen;
use crate::sys::identity;
use files::Files;
use serde_json::Value;

pub struct Picture {
    pub seen: Seen,
    /// Empty where it does not run.
    pub processes: Vec<Process>,
    pub namespaces: Vec<Namespace>,
    pub group: Option<(Limits, Use)>,
    pub network: Place,
    files: Files,
}

pub struct Host {
    pub name: String,
    pub kernel: String,
    pub store: String,
    pub is_root: bool,
}

pub fn host(paths: &Paths) -> Host {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Host {
        name: identity::hostname(),
        kernel: format!("Linux {} {}", kernel.trim(), std::env::consts::ARCH),
        store: paths.root().display().to_string(),
        is_root: crate::sys::user_namespace::is_initial(),
    }
}

/// `wanted`: a container by name or id, also one that does not run.
pub fn one(paths: &Paths, wanted: &str) -> Result<Picture> {
    let seen = find::container(paths, wanted)?;
    let running = list::running(paths)?;
    Ok(picture(paths, seen, &running))
}

/// All that run, the oldest first.
pub fn all(paths: &Paths) -> Result<Vec<Picture>> {
    let mut running = list::running(paths)?;
    running.sort_by_key(|seen| seen.record.created);
    Ok(running.iter().map(|seen| picture(paths, seen.clone(), &running)).collect())
}

fn picture(paths: &Paths, seen: Seen, running: &[Seen]) -> Picture {
    Picture {
        processes: processes::of(&seen),
        namespaces: namespaces::of(&seen, running),
        group: group::of(&seen),
        network: network::of(paths, &seen, running),
        files: files::of(paths, &seen),
        seen,
    }
}

/// With all there is of one.
pub fn text_of_one(host: &Host, picture: &Picture, now: u64) -> String {
    draw(&host.branch(vec![of_one::branch(picture, now)]))
}

/// Each in short.
pub fn text_of_all(host: &Host, pictures: &[Picture], now: u64) -> String {
    draw(&of_all::branch(host, pictures, now))
}

pub fn value_of_one(host: &Host, picture: &Picture) -> Value {
    value::whole(host, std::slice::from_ref(picture))
}

pub fn value_of_all(host: &Host, pictures: &[Picture]) -> Value {
    value::whole(host, pictures)
}

impl Host {
    fn branch(&self, below: Vec<Branch>) -> Branch {
        let whose = if self.is_root { "" } else { "   only your own containers are seen (you are an ordinary user)" };
        Branch::new(format!("host {}   {}{whose}", self.name, self.kernel)).with(below)
    }
}
