//! `save`: archives that docker, podman and skopeo load, and that come back as they were; theirs are in `images.rs`, and here again
//! where they come from what we have saved.

use crate::common::drivers::{Docker, Podman};
use crate::common::process::tool;
use crate::common::world::NETWORK;
use crate::common::{Image, Layer, Store, archive, installed, lacking};
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Two images that share a layer, one of them gzipped and under two names, and one without any name.
fn load_images(store: &Store) -> [String; 3] {
    let base = Layer::new().dir("bin/", 0o755).file("bin/true", 0o755, "#!/bin/true").tar();
    let one = Image::new("app:1", vec![base.clone(), Layer::new().file("one", 0o644, "1").tar()]);
    let two = Image::new("lib:2", vec![base, Layer::new().file("two", 0o644, "2").tar()]);
    let nameless = Image::new("forgotten", vec![Layer::new().file("three", 0o644, "3").tar()]);
    store.load(&one.docker_archive()).ok();
    store.load(&two.oci_archive(true)).ok();
    store.load(&nameless.docker_archive()).ok();
    store.ok(&["tag", "app:1", "app:latest"]);
    store.ok(&["tag", "lib:2", "team/lib:2"]);
    store.ok(&["rmi", "lib:2"]);
    let ids = [one.id(), two.id(), nameless.id()];
    // Another takes its name.
    store.ok(&["tag", "app:1", "forgotten"]);
    store.ok(&["rmi", "forgotten"]);
    ids
}

