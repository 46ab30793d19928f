//! Who gives the tokens that a registry wants to see: knows `me` with the password `secret`, and signs what he gives.

use super::fresh_directory;
use super::process::{self, tool};
use super::registry::{Answer, Asked, Registry, Strange};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

pub struct TokenServer {
    pub server: Strange,
    dir: PathBuf,
}

/// What `me:secret` is, packed.
pub const PACKED: &str = "bWU6c2VjcmV0";
/// The token that other tokens are given for.
const IDENTITY: &str = "identity-of-me";

impl TokenServer {
    /// `gives_identity`: at a login, too.
    pub fn start(gives_identity: bool) -> TokenServer {
        let dir = fresh_directory(&std::env::temp_dir(), "tare-tokens");
        let (key, certificate) = (dir.join("key.pem"), dir.join("cert.pem"));
        let words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens", "-keyout"];
        tool(&[&words[..], &[text(&key), "-out", text(&certificate)]].concat()).ok();
        let place = dir.clone();
        let server = Strange::start(move |asked| answer(&place, asked, gives_identity));
        TokenServer { server, dir }
    }

    /// A registry that believes him.
    pub fn registry(&self) -> Option<Registry> {
        let (host, certificate) = (&self.server.host, self.dir.join("cert.pem"));
        let words = format!("realm: \"http://{host}/token\", service: here, issuer: tests, rootcertbundle: {}", certificate.display());
        Registry::start(|_| String::new(), |_| format!("auth: {{ token: {{ {words} }} }}"))
    }

    /// What was asked for, in order.
    pub fn scopes(&self) -> Vec<String> {
        self.server
            .asked()
            .iter()
            .flat_map(|asked| words(asked).into_iter().filter(|(name, _)| name == "scope"))
            .map(|(_, scope)| scope)
            .collect()
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("utf-8")
}

/// Of the query, or of a form.
fn words(asked: &Asked) -> Vec<(String, String)> {
    let query = match asked.method.as_str() {
        "POST" => String::from_utf8(asked.body.clone()).expect("a form is text"),
        _ => asked.path.split_once('?').map_or(String::new(), |(_, query)| query.to_owned()),
    };
    let pairs = query.split('&').filter_map(|word| word.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.replace("%2C", ",").replace("%2F", "/").replace("%3A", ":").replace("%2A", "*")))
        .collect()
}

fn answer(dir: &Path, asked: &Asked, gives_identity: bool) -> Answer {
    let words = words(asked);
    let is = |name: &str, value: &str| words.iter().any(|(have, word)| have == name && word == value);
    let refused = || Answer::new(401, r#"{"details":"incorrect username or password"}"#);
    let is_me = match (asked.method.as_str(), asked.header("authorization")) {
        ("POST", None) if is("grant_type", "refresh_token") && is("refresh_token", IDENTITY) => true,
        ("GET", Some(shown)) if shown == format!("Basic {PACKED}") => true,
        ("GET", None) => false,
        _ => return refused(),
    };
    let mut access = Vec::new();
    for (_, scope) in words.iter().filter(|(name, _)| name == "scope") {
        let [kind, name, actions] = scope.splitn(3, ':').collect::<Vec<_>>()[..] else { return refused() };
        // Everybody may read what is open.
        let may = |action: &&str| is_me || (name.starts_with("open/") && *action == "pull");
        let actions: Vec<&str> = actions.split(',').filter(may).collect();
        access.push(json!({ "type": kind, "name": name, "actions": actions }));
    }
    let mut given = json!({ "token": sign(dir, &json!(access)), "expires_in": 300 });
    if gives_identity && is("offline_token", "true") {
        given["refresh_token"] = json!(IDENTITY);
    }
    Answer::new(200, given.to_string())
}

/// A JSON web token.
fn sign(dir: &Path, access: &serde_json::Value) -> String {
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).expect("a file of the token server");
    let chain: String = read("cert.pem").lines().filter(|line| !line.starts_with('-')).collect();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let claims = json!({
        "iss": "tests", "sub": "me", "aud": "here", "iat": now, "nbf": now - 10, "exp": now + 300, "jti": format!("{now}"), "access": access,
    });
    let header = json!({ "typ": "JWT", "alg": "RS256", "x5c": [chain] });
    let signed = format!("{}.{}", packed(header.to_string().as_bytes()), packed(claims.to_string().as_bytes()));
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-sign"]).arg(dir.join("key.pem"));
    let ran = process::run(command, Some(signed.clone().into_bytes()));
    assert_eq!(ran.code, 0, "{}", ran.story());
    format!("{signed}.{}", packed(&ran.raw))
}

/// base64, as it stands in addresses.
fn packed(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let group = |group: &[u8]| {
        let word = group.iter().chain(&[0; 2]).take(3).fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        (0..=group.len()).map(|place| char::from(LETTERS[(word >> (18 - 6 * place)) as usize & 63])).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}
