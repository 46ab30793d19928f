//! Archives made to do harm (`common/broken.rs` lists them). Each is refused, or stays inside; and the victim is looked at.

use super::errors::nothing_half_made;
use crate::common::broken::{self, Must};
use crate::common::{Image, Layer, Store, archive};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Files that a hostile layer aims at.
struct Victim {
    dir: PathBuf,
    before: Vec<String>,
}

impl Victim {
    fn new(store: &Store) -> Self {
        store.file("victim/file", "untouched");
        store.file("victim/sub/file", "untouched");
        let dir = store.dir.join("victim");
        let before = snapshot(&dir);
        Victim { dir, before }
    }

    fn path(&self) -> &str {
        self.dir.to_str().expect("utf-8")
    }

    fn assert_untouched(&self, what: &str) {
        assert_eq!(snapshot(&self.dir), self.before, "{what}: the victim was touched");
    }
}

fn snapshot(dir: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let about = path.symlink_metadata().expect("a file of the victim");
        let content = if about.is_file() { std::fs::read_to_string(&path).expect("text") } else { String::new() };
        lines.push(format!("{} {:o} {}:{} links {} {content}", path.display(), about.mode(), about.uid(), about.gid(), about.nlink()));
        if about.is_dir() {
            waiting.extend(std::fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()));
        }
    }
    lines.sort();
    lines
}

/// Loads each of the list. Whatever becomes of it: the victim is whole, and nothing appears where the names point.
fn attack(must: Must) {
    let store = Store::empty();
    let victim = Victim::new(&store);
    for broken in broken::all(victim.path()).into_iter().filter(|broken| broken.must == must) {
        let what = &broken.name;
        let path = store.file("archive.tar", &broken.archive);
        let limits = ["--max-layer-size", "64m", "--max-layer-entries", "10000"];
        let ran = store.tare(&[&["load", "-i", path.to_str().expect("utf-8")], &limits[..]].concat());
        victim.assert_untouched(what);
        for escaped in ["/tmp/tare-escaped", "/tare-escaped", "/etc/tare-escaped"] {
            assert!(!Path::new(escaped).exists(), "{what}: {escaped} appeared");
        }
        for escaped in ["tare-escaped", "s/tare-escaped", "s/layer/tare-escaped", "s/unfinished/tare-escaped"] {
            assert!(!store.dir.join(escaped).exists(), "{what}: {escaped} appeared");
        }
        match must {
            Must::Refuse => {
                assert_eq!(ran.code, 1, "{what}: {}", ran.story());
                crate::common::store::assert_proper_error(&ran);
                nothing_half_made(&store, what);
            }
            Must::StayInside => {
                assert_eq!(ran.code, 0, "{what}: {}", ran.story());
                store.ok(&["rmi", "hostile"]);
                victim.assert_untouched(what);
            }
        }
    }
}

#[test]
fn what_must_be_refused_is_and_leaves_nothing() {
    attack(Must::Refuse);
}

#[test]
fn what_is_only_strange_stays_inside() {
    attack(Must::StayInside);
}

#[test]
fn an_image_s_overlay_marks_are_its_own_affair() {
    // Extended attributes of overlayfs in an archive would speak to the kernel: a redirect could lead anywhere.
    let store = Store::empty();
    let victim = Victim::new(&store);
    for name in [
        "trusted.overlay.redirect",
        "trusted.overlay.opaque",
        "trusted.overlay.metacopy",
        "user.overlay.redirect",
        "user.overlay.opaque",
        "trusted.overlay.origin",
    ] {
        let key = format!("SCHILY.xattr.{name}");
        let bytes = Layer::new().pax(&[(key.as_str(), victim.path().as_bytes())]).dir("d/", 0o755).tar();
        let diff_id = archive::sha256(&bytes);
        let ran = store.load(&Image::new("marked", vec![bytes]).docker_archive());
        if ran.code == 0 {
            let seen = crate::common::attribute(&store.root.join("layer").join(diff_id).join("d"), name);
            assert_ne!(seen.as_deref(), Some(victim.path().as_bytes()), "{name} was taken over");
            store.ok(&["rmi", "marked"]);
        }
    }
}

