//! `build --cache-to` and `--cache-from`: what steps came to in one store is found by another, in a directory or a registry, and
//! whatever lies there wrongly costs nothing but the work itself.

use crate::common::archive::sha256;
use crate::common::process::tool;
use crate::common::registry::Registry;
use crate::common::{Context, Store, installed};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// `heavy` is of the first stage only, and what RUN writes is never the same twice.
const FILE: &str = "FROM box AS tools\nRUN echo heavy-$(cat /proc/sys/kernel/random/uuid) > /heavy\nRUN cat /proc/sys/kernel/random/uuid > /tool; ln /tool /same\nFROM box\nCOPY --from=tools /tool /tool\nCOPY file /file\nRUN cat /file /proc/sys/kernel/random/uuid > /both\n";
const STEPS: usize = 5;

fn context<'a>(store: &'a Store, file: &str) -> Context<'a> {
    Context::new(store, file).file("file", "1")
}

fn known(told: &str) -> usize {
    told.lines().filter(|line| line.ends_with(" CACHED")).count()
}

fn id(store: &Store) -> String {
    store.ok(&["images", "-q", "--no-trunc", "made"])
}

fn place(store: &Store) -> String {
    store.dir.join("kept").display().to_string()
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a document")).expect("JSON")
}

fn blob(kept: &str, digest: &Value) -> PathBuf {
    Path::new(kept).join("blobs").join(digest.as_str().expect("a digest").replace(':', "/"))
}

/// The manifest of the directory, and its list of steps.
fn documents(kept: &str) -> (Value, Value) {
    let manifest = read(&blob(kept, &read(&Path::new(kept).join("index.json"))["manifests"][0]["digest"]));
    let list = read(&blob(kept, &manifest["config"]["digest"]));
    (manifest, list)
}

/// The same with other documents, all digests as they must be.
fn forge(kept: &str, change: impl FnOnce(&mut Value, &mut Value)) {
    let (mut manifest, mut list) = documents(kept);
    change(&mut manifest, &mut list);
    let put = |document: &Value| {
        let text = document.to_string();
        let digest = format!("sha256:{}", sha256(text.as_bytes()));
        std::fs::write(blob(kept, &json!(digest)), &text).expect("a blob");
        (digest, text.len())
    };
    let (digest, size) = put(&list);
    (manifest["config"]["digest"], manifest["config"]["size"]) = (json!(digest), json!(size));
    let (digest, size) = put(&manifest);
    let index = Path::new(kept).join("index.json");
    let mut said = read(&index);
    (said["manifests"][0]["digest"], said["manifests"][0]["size"]) = (json!(digest), json!(size));
    std::fs::write(index, said.to_string()).expect("an index");
}

/// The key whose line begins so.
fn key(list: &Value, what: &str) -> String {
    let steps = list["steps"].as_object().expect("steps");
    steps.iter().find(|(_, step)| step["what"].as_str().is_some_and(|said| said.starts_with(what))).expect("the step").0.clone()
}

#[test]
fn another_store_finds_what_lies_in_a_directory_and_fetches_only_what_it_needs() {
    let (one, other) = (Store::new(), Store::new());
    let kept = place(&one);
    context(&one, FILE).ok(&["--cache-to", &format!("type=local,dest={kept},mode=max")]);
    let (manifest, list) = documents(&kept);
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.tare.build-cache.v1+json");
    assert_eq!((manifest["layers"].as_array().map(Vec::len), list["version"].as_u64()), (Some(STEPS), Some(1)));
    let there = context(&other, FILE);
    let told = there.ok(&["--cache-from", &kept]);
    assert_eq!((known(&told), id(&other)), (STEPS, id(&one)), "{told}");
    assert!(told.contains("fetching the result of COPY file") && !told.contains("fetching the result of RUN echo heavy"), "{told}");
    assert_eq!(other.ok(&["run", "--rm", "made", "cat", "/both"]), one.ok(&["run", "--rm", "made", "cat", "/both"]));
    // A new line in the first stage wants to see its files.
    there.write("Dockerfile", FILE.replace("/same\n", "/same\nRUN cat /heavy /same > /tool\n"));
    let told = there.ok(&["--cache-from", &format!("type=local,src={kept}")]);
    assert!(told.contains("fetching the result of RUN echo heavy") && known(&told) == 2, "{told}");
    assert!(other.ok(&["run", "--rm", "made", "cat", "/tool"]).starts_with("heavy-"));
    // What was fetched is known as if it had been made here.
    std::fs::remove_dir_all(&kept).expect("the directory");
    let told = there.ok(&["--cache-from", &kept]);
    assert!(known(&told) == STEPS + 1 && told.contains(&format!("nothing is taken from the cache at {kept}")), "{told}");
    other.assert_nothing_left();
    assert_eq!(other.ok(&["system", "check"]), "Nothing is wrong");
}

