//! `layers`: what each layer adds, hides and wastes, compared with what a container sees.

use crate::common::{Image, Layer, Store, test_images};
use serde_json::Value;

fn layers(store: &Store, flags: &[&str]) -> Value {
    serde_json::from_str(&store.ok(&[&["layers", "--json"], flags].concat())).expect("JSON")
}

/// The box, and these layers upon it.
fn load(store: &Store, tag: &str, above: Vec<Vec<u8>>) {
    let base = test_images::box_image();
    let layers = [vec![base.layers[0].clone()], above].concat();
    store.load(&Image { tag: tag.into(), layers, ..base }.docker_archive()).ok();
}

#[test]
fn what_is_hidden_is_what_a_container_does_not_see() {
    let store = Store::new();
    let lowest =
        Layer::new().dir("tree/", 0o755).file("tree/hidden", 0o644, "12345").file("tree/gone", 0o644, "123").file("file", 0o644, "1234567");
    let middle = Layer::new().file("tree/.wh.gone", 0o644, "").file("file", 0o644, "12").file("tree/more", 0o644, "1");
    let top = Layer::new().dir("tree/", 0o755).file("tree/.wh..wh..opq", 0o644, "").file("tree/seen", 0o644, "1234");
    load(&store, "stack", vec![lowest.tar(), middle.tar(), top.tar()]);
    let told = layers(&store, &["stack"]);
    let ground = layers(&store, &["box"])["Size"].as_u64().unwrap();
    let seen: u64 = store.ok(&["run", "--rm", "stack", "sh", "-c", "find /tree /file -type f | xargs cat | wc -c"]).trim().parse().unwrap();
    assert_eq!(told["Seen"].as_u64().unwrap() - ground, seen);
    assert_eq!(told["Size"].as_u64().unwrap() - ground, 15 + 3 + 4);
    assert_eq!(told["Wasted"], 3 + 7 + 5 + 1);
    let wasted: Vec<u64> = told["Layers"].as_array().unwrap().iter().map(|layer| layer["Wasted"].as_u64().unwrap()).collect();
    assert_eq!(wasted, [0, 15, 1, 0]);
    let wastes: Vec<String> = told["Wastes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|waste| format!("{} {} {} {}", waste["Path"].as_str().unwrap(), waste["Bytes"], waste["How"].as_str().unwrap(), waste["By"]))
        .collect();
    assert_eq!(wastes, ["/file 7 replaces 3", "/tree/ 6 empties 4", "/tree/gone 3 removes 3"]);
}

#[test]
fn a_file_that_only_got_another_mode_is_wasted_whole() {
    let store = Store::new();
    load(
        &store,
        "twice",
        vec![Layer::new().file("program", 0o644, "the same").tar(), Layer::new().file("program", 0o755, "the same").tar()],
    );
    let told = layers(&store, &["twice"]);
    assert_eq!((&told["Wastes"][0]["Path"], &told["Wastes"][0]["SameContent"]), (&"/program".into(), &true.into()));
    let text = store.ok(&["layers", "twice"]);
    assert!(text.contains("only owner, mode or time changed") && text.contains("8B are out of sight"), "{text}");
}

#[test]
fn lists_are_as_long_as_was_asked_for() {
    let store = Store::new();
    let many = (0..50).fold(Layer::new(), |layer, number| layer.file(&format!("file{number}"), 0o644, "x".repeat(number + 1)));
    load(&store, "many", vec![many.tar()]);
    let count = |flags: &[&str]| layers(&store, &[flags, &["many"]].concat())["Layers"][1]["Files"].as_array().map_or(0, Vec::len);
    assert_eq!(
        (count(&[]), count(&["--files"]), count(&["--files", "--most", "3"]), count(&["--layer", "2", "--most", "0"])),
        (0, 20, 3, 50)
    );
    let text = store.ok(&["layers", "--layer", "2", "--most", "2", "many"]);
    assert!(text.contains("+ 50B   /file49") && text.contains("… and 48 more") && !text.contains("Layer 1:"), "{text}");
}

#[test]
fn names_that_are_no_images() {
    let store = Store::new();
    store.ok(&["create", "--name", "rest", "box"]);
    let error = store.fails(1, &["layers", "rest"]);
    assert!(error.contains("it is a container") && error.contains("tare layers box") && error.contains("tare diff rest"), "{error}");
    assert!(store.fails(125, &["layers", "--layer", "9", "box"]).contains("has no layer 9"));
    assert!(store.fails(1, &["layers", "bx"]).contains("did you mean box?"));
    store.fails(125, &["layers"]);
}
