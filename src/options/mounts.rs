//! `-v`, `--mount` and `--tmpfs`: what of the host, of a volume, or of memory, is seen at which path of the container.
//!
//! Here are `-v` and `--tmpfs`; `mounts/words.rs` has the long form, `mounts/ownership.rs` whose the files shall be.

mod ownership;
mod words;

pub use words::parse_mount;

use super::{Below, Mount, Ownership, VolumeMount};
use crate::error::{Error, Result};
use crate::names;
use std::path::{Path, PathBuf};

/// A `-v`, and whether it asks for SELinux labels (`z`, `Z`), which only matters on hosts that have SELinux.
#[derive(Debug, PartialEq)]
pub struct Volume {
    pub mount: Mount,
    pub relabel: bool,
}

const PROPAGATIONS: &[&str] = &["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/// `SOURCE:TARGET[:OPTIONS]`, or a target alone; `here` is the directory that relative sources begin in. A source that begins
/// with neither `/` nor `.` is the name of a volume.
pub fn parse_volume(text: &str, here: &Path) -> Result<Volume> {
    let (source, target, options) = match text.split(':').collect::<Vec<_>>()[..] {
        [target] => (None, target, ""),
        [source, target] => (Some(source), target, ""),
        [source, target, options] => (Some(source), target, options),
        _ => return Err(Error::usage("there are too many colons").hint("write SOURCE:TARGET or SOURCE:TARGET:ro")),
    };
    let target = parse_target(target)?;
    let options = ShortOptions::parse(options)?;
    let relabel = options.relabel;
    let mount = match source {
        None => Mount::Volume(VolumeMount { anonymous: true, target, ..VolumeMount::default() }),
        Some("") => return Err(Error::usage("there is no source before the colon")),
        Some(path) if path.starts_with(['/', '.']) => options.bind(absolute(path, here), target)?,
        Some(name) => options.volume(name, target)?,
    };
    Ok(Volume { mount, relabel })
}

/// What may stand behind the second colon.
#[derive(Default)]
struct ShortOptions {
    read_only: bool,
    relabel: bool,
    no_copy: bool,
    propagation: String,
    ownership: Ownership,
}

impl ShortOptions {
    fn parse(text: &str) -> Result<ShortOptions> {
        let mut options = ShortOptions::default();
        for option in text.split(',').filter(|option| !option.is_empty()) {
            match option {
                "ro" => options.read_only = true,
                "rw" => options.read_only = false,
                "z" | "Z" => options.relabel = true,
                "nocopy" => options.no_copy = true,
                "U" => options.ownership = Ownership::Given,
                "noidmap" => options.ownership = Ownership::Outside,
                // How fresh a copy must be in Docker's virtual machines on a Mac; here there is no copy.
                "cached" | "delegated" | "consistent" => {}
                _ if PROPAGATIONS.contains(&option) => options.propagation = option.to_owned(),
                _ => match ownership::parse_id_map(option)? {
                    Some(ownership) => options.ownership = ownership,
                    None => {
                        return Err(Error::usage(format!("unknown option {option:?}"))
                            .hint("ro, rw, nocopy, U, idmap, rslave, rshared and the like"));
                    }
                },
            }
        }
        Ok(options)
    }

    fn bind(self, source: PathBuf, target: String) -> Result<Mount> {
        if self.no_copy {
            return Err(Error::usage("nocopy is only for volumes"));
        }
        let ShortOptions { read_only, propagation, ownership, .. } = self;
        Ok(Mount::Bind { source, target, read_only, propagation, make_source: true, below: Below::Seen, ownership })
    }

    fn volume(self, name: &str, target: String) -> Result<Mount> {
        check_volume_name(name)?;
        if !self.propagation.is_empty() {
            return Err(Error::usage(format!("{} is only for directories of the host", self.propagation)));
        }
        let ShortOptions { read_only, no_copy, ownership, .. } = self;
        Ok(Mount::Volume(VolumeMount { name: name.to_owned(), target, read_only, no_copy, ownership, ..VolumeMount::default() }))
    }
}

/// A volume is called as a container may be; what looks like a path was perhaps meant to be one.
pub fn check_volume_name(name: &str) -> Result<()> {
    if names::is_name(name) {
        return Ok(());
    }
    let error = Error::usage(format!("{name:?} is no name for a volume"));
    Err(match name.contains('/') {
        true => error.hint(format!("for a directory of this machine write its whole path, or ./{name}")),
        false => error.hint("two or more letters, digits, underscores, dots and dashes, beginning with a letter or digit"),
    })
}

/// `TARGET[:OPTIONS]`, options as mount(8) takes them.
pub fn parse_tmpfs(text: &str) -> Result<Mount> {
    let (target, options) = text.split_once(':').unwrap_or((text, ""));
    let options = options.split(',').filter(|option| !option.is_empty()).map(checked_tmpfs_option).collect::<Result<_>>()?;
    Ok(Mount::Tmpfs { target: parse_target(target)?, options })
}

/// Only what tmpfs(5) knows: an option must not smuggle another kind of mount in.
fn checked_tmpfs_option(option: &str) -> Result<String> {
    const FLAGS: &[&str] = &[
        "ro",
        "rw",
        "suid",
        "nosuid",
        "dev",
        "nodev",
        "exec",
        "noexec",
        "sync",
        "async",
        "dirsync",
        "atime",
        "noatime",
        "diratime",
        "nodiratime",
        "relatime",
        "norelatime",
        "strictatime",
        "nostrictatime",
    ];
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let fine = match option.split_once('=') {
        None => FLAGS.contains(&option),
        Some(("size" | "nr_blocks" | "nr_inodes", value)) => {
            digits(value.strip_suffix(['k', 'K', 'm', 'M', 'g', 'G', '%']).unwrap_or(value))
        }
        Some(("mode", value)) => u32::from_str_radix(value, 8).is_ok_and(|mode| mode <= 0o7777) && digits(value),
        Some(("uid" | "gid", value)) => digits(value) && value.parse::<u32>().is_ok(),
        Some(_) => false,
    };
    if fine {
        Ok(option.to_owned())
    } else {
        Err(Error::usage(format!("{option:?} is no option of tmpfs")).hint("for example size=64m, mode=1777, noexec"))
    }
}

/// A mount hides what is there, so the root itself cannot be a target.
fn parse_target(text: &str) -> Result<String> {
    if !text.starts_with('/') {
        return Err(Error::usage(format!("target {text:?} is not an absolute path")));
    }
    if text.contains('\0') {
        return Err(Error::usage("a path cannot hold a NUL byte"));
    }
    match clean_path(text) {
        target if target == "/" => Err(Error::usage("target / would hide the whole image")),
        target => Ok(target),
    }
}

/// Two mounts on one path: the first would never be seen.
pub fn check_targets(mounts: &[Mount]) -> Result<()> {
    for (index, mount) in mounts.iter().enumerate() {
        if mounts[..index].iter().any(|earlier| earlier.target() == mount.target()) {
            return Err(Error::usage(format!("{} is mounted twice", mount.target())).hint("leave one of the two out"));
        }
    }
    Ok(())
}

fn absolute(path: &str, here: &Path) -> PathBuf {
    if path.starts_with('/') { clean_path(path).into() } else { clean_path(&format!("{}/{path}", here.display())).into() }
}

/// An absolute path without `.`, `..`, double and trailing slashes: by its words alone, nothing is looked up.
pub fn clean_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The words that Go's `strconv.ParseBool` takes, because scripts written for Docker use them.
pub fn parse_bool(text: &str) -> Result<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Error::usage(format!("{text:?} is neither true nor false"))),
    }
}

#[cfg(test)]
mod tests;
