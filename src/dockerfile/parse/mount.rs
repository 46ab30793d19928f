//! `RUN --mount=…`: field by field. Fields that name variables are read once more when their values are known.

use super::said::Said;
use crate::dockerfile::expand::{self, LookUp};
use crate::dockerfile::instruction::{MountKind, RunMount, Sharing};
use crate::error::{Error, Result};
use crate::names;
use crate::options::mounts::parse_bool;
use crate::options::sizes;

const KEYS: &[&str] = &[
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "mode",
    "uid",
    "gid",
    "size",
    "env",
];

pub fn parse(text: &str, said: &Said, at: usize) -> Result<RunMount> {
    let mut mount = RunMount { text: text.to_owned(), at: said.place(at), escape: said.escape, ..RunMount::default() };
    understand(&mut mount, None).map_err(|error| said.wrong_because(at, &error))?;
    Ok(mount)
}

impl RunMount {
    /// With its variables replaced.
    pub fn expanded(&self, look_up: LookUp) -> Result<RunMount> {
        let mut mount = RunMount { text: self.text.clone(), at: self.at, escape: self.escape, ..RunMount::default() };
        understand(&mut mount, Some(look_up)).map_err(|error| error.context(format!("--mount={:.100}", self.text)))?;
        Ok(mount)
    }
}

/// Without values of variables, fields that name some are passed over.
fn understand(mount: &mut RunMount, look_up: Option<LookUp>) -> Result<()> {
    let mut fields = Vec::new();
    let mut is_whole = true;
    for field in split(&mount.text)? {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key.to_ascii_lowercase(), Some(value.to_owned())),
            None => (field.to_ascii_lowercase(), None),
        };
        if !KEYS.contains(&key.as_str()) {
            return Err(Error::usage(format!("unknown key {key:.60?} of --mount")).hint(near(&key)));
        }
        let value = match (value, look_up) {
            (None, _) => None,
            (Some(value), Some(look_up)) => Some(expand::word(&value, mount.escape, look_up)?),
            (Some(value), None) if expand::names(&value, mount.escape).is_empty() => Some(expand::word(&value, mount.escape, &|_| None)?),
            (Some(_), None) if key == "from" => {
                return Err(Error::usage("from= takes no variables").hint("FROM $IMAGE AS NAME gives it a name, and from=NAME uses it"));
            }
            (Some(value), None) => {
                expand::check(&value, mount.escape)?;
                is_whole = false;
                continue;
            }
        };
        fields.push((key, value));
    }
    // Which kind it is decides what the others may be, wherever it stands.
    fields.sort_by_key(|(key, _)| key != "type");
    for (key, value) in &fields {
        field(mount, key, value.as_deref())?;
    }
    if is_whole { agree(mount) } else { Ok(()) }
}

fn field(mount: &mut RunMount, key: &str, value: Option<&str>) -> Result<()> {
    let text = || value.ok_or_else(|| Error::usage(format!("{key} has no value")).hint(format!("write {key}=VALUE")));
    let switch = || parse_bool(value.unwrap_or("true")).map_err(|error| error.context(key));
    let number = |radix: u32| {
        let text = text()?;
        let wrong = || Error::usage(format!("{key} is not {text:?}")).hint(if radix == 8 { "mode=0755" } else { "a number" });
        u32::from_str_radix(text, radix).map(Some).map_err(|_| wrong())
    };
    match key {
        "type" => {
            let kinds = [MountKind::Bind, MountKind::Cache, MountKind::Tmpfs, MountKind::Secret, MountKind::Ssh];
            let text = text()?.to_ascii_lowercase();
            let found = kinds.into_iter().find(|kind| kind.name() == text);
            mount.kind = found.ok_or_else(|| {
                Error::usage(format!("unknown type {text:?} of --mount")).hint(names::one_of(&text, &kinds.map(MountKind::name)))
            })?;
        }
        "from" => mount.from = Some(text()?.to_owned()),
        "source" | "src" => mount.source = Some(text()?.to_owned()),
        "target" | "dst" | "destination" => mount.target = Some(text()?.to_owned()),
        "readonly" | "ro" => mount.read_only = Some(switch()?),
        "readwrite" | "rw" => mount.read_only = Some(!switch()?),
        "id" => mount.id = Some(text()?.to_owned()),
        "env" => mount.env = Some(text()?.to_owned()),
        "required" => mount.required = Some(switch()?),
        "sharing" => {
            mount.sharing = Some(match text()?.to_ascii_lowercase().as_str() {
                "shared" => Sharing::Shared,
                "private" => Sharing::Private,
                "locked" => Sharing::Locked,
                other => {
                    return Err(
                        Error::usage(format!("unknown sharing {other:?}")).hint(names::one_of(other, &["shared", "private", "locked"]))
                    );
                }
            });
        }
        "mode" => mount.mode = number(8)?,
        "uid" => mount.uid = number(10)?,
        "gid" => mount.gid = number(10)?,
        _ => mount.size = Some(sizes::parse_bytes(text()?)?),
    }
    Ok(())
}

/// What does not go together is refused.
fn agree(mount: &RunMount) -> Result<()> {
    use MountKind::{Bind, Cache, Secret, Ssh, Tmpfs};
    let name = mount.kind.name();
    let only = |is_said: bool, key: &str, kinds: &[MountKind]| match is_said && !kinds.contains(&mount.kind) {
        true => {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            Err(Error::usage(format!("{key} means nothing for a mount of type {name}"))
                .hint(format!("it is for type={}", kinds.join(" and "))))
        }
        false => Ok(()),
    };
    only(mount.mode.is_some(), "mode", &[Cache, Secret, Ssh])?;
    only(mount.uid.is_some(), "uid", &[Cache, Secret, Ssh])?;
    only(mount.gid.is_some(), "gid", &[Cache, Secret, Ssh])?;
    only(mount.size.is_some(), "size", &[Tmpfs])?;
    only(mount.sharing.is_some(), "sharing", &[Cache])?;
    only(mount.required.is_some(), "required", &[Secret, Ssh])?;
    only(mount.env.is_some(), "env", &[Secret])?;
    only(mount.from.is_some(), "from", &[Bind, Cache])?;
    let has_target = mount.target.as_ref().is_some_and(|target| !target.is_empty());
    match mount.kind {
        Bind | Cache | Tmpfs if !has_target => Err(Error::usage("there is no target").hint("add target=/path")),
        Secret if mount.source.is_some() && mount.id.is_some() => {
            Err(Error::usage("a secret has either an id or a source, and here are both").hint("leave source out"))
        }
        Secret if mount.source.is_none() && mount.id.is_none() && !has_target => {
            Err(Error::usage("which secret is not said").hint("add id=NAME, and give --secret id=NAME,src=FILE to the build"))
        }
        _ => Ok(()),
    }
}

fn near(key: &str) -> String {
    names::did_you_mean(key, KEYS.iter().copied())
        .unwrap_or_else(|| "type, from, source, target, id, ro, rw, sharing, mode, uid, gid …".to_owned())
}

/// At commas, as CSV: a field in double quotes may hold some.
fn split(text: &str) -> Result<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut is_quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let Some(field) = fields.last_mut() else { break };
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => field.extend(letters.next()),
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            letter => field.push(letter),
        }
    }
    match is_quoted {
        true => Err(Error::usage("a quote is not closed")),
        false => Ok(fields),
    }
}
