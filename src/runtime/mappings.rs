//! Whom the users of a container are outside of it: the ranges of a user namespace, and of mounts that have some of their own.

use crate::error::{Context, Error, Result};
use crate::sys::Errno;
use crate::sys::user_namespace::{self, Range};
use oci_spec::runtime::{Linux, LinuxIdMapping};
use serde::Deserialize;

/// The kernel's bound, user_namespaces(7). More is refused and never cut off (CVE-2021-43784).
const MOST: usize = 340;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mappings {
    pub uids: Vec<Range>,
    pub gids: Vec<Range>,
}

/// As a mount's mapping stands in config.json; the library has no place for it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct Entry {
    #[serde(rename = "containerID")]
    inside: u32,
    #[serde(rename = "hostID")]
    outside: u32,
    size: u32,
}

impl Mappings {
    /// Those of the container's user namespace; `None`: it has none.
    pub fn of_container(linux: &Linux) -> Result<Option<Mappings>> {
        let ranges = |entries: &Option<Vec<LinuxIdMapping>>| {
            entries.iter().flatten().map(|entry| (entry.container_id(), entry.host_id(), entry.size())).collect()
        };
        Mappings { uids: ranges(linux.uid_mappings()), gids: ranges(linux.gid_mappings()) }.checked("linux")
    }

    /// As a process lives under them that we see.
    pub fn of_process(pid: i32) -> Result<Mappings> {
        let (uids, gids) = user_namespace::maps_of(pid).context("cannot read the container's map of users")?;
        Ok(Mappings { uids, gids })
    }

    pub fn of_mount(uids: &[Entry], gids: &[Entry]) -> Result<Option<Mappings>> {
        let ranges = |entries: &[Entry]| entries.iter().map(|entry| (entry.inside, entry.outside, entry.size)).collect();
        Mappings { uids: ranges(uids), gids: ranges(gids) }.checked("a mount")
    }

    fn checked(self, whose: &str) -> Result<Option<Mappings>> {
        for (name, ranges) in [("uidMappings", &self.uids), ("gidMappings", &self.gids)] {
            if ranges.len() > MOST {
                let reason = format!("the kernel takes {MOST} at most, and there are {}", ranges.len());
                return Err(Error::cannot_keep(format!("{name} of {whose}")).because(reason));
            }
        }
        match (self.uids.is_empty(), self.gids.is_empty()) {
            (true, true) => Ok(None),
            (false, false) => Ok(Some(self)),
            _ => Err(Error::damaged(format!("{whose} has one of uidMappings and gidMappings without the other"))),
        }
    }

    /// Nobody could be root in a container without one, and so nobody could build it.
    pub fn have_root(&self) -> bool {
        self.root_outside().is_some()
    }

    /// Whom the container's root is outside: user and group.
    pub fn root_outside(&self) -> Option<(u32, u32)> {
        let find = |ranges: &[Range]| ranges.iter().find(|(inside, ..)| *inside == 0).map(|(_, outside, _)| *outside);
        find(&self.uids).zip(find(&self.gids))
    }

    pub fn write(&self, pid: i32) -> Result<()> {
        let written = user_namespace::write_maps(pid, &self.uids, &self.gids).context("cannot map the container's users");
        written.map_err(|error| match error.errno() {
            Some(Errno::EPERM) if !user_namespace::is_machine_s_root() => {
                error.hint("its ids may be yours outside: your own, and those that /etc/subuid and /etc/subgid give you")
            }
            _ => error,
        })
    }

    /// Whether a process that has just joined a user namespace sees these in there.
    pub fn are_our_own(&self) -> bool {
        let sorted = |ranges: &[Range]| {
            let mut ranges = ranges.to_vec();
            ranges.sort_unstable();
            ranges
        };
        user_namespace::own_maps().is_ok_and(|(uids, gids)| sorted(&uids) == sorted(&self.uids) && sorted(&gids) == sorted(&self.gids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(uids: &str, gids: &str) -> Result<Option<Mappings>> {
        Mappings::of_mount(&serde_json::from_str::<Vec<Entry>>(uids).unwrap(), &serde_json::from_str::<Vec<Entry>>(gids).unwrap())
    }

    #[test]
    fn both_or_none_and_not_too_many() {
        let one = r#"[{"containerID": 0, "hostID": 1000, "size": 10}]"#;
        assert_eq!(read("[]", "[]").unwrap(), None);
        assert!(read(one, "[]").is_err() && read("[]", one).is_err());
        assert_eq!(read(one, one).unwrap().unwrap().root_outside(), Some((1000, 1000)));
        let other = r#"[{"containerID": 1, "hostID": 1000, "size": 10}]"#;
        assert!(!read(one, other).unwrap().unwrap().have_root());
        let many: Vec<String> = (0..341).map(|n| format!(r#"{{"containerID": {n}, "hostID": {n}, "size": 1}}"#)).collect();
        assert!(read(&format!("[{}]", many.join(",")), one).is_err());
        assert!(read(&format!("[{}]", many[1..].join(",")), one).is_ok());
    }
}
