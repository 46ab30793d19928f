//! A spec, digested: everything the child needs, looked up and converted while there is still time to refuse.
//!
//! `person.rs` is a process of it, `mounts.rs` and `device.rs` one thing each that it finds in its root.

mod device;
mod mounts;
mod person;

pub use device::Device;
pub use mounts::PlannedMount;
pub use person::Person;

use crate::error::{Error, Result};
use crate::runtime::filter::Filter;
use crate::runtime::hooks::Moment;
use crate::runtime::labels;
use crate::runtime::namespaces::Namespaces;
use crate::runtime::root::options;
use crate::runtime::root::outside::Outside;
use crate::spec::sysctl::{self, Owner};
use crate::spec::user::Newcomer;
use crate::sys::mount::{self, Flags};
use crate::sys::process::namespace;
use oci_spec::runtime::{Linux, Spec};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

pub struct Plan<'a> {
    pub hands_over_network: bool,
    pub person: Person<'a>,
    pub namespaces: Namespaces<'a>,
    pub root: &'a Path,
    pub read_only_root: bool,
    /// How the root hands mounts on; empty: not at all.
    pub propagation: Flags,
    pub mounts: Vec<PlannedMount<'a>>,
    pub devices: Vec<Device<'a>>,
    pub masked: &'a [String],
    pub protected: &'a [String],
    pub sysctl: Vec<(&'a str, &'a str)>,
    pub hostname: Option<&'a str>,
    pub small_files: Option<SmallFiles<'a>>,
    pub borrowed: Vec<Borrowed<'a>>,
    pub domainname: Option<&'a str>,
    /// Our reaper is pid 1, and the command its child.
    pub reaper: bool,
    pub strict: Option<Strict<'a>>,
    /// Whom the image need not know.
    pub newcomer: Option<Newcomer>,
    /// Where the container's root is somebody else outside.
    pub outside: Option<Outside>,
    /// Its root is only where paths begin (chroot), and the host's is still there: for a lesson.
    pub keeps_host_root: bool,
}

/// What only the strict runtime has: a first process that outlives whoever made it.
#[derive(Clone, Copy)]
pub struct Strict<'a> {
    /// Where it waits, once its world is built, for somebody to start it.
    pub gate: BorrowedFd<'a>,
    pub hooks: &'a Spec,
    /// Keys that it makes are seen by nobody else: keyrings(7).
    pub own_keyring: bool,
    /// The root is moved over the host's instead of being swapped with it.
    pub moves_root: bool,
}

/// Files that the container's first process writes itself, into a little file system in memory, which it mounts over `dir` where
/// only it sees that: the spec binds them from there.
pub struct SmallFiles<'a> {
    pub dir: &'a Path,
    /// Name and content.
    pub files: Vec<(&'a str, String)>,
}

/// Binds whose source begins with `place` are taken out of the mounts of another container (a pidfd) instead of the host's: the
/// rest of the source is a path there.
#[derive(Clone, Copy)]
pub struct Borrowed<'a> {
    pub place: &'a str,
    pub owner: BorrowedFd<'a>,
}

/// What the spec does not say, because OCI has no word for it.
#[derive(Default)]
pub struct Beyond<'a> {
    pub small_files: Option<SmallFiles<'a>>,
    pub borrowed: Vec<Borrowed<'a>>,
    pub user: Option<&'a str>,
    pub groups: &'a [String],
    pub reaper: bool,
    pub filter: Filter,
    /// Sources that a path alone cannot name, as detached trees, by target.
    pub held: Vec<(PathBuf, OwnedFd)>,
    pub strict: Option<Strict<'a>>,
    pub newcomer: Option<Newcomer>,
    /// The first process gives its network namespace to whoever makes it.
    pub hands_over_network: bool,
    pub keeps_host_root: bool,
}

impl<'a> Plan<'a> {
    pub fn new(spec: &'a Spec, beyond: Beyond<'a>) -> Result<Plan<'a>> {
        let process = spec.process().as_ref().ok_or_else(|| Error::damaged("config.json has no process"))?;
        let root = spec.root().as_ref().ok_or_else(|| Error::damaged("config.json has no root"))?;
        let linux = spec.linux().as_ref().ok_or_else(|| Error::damaged("config.json has no part for linux"))?;
        let namespaces = Namespaces::new(linux)?;
        let mut mounts = spec.mounts().as_deref().unwrap_or_default().iter().map(PlannedMount::new).collect::<Result<Vec<_>>>()?;
        if let Some(label) = labels::of_mounts(linux)? {
            mounts.iter_mut().filter(|planned| planned.takes_label()).for_each(|planned| planned.options.data.push(label.clone()));
        }
        for (target, tree) in beyond.held {
            if let Some(planned) = mounts.iter_mut().find(|planned| planned.target == target) {
                planned.held = Some(tree);
            }
        }
        if !namespaces.has(namespace::CGROUP) {
            let groups = mounts.iter_mut().filter(|planned| planned.kind.starts_with("cgroup"));
            groups.for_each(|planned| planned.options.data.extend(mount::cgroup2_settings()));
        }
        Ok(Plan {
            person: Person { further_groups: beyond.groups, ..Person::new(process, beyond.user, beyond.filter)? },
            root: root.path(),
            hands_over_network: beyond.hands_over_network,
            read_only_root: root.readonly().unwrap_or(false),
            propagation: options::of_root(linux.rootfs_propagation().as_deref().unwrap_or_default())?,
            mounts,
            devices: linux.devices().as_deref().unwrap_or_default().iter().map(Device::new).collect::<Result<_>>()?,
            masked: linux.masked_paths().as_deref().unwrap_or_default(),
            protected: linux.readonly_paths().as_deref().unwrap_or_default(),
            sysctl: sysctls(linux, &namespaces)?,
            hostname: spec.hostname().as_deref().filter(|name| !name.is_empty()),
            small_files: beyond.small_files,
            borrowed: beyond.borrowed,
            domainname: spec.domainname().as_deref().filter(|name| !name.is_empty()),
            namespaces,
            reaper: beyond.reaper,
            strict: beyond.strict,
            newcomer: beyond.newcomer,
            outside: None,
            keeps_host_root: beyond.keeps_host_root,
        })
    }
}

