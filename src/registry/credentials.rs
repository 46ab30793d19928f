//! Where logins are written down: Docker's `config.json`, which may send us on to a credential helper, and podman's `auth.json`,
//! which is read where Docker's says nothing, and never written.

use crate::error::{Context, Error, Kind, Result};
use crate::registry::address::Address;
use crate::registry::base64::{from_base64, to_base64};
use crate::registry::helpers::Helper;
use crate::store::{self, Durable};
use crate::sys::{Errno, file};
use serde_json::{Map, Value, json};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

const LONGEST_FILE: u64 = 4 << 20;
/// Under this name Docker's file keeps what is for Docker Hub.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// Who we are to one registry.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    Password {
        user: String,
        secret: String,
    },
    /// Nothing but a token, for which those who give tokens give others.
    Identity {
        user: String,
        token: String,
    },
    /// The token that the registry itself wants to see.
    Bearer(String),
    /// We are somebody there, but the helper that keeps it does not tell: why not.
    Withheld(String),
}

impl Login {
    pub fn user(&self) -> Option<&str> {
        match self {
            Login::Password { user, .. } | Login::Identity { user, .. } => Some(user).filter(|user| !user.is_empty()).map(String::as_str),
            Login::Bearer(_) | Login::Withheld(_) => None,
        }
    }
}

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
    /// `DOCKER_CONFIG`, or the user's `~/.docker`; `REGISTRY_AUTH_FILE`, or where podman keeps it while the user is there.
    pub fn of_this_user() -> Logins {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let dir = variable("DOCKER_CONFIG").or_else(|| variable("HOME").map(|home| home.join(".docker")));
        let podman = variable("REGISTRY_AUTH_FILE").or_else(|| variable("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")));
        Logins { file: dir.map(|dir| dir.join("config.json")), others: podman.into_iter().collect() }
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
        let mut config = read(file)?;
        let helper = helper_for(&config, &address.name).map(|name| Helper::named(&name)).transpose()?;
        let [key, older @ ..] = &keys(&address.name)[..] else { return Err(Error::failed("a registry without a name")) };
        let (kept, entry) = match helper {
            Some(helper) => {
                helper.store(key, login)?;
                (Kept::With(helper.name().to_owned()), json!({}))
            }
            None => (Kept::Readable(file.clone()), entry_of(login)),
        };
        let auths = auths_of(&mut config);
        older.iter().for_each(|old| drop(auths.remove(old)));
        auths.insert(key.clone(), entry);
        write(file, &config)?;
        Ok(kept)
    }

    /// False: nothing was written down.
    pub fn erase(&self, address: &Address) -> Result<bool> {
        let file = self.file()?;
        let mut config = read(file)?;
        let names = keys(&address.name);
        let mut was_there = false;
        if let Some(name) = helper_for(&config, &address.name) {
            let helper = Helper::named(&name)?;
            if helper.get(&names[0])?.is_some() {
                helper.erase(&names[0])?;
                was_there = true;
            }
        }
        let auths = auths_of(&mut config);
        let gone = names.iter().filter(|name| auths.remove(*name).is_some()).count();
        if gone > 0 {
            write(file, &config)?;
        }
        Ok(was_there || gone > 0)
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

/// Readable for this user alone, and whole at every moment. A link to a file elsewhere stays one.
fn write(file: &Path, config: &Map<String, Value>) -> Result<()> {
    let cannot = || format!("cannot write {}", file.display());
    if let Some(dir) = file.parent() {
        file::make_dirs(dir, 0o700).with_context(cannot)?;
    }
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

/// What Docker calls this registry, and what it has called it over the years.
fn keys(registry: &str) -> Vec<String> {
    match registry {
        "docker.io" => vec![HUB_KEY.to_owned(), "docker.io".to_owned(), "index.docker.io".to_owned()],
        name => vec![name.to_owned(), format!("https://{name}"), format!("https://{name}/v1/"), format!("https://{name}/v2/")],
    }
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

fn login_of(entry: &Value) -> Option<Login> {
    let word = |name: &str| entry.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
    let packed = word("auth").and_then(from_base64).and_then(|text| String::from_utf8(text).ok());
    let (user, secret) = match packed.as_deref().and_then(|text| text.split_once(':')) {
        Some((user, secret)) => (user, secret.trim_end_matches('\0')),
        None => (word("username").unwrap_or_default(), word("password").unwrap_or_default()),
    };
    match (word("registrytoken"), word("identitytoken")) {
        (Some(token), _) => Some(Login::Bearer(token.to_owned())),
        (_, Some(token)) => Some(Login::Identity { user: user.to_owned(), token: token.to_owned() }),
        _ if user.is_empty() => None,
        _ => Some(Login::Password { user: user.to_owned(), secret: secret.to_owned() }),
    }
}

fn entry_of(login: &Login) -> Value {
    let packed = |user: &str, secret: &str| to_base64(format!("{user}:{secret}").as_bytes());
    match login {
        Login::Password { user, secret } => json!({ "auth": packed(user, secret) }),
        Login::Identity { user, token } => json!({ "auth": packed(user, ""), "identitytoken": token }),
        Login::Bearer(token) => json!({ "registrytoken": token }),
        Login::Withheld(_) => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_found_as_docker_writes_them() {
        let of = |entry: Value| login_of(&entry);
        let password = |user: &str, secret: &str| Some(Login::Password { user: user.to_owned(), secret: secret.to_owned() });
        let identity = |user: &str| Some(Login::Identity { user: user.to_owned(), token: "t".to_owned() });
        assert!(of(json!({ "auth": to_base64(b"me:se:cret") })) == password("me", "se:cret"));
        assert!(of(json!({ "username": "me", "password": "x" })) == password("me", "x"));
        assert!(of(json!({ "auth": to_base64(b"me:"), "identitytoken": "t" })) == identity("me"));
        assert!(of(json!({ "identitytoken": "t" })) == identity(""));
        assert!(of(json!({ "registrytoken": "b" })) == Some(Login::Bearer("b".to_owned())));
        for nothing in [json!({ "auth": "" }), json!({}), json!({ "auth": "%" }), json!(1)] {
            assert!(of(nothing).is_none());
        }
        for login in [password("a", "b:c"), identity("a")].into_iter().flatten() {
            assert!(login_of(&entry_of(&login)) == Some(login));
        }
    }

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
