//! The store: `images`, `tag`, `rmi`, `image inspect`, `import`, and that other tools can read it.

use crate::common::process::tool;
use crate::common::{Image, Layer, Store, archive, cannot, installed, lacking};
use serde_json::{Value, json};

#[test]
fn images_has_docker_s_columns() {
    let store = Store::new();
    let text = store.ok(&["images"]);
    let heading: Vec<&str> = text.lines().next().expect("a heading").split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    assert_eq!(heading, ["REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE"]);
    let row = text.lines().find(|line| line.starts_with("box ")).unwrap_or_else(|| panic!("box is missing:\n{text}"));
    let id = image_id(&store, "box");
    assert!(row.contains(" latest ") && row.contains(&id[7..19]) && (row.ends_with("MB") || row.ends_with("kB")), "{row}");
    assert_eq!(store.ok(&["images", "-q", "box"]), &id[7..19]);
    assert_eq!(store.ok(&["images", "-q", "--no-trunc", "box"]), id);
    assert_eq!(store.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}", "box"]), "box:latest");
}

fn image_id(store: &Store, name: &str) -> String {
    let about: Value = serde_json::from_str(&store.ok(&["image", "inspect", name])).expect("json");
    about[0]["Id"].as_str().expect("Id").to_string()
}

#[test]
fn image_inspect_has_docker_s_shape() {
    let store = Store::new();
    let about: Value = serde_json::from_str(&store.ok(&["image", "inspect", "box"])).expect("json");
    let about = &about[0];
    assert_eq!(about["RepoTags"], json!(["box:latest"]));
    assert_eq!(about["Os"], "linux");
    assert_eq!(about["Created"], "2024-01-02T03:04:05Z");
    assert_eq!(about["Config"]["Cmd"], json!(["sh"]));
    assert_eq!(about["Config"]["Labels"]["org.example.kind"], "box");
    assert_eq!(about["RootFS"]["Type"], "layers");
    assert_eq!(about["RootFS"]["Layers"].as_array().map(Vec::len), Some(1));
    assert!(about["Size"].as_u64().is_some_and(|size| size > 500_000));
    let same: Value = serde_json::from_str(&store.ok(&["inspect", "box"])).expect("json");
    assert_eq!(same[0]["Id"], about["Id"], "inspect falls back to images");
    let ran = store.tare(&["image", "inspect", "missing"]);
    assert_eq!(ran.code, 1, "{}", ran.story());
}

#[test]
fn tag_gives_a_second_name() {
    let store = Store::new();
    store.ok(&["tag", "box", "mine:v1"]);
    store.ok(&["tag", "box:latest", "registry.example:5000/team/app:1.0"]);
    let id = image_id(&store, "box");
    assert_eq!(image_id(&store, "mine:v1"), id);
    assert_eq!(image_id(&store, "registry.example:5000/team/app:1.0"), id);
    assert_eq!(store.ok(&["run", "--rm", "mine:v1", "echo", "same"]), "same");
    assert_eq!(store.ok(&["run", "--rm", &id[7..19], "echo", "by id"]), "by id");
    assert_eq!(store.ok(&["run", "--rm", &id, "echo", "by digest"]), "by digest");
    let error = store.refuses(&["tag", "box", "Not A Name"]);
    assert!(error.contains("Not A Name"), "{error}");
}

#[test]
fn rmi_takes_a_name_and_with_the_last_one_the_image() {
    let store = Store::new();
    store.ok(&["tag", "box", "second"]);
    let text = store.ok(&["rmi", "second"]);
    assert!(text.contains("Untagged: second:latest") && !text.contains("Deleted:"), "{text}");
    let id = image_id(&store, "box");
    let text = store.ok(&["rmi", "box"]);
    assert!(text.contains("Untagged: box:latest") && text.contains(&format!("Deleted: {id}")), "{text}");
    store.fails(1, &["image", "inspect", "box"]);
    store.fails(1, &["rmi", "box"]);
    store.ok(&["rmi", "probe"]);
    let layers: Vec<_> = std::fs::read_dir(store.root.join("layer"))
        .expect("layers")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.len() == 64)
        .collect();
    assert_eq!(layers, Vec::<std::ffi::OsString>::new(), "the layers go with the last image that uses them");
    let blobs = std::fs::read_dir(store.root.join("image/blobs/sha256")).expect("blobs").count();
    assert_eq!(blobs, 0, "and so do the blobs");
}

#[test]
fn an_image_in_use_is_kept() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "user", "probe", "wait-signals"]);
    let error = store.fails(1, &["rmi", "probe"]);
    assert!(error.contains("probe") && error.contains("user"), "{error}");
    store.ok(&["rm", "-f", "user"]);
    store.ok(&["rmi", "probe"]);
}

