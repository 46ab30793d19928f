//! What the disk had not got when the machine lost its power: an image is listed before all of its files are on the disk, and what
//! the next life of the machine finds of them is not believed. `tests/vm/power_cut.rs` cuts the power; here the list is made to say so.

use crate::common::{Store, image_dir};
use std::path::PathBuf;

fn loaded() -> Store {
    let store = Store::empty();
    store.ok(&["load", "-qi", &image_dir().join("busybox.tar").display().to_string()]);
    store
}

fn list(store: &Store) -> String {
    std::fs::read_to_string(store.root.join("image/index.json")).unwrap()
}

/// As after a power cut: another life of the machine, and a file without content.
fn lose_power(store: &Store) -> PathBuf {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let text = list(store);
    assert!(text.contains(boot.trim()), "{text}");
    std::fs::write(store.root.join("image/index.json"), text.replace(boot.trim(), "00000000-0000-0000-0000-000000000000")).unwrap();
    let layer = std::fs::read_dir(store.root.join("layer")).unwrap().flatten().map(|entry| entry.path().join("bin/busybox"));
    let program = layer.into_iter().find(|path| path.exists()).unwrap();
    std::fs::File::options().write(true).open(&program).unwrap().set_len(0).unwrap();
    program
}

#[test]
fn files_that_may_be_lost_are_made_again_before_a_run() {
    let store = loaded();
    let program = lose_power(&store);
    assert_eq!(store.ok(&["run", "--rm", "busybox", "echo", "hello"]), "hello");
    assert!(program.metadata().unwrap().len() > 0);
    assert!(!list(&store).contains("unflushed"), "it is said no more");
    assert!(store.ok(&["system", "check"]).contains("Nothing is wrong"));
}

#[test]
fn who_comes_again_takes_no_doubt_away() {
    let store = loaded();
    let again = || store.ok(&["load", "-qi", &image_dir().join("busybox.tar").display().to_string()]);
    again();
    lose_power(&store);
    assert_eq!(store.ok(&["run", "--rm", "busybox", "echo", "hello"]), "hello");
    let store = loaded();
    let program = lose_power(&store);
    store.ok(&["load", "-qi", &image_dir().join("busybox.tar").display().to_string()]);
    assert!(program.metadata().unwrap().len() > 0, "what comes stands on whole layers");
}

#[test]
fn and_before_a_container_of_an_earlier_life_is_started_again() {
    let store = loaded();
    store.ok(&["create", "--name", "old", "busybox", "echo", "hello"]);
    lose_power(&store);
    assert_eq!(store.ok(&["start", "-a", "old"]), "hello");
    store.ok(&["rm", "old"]);
}

#[test]
fn whoever_changes_the_list_lets_the_disk_finish() {
    let store = loaded();
    assert!(list(&store).contains("unflushed"));
    store.ok(&["tag", "busybox", "other"]);
    assert!(!list(&store).contains("unflushed"));
}

#[test]
fn a_layer_whose_blob_is_lost_too_is_told() {
    let store = loaded();
    lose_power(&store);
    for blob in std::fs::read_dir(store.root.join("image/blobs/sha256")).unwrap().flatten().map(|entry| entry.path()) {
        if blob.metadata().unwrap().len() > 100_000 {
            std::fs::File::options().write(true).open(blob).unwrap().set_len(100_000).unwrap();
        }
    }
    let error = store.fails(125, &["run", "--rm", "busybox", "true"]);
    assert!(error.contains("cannot unpack layer"), "{error}");
    store.ok(&["rmi", "busybox"]);
    store.ok(&["load", "-qi", &image_dir().join("busybox.tar").display().to_string()]);
    assert_eq!(store.ok(&["run", "--rm", "busybox", "echo", "hello"]), "hello");
}
