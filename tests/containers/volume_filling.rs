//! A new volume is filled with what the image has at its place: exactly, once, whole or not at all, and with nothing of the host.

use crate::common::{Image, Layer, Store, attribute, eventually, test_images};
use serde_json::json;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tar::EntryType;

fn data(store: &Store, name: &str) -> PathBuf {
    store.root.join("volume").join(name).join("_data")
}

fn count(dir: &Path) -> usize {
    std::fs::read_dir(dir).map_or(0, Iterator::count)
}

const MANY: usize = 800;

/// An image with a directory that takes a while to copy.
fn load_large(store: &Store) {
    let mut layer = Layer::new().dir("many/", 0o755);
    for number in 0..MANY {
        layer = layer.file(&format!("many/{number}"), 0o644, number.to_string());
    }
    store.load_over_box("large", layer.tar());
}

#[test]
fn what_the_image_has_is_copied_as_it_is() {
    let store = Store::new();
    let layer = Layer::new()
        .owned_dir("data/", 0o2750, (1000, 1001))
        .owned_file("data/plain", 0o640, (77, 78), "content")
        .hard_link("data/again", "data/plain")
        .symlink("data/link", "/etc/passwd")
        .fifo("data/fifo")
        .device("data/null", EntryType::Char, 1, 3)
        .dir("data/deep/", 0o700)
        .file("data/deep/setuid", 0o4755, "x")
        .pax(&[("SCHILY.xattr.user.note", b"kept")])
        .file("data/noted", 0o644, "y");
    store.load_over_box("seeded", layer.tar());
    store.ok(&["run", "--rm", "-v", "data:/data", "seeded", "true"]);
    let top = data(&store, "data");
    let about = |name: &str| std::fs::symlink_metadata(top.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let outside = |inside| store.person.map_or(inside, |person| person.outside(inside));
    let owner_and_mode = |name: &str| (about(name).uid(), about(name).gid(), about(name).mode() & 0o7777);
    assert_eq!(owner_and_mode("."), (outside(1000), outside(1001), 0o2750));
    assert_eq!(owner_and_mode("plain"), (outside(77), outside(78), 0o640));
    assert_eq!(owner_and_mode("deep/setuid"), (outside(0), outside(0), 0o4755));
    assert_eq!(owner_and_mode("deep"), (outside(0), outside(0), 0o700));
    assert_eq!(about("plain").ino(), about("again").ino());
    assert_eq!(std::fs::read_link(top.join("link")).expect("a link"), Path::new("/etc/passwd"));
    // Device files are made by the machine's root only.
    let has_device = store.person.is_none();
    let device = std::fs::symlink_metadata(top.join("null")).ok().map(|about| about.rdev());
    assert_eq!(device, has_device.then(|| nix::sys::stat::makedev(1, 3)));
    assert_eq!(about("fifo").mode() & 0o170_000, 0o010_000);
    assert_eq!(attribute(&top.join("noted"), "user.note").as_deref(), Some(&b"kept"[..]));
    for name in [".", "plain", "link", "deep", "deep/setuid", "fifo"] {
        assert_eq!(about(name).mtime(), 1_700_000_000, "{name}");
    }
    assert_eq!(count(&top), if has_device { 8 - 1 } else { 7 - 1 }, "and nothing else");
}

#[test]
fn only_a_new_volume_is_filled_and_only_when_it_should_be() {
    let store = Store::new();
    let layer = Layer::new().dir("data/", 0o755).file("data/seed", 0o644, "seed\n").tar();
    store.load_over_box("seeded", layer);
    store.ok(&["volume", "create", "made-before"]);
    assert_eq!(store.ok(&["run", "--rm", "-v", "made-before:/data", "seeded", "ls", "/data"]), "seed");
    assert_eq!(store.ok(&["run", "--rm", "-v", "bare:/data:nocopy", "seeded", "ls", "/data"]), "");
    assert_eq!(store.ok(&["run", "--rm", "--mount", "src=bare2,dst=/data,volume-nocopy", "seeded", "ls", "/data"]), "");
    assert_eq!(store.ok(&["run", "--rm", "-v", "read-only:/data:ro", "seeded", "ls", "/data"]), "seed");
    // Emptied by somebody who meant it.
    store.ok(&["run", "--rm", "-v", "made-before:/data", "seeded", "rm", "/data/seed"]);
    assert_eq!(store.ok(&["run", "--rm", "-v", "made-before:/data", "seeded", "ls", "/data"]), "");
    // Something was put into it before its first use.
    store.ok(&["volume", "create", "by-hand"]);
    std::fs::write(data(&store, "by-hand").join("mine"), "x").expect("a file");
    assert_eq!(store.ok(&["run", "--rm", "-v", "by-hand:/data", "seeded", "ls", "/data"]), "mine");
    // The image has nothing there, or a file.
    assert_eq!(store.ok(&["run", "--rm", "-v", "nothing:/no/such/place", "seeded", "ls", "/no/such/place"]), "");
    store.fails(125, &["run", "--rm", "-v", "file:/data/seed", "seeded", "true"]);
    // A directory of the host is never filled.
    let host = store.dir.join("host");
    store.ok(&["run", "--rm", "-v", &format!("{}:/data", host.display()), "seeded", "true"]);
    assert_eq!(count(&host), 0);
    store.assert_nothing_left();
}

#[test]
fn what_upper_layers_hide_is_not_copied() {
    let store = Store::new();
    let base = test_images::box_image();
    let lower = Layer::new().dir("data/", 0o755).file("data/old", 0o644, "old").dir("data/sub/", 0o755).file("data/sub/hidden", 0o644, "x");
    let upper = Layer::new().file("data/.wh.old", 0o644, "").file("data/new", 0o644, "new").file("data/sub/.wh..wh..opq", 0o644, "");
    let layers = vec![base.layers[0].clone(), lower.tar(), upper.tar()];
    store.load(&Image { tag: "layered".into(), layers, ..base }.docker_archive()).ok();
    assert_eq!(store.ok(&["run", "--rm", "-v", "data:/data", "layered", "find", "/data", "-mindepth", "1"]), "/data/new\n/data/sub");
    assert!(attribute(&data(&store, "data").join("sub"), "trusted.overlay.opaque").is_none());
}

#[test]
fn a_fill_that_was_killed_is_done_anew() {
    let store = Store::new();
    load_large(&store);
    let filling = store.root.join("volume/data/filling");
    let mut cut_off = 0;
    for _ in 0..2 {
        let mut running = store.start(&["run", "--rm", "-v", "data:/many", "large", "true"]);
        while count(&filling) < 50 && !running.is_over() {
            std::hint::spin_loop();
        }
        running.signal(nix::sys::signal::Signal::SIGKILL);
        running.wait();
        cut_off += usize::from(filling.exists());
        let found = count(&data(&store, "data"));
        assert!(found == 0 || found == MANY, "half of it is seen: {found}");
        assert_eq!(store.ok(&["run", "--rm", "-v", "data:/many", "large", "sh", "-c", "ls /many | wc -l"]), MANY.to_string());
        assert!(!filling.exists());
        // The container of the one that was killed may still be on its way out, and it has the volume.
        eventually("nobody has the volume", || store.tare(&["volume", "rm", "data"]).code == 0);
    }
    assert!(cut_off > 0, "no fill was hit in its middle, so this test has seen nothing");
    store.assert_nothing_left();
}

#[test]
fn one_fills_and_the_others_wait() {
    let store = Store::new();
    load_large(&store);
    let command = "ls /many | wc -l";
    let crowd: Vec<_> = (0..6).map(|_| store.start(&["run", "--rm", "-v", "data:/many", "large", "sh", "-c", command])).collect();
    for running in crowd {
        assert_eq!(running.wait().ok(), MANY.to_string());
    }
    store.assert_nothing_left();
}

#[test]
fn cve_2022_23648_an_image_s_volume_takes_nothing_of_the_host() {
    let store = Store::new();
    let secret = store.file("victim/secret", "of the host\n");
    let victim = secret.parent().expect("a directory").display().to_string();
    let up = format!("{}{victim}", "../".repeat(20));
    let layer = Layer::new()
        .symlink("absolute", &victim)
        .symlink("climbing", &up)
        .dir("plain/", 0o755)
        .symlink("plain/link", &victim)
        .file("etc/only-here", 0o644, "of the image\n")
        .tar();
    let base = test_images::box_image();
    for (tag, path, command) in [
        ("climbs", "/../../../../etc", "cat /etc/only-here"),
        ("absolute", "/absolute", "ls -A /absolute/"),
        ("climbing", "/climbing", "ls -A /climbing/"),
        ("through", "/plain/link", "ls -A /plain/link/"),
        ("named", &format!("{up}/x"), "true"),
    ] {
        let layers = vec![base.layers[0].clone(), layer.clone()];
        let image = Image { tag: tag.into(), layers, ..base.clone() }.with_config(json!({"Volumes": {path: {}}, "Env": ["PATH=/bin"]}));
        store.load(&image.docker_archive()).ok();
        let said = store.ok(&["run", "--name", tag, tag, "sh", "-c", command]);
        assert!(!said.contains("secret") && !said.contains("of the host"), "{tag}: {said}");
        assert_eq!(tag == "climbs", said == "of the image", "{tag}: {said}");
        for mount in store.inspect(tag)["Mounts"].as_array().expect("a list") {
            let source = mount["Source"].as_str().expect("a source");
            let found = crate::common::process::tool(&["find", source]).ok();
            assert!(!found.contains("secret"), "{tag}: {found}");
        }
        assert_eq!(std::fs::read_to_string(&secret).expect("the secret"), "of the host\n");
        assert_eq!(count(secret.parent().expect("a directory")), 1, "{tag}: something was made on the host");
    }
}

#[test]
fn an_image_s_volume_at_its_root_is_refused() {
    let store = Store::new();
    let base = test_images::box_image();
    store.load(&Image { tag: "rooted".into(), ..base }.with_config(json!({"Volumes": {"/x/..": {}}})).docker_archive()).ok();
    let error = store.fails(125, &["run", "--rm", "rooted", "/bin/true"]);
    assert!(error.contains("hide the whole image"), "{error}");
    store.assert_nothing_left();
}

/// A part of a volume is found beneath it by the kernel (CVE-2017-1002101, and CVE-2024-23652 of the same family).
#[test]
fn a_part_of_a_volume_never_lies_outside_of_it() {
    let store = Store::new();
    let secret = store.file("victim/secret", "of the host\n");
    let victim = secret.parent().expect("a directory").display().to_string();
    let up = format!("{}{victim}", "../".repeat(20));
    let script = format!(
        "mkdir -p /d/a/b; echo inside >/d/a/b/note; ln -s {victim} /d/absolute; ln -s {up} /d/climbing; ln -s a/b /d/near; ln -s /proc/self/root /d/magic"
    );
    store.ok(&["run", "--rm", "-v", "data:/d", "box", "sh", "-c", &script]);
    let mount = |part: &str| format!("type=volume,src=data,dst=/m,volume-subpath={part}");
    for part in ["a/b", "a//b/", "near"] {
        assert_eq!(store.ok(&["run", "--rm", "--mount", &mount(part), "box", "cat", "/m/note"]), "inside", "{part}");
    }
    assert_eq!(store.ok(&["run", "--rm", "--mount", &mount("a/b/note"), "box", "cat", "/m"]), "inside", "a single file");
    for part in ["absolute", "climbing", "climbing/secret", "magic", "magic/etc", "nosuch", "../data"] {
        store.fails(125, &["run", "--rm", "--mount", &mount(part), "box", "true"]);
    }
    store.assert_nothing_left();
}

#[test]
fn a_part_of_a_volume_that_is_exchanged_for_a_symlink_never_lies_outside_of_it() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let store = Store::new();
    let secret = store.file("victim/note", "of the host\n");
    let victim = secret.parent().expect("a directory").display().to_string();
    store.ok(&[
        "run",
        "--rm",
        "-v",
        "data:/d",
        "box",
        "sh",
        "-c",
        &format!("mkdir /d/part; echo inside >/d/part/note; ln -s {victim} /d/evil"),
    ]);
    let (one, other) = (data(&store, "data").join("part"), data(&store, "data").join("evil"));
    let c_string = |path: &Path| std::ffi::CString::new(path.to_str().expect("utf-8")).expect("a path");
    let (one, other) = (c_string(&one), c_string(&other));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // SAFETY: two C strings.
                unsafe {
                    libc::syscall(libc::SYS_renameat2, libc::AT_FDCWD, one.as_ptr(), libc::AT_FDCWD, other.as_ptr(), libc::RENAME_EXCHANGE)
                };
            }
        });
        let mut inside = 0;
        for _ in 0..100 {
            let ran = store.tare(&["run", "--rm", "--mount", "type=volume,src=data,dst=/m,volume-subpath=part", "box", "cat", "/m/note"]);
            if !(ran.code == 125 || ran.stdout == "inside\n") {
                over.store(true, Ordering::Relaxed);
                panic!("it led out: {}", ran.story());
            }
            inside += usize::from(ran.code == 0);
        }
        over.store(true, Ordering::Relaxed);
        assert!(inside > 0, "no start was ever right, so this test has seen nothing");
    });
    store.assert_nothing_left();
}
