//! The groups above a container's: made where they are missing, told to hand controllers on, and taken away when they are empty.

use super::{OURS, home};
use crate::error::{Context, Error, Result};
use crate::sys::{Errno, file, user_namespace};
use std::path::Path;

/// Stands on a group that we made above a container's because `--cgroup-parent` named it and it was not there. The mark is the
/// group's own, so no crash loses it; a group that was there before has none, and stays whatever happens.
fn made() -> &'static str {
    // What only root of the machine can write, nobody else can take for a mark of his.
    if user_namespace::is_machine_s_root() { "trusted.tare.made" } else { "user.tare.made" }
}

/// Makes a group and those above it. Whoever empties a group above may take it away between two steps of ours: then again.
pub fn make(path: &Path) -> Result<(), Errno> {
    for _ in 0..100 {
        match file::make_dir(path, 0o755) {
            Ok(()) | Err(Errno::EEXIST) => return Ok(()),
            Err(Errno::ENOENT) => make_above(path.parent().ok_or(Errno::ENOENT)?)?,
            Err(errno) => return Err(errno),
        }
    }
    Err(Errno::ENOENT)
}

fn make_above(path: &Path) -> Result<(), Errno> {
    match file::make_dir(path, 0o755) {
        // Ours is for all containers and stays.
        Ok(()) if home::top().is_some_and(|top| path == top.join(OURS)) => Ok(()),
        Ok(()) => file::set_attribute(path, made(), b"1"),
        Err(Errno::EEXIST) => Ok(()),
        Err(Errno::ENOENT) => {
            make_above(path.parent().ok_or(Errno::ENOENT)?)?;
            make_above(path)
        }
        Err(errno) => Err(errno),
    }
}

/// From the group above a container's upwards, as far as we made them and nothing else is in them.
pub fn remove_made(mut path: &Path) {
    let Some(top) = home::top() else { return };
    while path.starts_with(&top) && path != top && path != top.join(OURS) && file::has_attribute(path, made()) {
        if file::remove_dir(path).is_err() {
            return;
        }
        let Some(above) = path.parent() else { return };
        path = above;
    }
}

/// Controllers reach a group only when every group above hands them on.
pub fn hand_on(group: &Path, controllers: &[&str]) -> Result<()> {
    let Some(top) = home::top() else { return Ok(()) };
    let words: String = controllers.iter().map(|name| format!("+{name} ")).collect();
    let mut above: Vec<&Path> = group.ancestors().skip(1).take_while(|path| path.starts_with(&top)).collect();
    above.reverse();
    for path in above {
        let what = || format!("cannot hand {} on from {}", controllers.join(" and "), path.display());
        match file::write_kernel_file(&path.join("cgroup.subtree_control"), words.trim()) {
            // A group with processes in it cannot hand controllers on. At the top they are there where we are in a container
            // ourselves, and go to a leaf; in a group that somebody named they are not ours to move.
            Err(Errno::EBUSY) if path == top || path == top.join(OURS) => {
                make_room(path).with_context(what)?;
                file::write_kernel_file(&path.join("cgroup.subtree_control"), words.trim()).with_context(what)?;
            }
            Err(Errno::EBUSY) => {
                return Err(Error::cannot_keep(what())
                    .because("processes are in it")
                    .hint("name a group without processes of its own (--cgroup-parent), or leave the limits out"));
            }
            other => other.with_context(what)?,
        }
    }
    Ok(())
}

/// Moves the processes of a group that must hand controllers on to a leaf of its own.
fn make_room(group: &Path) -> Result<(), Errno> {
    let leaf = group.join("tare-others");
    file::make_dirs(&leaf, 0o755)?;
    // 0 stands for who lives in another pid namespace, and would be ourselves when written.
    for pid in std::fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default().lines().filter(|pid| *pid != "0") {
        match file::write_kernel_file(&leaf.join("cgroup.procs"), pid) {
            // It has ended meanwhile, or is a thread of the kernel.
            Ok(()) | Err(Errno::ESRCH | Errno::EINVAL) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// What a group is promised counts only as far as the group above is promised as much ("memory.low" in the kernel's
/// cgroup-v2.rst). Above ours there is the top, which needs no promise; ours is promised the sum of its containers'.
///
/// No lock: whoever writes looks again afterwards, so the last one to write has seen everybody's.
pub fn promise_memory(group: &Path) -> Result<(), Errno> {
    let (Some(above), Some(top)) = (group.parent(), home::top()) else { return Ok(()) };
    if above != top.join(OURS) {
        return Ok(());
    }
    let mut sum = promised_below(above);
    loop {
        file::write_kernel_file(&above.join("memory.low"), &sum.to_string())?;
        let now = promised_below(above);
        if now == sum {
            return Ok(());
        }
        sum = now;
    }
}

fn promised_below(group: &Path) -> u64 {
    let promise = |entry: std::fs::DirEntry| -> Option<u64> {
        let text = std::fs::read_to_string(entry.path().join("memory.low")).ok()?;
        Some(text.trim().parse().unwrap_or(i64::MAX as u64))
    };
    let groups = std::fs::read_dir(group).into_iter().flatten().flatten();
    let sum = groups.filter_map(promise).fold(0u64, u64::saturating_add);
    sum.min(i64::MAX as u64)
}
