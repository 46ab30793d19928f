//! `--cgroup-parent`: the control group below which a container's own is made.

use crate::error::{Error, Result};

/// `/batch/night`: below the cgroup2 mount, cleaned; `/` is the mount itself.
pub fn parse(text: &str) -> Result<String> {
    if text.is_empty() {
        return Err(Error::usage("no group is named").hint("write a path below the cgroup2 mount, for example /batch"));
    }
    let mut path = String::new();
    for part in text.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            return Err(Error::usage("a group's path does not climb").hint("write it from the top, without .."));
        }
        // A name in the tree of groups is a name of a file; one with a dot is easily one of the kernel's own (`cgroup.procs`).
        let kernels = ["cgroup.", "memory.", "cpu.", "cpuset.", "io.", "pids.", "hugetlb.", "rdma.", "misc."];
        if part.len() > 255 || part.contains(|c: char| c.is_control()) || kernels.iter().any(|kernel| part.starts_with(kernel)) {
            return Err(Error::usage(format!("{part:?} cannot be the name of a group")));
        }
        path.push('/');
        path.push_str(part);
    }
    Ok(if path.is_empty() { "/".to_owned() } else { path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (text, path) in
            [("batch", "/batch"), ("/batch/", "/batch"), ("//a/./b", "/a/b"), ("/", "/"), ("machine.slice", "/machine.slice")]
        {
            assert_eq!(parse(text).unwrap(), path);
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for text in ["", "..", "/a/../b", "../../x", "a/cgroup.procs", "memory.max", "a\nb", &"x".repeat(256)] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
