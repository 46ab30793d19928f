//! Where logins are written down: Docker's `config.json`, which may send us on to a credential helper, and podman's `auth.json`,
//! which is read where Docker's says nothing, and never written.

use crate::error::{Context, Error, Kind, Result};
use crate::registry::way::address::Address;
use crate::registry::who::credential_helper::Helper;
use crate::registry::who::credentials::{HUB_KEY, Login, entry_of, keys, login_of};
use crate::store::{self, Durable};
use crate::sys::{Errno, file, identity};
use serde_json::{Map, Value, json};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

const LONGEST_FILE: u64 = 4 << 20;

/// Where a login was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// By this helper.
    With(String),
    /// In this file, which anybody can read who is this user.
    Readable(PathBuf),
}

#[derive(Clone, Debug, Default)]
pub struct Logins {
    /// Docker's.
    file: Option<PathBuf>,
    /// podman's.
    others: Vec<PathBuf>,
}

impl Logins {
    /// `DOCKER_CONFIG`, or the user's `~/.docker`; `REGISTRY_AUTH_FILE`, or where podman keeps it while the user is there, and for ever.
    pub fn of_this_user() -> Logins {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let below = |name: &str, path: &str| variable(name).map(|dir| dir.join(path));
        let dir = variable("DOCKER_CONFIG").or_else(|| below("HOME", ".docker"));
        let others = match variable("REGISTRY_AUTH_FILE") {
            Some(named) => vec![named],
            None => {
                let without_session = || PathBuf::from(format!("/run/containers/{}/auth.json", identity::own_uid()));
                let now = below("XDG_RUNTIME_DIR", "containers/auth.json").unwrap_or_else(without_session);
                let ever = below("XDG_CONFIG_HOME", "containers/auth.json").or_else(|| below("HOME", ".config/containers/auth.json"));
                [now].into_iter().chain(ever).collect()
            }
        };
        Logins { file: dir.map(|dir| dir.join("config.json")), others }
    }

    /// Those that we know, for whoever is to choose one.
    pub fn registries(&self) -> Vec<String> {
        let config = self.file.as_ref().and_then(|file| read(file).ok()).unwrap_or_default();
        let auths = config.get("auths").and_then(Value::as_object);
        auths.into_iter().flat_map(Map::keys).map(|key| if key == HUB_KEY { "docker.io".to_owned() } else { key.clone() }).collect()
    }

    pub fn find(&self, address: &Address) -> Result<Option<Login>> {
        for file in self.file.iter().chain(&self.others) {
            if let Some(login) = login_in(&read(file)?, &address.name) {
                return Ok(Some(login));
            }
        }
        Ok(None)
    }

    /// What was there before under this name goes; everything else in the file stays.
    pub fn write(&self, address: &Address, login: &Login) -> Result<Kept> {
        let file = self.file()?;
        let helper = helper_for(&read(file)?, &address.name).map(|name| Helper::named(&name)).transpose()?;
        let [key, older @ ..] = &keys(&address.name)[..] else { return Err(Error::failed("a registry without a name")) };
        let (kept, entry) = match helper {
            Some(helper) => {
                helper.store(key, login)?;
                (Kept::With(helper.name().to_owned()), json!({}))
            }
            None => (Kept::Readable(file.clone()), entry_of(login)),
        };
        change(file, |auths| {
            older.iter().for_each(|old| drop(auths.remove(old)));
            auths.insert(key.clone(), entry);
        })?;
        Ok(kept)
    }

    /// False: nothing was written down.
    pub fn erase(&self, address: &Address) -> Result<bool> {
        let file = self.file()?;
        let config = read(file)?;
        let names = keys(&address.name);
        let mut was_kept = false;
        if let Some(name) = helper_for(&config, &address.name) {
            let helper = Helper::named(&name)?;
            if helper.get(&names[0])?.is_some() {
                helper.erase(&names[0])?;
                was_kept = true;
            }
        }
        let is_named = |auths: &Value| names.iter().any(|name| auths.get(name).is_some());
        let was_named = config.get("auths").is_some_and(is_named);
        if was_named {
            change(file, |auths| auths.retain(|name, _| !names.contains(name)))?;
        }
        Ok(was_kept || was_named)
    }

