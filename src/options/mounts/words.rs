//! `--mount`: the long form, field by field. What does not go together is refused.

use super::{PROPAGATIONS, absolute, check_volume_name, checked_tmpfs_option, ownership, parse_bool, parse_target};
use crate::error::{Error, Result};
use crate::names;
use crate::options::{Below, Mount, Ownership, VolumeMount, labels, sizes, volumes};
use std::path::Path;

/// `type=bind,source=…,target=…[,readonly]`, `type=volume,…` (which is meant where no type is said) or `type=tmpfs,target=…`.
pub fn parse_mount(text: &str, here: &Path) -> Result<Mount> {
    let mut wish = MountWords::default();
    for field in split_fields(text)? {
        wish.take(&field)?;
    }
    let target = parse_target(wish.target.as_deref().ok_or_else(|| Error::usage("there is no target").hint("add target=/path"))?)?;
    let kind = wish.kind.clone().unwrap_or_else(|| "volume".to_owned());
    wish.refuse_words_of_others(&kind)?;
    match kind.as_str() {
        "bind" => wish.bind(target, here),
        "tmpfs" => wish.tmpfs(target),
        "volume" => wish.volume(target),
        "image" | "cluster" | "npipe" => Err(Error::cannot_keep(format!("mounts of type {kind} are not built yet"))),
        _ => Err(Error::usage(format!("unknown type {kind:?}")).hint(names::one_of(&kind, &["bind", "volume", "tmpfs"]))),
    }
}

#[derive(Default)]
struct MountWords {
    kind: Option<String>,
    source: Option<String>,
    target: Option<String>,
    read_only: bool,
    ownership: Ownership,
    /// Keys that belong to one type only, as they came.
    particular: Vec<String>,
    propagation: Option<String>,
    recursion: Option<String>,
    make_source: bool,
    tmpfs_options: Vec<String>,
    volume: VolumeMount,
}

