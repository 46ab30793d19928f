//! The store in bad weather: mounted read-only, on a full disk, written by a newer tare, and taken from by two at once.

use super::disk_full::{Part, Small, small_store};
use crate::common::store::assert_proper_error;
use crate::common::{Ran, Store, eventually, process, program, rounds};
use std::process::Command;

/// With the store read-only, in a mount namespace of its own.
fn read_only(store: &Store, words: &[&str]) -> Ran {
    let mut command = Command::new("unshare");
    let script = "mount --bind \"$TARE_ROOT\" \"$TARE_ROOT\" && mount -o remount,ro,bind \"$TARE_ROOT\" && exec \"$PROGRAM\" \"$@\"";
    command.args(["-m", "sh", "-c", script, "sh"]).args(words).current_dir(&store.dir);
    command.env("TARE_ROOT", &store.root).env("TARE_RUN", &store.run).env("TARE_NETWORK", "none").env("PROGRAM", program());
    process::run(command, None)
}

#[test]
fn a_read_only_store_can_be_looked_at_and_says_why_it_cannot_be_changed() {
    let store = Store::new();
    store.ok(&["run", "--name", "ended", "-v", "data:/data", "box", "echo", "hello"]);
    store.ok(&["create", "--name", "made", "box", "true"]);
    store.ok(&["volume", "create", "spare"]);
    let archive = store.file("archive.tar", crate::common::test_images::box_image().docker_archive());
    let archive = archive.to_str().expect("utf-8");
    for (words, shown) in [
        (&["ps", "-a"][..], "ended"),
        (&["images"], "box"),
        (&["inspect", "ended"], "hello"),
        (&["inspect", "box"], "sha256:"),
        (&["logs", "ended"], "hello"),
        (&["history", "box"], "IMAGE"),
        (&["volume", "ls"], "data"),
        (&["volume", "inspect", "data"], "Mountpoint"),
        (&["wait", "ended"], "0"),
        (&["info"], "Containers:"),
        (&["system", "df", "-v"], "data"),
        (&["system", "check", "--deep"], "Nothing is wrong"),
    ] {
        let ran = read_only(&store, words).expect_code(0);
        assert!(ran.stdout.contains(shown), "{words:?}: {}", ran.story());
    }
    let before = tree(&store);
    for words in [
        &["run", "--rm", "box", "true"][..],
        &["run", "box", "true"],
        &["create", "--name", "new", "box"],
        &["start", "made"],
        &["restart", "ended"],
        &["rename", "ended", "other"],
        &["rm", "ended"],
        &["rm", "-f", "ended"],
        &["tag", "box", "other"],
        &["rmi", "box"],
        &["load", "-i", archive],
        &["import", archive],
        &["volume", "create", "new"],
        &["volume", "rm", "spare"],
        &["volume", "prune", "-af"],
        &["container", "prune", "-f"],
        &["image", "prune", "-af"],
        &["system", "prune", "-af"],
    ] {
        let ran = read_only(&store, words);
        // Nothing to do is no failure.
        if words[0] == "image" && ran.code == 0 {
            continue;
        }
        assert!([1, 125].contains(&ran.code), "{words:?}: {}", ran.story());
        assert_proper_error(&ran);
        assert!(ran.stderr.contains("Read-only file system") && ran.stderr.contains("mount it for writing"), "{words:?}: {}", ran.story());
    }
    assert_eq!(tree(&store), before, "nothing was changed");
    store.ok(&["start", "-a", "made"]);
    store.ok(&["rm", "made", "ended"]);
    store.assert_nothing_left();
}

/// All names in the store and its run directory, when nobody is at work any more.
fn tree(store: &Store) -> Vec<String> {
    eventually("nobody is at work", || std::fs::read_dir(store.run.join("container")).expect("the directory").count() == 0);
    let all = process::tool(&["find", store.root.to_str().expect("utf-8"), store.run.to_str().expect("utf-8")]).ok();
    let passing = |name: &&str| !["/layer/", "/events", "/swept"].iter().any(|part| name.contains(part));
    let mut names: Vec<String> = all.lines().filter(passing).map(str::to_owned).collect();
    names.sort();
    names
}

/// The error of a disk that is full, and nothing else.
fn is_full(ran: &Ran, what: &str) -> bool {
    if ran.code == 0 {
        return false;
    }
    assert_proper_error(ran);
    assert!(ran.stderr.contains("No space left on device") && ran.stderr.contains("remove what is not needed"), "{what}: {}", ran.story());
    true
}

