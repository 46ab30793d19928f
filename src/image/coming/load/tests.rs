//! Archives made by hand, right and wrong, and what becomes of the store.

use super::*;
use crate::error::Kind;
use crate::image::{digest, find};
use crate::sys::file;
use serde_json::json;
use std::io::Write;
use tar::{Builder, EntryType, Header};

struct Store(Paths);

impl Store {
    fn new(test: &str) -> Store {
        let root = std::env::temp_dir().join(format!("tare-load-{test}-{}", std::process::id()));
        let _ = file::remove_tree(&root);
        Store(Paths::new(&root, root.join("run")))
    }
    fn load(&self, archive: &[u8]) -> Result<Vec<Loaded>> {
        load(&self.0, Source::Stream(Box::new(archive)), &Limits::default(), &Progress::default(), &|| Ok(Vec::new()))
    }
    fn is_empty(&self) -> bool {
        let count = |dir: std::path::PathBuf| std::fs::read_dir(dir).map_or(0, |entries| entries.count());
        count(self.0.blobs()) + count(self.0.layers()) + count(self.0.unfinished()) == 0
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = file::remove_tree(self.0.root());
    }
}

/// Files, and symlinks where the text begins with `->`.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = Builder::new(Vec::new());
    for (name, data) in members {
        let mut header = Header::new_gnu();
        header.set_mode(0o644);
        match data.strip_prefix(b"->") {
            Some(target) => {
                header.set_entry_type(EntryType::Symlink);
                header.set_size(0);
                tar.append_link(&mut header, name, std::str::from_utf8(target).unwrap()).unwrap();
            }
            None => {
                header.set_size(data.len() as u64);
                tar.append_data(&mut header, name, *data).unwrap();
            }
        }
    }
    tar.into_inner().unwrap()
}