impl MountWords {
    fn take(&mut self, field: &str) -> Result<()> {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (field, None),
        };
        let text = || value.filter(|value| !value.is_empty()).map(str::to_owned).ok_or_else(|| Error::usage(format!("{key} has no value")));
        let switch = || parse_bool(value.unwrap_or("true"));
        if ["bind-", "volume-", "tmpfs-"].iter().any(|kind| key.starts_with(kind)) {
            self.particular.push(key.to_owned());
        }
        match key {
            "type" => self.kind = Some(text()?.to_ascii_lowercase()),
            "source" | "src" => self.source = Some(text()?),
            "target" | "dst" | "destination" => self.target = Some(text()?),
            "readonly" | "ro" => self.read_only = switch()?,
            "consistency" => drop(text()?),
            "U" | "chown" => self.ownership = if switch()? { Ownership::Given } else { Ownership::Kept },
            "noidmap" => self.ownership = if switch()? { Ownership::Outside } else { Ownership::Kept },
            "idmap" => self.ownership = ownership::parse_id_map(field)?.unwrap_or_default(),
            "bind-propagation" => self.propagation = Some(text()?),
            "bind-create-src" => self.make_source = switch()?,
            "bind-recursive" => self.recursion = Some(text()?),
            "bind-nonrecursive" => self.recursion = Some(if switch()? { "disabled" } else { "enabled" }.to_owned()),
            "tmpfs-size" => self.tmpfs_options.push(format!("size={}", sizes::parse_bytes(&text()?)?)),
            "tmpfs-mode" => self.tmpfs_options.push(checked_tmpfs_option(&format!("mode={}", text()?))?),
            "tmpfs-options" => self.tmpfs_options.push(checked_tmpfs_option(&text()?)?),
            "volume-nocopy" => self.volume.no_copy = switch()?,
            "volume-subpath" => self.volume.subpath = Some(text()?),
            "volume-label" => labels::add(&mut self.volume.labels, labels::parse(&text()?)?),
            "volume-driver" => volumes::check_driver(&text()?)?,
            "volume-opt" => self.volume.options.push(volumes::parse_option(&text()?)?),
            _ if key.starts_with("image-") => return Err(Error::cannot_keep(format!("{key} is not built yet"))),
            _ => {
                return Err(Error::usage(format!("unknown key {key:?}"))
                    .hint("type, source, target, readonly, bind-propagation, bind-recursive, volume-subpath, tmpfs-size and the like"));
            }
        }
        Ok(())
    }

    fn refuse_words_of_others(&self, kind: &str) -> Result<()> {
        let own = format!("{kind}-");
        match self.particular.iter().find(|key| !key.starts_with(&own)) {
            Some(key) => Err(Error::usage(format!("{key} does not go with type={kind}"))),
            None => Ok(()),
        }
    }

    fn bind(self, target: String, here: &Path) -> Result<Mount> {
        let source = self.source.as_deref().ok_or_else(|| Error::usage("there is no source").hint("add source=/path"))?;
        if !source.starts_with(['/', '.']) {
            return Err(Error::usage(format!("source {source:?} is not a path")).hint("begin it with / or ./"));
        }
        let propagation = self.propagation.clone().unwrap_or_default();
        if !propagation.is_empty() && !PROPAGATIONS.contains(&propagation.as_str()) {
            return Err(Error::usage(format!("unknown propagation {propagation:?}")).hint(format!("one of {}", PROPAGATIONS.join(", "))));
        }
        let below = self.below(&propagation)?;
        let (source, read_only, make_source, ownership) = (absolute(source, here), self.read_only, self.make_source, self.ownership);
        Ok(Mount::Bind { source, target, read_only, propagation, make_source, below, ownership })
    }

    /// Docker asks for the other words beside it, so that nobody believes in a protection that is not there.
    fn below(&self, propagation: &str) -> Result<Below> {
        let needs = |word: &str, other: &str| {
            Err(Error::usage(format!("bind-recursive={word} goes only with {other}")).hint(format!("add {other}")))
        };
        match self.recursion.as_deref() {
            None | Some("enabled") => Ok(Below::Seen),
            Some("disabled") => Ok(Below::Hidden),
            Some("writable" | "readonly") if !self.read_only => needs(self.recursion.as_deref().unwrap_or_default(), "readonly"),
            Some("writable") => Ok(Below::Writable),
            Some("readonly") if propagation != "rprivate" => needs("readonly", "bind-propagation=rprivate"),
            Some("readonly") => Ok(Below::Seen),
            Some(other) => {
                Err(Error::usage(format!("unknown word {other:?} for bind-recursive")).hint("enabled, disabled, writable or readonly"))
            }
        }
    }

    fn volume(self, target: String) -> Result<Mount> {
        if let Some(name) = &self.source {
            check_volume_name(name)?;
        }
        if let Some(part) = &self.volume.subpath
            && (part.starts_with('/') || part.split('/').any(|step| step == ".."))
        {
            return Err(
                Error::usage(format!("volume-subpath {part:?} leads out of the volume")).hint("name it from the volume's top, without ..")
            );
        }
        volumes::device(&self.volume.options)?;
        let anonymous = self.source.is_none();
        let name = self.source.unwrap_or_default();
        Ok(Mount::Volume(VolumeMount { name, anonymous, target, read_only: self.read_only, ownership: self.ownership, ..self.volume }))
    }

    fn tmpfs(self, target: String) -> Result<Mount> {
        if self.source.is_some() {
            return Err(Error::usage("a tmpfs has no source"));
        }
        if self.ownership != Ownership::Kept {
            return Err(
                Error::usage("a tmpfs has no files that belong to anybody").hint("give it an owner: --tmpfs TARGET:uid=1000,gid=1000")
            );
        }
        let mut options = self.tmpfs_options;
        if self.read_only {
            options.push("ro".to_owned());
        }
        Ok(Mount::Tmpfs { target, options })
    }
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