fn fill(small: &Small, names: bool) {
    let (used, inodes) = small.used();
    small.resize(&if names { format!("size=1g,nr_inodes={inodes}") } else { format!("size={used}k,nr_inodes=1m") });
}

#[test]
fn on_a_full_disk_nothing_half_done_is_left_and_pruning_works() {
    for names in [false, true] {
        let (small, store) = small_store(Part::Root);
        store.ok(&["run", "--name", "ended", "-v", "/anonymous", "box", "sh", "-c", "echo hello > /file"]);
        store.ok(&["tag", "box", "spare"]);
        store.ok(&["volume", "create", "spare"]);
        let mut full = 0;
        for words in [
            &["rename", "ended", "renamed"][..],
            &["tag", "box", "another"],
            &["tag", "box", "a-name-that-is-so-long-that-it-fits-into-no-page-that-is-there-already"],
            &["volume", "create", "new"],
            &["create", "--name", "new", "box"],
            &["run", "--rm", "box", "true"],
        ] {
            fill(&small, names);
            let ran = store.tare(words);
            full += usize::from(is_full(&ran, &format!("{words:?}")));
            // As if it had not been tried, or as it should be.
            small.resize("size=1g,nr_inodes=1m");
            assert_eq!(store.ok(&["system", "check", "--deep"]), "Nothing is wrong", "{words:?}");
            if ran.code == 0 {
                store.tare(&["rename", "renamed", "ended"]);
                store.tare(&["rm", "new"]);
            }
        }
        assert!(full >= 4, "there was room: {full}");
        fill(&small, names);
        for words in [&["volume", "rm", "spare"][..], &["rmi", "spare"], &["system", "prune", "-af", "--volumes"], &["rmi", "-f", "box"]] {
            let ran = store.tare(words);
            assert!(ran.code == 0 || ran.stderr.contains("no such image"), "{words:?} on a full disk: {}", ran.story());
        }
        assert_eq!((store.ok(&["ps", "-aq"]), store.ok(&["images", "-q"]), store.ok(&["volume", "ls", "-q"])), Default::default());
        assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong");
        small.resize("size=1g,nr_inodes=1m");
    }
}

#[test]
fn a_store_that_a_newer_tare_has_laid_out_is_left_alone() {
    let store = Store::new();
    store.ok(&["run", "--name", "ended", "box", "echo", "hello"]);
    assert_eq!(
        std::fs::read_to_string(store.root.join("version")).expect("its version"),
        concat!("layout 1\ntare ", env!("CARGO_PKG_VERSION"), "\n")
    );
    std::fs::write(store.root.join("version"), "layout 2\ntare 77.1.0\n").expect("a newer one");
    let before = tree(&store);
    for (code, words) in [
        (125, &["run", "--rm", "box", "true"][..]),
        (1, &["--run-dir", store.run.to_str().expect("utf-8"), "ps"]),
        (1, &["ps"]),
        (1, &["rm", "-f", "ended"]),
        (1, &["images"]),
        (1, &["volume", "create", "new"]),
        (1, &["system", "check"]),
        (1, &["system", "prune", "-af"]),
    ] {
        let error = store.fails(code, words);
        for part in [
            "tare 77.1.0 has written it (layout 2)",
            concat!("this is tare ", env!("CARGO_PKG_VERSION"), " (layout 1)"),
            "hint: take tare 77.1.0",
        ] {
            assert!(error.contains(part), "{words:?}: {error}");
        }
    }
    assert_eq!(tree(&store), before);
    store.ok(&["version"]);
    std::fs::write(store.root.join("version"), "layout 1\ntare 0.0.1\n").expect("an older one");
    assert_eq!(store.ok(&["logs", "ended"]), "hello");
    assert!(!std::fs::read_to_string(store.root.join("version")).expect("its version").contains("0.0.1"));
}

