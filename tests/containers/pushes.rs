//! `push`: what goes to registries, real ones and strange ones, comes there whole, once, and to nobody else.

use crate::common::process::{self, Ran, tool};
use crate::common::registry::{Answer, Registry, Served, Strange};
use crate::common::taker::{Asked, Meet, Taker};
use crate::common::{Image, Layer, Store, archive, eventually, image_dir, installed, lacking};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Bytes that nobody can pack.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// An image with one large layer and a small one, under this name.
fn load(store: &Store, name: &str, large: usize) -> Image {
    let layers = vec![Layer::new().file("noise", 0o644, noise(large)).tar(), Layer::new().file("word", 0o644, "pushed\n").tar()];
    let image = Image::new("source:1", layers);
    store.load(&image.docker_archive()).ok();
    store.ok(&["tag", "source:1", name]);
    image
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", archive::sha256(bytes))
}

/// All of it is there, byte for byte.
fn assert_arrived(registry: &Taker, image: &Image, said: &str) {
    let held = registry.held();
    let manifest = held.manifests.get("/v2/team/app/manifests/1").expect("the manifest");
    assert!(said.ends_with(&format!("1: digest: {} size: {}", digest_of(manifest), manifest.len())), "{said}");
    let manifest: Value = serde_json::from_slice(manifest).expect("JSON");
    assert_eq!(manifest["config"]["digest"], image.id());
    assert_eq!(held.blobs[&image.id()], image.config_text());
    for (layer, described) in image.layers.iter().zip(manifest["layers"].as_array().expect("layers")) {
        assert_eq!(described["digest"], digest_of(layer));
        assert!(held.blobs[&digest_of(layer)] == *layer, "the layer came as it is");
    }
}

fn about_blobs(asked: &[Asked]) -> Vec<String> {
    asked.iter().filter(|asked| asked.path.contains("/blobs/")).map(Asked::short).collect()
}

/// What was said about the large layer's way.
fn patches(asked: &[Asked]) -> Vec<String> {
    asked.iter().filter(|asked| asked.method == "PATCH").map(Asked::short).collect()
}

