//! Limits that few ask for: huge pages, RDMA adapters, and whatever else the kernel has, in its own words.

use super::limits::{Wanted, number_or_max};
use crate::error::{Error, Result};
use oci_spec::runtime::{LinuxHugepageLimit, LinuxRdma, LinuxResources};

impl Wanted {
    /// Zero is a limit here. Reservations are what counts, and pages in use where nothing was reserved.
    pub(super) fn huge_pages(&mut self, limits: &[LinuxHugepageLimit]) -> Result<()> {
        for limit in limits {
            let size = limit.page_size();
            if !is_page_size(size) {
                return Err(Error::usage(format!("hugepageLimits: {size:?} is no size of a page")).hint("64KB, 2MB, 1GB"));
            }
            for file in [format!("hugetlb.{size}.max"), format!("hugetlb.{size}.rsvd.max")] {
                self.set(&file, number_or_max(limit.limit()));
            }
        }
        Ok(())
    }

    pub(super) fn adapters<'a>(&mut self, limits: impl Iterator<Item = (&'a String, &'a LinuxRdma)>) -> Result<()> {
        let mut limits: Vec<_> = limits.collect();
        limits.sort_by_key(|(name, _)| *name);
        for (name, limit) in limits {
            if name.is_empty() || name.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
                return Err(Error::usage(format!("rdma: {name:?} is no name of an adapter")));
            }
            let words = [("hca_handle", limit.hca_handles()), ("hca_object", limit.hca_objects())];
            let words: Vec<_> = words.iter().filter_map(|(word, limit)| limit.map(|limit| format!("{word}={limit}"))).collect();
            if words.is_empty() {
                return Err(Error::usage(format!("rdma: nothing is limited at {name}")).hint("hcaHandles, hcaObjects or both"));
            }
            self.set("rdma.max", format!("{name} {}", words.join(" ")));
        }
        Ok(())
    }

    /// As they are, one line at a time, as the kernel wants it.
    pub(super) fn own_words<'a>(&mut self, words: impl Iterator<Item = (&'a String, &'a String)>) -> Result<()> {
        let mut words: Vec<_> = words.collect();
        words.sort();
        for (file, value) in words {
            let is_file = file.contains('.') && file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            // Most of the group's own files limit nothing: they move processes, kill them or let them stand still.
            let is_limit = !file.starts_with("cgroup.") || file.starts_with("cgroup.max.") || file == "cgroup.pressure";
            if !is_file || !is_limit || file.starts_with(['.', '-']) {
                return Err(Error::usage(format!("unified: {file:?} is not a file of a controller")));
            }
            self.need(file);
            self.unified.extend(value.lines().map(|line| (file.clone(), line.to_owned())));
        }
        Ok(())
    }
}

/// `"pids": {}` limits nothing and `"pids": {"limit": 0}` does, which the library reads alike. `place` is where in `text` it stands.
pub fn forget_empty_pids(resources: &mut LinuxResources, text: &[u8], place: &str) {
    let is_zero = resources.pids().is_some_and(|pids| pids.limit() == 0);
    let says_so =
        || serde_json::from_slice(text).is_ok_and(|text: serde_json::Value| text.pointer(place).is_some_and(|limit| !limit.is_null()));
    if is_zero && !says_so() {
        resources.set_pids(None);
    }
}

/// A number and a unit, as in the name of the kernel's file.
fn is_page_size(text: &str) -> bool {
    let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    unit.len() < text.len() && ["KB", "MB", "GB"].contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::super::limits::Present;
    use super::*;

    fn wanted(json: &str) -> Result<Wanted> {
        Wanted::from(&serde_json::from_str(json).unwrap(), &Present::default())
    }

    #[test]
    fn huge_pages_are_limited_twice() {
        let made = wanted(r#"{"hugepageLimits":[{"pageSize":"2MB","limit":0}]}"#).unwrap();
        assert_eq!(made.files, [("hugetlb.2MB.max".into(), "0".into()), ("hugetlb.2MB.rsvd.max".into(), "0".into())]);
        assert_eq!(made.controllers, ["hugetlb"]);
        for size in ["", "MB", "2", "2mb", "2MB.x", "../x", "-2MB"] {
            assert!(wanted(&format!(r#"{{"hugepageLimits":[{{"pageSize":"{size}","limit":1}}]}}"#)).is_err(), "{size:?}");
        }
    }

    #[test]
    fn an_empty_wish_is_none_and_zero_is_one() {
        let left = |text: &str| {
            let mut resources = serde_json::from_str(text).unwrap();
            forget_empty_pids(&mut resources, text.as_bytes(), "/pids/limit");
            resources.pids().is_some()
        };
        assert!(!left(r#"{"pids":{}}"#) && left(r#"{"pids":{"limit":0}}"#) && left(r#"{"pids":{"limit":5}}"#));
    }

    #[test]
    fn adapters_have_a_line_each() {
        let made = wanted(r#"{"rdma":{"rxe3":{"hcaObjects":10000},"mlx5_1":{"hcaHandles":3,"hcaObjects":0}}}"#).unwrap();
        let lines: Vec<_> = made.files.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(lines, ["mlx5_1 hca_handle=3 hca_object=0", "rxe3 hca_object=10000"]);
        assert!(wanted(r#"{"rdma":{"mlx5_1":{}}}"#).is_err() && wanted(r#"{"rdma":{"a\nb":{"hcaHandles":3}}}"#).is_err());
    }

    #[test]
    fn words_of_cgroup_v2_go_through_as_they_are() {
        let made = wanted(r#"{"unified":{"memory.high":"1000","io.max":"8:0 rbps=1\n8:1 rbps=2","cgroup.max.depth":"2"}}"#).unwrap();
        let words: Vec<_> = made.unified.iter().map(|(file, value)| format!("{file}={value}")).collect();
        assert_eq!(words, ["cgroup.max.depth=2", "io.max=8:0 rbps=1", "io.max=8:1 rbps=2", "memory.high=1000"]);
        assert_eq!(made.controllers, ["io", "memory"]);
        for file in ["cgroup.procs", "cgroup.kill", "cgroup.freeze", "../x.y", "memory/max", "x", ".x", "a.b/../c"] {
            assert!(wanted(&format!(r#"{{"unified":{{"{file}":"1"}}}}"#)).is_err(), "{file}");
        }
    }
}
