//! `-v`, `--mount` and `--tmpfs`: what of the host, or of memory, is seen at which path of the container.

use super::{Mount, sizes};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// A `-v`, and whether it asks for SELinux labels (`z`, `Z`), which only matters on hosts that have SELinux.
#[derive(Debug, PartialEq)]
pub struct Volume {
    pub mount: Mount,
    pub relabel: bool,
}

const PROPAGATIONS: &[&str] = &["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/// `SOURCE:TARGET[:OPTIONS]`; `here` is the directory that relative sources begin in.
pub fn parse_volume(text: &str, here: &Path) -> Result<Volume> {
    let (source, target, options) = match text.split(':').collect::<Vec<_>>()[..] {
        [_] => return Err(no_volumes("volumes without a name")),
        [source, target] => (source, target, ""),
        [source, target, options] => (source, target, options),
        _ => return Err(Error::usage("there are too many colons").hint("write SOURCE:TARGET or SOURCE:TARGET:ro")),
    };
    let target = parse_target(target)?;
    let source = match source.as_bytes().first() {
        None => return Err(Error::usage("there is no source before the colon")),
        Some(b'/' | b'.') => absolute(source, here),
        Some(_) => return Err(no_volumes("named volumes")),
    };
    let (mut read_only, mut relabel, mut propagation) = (false, false, String::new());
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => read_only = true,
            "rw" => read_only = false,
            "z" | "Z" => relabel = true,
            // How fresh a copy must be in Docker's virtual machines on a Mac; here there is no copy.
            "cached" | "delegated" | "consistent" => {}
            _ if PROPAGATIONS.contains(&option) => propagation = option.to_owned(),
            "nocopy" => return Err(Error::usage("nocopy is only for named volumes")),
            _ => return Err(Error::usage(format!("unknown option {option:?}")).hint("ro, rw, rslave, rshared and the like")),
        }
    }
    Ok(Volume { mount: Mount::Bind { source, target, read_only, propagation, make_source: true }, relabel })
}

/// `type=bind,source=…,target=…[,readonly]` or `type=tmpfs,target=…`.
pub fn parse_mount(text: &str, here: &Path) -> Result<Mount> {
    let mut wish = MountWords::default();
    for field in split_fields(text)? {
        wish.take(&field)?;
    }
    let target = parse_target(wish.target.as_deref().ok_or_else(|| Error::usage("there is no target").hint("add target=/path"))?)?;
    match wish.kind.as_deref().unwrap_or("volume") {
        "bind" => wish.bind(target, here),
        "tmpfs" => wish.tmpfs(target),
        "volume" => Err(no_volumes("volumes")),
        kind @ ("image" | "cluster" | "npipe") => Err(Error::cannot_keep(format!("mounts of type {kind} are not built yet"))),
        kind => Err(Error::usage(format!("unknown type {kind:?}")).hint("bind or tmpfs")),
    }
}

#[derive(Default)]
struct MountWords {
    kind: Option<String>,
    source: Option<String>,
    target: Option<String>,
    read_only: bool,
    propagation: Option<String>,
    tmpfs_options: Vec<String>,
    make_source: bool,
}

impl MountWords {
    fn take(&mut self, field: &str) -> Result<()> {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (field, None),
        };
        let text = || value.filter(|value| !value.is_empty()).map(str::to_owned).ok_or_else(|| Error::usage(format!("{key} has no value")));
        match key {
            "type" => self.kind = Some(text()?.to_ascii_lowercase()),
            "source" | "src" => self.source = Some(text()?),
            "target" | "dst" | "destination" => self.target = Some(text()?),
            "readonly" | "ro" => self.read_only = parse_bool(value.unwrap_or("true"))?,
            "bind-propagation" => self.propagation = Some(text()?),
            "bind-create-src" => self.make_source = parse_bool(value.unwrap_or("true"))?,
            "bind-recursive" if value == Some("enabled") => {}
            "bind-recursive" | "bind-nonrecursive" => return Err(Error::cannot_keep(format!("{key} is not built yet"))),
            "consistency" => drop(text()?),
            "tmpfs-size" => self.tmpfs_options.push(format!("size={}", sizes::parse_bytes(&text()?)?)),
            "tmpfs-mode" => self.tmpfs_options.push(checked_tmpfs_option(&format!("mode={}", text()?))?),
            "tmpfs-options" => self.tmpfs_options.push(checked_tmpfs_option(&text()?)?),
            _ if key.starts_with("volume-") || key.starts_with("image-") => {
                return Err(Error::cannot_keep(format!("{key} is not built yet")));
            }
            _ => {
                return Err(Error::usage(format!("unknown key {key:?}"))
                    .hint("type, source, target, readonly, bind-propagation, tmpfs-size, tmpfs-mode"));
            }
        }
        Ok(())
    }

    fn bind(self, target: String, here: &Path) -> Result<Mount> {
        let source = self.source.ok_or_else(|| Error::usage("there is no source").hint("add source=/path"))?;
        if !source.starts_with(['/', '.']) {
            return Err(Error::usage(format!("source {source:?} is not a path")).hint("begin it with / or ./"));
        }
        if !self.tmpfs_options.is_empty() {
            return Err(Error::usage("tmpfs options do not go with type=bind"));
        }
        let propagation = self.propagation.unwrap_or_default();
        if !propagation.is_empty() && !PROPAGATIONS.contains(&propagation.as_str()) {
            return Err(Error::usage(format!("unknown propagation {propagation:?}")).hint(format!("one of {}", PROPAGATIONS.join(", "))));
        }
        Ok(Mount::Bind { source: absolute(&source, here), target, read_only: self.read_only, propagation, make_source: self.make_source })
    }

    fn tmpfs(self, target: String) -> Result<Mount> {
        if self.source.is_some() {
            return Err(Error::usage("a tmpfs has no source"));
        }
        if self.propagation.is_some() {
            return Err(Error::usage("bind-propagation does not go with type=tmpfs"));
        }
        let mut options = self.tmpfs_options;
        if self.read_only {
            options.push("ro".to_owned());
        }
        Ok(Mount::Tmpfs { target, options })
    }
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

