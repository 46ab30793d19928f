//! Tokens: asked for where the registry says, for what is wanted, and again when they have grown old.

use crate::common::process::tool;
use crate::common::registry::{Answer, Served, Strange};
use crate::common::token_server::{PACKED, TokenServer};
use crate::common::{Layer, Store};
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn image() -> Served {
    Served::new(Layer::new().file("word", 0o644, "pulled").tar())
}

#[test]
fn tokens_are_asked_for_what_is_wanted_and_no_more() {
    let tokens = TokenServer::start(false);
    let Some(registry) = tokens.registry() else { return };
    registry.fill("open/box:1");
    registry.fill("team/box:1");
    let store = Store::empty();
    let (host, before) = (registry.host.as_str(), tokens.scopes().len());
    store.ok(&["pull", "-q", &format!("{host}/open/box:1")]);
    assert_eq!(tokens.scopes()[before..], ["repository:open/box:pull"], "one token for all of it");
    let name = format!("{host}/team/box:1");
    let error = store.fails(1, &["pull", "-q", &name]);
    assert!(error.contains("does not let us in") && error.contains(&format!("tare login {host}")), "{error}");
    let wrong = store.tare_with(&["login", "-u", "me", "--password-stdin", host], "wrong");
    assert!(wrong.code == 1 && wrong.stderr.contains("incorrect username or password"), "{}", wrong.story());
    store.tare_with(&["login", "-u", "me", "--password-stdin", host], "secret").ok();
    assert_eq!(store.ok(&["pull", "-q", &name]), name);
    let before = tokens.scopes().len();
    store.ok(&["tag", &name, &format!("{host}/team/new:2")]);
    store.ok(&["push", "-q", &format!("{host}/team/new:2")]);
    let scopes = &tokens.scopes()[before..];
    assert!(scopes.iter().any(|scope| scope == "repository:team/new:pull,push"), "{scopes:?}");
    tool(&["skopeo", "inspect", "-n", "--tls-verify=false", "--creds", "me:secret", &format!("docker://{host}/team/new:2")]).ok();
}

#[test]
fn a_token_in_place_of_the_password_is_kept_where_there_is_one() {
    let tokens = TokenServer::start(true);
    let Some(registry) = tokens.registry() else { return };
    registry.fill("team/box:1");
    let store = Store::empty();
    let host = registry.host.as_str();
    store.tare_with(&["login", "-u", "me", "--password-stdin", host], "secret").ok();
    let config: serde_json::Value = serde_json::from_slice(&std::fs::read(store.dir.join("docker/config.json")).unwrap()).unwrap();
    assert_eq!(config["auths"][host], json!({ "auth": "bWU6", "identitytoken": "identity-of-me" }));
    let name = format!("{host}/team/box:1");
    assert_eq!(store.ok(&["pull", "-q", &name]), name);
    let last = tokens.server.asked().pop().unwrap();
    assert!(last.method == "POST" && last.header("authorization").is_none(), "{last:?}");
    assert_eq!(store.ok(&["login", host]), "Login Succeeded");
    store.ok(&["rmi", &name]);
    store.file("docker/config.json", json!({ "auths": { host: { "identitytoken": "old" } } }).to_string());
    assert!(store.fails(1, &["pull", "-q", &name]).contains("incorrect username or password"));
}

#[test]
fn a_token_of_the_registry_itself_is_shown_as_it_is() {
    let registry = Strange::with(&image(), |asked| {
        let realm = "Bearer realm=\"https://127.0.0.1:1/token\"";
        (asked.header("authorization") != Some("Bearer given")).then(|| Answer::new(401, "").with("WWW-Authenticate", realm))
    });
    let store = Store::empty();
    store.file("docker/config.json", json!({ "auths": { &registry.host: { "registrytoken": "given" } } }).to_string());
    store.ok(&["pull", "-q", &format!("{}/team/app:1", registry.host)]);
}

#[test]
fn a_token_that_grows_old_in_the_middle_of_a_layer_is_renewed() {
    let noise: Vec<u8> = (0..90_000u32).flat_map(|number| number.wrapping_mul(number ^ 2_654_435_761).to_le_bytes()).collect();
    let served = Served::new(Layer::new().file("noise", 0o644, noise).tar());
    let (one, given) = (served.clone(), AtomicUsize::new(0));
    // Each token is good for one layer's beginning.
    let spent = Mutex::new(Vec::new());
    let registry = Strange::with(&served, move |asked| {
        if asked.path.starts_with("/token") {
            return Some(Answer::new(200, format!(r#"{{"token":"t{}","expires_in":1}}"#, given.fetch_add(1, Ordering::Relaxed))));
        }
        let shown = asked.header("authorization").map(str::to_owned);
        let mut spent = spent.lock().unwrap();
        if shown.as_ref().is_none_or(|shown| spent.contains(shown)) {
            let realm = format!("Bearer realm=\"http://{}/token\",error=\"invalid_token\"", asked.header("host").unwrap_or_default());
            return Some(Answer::new(401, "").with("WWW-Authenticate", realm));
        }
        let breaks = one.is_layer(asked) && spent.len() < 3;
        breaks.then(|| {
            spent.extend(shown);
            Answer { cut: Some(50_000), ..one.part_of_layer(asked) }
        })
    });
    let store = Store::empty();
    store.ok(&["pull", "-q", &format!("{}/team/app:1", registry.host)]);
    let tokens = registry.asked().iter().filter(|asked| asked.path.starts_with("/token")).count();
    assert_eq!(tokens, 4, "{:?}", registry.asked());
}

#[test]
fn whoever_pulls_too_much_is_told_what_helps() {
    const WORDS: &str = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}"#;
    let registry = Strange::start(|asked| match asked.header("authorization") {
        None if asked.path.contains("/known/") => Answer::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
        _ => Answer::new(429, WORDS).with("Retry-After", "7200"),
    });
    let store = Store::empty();
    let error = store.fails(1, &["pull", "-q", &format!("{}/team/app:1", registry.host)]);
    assert!(error.contains("You have reached your pull rate limit"), "{error}");
    assert!(error.contains(&format!("tare login {}", registry.host)) && error.contains("2 hours") && error.contains("mirror"), "{error}");
    store.file("docker/config.json", json!({ "auths": { &registry.host: { "auth": PACKED } } }).to_string());
    let error = store.fails(1, &["pull", "-q", &format!("{}/known/app:1", registry.host)]);
    assert!(!error.contains("tare login") && error.contains("2 hours"), "{error}");
}

#[test]
fn a_token_that_is_not_enough_is_said_to_be_that() {
    let registry = Strange::with(&image(), |asked| {
        if asked.path.starts_with("/token") {
            return Some(Answer::new(200, r#"{"access_token":"small"}"#));
        }
        let shown = asked.header("authorization").is_some();
        let error = if shown { ",error=\"insufficient_scope\"" } else { "" };
        let realm = format!("Bearer realm=\"http://{}/token\"{error}", asked.header("host").unwrap_or_default());
        Some(Answer::new(401, "").with("WWW-Authenticate", realm))
    });
    let store = Store::empty();
    let error = store.fails(1, &["pull", "-q", &format!("{}/team/app:1", registry.host)]);
    assert!(error.contains("does not let us in: insufficient_scope"), "{error}");
    assert_eq!(registry.asked().iter().filter(|asked| asked.path.starts_with("/token")).count(), 1, "asked once, and not for ever");
}
