//! Shares of caches and of the memory's bandwidth, `linux.intelRdt`: a directory of the resctrl file system, in which a process is
//! named as in a control group (Documentation/filesystems/resctrl.rst).

use crate::error::{Context, Error, Result};
use crate::runtime::strict::newer::NewerRdt;
use crate::sys::{Errno, file};
use oci_spec::runtime::{Linux, LinuxIntelRdt, Spec};
use std::path::{Path, PathBuf};

const MOUNT: &str = "/sys/fs/resctrl";

/// Refused before anything is made.
pub fn check(linux: &Linux) -> Result<()> {
    let Some(wish) = linux.intel_rdt() else { return Ok(()) };
    if !Path::new(MOUNT).join("schemata").exists() {
        return Err(Error::cannot_keep("cannot keep linux.intelRdt")
            .because(format!("no resctrl file system is mounted at {MOUNT}"))
            .hint("leave it out, or mount it where the processor can do it"));
    }
    match wish.clos_id().as_deref() {
        Some(name) if name.is_empty() || name.contains(['/', '\n']) || name == "." || name == ".." => {
            Err(Error::damaged(format!("linux.intelRdt.closID {name:?} is no name of a directory")))
        }
        _ => Ok(()),
    }
}

/// Names the process in its directory. Returns what was made, innermost last, for whoever removes the container.
pub fn join(spec: &Spec, newer: &NewerRdt, id: &str, pid: i32) -> Result<Vec<PathBuf>> {
    let Some(wish) = spec.linux().as_ref().and_then(|linux| linux.intel_rdt().as_ref()) else { return Ok(Vec::new()) };
    let mut made = Vec::new();
    let joined = join_directory(wish, newer, id, pid, &mut made);
    if joined.is_err() {
        leave(&made);
    }
    joined.map(|()| made)
}

pub fn leave(made: &[PathBuf]) {
    for directory in made.iter().rev() {
        let _ = file::remove_dir(directory);
    }
}

fn join_directory(wish: &LinuxIntelRdt, newer: &NewerRdt, id: &str, pid: i32, made: &mut Vec<PathBuf>) -> Result<()> {
    let directory = Path::new(MOUNT).join(wish.clos_id().as_deref().unwrap_or(id));
    let lines = lines(wish, newer);
    let write = |path: &Path, text: &str| {
        file::write_kernel_file(path, &format!("{text}\n")).with_context(|| format!("cannot write {text:?} to {}", path.display()))
    };
    if directory.exists() {
        let text = std::fs::read_to_string(directory.join("schemata")).with_context(|| format!("cannot read {}", directory.display()))?;
        if let Some(other) = lines.iter().find(|line| !text.lines().any(|there| there.trim() == line.as_str())) {
            return Err(Error::conflict(format!("{} exists already", directory.display())).because(format!("and does not say {other}")));
        }
    } else if wish.clos_id().is_some() && lines.is_empty() {
        return Err(Error::no_such(format!("{} does not exist", directory.display())).hint("make it, or say what it shall have"));
    } else {
        make(directory.clone(), made)?;
        lines.iter().try_for_each(|line| write(&directory.join("schemata"), line))?;
    }
    write(&directory.join("tasks"), &pid.to_string())?;
    if wish.enable_cmt().unwrap_or(false) || wish.enable_mbm().unwrap_or(false) || newer.enable_monitoring {
        let watched = directory.join("mon_groups").join(id);
        make(watched.clone(), made)?;
        write(&watched.join("tasks"), &pid.to_string())?;
    }
    Ok(())
}

fn make(directory: PathBuf, made: &mut Vec<PathBuf>) -> Result<()> {
    match file::make_dir(&directory, 0o755) {
        Ok(()) => made.push(directory),
        Err(Errno::EEXIST) => {}
        Err(errno) => return Err(Error::from_errno(format!("cannot make {}", directory.display()), errno)),
    }
    Ok(())
}

/// In the order in which they are written: those of caches, that of bandwidth, and then the words without a field of their own.
fn lines(wish: &LinuxIntelRdt, newer: &NewerRdt) -> Vec<String> {
    let cache = wish.l3_cache_schema().as_deref().unwrap_or_default().lines();
    let bandwidth = wish.mem_bw_schema().as_deref().unwrap_or_default();
    // One line of bandwidth is enough, and its own field wins.
    let cache = cache.filter(|line| bandwidth.is_empty() || !line.trim_start().starts_with("MB:"));
    let all = cache.chain(bandwidth.lines()).chain(newer.schemata.iter().flat_map(|text| text.lines()));
    all.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_all_fields_are_written_in_order() {
        let wish: LinuxIntelRdt = serde_json::from_str(r#"{"l3CacheSchema":"L3:0=f\nMB:0=1","memBwSchema":"MB:0=20"}"#).unwrap();
        let newer = NewerRdt { schemata: vec!["L2:0=f\n".into(), "L3:1=3".into()], ..NewerRdt::default() };
        assert_eq!(lines(&wish, &newer), ["L3:0=f", "MB:0=20", "L2:0=f", "L3:1=3"]);
        let alone: LinuxIntelRdt = serde_json::from_str(r#"{"l3CacheSchema":"MB:0=1"}"#).unwrap();
        assert_eq!(lines(&alone, &NewerRdt::default()), ["MB:0=1"]);
    }
}