fn push_as(store: &Store, name: &str, config: &Value) -> Ran {
    let dir = store.file("docker/config.json", config.to_string());
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
    let image = load(&store, &name, 100_000);
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
    load(&store, &one, 100_000);
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
fn a_mount_that_is_refused_is_no_error() {
    for status in [0, 202, 403, 404, 500] {
        let registry = Taker::start(move |asked| match asked.path.contains("mount=") {
            true if status == 202 => Meet::Well,
            true if status == 0 => Meet::Silence,
            true => Meet::Say(status, vec![("Retry-After", "0".to_owned())], "no"),
            false => Meet::Well,
        });
        let store = Store::empty();
        let name = format!("{}/team/app:1", registry.host);
        let image = load(&store, &name, 1000);
        // This one was never there.
        store.ok(&["tag", &name, &format!("{}/other/app:1", registry.host)]);
        let said = store.ok(&["push", &name]);
        assert_arrived(&registry, &image, &said);
        let mounts = registry.asked().iter().filter(|asked| asked.path.contains("from=other/app")).count();
        assert!(mounts >= 3 && said.matches(": Pushed\n").count() == 2, "{said}");
        let begun = registry.asked().iter().filter(|asked| asked.path.ends_with("/blobs/uploads/")).count();
        assert_eq!(begun, if status == 202 { 0 } else { 3 }, "what the refusal has begun is gone on with");
    }
}

#[test]
fn who_takes_no_more_at_once_gets_pieces() {
    let registry = Taker::start(|asked| match asked.length() > 300_000 {
        true => Meet::Say(413, Vec::new(), "too much"),
        false => Meet::Well,
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load(&store, &name, 900_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    let asked = registry.asked();
    let taken: Vec<usize> = asked.iter().filter(|asked| asked.method == "PATCH" && asked.length() <= 300_000).map(Asked::length).collect();
    assert_eq!((taken.len(), taken.iter().sum()), (4, image.layers[0].len()), "{taken:?}");
    // None is shorter than what the registry takes at least.
    let registry = Taker::start(|asked| match (asked.method.as_str(), asked.length() > 500_000) {
        (_, true) => Meet::Say(413, Vec::new(), "too much"),
        ("POST", _) => {
            Meet::Say(202, vec![("Location", "/v2/x/blobs/uploads/".to_owned()), ("OCI-Chunk-Min-Length", "400000".to_owned())], "")
        }
        ("PATCH", _) => Meet::Say(202, Vec::new(), ""),
        ("PUT", _) => Meet::Say(201, Vec::new(), ""),
        _ => Meet::Well,
    });
    let name = format!("{}/team/app:1", registry.host);
    store.ok(&["tag", "source:1", &name]);
    store.ok(&["push", "-q", &name]);
    let asked = registry.asked();
    let taken: Vec<String> = patches(&asked)
        .into_iter()
        .filter(|range| !range.ends_with(&format!("-{}", image.layers[0].len() - 1)) || !range.contains(" 0-"))
        .collect();
    assert_eq!(taken, ["PATCH 0-399999", "PATCH 400000-799999", &format!("PATCH 800000-{}", image.layers[0].len() - 1)]);
}

#[test]
fn who_hangs_up_on_much_gets_little() {
    let registry = Taker::start(|asked| if asked.length() > 300_000 { Meet::Break(0) } else { Meet::Well });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load(&store, &name, 900_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
}

#[test]
fn who_takes_no_pieces_gets_the_whole() {
    let breaks = AtomicUsize::new(0);
    let registry = Taker::start(move |asked| match asked.method.as_str() {
        "PATCH" => Meet::Say(405, Vec::new(), "no pieces"),
        "PUT" if asked.length() > 100_000 && breaks.fetch_add(1, Ordering::Relaxed) == 0 => Meet::Break(1000),
        _ => Meet::Well,
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load(&store, &name, 300_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    assert_eq!(patches(&registry.asked()).len(), 1);
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let breaks = AtomicUsize::new(0);
    let registry = Taker::start(move |asked| match asked.length() > 50_000 {
        // First as a whole, then the piece, twice.
        true if breaks.fetch_add(1, Ordering::Relaxed) < 3 => Meet::Break(100_000),
        _ => Meet::Well,
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load(&store, &name, 400_000);
    let end = image.layers[0].len() - 1;
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    let asked = registry.asked();
    assert_eq!(patches(&asked), [format!("PATCH 0-{end}"), "PATCH 100000-362143".to_owned(), format!("PATCH 200000-{end}")]);
    assert_eq!(asked.iter().filter(|asked| asked.short() == "GET upload").count(), 2, "it is asked how far it got");
}

#[test]
fn a_line_that_breaks_all_the_time_is_enough_while_something_arrives() {
    let registry = Taker::start(|asked| if asked.length() > 25_000 { Meet::Break(30_000) } else { Meet::Well });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load(&store, &name, 300_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    assert!(patches(&registry.asked()).len() > 9, "{:?}", patches(&registry.asked()));
}

#[test]
fn a_push_that_is_killed_leaves_nothing_behind_and_the_next_one_completes_it() {
    let is_open = Arc::new(AtomicBool::new(false));
    let gate = is_open.clone();
    let registry = Taker::start(move |asked| {
        // The large layer waits here with its sender.
        while asked.length() > 100_000 && !gate.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Meet::Well
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load(&store, &name, 400_000);
    let begun = store.start(&["push", &name]);
    eventually("the large layer is on its way", || registry.asked().iter().any(|asked| asked.length() > 100_000));
    begun.signal(nix::sys::signal::Signal::SIGKILL);
    assert_eq!(begun.wait().code, 137);
    assert!(registry.held().manifests.is_empty());
    is_open.store(true, Ordering::Relaxed);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    assert!(store.ok(&["system", "check"]).contains("Nothing is wrong"));
}

#[test]
fn only_the_answer_was_lost() {
    let lost = AtomicUsize::new(0);
    let registry = Taker::start(move |asked| match asked.method.as_str() {
        "PUT" if asked.length() > 100_000 && lost.fetch_add(1, Ordering::Relaxed) == 0 => Meet::Silence,
        _ => Meet::Well,
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load(&store, &name, 300_000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    assert_eq!(registry.asked().iter().filter(|asked| asked.length() > 100_000).count(), 1, "it is not sent twice");
}

#[test]
fn a_registry_that_is_elsewhere_than_we_think_says_where() {
    // The piece arrives, and what is said of it is 416, or 503; the registry knows better when it is asked.
    for status in [416, 503] {
        let tries = AtomicUsize::new(0);
        let registry = Taker::start(move |asked| match (asked.method.as_str(), asked.length() > 100_000) {
            ("PUT", true) => Meet::Say(413, Vec::new(), ""),
            ("PATCH", true) if tries.fetch_add(1, Ordering::Relaxed) == 0 => {
                if status == 416 {
                    Meet::Say(416, Vec::new(), "")
                } else {
                    Meet::Silence
                }
            }
            _ => Meet::Well,
        });
        let store = Store::empty();
        let name = format!("{}/team/app:1", registry.host);
        let image = load(&store, &name, 300_000);
        assert_arrived(&registry, &image, &store.ok(&["push", &name]));
        assert!(registry.asked().iter().any(|asked| asked.short() == "GET upload"));
    }
}

#[test]
fn one_who_has_too_much_to_do_is_asked_again_and_not_for_ever() {
    let met: Mutex<HashSet<String>> = Mutex::default();
    let registry = Taker::start(move |asked| {
        let is_first = met.lock().unwrap().insert(format!("{} {}", asked.method, asked.path));
        let busy = || Meet::Say(if asked.method == "PUT" { 429 } else { 503 }, vec![("Retry-After", "0".to_owned())], "slowly");
        if asked.method != "GET" && is_first { busy() } else { Meet::Well }
    });
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    let image = load(&store, &name, 1000);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    let limited = Taker::start(|asked| match asked.method.as_str() {
        "PUT" => Meet::Say(429, vec![("Retry-After", "86400".to_owned())], r#"{"errors":[{"message":"too many pushes"}]}"#),
        _ => Meet::Well,
    });
    let name = format!("{}/team/app:1", limited.host);
    store.ok(&["tag", "source:1", &name]);
    let error = store.fails(1, &["push", "-q", &name]);
    assert!(error.contains("too many pushes") && error.contains("tare login"), "{error}");
    assert!(limited.held().manifests.is_empty());
}

#[test]
fn registries_that_make_no_sense_keep_nobody_for_ever() {
    let store = Store::empty();
    load(&store, "source:2", 300_000);
    let error = |manners: fn(&Asked) -> Meet| {
        let registry = Taker::start(manners);
        let name = format!("{}/team/app:1", registry.host);
        store.ok(&["tag", "source:1", &name]);
        let error = store.fails(1, &["push", "-q", &name]);
        assert!(registry.held().manifests.is_empty(), "no manifest without its blobs");
        store.ok(&["rmi", &name]);
        error
    };
    fn in_pieces(asked: &Asked, of_piece: impl Fn() -> Meet) -> Meet {
        match asked.method.as_str() {
            "PUT" if asked.length() > 100_000 => Meet::Say(413, Vec::new(), ""),
            "PATCH" => of_piece(),
            _ => Meet::Well,
        }
    }
    assert!(
        error(|asked| in_pieces(asked, || Meet::Say(202, vec![("Range", "0-999999999".to_owned())], ""))).contains("more than it was sent")
    );
    assert!(
        error(|asked| in_pieces(asked, || Meet::Say(202, vec![("Range", "0-0".to_owned())], ""))).contains("does not keep what it is sent")
    );
    assert!(error(|asked| in_pieces(asked, || Meet::Say(404, Vec::new(), ""))).contains("404"));
    assert!(error(|asked| if asked.method == "PUT" { Meet::Break(10) } else { Meet::Well }).contains("cannot push"));
    assert!(error(|asked| if asked.method == "POST" { Meet::Say(202, Vec::new(), "") } else { Meet::Well }).contains("does not say where"));
    assert!(
        error(|asked| match asked.method.as_str() {
            "POST" => Meet::Say(202, vec![("Location", "http://169.254.169.254/latest".to_owned())], ""),
            _ => Meet::Well,
        })
        .contains("surroundings")
    );
    assert!(
        error(|asked| match asked.method.as_str() {
            "PUT" => Meet::Say(400, Vec::new(), r#"{"errors":[{"code":"DIGEST_INVALID","message":"not \u001b[2J so"}]}"#),
            _ => Meet::Well,
        })
        .contains("not  [2J so")
    );
    // The registry makes another manifest of ours.
    assert!(
        error(|asked| match (asked.method.as_str(), asked.path.contains("/manifests/")) {
            ("PUT", true) => Meet::Say(201, vec![("Docker-Content-Digest", format!("sha256:{}", "0".repeat(64)))], ""),
            _ => Meet::Well,
        })
        .contains("another manifest")
    );
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
        load(&store, &name, 1000);
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
    load(&store, &name, 1000);
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
    load(&store, &name, 1000);
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
    let image = load(&store, &name, 1000);
    store.ok(&["tag", &name, &format!("{}/other/app:1", registry.host)]);
    assert_arrived(&registry, &image, &store.ok(&["push", &name]));
    let tokens: Vec<String> = registry.asked().into_iter().map(|asked| asked.path).filter(|path| path.starts_with("/token")).collect();
    assert!(tokens.iter().any(|path| path.ends_with("&scope=repository:team/app:pull%2Cpush")), "{tokens:?}");
    let both = "&scope=repository:team/app:pull%2Cpush&scope=repository:other/app:pull";
    assert!(tokens.iter().any(|path| path.ends_with(both)), "{tokens:?}");
}

#[test]
fn what_cannot_be_pushed_says_why() {
    let store = Store::empty();
    let registry = Taker::start(|_| Meet::Well);
    let name = format!("{}/team/app:1", registry.host);
    let image = load(&store, &name, 1000);
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
    let image = load(&store, &name, 1000);
    let mut command = store.command(&["push", &name]);
    command.env("TERM", "xterm");
    let mut person = crate::common::Terminal::spawn(command, 24, 100);
    let seen = person.expect("1: digest: sha256:");
    assert_eq!(person.wait(), 0);
    for layer in &image.layers {
        assert_eq!(seen.matches(&format!("{}  Pushed", &archive::sha256(layer)[..12])).count(), 1, "{seen}");
    }
}
