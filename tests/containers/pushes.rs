//! `push`: what goes to registries comes there whole, once, and to nobody else; what goes wrong on the way is in `push_weather.rs`.

use crate::common::process::{self, Ran, tool};
use crate::common::registry::{Answer, Registry, Served, Strange};
use crate::common::taker::{Asked, Meet, Taker, assert_arrived, digest_of, load_as};
use crate::common::token_server::{PACKED, TokenServer};
use crate::common::{Image, Layer, Store, archive, image_dir, installed, lacking};
use serde_json::{Value, json};
use std::sync::Arc;

fn about_blobs(asked: &[Asked]) -> Vec<String> {
    asked.iter().filter(|asked| asked.path.contains("/blobs/")).map(Asked::short).collect()
}

fn push_as(store: &Store, name: &str, config: &Value) -> Ran {
    let dir = store.file("login/config.json", config.to_string());
    let mut command = store.command(&["push", name]);
    command.env("DOCKER_CONFIG", dir.parent().expect("a directory"));
    process::run(command, None)
}

#[test]
fn what_is_pushed_others_pull_and_what_they_push_is_pulled() {
    let Some(registry) = Registry::plain() else { return };
    let store = Store::empty();
    store.ok(&["load", "-qi", &image_dir().join("busybox.tar").display().to_string()]);
    let name = format!("{}/team/box:1", registry.host);
    store.ok(&["tag", "busybox", &name]);
    let said = store.ok(&["push", &name]);
    assert!(said.starts_with(&format!("The push refers to repository [{}/team/box]\n", registry.host)), "{said}");
    let digest = said.rsplit_once("1: digest: ").and_then(|(_, rest)| rest.split_once(" size: ")).expect("a digest").0.to_owned();
    let skopeo = |what: &str| tool(&["skopeo", "inspect", "--tls-verify=false", "--format", what, &format!("docker://{name}")]).ok();
    assert_eq!(skopeo("{{.Digest}}"), digest);
    let dir = store.dir.join("copied").display().to_string();
    tool(&["skopeo", "copy", "-q", "--src-tls-verify=false", &format!("docker://{name}"), &format!("dir:{dir}")]).ok();
    assert_eq!(digest_of(&std::fs::read(format!("{dir}/manifest.json")).expect("a manifest")), digest);
    // Another store gets the same image, with the same digest.
    let other = Store::empty();
    assert!(other.ok(&["pull", &name]).contains(&format!("Digest: {digest}")));
    let id = |store: &Store| store.ok(&["inspect", "-f", "{{.Id}}", &name]);
    assert_eq!(id(&other), id(&store));
    assert_eq!(other.ok(&["run", "--rm", &name, "echo", "hello"]), "hello");
    if !installed("podman") {
        let _ = lacking("podman (apt-get install podman)");
        return;
    }
    let place = |name: &str| store.dir.join("podman").join(name).display().to_string();
    let podman = |words: &[&str]| {
        let begin = ["podman", "--root", &place("root"), "--runroot", &place("run"), "--storage-driver", "vfs"];
        tool(&[&begin[..], words].concat()).ok()
    };
    podman(&["pull", "-q", "--tls-verify=false", &name]);
    assert_eq!(format!("sha256:{}", podman(&["image", "inspect", "-f", "{{.Id}}", &name])), id(&store));
    assert_eq!(podman(&["image", "inspect", "-f", "{{.Digest}}", &name]), digest);
    let theirs = format!("{}/theirs/box:2", registry.host);
    podman(&["tag", &name, &theirs]);
    podman(&["push", "-q", "--tls-verify=false", "--format", "v2s2", &theirs]);
    other.ok(&["pull", "-q", &theirs]);
    assert_eq!(other.ok(&["run", "--rm", &theirs, "echo", "again"]), "again");
    // What came from elsewhere goes on as it came, in Docker's own form.
    let onward = format!("{}/onward/box:2", registry.host);
    other.ok(&["tag", &theirs, &onward]);
    other.ok(&["push", "-q", &onward]);
    let described = |name: &str| tool(&["skopeo", "inspect", "--raw", "--tls-verify=false", &format!("docker://{name}")]).ok();
    assert!(described(&theirs).contains("vnd.docker.distribution.manifest.v2") && described(&theirs) == described(&onward));
}

