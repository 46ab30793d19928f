//! What is shown at the door: a password, or a token that somebody gives for it, and another one when that has grown old.

use crate::error::{Error, Result};
use crate::registry::way::address::{Address, is_link_local, is_loopback, without_port};
use crate::registry::way::http::{Answer, Http, Question, complaint, harmless};
use crate::registry::way::short;
use crate::registry::who::base64::to_base64;
use crate::registry::who::challenge::{self, Challenge};
use crate::registry::who::credentials::Login;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const LONGEST_TOKEN: u64 = 1 << 20;
/// So long every token is good, also where less is said, or nothing.
const SHORTEST_LIFE: Duration = Duration::from_secs(60);
/// It shall not grow old on its way.
const BEFORE_ITS_END: Duration = Duration::from_secs(10);
/// What we call ourselves where tokens are given.
const CLIENT: &str = "tare";

/// What is shown at the door, for each thing that is wanted there.
#[derive(Default)]
pub struct Passes(Mutex<HashMap<String, Pass>>);

#[derive(Clone)]
pub struct Pass {
    pub text: String,
    /// `None`: it never grows old.
    until: Option<Instant>,
    /// For which tokens are given from now on, instead of the password.
    pub identity: Option<String>,
}

impl Pass {
    fn of_password(user: &str, secret: &str) -> Pass {
        Pass { text: basic(user, secret), until: None, identity: None }
    }
}

impl Passes {
    pub fn get(&self, scope: &str) -> Option<String> {
        let passes = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        passes.get(scope).filter(|pass| pass.until.is_none_or(|until| Instant::now() < until)).map(|pass| pass.text.clone())
    }

    /// The registry said 401 to what was shown, and what it wants to see. Of many who hear that at once one goes for a token, and
    /// the others wait for him.
    pub fn obtain(&self, http: &Http, login: Option<&Login>, scope: &str, shown: Option<&str>, refusal: Answer) -> Result<()> {
        let mut passes = self.0.lock().unwrap_or_else(|broken| broken.into_inner());
        if passes.get(scope).is_some_and(|pass| shown != Some(&pass.text) && pass.until.is_none_or(|until| Instant::now() < until)) {
            return Ok(());
        }
        match pass(http, login, scope, refusal)? {
            Ok(pass) => drop(passes.insert(scope.to_owned(), pass)),
            Err(why) => return Err(denied(&http.address, login, why)),
        }
        Ok(())
    }
}

/// `login`: who we are there, as far as that was asked for.
pub fn denied(address: &Address, login: Option<&Login>, why: String) -> Error {
    let registry = &address.name;
    let error = Error::failed(format!("registry {registry} does not let us in")).because(why);
    match (login, login.and_then(Login::user)) {
        (Some(Login::Withheld(why)), _) => error.because(format!("who we are there is not known: {why}")),
        (_, Some(user)) => error.hint(format!("you are {user} there: tare login {registry} as somebody else; the name may also be wrong")),
        _ => error.hint(format!("tare login {registry}, if you have an account there; the name may also be wrong")),
    }
}

/// What answers this refusal; or why we are refused.
pub fn pass(http: &Http, login: Option<&Login>, scope: &str, refusal: Answer) -> Result<Result<Pass, String>> {
    let headers = refusal.headers().get_all("www-authenticate").iter().filter_map(|header| header.to_str().ok());
    let challenges: Vec<Challenge> = headers.flat_map(challenge::parse).collect();
    let by = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
    match (by("bearer"), by("basic"), login) {
        (Some(_), _, Some(Login::Bearer(token))) => Ok(Ok(Pass { text: format!("Bearer {token}"), until: None, identity: None })),
        (Some(challenge), _, login) => token(http, challenge, login, scope),
        (None, Some(_), Some(Login::Password { user, secret })) => Ok(Ok(Pass::of_password(user, secret))),
        _ => Ok(Err(complaint(refusal))),
    }
}

fn basic(user: &str, secret: &str) -> String {
    format!("Basic {}", to_base64(format!("{user}:{secret}").as_bytes()))
}

