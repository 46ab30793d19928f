//! `pull`: images come from registries, real ones and strange ones, and what comes is proven.

use crate::common::archive::{gzip, sha256};
use crate::common::process::{self, tool};
use crate::common::registry::{Answer, Registry, Served, Strange};
use crate::common::{Layer, Store, image_dir};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Large enough to come in several pieces.
fn image() -> Served {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = vec![0u8; 300_000];
    noise.iter_mut().for_each(|byte| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = (state >> 24) as u8;
    });
    Served::new(Layer::new().dir("etc", 0o755).file("etc/word", 0o644, "pulled\n").file("noise", 0o644, noise).tar())
}

fn assert_pulled(store: &Store, name: &str) {
    store.ok(&["pull", "-q", name]);
    store.ok(&["create", "--name", "made", name, "x"]);
    assert_eq!(store.ok(&["cp", "made:/etc/word", "-"]).matches("pulled").count(), 1);
    store.ok(&["rm", "made"]);
}

/// A pull that fails leaves a clean store, and the error is one line.
fn refused(store: &Store, host: &str) -> String {
    let error = store.fails(1, &["pull", "-q", &format!("{host}/team/app:1")]);
    assert_eq!(store.ok(&["images", "-q"]), "", "nothing came in");
    error
}

#[test]
fn what_skopeo_pushes_is_pulled_and_run() {
    let Some(registry) = Registry::plain() else { return };
    let store = Store::empty();
    let name = format!("{}/team/box:1", registry.host);
    let archive = format!("docker-archive:{}", image_dir().join("busybox.tar").display());
    tool(&["skopeo", "copy", "-q", "--dest-tls-verify=false", &archive, &format!("docker://{name}")]).ok();
    let said = store.ok(&["pull", &name]);
    let digest = tool(&["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", &format!("docker://{name}")]).ok();
    assert!(said.contains(&format!("Digest: {digest}")) && said.contains("Downloaded newer image"), "{said}");
    assert!(said.ends_with(&name), "{said}");
    assert_eq!(store.ok(&["run", "--rm", &name, "echo", "hello"]), "hello");
    assert!(store.ok(&["pull", &name]).contains("Image is up to date"));
    // The config is the image: its id is the one that it had in the archive.
    store.ok(&["load", "-qi", &image_dir().join("busybox.tar").display().to_string()]);
    let id = |name: &str| store.ok(&["inspect", "-f", "{{.Id}}", name]);
    assert_eq!(id(&name), id("busybox"));
    let by_digest = format!("{}/team/box@{}", registry.host, digest.trim());
    assert!(store.ok(&["run", "--rm", "--pull", "missing", &by_digest, "echo", "again"]).contains("again"));
    let error = store.fails(1, &["pull", &format!("{}/team/box:2", registry.host)]);
    assert!(error.contains("has no team/box:2"), "{error}");
    for image in [&name, "busybox"] {
        store.ok(&["rmi", image]);
    }
    store.assert_nothing_left();
}