fn names_and_ids(store: &Store) -> Vec<String> {
    let mut all: Vec<String> =
        store.ok(&["images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]).lines().map(str::to_owned).collect();
    all.sort();
    all
}

fn path_of(store: &Store, name: &str) -> String {
    store.dir.join(name).display().to_string()
}

fn text_in(archive: &[u8], name: &str) -> Option<String> {
    let mut archive = tar::Archive::new(archive);
    let mut entry =
        archive.entries().expect("entries").map(|entry| entry.expect("an entry")).find(|entry| &*entry.path_bytes() == name.as_bytes())?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut entry, &mut text).expect("text");
    Some(text)
}

#[test]
fn what_was_saved_comes_back_the_same() {
    let store = Store::empty();
    let [_, _, nameless] = load_images(&store);
    for format in ["docker-archive", "oci-archive", "docker", "oci"] {
        let saved = store.tare(&["save", "--format", format, "app:1", "app:latest", "team/lib:2", &nameless]);
        assert_eq!(saved.code, 0, "{}", saved.story());
        let again = store.tare(&["save", "--format", format, "app:1", "app:latest", "team/lib:2", &nameless]);
        assert_eq!(saved.raw, again.raw, "{format}: the same images are the same archive");
        let other = Store::empty();
        other.load(&saved.raw).ok();
        assert_eq!(names_and_ids(&other), names_and_ids(&store), "{format}");
        // What comes from there is the same again, whatever way it came in.
        let onward = other.tare(&["save", "--format", format, "app:1", "app:latest", "team/lib:2", &nameless]);
        assert_eq!(saved.raw, onward.raw, "{format}");
        let piped = Store::empty();
        piped.tare_with(&["load"], archive::gzip(&saved.raw)).ok();
        assert_eq!(names_and_ids(&piped), names_and_ids(&store), "{format}");
    }
}

#[test]
fn the_archive_is_an_oci_layout_and_what_docker_writes() {
    let store = Store::empty();
    let [one, two, nameless] = load_images(&store);
    let docker = store.tare(&["save", "app", "team/lib:2", &nameless[7..20]]).raw;
    let json = |archive: &[u8], name: &str| -> Value { serde_json::from_str(&text_in(archive, name).expect(name)).expect("json") };
    let manifest = json(&docker, "manifest.json");
    let tags: Vec<&Value> = manifest.as_array().expect("images").iter().map(|image| &image["RepoTags"]).collect();
    assert_eq!(
        tags,
        [&json!(["docker.io/library/app:1", "docker.io/library/app:latest"]), &json!(["docker.io/team/lib:2"]), &Value::Null],
        "all tags of app, and none for an id"
    );
    let configs: Vec<String> = [&one, &two, &nameless].map(|id| format!("blobs/sha256/{}", &id[7..])).to_vec();
    assert_eq!(manifest.as_array().expect("images").iter().map(|image| image["Config"].clone()).collect::<Vec<_>>(), configs);
    let index = json(&docker, "index.json");
    let called = |index: &Value, name: &str| -> Vec<Value> {
        index["manifests"].as_array().expect("manifests").iter().map(|entry| entry["annotations"][name].clone()).collect()
    };
    let whole = json!(["docker.io/library/app:1", "docker.io/library/app:latest", "docker.io/team/lib:2", null]);
    assert_eq!(json!(called(&index, "io.containerd.image.name")), whole);
    assert_eq!(json!(called(&index, "org.opencontainers.image.ref.name")), json!(["1", "latest", "2", null]));
    assert!(!text_in(&docker, "index.json").expect("text").contains("tare."), "our own notes stay at home");
    let oci = store.tare(&["save", "--format", "oci-archive", "app", "team/lib:2", &nameless]).raw;
    assert_eq!(text_in(&oci, "manifest.json"), None);
    assert_eq!(json!(called(&json(&oci, "index.json"), "org.opencontainers.image.ref.name")), whole);
    assert_eq!(text_in(&oci, "oci-layout").as_deref(), Some("{\"imageLayoutVersion\":\"1.0.0\"}"));
    // Nothing is in it twice, and every blob is called after its content.
    let mut seen = std::collections::BTreeSet::new();
    for entry in tar::Archive::new(&docker[..]).entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a path").display().to_string();
        assert!(seen.insert(name.clone()), "{name} is there twice");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("bytes");
        if let Some(hex) = name.strip_prefix("blobs/sha256/").filter(|hex| !hex.is_empty()) {
            assert_eq!(archive::sha256(&bytes), hex);
        }
    }
    assert_eq!(seen.len(), 5 + 3 * 2 + 4 + 1, "{seen:?}");
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let store = Store::empty();
    load_images(&store);
    let path = path_of(&store, "out.tar");
    std::fs::write(&path, "what was there").expect("a file");
    let id = store.inspect("team/lib:2")["Id"].as_str().expect("an id").to_owned();
    let blobs = store.root.join("image/blobs/sha256");
    let names = || std::fs::read_dir(&store.dir).expect("the directory").count();
    let before = names();
    // Something of it is missing, too short, or other than it was.
    let layer = blobs.join(archive::sha256(&archive::gzip(&Layer::new().file("two", 0o644, "2").tar())));
    let (whole, aside) = (std::fs::read(&layer).expect("the layer's blob"), store.root.join("aside"));
    std::fs::rename(&layer, &aside).expect("rename");
    let error = store.fails(1, &["save", "-o", &path, "team/lib:2"]);
    assert!(error.contains("the store has not kept it") && error.contains("hint: load it again"), "{error}");
    let mut other = whole.clone();
    *other.last_mut().expect("bytes") ^= 1;
    for (bytes, said) in [(&other[..], "its digest is"), (&whole[1..], "bytes, said are")] {
        std::fs::write(&layer, bytes).expect("write");
        let error = store.fails(1, &["save", "-o", &path, "team/lib:2"]);
        assert!(error.contains("is damaged") && error.contains(said), "{error}");
        let ran = store.tare(&["save", "team/lib:2"]);
        assert_eq!(ran.code, 1, "{}", ran.story());
    }
    assert_eq!((std::fs::read_to_string(&path).expect("the file").as_str(), names()), ("what was there", before));
    std::fs::rename(&aside, &layer).expect("rename");
    assert_eq!(store.ok(&["save", "-o", &path, "team/lib:2"]), "");
    assert_eq!(names(), before);
    assert!(std::fs::metadata(&path).is_ok_and(|about| about.len() > 4096 && about.mode() & 0o777 == 0o600));
    // Behind a symlink it is the file that is replaced.
    let link = path_of(&store, "link.tar");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    store.ok(&["save", "-o", &link, &id]);
    assert!(std::fs::symlink_metadata(&link).is_ok_and(|about| about.is_symlink()));
    store.ok(&["load", "-qi", &link]);
    store.ok(&["save", "-o", "/dev/null", "app:1"]);
    assert!(store.fails(1, &["save", "-o", "/dev/full", "app:1"]).contains("No space left on device"));
    assert!(store.fails(1, &["save", "-o", path_of(&store, "no/such/dir.tar").as_str(), "app:1"]).contains("No such file or directory"));
    assert!(store.fails(1, &["save", "-o", store.dir.to_str().expect("utf-8"), "app:1"]).contains("Is a directory"));
}

