//! `registries.toml`: what the user has written about registries, by hand.
//!
//! It lies where `TARE_REGISTRIES` says, else in `~/.config/tare/` (`XDG_CONFIG_HOME`), else in `/etc/tare/`; the first one that is
//! there is the only one. All of it may be left out:
//!
//! ```toml
//! pull = "missing"                        # what run and create do without --pull: missing, always or never
//!
//! [registry."docker.io"]
//! mirrors = ["https://mirror.lan:5000"]   # asked first, in this order, for what is pulled
//!
//! [registry."mirror.lan:5000"]
//! certificates = "/etc/tare/mirror"       # *.crt: whom to trust there; client.cert and client.key: who we are
//!
//! [registry."old.lan:5000"]
//! plain-http = true                       # without TLS
//!
//! [registry."new.lan"]
//! skip-verify = true                      # with TLS, whoever answers
//! ```

use crate::error::{Error, Result};
use crate::names;
use crate::registry::way::address;
use crate::sys::{Errno, file};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LONGEST_FILE: u64 = 1 << 20;
const FOR_ALL_USERS: &str = "/etc/tare/registries.toml";

/// When an image is fetched that somebody wants to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// If it is not here.
    Missing,
    /// Even if it is here.
    Always,
    Never,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub pull: Option<When>,
    #[serde(default)]
    registry: BTreeMap<String, About>,
}

/// What is said about one registry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct About {
    /// `https://mirror.lan:5000`
    #[serde(default)]
    pub mirrors: Vec<String>,
    /// `None`: only if it is on this machine, and TLS is not understood there.
    pub plain_http: Option<bool>,
    pub certificates: Option<PathBuf>,
    #[serde(default)]
    pub skip_verify: bool,
}

impl Settings {
    pub fn of_this_user() -> Result<Settings> {
        for file in places() {
            if let Some(settings) = read(&file)? {
                return Ok(settings);
            }
        }
        Ok(Settings::default())
    }

    pub fn about(&self, registry: &str) -> About {
        self.registry.get(registry).cloned().unwrap_or_default()
    }
}

fn places() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(named) = variable("TARE_REGISTRIES") {
        return vec![named];
    }
    let own = variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config")));
    own.into_iter().map(|dir| dir.join("tare/registries.toml")).chain([PathBuf::from(FOR_ALL_USERS)]).collect()
}

fn read(path: &Path) -> Result<Option<Settings>> {
    let text = match file::read_bounded(path, LONGEST_FILE) {
        Ok(text) => text,
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
        Err(e) => return Err(Error::from_errno(format!("cannot read {}", path.display()), e)),
    };
    parse(&String::from_utf8_lossy(&text)).map(Some).map_err(|e| e.context(format!("cannot use {}", path.display())))
}

fn parse(text: &str) -> Result<Settings> {
    let settings: Settings = basic_toml::from_str(text).map_err(|e| with_nearest(&e.to_string()))?;
    for (name, about) in &settings.registry {
        check_name(name)?;
        about.mirrors.iter().try_for_each(|mirror| check_mirror(mirror).map_err(|e| e.context(format!("mirrors of {name}"))))?;
        if about.certificates.as_ref().is_some_and(|dir| !dir.is_absolute()) {
            return Err(Error::failed(format!("certificates of {name}")).because("the directory must be an absolute path"));
        }
        if about.plain_http == Some(true) && (about.skip_verify || about.certificates.is_some()) {
            return Err(
                Error::failed(format!("registry {name}")).because("plain-http needs no certificates, and there is nothing to verify")
            );
        }
    }
    Ok(settings)
}

/// A message of the parser names the wrong word first and the right ones behind it.
fn with_nearest(message: &str) -> Error {
    let mut words = message.split('`').skip(1).step_by(2);
    let error = Error::failed(message.to_owned());
    let wrong = words.next().filter(|_| message.starts_with("unknown "));
    match wrong.and_then(|wrong| names::did_you_mean(wrong, words)) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn check_name(name: &str) -> Result<()> {
    match name {
        "registry-1.docker.io" | "index.docker.io" => {
            Err(Error::failed(format!("registry.\"{name}\"")).because("Docker Hub is called docker.io here"))
        }
        name if address::is_host(name) => Ok(()),
        _ => Err(Error::failed(format!("registry.\"{name}\""))
            .because("it is no host name")
            .hint("as before the first slash of an image's name: registry.example.com:5000")),
    }
}

fn check_mirror(mirror: &str) -> Result<()> {
    match mirror_parts(mirror) {
        Some((_, host)) if address::is_host(host) => Ok(()),
        _ => Err(Error::failed(format!("\"{mirror}\"")).because("not https:// or http:// and a host, with nothing behind it")),
    }
}

/// Whether it is plain, and its host.
pub fn mirror_parts(mirror: &str) -> Option<(bool, &str)> {
    let (scheme, host) = mirror.split_once("://")?;
    let host = host.strip_suffix('/').unwrap_or(host);
    matches!(scheme, "http" | "https").then_some((scheme == "http", host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_this_file_is_understood() {
        let example = include_str!("settings.rs").lines().map_while(|line| line.strip_prefix("//!"));
        let text: String = example.skip_while(|line| !line.contains("```toml")).skip(1).map(|line| format!("{line}\n")).collect();
        let settings = parse(text.split_once("```").unwrap().0).unwrap();
        assert_eq!(settings.pull, Some(When::Missing));
        assert_eq!(settings.about("docker.io").mirrors, ["https://mirror.lan:5000"]);
        assert_eq!(settings.about("mirror.lan:5000").certificates, Some(PathBuf::from("/etc/tare/mirror")));
        assert_eq!((settings.about("old.lan:5000").plain_http, settings.about("other").plain_http), (Some(true), None));
        assert!(settings.about("new.lan").skip_verify && !settings.about("old.lan:5000").skip_verify);
    }

    #[test]
    fn a_wrong_word_is_named_with_its_line_and_the_right_one() {
        let error = |text: &str| parse(text).unwrap_err();
        let wrong = error("\n[registry.\"docker.io\"]\nmirors = [\"https://a\"]\n");
        assert!(wrong.to_string().contains("`mirors`") && wrong.to_string().contains("line 2"), "{wrong}");
        assert_eq!(wrong.hint_text(), Some("did you mean mirrors?"));
        assert_eq!(error("pull = \"alway\"").hint_text(), Some("did you mean always?"));
        for wrong in [
            "pull = 1",
            "[registry.\"https://a\"]",
            "[registry.\"a/b\"]",
            "[registry.\"index.docker.io\"]",
            "[registry.a]\nmirrors = [\"b\"]",
            "[registry.a]\nmirrors = [\"https://b/c\"]",
            "[registry.a]\nmirrors = [\"https://me:pass@b\"]",
            "[registry.a]\ncertificates = \"here\"",
            "[registry.a]\nplain-http = true\nskip-verify = true",
            "[registry.a]\nplain-http = \"true\"",
            "[registry",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("").unwrap().pull.is_none());
    }
}