fn no_volumes(what: &str) -> Error {
    Error::cannot_keep(format!("{what} are not built yet")).hint("give a directory of this machine: -v /path:/target or -v ./path:/target")
}

/// Fields of a line of comma-separated values; a field in double quotes may hold commas, and `""` for a quote.
fn split_fields(text: &str) -> Result<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        let field = fields.last_mut().expect("there is always a field");
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => field.push(letter),
        }
    }
    if quoted { Err(Error::usage("a quote is not closed")) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(text: &str) -> Result<Volume> {
        parse_volume(text, Path::new("/home/ann"))
    }
    fn mount(text: &str) -> Result<Mount> {
        parse_mount(text, Path::new("/home/ann"))
    }
    fn bind(source: &str, target: &str, read_only: bool, propagation: &str, make_source: bool) -> Mount {
        Mount::Bind { source: source.into(), target: target.into(), read_only, propagation: propagation.into(), make_source }
    }

    #[test]
    fn a_directory_is_bound_and_relative_ones_begin_here() {
        assert_eq!(volume("/src:/dst").unwrap().mount, bind("/src", "/dst", false, "", true));
        assert_eq!(volume("/src//x/../y/:/dst/:ro,rslave").unwrap().mount, bind("/src/y", "/dst", true, "rslave", true));
        assert_eq!(volume("./x:/d").unwrap().mount, bind("/home/ann/x", "/d", false, "", true));
        assert_eq!(volume("../x:/d").unwrap().mount, bind("/home/x", "/d", false, "", true));
        assert!(volume("/a:/b:ro,Z").unwrap().relabel);
    }

    #[test]
    fn volumes_are_refused_by_name() {
        for text in ["data:/data", "/data", "my.data:/x:ro"] {
            let error = volume(text).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::CannotKeep, "{text}");
            assert!(error.to_string().contains("not built yet"));
        }
        assert_eq!(mount("type=volume,target=/x").unwrap_err().kind(), crate::error::Kind::CannotKeep);
        assert_eq!(mount("target=/x").unwrap_err().kind(), crate::error::Kind::CannotKeep);
    }

    #[test]
    fn bad_volumes_are_refused() {
        for text in ["", ":/x", "/a:", "/a:b", "/a:/", "/a:/..", "/a:/b:rx", "/a:/b:ro:x", "/a:/b:nocopy"] {
            assert!(volume(text).is_err(), "{text}");
        }
    }

    #[test]
    fn mounts_are_read_field_by_field() {
        assert_eq!(mount("type=bind,source=/a,target=/b").unwrap(), bind("/a", "/b", false, "", false));
        assert_eq!(
            mount("type=bind,src=./a,dst=/b,ro,bind-propagation=rshared").unwrap(),
            bind("/home/ann/a", "/b", true, "rshared", false)
        );
        assert_eq!(mount("type=bind,\"src=/a,b\",dst=/c,readonly=false").unwrap(), bind("/a,b", "/c", false, "", false));
        let options = vec!["size=67108864".to_owned(), "mode=1777".to_owned(), "ro".to_owned()];
        assert_eq!(
            mount("type=tmpfs,target=/t,tmpfs-size=64m,tmpfs-mode=1777,readonly").unwrap(),
            Mount::Tmpfs { target: "/t".into(), options }
        );
    }

    #[test]
    fn bad_mounts_are_refused() {
        for text in [
            "",
            "type=bind",
            "type=bind,source=/a",
            "type=bind,target=/b",
            "type=bind,source=a,target=/b",
            "type=what,target=/b",
            "type=bind,source=/a,target=/b,x=y",
            "type=tmpfs,source=/a,target=/b",
            "type=tmpfs,target=/b,tmpfs-mode=9",
            "type=bind,source=/a,target=b",
            "type=bind,source=/a,target=/b,readonly=maybe",
            "type=bind,source=/a,target=/b,bind-propagation=up",
            "type=bind,\"source=/a,target=/b",
            "type=tmpfs,target=/b,tmpfs-size=big",
        ] {
            assert!(mount(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_tmpfs_takes_only_what_tmpfs_knows() {
        let options = vec!["size=10%".to_owned(), "uid=5".to_owned(), "exec".to_owned()];
        assert_eq!(parse_tmpfs("/run:size=10%,uid=5,exec").unwrap(), Mount::Tmpfs { target: "/run".into(), options });
        for text in ["run", "/", "/run:lowerdir=/etc", "/run:size=big", "/run:mode=99", "/run:bind", "/run:uid=-1", "/run:mode=+7"] {
            assert!(parse_tmpfs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_path_is_mounted_once() {
        let twice = [parse_tmpfs("/a").unwrap(), volume("/x:/a/").unwrap().mount];
        assert!(check_targets(&twice).is_err());
        assert!(check_targets(&twice[..1]).is_ok());
    }
}
