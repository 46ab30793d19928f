//! What is remembered is whole, or not there.

use super::*;
use crate::image::built::{self, Packing};
use crate::image::catalog;
use crate::image::index;
use crate::image::reference::Reference;
use crate::image::unflushed as word;
use crate::sys::boot;
use serde_json::{Map, json};
use std::collections::BTreeMap;

const KEY: [&str; 3] = [
    "1111111111111111111111111111111111111111111111111111111111111111",
    "2222222222222222222222222222222222222222222222222222222222222222",
    "3333333333333333333333333333333333333333333333333333333333333333",
];

struct Scratch(Paths);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let root = std::env::temp_dir().join(format!("tare-steps-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&root);
        Scratch(Paths::new(&root, root.join("run")))
    }
    /// A step that writes one file.
    fn keep(&self, key: &str, text: &str) -> Layer {
        let work = self.0.unfinished().join(format!("work-{}", &key[..4]));
        let _ = file::remove_tree(&work);
        file::make_dirs(&work.join("upper"), 0o755).unwrap();
        std::fs::write(work.join("upper/file"), text).unwrap();
        beneath::set_time(file::open(&work.join("upper/file"), file::OFlag::O_RDONLY).unwrap().as_fd(), (1_000, 0)).unwrap();
        let fresh = Fresh { upper: work.join("upper"), blob: work.join("blob") };
        let layer = built::pack(&fresh.upper, &fresh.blob, Packing { squeeze: true, ..Packing::default() }, &|_| {}).unwrap();
        let step = Step { layer: Some(layer.clone()), what: format!("RUN {text}"), made: 7, took_ms: 8, note: json!({"a": 1}) };
        keep(&self.0, key, &step, Some(fresh)).unwrap();
        layer
    }
    fn found(&self, key: &str) -> Option<Step> {
        find(&self.0, key).unwrap()
    }
    fn publish(&self, layers: &[&Layer], name: &str) -> String {
        let config = json!({"architecture": "amd64", "os": "linux", "config": {}});
        let config: Map<String, Value> = config.as_object().unwrap().clone();
        let layers = layers.iter().map(|layer| (*layer).clone()).collect();
        built::publish(&self.0, config, &BTreeMap::new(), layers, &[Reference::parse(name).unwrap()], &|| Ok(Vec::new())).unwrap().id
    }
    /// The machine went down and came up again.
    fn next_life(&self) {
        file::rename(&fresh::place_of_now(&self.0).unwrap(), &self.0.fresh_steps().join("earlier")).unwrap();
        let index = std::fs::read_to_string(self.0.image_index()).unwrap();
        std::fs::write(self.0.image_index(), index.replace(&boot::id().unwrap(), "earlier")).unwrap();
    }
    fn collect(&self) {
        let writing = Writing::begin(&self.0).unwrap();
        crate::image::garbage::collect(&self.0, &writing, &writing.read().unwrap(), &[]).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = file::remove_tree(self.0.root());
    }
}

#[test]
fn a_step_is_found_again_as_it_was_kept() {
    let scratch = Scratch::new("found");
    assert!(scratch.found(KEY[0]).is_none());
    let layer = scratch.keep(KEY[0], "one");
    let step = scratch.found(KEY[0]).unwrap();
    assert_eq!((step.what.as_str(), step.made, step.took_ms, &step.note["a"]), ("RUN one", 7, 8, &json!(1)));
    assert_eq!(std::fs::read(scratch.0.layer(&layer.diff_id).join("file")).unwrap(), b"one");
    // What nobody else names stays for it, and is found as long as all of it is there.
    scratch.collect();
    assert!(scratch.found(KEY[0]).is_some());
    file::remove_file(&scratch.0.blob(&layer.digest)).unwrap();
    assert!(scratch.found(KEY[0]).is_none());
    assert_eq!((broken(&scratch.0), all(&scratch.0).unwrap().len()), (vec![KEY[0].to_owned()], 0));
}

#[test]
fn a_damaged_record_is_none() {
    let scratch = Scratch::new("damaged");
    scratch.keep(KEY[0], "one");
    let record = fresh::place_of_now(&scratch.0).unwrap().join(KEY[0]);
    let text = std::fs::read_to_string(&record).unwrap();
    for damage in ["", "{", &text[..text.len() - 1], "[]", "{\"layer\": 1}"] {
        std::fs::write(&record, damage).unwrap();
        assert!(scratch.found(KEY[0]).is_none(), "{damage}");
        assert!(all(&scratch.0).unwrap().is_empty() && layers(&scratch.0).is_empty());
    }
}

#[test]
fn of_two_equal_layers_the_first_stays() {
    let scratch = Scratch::new("equal");
    let one = scratch.keep(KEY[0], "same");
    let number = |path: PathBuf| std::os::unix::fs::MetadataExt::ino(&path.metadata().unwrap());
    let before = (number(scratch.0.layer(&one.diff_id)), number(scratch.0.blob(&one.digest)));
    let two = scratch.keep(KEY[1], "same");
    assert_eq!((&one.diff_id, &one.digest), (&two.diff_id, &two.digest));
    assert_eq!((number(scratch.0.layer(&one.diff_id)), number(scratch.0.blob(&one.digest))), before);
    assert!(scratch.0.unfinished().join("work-2222/upper").exists(), "the caller's to remove");
}