#[test]
fn a_large_layer_goes_in_pieces_to_a_real_registry() {
    let Some(registry) = Registry::plain() else { return };
    let store = Store::empty();
    let name = format!("{}/team/large:1", registry.host);
    let layer = Layer::new().file("zeros", 0o644, vec![0; 70 << 20]).tar();
    store.load(&Image::new("large:1", vec![layer.clone()]).docker_archive()).ok();
    store.ok(&["tag", "large:1", &name]);
    store.ok(&["push", "-q", &name]);
    let dir = store.dir.join("copied").display().to_string();
    tool(&["skopeo", "copy", "-q", "--src-tls-verify=false", &format!("docker://{name}"), &format!("dir:{dir}")]).ok();
    assert_eq!(std::fs::metadata(format!("{dir}/{}", archive::sha256(&layer))).expect("the layer").len(), layer.len() as u64);
}

#[test]
fn what_is_there_is_not_sent_again() {
    let registry = Taker::start(|_| Meet::Well);
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 100_000);
    let said = store.ok(&["push", &name]);
    assert_arrived(&registry, &image, &said);
    assert_eq!(said.matches(": Pushed\n").count(), 2, "{said}");
    registry.news();
    let said = store.ok(&["push", &name]);
    assert_eq!(said.matches(": Layer already exists\n").count(), 2, "{said}");
    assert_eq!(about_blobs(&registry.news()), ["HEAD blob"; 3]);
    // Of several tags each blob is asked for once.
    store.ok(&["tag", &name, &format!("{}/team/app:2", registry.host)]);
    let said = store.ok(&["push", "--all-tags", &format!("{}/team/app", registry.host)]);
    assert!(said.contains("\n1: digest: ") && said.contains("\n2: digest: "), "{said}");
    let asked = registry.news();
    assert_eq!(about_blobs(&asked), ["HEAD blob"; 3]);
    assert_eq!(asked.iter().filter(|asked| asked.short() == "PUT manifests").count(), 2);
    assert_eq!(store.ok(&["push", "-q", &name]), name);
    assert_eq!(store.ok(&["events", "--since", "1m", "--until", "0s", "-f", "event=push", "--format", "{{.Action}}"]).lines().count(), 5);
}

#[test]
fn what_another_repository_has_is_mounted_from_there() {
    let Some(registry) = Registry::plain() else { return };
    let store = Store::empty();
    let [one, two] = ["one/app", "two/app"].map(|path| format!("{}/{path}:1", registry.host));
    load_as(&store, &one, 100_000);
    store.ok(&["push", "-q", &one]);
    store.ok(&["tag", &one, &two]);
    let said = store.ok(&["push", &two]);
    assert_eq!(said.matches(": Mounted from one/app\n").count(), 2, "{said}");
    assert!(store.ok(&["push", &two]).contains("Layer already exists"));
    // It is there indeed.
    let other = Store::empty();
    other.ok(&["pull", "-q", &two]);
}

#[test]
fn who_we_are_is_told_to_the_registry_alone() {
    let elsewhere = Arc::new(Taker::start(|asked| match asked.method.as_str() {
        // It would like to know.
        "PATCH" | "PUT" if asked.path.contains("curious") => {
            Meet::Say(401, vec![("WWW-Authenticate", "Basic realm=\"give\"".to_owned())], "")
        }
        "PUT" => Meet::Say(201, Vec::new(), ""),
        _ => Meet::Well,
    }));
    let login = |host: &str, other: &str| json!({ "auths": { host: { "auth": "bWU6c2VjcmV0" }, other: { "auth": "bWU6c2VjcmV0" } } });
    for (status, place) in [(202, "upload"), (202, "curious"), (307, "upload")] {
        let there = elsewhere.host.clone();
        let registry = Taker::start(move |asked| {
            if asked.header("authorization") != Some("Basic bWU6c2VjcmV0") {
                return Meet::Say(401, vec![("WWW-Authenticate", "Basic realm=\"here\"".to_owned())], "");
            }
            let away = || vec![("Location", format!("http://{there}/{place}?sig=a%2Fb"))];
            match asked.method.as_str() {
                "POST" if status == 202 => Meet::Say(202, away(), ""),
                "PUT" if status == 307 && asked.path.contains("/blobs/") => Meet::Say(307, away(), ""),
                _ => Meet::Well,
            }
        });
        let store = Store::empty();
        let name = format!("{}/team/app:1", registry.host);
        load_as(&store, &name, 1000);
        let ran = push_as(&store, &name, &login(&registry.host, &elsewhere.host));
        assert_eq!(ran.code, i32::from(place == "curious"), "{}", ran.story());
        let there = elsewhere.news();
        assert!(there.iter().any(|asked| asked.path.contains("sig=a%2Fb")), "{there:?}");
        assert!(there.iter().all(|asked| asked.header("authorization").is_none()), "{there:?}");
    }
}