/// Docker's flow: the registry names somebody who gives tokens, and he may know us.
fn token(http: &Http, challenge: &Challenge, login: Option<&Login>, scope: &str) -> Result<Result<Pass, String>> {
    let realm = challenge.get("realm").unwrap_or_default();
    check_realm(http, realm)?;
    let mut words: Vec<(&str, &str)> = challenge.get("service").map(|service| ("service", service)).into_iter().collect();
    // Several things that are wanted stand in several parameters.
    words.extend(scope.split(' ').filter(|scope| !scope.is_empty()).map(|scope| ("scope", scope)));
    let answer = match login {
        Some(Login::Identity { token, .. }) => {
            words.extend([("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", CLIENT)]);
            http.ask_with_form(realm, &form(&words))?
        }
        Some(Login::Password { user, secret }) => {
            words.extend([("account", user.as_str()), ("client_id", CLIENT)]);
            // At a login, a token in place of the password is as good.
            words.extend(scope.is_empty().then_some(("offline_token", "true")));
            http.ask(&Question { pass: Some(basic(user, secret)), ..Question::get(&with_query(realm, &form(&words))) })?
        }
        _ => http.ask(&Question::get(&with_query(realm, &form(&words))))?,
    };
    match answer.status().is_success() {
        true => read(http, answer).map(Ok),
        false => Ok(Err(complaint(answer))),
    }
}

fn with_query(realm: &str, query: &str) -> String {
    let between = if realm.contains('?') { '&' } else { '?' };
    format!("{realm}{between}{query}")
}

fn read(http: &Http, answer: Answer) -> Result<Pass> {
    let strange = || Error::failed(format!("registry {} gives no token", http.address.name));
    let text = short::read(answer, LONGEST_TOKEN).map_err(|e| strange().because(e))?;
    let said: Value = serde_json::from_slice(&text).map_err(|e| strange().because(e))?;
    // Nothing that would begin a further header.
    let word = |name: &str| said.get(name)?.as_str().filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic()));
    let token = word("token").or_else(|| word("access_token")).ok_or_else(strange)?;
    let life = said.get("expires_in").and_then(Value::as_u64).map(Duration::from_secs).unwrap_or_default();
    let until = Instant::now().checked_add(life.saturating_sub(BEFORE_ITS_END).max(SHORTEST_LIFE));
    Ok(Pass { text: format!("Bearer {token}"), until, identity: word("refresh_token").map(str::to_owned) })
}

/// He learns who we are, so he must be behind TLS, unless all of this happens on our own machine, or at a registry that the user
/// himself speaks to without.
fn check_realm(http: &Http, realm: &str) -> Result<()> {
    let wrong = |why: &str| {
        Err(Error::failed(format!("registry {} sends us to {} for a token", http.address.name, harmless(realm))).because(why.to_owned()))
    };
    let Ok(uri) = realm.parse::<ureq::http::Uri>() else { return wrong("that is no address") };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_there = is_loopback(host) && is_loopback(without_port(&http.address.host)) || host == without_port(&http.address.host);
    match uri.scheme_str() {
        Some("https" | "http") if is_link_local(host) => wrong("that is an address of this machine's own surroundings"),
        Some("https") => Ok(()),
        Some("http") if http.is_plain() && is_there => Ok(()),
        _ => wrong("what we say could be read on the way"),
    }
}

/// `application/x-www-form-urlencoded`, which is also what stands behind a `?`.
pub fn form(words: &[(&str, &str)]) -> String {
    let words: Vec<String> = words.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
    words.join("&")
}

pub fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::way::address::Plain;

    #[test]
    fn a_token_is_fetched_only_where_nobody_listens() {
        let http = Http::new(Address::of("r.example"), &Default::default());
        assert!(check_realm(&http, "https://auth.example/token").is_ok());
        for wrong in ["http://auth.example/token", "https://169.254.169.254/token", "http://127.0.0.1/token", "ftp://x/", "token", ""] {
            assert!(check_realm(&http, wrong).is_err(), "{wrong}");
        }
        let plain = Http::new(Address { plain: Plain::Yes, ..Address::of("r.lan:5000") }, &Default::default());
        assert!(check_realm(&plain, "http://r.lan:5001/token").is_ok());
        assert!(check_realm(&plain, "http://auth.example/token").is_err() && check_realm(&plain, "http://127.0.0.1/token").is_err());
    }
}