#[test]
fn of_other_stages_only_the_keys_are_kept_unless_all_is_wanted() {
    let (one, other) = (Store::new(), Store::new());
    let kept = place(&one);
    context(&one, FILE).ok(&["--cache-to", &kept]);
    let (manifest, list) = documents(&kept);
    assert_eq!(manifest["layers"].as_array().map(Vec::len), Some(3), "those of the result");
    key(&list, "RUN echo heavy");
    let there = context(&other, FILE);
    let told = there.ok(&["--cache-from", &kept]);
    assert_eq!((known(&told), id(&other)), (STEPS, id(&one)), "{told}");
    // Where more is wanted than was kept, it is made.
    there.write("Dockerfile", FILE.replace("/same\n", "/same\nRUN cat /heavy /same > /tool\n"));
    let told = there.ok(&["--cache-from", &kept]);
    assert!(told.contains("has not the files of RUN") && told.contains("what is missing is made here"), "{told}");
    assert!(other.ok(&["run", "--rm", "made", "cat", "/tool"]).starts_with("heavy-"));
    other.assert_nothing_left();
}

#[test]
fn what_is_written_again_takes_the_place_of_what_was_there() {
    let store = Store::new();
    let (kept, there) = (place(&store), context(&store, FILE));
    let blobs = || std::fs::read_dir(Path::new(&kept).join("blobs/sha256")).expect("blobs").count();
    there.ok(&["--cache-to", &kept]);
    let before = blobs();
    there.write("file", "2");
    there.ok(&["--cache-to", &kept]);
    assert_eq!(blobs(), before, "what nobody names any more has gone");
    // Others' images in the same layout stay.
    let index = Path::new(&kept).join("index.json");
    let mut said = read(&index);
    let other =
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": format!("sha256:{}", "a".repeat(64)), "size": 2});
    said["manifests"].as_array_mut().expect("manifests").insert(0, other.clone());
    std::fs::write(&index, said.to_string()).expect("an index");
    there.ok(&["--cache-to", &kept]);
    let now = read(&index);
    assert_eq!((now["manifests"].as_array().map(Vec::len), &now["manifests"][0]), (Some(2), &other));
    assert_eq!(known(&context(&Store::new(), FILE).ok(&["--cache-from", &kept])), 3, "all but what stands on the file");
    std::fs::write(&index, "{").expect("an index");
    let refused = there.fails(&["--cache-to", &kept]);
    assert!(refused.contains("its index.json is damaged") && refused.contains("remove it, or name another"), "{refused}");
    assert_eq!(std::fs::read_to_string(&index).expect("as it was"), "{");
}

#[test]
fn a_registry_keeps_it_also_when_it_cleans_up() {
    let Some(registry) = Registry::plain() else { return };
    let (one, other) = (Store::new(), Store::new());
    let name = format!("{}/team/app:cache", registry.host);
    let kept = context(&one, FILE).ok(&["--cache-to", &format!("type=registry,ref={name},mode=max")]);
    assert!(kept.contains(&format!("steps at {name}")), "{kept}");
    tool(&["docker-registry", "garbage-collect", &registry.dir.join("config.yml").display().to_string()]).ok();
    let told = context(&other, FILE).ok(&["--cache-from", &name]);
    assert_eq!((known(&told), id(&other)), (STEPS, id(&one)), "{told}");
    assert!(!told.contains("fetching the result of RUN echo heavy"), "{told}");
    // From there to elsewhere, also what was never fetched.
    let (third, copy) = (Store::new(), place(&other));
    let all = format!("type=local,dest={copy},mode=max");
    context(&other, FILE).ok(&["--cache-from", &name, "--cache-to", &all]);
    assert_eq!(documents(&copy).0["layers"].as_array().map(Vec::len), Some(STEPS));
    assert_eq!(known(&context(&third, FILE).ok(&["--cache-from", &copy])), STEPS);
    assert_eq!(id(&third), id(&one));
    if installed("skopeo") {
        registry.fill("box:1");
        let image = format!("{}/box:1", registry.host);
        let told = context(&third, FILE).ok(&["--no-cache", "--cache-from", &image]);
        assert!(told.contains("no results of steps are there: it is an image"), "{told}");
    }
    other.assert_nothing_left();
}

