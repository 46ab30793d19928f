//! Registries that lie, dawdle and never end. Whatever they do: a clear word, a clean store, the old image as it was, and the next
//! pull from an honest registry works.

use crate::common::registry::{Answer, Asked, MANIFEST, Manner, Strange};
use crate::common::shelf::{self, CONFIG, INDEX, LAYER, Shelf, Shelved, describe};
use crate::common::{Image, Layer, Random, Store, archive, test_images};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

type Evil = Arc<dyn Fn(&Asked) -> Option<Answer> + Send + Sync>;

/// A registry that was honest once, and a store that has what it gave then.
struct Scene {
    store: Store,
    registry: Strange,
    name: String,
    new: Shelved,
    evil: Arc<Mutex<Option<Evil>>>,
    before: (String, BTreeSet<String>),
}

fn noise(count: usize) -> Vec<u8> {
    let mut random = Random::new();
    (0..count).map(|_| random.below(256) as u8).collect()
}

impl Scene {
    fn new() -> Scene {
        let store = Store::empty();
        let (mut old, mut new) = (Shelf::default(), Shelf::default());
        old.image("1", &test_images::probe_image());
        let layers = vec![Layer::new().file("noise", 0o644, noise(200_000)).tar(), Layer::new().file("word", 0o644, "new\n").tar()];
        let shelved = new.image("1", &Image::new("new", layers));
        let evil: Arc<Mutex<Option<Evil>>> = Arc::default();
        let (turned, is_new) = (evil.clone(), Arc::new(AtomicUsize::new(0)));
        let now = is_new.clone();
        let registry = Strange::start(move |asked| {
            let evil = turned.lock().unwrap().clone();
            let honest = || if now.load(Ordering::Relaxed) == 0 { old.answer(asked) } else { new.answer(asked) };
            evil.and_then(|evil| evil(asked)).unwrap_or_else(honest)
        });
        let name = format!("{}/team/app:1", registry.host);
        store.ok(&["pull", "-q", &name]);
        is_new.store(1, Ordering::Relaxed);
        let before = contents(&store);
        Scene { store, registry, name, new: shelved, evil, before }
    }

    /// Until `honest` again.
    fn turn(&self, evil: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) {
        *self.evil.lock().unwrap() = Some(Arc::new(evil));
    }

    fn honest(&self) {
        *self.evil.lock().unwrap() = None;
    }

    /// The pull fails with this word in its one line, and has changed nothing.
    fn refuses(&self, what: &str, word: &str, evil: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) {
        self.refuses_with(&[], what, word, evil);
    }

    fn refuses_with(&self, flags: &[&str], what: &str, word: &str, evil: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) {
        eprintln!("{what}");
        self.turn(evil);
        let error = self.store.fails(1, &[&["pull", "-q"], flags, &[&self.name]].concat());
        assert!(error.contains(word), "{what}: {word:?} is not in: {error}");
        assert_harmless(what, &error);
        self.assert_unharmed(what);
    }

    fn assert_unharmed(&self, what: &str) {
        assert_eq!(contents(&self.store), self.before, "{what}: the store has changed");
        assert_eq!(self.store.ok(&["system", "check", "--deep"]), "Nothing is wrong", "{what}");
        self.store.tare(&["run", "--rm", "--pull", "never", &self.name, "exit", "7"]).expect_code(7);
    }

    /// The registry has come to its senses.
    fn over(self) {
        self.honest();
        self.store.ok(&["pull", "-q", &self.name]);
        assert_eq!(self.store.ok(&["system", "check", "--deep"]), "Nothing is wrong");
        self.store.ok(&["create", "--name", "made", &self.name]);
        assert!(self.store.ok(&["cp", "made:/word", "-"]).contains("new"));
        self.store.ok(&["rm", "made"]);
        assert_eq!(unfinished(&self.store.root), BTreeSet::new(), "nothing is resumed any more");
    }

    /// A registry of other things, from which nothing but the tag is taken.
    fn refuses_shelf(&self, what: &str, word: &str, fill: impl FnOnce(&mut Shelf, &Shelved)) {
        let mut shelf = Shelf::default();
        let honest = shelf.image("honest", &Image::new("new", vec![Layer::new().file("another", 0o644, "x").tar()]));
        fill(&mut shelf, &honest);
        self.refuses(what, word, move |asked| Some(shelf.answer(asked)));
    }

    /// A manifest that is right but for what is changed here.
    fn refuses_manifest(&self, what: &str, word: &str, change: impl FnOnce(&mut Value)) {
        self.refuses_shelf(what, word, |shelf, honest| {
            let mut manifest: Value = serde_json::from_slice(&honest.manifest).unwrap();
            change(&mut manifest);
            shelf.manifest("1", MANIFEST, &manifest);
        });
    }

    /// A config that is right but for what is changed here.
    fn refuses_config(&self, what: &str, word: &str, change: impl FnOnce(&mut Value)) {
        self.refuses_shelf(what, word, |shelf, honest| {
            let mut config: Value = serde_json::from_slice(&honest.config).unwrap();
            change(&mut config);
            let config = shelf.put(CONFIG, config.to_string());
            let manifest = shelf::manifest(&config, &[describe(LAYER, &honest.layers[0])]);
            shelf.manifest("1", MANIFEST, &manifest);
        });
    }
}

/// Images, and the names of all blobs and layers.
fn contents(store: &Store) -> (String, BTreeSet<String>) {
    let images = store.ok(&["images", "-a", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]);
    let names = ["layer", "image/blobs/sha256", "image"].iter().flat_map(|dir| names(&store.root.join(dir)));
    (images, names.collect())
}