    /// The file of podman's that still knows us there.
    pub fn known_elsewhere(&self, address: &Address) -> Option<&Path> {
        self.others.iter().map(PathBuf::as_path).find(|file| read(file).is_ok_and(|config| login_in(&config, &address.name).is_some()))
    }

    fn file(&self) -> Result<&PathBuf> {
        self.file.as_ref().ok_or_else(|| Error::failed("nowhere to keep a login").because("neither HOME nor DOCKER_CONFIG is set"))
    }
}

fn read(file: &Path) -> Result<Map<String, Value>> {
    let text = match file::read_bounded(file, LONGEST_FILE) {
        Ok(text) if text.trim_ascii().is_empty() => return Ok(Map::new()),
        Ok(text) => text,
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(Map::new()),
        Err(e) => return Err(Error::from_errno(format!("cannot read {}", file.display()), e)),
    };
    let damaged = || Error::failed(format!("{} is damaged", file.display())).of_kind(Kind::Damaged);
    match serde_json::from_slice(&text).map_err(|e| damaged().because(e))? {
        Value::Object(config) => Ok(config),
        _ => Err(damaged().because("no JSON object")),
    }
}

/// One after the other, where two log in at once.
fn change(file: &Path, how: impl FnOnce(&mut Map<String, Value>)) -> Result<()> {
    let dir = file.parent().unwrap_or(Path::new("."));
    file::make_dirs(dir, 0o700).with_context(|| format!("cannot write {}", file.display()))?;
    let _held = store::lock_dir(dir)?;
    let mut config = read(file)?;
    how(auths_of(&mut config));
    write(file, &config)
}

/// Readable for this user alone, and whole at every moment. A link to a file elsewhere stays one.
fn write(file: &Path, config: &Map<String, Value>) -> Result<()> {
    let cannot = || format!("cannot write {}", file.display());
    let target = match std::fs::read_link(file) {
        Ok(link) => file.canonicalize().unwrap_or_else(|_| file.with_file_name(link)),
        Err(_) => file.to_owned(),
    };
    let owner = std::fs::metadata(&target).ok().map(|about| (about.uid(), about.gid()));
    let mut text = Vec::new();
    let tabs = serde_json::ser::PrettyFormatter::with_indent(b"\t");
    let mut writer = serde_json::Serializer::with_formatter(&mut text, tabs);
    serde::Serialize::serialize(config, &mut writer).map_err(|e| Error::failed(cannot()).because(e))?;
    store::write(&target, &text, Durable::Yes)?;
    // Under sudo it is still the other user's. It is only root who could do that.
    if let Some((user, group)) = owner {
        let _ = chown(&target, Some(user), Some(group));
    }
    Ok(())
}

/// The one for this registry, or the one for all. An empty name is none.
fn helper_for(config: &Map<String, Value>, registry: &str) -> Option<String> {
    let own = config.get("credHelpers").and_then(|helpers| keys(registry).iter().find_map(|key| helpers.get(key)?.as_str()));
    let name = own.or_else(|| config.get("credsStore")?.as_str())?;
    (!name.is_empty()).then(|| name.to_owned())
}

fn login_in(config: &Map<String, Value>, registry: &str) -> Option<Login> {
    let names = keys(registry);
    if let Some(name) = helper_for(config, registry) {
        // Who cannot ask it is nobody, and much can be had by nobody; why that was not enough is told there.
        let told = Helper::named(&name).and_then(|helper| helper.get(&names[0]));
        return told.unwrap_or_else(|e| Some(Login::Withheld(e.to_string())));
    }
    names.iter().find_map(|key| login_of(config.get("auths")?.get(key)?))
}

fn auths_of(config: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let auths = config.entry("auths").or_insert_with(|| json!({}));
    if !auths.is_object() {
        *auths = json!({});
    }
    auths.as_object_mut().expect("an object, as of the line above")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helper_of_a_registry_comes_before_the_one_of_all() {
        let config = json!({ "credsStore": "all", "credHelpers": { "a.io": "own", "b.io": "", HUB_KEY: "hub" } });
        let named = |registry: &str| helper_for(config.as_object().unwrap(), registry);
        assert_eq!(named("a.io").as_deref(), Some("own"));
        assert_eq!(named("b.io"), None);
        assert_eq!(named("c.io").as_deref(), Some("all"));
        assert_eq!(named("docker.io").as_deref(), Some("hub"));
    }
}