#[test]
fn who_must_show_a_password_finds_it_where_docker_keeps_it() {
    let htpasswd = |dir: &std::path::PathBuf| {
        // The password is "secret"; bcrypt, as the registry wants it.
        let line = tool(&["htpasswd", "-nbB", "me", "secret"]).ok();
        std::fs::write(dir.join("htpasswd"), line.trim()).unwrap();
        format!("auth: {{ htpasswd: {{ realm: test, path: {}/htpasswd }} }}", dir.display())
    };
    let Some(registry) = Registry::start(|_| String::new(), htpasswd) else { return };
    let store = Store::empty();
    let name = format!("{}/team/box:1", registry.host);
    let archive = format!("docker-archive:{}", image_dir().join("busybox.tar").display());
    tool(&["skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-creds", "me:secret", &archive, &format!("docker://{name}")]).ok();
    let error = store.fails(1, &["pull", &name]);
    assert!(error.contains("does not let us in") && error.contains(&format!("tare login {}", registry.host)), "{error}");
    let config = serde_json::json!({ "auths": { &registry.host: { "auth": "bWU6c2VjcmV0" } } });
    std::fs::write(registry.dir.join("config.json"), config.to_string()).unwrap();
    let mut command = store.command(&["pull", "-q", &name]);
    command.env("DOCKER_CONFIG", &registry.dir);
    assert_eq!(process::run(command, None).ok(), name);
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let served = image();
    let (one, breaks) = (served.clone(), AtomicUsize::new(0));
    let registry = Strange::with(&served, move |asked| {
        let cut = one.is_layer(asked) && breaks.fetch_add(1, Ordering::Relaxed) < 3;
        cut.then(|| Answer { cut: Some(50_000), ..one.part_of_layer(asked) })
    });
    let store = Store::empty();
    assert_pulled(&store, &format!("{}/team/app:1", registry.host));
    let ranges: Vec<String> = registry.asked().iter().filter_map(|asked| asked.header("range").map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes=50000-", "bytes=100000-", "bytes=150000-"]);
}

#[test]
fn a_registry_that_cannot_go_on_begins_anew() {
    let served = image();
    let (one, first) = (served.clone(), AtomicUsize::new(0));
    let registry = Strange::with(&served, move |asked| {
        let whole = Answer::new(200, one.layer.clone());
        one.is_layer(asked).then(|| if first.fetch_add(1, Ordering::Relaxed) == 0 { Answer { cut: Some(70_000), ..whole } } else { whole })
    });
    assert_pulled(&Store::empty(), &format!("{}/team/app:1", registry.host));
}

#[test]
fn one_who_has_too_much_to_do_is_asked_again() {
    let served = image();
    let tries = AtomicUsize::new(0);
    let registry = Strange::with(&served, move |asked| {
        let busy = asked.path.contains("/manifests/") && tries.fetch_add(1, Ordering::Relaxed) < 2;
        busy.then(|| Answer::new(if asked.path.is_empty() { 503 } else { 429 }, "slowly").with("Retry-After", "0"))
    });
    assert_pulled(&Store::empty(), &format!("{}/team/app:1", registry.host));
    let limited = Strange::start(|_| Answer::new(429, r#"{"errors":[{"message":"too many pulls"}]}"#).with("Retry-After", "86400"));
    let error = refused(&Store::empty(), &limited.host);
    assert!(error.contains("too many pulls") && error.contains("tare login"), "{error}");
}

#[test]
fn what_is_not_what_was_promised_is_refused() {
    let store = Store::empty();
    let served = image();
    let other = |change: fn(&Served, &str) -> Option<Answer>| {
        let one = served.clone();
        Strange::with(&served, move |asked| change(&one, &asked.path))
    };
    let wrong_layer = other(|one, path| {
        let mut bytes = one.layer.clone();
        bytes[1000] ^= 1;
        path.ends_with(&sha256(&one.layer)).then(|| Answer::new(200, bytes))
    });
    assert!(refused(&store, &wrong_layer.host).contains("is damaged"));
    let wrong_config = other(|one, path| {
        path.ends_with(&sha256(&one.config)).then(|| {
            let mut text = one.config.clone();
            let end = text.len() - 1;
            text[end] = b' ';
            text.push(b'}');
            text.truncate(one.config.len());
            Answer::new(200, text)
        })
    });
    assert!(refused(&store, &wrong_config.host).contains("is damaged"));
    let bad_json = other(|_, path| path.ends_with("/manifests/1").then(|| Answer::new(200, "{\"config\": [")));
    assert!(refused(&store, &bad_json.host).contains("is damaged"));
    let missing = other(|one, path| path.ends_with(&sha256(&one.layer)).then(|| Answer::new(404, "")));
    assert!(refused(&store, &missing.host).contains("has not the whole image"));
    let foreign = Served::of(image().config, gzip(&Layer::new().file("x", 0o644, "another").tar()));
    let foreign = Strange::with(&foreign, |_| None);
    assert!(refused(&store, &foreign.host).contains("its content is not what the image says"));
}

#[test]
fn nobody_keeps_us_for_ever() {
    let store = Store::empty();
    let served = image();
    let endless =
        Strange::with(&served, |asked| asked.path.ends_with("/manifests/1").then(|| Answer { endless: true, ..Answer::new(200, "{") }));
    assert!(refused(&store, &endless.host).contains("longer than 4 MiB"));
    let around = Strange::start(|asked| Answer::new(307, "").with("Location", asked.path.clone()));
    assert!(refused(&store, &around.host).contains("without end"));
    // A layer that goes on beyond its size: what was promised is taken, and no more.
    let one = served.clone();
    let longer =
        Strange::with(&served, move |asked| one.is_layer(asked).then(|| Answer { endless: true, ..Answer::new(200, one.layer.clone()) }));
    assert_pulled(&store, &format!("{}/team/app:1", longer.host));
}

#[test]
fn who_we_are_is_told_to_the_registry_alone() {
    let served = image();
    let store_of_blobs = Strange::with(&served, |_| None);
    let (one, elsewhere) = (served.clone(), store_of_blobs.host.clone());
    let registry = Strange::with(&served, move |asked| {
        if asked.header("authorization") != Some("Bearer for-us") {
            if asked.path.starts_with("/token") {
                return Some(Answer::new(200, r#"{"token":"for-us"}"#));
            }
            let realm = format!("Bearer realm=\"http://{}/token\",service=\"here\"", asked.header("host").unwrap_or_default());
            return Some(Answer::new(401, "").with("WWW-Authenticate", realm));
        }
        one.is_layer(asked).then(|| Answer::new(307, "").with("Location", format!("http://{elsewhere}{}", asked.path)))
    });
    let store = Store::empty();
    assert_pulled(&store, &format!("{}/team/app:1", registry.host));
    assert!(registry.asked().iter().any(|asked| asked.path.contains("scope=repository:team/app:pull")), "{:?}", registry.asked());
    let there = store_of_blobs.asked();
    assert!(!there.is_empty() && there.iter().all(|asked| asked.header("authorization").is_none()), "{there:?}");
}

#[test]
fn a_token_is_not_fetched_from_the_machine_s_own_surroundings() {
    let registry = Strange::start(|_| {
        Answer::new(401, "").with("WWW-Authenticate", "Bearer realm=\"http://169.254.169.254/latest/meta-data\",service=\"x\"")
    });
    let error = refused(&Store::empty(), &registry.host);
    assert!(error.contains("surroundings"), "{error}");
}