fn config(layers: &[&[u8]]) -> Vec<u8> {
    let diff_ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", digest::of(layer))).collect();
    json!({"architecture": "amd64", "os": "linux", "config": null, "history": null, "rootfs": {"type": "layers", "diff_ids": diff_ids}})
        .to_string()
        .into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_old_docker_archive_with_linked_layers_in_any_order() {
    let store = Store::new("old");
    let layer = archive(&[("file", b"content")]);
    let config = config(&[&layer, &layer]);
    let name = format!("{}.json", digest::of(&config));
    let manifest =
        json!([{"Config": name, "RepoTags": ["docker.io/library/old:1", "Other.example/X"], "Layers": ["b/layer.tar", "a/layer.tar"]}]);
    assert_eq!(store.load(&archive(&[("manifest.json", manifest.to_string().as_bytes())])).unwrap_err().kind(), Kind::Damaged);
    let manifest = json!([{"Config": name, "RepoTags": ["docker.io/library/old:1"], "Layers": ["b/layer.tar", "a/layer.tar"]}]).to_string();
    let members =
        [("manifest.json", manifest.as_bytes()), ("b/layer.tar", &b"->../a/layer.tar"[..]), (&name, &config), ("./a/layer.tar", &layer)];
    let loaded = store.load(&gzip(&archive(&members))).unwrap();
    assert_eq!(loaded, [Loaded { names: vec!["old:1".into()], id: format!("sha256:{}", digest::of(&config)) }]);
    let image = find::find(&store.0, "old:1").unwrap();
    assert_eq!(image.layers, [digest::of(&layer), digest::of(&layer)]);
    assert_eq!(std::fs::read_to_string(store.0.layer(&image.layers[0]).join("file")).unwrap(), "content");
    assert_eq!(std::fs::read_dir(store.0.unfinished()).unwrap().count(), 0);
}

fn layout(packed: &[u8], config: &[u8], change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    let descriptor = |bytes: &[u8]| json!({"mediaType": "x", "digest": format!("sha256:{}", digest::of(bytes)), "size": bytes.len()});
    let mut manifest = json!({"schemaVersion": 2, "config": descriptor(config), "layers": [descriptor(packed)]});
    change(&mut manifest);
    let manifest = manifest.to_string().into_bytes();
    let mut entry = descriptor(&manifest);
    entry["annotations"] = json!({"org.opencontainers.image.ref.name": "new"});
    let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
    let path = |bytes: &[u8]| format!("blobs/sha256/{}", digest::of(bytes));
    archive(&[
        (&path(packed), packed),
        (&path(config), config),
        (&path(&manifest), &manifest),
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json", index.as_bytes()),
    ])
}

#[test]
fn content_that_is_not_what_the_image_says_is_refused_and_leaves_nothing() {
    let layer = archive(&[("file", b"content")]);
    let other = archive(&[("file", b"another")]);
    let good = config(&[&layer]);
    let packed = gzip(&layer);
    let store = Store::new("wrong");
    let hex = digest::of(&packed).to_uppercase();
    for (what, bytes) in [
        ("another content", layout(&gzip(&other), &good, |_| {})),
        ("fewer layers", layout(&packed, &good, |manifest| manifest["layers"] = json!([]))),
        ("a wrong size", layout(&packed, &good, |manifest| manifest["layers"][0]["size"] = json!(1))),
        (
            "a missing blob",
            layout(&packed, &good, |manifest| manifest["layers"][0]["digest"] = json!(format!("sha256:{}", "0".repeat(64)))),
        ),
        ("upper case", layout(&packed, &good, |manifest| manifest["layers"][0]["digest"] = json!(format!("sha256:{hex}")))),
        ("another algorithm", layout(&packed, &good, |manifest| manifest["config"]["digest"] = json!("md5:00"))),
        ("deep JSON", archive(&[("manifest.json", "[".repeat(100_000).as_bytes())])),
        ("long JSON", archive(&[("index.json", &vec![b' '; 5 << 20])])),
        ("no image", archive(&[("etc/passwd", b"root")])),
        ("an empty list", archive(&[("manifest.json", b"[]")])),
        ("nothing", Vec::new()),
        ("noise", vec![7; 5000]),
        ("cut", layout(&packed, &good, |_| {})[..2000].to_vec()),
    ] {
        assert_eq!(store.load(&bytes).expect_err(what).kind(), Kind::Damaged, "{what}");
        assert!(store.is_empty(), "{what}");
    }
    assert_eq!(store.load(&layout(&packed, &good, |_| {})).unwrap()[0].names, ["new:latest"]);
}

#[test]
fn a_member_that_is_there_again_counts_as_the_later_one() {
    let store = Store::new("again");
    let layer = archive(&[("file", b"content")]);
    let config = config(&[&layer]);
    let manifest = json!([{"Config": "config", "RepoTags": ["again:1"], "Layers": ["layer"]}]).to_string();
    let members =
        [("layer", &b"old"[..]), ("layer", b"older"), ("config", &config), ("manifest.json", manifest.as_bytes()), ("layer", &layer)];
    assert_eq!(store.load(&archive(&members)).unwrap()[0].names, ["again:1"]);
}

#[test]
fn names_of_a_megabyte_are_not_kept_in_memory() {
    let store = Store::new("names");
    let workplace = Workplace::begin(&store.0, &|| Ok(Vec::new())).unwrap();
    let mut tar = Builder::new(Vec::new());
    let mut header = Header::new_ustar();
    header.set_size(0);
    header.set_cksum();
    tar.append_pax_extensions([("path", "n/".repeat(100_000).as_bytes())]).unwrap();
    tar.append(&header, &b""[..]).unwrap();
    tar.append_data(&mut header, "short", &b""[..]).unwrap();
    let bytes = tar.into_inner().unwrap();
    let budget = Budget::new(&Limits::default(), workplace.path()).unwrap();
    let members = Members::spool(&bytes[..], &workplace, &budget, &Progress::default()).unwrap();
    assert!(members.find(&"n/".repeat(100_000)).unwrap().is_none() && members.find("short").unwrap().is_some());
}

#[test]
fn a_list_that_names_one_image_again_and_again_is_refused() {
    let store = Store::new("many");
    let config = config(&[]);
    let images = vec![json!({"Config": "config"}); 1001];
    let bytes = archive(&[("manifest.json", json!(images).to_string().as_bytes()), ("config", &config)]);
    assert!(store.load(&bytes).unwrap_err().to_string().contains("holds 1001 images"));
    // Each would have been kept with its manifest: thousands of times four megabytes.
    let descriptor = |bytes: &[u8]| json!({"digest": format!("sha256:{}", digest::of(bytes)), "size": bytes.len()});
    let manifest = json!({"config": descriptor(&config), "layers": [], "padding": " ".repeat(3 << 20)}).to_string();
    let index = json!({"manifests": vec![descriptor(manifest.as_bytes()); 30]}).to_string();
    let path = |bytes: &[u8]| format!("blobs/sha256/{}", digest::of(bytes));
    let members = [(&path(&config)[..], &config[..]), (&path(manifest.as_bytes()), manifest.as_bytes()), ("index.json", index.as_bytes())];
    assert!(store.load(&archive(&members)).unwrap_err().to_string().contains("longer than 64 MiB"));
    assert!(store.is_empty());
}

#[test]
fn limits_stop_a_bomb() {
    let store = Store::new("bomb");
    let layer = archive(&[("zeros", &vec![0; 4 << 20])]);
    let bytes = layout(&gzip(&layer), &config(&[&layer]), |_| {});
    let limits = Limits { layer_bytes: Some(1 << 20), ..Limits::default() };
    let source = Source::Stream(Box::new(&bytes[..]));
    let error = load(&store.0, source, &limits, &Progress::default(), &|| Ok(Vec::new())).unwrap_err();
    assert!(error.to_string().contains("more than 1048576 bytes") && error.hint_text().is_some(), "{error}");
    assert!(store.is_empty());
}

#[test]
fn the_same_content_in_two_blobs_is_one_layer() {
    let store = Store::new("same");
    let layer = archive(&[("file", b"content")]);
    let config = config(&[&layer]);
    for packed in [gzip(&layer), layer.clone(), ruzstd::encoding::compress_to_vec(&layer[..], ruzstd::encoding::CompressionLevel::Fastest)]
    {
        store.load(&layout(&packed, &config, |_| {})).unwrap();
    }
    assert_eq!(std::fs::read_dir(store.0.layers()).unwrap().count(), 1);
    assert_eq!(crate::image::catalog::list(&store.0).unwrap().len(), 1);
}
