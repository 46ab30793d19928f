//! Pulling as it happens on the way of a `run`, and what of an image comes: for which machines, with its blobs or without, and
//! nothing twice.

use crate::common::archive::{gzip, sha256};
use crate::common::process::{self, tool};
use crate::common::registry::{Answer, MANIFEST, Registry, Served, Strange};
use crate::common::{Image, Layer, Store, image_dir, installed, lacking, program};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// An archive of `images/`, pushed by skopeo.
fn push(registry: &Registry, archive: &Path, name: &str) -> String {
    let name = format!("{}/{name}", registry.host);
    let archive = format!("docker-archive:{}", archive.display());
    tool(&["skopeo", "copy", "-q", "--dest-tls-verify=false", &archive, &format!("docker://{name}")]).ok();
    name
}

fn busybox() -> std::path::PathBuf {
    image_dir().join("busybox.tar")
}

#[test]
fn run_fetches_what_is_not_here_and_says_so() {
    let Some(registry) = Registry::plain() else { return };
    let name = push(&registry, &busybox(), "team/box:1");
    let store = Store::empty();
    // As if nobody had said anything about pulling.
    store.registries("pull = \"missing\"\n");
    let ran = process::run(store.command(&["run", "--rm", &name, "echo", "hello"]), None);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "hello\n"), "{}", ran.story());
    for said in
        [&format!("Unable to find image '{name}' locally")[..], "1: Pulling from team/box", "Pull complete", "Downloaded newer image"]
    {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.stderr);
    }
    let again = process::run(store.command(&["run", "--rm", &name, "echo", "hello"]), None);
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("hello\n", ""), "what is here is not asked for");
    store.ok(&["rmi", &name]);
    let error = store.fails(125, &["run", "--rm", "--pull", "never", &name, "true"]);
    assert!(error.contains("no such image"), "{error}");
    let quiet = process::run(store.command(&["run", "--rm", "-q", &name, "echo", "hello"]), None);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("hello\n", ""));
    let error = store.fails(125, &["run", "-q", &format!("{}/team/box:2", registry.host)]);
    assert!(error.contains("has no team/box:2") && error.contains("did you mean"), "{error}");
}

#[test]
fn a_user_may_want_the_newest_each_time() {
    let Some(registry) = Registry::plain() else { return };
    let name = push(&registry, &busybox(), "team/box:1");
    let store = Store::empty();
    store.registries("pull = \"always\"\n");
    store.ok(&["run", "--rm", "-q", &name, "true"]);
    let before = store.ok(&["inspect", "-f", "{{.Id}}", &name]);
    let changed = store.dir.join("changed.tar");
    store.ok(&["run", "--name", "made", "-q", &name, "touch", "/new"]);
    store.ok(&["commit", "made", "changed"]);
    store.ok(&["save", "-o", &changed.display().to_string(), "changed"]);
    push(&registry, &changed, "team/box:1");
    assert_eq!(store.ok(&["run", "--rm", "-q", &name, "ls", "/new"]), "/new");
    assert_eq!(store.ok(&["run", "--rm", "-q", "--pull", "missing", &name, "ls", "/new"]), "/new");
    assert_ne!(store.ok(&["inspect", "-f", "{{.Id}}", &name]), before);
}

/// A process is a copy of one thread: what another, on its last steps, had locked in the C library would be locked in it for ever, and
/// a container once never became somebody. Here threads take long to go, and names are looked up.
#[test]
fn no_thread_of_a_pull_is_left_when_the_container_begins() {
    let Some(registry) = Registry::plain() else { return };
    if !installed("strace") && lacking("strace (apt-get install strace)") {
        return;
    }
    let store = Store::empty();
    store.registries("pull = \"always\"\n");
    let name = push(&registry, &busybox(), "team/box:1").replace("127.0.0.1", "localhost");
    let trace = store.dir.join("trace");
    let slowly = ["-f", "-e", "trace=exit,clone,clone3", "-e", "inject=exit:delay_enter=200000"];
    let mut command = Command::new("strace");
    command.arg("-o").arg(&trace).args(slowly).arg(program()).args(["run", "--rm", "-q", &name, "echo", "hello"]);
    store.tell(&mut command);
    assert_eq!(process::run(command, None).ok(), "hello");
    let trace = std::fs::read_to_string(trace).expect("what happened");
    let before = trace.split_once("CLONE_PIDFD").expect("a process is made").0;
    let (begun, ended) = (before.matches("CLONE_THREAD").count(), before.matches("+++ exited").count());
    assert!(begun >= 2 && begun == ended, "{begun} threads, of which {ended} had ended:\n{trace}");
}

/// Documents and blobs by their digests, and one name.
fn registry_of(all: Vec<Vec<u8>>, top: Vec<u8>, media_type: &'static str) -> Strange {
    Strange::start(move |asked| {
        let found = all.iter().chain([&top]).find(|bytes| asked.path.ends_with(&sha256(bytes)));
        match (asked.path.as_str(), found) {
            ("/v2/", _) => Answer::new(200, "{}"),
            ("/v2/team/app/manifests/1", _) => Answer::new(200, top.clone()).with("Content-Type", media_type),
            (path, Some(bytes)) if path.contains("/manifests/") => Answer::new(200, bytes.clone()).with("Content-Type", MANIFEST),
            (_, Some(bytes)) => Answer::new(200, bytes.clone()),
            _ => Answer::new(404, ""),
        }
    })
}

fn for_machine(architecture: &str) -> Served {
    let layer = Layer::new().file("for", 0o644, architecture.as_bytes()).tar();
    let mut image = Image::new("team/app:1", vec![layer.clone()]);
    image.architecture = architecture.into();
    Served::of(image.config_text(), gzip(&layer))
}

