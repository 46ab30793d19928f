//! What is mounted in the container: the kernel's own file systems first, then what was asked for.

use super::{Deed, Subject, nothing, path, quote};
use crate::runtime::plan::PlannedMount;
use oci_spec::runtime::Mount;
use std::path::Path;

/// Words that a mount(8) does not get: they say how, and not what.
const HOW: &[&str] =
    &["bind", "rbind", "private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable", "rro", "tmpcopyup"];

pub fn of_the_kernel(subject: &Subject) -> Vec<Deed> {
    let system: Vec<_> = all(subject).filter(|(_, planned)| is_system(planned)).collect();
    // Those of the root itself: /proc, /dev, /sys.
    let points: Vec<String> = system
        .iter()
        .filter(|(_, planned)| planned.target.parent() == Some(Path::new("/")))
        .map(|(_, planned)| path::below_root(planned.target))
        .collect();
    let places = Deed::new("the places to mount them on, unless the layers have these").lines(format!("mkdir -p {}\n", points.join(" ")));
    std::iter::once(places).chain(system.into_iter().map(|(mount, planned)| hung(subject, mount, planned))).collect()
}

pub fn wished(subject: &Subject) -> Vec<Deed> {
    let wished: Vec<Deed> =
        all(subject).filter(|(_, planned)| !is_system(planned)).map(|(mount, planned)| hung(subject, mount, planned)).collect();
    if wished.is_empty() { nothing("no mount was asked for") } else { wished }
}

/// Beside the root.
fn all<'a>(subject: &'a Subject) -> impl Iterator<Item = (&'a Mount, &'a PlannedMount<'a>)> {
    let mounts = subject.outline.spec.mounts().as_deref().unwrap_or_default();
    mounts.iter().zip(&subject.runtime.mounts).filter(|(_, planned)| planned.target != Path::new("/"))
}

/// A user namespace gets some of them from the host, where it has no right to one of its own.
fn is_system(planned: &PlannedMount) -> bool {
    const OF_THE_HOST: [&str; 4] = ["/proc", "/sys", "/sys/fs/cgroup", "/dev/mqueue"];
    match planned.is_bind() {
        true => planned.target == Path::new(planned.source) && OF_THE_HOST.contains(&planned.source),
        false => {
            matches!(planned.kind, "proc" | "sysfs" | "devpts" | "mqueue" | "cgroup2" | "cgroup") || planned.target.starts_with("/dev")
        }
    }
}

/// Bound or new.
fn hung(subject: &Subject, mount: &Mount, planned: &PlannedMount) -> Deed {
    if planned.is_bind() { bound(subject, mount, planned) } else { fresh(mount, planned) }
}

fn words(mount: &Mount) -> Vec<&str> {
    mount.options().iter().flatten().map(String::as_str).filter(|word| !HOW.contains(word)).collect()
}

/// A file system of its own.
fn fresh(mount: &Mount, planned: &PlannedMount) -> Deed {
    let words = words(mount);
    let told = format!("mount {} on {} ({})", planned.kind, planned.target.display(), words.join(", "));
    let (target, before) = match is_system(planned) {
        true => {
            let target = path::below_root(planned.target);
            // The others have their place in the lowest layer; /dev is empty by now.
            let is_in_dev = planned.target != Path::new("/dev") && planned.target.starts_with("/dev");
            let before = if is_in_dev { format!("mkdir {target}\n") } else { String::new() };
            (target, before)
        }
        false => ("\"$target\"".to_owned(), in_its_place(planned.target)),
    };
    let is_read_only_memory = planned.kind == "tmpfs" && words.contains(&"ro");
    let mut options: Vec<String> =
        words.iter().filter(|word| !is_read_only_memory || **word != "ro").map(|word| (*word).to_owned()).collect();
    let mut lines = before;
    // As the directory that it covers: programs rely on the sticky bit of /tmp.
    if planned.kind == "tmpfs" && !is_system(planned) && !words.iter().any(|word| word.starts_with("mode=")) {
        lines.push_str("mode=$(stat -c %a \"$target\" 2>/dev/null || echo 1777)\n");
        options.push("mode=$mode".to_owned());
    }
    if !is_system(planned) {
        lines.push_str("mkdir -p \"$target\"\n");
    }
    let kind = if planned.kind == "cgroup" { "cgroup2" } else { planned.kind };
    lines.push_str(&format!("mount -t {kind} -o {} {} {target}", options.join(","), quote::word(planned.source)));
    if planned.options.copy_up {
        lines.push_str("\n# tare copies into it what the image has there; here it stays empty");
    }
    if is_read_only_memory {
        lines.push_str(&format!("\nread_only {target}"));
    }
    if is_system(planned) { Deed::new(told).clear(lines) } else { Deed::new(told).lines(lines) }
}