#[test]
fn a_registry_that_does_not_answer_stops_nothing_but_keeping() {
    let store = Store::new();
    let there = context(&store, FILE);
    let nobody = "127.0.0.1:1/team/app:cache";
    let told = there.ok(&["--cache-from", nobody]);
    assert!(told.contains(&format!("nothing is taken from the cache at {nobody}")), "{told}");
    let failed = there.fails(&["--cache-to", nobody]);
    assert!(failed.contains(&format!("cannot keep the results of steps at {nobody}")) && failed.contains("ignore-error=true"), "{failed}");
    let told = there.ok(&["--cache-to", &format!("type=registry,ref={nobody},ignore-error=true")]);
    assert!(told.contains("cannot keep the results of steps"), "{told}");
    store.assert_nothing_left();
}

#[test]
fn what_lies_there_damaged_is_made_here() {
    let one = Store::new();
    let kept = place(&one);
    context(&one, FILE).ok(&["--cache-to", &format!("type=local,dest={kept},mode=max")]);
    let (_, list) = documents(&kept);
    let layer = |what: &str| list["steps"][key(&list, what)]["layer"].clone();
    let path = |what: &str| blob(&kept, &json!(format!("sha256:{}", layer(what)["digest"].as_str().expect("hex"))));
    let both = path("RUN cat /file");
    let whole = std::fs::read(&both).expect("a blob");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for wrong in [&flipped[..], &whole[..whole.len() - 1], b""] {
        std::fs::write(&both, wrong).expect("a blob");
        let other = Store::new();
        let told = context(&other, FILE).ok(&["--cache-from", &kept]);
        assert!(told.contains("what is missing is made here"), "{told}");
        assert_eq!(other.ok(&["run", "--rm", "made", "sh", "-c", "wc -l < /both"]), "1");
        assert_ne!(id(&other), id(&one), "its last step is another");
        assert_eq!(
            other.ok(&["run", "--rm", "made", "cat", "/tool"]),
            one.ok(&["run", "--rm", "made", "cat", "/tool"]),
            "the others are the same"
        );
        other.assert_nothing_left();
        assert_eq!(other.ok(&["system", "check"]), "Nothing is wrong");
    }
    std::fs::remove_file(&both).expect("the blob");
    tool(&["mkfifo", &both.display().to_string()]).ok();
    context(&Store::new(), FILE).ok(&["--cache-from", &kept]);
}

#[test]
fn a_list_that_lies_is_found_out() {
    let one = Store::new();
    let kept = place(&one);
    let whole = format!("{kept}-whole");
    context(&one, FILE).ok(&["--cache-to", &format!("type=local,dest={whole},mode=max")]);
    let anew = || {
        let _ = std::fs::remove_dir_all(&kept);
        tool(&["cp", "-r", &whole, &kept]).ok();
    };
    let last = |list: &Value| key(list, "RUN cat /file");
    type Lie = fn(&mut Value);
    let of_layer: [Lie; 5] = [
        |layer| layer["diff_id"] = json!("0".repeat(64)),
        |layer| layer["blob_size"] = json!(1u64 << 60),
        |layer| layer["blob_size"] = json!(0),
        |layer| layer["size"] = json!(u64::MAX),
        |layer| layer["compression"] = json!("Plain"),
    ];
    for lie in of_layer {
        anew();
        forge(&kept, |_, list| {
            let key = last(list);
            lie(&mut list["steps"][key]["layer"]);
        });
        let other = Store::new();
        let told = context(&other, FILE).ok(&["--cache-from", &kept]);
        assert!(told.contains("what is missing is made here"), "{told}");
        assert_eq!(other.ok(&["run", "--rm", "made", "sh", "-c", "wc -l < /both"]), "1");
        assert_eq!(other.ok(&["system", "check"]), "Nothing is wrong");
        other.assert_nothing_left();
    }
    let of_all: [fn(&mut Value, &mut Value); 5] = [
        |_, list| list["version"] = json!(2),
        |_, list| {
            let key = key(list, "RUN cat /file");
            list["steps"][key]["layer"]["digest"] = json!("../../../../etc/passwd");
        },
        |_, list| list["steps"]["../../x"] = json!({"layer": null, "what": "x", "made": 0, "took_ms": 0}),
        |manifest, _| manifest["layers"][0]["digest"] = json!("sha256:../../x"),
        |manifest, _| manifest["config"]["mediaType"] = json!("application/vnd.oci.image.config.v1+json"),
    ];
    for lie in of_all {
        anew();
        forge(&kept, lie);
        let other = Store::new();
        let told = context(&other, FILE).ok(&["--cache-from", &kept]);
        assert!(told.contains("nothing is taken from the cache") && known(&told) == 0, "{told}");
    }
}
