//! `login` and `logout`: who this user is at a registry is proven first, and then written down.

use crate::error::{Error, Result};
use crate::registry::{Address, Kept, Known, Login, prove};
use std::path::PathBuf;

/// As Docker's users name it, also with the address of its first version; nothing at all is Docker Hub.
pub fn registry(typed: &str) -> Result<Address> {
    let bare = typed.split_once("://").map_or(typed, |(_, rest)| rest);
    let host = bare.split('/').next().unwrap_or_default();
    match host {
        "" if typed.is_empty() => Ok(Address::of("docker.io")),
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => Ok(Address::of("docker.io")),
        host if Address::is_host(host) => Ok(Address::of(host)),
        _ => Err(Error::usage(format!("\"{typed}\" is no registry")).because("it is no host name").hint("registry.example.com:5000")),
    }
}

/// Who the user was there until now.
pub fn known(registry: &Address) -> Result<Option<Login>> {
    let found = Known::of_this_user()?.logins.find(registry)?;
    Ok(found.filter(|login| !matches!(login, Login::Withheld(_))))
}

/// Where he is known, for whoever is to choose one.
pub fn registries() -> Vec<String> {
    Known::of_this_user().map(|known| known.logins.registries()).unwrap_or_default()
}

pub fn login(registry: &Address, user: String, secret: String) -> Result<Kept> {
    let known = Known::of_this_user()?;
    let login = prove(&known, &registry.name, Login::Password { user, secret })?;
    known.logins.write(registry, &login).map_err(|e| e.context(format!("{} lets you in, but that cannot be kept", registry.name)))
}

/// Whether what is written down is still believed there.
pub fn is_believed(registry: &Address, login: Login) -> Result<()> {
    prove(&Known::of_this_user()?, &registry.name, login).map(drop)
}

pub struct Gone {
    /// Something was written down.
    pub was_there: bool,
    /// A file that is not ours to change still knows the user there.
    pub elsewhere: Option<PathBuf>,
}

pub fn logout(registry: &Address) -> Result<Gone> {
    let logins = Known::of_this_user()?.logins;
    let was_there = logins.erase(registry)?;
    Ok(Gone { was_there, elsewhere: logins.known_elsewhere(registry).map(PathBuf::from) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_named_as_at_docker() {
        for hub in ["", "docker.io", "https://index.docker.io/v1/", "index.docker.io"] {
            assert_eq!(registry(hub).unwrap().name, "docker.io", "{hub}");
        }
        assert_eq!(registry("https://r.example:5000/v2/").unwrap().name, "r.example:5000");
        for wrong in ["https://", "a b", "me@r.example", "r.example:x"] {
            assert!(registry(wrong).is_err(), "{wrong}");
        }
    }
}