impl Plan<'_> {
    /// Those that the first process still needs.
    pub fn descriptors(&self) -> Vec<i32> {
        let held = self.mounts.iter().flat_map(|planned| planned.held.iter().chain(&planned.ready));
        let outside = self.outside.iter().flat_map(|outside| outside.root.iter().chain(outside.devices.iter().map(|(_, fd)| fd)));
        let all = held
            .chain(outside)
            .map(AsFd::as_fd)
            .chain(self.borrowed.iter().map(|lent| lent.owner))
            .chain(self.strict.as_ref().map(|strict| strict.gate));
        all.map(|fd| fd.as_raw_fd()).chain(3..3 + self.person.preserved).collect()
    }

    /// The mount at `/`; `None`: the root's own directory is it.
    pub fn layers(&self) -> Option<&PlannedMount<'_>> {
        self.mounts.iter().find(|planned| planned.target == Path::new("/"))
    }

    /// Whether the process must get something before it is in a user namespace. What a bundle may ask for is a long list.
    pub fn takes_of_host(&self) -> bool {
        self.strict.is_some() || self.person.oom_score_adj.is_some() || !self.person.limits.is_empty()
    }

    /// A bind whose later mounts are also the host's: the mount and the root must both be asked to be shared.
    pub fn shares_with_host(&self, planned: &PlannedMount) -> bool {
        self.propagation.contains(Flags::MS_SHARED) && planned.options.propagation.contains(Flags::MS_SHARED)
    }

    pub fn has_hooks_before_root(&self) -> bool {
        const BEFORE: [Moment; 3] = [Moment::PreStart, Moment::CreateRuntime, Moment::CreateContainer];
        self.strict.as_ref().is_some_and(|strict| BEFORE.iter().any(|moment| !moment.of(strict.hooks).is_empty()))
    }
}

/// In the order of their names: the spec has none. A setting without a namespace of the container's own would change the host.
fn sysctls<'a>(linux: &'a Linux, namespaces: &Namespaces) -> Result<Vec<(&'a str, &'a str)>> {
    let mut all: Vec<_> = linux.sysctl().iter().flatten().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    all.sort_unstable();
    for (name, _) in &all {
        let own = match sysctl::owner(name) {
            Some(Owner::Network) => namespaces.has(namespace::NET),
            Some(Owner::Ipc) => namespaces.has(namespace::IPC),
            Some(Owner::Names) => namespaces.has(namespace::UTS),
            None => false,
        };
        if !own {
            return Err(Error::cannot_keep(format!("cannot set {name}")).because("it is not the container's own"));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With these namespaces beside the one for mounts, and this setting of the kernel.
    fn planned(namespaces: &[&str], setting: &str) -> bool {
        let namespaces: Vec<_> = ["mount"].iter().chain(namespaces).map(|kind| serde_json::json!({ "type": kind })).collect();
        let spec = serde_json::json!({
            "ociVersion": "1.2.0", "root": { "path": "/r" },
            "process": { "cwd": "/", "args": ["x"], "user": { "uid": 0, "gid": 0 } },
            "linux": { "namespaces": namespaces, "sysctl": { setting: "1" } },
        });
        Plan::new(&serde_json::from_value(spec).unwrap(), Beyond::default()).is_ok()
    }

    #[test]
    fn a_setting_is_only_made_in_a_namespace_of_the_container_s_own() {
        assert!(planned(&["network"], "net.x.y") && planned(&["ipc"], "kernel.shmmax") && planned(&["uts"], "kernel.domainname"));
        assert!(!planned(&["ipc", "uts"], "net.x.y") && !planned(&["network"], "kernel.shmmax") && !planned(&["ipc"], "kernel.domainname"));
        assert!(!planned(&["network", "ipc", "uts", "pid"], "kernel.panic"));
    }
}