#[test]
fn mistakes_are_told() {
    let store = Store::new();
    let mut person = store.terminal(&["save", "box"]);
    person.expect("an archive is nothing for a terminal");
    assert_eq!(person.wait(), 125);
    assert!(store.refuses(&["save", "--format", "zip", "box"]).contains("docker-archive or oci-archive"));
    assert!(store.fails(1, &["save", "bx"]).contains("did you mean box?"));
    let ran = store.tare(&["save", "box", "nosuch"]);
    assert_eq!((ran.code, ran.raw.len()), (1, 0), "nothing is written before all is found");
    let ran = store.start_script("tare save box | head -c 100 >/dev/null; tare save box >/dev/full || echo code $?").wait();
    assert!(ran.stdout.contains("code 1") && ran.stderr.contains("No space left on device"), "{}", ran.story());
    store.ok(&["run", "--rm", "box", "true"]);
    assert_eq!(store.tare(&["save", "box"]).code, 0);
    let events = std::fs::read_to_string(store.run.join("events")).unwrap_or_default();
    let told: Vec<Value> = events
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).expect("json"))
        .filter(|line: &Value| line["Action"] == "save")
        .collect();
    assert_eq!(
        (told.len(), &told[0]["Actor"]["Attributes"]["name"], &told[0]["Actor"]["ID"]),
        (1, &json!("box:latest"), &store.inspect("box")["Id"])
    );
}

#[test]
fn podman_loads_what_we_save_and_we_what_podman_saves() {
    let Some(podman) = Podman::new("") else { return };
    let store = Store::empty();
    let [one, two, nameless] = load_images(&store);
    let id_of = |name: &str| format!("sha256:{}", podman.ok(&["image", "inspect", "-f", "{{.Id}}", name]));
    let path = podman.world.path("out.tar");
    for format in ["docker-archive", "oci-archive"] {
        for (words, names) in [
            (vec!["app:1"], vec![("app:1", &one)]),
            (vec!["team/lib:2"], vec![("docker.io/team/lib:2", &two)]),
            (vec![&nameless[..]], vec![]),
        ] {
            store.ok(&[&["save", "--format", format, "-o", &path], &words[..]].concat());
            podman.ok(&["load", "-qi", &path]);
            for (name, id) in names {
                assert_eq!(&id_of(name), id, "{format}");
            }
        }
        assert_eq!(id_of(&nameless[7..]), nameless, "{format}");
        podman.ok(&["rmi", "-af"]);
    }
    // Several at once, which only docker's form can tell podman.
    store.ok(&["save", "-o", &path, "app", "team/lib:2"]);
    podman.ok(&["load", "-qi", &path]);
    assert_eq!(
        (id_of("docker.io/library/app:1"), id_of("app:latest"), id_of("docker.io/team/lib:2")),
        (one.clone(), one.clone(), two.clone())
    );
    // From there it had them as docker's, which it converts when it writes an OCI layout; and the other way round.
    for format in ["docker-archive", "oci-archive"] {
        for (name, id) in [("docker.io/library/app:1", &one), ("docker.io/team/lib:2", &two)] {
            if format == "oci-archive" {
                podman.ok(&["rmi", "-af"]);
                store.ok(&["save", "--format", format, "-o", &path, name]);
                podman.ok(&["load", "-qi", &path]);
            }
            let back = podman.world.path(&format!("{format}-{}.tar", &id[7..12]));
            podman.ok(&["save", "-q", "--format", format, "-o", &back, name]);
            let other = Store::empty();
            other.ok(&["load", "-qi", &back]);
            assert_eq!(&config_of(&other), id, "{format}: {name}");
        }
    }
}