/// A ground layer is made with the first container.
fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path().display().to_string()).filter(|name| !name.ends_with("/ground")).collect()
}

fn unfinished(root: &Path) -> BTreeSet<String> {
    names(&root.join("unfinished")).into_iter().collect()
}

/// One line and perhaps a hint, of a length that people read, and nothing that a terminal obeys.
fn assert_harmless(what: &str, error: &str) {
    assert!(error.len() < 2000, "{what}: {} bytes of error", error.len());
    let obeyed = |letter: char| letter.is_control() && letter != '\n' || matches!(letter, '\u{202a}'..='\u{202e}');
    assert!(!error.contains(obeyed), "{what}: {error:?}");
}

fn is_manifest(asked: &Asked) -> bool {
    asked.path.ends_with("/manifests/1")
}

fn when(is: bool, answer: impl FnOnce() -> Answer) -> Option<Answer> {
    is.then(answer)
}

fn of_manifest(body: impl Into<Vec<u8>>) -> impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static {
    let body = body.into();
    move |asked| when(is_manifest(asked), || Answer::new(200, body.clone()).with("Content-Type", MANIFEST))
}

#[test]
fn manifests_that_are_none() {
    let scene = Scene::new();
    for (what, body) in [
        ("half a manifest", "{\"config\": [".to_owned()),
        ("nothing", String::new()),
        ("a word", "\"manifest\"".to_owned()),
        ("a page of a hotel", "<html>Welcome! Please log in.</html>".to_owned()),
        ("a nest", "[".repeat(100_000)),
        ("a nest of objects", "{\"config\":".repeat(5_000)),
        ("layers that are no list", r#"{"config":{"digest":"sha256:0"},"layers":"all"}"#.to_owned()),
        ("a negative size", format!(r#"{{"config":{{"digest":"sha256:{}","size":-1}}}}"#, "0".repeat(64))),
        ("a size beyond numbers", format!(r#"{{"config":{{"digest":"sha256:{}","size":18446744073709551616}}}}"#, "0".repeat(64))),
    ] {
        scene.refuses(what, "the manifest is damaged", of_manifest(body));
    }
    let text = String::from_utf8(scene.new.manifest.clone()).unwrap();
    let twice = text.replacen('{', &format!("{{\"config\":{},", describe(CONFIG, b"another")), 1);
    scene.refuses("a key twice", "duplicate field", of_manifest(twice));
    scene.refuses("bytes that are no text", "the manifest is damaged", of_manifest(vec![0xff; 100]));
    let packed = archive::gzip(&scene.new.manifest);
    scene.refuses("packed, and said to be", "the manifest is damaged", move |asked| {
        when(is_manifest(asked), || Answer::new(200, packed.clone()).with("Content-Encoding", "gzip"))
    });
    scene.over();
}

#[test]
fn manifests_that_are_something_else() {
    let scene = Scene::new();
    let old = json!({"schemaVersion": 1, "name": "team/app", "tag": "1", "architecture": "amd64", "fsLayers": [], "history": [], "signatures": []});
    scene.refuses("schema 1", "schema 1", of_manifest(old.to_string()));
    let mut both: Value = serde_json::from_slice(&scene.new.manifest).unwrap();
    both["manifests"] = json!([describe(MANIFEST, b"another")]);
    scene.refuses("image and index in one (CVE-2021-41190)", "both", of_manifest(both.to_string()));
    let mut lying: Value = serde_json::from_slice(&scene.new.manifest).unwrap();
    lying["mediaType"] = json!(INDEX);
    scene.refuses("an image that calls itself an index", "calls itself", of_manifest(lying.to_string()));
    let lying = json!({"schemaVersion": 2, "mediaType": MANIFEST, "manifests": [describe(MANIFEST, b"another")]});
    scene.refuses("an index that calls itself an image", "calls itself", of_manifest(lying.to_string()));
    scene.refuses("neither of them", "no image", of_manifest(r#"{"schemaVersion":2}"#));
    // Where nobody looks, nobody climbs down.
    scene.refuses("a nest aside", "no image", of_manifest(format!("{{\"x\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000))));
    scene.refuses_shelf("a chart", "helm", |shelf, _| {
        let config = shelf.put("application/vnd.cncf.helm.config.v1+json", r#"{"name":"chart","version":"1"}"#);
        let layer = shelf.put("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "x");
        shelf.manifest("1", MANIFEST, &shelf::manifest(&config, &[layer]));
    });
    scene.over();
}

/// What the header says of a manifest is not believed, and not written down.
#[test]
fn media_types_that_lie_do_not_come_in() {
    let scene = Scene::new();
    let mut silent: Value = serde_json::from_slice(&scene.new.manifest).unwrap();
    silent.as_object_mut().unwrap().remove("mediaType");
    let text = silent.to_string();
    scene.turn(move |asked| when(is_manifest(asked), || Answer::new(200, text.clone()).with("Content-Type", "text/evil; a=b")));
    scene.store.ok(&["pull", "-q", &scene.name]);
    let index = std::fs::read_to_string(scene.store.root.join("image/index.json")).unwrap();
    assert!(!index.contains("evil") && index.contains(MANIFEST), "{index}");
    assert_eq!(scene.store.ok(&["system", "check", "--deep"]), "Nothing is wrong");
}

#[test]
fn manifests_that_are_too_long() {
    let scene = Scene::new();
    scene.refuses("four gigabytes, announced", "longer than 4 MiB", |asked| {
        when(is_manifest(asked), || Answer::new(200, "{").said(Manner::Announced((4u64 << 30).to_string())))
    });
    scene.refuses("without an end", "longer than 4 MiB", |asked| {
        when(is_manifest(asked), || Answer { endless: true, ..Answer::new(200, "{") })
    });
    scene.refuses("an index for ten thousand other machines", "not there for", |asked| {
        let entry = |number: usize| {
            let mut entry = describe(MANIFEST, number.to_string().as_bytes());
            entry["platform"] = json!({"os": "linux", "architecture": format!("a{number}")});
            entry
        };
        when(is_manifest(asked), || {
            let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": (0..10_000).map(entry).collect::<Vec<_>>()});
            Answer::new(200, index.to_string()).with("Content-Type", INDEX)
        })
    });
    for length in ["-1", "all of it", "5, 6", "99999999999999999999999"] {
        let said = Manner::Announced(length.to_owned());
        scene.refuses(&format!("a length of {length}"), "cannot pull", move |asked| {
            when(is_manifest(asked), || Answer::new(200, "{}").said(said.clone()))
        });
    }
    let config = scene.new.config.clone();
    let size_of_config = config.len();
    scene.refuses(
        "a config of four gigabytes",
        "longer than 4 MiB",
        of_manifest({
            let mut manifest: Value = serde_json::from_slice(&scene.new.manifest).unwrap();
            manifest["config"]["size"] = json!((4u64 << 30) + size_of_config as u64);
            manifest.to_string()
        }),
    );
    scene.over();
}

#[test]
fn what_is_asked_for_by_its_digest_must_have_it() {
    let scene = Scene::new();
    let digest = format!("sha256:{}", archive::sha256(&scene.new.manifest));
    let by_digest = format!("{}/team/app@{digest}", scene.registry.host);
    scene.turn(|asked| when(asked.path.contains("/manifests/sha256:"), || Answer::new(200, "{}")));
    let error = scene.store.fails(1, &["pull", "-q", &by_digest]);
    assert!(error.contains(&format!("something else than {digest}")), "{error}");
    scene.assert_unharmed("by digest");
    for (part, word) in [(scene.new.config.clone(), "config sha256:"), (scene.new.layers[0].clone(), "layer sha256:")] {
        let hex = archive::sha256(&part);
        // As long as it should be, and with one bit turned.
        let mut changed = part;
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        scene.refuses(&format!("another {word}"), &format!("{word}{hex} is damaged"), move |asked| {
            when(asked.path.ends_with(&hex), || Answer::new(200, changed.clone()))
        });
    }
    for index in [false, true] {
        scene.refuses_shelf("an index that leads to", if index { "indexes" } else { "is damaged" }, |shelf, honest| {
            let inner = match index {
                // another index,
                true => {
                    shelf.put(INDEX, json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [describe(MANIFEST, b"x")]}).to_string())
                }
                // or to something that was exchanged.
                false => shelf.put(MANIFEST, honest.manifest.clone()),
            };
            let mut entry = inner;
            entry["platform"] =
                json!({"os": "linux", "architecture": std::env::consts::ARCH.replace("x86_64", "amd64").replace("aarch64", "arm64")});
            if !index {
                entry["digest"] = json!(format!("sha256:{}", archive::sha256(b"another")));
                shelf.exchange(b"another", honest.manifest.clone());
            }
            shelf.manifest("1", INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}));
        });
    }
    scene.over();
}

#[test]
fn digests_that_are_paths() {
    let scene = Scene::new();
    let long = format!("sha256:{}", "a".repeat(100_000));
    let upper = format!("sha256:{}", "A".repeat(64));
    for digest in ["sha256:../../../../etc/passwd", "../../x", "", "sha256:", "sha512:00", "sha256:.", "md5:x/../y", &long, &upper] {
        scene.refuses_manifest(&format!("a layer {digest:.80}"), "digest", |manifest| manifest["layers"][0]["digest"] = json!(digest));
        scene.refuses_config(&format!("a diff id {digest:.80}"), "digest", |config| config["rootfs"]["diff_ids"][0] = json!(digest));
        if !digest.is_empty() {
            scene.refuses_manifest(&format!("a config {digest:.80}"), "digest", |manifest| manifest["config"]["digest"] = json!(digest));
        }
    }
    let asked = scene.registry.asked();
    assert!(asked.iter().all(|asked| !asked.path.contains("..") && asked.path.len() < 200), "{asked:?}");
    scene.over();
}

/// What a person types, or somebody lets him type.
#[test]
fn names_that_are_paths_are_asked_of_nobody() {
    let registry = Strange::start(|_| Answer::new(404, ""));
    let store = Store::empty();
    let host = &registry.host;
    for name in ["../../etc/passwd", "a/../b:1", "./a:1", "a:../x", "a@sha256:../../x", "a%2f..%2fb:1", "a:1?x=y", "a:1#x", "a b:1", "A:1"]
    {
        store.fails(1, &["pull", "-q", &format!("{host}/{name}")]);
    }
    for name in ["evil@127.0.0.1:1/a:1", "127.0.0.1:1:2/a:1", "http://127.0.0.1/a", "file:///etc/passwd", "/etc/passwd"] {
        store.fails(1, &["pull", "-q", name]);
    }
    assert_eq!(registry.asked().len(), 0, "{:?}", registry.asked());
}

#[test]
fn sizes_that_lie() {
    let scene = Scene::new();
    for size in [0, 1, 10_000_000, u64::MAX / 2, u64::MAX] {
        scene.refuses_manifest(&format!("a layer of {size} bytes"), "layer 1 of 1", |manifest| manifest["layers"][0]["size"] = json!(size));
    }
    for size in [0, 1, 100_000] {
        scene.refuses_manifest(&format!("a config of {size} bytes"), "config", |manifest| manifest["config"]["size"] = json!(size));
    }
    scene.over();
}

#[test]
fn configs_that_do_not_fit() {
    let scene = Scene::new();
    scene.refuses_config("a layer too many", "number of layers", |config| {
        config["rootfs"]["diff_ids"].as_array_mut().unwrap().push(json!(format!("sha256:{}", "1".repeat(64))));
    });
    scene.refuses_config("no layer", "number of layers", |config| config["rootfs"]["diff_ids"] = json!([]));
    scene.refuses_config("no layers at all", "config is damaged", |config| drop(config.as_object_mut().unwrap().remove("rootfs")));
    scene.refuses_config("another layer", "is not what the image says", |config| {
        config["rootfs"]["diff_ids"][0] = json!(format!("sha256:{}", "1".repeat(64)));
    });
    for (what, text) in [("a nest", "[".repeat(100_000)), ("half a config", "{\"rootfs\":".to_owned()), ("a list", "[]".to_owned())] {
        scene.refuses_shelf(what, "config is damaged", |shelf, honest| {
            let manifest = shelf::manifest(&shelf.put(CONFIG, text), &[describe(LAYER, &honest.layers[0])]);
            shelf.manifest("1", MANIFEST, &manifest);
        });
    }
    scene.refuses_shelf("one blob that is two layers", "is not what the image says", |shelf, honest| {
        let mut config: Value = serde_json::from_slice(&honest.config).unwrap();
        config["rootfs"]["diff_ids"].as_array_mut().unwrap().push(json!(format!("sha256:{}", "2".repeat(64))));
        let layer = describe(LAYER, &honest.layers[0]);
        let manifest = shelf::manifest(&shelf.put(CONFIG, config.to_string()), &[layer.clone(), layer]);
        shelf.manifest("1", MANIFEST, &manifest);
    });
    scene.over();
}

/// The same layer twice is no attack, and comes over the wire once.
#[test]
fn one_layer_twice_is_fetched_once() {
    let mut shelf = Shelf::default();
    let layer = Layer::new().file("a", 0o644, "a").tar();
    let shelved = shelf.image("1", &Image::new("twice", vec![layer.clone(), layer]));
    let registry = Strange::start(move |asked| shelf.answer(asked));
    let store = Store::empty();
    store.ok(&["pull", "-q", &format!("{}/team/app:1", registry.host)]);
    let hex = archive::sha256(&shelved.layers[0]);
    assert_eq!(registry.asked().iter().filter(|asked| asked.path.ends_with(&hex)).count(), 1);
}

#[test]
fn addresses_in_descriptors_are_not_followed() {
    let scene = Scene::new();
    let victim = Strange::start(|_| Answer::new(200, "x"));
    let url = format!("http://{}/layer", victim.host);
    let kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    scene.refuses_manifest("a foreign layer", "has not the whole image", |manifest| {
        manifest["layers"][0] = describe(kind, b"elsewhere");
        manifest["layers"][0]["urls"] = json!([url]);
    });
    assert_eq!(victim.asked().len(), 0);
    scene.over();
}

fn layer(scene: &Scene) -> (String, Vec<u8>) {
    (archive::sha256(&scene.new.layers[0]), scene.new.layers[0].clone())
}

#[test]
fn layers_that_do_not_come_whole() {
    let scene = Scene::new();
    let (hex, bytes) = layer(&scene);
    let half = bytes.len() / 2;
    let is = |hex: &String| {
        let hex = hex.clone();
        move |asked: &Asked| asked.path.ends_with(&hex)
    };
    let (is_layer, all) = (is(&hex), bytes.clone());
    scene.refuses("half of it, over and over", "cannot", move |asked| {
        when(is_layer(asked), || match asked.header("range") {
            None => Answer { cut: Some(half), ..Answer::new(200, all.clone()) },
            Some(_) => Answer { cut: Some(0), ..shelf::part(asked, &all) },
        })
    });
    let (is_layer, all) = (is(&hex), bytes.clone());
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    scene.refuses("a byte for each time it is asked", "cannot", move |asked| {
        when(is_layer(asked), || {
            count.fetch_add(1, Ordering::Relaxed);
            Answer { cut: Some(1), ..shelf::part(asked, &all) }
        })
    });
    assert!(tries.load(Ordering::Relaxed) < 20, "{} times", tries.load(Ordering::Relaxed));
    let (is_layer, all) = (is(&hex), bytes.clone());
    scene.refuses("another stretch than was asked for", "cannot", move |asked| {
        when(is_layer(asked), || match asked.header("range") {
            None => Answer { cut: Some(half), ..Answer::new(200, all.clone()) },
            Some(_) => Answer::new(206, &all[..all.len() - half]).with("Content-Range", format!("bytes 0-{}/{}", half - 1, all.len())),
        })
    });
    let is_layer = is(&hex);
    scene.refuses("a page of a hotel", "is not what the registry has", move |asked| {
        when(is_layer(asked), || Answer::new(200, "<html>Welcome!</html>"))
    });
    let is_layer = is(&hex);
    scene.refuses("no content", "cannot pull", move |asked| when(is_layer(asked), || Answer::new(204, "")));
    let is_layer = is(&hex);
    scene.refuses("no such range", "cannot pull", move |asked| when(is_layer(asked), || Answer::new(416, "")));
    scene.over();
}

/// Nothing is wrong with these.
#[test]
fn layers_that_come_in_odd_ways_come() {
    let scene = Scene::new();
    let (hex, bytes) = layer(&scene);
    let whole = || Answer::new(200, bytes.clone());
    let head = format!("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
    for (what, odd) in [
        ("in chunks", whole().said(Manner::Chunked)),
        // What it says of itself is true, only that nobody shall undo it.
        ("packed, and said to be", whole().with("Content-Encoding", "gzip")),
        ("with more behind it", Answer { endless: true, ..whole() }),
        ("with silence behind it", whole().said(Manner::Silence)),
        ("slowly", whole().said(Manner::Slowly(20_000, Duration::from_millis(30)))),
        ("under false names", whole().with("Content-Type", "text/html").with("Docker-Content-Digest", "sha256:lie")),
        ("announced", Answer::new(0, [head.as_bytes(), &bytes].concat()).said(Manner::Raw)),
    ] {
        eprintln!("{what}");
        let hex = hex.clone();
        scene.turn(move |asked| when(asked.path.ends_with(&hex), || odd.clone()));
        scene.store.ok(&["pull", "-q", &scene.name]);
        assert_eq!(scene.store.ok(&["system", "check", "--deep"]), "Nothing is wrong");
        scene.store.ok(&["rmi", &scene.name]);
    }
    scene.over();
}

#[test]
fn what_is_no_http() {
    let scene = Scene::new();
    let line = |bytes: Vec<u8>| move |asked: &Asked| when(is_manifest(asked), || Answer::new(0, bytes.clone()).said(Manner::Raw));
    for (what, bytes) in [
        ("silence", Vec::new()),
        ("noise", noise(100_000)),
        ("a line without end", vec![b'x'; 50 << 20]),
        ("zeros", vec![0; 1 << 20]),
        ("another protocol", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("half a header", b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        ("a status that is none", b"HTTP/1.1 9999 OK\r\nContent-Length: 2\r\n\r\n{}".to_vec()),
        ("a chunk beyond numbers", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n".to_vec()),
        ("a chunk that ends too soon", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{}".to_vec()),
        (
            "a chunk whose length never ends",
            [&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;"[..], &vec![b'x'; 50 << 20]].concat(),
        ),
        ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}".to_vec()),
        ("a thousand headers", ["HTTP/1.1 200 OK\r\n", &"X-A: b\r\n".repeat(1000), "Content-Length: 2\r\n\r\n{}"].concat().into_bytes()),
        (
            "a header of a megabyte",
            ["HTTP/1.1 200 OK\r\nX-A: ", &"b".repeat(1 << 20), "\r\nContent-Length: 2\r\n\r\n{}"].concat().into_bytes(),
        ),
        ("go on, go on", b"HTTP/1.1 100 Continue\r\n\r\n".repeat(1 << 20)),
        ("hints, hints", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n".repeat(1 << 20)),
    ] {
        scene.refuses(what, "cannot pull", line(bytes));
    }
    scene.refuses("headers without end", "cannot pull", |asked| {
        when(is_manifest(asked), || Answer::new(200, "{}").said(Manner::EndlessHeader(Duration::ZERO)))
    });
    scene.over();
}

#[test]
fn one_who_is_not_well() {
    let scene = Scene::new();
    for status in [500, 502, 503, 504, 429] {
        let tries = Arc::new(AtomicUsize::new(0));
        let count = tries.clone();
        scene.refuses(&format!("{status} for ever"), "out of order", move |asked| {
            when(is_manifest(asked), || {
                count.fetch_add(1, Ordering::Relaxed);
                Answer::new(status, r#"{"errors":[{"message":"out of order"}]}"#).with("Retry-After", "0")
            })
        });
        assert_eq!(tries.load(Ordering::Relaxed), 4, "{status}");
    }
    for (after, patient) in [
        // Whoever asks for more than people wait is not waited for.
        ("86400", false),
        ("99999999999999999999999999", false),
        ("Fri, 31 Dec 2999 23:59:59 GMT", false),
        // What is no time is none, and what is over is over.
        ("-5", true),
        ("soon", true),
        ("", true),
        ("1.5", true),
        ("Thu, 01 Jan 1970 00:00:00 GMT", true),
    ] {
        let tries = Arc::new(AtomicUsize::new(0));
        let count = tries.clone();
        scene.refuses(&format!("Retry-After: {after}"), "out of order", move |asked| {
            when(is_manifest(asked), || {
                count.fetch_add(1, Ordering::Relaxed);
                Answer::new(429, r#"{"errors":[{"message":"out of order"}]}"#).with("Retry-After", after)
            })
        });
        assert_eq!(tries.load(Ordering::Relaxed), if patient { 4 } else { 1 }, "Retry-After: {after}");
    }
    for status in [400, 404, 405, 418, 501] {
        scene.refuses(&format!("{status}"), "cannot pull", move |asked| when(is_manifest(asked), || Answer::new(status, "")));
    }
    scene.over();
}

#[test]
fn complaints_are_short_and_obey_nobody() {
    let scene = Scene::new();
    let complaint = |text: String| move |asked: &Asked| when(is_manifest(asked), || Answer::new(400, text.clone()));
    let said = |message: &str| json!({"errors": [{"code": "X", "message": message}]}).to_string();
    scene.refuses("escapes", "red", complaint(said("\u{1b}[31mred\u{1b}[2J\u{7}\r\nline two\u{202e}desrever\u{9b}31m")));
    scene.refuses("a long one", "aaaa", complaint(said(&"a".repeat(10_000))));
    scene.refuses("none in this form", "400", complaint("\u{1b}[31m".repeat(1000)));
    scene.refuses("without an end", "400", |asked| when(is_manifest(asked), || Answer { endless: true, ..Answer::new(400, "{") }));
    scene.refuses("errors that are none", "400", complaint(r#"{"errors":[]}"#.to_owned()));
    scene.refuses("errors that are numbers", "400", complaint(r#"{"errors":[{"message":7}]}"#.to_owned()));
    let platform = |text: String| {
        let mut entry = describe(MANIFEST, b"x");
        entry["platform"] = json!({"os": text.clone(), "architecture": text.clone(), "variant": text});
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": vec![entry; 20]}).to_string();
        of_manifest(index)
    };
    scene.refuses("machines with escapes", "not there for", platform("\u{1b}[2J\u{202e}".to_owned()));
    scene.refuses("machines with long names", "not there for", platform("x".repeat(50_000)));
    scene.refuses_manifest("kinds with escapes", "cannot", |manifest| {
        manifest["config"] = describe("application/\u{1b}[2J\u{202e}", b"no config");
    });
    scene.over();
}

#[test]
fn redirects_that_lead_astray() {
    let scene = Scene::new();
    let to = |place: String| move |asked: &Asked| when(is_manifest(asked), || Answer::new(307, "").with("Location", place.clone()));
    for place in [
        "http://169.254.169.254/latest/meta-data",
        "http://a@169.254.169.254/",
        "http://a:b@169.254.169.254:80/",
        // The same address as C has read it for ever.
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
    ] {
        scene.refuses(place, "surroundings", to(place.to_owned()));
    }
    for place in [
        "file:///etc/passwd",
        "ftp://example.invalid/x",
        "gopher://127.0.0.1/",
        "data:application/json,{}",
        "javascript:x",
        "http:///nowhere",
        "http://",
        "://",
        "\u{ff}\u{fe}",
        "http://exa mple/",
    ] {
        scene.refuses(place, "cannot be followed", to(place.to_owned()));
    }
    scene.refuses("a long one", "cannot", to(format!("/{}", "x".repeat(60_000))));
    scene.refuses("to itself", "without end", |asked| Some(Answer::new(302, "").with("Location", asked.path.clone())));
    let count = AtomicUsize::new(0);
    scene.refuses("on and on", "without end", move |_| {
        Some(Answer::new(301, "").with("Location", format!("/{}", count.fetch_add(1, Ordering::Relaxed))))
    });
    scene.refuses("to nowhere", "cannot pull", |asked| when(is_manifest(asked), || Answer::new(307, "")));
    scene.over();
}

/// A login for this registry, in a directory for DOCKER_CONFIG.
fn login(store: &Store, host: &str) -> String {
    let text = json!({"auths": {host: {"auth": "bWU6c2VjcmV0"}}});
    store.file("docker/config.json", text.to_string());
    store.dir.join("docker").display().to_string()
}

/// `me:secret`
const SECRET: &str = "bWU6c2VjcmV0";

fn pull_with_login(scene: &Scene) -> crate::common::Ran {
    let mut command = scene.store.command(&["pull", "-q", &scene.name]);
    command.env("DOCKER_CONFIG", login(&scene.store, &scene.registry.host));
    crate::common::process::run(command, None)
}

/// A registry that lets only those in who have a token of `realm`.
fn guarded(realm: String) -> impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static {
    move |asked| {
        when(asked.header("authorization") != Some("Bearer good") && !asked.path.starts_with("/token"), || {
            Answer::new(401, "").with("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"s\""))
        })
    }
}

#[test]
fn tokens_are_not_asked_of_anybody() {
    let scene = Scene::new();
    let victim = Strange::start(|_| Answer::new(200, r#"{"token":"good"}"#));
    for realm in [
        "file:///etc/passwd".to_owned(),
        "http://169.254.169.254/token".to_owned(),
        "https://169.254.169.254/token".to_owned(),
        "https://a@169.254.169.254/token".to_owned(),
        "https://2852039166/token".to_owned(),
        "https://[::ffff:169.254.169.254]/token".to_owned(),
        "https://[fe80::1]/token".to_owned(),
        "http://example.invalid/token".to_owned(),
        format!("http://{}@example.invalid/token", victim.host),
        format!("ftp://{}/token", victim.host),
        format!("//{}/token", victim.host),
        "/token".to_owned(),
        String::new(),
    ] {
        scene.turn(guarded(realm.clone()));
        let ran = pull_with_login(&scene);
        assert_eq!(ran.code, 1, "{realm}: {}", ran.story());
        assert!(["for a token", "surroundings"].iter().any(|word| ran.stderr.contains(word)), "{realm}: {}", ran.stderr);
        assert_harmless(&realm, &ran.stderr);
    }
    assert_eq!(victim.asked().len(), 0);
    scene.assert_unharmed("realms");
    scene.over();
}

#[test]
fn what_is_given_for_a_token_may_be_none() {
    let scene = Scene::new();
    let realm = format!("http://{}/token", scene.registry.host);
    for (what, answer) in [
        ("nothing", Answer::new(200, "")),
        ("no json", Answer::new(200, "good")),
        ("no token", Answer::new(200, "{}")),
        ("a number", Answer::new(200, r#"{"token":7}"#)),
        ("a further header", Answer::new(200, r#"{"token":"good\r\nX-Evil: yes"}"#)),
        ("without an end", Answer { endless: true, ..Answer::new(200, "{") }),
        ("four gigabytes, announced", Answer::new(200, "{").said(Manner::Announced((4u64 << 30).to_string()))),
        ("half a megabyte", Answer::new(200, json!({"token": "a".repeat(500_000)}).to_string())),
        ("a nest", Answer::new(200, "[".repeat(100_000))),
        ("a complaint", Answer::new(403, r#"{"errors":[{"message":"\u001b[2Jno token for you"}]}"#)),
        ("a complaint without an end", Answer { endless: true, ..Answer::new(500, "{") }),
        ("a further wish", Answer::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\"")),
    ] {
        let guard = guarded(realm.clone());
        scene.refuses(what, "cannot pull", move |asked| if asked.path.starts_with("/token") { Some(answer.clone()) } else { guard(asked) });
        assert!(scene.registry.asked().iter().all(|asked| asked.header("x-evil").is_none()), "{what}");
    }
    for challenge in ["", "Negotiate", "Bearer", "Digest realm=\"x\"", &"Basic realm=\"x\", ".repeat(3000), "Bearer realm=\"\\"] {
        let challenge = challenge.to_owned();
        scene.refuses(&format!("{challenge:.30}"), "cannot pull", move |_| {
            Some(Answer::new(401, "").with("WWW-Authenticate", challenge.clone()))
        });
    }
    // One who is never content is asked twice, and no more.
    let realm = realm.clone();
    let tries = Arc::new(AtomicUsize::new(0));
    let count = tries.clone();
    scene.refuses("never content", "does not let us in", move |asked| {
        if asked.path.starts_with("/token") {
            return Some(Answer::new(200, r#"{"token":"other"}"#));
        }
        count.fetch_add(usize::from(is_manifest(asked)), Ordering::Relaxed);
        guarded(realm.clone())(asked)
    });
    assert_eq!(tries.load(Ordering::Relaxed), 2);
    scene.over();
}

/// Neither a redirect of the token's request, nor of a blob to a host that then wants to see something itself.
#[test]
fn who_we_are_is_not_told_to_hosts_that_we_are_sent_to() {
    let scene = Scene::new();
    let thief = Strange::start(|asked| match asked.path.as_str() {
        path if path.starts_with("/steal") => Answer::new(200, r#"{"token":"good"}"#),
        _ => Answer::new(401, "")
            .with("WWW-Authenticate", format!("Bearer realm=\"http://{}/steal\"", asked.header("host").unwrap_or_default()))
            .with("Set-Cookie", "a=b"),
    });
    let realm = format!("http://{}/token", scene.registry.host);
    let (elsewhere, guard) = (thief.host.clone(), guarded(realm.clone()));
    scene.turn(move |asked| match asked.path.starts_with("/token") {
        true => Some(Answer::new(307, "").with("Location", format!("http://{elsewhere}/steal"))),
        false => guard(asked),
    });
    pull_with_login(&scene).expect_code(0);
    scene.store.ok(&["rmi", &scene.name]);
    let (elsewhere, guard) = (thief.host.clone(), guarded(realm));
    scene.turn(move |asked| match asked.path.as_str() {
        path if path.starts_with("/token") => Some(Answer::new(200, r#"{"token":"good"}"#)),
        path if path.contains("/blobs/") => Some(Answer::new(307, "").with("Location", format!("http://{elsewhere}{path}"))),
        _ => guard(asked),
    });
    let ran = pull_with_login(&scene);
    assert_eq!(ran.code, 1, "{}", ran.story());
    let told = thief.asked();
    assert!(!told.is_empty(), "it was asked");
    for asked in told {
        assert!(asked.header("authorization").is_none() && asked.header("cookie").is_none(), "{asked:?}");
        assert!(!format!("{asked:?}").contains(SECRET), "{asked:?}");
    }
    scene.over();
}

#[test]
fn a_manifest_that_changes_each_time_it_is_asked_for() {
    let scene = Scene::new();
    let mut shelf = Shelf::default();
    let images: Vec<Shelved> = (0..3)
        .map(|number| shelf.image(&number.to_string(), &Image::new("x", vec![Layer::new().file("word", 0o644, format!("{number}")).tar()])))
        .collect();
    let (asks, manifests) = (AtomicUsize::new(0), images.iter().map(|image| image.manifest.clone()).collect::<Vec<_>>());
    scene.turn(move |asked| {
        Some(match is_manifest(asked) {
            true => {
                let number = asks.fetch_add(1, Ordering::Relaxed) % 3;
                // It also says that it is another one.
                let digest = format!("sha256:{}", archive::sha256(&manifests[(number + 1) % 3]));
                Answer::new(200, manifests[number].clone()).with("Content-Type", MANIFEST).with("Docker-Content-Digest", digest)
            }
            false => shelf.answer(asked),
        })
    });
    for _ in 0..4 {
        let told = scene.store.ok(&["pull", &scene.name]);
        let digest = told.lines().find_map(|line| line.strip_prefix("Digest: sha256:")).expect("a digest").to_owned();
        let number = images.iter().position(|image| archive::sha256(&image.manifest) == digest).expect("one of them, whole");
        scene.store.ok(&["create", "--name", "made", &scene.name]);
        let word = scene.store.ok(&["cp", "made:/word", "-"]);
        assert!(word.contains(&format!("\0{number}\0")), "{number}: {word:?}");
        scene.store.ok(&["rm", "made"]);
    }
    assert_eq!(scene.store.ok(&["system", "check", "--deep"]), "Nothing is wrong");
    scene.over();
}

/// The most memory that the process ever had, in bytes.
fn peak_of(store: &Store, words: &[&str]) -> (u64, crate::common::Ran) {
    let mut running = store.start(words);
    let mut peak = 0;
    while !running.is_over() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0).max(peak);
        std::thread::sleep(Duration::from_millis(2));
    }
    (peak << 10, running.wait())
}

#[test]
fn what_never_ends_takes_no_memory() {
    let scene = Scene::new();
    let (idle, ran) = peak_of(&scene.store, &["version"]);
    ran.ok();
    let realm = format!("http://{}/token", scene.registry.host);
    let endless = |status: u16| Answer { endless: true, ..Answer::new(status, "{") };
    let hex = archive::sha256(&scene.new.layers[0]);
    let mut huge: Value = serde_json::from_slice(&scene.new.manifest).unwrap();
    huge["layers"][0]["size"] = json!(60 << 20);
    let huge = huge.to_string();
    // One that unpacks to nothing: deflate's empty blocks, without end.
    let mut nothing = [&archive::gzip(b"x")[..10], &b"\0\0\0\xff\xff".repeat((60 << 20) / 5)].concat();
    nothing.truncate(60 << 20);
    let attacks: Vec<(&str, Evil)> = vec![
        ("manifest", Arc::new(move |asked: &Asked| when(is_manifest(asked), || endless(200)))),
        ("complaint", Arc::new(move |_: &Asked| Some(endless(404)))),
        (
            "token",
            Arc::new({
                let guard = guarded(realm);
                move |asked: &Asked| if asked.path.starts_with("/token") { Some(endless(200)) } else { guard(asked) }
            }),
        ),
        ("header", Arc::new(|asked: &Asked| when(is_manifest(asked), || Answer::new(200, "").said(Manner::EndlessHeader(Duration::ZERO))))),
        (
            "layer that is none",
            Arc::new({
                let (huge, hex) = (huge.clone(), hex.clone());
                move |asked: &Asked| match () {
                    () if is_manifest(asked) => Some(Answer::new(200, huge.clone())),
                    () => when(asked.path.ends_with(&hex), || endless(200)),
                }
            }),
        ),
        (
            "layer of zeros",
            Arc::new({
                let zeros = archive::gzip(&vec![0; 300 << 20]);
                let mut shelf = Shelf::default();
                let manifest = shelf::manifest(
                    &describe(CONFIG, &scene.new.config),
                    &[shelf.put(LAYER, zeros), describe(LAYER, &scene.new.layers[1])],
                );
                shelf.put(CONFIG, scene.new.config.clone());
                shelf.manifest("1", MANIFEST, &manifest);
                move |asked: &Asked| Some(shelf.answer(asked))
            }),
        ),
        (
            "layer of nothing",
            Arc::new({
                move |asked: &Asked| match () {
                    () if is_manifest(asked) => Some(Answer::new(200, huge.clone())),
                    () => when(asked.path.ends_with(&hex), || Answer::new(200, nothing.clone())),
                }
            }),
        ),
    ];
    for (what, evil) in attacks {
        scene.turn(move |asked| evil(asked));
        let started = Instant::now();
        let (peak, ran) = peak_of(&scene.store, &["pull", "-q", "--max-layer-size", "64m", &scene.name]);
        assert_eq!(ran.code, 1, "{what}: {}", ran.story());
        eprintln!("{what}: {} MiB, {:?}: {}", (peak - idle.min(peak)) >> 20, started.elapsed(), ran.stderr.trim());
        assert!(peak < idle + (64 << 20), "{what}: {peak} bytes, and {idle} without doing anything");
        scene.assert_unharmed(what);
    }
    scene.over();
}

/// A connection that stays open and does not come forward: after a minute nobody waits for it any longer.
#[test]
fn those_who_dawdle_are_left() {
    let scene = Scene::new();
    let second = Duration::from_secs(1);
    let text = "{\"config\": ".to_owned() + &" ".repeat(10_000);
    let slow = Answer::new(200, text).said(Manner::Slowly(1, second));
    let dawdlers: Vec<(&str, Answer)> = vec![
        ("says nothing", Answer::new(0, "").said(Manner::Silence)),
        ("a byte a second", slow.clone()),
        ("a header now and then", Answer::new(200, "{}").said(Manner::EndlessHeader(second / 3))),
        ("a complaint, a byte a second", Answer { status: 404, ..slow }),
        ("half of it, and then nothing", Answer::new(200, "{").said(Manner::Silence).with("X", "y")),
    ];
    std::thread::scope(|scope| {
        for (what, answer) in dawdlers {
            let (store, host) = (&scene.store, scene.registry.host.clone());
            scope.spawn(move || {
                let registry = Strange::start(move |asked| match asked.path.as_str() {
                    "/v2/" => Answer::new(200, "{}"),
                    _ => answer.clone(),
                });
                let started = Instant::now();
                let mut running = store.start(&["pull", "-q", &format!("{}/team/app:1", registry.host)]);
                while !running.is_over() {
                    assert!(started.elapsed() < Duration::from_secs(150), "{what}: it waits for ever; {host}");
                    std::thread::sleep(Duration::from_millis(100));
                }
                let ran = running.wait().expect_code(1);
                eprintln!("{what}: {:?}: {}", started.elapsed(), ran.stderr.trim());
                crate::common::store::assert_proper_error(&ran);
            });
        }
    });
    scene.assert_unharmed("dawdlers");
}
