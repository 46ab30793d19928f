//! Layers that are made here: packed by all processors, read by everybody; and what builds remember of theirs.

use crate::common::process::tool;
use crate::common::{Context, Store, installed};
use serde_json::{Value, json};
use std::path::PathBuf;

const KEYS: [&str; 3] = [
    "1111111111111111111111111111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222222222222222222222222222",
    "3333333333333333333333333333333333333333333333333333333333333333",
];

/// A container's layer as an image; gives the blob's path and what its manifest says of it.
fn committed(store: &Store, script: &str, name: &str) -> (PathBuf, Value) {
    store.ok(&["run", "--name", name, "box", "sh", "-c", script]);
    let id = store.ok(&["commit", name, name]);
    let index: Value = serde_json::from_slice(&std::fs::read(store.root.join("image/index.json")).unwrap()).unwrap();
    let has_id = |entry: &&Value| entry["annotations"].as_object().unwrap().values().any(|value| value == id.trim());
    let digest = index["manifests"].as_array().unwrap().iter().find(has_id).unwrap()["digest"].as_str().unwrap().to_owned();
    let blob = |digest: &str| store.root.join("image/blobs/sha256").join(&digest[7..]);
    let manifest: Value = serde_json::from_slice(&std::fs::read(blob(&digest)).unwrap()).unwrap();
    let layer = manifest["layers"].as_array().unwrap().last().unwrap().clone();
    (blob(layer["digest"].as_str().unwrap()), layer)
}

#[test]
fn a_committed_layer_is_a_gzip_that_everybody_reads() {
    if !installed("tar") {
        return;
    }
    let store = Store::new();
    // Longer than many pieces, and of everything: what shrinks, what does not, and holes.
    let script = "mkdir /made; cd /made; dd if=/dev/urandom of=noise bs=1M count=3 2>/dev/null; seq 400000 > numbers
        truncate -s 5M hole; cat noise numbers > both; sha256sum * > /sums";
    let (blob, said) = committed(&store, script, "mixed");
    assert_eq!(said["mediaType"], "application/vnd.oci.image.layer.v1.tar+gzip");
    assert_eq!(said["size"], blob.metadata().unwrap().len());
    let names = tool(&["tar", "-tzf", blob.to_str().unwrap()]).ok();
    assert!(names.contains("made/hole") && names.contains("sums"), "{names}");
    // A hole, numbers, and noise twice.
    assert!(blob.metadata().unwrap().len() < 9 << 20, "it is packed");
    // And comes back through an archive, into a store that has never seen it.
    let archive = store.file("mixed.tar", "");
    store.ok(&["save", "-o", archive.to_str().unwrap(), "mixed"]);
    let other = Store::new();
    other.ok(&["load", "-qi", archive.to_str().unwrap()]);
    other.ok(&["run", "--rm", "mixed", "sh", "-c", "cd /made && sha256sum -c /sums"]);
}

#[test]
fn equal_changes_are_equal_layers() {
    let store = Store::new();
    let script = "mkdir /made; cd /made; seq 200000 > numbers; for i in 1 2 3; do echo $i > $i; done; touch -d @1000 * . / /made";
    let (one, _) = committed(&store, script, "one");
    let (two, _) = committed(&store, script, "two");
    assert_eq!(one, two);
}

/// What the store knows of the topmost layer of an image.
pub fn topmost(store: &Store, image: &str) -> Value {
    let about: Value = serde_json::from_str(&store.ok(&["inspect", "--type=image", image])).unwrap();
    let diff_id = about[0]["RootFS"]["Layers"].as_array().unwrap().last().unwrap().as_str().unwrap()[7..].to_owned();
    let proofs = std::fs::read_dir(store.root.join("proven")).unwrap();
    let passed = proofs.map(|entry| {
        let proof: Value = serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap();
        proof["passed"].clone()
    });
    passed.filter(|passed| passed["diff_id"] == *diff_id).last().expect("its proof")
}

/// Writes what a build would remember: the topmost layer of an image was made by this step.
fn remember(store: &Store, key: &str, image: &str, what: &str) -> String {
    let passed = topmost(store, image);
    let diff_id = passed["diff_id"].as_str().unwrap().to_owned();
    let step = json!({"layer": passed, "what": what, "made": 1_700_000_000_000_000_000u64, "took_ms": 5, "note": null});
    std::fs::create_dir_all(store.root.join("build/step")).unwrap();
    std::fs::write(store.root.join("build/step").join(key), step.to_string()).unwrap();
    diff_id
}

