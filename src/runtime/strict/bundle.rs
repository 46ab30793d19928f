//! A bundle: a directory with a config.json, read and looked at as the runtime specification wants it.
//!
//! What cannot be kept is refused by its name before anything is made. Fields that nobody knows are kept and mean nothing, as
//! the specification says; a field that is known and cannot be obeyed is never passed over.

use crate::error::{Context, Error, Result};
use crate::runtime::mappings::{Entry, Mappings};
use crate::runtime::strict::newer::{self, LONGEST_CONFIG, Newer};
use crate::runtime::strict::{net_devices, resctrl};
use crate::runtime::{cgroup, hooks};
use crate::sys::{Errno, file};
use oci_spec::runtime::{LinuxNamespace, LinuxNamespaceType, Spec};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub struct Bundle {
    pub dir: PathBuf,
    pub spec: Spec,
    pub beside: Beside,
    pub newer: Newer,
    /// As it was read, to be kept for `delete`.
    pub text: Vec<u8>,
}

/// What the library's types have no place for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Beside {
    pub mounts: Vec<BesideMount>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BesideMount {
    pub uid_mappings: Vec<Entry>,
    pub gid_mappings: Vec<Entry>,
}

impl Bundle {
    pub fn read(dir: &Path, config: &Path) -> Result<Bundle> {
        let what = || format!("cannot use bundle {}", dir.display());
        let absolute = dir.canonicalize().with_context(what)?;
        let path = absolute.join(config);
        let text = match file::read_bounded(&path, LONGEST_CONFIG) {
            Ok(text) => text,
            Err(Errno::EFBIG) => {
                return Err(Error::damaged(format!("{} is longer than {} MiB", path.display(), LONGEST_CONFIG >> 20)));
            }
            Err(errno) => return Err(Error::from_errno(format!("cannot read {}", path.display()), errno)),
        };
        let damaged = |e: serde_json::Error| Error::damaged(format!("{} is damaged", path.display())).because(e);
        let (mut spec, newer) = newer::parse(&text).map_err(damaged)?;
        if let Some(resources) = spec.linux_mut().as_mut().and_then(|linux| linux.resources_mut().as_mut()) {
            cgroup::forget_empty_pids(resources, &text, "/linux/resources/pids/limit");
        }
        let beside: Beside = serde_json::from_slice(&text).map_err(damaged)?;
        let mut bundle = Bundle { dir: absolute, spec, beside, newer, text };
        bundle.check().map_err(|error| error.context(path.display().to_string()))?;
        Ok(bundle)
    }

    pub fn annotations(&self) -> BTreeMap<String, String> {
        self.spec.annotations().iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The mappings that mounts have of their own, in their order.
    pub fn owners(&self) -> Result<Vec<Option<Mappings>>> {
        self.beside.mounts.iter().map(|mount| Mappings::of_mount(&mount.uid_mappings, &mount.gid_mappings)).collect()
    }

    fn check(&mut self) -> Result<()> {
        check_version(self.spec.version())?;
        self.find_root()?;
        self.place_mounts();
        self.find_sources();
        let process = self.spec.process().as_ref().ok_or_else(|| Error::damaged("it has no process"))?;
        if process.args().as_ref().is_none_or(Vec::is_empty) {
            return Err(Error::damaged("process.args is empty"));
        }
        let linux = self.spec.linux().as_ref().ok_or_else(|| Error::damaged("it has no part for linux"))?;
        net_devices::check(linux)?;
        resctrl::check(linux)?;
        hooks::check(&self.spec)
    }

    /// Absolute from here on, and a directory.
    fn find_root(&mut self) -> Result<()> {
        let root = self.spec.root().as_ref().ok_or_else(|| Error::damaged("it has no root"))?;
        if root.path() == Path::new("") {
            return Err(Error::damaged("root.path is empty"));
        }
        let path = self.dir.join(root.path());
        let path = path.canonicalize().with_context(|| format!("cannot use root {}", path.display()))?;
        if !path.is_dir() {
            return Err(Error::damaged(format!("root {} is not a directory", path.display())));
        }
        let mut root = root.clone();
        root.set_path(path);
        self.spec.set_root(Some(root));
        Ok(())
    }

    /// Older editions of the specification have relative places, which are those below the root.
    fn place_mounts(&mut self) {
        for mount in self.spec.mounts_mut().iter_mut().flatten().filter(|mount| mount.destination().is_relative()) {
            mount.set_destination(Path::new("/").join(mount.destination()));
        }
    }

    /// Those of binds are the bundle's, wherever we are.
    fn find_sources(&mut self) {
        for mount in self.spec.mounts_mut().iter_mut().flatten() {
            let is_bind = mount.typ().as_deref().is_none_or(|kind| kind == "bind")
                || mount.options().iter().flatten().any(|option| option.ends_with("bind"));
            if let (true, Some(source)) = (is_bind, mount.source()) {
                let source = self.dir.join(source);
                mount.set_source(Some(source));
            }
        }
    }

    /// It enters a pid namespace that others live in.
    pub fn joins_pids(&self) -> bool {
        self.namespaces().any(|one| one.typ() == LinuxNamespaceType::Pid && one.path().is_some())
    }

    /// It has a user namespace, new or by a path.
    pub fn has_users(&self) -> bool {
        self.namespaces().any(|one| one.typ() == LinuxNamespaceType::User)
    }

    fn namespaces(&self) -> impl Iterator<Item = &LinuxNamespace> {
        self.spec.linux().iter().flat_map(|linux| linux.namespaces()).flatten()
    }

    pub fn root(&self) -> PathBuf {
        self.spec.root().as_ref().map(|root| root.path().clone()).unwrap_or_default()
    }
}

/// Versions 1.x are ours, with whatever is said behind a dash.
fn check_version(version: &str) -> Result<()> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<Option<u32>> = core.split('.').map(|part| part.parse().ok()).collect();
    match numbers[..] {
        [Some(1), Some(_), Some(_)] => Ok(()),
        [Some(_), Some(_), Some(_)] => Err(Error::cannot_keep(format!("ociVersion {version}")).because("this runtime knows 1.0 to 1.3")),
        _ => Err(Error::damaged(format!("ociVersion {version:?} is no version"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_edition_is_known() {
        for good in ["1.0.0", "1.0.2-dev", "1.2.1", "1.3.0", "1.0.0-rc5+abc"] {
            assert!(check_version(good).is_ok(), "{good}");
        }
        for bad in ["", "1", "1.0", "0.9.0", "2.0.0", "one", "1.0.x", "1.0.0.0"] {
            assert!(check_version(bad).is_err(), "{bad}");
        }
    }
}