fn bound(subject: &Subject, mount: &Mount, planned: &PlannedMount) -> Deed {
    let options = &planned.options;
    let is_read_only = options.flags.contains(crate::sys::mount::Flags::MS_RDONLY) || options.recursive_attributes != 0;
    let (source, is_dir) = source(subject, planned);
    let manner = if options.recursive { "--rbind" } else { "--bind" };
    let mut lines = in_its_place(planned.target);
    lines.push_str(match is_dir {
        true => "mkdir -p \"$target\"\n",
        false => "mkdir -p \"${target%/*}\"\n[ -e \"$target\" ] || : >\"$target\"\n",
    });
    let propagation = propagation(planned);
    lines.push_str(&format!("mount {manner} {source} \"$target\"\nmount --make-{propagation} \"$target\""));
    let words: Vec<&str> = words(mount).into_iter().filter(|word| *word != "ro").collect();
    if !words.is_empty() {
        lines.push_str(&format!("\nmount -o remount,bind,{} \"$target\"", words.join(",")));
    }
    if is_read_only {
        lines.push_str("\nread_only \"$target\"");
    }
    let further = if is_read_only { ", read-only" } else { "" };
    let shared = if propagation == "rprivate" { String::new() } else { format!(", {propagation}") };
    Deed::new(format!("bind {} to {}{further}{shared}", shown(subject, planned), planned.target.display())).lines(lines)
}

fn in_its_place(target: &Path) -> String {
    format!("target=$(within {})\n", quote::word(&target.display().to_string()))
}

fn propagation<'a>(planned: &PlannedMount<'a>) -> &'a str {
    use crate::sys::mount::Flags;
    let (flags, is_deep) = (planned.options.propagation, planned.options.propagation.contains(Flags::MS_REC));
    match is_deep {
        _ if flags.is_empty() => "rprivate",
        true if flags.contains(Flags::MS_SHARED) => "rshared",
        false if flags.contains(Flags::MS_SHARED) => "shared",
        true if flags.contains(Flags::MS_SLAVE) => "rslave",
        false if flags.contains(Flags::MS_SLAVE) => "slave",
        false if flags.contains(Flags::MS_PRIVATE) => "private",
        _ => "rprivate",
    }
}

/// Which of the container's own files it is.
fn own_file<'a>(subject: &Subject, planned: &'a PlannedMount) -> Option<&'a str> {
    Path::new(planned.source).strip_prefix(&subject.outline.files.live).ok()?.to_str()
}

fn shown(subject: &Subject, planned: &PlannedMount) -> String {
    own_file(subject, planned).map_or_else(|| planned.source.to_owned(), |name| format!("its own {name}"))
}

/// What is bound, for the shell, and whether it is a directory. A volume that is not there is one for this time.
fn source(subject: &Subject, planned: &PlannedMount) -> (String, bool) {
    if let Some(name) = own_file(subject, planned) {
        return (format!("\"$work/etc/{name}\""), false);
    }
    let volume = subject.outline.record.wishes.mounts.iter().filter_map(crate::options::Mount::volume);
    let is_volume = volume.into_iter().any(|volume| Path::new(&volume.target) == planned.target);
    match std::fs::metadata(planned.source) {
        Err(_) if is_volume => ("\"$(mktemp -d \"$work/volume.XXXXXX\")\"".to_owned(), true),
        found => (quote::word(planned.source), found.map_or(true, |found| found.is_dir())),
    }
}