#[test]
fn what_builds_remember_stays_until_it_is_pruned() {
    let store = Store::new();
    committed(&store, "seq 100000 > /kept", "kept");
    committed(&store, "seq 100001 > /shared", "shared");
    let (kept, shared) = (remember(&store, KEYS[0], "kept", "RUN seq 100000"), remember(&store, KEYS[1], "shared", "RUN seq 100001"));
    let is_there = |layer: &str| store.root.join("layer").join(layer).is_dir();
    // Neither the removal of its image nor any other collection of garbage takes it.
    store.ok(&["rm", "kept", "shared"]);
    store.ok(&["rmi", "kept"]);
    store.ok(&["image", "prune", "-f"]);
    assert!(is_there(&kept) && is_there(&shared));
    let cached = store.ok(&["system", "df", "-v", "--format", "{{range .BuildCache}}{{.Description}} {{.Shared}} {{.CacheType}}\n{{end}}"]);
    assert!(cached.contains("RUN seq 100000 false regular") && cached.contains("RUN seq 100001 true regular"), "{cached}");
    assert!(store.ok(&["system", "df"]).lines().last().unwrap().starts_with("Build Cache     2         0 "));
    store.ok(&["system", "check"]);
    assert!(is_there(&kept), "nothing is wrong with it");
    // What an image has is pruned with -a only, and its layer stays with the image.
    assert!(store.ok(&["builder", "prune", "-f", "--filter", "id=2"]).starts_with("Total reclaimed space: 0B"));
    assert!(store.ok(&["builder", "prune", "-f", "--max-used-space", "1g"]).starts_with("Total reclaimed space: 0B"));
    let pruned = store.ok(&["builder", "prune", "-f"]);
    assert!(pruned.contains(KEYS[0]) && !pruned.contains(KEYS[1]) && !pruned.ends_with(" 0B"), "{pruned}");
    assert!(!is_there(&kept) && is_there(&shared));
    let pruned = store.ok(&["build", "prune", "-af"]);
    assert!(pruned.contains(KEYS[1]) && pruned.ends_with("Total reclaimed space: 0B"), "{pruned}");
    assert!(is_there(&shared));
    store.ok(&["run", "--rm", "shared", "test", "-s", "/shared"]);
}

#[test]
fn system_prune_takes_what_no_image_has() {
    let store = Store::new();
    committed(&store, "seq 100000 > /kept", "kept");
    let kept = remember(&store, KEYS[0], "kept", "RUN seq 100000");
    store.ok(&["rm", "kept"]);
    store.ok(&["rmi", "kept"]);
    std::fs::create_dir_all(store.root.join("build/mount/one/data")).unwrap();
    std::fs::write(store.root.join("build/mount/one/data/file"), "12345").unwrap();
    assert!(store.ok(&["system", "prune", "-f", "--filter", "until=2023-01-01T00:00:00Z"]).ends_with(" 0B"));
    let pruned = store.ok(&["system", "prune", "-f"]);
    assert!(pruned.contains(&format!("Deleted build cache objects:\none\n{}\n", KEYS[0])) || pruned.contains(KEYS[0]), "{pruned}");
    assert!(!store.root.join("layer").join(kept).exists() && !store.root.join("build/mount/one").exists());
}

#[test]
fn steps_that_lead_nowhere_are_found_and_forgotten() {
    let store = Store::new();
    committed(&store, "seq 100000 > /kept", "kept");
    for key in KEYS {
        remember(&store, key, "kept", "RUN seq 100000");
    }
    let place = store.root.join("build/step");
    std::fs::write(place.join(KEYS[0]), "{").unwrap();
    let text = std::fs::read_to_string(place.join(KEYS[1])).unwrap();
    let layer: Value = serde_json::from_str(&text).unwrap();
    std::fs::write(place.join(KEYS[1]), text.replace(layer["layer"]["diff_id"].as_str().unwrap(), KEYS[0])).unwrap();
    // From before the machine was started, and no image has it.
    let earlier = store.root.join("build/fresh/earlier");
    std::fs::create_dir_all(&earlier).unwrap();
    std::fs::write(earlier.join(KEYS[0]), "").unwrap();
    let told = store.tare(&["system", "check"]).story();
    assert!(told.contains("build step 111111111111") && told.contains("build step 222222222222"), "{told}");
    assert!(!told.contains("build step 333333333333") && told.contains("build steps: the machine went down"), "{told}");
    assert!(!earlier.exists() && std::fs::read_dir(&place).unwrap().count() == 1);
}

/// Notes of what was read and fetched are not for ever.
#[test]
fn what_is_remembered_of_files_and_addresses_can_be_seen_and_pruned() {
    use crate::common::registry::{Answer, Strange};
    let store = Store::new();
    let server = Strange::start(|_| Answer::new(200, "from afar").with("ETag", "\"one\""));
    let url = format!("http://{}/file", server.host);
    let context = Context::new(&store, &format!("FROM box\nCOPY old /old\nADD {url} /file\n")).file("old", "x");
    // What is young may change once more without its time moving, and is not remembered.
    std::thread::sleep(std::time::Duration::from_secs(5));
    context.ok(&[]);
    let notes = |what: &str| std::fs::read_dir(store.root.join("build").join(what)).map_or(0, Iterator::count);
    assert_eq!((notes("context"), notes("url")), (1, 1));
    let listed = "{{range .BuildCache}}{{.CacheType}} {{.Shared}} {{.Description}}\n{{end}}";
    let cached = store.ok(&["system", "df", "-v", "--format", listed]);
    assert!(cached.contains("source.local false digests of a build context's files\n"), "{cached}");
    assert!(cached.contains(&format!("source.http false ADD {url}\n")), "{cached}");
    store.ok(&["build", "prune", "-f", "--filter", "type=source.http"]);
    assert_eq!((notes("context"), notes("url")), (1, 0));
    let pruned = store.ok(&["builder", "prune", "-f"]);
    assert!(!pruned.ends_with(" 0B"), "{pruned}");
    assert_eq!((notes("context"), notes("url")), (0, 0));
    // Nothing hangs on them: it is read and asked for again.
    assert_eq!(context.ok(&[]).lines().filter(|line| line.ends_with(" CACHED")).count(), 2);
    store.assert_nothing_left();
}