#[test]
fn rmi_by_force_does_not_pull_the_layers_from_under_a_container() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "user", "box", "sleep", "1000"]);
    store.tare(&["rmi", "-f", "box"]);
    assert_eq!(store.ok(&["exec", "user", "echo", "still here"]), "still here");
}

#[test]
fn layers_are_shared_between_images() {
    let store = Store::empty();
    let base = Layer::new().file("base", 0o644, "base").tar();
    let one = Image::new("one", vec![base.clone(), Layer::new().file("one", 0o644, "1").tar()]);
    let two = Image::new("two", vec![base, Layer::new().file("two", 0o644, "2").tar()]);
    store.load(&one.docker_archive()).ok();
    store.load(&two.docker_archive()).ok();
    let count = || {
        std::fs::read_dir(store.root.join("layer"))
            .expect("layers")
            .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name().len() == 64))
            .count()
    };
    assert_eq!(count(), 3);
    store.ok(&["rmi", "one"]);
    assert_eq!(count(), 2, "the shared layer stays with the other image");
    store.ok(&["rmi", "two"]);
    assert_eq!(count(), 0);
}

#[test]
fn import_makes_an_image_of_a_root_tarball() {
    let store = Store::new();
    let tar = Layer::new()
        .dir("data/", 0o755)
        .file("data/file", 0o644, "imported\n")
        .file("probe", 0o755, std::fs::read(crate::common::test_images::probe()).expect("the probe"))
        .tar();
    let path = store.file("root.tar", &tar);
    let id = store.ok(&[
        "import",
        "-c",
        "CMD [\"/probe\", \"exit\", \"7\"]",
        "-c",
        "ENV A=b",
        "--change",
        "WORKDIR /data",
        "-c",
        "LABEL kind=imported",
        path.to_str().expect("utf-8"),
        "fresh:1",
    ]);
    assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    assert_eq!(image_id(&store, "fresh:1"), id);
    store.tare(&["run", "--rm", "fresh:1"]).expect_code(7);
    let report = crate::common::Report::parse(&store.ok(&["run", "--rm", "fresh:1", "/probe"]));
    assert_eq!((report.env("A").as_deref(), report.text("cwd")), (Some("b"), "/data"));
    let about: Value = serde_json::from_str(&store.ok(&["image", "inspect", "fresh:1"])).expect("json");
    assert_eq!(about[0]["RootFS"]["Layers"], json!([format!("sha256:{}", archive::sha256(&tar))]));
    assert_eq!(about[0]["Config"]["Labels"]["kind"], "imported");

    let from_stdin = store.tare_with(&["import", "-", "piped"], archive::gzip(&tar)).ok();
    assert!(from_stdin.starts_with("sha256:"), "{from_stdin}");
    let error = store.refuses(&["import", "-c", "COLOUR red", path.to_str().expect("utf-8"), "never"]);
    assert!(error.contains("COLOUR"), "{error}");
    store.fails(1, &["image", "inspect", "never"]);
}

#[test]
fn skopeo_reads_the_store() {
    if !installed("skopeo") {
        let _ = if crate::common::in_vm() {
            cannot("skopeo is not brought into the machine")
        } else {
            lacking("skopeo (apt-get install skopeo)")
        };
        return;
    }
    let store = Store::new();
    let layout = store.root.join("image");
    let index: Value = serde_json::from_slice(&std::fs::read(layout.join("index.json")).expect("index.json")).expect("json");
    let manifests = index["manifests"].as_array().expect("manifests");
    assert_eq!(manifests.len(), 2);
    let names: Vec<&str> = manifests.iter().filter_map(|one| one["annotations"]["org.opencontainers.image.ref.name"].as_str()).collect();
    let name = names.iter().find(|name| name.contains("box")).unwrap_or_else(|| panic!("no name for box in {index:#}"));
    let about = tool(&["skopeo", "inspect", "--raw", &format!("oci:{}:{name}", layout.display())]).ok();
    let manifest: Value = serde_json::from_str(&about).expect("json");
    assert_eq!(manifest["config"]["digest"], image_id(&store, "box").as_str());
    let out = store.dir.join("copy.tar");
    tool(&[
        "skopeo",
        "copy",
        "-q",
        &format!("oci:{}:{name}", layout.display()),
        &format!("docker-archive:{}:copied:latest", out.display()),
    ])
    .ok();
    store.ok(&["load", "-i", out.to_str().expect("utf-8")]);
    assert_eq!(store.ok(&["run", "--rm", "copied", "echo", "round"]), "round");
}

#[test]
fn cve_2021_41091_nobody_else_can_walk_the_store() {
    use std::os::unix::fs::MetadataExt;
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "busy", "box", "sleep", "1000"]);
    for dir in [&store.root, &store.run] {
        let mode = std::fs::metadata(dir).expect("the store").mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others: {mode:o}", dir.display());
    }
}
