//! Who we are to a registry: what `docker login` has written down, and the tokens that registries give for it.

use crate::error::{Error, Result};
use crate::registry::address::{Address, is_link_local, is_loopback};
use crate::registry::challenge::{self, Challenge};
use crate::registry::http::{Answer, Http, Question, complaint, harmless};
use serde_json::Value;
use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Mutex;

const LONGEST_TOKEN: u64 = 1 << 20;
const LONGEST_FILE: u64 = 4 << 20;
/// Under this name Docker's file keeps what is for Docker Hub.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// Name and secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub secret: String,
}

/// Where logins are written down.
#[derive(Clone, Debug, Default)]
pub struct Logins {
    file: Option<PathBuf>,
}

impl Logins {
    /// `DOCKER_CONFIG`, or the user's `~/.docker`.
    pub fn of_this_user() -> Logins {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let dir = variable("DOCKER_CONFIG").or_else(|| variable("HOME").map(|home| home.join(".docker")));
        Logins { file: dir.map(|dir| dir.join("config.json")) }
    }

    pub fn find(&self, address: &Address) -> Result<Option<Login>> {
        let Some(file) = &self.file else { return Ok(None) };
        let text = match crate::sys::file::read_bounded(file, LONGEST_FILE) {
            Ok(text) => text,
            Err(crate::sys::Errno::ENOENT) => return Ok(None),
            Err(e) => return Err(Error::from_errno(format!("cannot read {}", file.display()), e)),
        };
        let config: Value =
            serde_json::from_slice(&text).map_err(|e| Error::damaged(format!("{} is damaged", file.display())).because(e))?;
        Ok(keys(&address.name).iter().find_map(|key| login_of(config.get("auths")?.get(key)?)))
    }
}

/// Docker has written them in several ways over the years.
fn keys(registry: &str) -> Vec<String> {
    match registry {
        "docker.io" => vec![HUB_KEY.to_owned(), "docker.io".to_owned(), "index.docker.io".to_owned()],
        name => vec![name.to_owned(), format!("https://{name}"), format!("https://{name}/v1/"), format!("https://{name}/v2/")],
    }
}

fn login_of(entry: &Value) -> Option<Login> {
    let word = |name: &str| entry.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
    if let Some(packed) = word("auth") {
        let text = String::from_utf8(from_base64(packed)?).ok()?;
        let (user, secret) = text.split_once(':')?;
        return Some(Login { user: user.to_owned(), secret: secret.trim_end_matches('\0').to_owned() });
    }
    Some(Login { user: word("username")?.to_owned(), secret: word("password")?.to_owned() })
}

/// What is shown at the door, for each thing that is wanted there.
#[derive(Default)]
pub struct Passes(Mutex<HashMap<String, String>>);

impl Passes {
    pub fn get(&self, scope: &str) -> Option<String> {
        self.0.lock().ok()?.get(scope).cloned()
    }

    /// The registry said 401, and what it wants to see.
    pub fn obtain(&self, http: &Http, login: Option<&Login>, scope: &str, refusal: Answer) -> Result<String> {
        let headers = refusal.headers().get_all("www-authenticate").iter().filter_map(|header| header.to_str().ok());
        let challenges: Vec<Challenge> = headers.flat_map(challenge::parse).collect();
        let by = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        let pass = match (by("bearer"), by("basic"), login) {
            (Some(challenge), _, login) => format!("Bearer {}", token(http, challenge, login, scope)?),
            (None, Some(_), Some(login)) => basic(login),
            _ => return Err(denied(&http.address, complaint(refusal))),
        };
        if let Ok(mut passes) = self.0.lock() {
            passes.insert(scope.to_owned(), pass.clone());
        }
        Ok(pass)
    }
}

pub fn denied(address: &Address, why: String) -> Error {
    Error::failed(format!("registry {} does not let us in", address.name))
        .because(why)
        .hint(format!("tare login {}, if you have an account there; the name may also be wrong", address.name))
}

