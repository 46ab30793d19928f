//! Settings of the kernel that are the container's own, and what of the kernel is hidden from it.

use super::{Deed, Subject, nothing, path, quote};
use crate::spec::sysctl;
use std::path::Path;

pub fn tune(subject: &Subject) -> Vec<Deed> {
    if subject.runtime.sysctl.is_empty() {
        return nothing("--sysctl was not asked for");
    }
    let set = |(name, value): &(&str, &str)| {
        let file = format!("/proc/sys/{}", sysctl::path(name));
        Deed::new(format!("{name} = {value}")).clear(format!("echo {} >{}", quote::word(value), path::below_root(Path::new(&file))))
    };
    subject.runtime.sysctl.iter().map(set).collect()
}

pub fn hide(subject: &Subject) -> Vec<Deed> {
    let (masked, protected) = (subject.runtime.masked, subject.runtime.protected);
    let mut deeds = Vec::new();
    if !protected.is_empty() {
        let lines = format!(
            "for path in {}; do\n    [ -e \"$root$path\" ] || continue\n    mount --rbind \"$root$path\" \"$root$path\"\n    read_only \"$root$path\"\ndone",
            list(protected)
        );
        deeds.push(Deed::new(format!("make read-only: {}", protected.join(", "))).lines(lines));
    }
    if !masked.is_empty() {
        let lines = format!(
            "for path in {}; do\n    if [ -d \"$root$path\" ]; then\n        mount -t tmpfs -o ro,size=0,nr_inodes=1 tmpfs \"$root$path\"\n    elif [ -e \"$root$path\" ]; then\n        mount --bind \"$root/dev/null\" \"$root$path\"\n    fi\ndone",
            list(masked)
        );
        deeds.push(Deed::new(format!("hide behind nothing, where it exists: {}", masked.join(", "))).lines(lines));
    }
    match deeds.is_empty() {
        true if subject.outline.record.wishes.privileged => nothing("--privileged: it sees and writes all of /proc and /sys"),
        true => nothing("--without=masks: it sees all of /proc and /sys"),
        false => deeds,
    }
}

/// A few on each line.
fn list(paths: &[String]) -> String {
    let lines: Vec<String> = paths.chunks(5).map(|few| few.iter().map(|one| quote::word(one)).collect::<Vec<_>>().join(" ")).collect();
    lines.join(" \\\n    ")
}