#[test]
fn what_is_kept_elsewhere_is_there() {
    let keeper = Taker::start(|_| Meet::Say(403, Vec::new(), "only GET"));
    let there = keeper.host.clone();
    let registry = Taker::start(move |asked| match (asked.method.as_str(), asked.path.contains("/blobs/sha256:")) {
        ("HEAD", true) => Meet::Say(307, vec![("Location", format!("http://{there}/x?sig=1"))], ""),
        _ => Meet::Well,
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    load_as(&store, &name, 1000);
    assert_eq!(store.ok(&["push", &name]).matches("Layer already exists").count(), 2);
    assert!(registry.asked().iter().all(|asked| asked.method != "POST"));
}

#[test]
fn who_must_show_a_password_finds_it_where_docker_keeps_it() {
    let htpasswd = |dir: &std::path::PathBuf| {
        let line = tool(&["htpasswd", "-nbB", "me", "secret"]).ok();
        std::fs::write(dir.join("htpasswd"), line.trim()).unwrap();
        format!("auth: {{ htpasswd: {{ realm: test, path: {}/htpasswd }} }}", dir.display())
    };
    let Some(registry) = Registry::start(|_| String::new(), htpasswd) else { return };
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    load_as(&store, &name, 1000);
    let error = store.fails(1, &["push", "-q", &name]);
    assert!(error.contains("does not let us in") && error.contains(&format!("hint: tare login {}", registry.host)), "{error}");
    let ran = push_as(&store, &name, &json!({ "auths": { &registry.host: { "auth": "bWU6c2VjcmV0" } } }));
    assert!(ran.stdout.contains("1: digest: sha256:"), "{}", ran.story());
}

#[test]
fn tokens_are_asked_for_what_is_wanted() {
    let registry = Taker::start(|asked| {
        if asked.path.starts_with("/token") {
            return Meet::Say(200, Vec::new(), r#"{"token":"for-us"}"#);
        }
        if asked.header("authorization") == Some("Bearer for-us") {
            return Meet::Well;
        }
        let realm = format!("Bearer realm=\"http://{}/token\",service=\"here\"", asked.header("host").unwrap_or_default());
        Meet::Say(401, vec![("WWW-Authenticate", realm)], "")
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 1000);
    store.ok(&["tag", &name, &format!("{}/other/app:1", registry.host)]);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    let tokens: Vec<String> = registry.asked().into_iter().map(|asked| asked.path).filter(|path| path.starts_with("/token")).collect();
    assert!(tokens.iter().any(|path| path.ends_with("&scope=repository:team/app:pull%2Cpush")), "{tokens:?}");
    let both = "&scope=repository:team/app:pull%2Cpush&scope=repository:other/app:pull";
    assert!(tokens.iter().any(|path| path.ends_with(both)), "{tokens:?}");
}

#[test]
fn a_registry_with_tokens_takes_and_mounts_for_whom_it_knows() {
    let tokens = TokenServer::start(false);
    let Some(registry) = tokens.registry() else { return };
    let store = Store::empty();
    let [one, two] = ["open/app", "open/other"].map(|path| format!("{}/{path}:1", registry.host));
    load_as(&store, &one, 100_000);
    let error = store.fails(1, &["push", "-q", &one]);
    assert!(error.contains("does not let us in") && error.contains(&format!("hint: tare login {}", registry.host)), "{error}");
    let login = json!({ "auths": { &registry.host: { "auth": PACKED } } });
    assert!(push_as(&store, &one, &login).ok().contains(": Pushed\n"));
    store.ok(&["tag", &one, &two]);
    assert_eq!(push_as(&store, &two, &login).ok().matches(": Mounted from open/app\n").count(), 2);
    let scopes = tokens.scopes();
    let mount = ["repository:open/other:pull,push", "repository:open/app:pull"];
    assert!(scopes.windows(2).any(|pair| pair == mount), "{scopes:?}");
    // What is open anybody may look at, but the names of all that there is are told to those who are known.
    assert_eq!(store.ok(&["image", "inspect", "--remote", "-f", "{{.Os}}", &two]), "linux");
    let place = format!("{}/", registry.host);
    assert!(store.fails(1, &["search", &place]).contains("does not let us in"));
    let mut search = store.command(&["search", "--format", "{{.Name}}", &place]);
    search.env("DOCKER_CONFIG", store.dir.join("login"));
    assert_eq!(process::run(search, None).ok(), format!("{place}open/app\n{place}open/other"));
}

#[test]
fn what_cannot_be_pushed_says_why() {
    let store = Store::empty();
    let registry = Taker::start(|_| Meet::Well);
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 1000);
    let hint = |name: &str, hint: &str| {
        let error = store.refuses(&["push", name]);
        assert!(error.contains(hint), "{error}");
    };
    hint(&format!("{}/team/app:2", registry.host), "did you mean");
    hint(&format!("{}/source:1", registry.host), &format!("hint: tare tag source:1 {}/source:1", registry.host));
    hint(&image.id()[7..20], "tare tag");
    hint(&format!("{name}@sha256:{}", "0".repeat(64)), "push it by a tag");
    hint("NoName", "small letters");
    store.refuses(&["push", "-a", &name]);
    assert!(store.refuses(&["push", "-a", "nosuch"]).contains("no image is called nosuch"));
    // An image whose layers were not kept as they came.
    let blob = store.root.join("image/blobs/sha256").join(archive::sha256(&image.layers[0]));
    let bytes = std::fs::read(&blob).unwrap();
    std::fs::remove_file(&blob).unwrap();
    let error = store.fails(1, &["push", &name]);
    assert!(error.contains("without keeping its blobs") && error.contains("hint: pull it again"), "{error}");
    std::fs::write(&blob, &bytes[1..]).unwrap();
    assert!(store.fails(1, &["push", &name]).contains("is damaged"));
    assert!(registry.asked().iter().all(|asked| asked.method != "POST"), "nothing has begun");
    // One that is damaged in its middle is refused by the registry, which proves it, too.
    std::fs::write(&blob, [&bytes[..10], &[bytes[10] ^ 1], &bytes[11..]].concat()).unwrap();
    assert!(store.fails(1, &["push", &name]).contains("400"));
    std::fs::write(&blob, &bytes).unwrap();
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
}

#[test]
fn an_image_whose_blobs_were_not_kept_is_fetched_again_before_it_is_pushed() {
    let store = Store::empty();
    let source = Strange::with(&Served::new(Layer::new().file("word", 0o644, "kept\n").tar()), |_| None);
    let registry = Taker::start(|_| Meet::Well);
    let [from, to] = [&source.host, &registry.host].map(|host| format!("{host}/team/app:1"));
    store.ok(&["pull", "-q", "--no-keep-blobs", &from]);
    store.ok(&["tag", &from, &to]);
    assert!(store.fails(1, &["push", &to]).contains("without keeping its blobs"));
    store.ok(&["pull", "-q", &from]);
    store.ok(&["push", "-q", &to]);
    assert_eq!(registry.held().manifests.len(), 1);
}

#[test]
fn a_manifest_that_does_not_say_what_it_is_goes_as_what_it_is() {
    let store = Store::empty();
    let served = Served::new(Layer::new().file("word", 0o644, "said\n").tar());
    let mut manifest: Value = serde_json::from_slice(&served.manifest).unwrap();
    manifest.as_object_mut().unwrap().remove("mediaType");
    let text = manifest.to_string();
    let silent = text.clone();
    let source = Strange::with(&served, move |asked| {
        asked.path.ends_with("/manifests/1").then(|| Answer::new(200, silent.clone()).with("Content-Type", "application/json"))
    });
    let registry = Taker::start(|_| Meet::Well);
    let [from, to] = [&source.host, &registry.host].map(|host| format!("{host}/team/app:1"));
    store.ok(&["pull", "-q", &from]);
    store.ok(&["tag", &from, &to]);
    store.ok(&["push", "-q", &to]);
    assert_eq!(registry.held().manifests["/v2/team/app/manifests/1"], text.into_bytes());
    let asked = registry.asked();
    let put = asked.iter().find(|asked| asked.short() == "PUT manifests").expect("the manifest");
    assert_eq!(put.header("content-type"), Some("application/vnd.oci.image.manifest.v1+json"));
}

#[test]
fn a_person_sees_each_layer_once() {
    let registry = Taker::start(|_| Meet::Well);
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load_as(&store, &name, 1000);
    let mut command = store.command(&["push", &name]);
    command.env("TERM", "xterm");
    let mut person = crate::common::Terminal::spawn(command, 24, 100);
    let seen = person.expect("1: digest: sha256:");
    assert_eq!(person.wait(), 0);
    for layer in &image.layers {
        assert_eq!(seen.matches(&format!("{}  Pushed", &archive::sha256(layer)[..12])).count(), 1, "{seen}");
    }
}
