//! The files of /dev.

use super::{Deed, Subject, path, quote};
use crate::runtime::{USUAL_DEVICES, USUAL_LINKS};
use oci_spec::runtime::{LinuxDevice, LinuxDeviceType};
use std::path::Path;

/// More than so many are a table.
const A_FEW: usize = 6;

pub fn make(subject: &Subject) -> Vec<Deed> {
    let mut deeds: Vec<Deed> = Vec::new();
    let has_own = subject.runtime.mounts.iter().any(|planned| planned.target == Path::new("/dev") && planned.kind == "tmpfs");
    if has_own {
        deeds.extend(USUAL_DEVICES.iter().map(|(name, major, minor)| usual(subject, name, *major, *minor)));
        deeds.extend(USUAL_LINKS.iter().map(|(target, name)| {
            Deed::new(format!("{name} leads to {target}")).clear(format!("ln -s {target} {}", path::below_root(Path::new(name))))
        }));
    }
    let wished: Vec<&LinuxDevice> = subject.outline.spec.linux().iter().filter_map(|linux| linux.devices().as_ref()).flatten().collect();
    match wished.len() {
        0..=A_FEW => deeds.extend(wished.into_iter().map(|device| one(subject, device))),
        _ if subject.is_ordinary => deeds.push(table_of_binds(&wished)),
        _ => deeds.push(table(&wished)),
    }
    if subject.outline.record.wishes.terminal {
        deeds.push(Deed::new("make /dev/console, for the terminal").cannot("the terminal stays yours, see below"));
    }
    deeds
}

/// A user namespace's root makes no device files: the host's are bound instead.
fn usual(subject: &Subject, name: &str, major: u64, minor: u64) -> Deed {
    let target = path::below_root(Path::new(name));
    let told = Deed::new(format!("{name}: character device {major}:{minor}, for everybody"));
    match subject.is_ordinary {
        true => told.clear(format!("host_device {name} {target}")),
        false => told.clear(format!("mknod -m 666 {target} c {major} {minor}")),
    }
}

fn one(subject: &Subject, device: &LinuxDevice) -> Deed {
    let target = path::below_root(device.path());
    let (kind, word) = letter(device);
    let (uid, gid) = (device.uid().unwrap_or(0), device.gid().unwrap_or(0));
    let told = Deed::new(format!("{}: {word} device {}:{}", device.path().display(), device.major(), device.minor()));
    let mut lines = String::new();
    if device.path().parent() != Some(Path::new("/dev")) {
        lines = format!("mkdir -p {}\n", path::below_root(device.path().parent().unwrap_or(Path::new("/"))));
    }
    if subject.is_ordinary {
        lines.push_str(&format!("host_device {} {target}", quote::word(&source(device))));
        return told.clear(lines);
    }
    lines.push_str(&format!("mknod -m {:o} {target} {kind} {} {}", mode(device), device.major(), device.minor()));
    if (uid, gid) != (0, 0) {
        lines.push_str(&format!("\nchown {uid}:{gid} {target}"));
    }
    told.clear(lines)
}

/// A privileged container has all devices of the host.
fn table(devices: &[&LinuxDevice]) -> Deed {
    let row = |device: &&LinuxDevice| {
        let (uid, gid) = (device.uid().unwrap_or(0), device.gid().unwrap_or(0));
        let numbers = format!("{} {} {}", letter(device).0, device.major(), device.minor());
        format!("{numbers} {:o} {uid}:{gid} {}\n", mode(device), device.path().display())
    };
    let rows: String = devices.iter().map(row).collect();
    let lines = format!(
        "while read -r kind major minor mode owner path; do\n    mkdir -p \"$root${{path%/*}}\"\n    mknod -m \"$mode\" \"$root$path\" \"$kind\" \"$major\" \"$minor\"\n    chown \"$owner\" \"$root$path\"\ndone {}",
        quote::document(&rows)
    );
    Deed::new(format!("{} devices of the host", devices.len())).lines(lines)
}

fn table_of_binds(devices: &[&LinuxDevice]) -> Deed {
    let rows: String = devices.iter().map(|device| format!("{}\n", device.path().display())).collect();
    let lines = format!(
        "while read -r path; do\n    mkdir -p \"$root${{path%/*}}\"\n    host_device \"$path\" \"$root$path\"\ndone {}",
        quote::document(&rows)
    );
    Deed::new(format!("{} devices of the host", devices.len())).lines(lines)
}

/// The host's file, which may have another name: as the kernel calls it, then.
fn source(device: &LinuxDevice) -> String {
    let path = device.path().display().to_string();
    if device.path().exists() {
        return path;
    }
    let kind = if letter(device).0 == "b" { "block" } else { "char" };
    let about = std::fs::read_to_string(format!("/sys/dev/{kind}/{}:{}/uevent", device.major(), device.minor())).unwrap_or_default();
    about.lines().find_map(|line| line.strip_prefix("DEVNAME=")).map_or(path, |name| format!("/dev/{name}"))
}

fn letter(device: &LinuxDevice) -> (&'static str, &'static str) {
    match device.typ() {
        LinuxDeviceType::B => ("b", "block"),
        _ => ("c", "character"),
    }
}

fn mode(device: &LinuxDevice) -> u32 {
    device.file_mode().unwrap_or(0o666) & 0o7777
}
