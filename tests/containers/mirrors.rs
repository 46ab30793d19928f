//! Mirrors: asked before the registry, believed no more than it, and told nothing about who we are there.

use crate::common::registry::{Answer, Served, Strange};
use crate::common::token_server::PACKED;
use crate::common::{Layer, Store};

fn image(word: &str) -> Served {
    Served::new(Layer::new().file("word", 0o644, word).tar())
}

fn mirrored(registry: &str, mirrors: &[&str]) -> String {
    format!("[registry.\"{registry}\"]\nmirrors = {mirrors:?}\n")
}

/// With the archive that it comes in.
fn word_in(store: &Store, image: &str) -> String {
    store.ok(&["create", "--name", "made", image, "x"]);
    let word = store.ok(&["cp", "made:/word", "-"]);
    store.ok(&["rm", "made"]);
    word
}

#[test]
fn a_mirror_gives_what_nobody_else_can() {
    let mirror = Strange::with(&image("from the mirror"), |_| None);
    let store = Store::empty();
    store.registries(&mirrored("nowhere.test", &[&format!("http://{}", mirror.host)]));
    store.ok(&["pull", "-q", "nowhere.test/team/app:1"]);
    assert!(word_in(&store, "nowhere.test/team/app:1").contains("from the mirror"));
    store.fails(1, &["pull", "-q", "elsewhere.test/team/app:1"]);
}

#[test]
fn one_that_fails_is_passed_over() {
    let served = image("from the registry");
    let registry = Strange::with(&served, |_| None);
    let lacks = Strange::start(|_| Answer::new(404, ""));
    let ill = Strange::start(|_| Answer::new(503, "").with("Retry-After", "10"));
    let greedy = Strange::start(|_| Answer::new(401, "").with("WWW-Authenticate", "Basic realm=\"mine\""));
    // It has the manifest, and no layers.
    let half = Strange::with(&served, |asked| asked.path.contains("/blobs/").then(|| Answer::new(500, "")));
    let store = Store::empty();
    let mirrors = [&lacks, &ill, &greedy, &half].map(|mirror| format!("http://{}", mirror.host));
    let mut all: Vec<&str> = mirrors.iter().map(String::as_str).collect();
    all.insert(0, "http://127.0.0.1:1");
    store.registries(&mirrored(&registry.host, &all));
    // What we are at the registry is nothing to them.
    let config = serde_json::json!({ "auths": { &registry.host: { "auth": PACKED } } });
    store.file("docker/config.json", config.to_string());
    store.ok(&["pull", "-q", &format!("{}/team/app:1", registry.host)]);
    for mirror in [&lacks, &ill, &greedy, &half] {
        assert!(!mirror.asked().is_empty() && mirror.asked().iter().all(|asked| asked.header("authorization").is_none()));
    }
    assert_eq!(ill.asked().len(), 1, "nobody waits for a mirror: {:?}", ill.asked());
    assert!(registry.asked().iter().any(|asked| asked.path.contains("/blobs/")));
}

#[test]
fn a_mirror_has_a_login_of_its_own() {
    let mirror = Strange::with(&image("for us"), |asked| {
        (asked.header("authorization") != Some("Basic YTpi")).then(|| Answer::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""))
    });
    let store = Store::empty();
    store.registries(&mirrored("nowhere.test", &[&format!("http://{}/", mirror.host)]));
    let config = serde_json::json!({ "auths": { &mirror.host: { "auth": "YTpi" }, "nowhere.test": { "auth": PACKED } } });
    store.file("docker/config.json", config.to_string());
    store.ok(&["pull", "-q", "nowhere.test/team/app:1"]);
}

#[test]
fn a_mirror_that_lies_is_not_believed() {
    let served = image("right");
    let (one, registry) = (served.clone(), Strange::with(&served, |_| None));
    let liar = Strange::with(&served, move |asked| one.is_layer(asked).then(|| Answer::new(200, vec![7; one.layer.len()])));
    let store = Store::empty();
    store.registries(&mirrored(&registry.host, &[&format!("http://{}", liar.host)]));
    let error = store.fails(1, &["pull", "-q", &format!("{}/team/app:1", registry.host)]);
    assert!(error.contains("is damaged"), "{error}");
    assert_eq!(store.ok(&["images", "-q"]), "");
}

#[test]
fn a_mirror_that_breaks_off_is_left_for_the_registry() {
    let served = image("whole");
    let (one, registry) = (served.clone(), Strange::with(&served, |_| None));
    let breaks = Strange::with(&served, move |asked| one.is_layer(asked).then(|| Answer { cut: Some(0), ..one.part_of_layer(asked) }));
    let store = Store::empty();
    store.registries(&mirrored(&registry.host, &[&format!("http://{}", breaks.host)]));
    store.ok(&["pull", "-q", &format!("{}/team/app:1", registry.host)]);
}

#[test]
fn wrong_settings_are_named_with_their_file() {
    let store = Store::empty();
    store.registries("[registry.\"docker.io\"]\nmirors = [\"https://a.test\"]\n");
    let error = store.fails(1, &["pull", "-q", "box"]);
    assert!(error.contains("registries.toml") && error.contains("line 2") && error.contains("did you mean mirrors?"), "{error}");
}
