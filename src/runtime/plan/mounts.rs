//! One mount of a container: what the spec says of it, and what of it the caller holds already.

use crate::error::Result;
use crate::runtime::root::options::MountOptions;
use crate::sys::mount::Flags;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub struct PlannedMount<'a> {
    pub target: &'a Path,
    pub kind: &'a str,
    pub source: &'a str,
    pub options: MountOptions,
    /// The source, where the caller holds it already.
    pub held: Option<OwnedFd>,
    /// All of it, as it shall be, where the container could not do that itself.
    pub ready: Option<OwnedFd>,
    /// Only its owners are still to be mapped, as the container's users are.
    pub awaits_users: bool,
}

impl<'a> PlannedMount<'a> {
    pub fn new(mount: &'a oci_spec::runtime::Mount) -> Result<PlannedMount<'a>> {
        let options = MountOptions::parse(mount.options().as_deref().unwrap_or_default());
        let is_bind = options.bind || matches!(mount.typ().as_deref(), None | Some("bind"));
        options
            .check(is_bind, mount.typ().as_deref())
            .map_err(|error| error.context(format!("mount {}", mount.destination().display())))?;
        Ok(PlannedMount {
            target: mount.destination(),
            kind: if is_bind { "bind" } else { mount.typ().as_deref().unwrap_or_default() },
            source: mount.source().as_ref().and_then(|source| source.to_str()).unwrap_or(""),
            options,
            held: None,
            ready: None,
            awaits_users: false,
        })
    }

    /// A new bind: `remount` changes what is there already.
    pub fn is_bind(&self) -> bool {
        self.kind == "bind" && !self.options.flags.contains(Flags::MS_REMOUNT)
    }
    pub fn is_cgroup(&self) -> bool {
        matches!(self.kind, "cgroup" | "cgroup2")
    }
    /// The kernel's own file systems have labels of their own.
    pub(super) fn takes_label(&self) -> bool {
        let own = self.options.data.iter().any(|option| option.starts_with("context="));
        !own && !self.is_cgroup() && !matches!(self.kind, "bind" | "proc" | "sysfs" | "mqueue")
    }
    pub fn source_path(&self) -> PathBuf {
        PathBuf::from(self.source)
    }
}