fn basic(login: &Login) -> String {
    format!("Basic {}", to_base64(format!("{}:{}", login.user, login.secret).as_bytes()))
}

/// Docker's flow: the registry names somebody who gives tokens, and he may know us.
fn token(http: &Http, challenge: &Challenge, login: Option<&Login>, scope: &str) -> Result<String> {
    let realm = challenge.get("realm").unwrap_or_default();
    check_realm(http, realm)?;
    let service = challenge.get("service").map(|service| format!("service={}&", percent_encoded(service))).unwrap_or_default();
    let between = if realm.contains('?') { '&' } else { '?' };
    // Several things that are wanted stand in several parameters.
    let scopes: Vec<String> = scope.split(' ').map(|scope| format!("scope={}", percent_encoded(scope))).collect();
    let target = format!("{realm}{between}{service}{}", scopes.join("&"));
    let answer = http.ask(&Question { pass: login.map(basic), ..Question::get(&target) })?;
    if !answer.status().is_success() {
        return Err(denied(&http.address, complaint(answer)));
    }
    let mut text = Vec::new();
    let strange = || Error::failed(format!("registry {} gives no token", http.address.name));
    answer.into_body().into_reader().take(LONGEST_TOKEN).read_to_end(&mut text).map_err(|e| strange().because(e))?;
    let said: Value = serde_json::from_slice(&text).map_err(|e| strange().because(e))?;
    let word = |name: &str| said.get(name).and_then(Value::as_str).filter(|word| !word.is_empty());
    // Nothing that would begin a further header.
    word("token")
        .or_else(|| word("access_token"))
        .filter(|token| token.bytes().all(|b| b.is_ascii_graphic()))
        .map(str::to_owned)
        .ok_or_else(strange)
}

/// He learns who we are, so he must be behind TLS, unless all of this happens on our own machine.
fn check_realm(http: &Http, realm: &str) -> Result<()> {
    let wrong = |why: &str| {
        Err(Error::failed(format!("registry {} sends us to {} for a token", http.address.name, harmless(realm))).because(why.to_owned()))
    };
    let Ok(uri) = realm.parse::<ureq::http::Uri>() else { return wrong("that is no address") };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    match uri.scheme_str() {
        Some("https" | "http") if is_link_local(host) => wrong("that is an address of this machine's own surroundings"),
        Some("https") => Ok(()),
        Some("http") if http.is_plain() && is_loopback(host) => Ok(()),
        _ => wrong("what we say could be read on the way"),
    }
}

pub fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648.
pub fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place)) as usize & 63];
            text.push(if place > group.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=').bytes();
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0u32, 0);
    for letter in letters {
        let value = LETTERS.iter().position(|known| *known == letter)?;
        word = (word << 6 | value as u32) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn base64_goes_both_ways() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(to_base64(bytes.as_bytes()), text);
            assert_eq!(from_base64(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(from_base64("a b"), None);
    }

    #[test]
    fn logins_are_found_as_docker_writes_them() {
        let login = login_of(&json!({ "auth": to_base64(b"me:se:cret") })).unwrap();
        assert_eq!((login.user.as_str(), login.secret.as_str()), ("me", "se:cret"));
        assert!(login_of(&json!({ "auth": "" })).is_none() && login_of(&json!({})).is_none());
        assert!(keys("docker.io").contains(&HUB_KEY.to_owned()));
    }

    #[test]
    fn a_token_is_fetched_only_where_nobody_listens() {
        let http = Http::new(Address::of("r.example"));
        assert!(check_realm(&http, "https://auth.example/token").is_ok());
        for wrong in ["http://auth.example/token", "https://169.254.169.254/token", "http://127.0.0.1/token", "ftp://x/", "token", ""] {
            assert!(check_realm(&http, wrong).is_err(), "{wrong}");
        }
    }
}