#[test]
fn records_that_a_newer_tare_has_written_are_not_spoiled() {
    let store = Store::new();
    let id = store.ok(&["create", "--name", "new", "-v", "data:/data", "box", "true"]);
    store.ok(&["create", "--name", "old", "box", "true"]);
    std::fs::write(store.root.join("version"), "layout 1\ntare 77.1.0\n").expect("a newer one");
    let files = [store.root.join("container").join(&id).join("container.json"), store.root.join("volume/data/volume.json")];
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a record").replacen('{', "{\"colour\":\"red\",", 1);
        std::fs::write(file, text).expect("a newer record");
    }
    let before: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).expect("a record")).collect();
    assert!(store.ok(&["ps", "-a"]).contains("Dead (of a newer tare)"));
    assert_eq!(store.names(true), ["old", "new"]);
    for words in [&["start", "new"][..], &["inspect", "new"], &["rename", "new", "x1"], &["rm", "new"], &["rm", "-f", "new"]] {
        let error = store.fails(1, words);
        for part in [&id[..12], "newer version", "tare 77.1.0 has written this store, and this is tare ", "hint: take the newer version"] {
            assert!(error.contains(part), "{words:?}: {part:?} is not in {error}");
        }
    }
    for words in [&["volume", "rm", "data"][..], &["volume", "create", "data"], &["volume", "inspect", "data"]] {
        assert!(store.fails(1, words).contains("newer version"), "{words:?}");
    }
    store.fails(125, &["run", "--rm", "-v", "data:/data", "box", "true"]);
    store.ok(&["container", "prune", "-f"]);
    store.ok(&["volume", "prune", "-af"]);
    let after: Vec<String> = files.iter().map(|file| std::fs::read_to_string(file).expect("a record")).collect();
    assert_eq!(after, before);
    assert_eq!(store.names(true), ["new"]);
    for (file, text) in files.iter().zip(before) {
        std::fs::write(file, text.replace("\"colour\":\"red\",", "")).expect("an older record");
    }
    store.ok(&["rm", "new"]);
}

/// Two who remove the same thing: each is told that it is done, or that it is not there (any more).
fn two_at_once(store: &Store, words: &[&str], gone: &str) {
    let mut done = 0;
    for running in [store.start(words), store.start(words)] {
        let ran = running.wait();
        match ran.code {
            0 => done += 1,
            _ => assert!(ran.code == 1 && ran.stderr.contains(gone), "{words:?}: {}", ran.story()),
        }
    }
    assert!(done > 0, "{words:?}: nobody has done it");
}

#[test]
fn two_remove_the_same_container() {
    let store = Store::new();
    store.ok(&["create", "--name", "witness", "box"]);
    for round in 0..rounds(60) {
        match round % 3 {
            0 => drop(store.ok(&["create", "--name", "web", "-v", "/data", "box"])),
            1 => drop(store.ok(&["run", "--name", "web", "box", "true"])),
            _ => drop(store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"])),
        }
        two_at_once(&store, &["rm", "-f", "web"], "no such container");
    }
    assert_eq!(store.names(true), ["witness"]);
    store.ok(&["volume", "prune", "-f"]);
    assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong");
    store.ok(&["rm", "witness"]);
    store.assert_nothing_left();
}

#[test]
fn two_remove_the_same_image_or_volume() {
    let store = Store::new();
    let image = crate::common::Image::new("spare", vec![crate::common::Layer::new().file("x", 0o644, "x").tar()]);
    let archive = store.file("spare.tar", image.docker_archive());
    store.ok(&["volume", "create", "witness"]);
    for round in 0..rounds(60) {
        if round % 2 == 0 {
            store.ok(&["load", "-qi", archive.to_str().expect("utf-8")]);
            two_at_once(&store, &["rmi", "spare"], "no such image");
        } else {
            store.ok(&["volume", "create", "spare"]);
            std::fs::write(store.root.join("volume/spare/_data/file"), "x").expect("a file");
            two_at_once(&store, &["volume", "rm", "spare"], "no such volume");
        }
    }
    assert_eq!(store.ok(&["volume", "ls", "-q"]), "witness");
    assert_eq!(store.ok(&["run", "--rm", "box", "echo", "works"]), "works");
    assert_eq!(store.ok(&["system", "check", "--deep"]), "Nothing is wrong");
}

/// Made and removed by two at once: at the end it is there and whole, or it is not there.
#[test]
fn one_makes_a_volume_and_another_removes_it() {
    let store = Store::new();
    for _ in 0..rounds(60) {
        let (makes, removes) = (store.start(&["volume", "create", "race"]), store.start(&["volume", "rm", "race"]));
        let uses = store.start(&["run", "--rm", "-v", "race:/data", "box", "sh", "-c", "echo x > /data/x && cat /data/x"]);
        makes.wait().expect_code(0);
        let ran = removes.wait();
        assert!(ran.code == 0 || ["no such volume", "uses it"].iter().any(|part| ran.stderr.contains(part)), "{}", ran.story());
        assert_eq!(uses.wait().expect_code(0).stdout, "x\n");
    }
    assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong");
    store.tare(&["volume", "rm", "race"]);
    assert_eq!(store.ok(&["volume", "ls", "-q"]), "");
}
