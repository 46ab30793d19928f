//! Who we are to a registry, as it stands in Docker's `config.json`.

use crate::registry::who::base64::{from_base64, to_base64};
use serde_json::{Value, json};

/// Under this name Docker's file keeps what is for Docker Hub.
pub const HUB_KEY: &str = "https://index.docker.io/v1/";

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

/// What Docker calls this registry, and what it has called it over the years.
pub fn keys(registry: &str) -> Vec<String> {
    match registry {
        "docker.io" => vec![HUB_KEY.to_owned(), "docker.io".to_owned(), "index.docker.io".to_owned()],
        name => vec![name.to_owned(), format!("https://{name}"), format!("https://{name}/v1/"), format!("https://{name}/v2/")],
    }
}

pub fn login_of(entry: &Value) -> Option<Login> {
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

pub fn entry_of(login: &Login) -> Value {
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
}