/// The id of the only image.
fn config_of(store: &Store) -> String {
    store.ok(&["images", "-q", "--no-trunc"])
}

#[test]
fn docker_loads_what_we_save_and_we_what_docker_saves() {
    let Some(docker) = Docker::new(&["--bip", &format!("{NETWORK}1.1/24")]) else { return };
    let store = Store::empty();
    let [one, two, nameless] = load_images(&store);
    let id_of = |name: &str| docker.ok(&["image", "inspect", "-f", "{{.Id}}", name]);
    let path = docker.world.path("out.tar");
    store.ok(&["save", "-o", &path, "app", "team/lib:2", &nameless]);
    docker.ok(&["load", "-qi", &path]);
    assert_eq!(
        (id_of("app:1"), id_of("app:latest"), id_of("team/lib:2"), id_of(&nameless)),
        (one.clone(), one.clone(), two.clone(), nameless.clone())
    );
    let back = docker.world.path("back.tar");
    docker.ok(&["save", "-o", &back, "app", "team/lib:2", &nameless]);
    let other = Store::empty();
    other.ok(&["load", "-qi", &back]);
    assert_eq!(names_and_ids(&other), names_and_ids(&store));
    // And once more round.
    other.ok(&["save", "-o", &path, "app:1"]);
    docker.ok(&["rmi", "app:1", "app:latest"]);
    docker.ok(&["load", "-qi", &path]);
    assert_eq!(id_of("app:1"), one);
}

#[test]
fn skopeo_copies_what_we_save_and_we_load_its_copies() {
    if !installed("skopeo") {
        let _ = lacking("skopeo (apt-get install skopeo)");
        return;
    }
    let store = Store::empty();
    let [one, two, nameless] = load_images(&store);
    let path = |name: &str| path_of(&store, name);
    store.ok(&["save", "-o", &path("docker.tar"), "app", "team/lib:2"]);
    store.ok(&["save", "-o", &path("nameless.tar"), &nameless]);
    store.ok(&["save", "--format", "oci", "-o", &path("oci.tar"), "app", "team/lib:2"]);
    store.ok(&["save", "--format", "oci", "-o", &path("one-oci.tar"), &nameless]);
    let copies = [
        (format!("docker-archive:{}:app:latest", path("docker.tar")), &one),
        (format!("docker-archive:{}:team/lib:2", path("docker.tar")), &two),
        (format!("docker-archive:{}", path("nameless.tar")), &nameless),
        (format!("oci-archive:{}:docker.io/library/app:1", path("oci.tar")), &one),
        (format!("oci-archive:{}:docker.io/team/lib:2", path("oci.tar")), &two),
        (format!("oci-archive:{}", path("one-oci.tar")), &nameless),
    ];
    for (number, (from, id)) in copies.iter().enumerate() {
        for kind in ["docker-archive", "oci-archive", "oci", "dir"] {
            let place = path(&format!("copy-{number}-{kind}"));
            let target = if kind == "dir" { format!("dir:{place}") } else { format!("{kind}:{place}:copy:1") };
            tool(&["skopeo", "copy", "-q", from, &target]).ok();
            if kind == "dir" {
                assert!(Path::new(&place).join(&id[7..]).is_file(), "{from}: its config is no blob of {place}");
                continue;
            }
            // From one form into the other skopeo writes a new config.
            let is_converted = from.starts_with("docker") != (kind == "docker-archive");
            let other = Store::empty();
            other.ok(&["load", "-qi", &place]);
            assert!(is_converted || config_of(&other) == **id, "{from} to {kind}: {}", config_of(&other));
        }
    }
    // The store itself is a layout, too.
    let about = tool(&["skopeo", "inspect", "--config", "--raw", &format!("oci:{}:app:1", store.root.join("image").display())]).ok();
    assert_eq!(format!("sha256:{}", archive::sha256(about.as_bytes())), one);
}
