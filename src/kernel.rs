//! What this kernel and this host can do for containers, looked up only for `info` and for hints: a start tries instead.

pub mod abilities;
pub mod controllers;

use crate::sys::{identity, mount};
use std::path::Path;

/// The facts, in the order in which `info` shows them.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub release: String,
    pub architecture: &'static str,
    pub processors: usize,
    pub memory: u64,
    pub is_root: bool,
    /// Where cgroup2 is mounted.
    pub cgroup2: Option<&'static Path>,
    pub controllers: Vec<String>,
    pub has_seccomp: bool,
    pub security_modules: Vec<String>,
    /// An initramfs as root: containers get their root by MS_MOVE instead of pivot_root.
    pub root_is_initramfs: bool,
}

pub fn facts() -> Facts {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cgroup2 = mount::cgroup2();
    let controllers = cgroup2.map(|top| read(&top.join("cgroup.controllers").display().to_string())).unwrap_or_default();
    Facts {
        release: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        architecture: std::env::consts::ARCH,
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        memory: memory_total(&read("/proc/meminfo")),
        is_root: identity::own_uid() == 0,
        cgroup2,
        controllers: controllers.split_whitespace().map(str::to_owned).collect(),
        has_seccomp: Path::new("/proc/sys/kernel/seccomp/actions_avail").exists(),
        security_modules: read("/sys/kernel/security/lsm").trim().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        root_is_initramfs: root_is_initramfs(&read("/proc/self/mountinfo")),
    }
}

/// In bytes, from the text of /proc/meminfo.
fn memory_total(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    line.and_then(|line| line.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}

/// From the text of /proc/self/mountinfo: the last mount at / decides.
fn root_is_initramfs(mountinfo: &str) -> bool {
    let mut from_the_end = mountinfo.lines().rev();
    from_the_end
        .find(|line| line.split(' ').nth(4) == Some("/"))
        .is_some_and(|line| line.split(" - ").nth(1).is_some_and(|rest| rest.starts_with("rootfs ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(memory_total("MemTotal:       2048 kB\nMemFree: 1 kB\n"), 2 << 20);
        assert_eq!(memory_total(""), 0);
    }

    #[test]
    fn an_initramfs_is_known_by_its_kind() {
        assert!(root_is_initramfs("1 0 0:2 / / rw - rootfs rootfs rw\n"));
        assert!(!root_is_initramfs("1 0 0:2 / / rw - rootfs rootfs rw\n22 1 254:0 / / rw - ext4 /dev/vda rw\n"));
    }
}