#[test]
fn the_first_is_the_one_that_was_used_longest_ago() {
    let scratch = Scratch::new("order");
    KEY.iter().for_each(|key| drop(scratch.keep(key, key)));
    let place = fresh::place_of_now(&scratch.0).unwrap();
    let set = |key: &str, time: i64| {
        let fd = file::open(&place.join(key), file::OFlag::O_RDONLY).unwrap();
        beneath::set_time(fd.as_fd(), (time, 0)).unwrap();
    };
    KEY.iter().zip([1_000, 3_000, 2_000]).for_each(|(key, time)| set(key, time));
    let keys = || all(&scratch.0).unwrap().into_iter().map(|kept| kept.key).collect::<Vec<_>>();
    assert_eq!(keys(), [KEY[0], KEY[2], KEY[1]]);
    scratch.found(KEY[0]).unwrap();
    assert_eq!(keys(), [KEY[2], KEY[1], KEY[0]], "a look is a use");
    // And is told once an hour.
    let recent = (time::now() / 1_000_000_000) as i64 - 1_000;
    set(KEY[1], recent);
    scratch.found(KEY[1]).unwrap();
    assert_eq!(used(&place.join(KEY[1])).unwrap(), recent as u64 * 1_000_000_000);
}

#[test]
fn what_the_disk_may_not_have_is_not_believed_in_the_next_life() {
    let scratch = Scratch::new("life");
    let (published, lost) = (scratch.keep(KEY[0], "published"), scratch.keep(KEY[1], "lost"));
    keep(&scratch.0, KEY[2], &Step { layer: None, what: "ENV".into(), made: 1, took_ms: 0, note: Value::Null }, None).unwrap();
    scratch.publish(&[&published], "image");
    scratch.next_life();
    std::fs::write(scratch.0.layer(&published.diff_id).join("file"), "").unwrap();
    assert!(KEY.iter().all(|key| scratch.found(key).is_none()), "an earlier life is not believed");
    drop(Running::begin(&scratch.0).unwrap());
    // The image's layer was made again from its blob, which was on the disk before the image was promised.
    assert_eq!(std::fs::read(scratch.0.layer(&published.diff_id).join("file")).unwrap(), b"published");
    assert!(scratch.found(KEY[0]).is_some() && scratch.found(KEY[2]).is_some());
    assert!(scratch.found(KEY[1]).is_none() && !scratch.0.layer(&lost.diff_id).exists() && !scratch.0.blob(&lost.digest).exists());
    assert!(doubts(&scratch.0).is_empty());
}

#[test]
fn what_was_settled_is_believed_in_every_life() {
    let scratch = Scratch::new("settled");
    let layer = scratch.keep(KEY[0], "one");
    assert_eq!(unflushed(&scratch.0).len(), 1);
    settle(&scratch.0, &Writing::begin(&scratch.0).unwrap()).unwrap();
    assert!(unflushed(&scratch.0).is_empty());
    scratch.next_life();
    assert!(scratch.found(KEY[0]).is_some());
    drop(Running::begin(&scratch.0).unwrap());
    assert!(scratch.found(KEY[0]).is_some() && scratch.0.layer(&layer.diff_id).is_dir());
}

#[test]
fn an_image_of_steps_says_which_layers_nobody_has_waited_for() {
    let scratch = Scratch::new("word");
    let (one, two) = (scratch.keep(KEY[0], "one"), scratch.keep(KEY[1], "two"));
    let id = scratch.publish(&[&one, &two], "image");
    let said = word::of_this_life(&index::read(&scratch.0).unwrap());
    assert_eq!(said, [one.diff_id.clone(), two.diff_id.clone()].into());
    // The same once more writes nothing; under another name it does.
    let changed = || scratch.0.image_index().metadata().unwrap().modified().unwrap();
    let before = changed();
    assert_eq!((scratch.publish(&[&one, &two], "image"), changed()), (id.clone(), before));
    assert_eq!(scratch.publish(&[&one, &two], "other"), id);
    assert_ne!(changed(), before);
    // The image goes, and the steps still have their layers.
    catalog::remove(&scratch.0, &id, true, || Ok(Vec::new())).unwrap();
    assert!(scratch.found(KEY[0]).is_some() && scratch.found(KEY[1]).is_some());
    let writing = Writing::begin(&scratch.0).unwrap();
    assert!(forget(&scratch.0, KEY[0], &writing).unwrap() && !forget(&scratch.0, KEY[0], &writing).unwrap());
    drop(writing);
    scratch.collect();
    assert!(!scratch.0.layer(&one.diff_id).exists() && scratch.0.layer(&two.diff_id).exists());
}

#[test]
fn a_layer_that_was_removed_meanwhile_makes_no_image() {
    let scratch = Scratch::new("gone");
    let layer = scratch.keep(KEY[0], "one");
    file::remove_tree(&scratch.0.layer(&layer.diff_id)).unwrap();
    let config = json!({"architecture": "amd64", "os": "linux"}).as_object().unwrap().clone();
    let error = built::publish(&scratch.0, config, &BTreeMap::new(), vec![layer], &[], &|| Ok(Vec::new())).unwrap_err();
    assert!(error.to_string().contains("a layer is gone"), "{error}");
}

#[test]
fn a_build_at_work_is_seen_until_it_ends() {
    let scratch = Scratch::new("running");
    assert!(in_use_since(&scratch.0).is_none());
    let running = Running::begin(&scratch.0).unwrap();
    assert!(in_use_since(&scratch.0).unwrap() < time::now() - USE_IS_TOLD.as_nanos() as u64 + 60_000_000_000);
    drop(running);
    std::fs::write(scratch.0.running_builds().join("killed"), "").unwrap();
    assert!(in_use_since(&scratch.0).is_none());
    sweep(&scratch.0, &Writing::begin(&scratch.0).unwrap());
    assert_eq!(std::fs::read_dir(scratch.0.running_builds()).unwrap().count(), 0);
}