#[test]
fn a_gzip_bomb_is_stopped_or_swallowed_without_eating_the_memory() {
    // 100 MB of zeros in 100 kB: whatever the answer, memory must stay small. The limit is on address space, as a coarse guard.
    let store = Store::empty();
    let layer = Layer::new().file("zeros", 0o644, vec![0; 100 << 20]).tar();
    let bytes = Image::new("bomb", vec![layer]).oci_archive(true);
    let path = store.file("bomb.tar", bytes);
    let program = crate::common::program();
    let line = format!("ulimit -v 70000; exec {} load -i {}", program.display(), path.display());
    let mut command = store.command(&[]);
    command = {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &line]);
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        shell
    };
    let ran = crate::common::process::run(command, None);
    assert!([0, 1].contains(&ran.code), "{}", ran.story());
    assert!(!ran.stderr.contains("memory allocation"), "{}", ran.story());
}

#[test]
fn many_small_entries_are_taken() {
    let store = Store::empty();
    let mut layer = Layer::new();
    for i in 0..if crate::common::in_vm() { 500 } else { 5000 } {
        layer = layer.file(&format!("d{}/f{i}", i % 50), 0o644, "x");
    }
    store.load(&Image::new("many", vec![layer.tar()]).docker_archive()).ok();
}

#[test]
fn names_in_the_archive_itself_do_not_lead_out() {
    let store = Store::empty();
    let victim = Victim::new(&store);
    let good = Image::new("good", vec![Layer::new().file("x", 0o644, "x").tar()]);
    let secret = format!("{}/file", victim.path());
    for name in [secret.as_str(), "../../victim/file", "/etc/passwd", "/dev/zero", "/proc/self/environ"] {
        let manifest = serde_json::json!([{"Config": name, "RepoTags": ["evil:latest"], "Layers": [name]}]).to_string();
        let ran = store.load(&archive::bundle(&[("manifest.json".into(), manifest.into_bytes())]));
        assert_eq!(ran.code, 1, "{name}: {}", ran.story());
        assert!(!ran.stderr.contains("untouched"), "{name}: the file's content is shown: {}", ran.stderr);
        nothing_half_made(&store, name);
    }
    // A layout directory with symlinks as blobs.
    let dir = store.dir.join("layout");
    for (name, bytes) in good.oci_files(false, false) {
        store.file(&format!("layout/{name}"), bytes);
    }
    let blob = dir.join("blobs/sha256").join(archive::sha256(&good.layers[0]));
    std::fs::remove_file(&blob).expect("remove the blob");
    std::os::unix::fs::symlink(&secret, &blob).expect("a symlink");
    let ran = store.tare(&["load", "-i", dir.to_str().expect("utf-8")]);
    assert_eq!(ran.code, 1, "{}", ran.story());
    nothing_half_made(&store, "a layout with a symlink");
    victim.assert_untouched("a layout with a symlink");
}

#[test]
fn tags_that_are_no_names_are_refused() {
    let store = Store::empty();
    for tag in ["../../evil", "a b", "UPPER", "-x", "x:y:z", "x@sha256:123", &"x".repeat(5000), "\u{202e}evil"] {
        let image = Image { tag: tag.into(), ..Image::new("x", vec![Layer::new().file("x", 0o644, "x").tar()]) };
        let ran = store.load(&image.docker_archive());
        if ran.code == 0 {
            // Taken without a name is as good as refused.
            assert!(!ran.stdout.contains(tag), "{tag}: {}", ran.story());
            let ids = store.ok(&["images", "-q"]);
            store.ok(&["rmi", "-f", ids.lines().next().expect("an image")]);
        }
    }
}

#[test]
fn cve_2026_53492_labels_and_annotations_never_act() {
    let store = Store::new();
    let base = crate::common::test_images::box_image();
    let marker = store.dir.join("hooked");
    let labels = serde_json::json!({
        "run.oci.hooks.prestart": format!("touch {}", marker.display()), "org.criu.config": "/etc/shadow", "cdi.k8s.io/x": "vendor.com/device=all",
        "io.kubernetes.cri-o.Devices": "/dev/mem", "run.oci.handler": "evil", "module.wasm.image/variant": "compat",
    });
    store
        .load(&Image { tag: "labelled".into(), config: serde_json::json!({"Cmd": ["/probe"], "Labels": labels}), ..base }.docker_archive())
        .ok();
    let report = crate::common::Report::parse(&store.ok(&["run", "--rm", "labelled"]));
    assert!(!marker.exists());
    assert!(report.0["dev"].get("mem").is_none());
}