#[test]
fn all_platforms_come_and_this_machine_s_gets_the_name() {
    let images: Vec<(&str, Served)> = ["s390x", "amd64", "arm64"].map(|machine| (machine, for_machine(machine))).into();
    let describe = |(machine, served): &(&str, Served)| {
        json!({"mediaType": MANIFEST, "digest": format!("sha256:{}", sha256(&served.manifest)), "size": served.manifest.len(),
            "platform": {"os": "linux", "architecture": machine}})
    };
    let mut manifests: Vec<Value> = images.iter().map(describe).collect();
    // A signature or the like; it is for no machine.
    manifests.push(json!({"mediaType": MANIFEST, "digest": format!("sha256:{}", "0".repeat(64)), "size": 7,
        "platform": {"os": "unknown", "architecture": "unknown"}}));
    let index_type = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": index_type, "manifests": manifests}).to_string().into_bytes();
    let digest = format!("sha256:{}", sha256(&index));
    let blobs = images.iter().flat_map(|(_, served)| [served.manifest.clone(), served.config.clone(), served.layer.clone()]).collect();
    let registry = registry_of(blobs, index, index_type);
    let store = Store::empty();
    let name = format!("{}/team/app:1", registry.host);
    store.ok(&["pull", "--all-platforms", &name]);
    let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let machine = |name: &str| store.ok(&["inspect", "-f", "{{.Architecture}}", name]);
    assert_eq!((machine(&name), machine(&format!("{name}-linux-s390x"))), (own.into(), "s390x".into()));
    assert_eq!(store.ok(&["images", "-q"]).lines().count(), 3);
    // Others know the image by the digest of the list, and so it is found here as well.
    let repository = name.trim_end_matches(":1");
    assert_eq!(store.ok(&["inspect", "-f", "{{index .RepoDigests 0}}", &name]), format!("{repository}@{digest}"));
    assert_eq!(machine(&format!("{repository}@{digest}")), own);
    let other = store.fails(1, &["pull", "--platform", "linux/riscv64", &name]);
    assert!(other.contains("linux/s390x, linux/amd64, linux/arm64"), "{other}");
    store.ok(&["pull", "-q", "--platform", "linux/s390x", &name]);
    assert_eq!(machine(&name), "s390x");
}

#[test]
fn the_files_alone_are_enough_to_run() {
    let Some(registry) = Registry::plain() else { return };
    let name = push(&registry, &busybox(), "team/box:1");
    let store = Store::empty();
    let said = store.ok(&["pull", "--no-keep-blobs", &name]);
    assert!(said.contains("can be run, but not saved or pushed"), "{said}");
    assert_eq!(store.ok(&["run", "--rm", &name, "echo", "hello"]), "hello");
    assert!(store.ok(&["system", "check"]).contains("Nothing is wrong"));
    let blobs = || std::fs::read_dir(store.root.join("image/blobs/sha256")).unwrap().count();
    assert_eq!(blobs(), 2, "manifest and config");
    let error = store.fails(1, &["save", "-o", "x.tar", &name]);
    assert!(error.contains("--no-keep-blobs"), "{error}");
    store.ok(&["run", "--name", "made", &name, "touch", "/new"]);
    store.ok(&["commit", "made", "changed"]);
    assert_eq!(store.ok(&["run", "--rm", "changed", "ls", "/new"]), "/new");
    assert!(store.ok(&["pull", "--no-keep-blobs", &name]).contains("is up to date"));
    // Whoever wants them after all gets them.
    assert!(store.ok(&["pull", &name]).contains("Downloaded newer image"));
    assert!(blobs() > 4, "the layer's blob, and what the commit made");
    store.ok(&["save", "-o", "x.tar", &name]);
}

#[test]
fn a_layer_that_is_here_is_not_fetched_again() {
    let shared = Layer::new().file("shared", 0o644, vec![7; 100_000]).tar();
    let (packed, own) = (gzip(&shared), Layer::new().file("own", 0o644, "own").tar());
    let image = |layers: Vec<Vec<u8>>| {
        let config = Image::new("team/app:1", layers.clone()).config_text();
        let describe =
            |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len()});
        let blobs: Vec<Vec<u8>> = layers.iter().map(|layer| gzip(layer)).collect();
        let layers: Vec<Value> = blobs.iter().map(|blob| describe("application/vnd.oci.image.layer.v1.tar+gzip", blob)).collect();
        let config_type = "application/vnd.oci.image.config.v1+json";
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": describe(config_type, &config), "layers": layers});
        registry_of([blobs, vec![config]].concat(), manifest.to_string().into_bytes(), MANIFEST)
    };
    let (one, two) = (image(vec![shared.clone()]), image(vec![shared, own]));
    let store = Store::empty();
    store.ok(&["pull", "-q", &format!("{}/team/app:1", one.host)]);
    let ran = process::run(store.command(&["pull", &format!("{}/team/app:1", two.host)]), None);
    assert_eq!((ran.stderr.matches("Already exists").count(), ran.stderr.matches("Pull complete").count()), (1, 1), "{}", ran.story());
    let asked = two.asked().iter().filter(|asked| asked.path.ends_with(&sha256(&packed))).count();
    assert_eq!(asked, 0, "the shared layer was here");
    let again = store.ok(&["pull", &format!("{}/team/app:1", two.host)]);
    assert!(again.contains("Image is up to date"), "{again}");
    assert_eq!(two.asked().iter().filter(|asked| asked.path.contains("/blobs/")).count(), 2, "its config and its own layer, once");
}
