//! Layers made to reach out of their directory. Each must be refused, or stay inside; and the victim is looked at.

use super::errors::nothing_half_made;
use crate::common::{Image, Layer, Store, archive};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tar::EntryType;

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

/// Loads an image with these layers. Refused: nothing is half-made. Accepted: everything is below the layer's root. Either way the victim is whole.
fn attack(store: &Store, victim: &Victim, what: &str, layers: Vec<Vec<u8>>) -> bool {
    let ran = store.load(&Image::new("hostile", layers).docker_archive());
    victim.assert_untouched(what);
    for escaped in ["/tmp/tare-escaped", "/tare-escaped", "/etc/tare-escaped"] {
        assert!(!Path::new(escaped).exists(), "{what}: {escaped} appeared");
    }
    for escaped in ["tare-escaped", "s/tare-escaped", "s/layer/tare-escaped", "s/unfinished/tare-escaped"] {
        assert!(!store.dir.join(escaped).exists(), "{what}: {escaped} appeared");
    }
    match ran.code {
        0 => {
            store.ok(&["rmi", "hostile"]);
            victim.assert_untouched(what);
            true
        }
        1 => {
            crate::common::store::assert_proper_error(&ran);
            nothing_half_made(store, what);
            false
        }
        _ => panic!("{what}: {}", ran.story()),
    }
}

#[test]
fn names_that_climb_out_or_are_absolute() {
    let store = Store::empty();
    let victim = Victim::new(&store);
    for name in [
        "../tare-escaped",
        "../../tare-escaped",
        "a/../../tare-escaped",
        "./../tare-escaped",
        "/tare-escaped",
        "//tare-escaped",
        "/../tare-escaped",
        "..",
        "../",
        "a/..",
        "/tmp/tare-escaped",
    ] {
        attack(&store, &victim, name, vec![Layer::new().file(name, 0o644, "x").tar()]);
        attack(&store, &victim, name, vec![Layer::new().dir(name, 0o777).tar()]);
        attack(&store, &victim, name, vec![Layer::new().symlink(name, victim.path()).tar()]);
        attack(&store, &victim, name, vec![Layer::new().pax(&[("path", name.as_bytes())]).file("innocent", 0o644, "x").tar()]);
    }
}

#[test]
fn files_through_symlinks() {
    let store = Store::empty();
    let victim = Victim::new(&store);
    for target in [victim.path(), "../../../victim", "../../../../../../../../../../etc"] {
        attack(&store, &victim, target, vec![Layer::new().symlink("a", target).file("a/file", 0o666, "overwritten").tar()]);
        attack(&store, &victim, target, vec![Layer::new().symlink("a", target).dir("a/", 0o777).tar()]);
        attack(&store, &victim, target, vec![Layer::new().symlink("a", target).dir("a/new/", 0o777).tar()]);
        attack(&store, &victim, target, vec![Layer::new().symlink("a", target).file("a/sub/file", 0o666, "overwritten").tar()]);
        attack(&store, &victim, target, vec![Layer::new().symlink("a", target).fifo("a/pipe").tar()]);
        attack(&store, &victim, target, vec![Layer::new().symlink("a", target).device("a/dev", EntryType::Char, 1, 3).tar()]);
        attack(&store, &victim, target, vec![Layer::new().symlink("a", target).symlink("a/link", "x").tar()]);
        // The symlink in one layer, the file in the next.
        attack(
            &store,
            &victim,
            target,
            vec![Layer::new().symlink("a", target).tar(), Layer::new().file("a/file", 0o666, "overwritten").tar()],
        );
    }
    let file = format!("{}/file", victim.path());
    attack(&store, &victim, "a file over a symlink", vec![Layer::new().symlink("f", &file).file("f", 0o666, "overwritten").tar()]);
    attack(
        &store,
        &victim,
        "a chain of symlinks",
        vec![Layer::new().symlink("a", "b").symlink("b", victim.path()).file("a/file", 0o666, "overwritten").tar()],
    );
}

#[test]
fn trailing_slashes_do_not_follow_symlinks() {
    let store = Store::empty();
    let victim = Victim::new(&store);
    attack(&store, &victim, "dir with slash", vec![Layer::new().symlink("a", victim.path()).owned_dir("a/", 0o777, (1000, 1000)).tar()]);
    attack(&store, &victim, "dir with slashes", vec![Layer::new().symlink("a", victim.path()).owned_dir("a//", 0o777, (1000, 1000)).tar()]);
    attack(&store, &victim, "dir with a dot", vec![Layer::new().symlink("a", victim.path()).owned_dir("a/.", 0o777, (1000, 1000)).tar()]);
    attack(
        &store,
        &victim,
        "symlink with slash",
        vec![Layer::new().symlink("a/", victim.path()).owned_file("a/file", 0o666, (1000, 1000), "overwritten").tar()],
    );
    attack(
        &store,
        &victim,
        "file with slash",
        vec![Layer::new().symlink("a", &format!("{}/file", victim.path())).file("a/", 0o666, "overwritten").tar()],
    );
}

#[test]
fn hard_links_to_what_is_outside() {
    let store = Store::empty();
    let victim = Victim::new(&store);
    let file = format!("{}/file", victim.path());
    for target in [file.as_str(), "../../../victim/file", "../../../../../../etc/shadow", "/etc/passwd", "/proc/self/exe"] {
        attack(&store, &victim, target, vec![Layer::new().hard_link("h", target).tar()]);
        attack(&store, &victim, target, vec![Layer::new().hard_link("h", target).file("h", 0o666, "overwritten").tar()]);
        attack(&store, &victim, target, vec![Layer::new().symlink("s", target).hard_link("h", "s").tar()]);
        attack(&store, &victim, target, vec![Layer::new().symlink("s", target).hard_link("h", "s").file("h", 0o666, "overwritten").tar()]);
    }
    attack(
        &store,
        &victim,
        "through a directory symlink",
        vec![Layer::new().symlink("d", victim.path()).hard_link("h", "d/file").file("h", 0o666, "overwritten").tar()],
    );
    attack(&store, &victim, "to itself", vec![Layer::new().hard_link("h", "h").tar()]);
    attack(&store, &victim, "to a directory", vec![Layer::new().dir("d/", 0o755).hard_link("h", "d").tar()]);
    attack(&store, &victim, "to nothing", vec![Layer::new().hard_link("h", "nothing").tar()]);
    attack(
        &store,
        &victim,
        "to another layer",
        vec![Layer::new().file("below", 0o644, "x").tar(), Layer::new().hard_link("h", "below").tar()],
    );
}

#[test]
fn whiteouts_below_a_symlinked_parent() {
    let store = Store::empty();
    let victim = Victim::new(&store);
    for mark in ["a/.wh.file", "a/.wh.sub", "a/.wh..wh..opq", "a/sub/.wh.file", "a/sub/.wh..wh..opq"] {
        attack(&store, &victim, mark, vec![Layer::new().symlink("a", victim.path()).file(mark, 0o644, "").tar()]);
        attack(&store, &victim, mark, vec![Layer::new().symlink("a", victim.path()).tar(), Layer::new().file(mark, 0o644, "").tar()]);
    }
    for mark in [".wh.", ".wh..", ".wh...", ".wh.../victim", ".wh..wh.", "a/.wh./b", ".wh.a/b", "../.wh.victim", ".wh..wh..wh.x"] {
        attack(&store, &victim, mark, vec![Layer::new().file(mark, 0o644, "").tar()]);
    }
}

#[test]
fn cve_2021_29136_the_root_entry_is_a_symlink() {
    let store = Store::empty();
    let victim = Victim::new(&store);
    for root in ["./", ".", "/", "", "./."] {
        let taken = attack(
            &store,
            &victim,
            root,
            vec![Layer::new().symlink(root, victim.path()).owned_file("file", 0o666, (1000, 1000), "overwritten").tar()],
        );
        let _ = taken;
        attack(&store, &victim, root, vec![Layer::new().file(root, 0o644, "x").file("file", 0o644, "x").tar()]);
        attack(&store, &victim, root, vec![Layer::new().hard_link(root, "x").tar()]);
    }
    assert!(
        attack(&store, &victim, "an honest root", vec![Layer::new().owned_dir("./", 0o755, (0, 0)).file("./x", 0o644, "x").tar()]),
        "an ordinary root entry is fine"
    );
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
    // A device 0:0 is overlay's whiteout.
    attack(&store, &victim, "a whiteout by hand", vec![Layer::new().device("w", EntryType::Char, 0, 0).tar()]);
}

#[test]
fn headers_that_lie() {
    let store = Store::empty();
    let victim = Victim::new(&store);
    let mut huge = Layer::header(EntryType::Regular, "huge", 0o644);
    huge.set_size(u64::MAX / 2);
    huge.set_cksum();
    assert!(!attack(&store, &victim, "a size beyond the end", vec![Layer::new().raw(&huge, b"").tar()]));
    let mut negative = Layer::header(EntryType::Regular, "negative", 0o644);
    negative.as_old_mut().size = [0xff; 12];
    negative.set_cksum();
    assert!(!attack(&store, &victim, "a negative size", vec![Layer::new().raw(&negative, b"").tar()]));
    let mut no_sum = Layer::header(EntryType::Regular, "nosum", 0o644);
    no_sum.as_old_mut().cksum = *b"0000000\0";
    assert!(!attack(&store, &victim, "a wrong checksum", vec![Layer::new().raw(&no_sum, b"").tar()]));
    attack(&store, &victim, "a PAX size that contradicts", vec![Layer::new().pax(&[("size", b"99999999999")]).file("x", 0o644, "x").tar()]);
    attack(&store, &victim, "a PAX size that is negative", vec![Layer::new().pax(&[("size", b"-1")]).file("x", 0o644, "x").tar()]);
    attack(&store, &victim, "a PAX time that is none", vec![Layer::new().pax(&[("mtime", b"yesterday")]).file("x", 0o644, "x").tar()]);
    attack(
        &store,
        &victim,
        "a PAX time out of range",
        vec![Layer::new().pax(&[("mtime", b"99999999999999999999999999.5")]).file("x", 0o644, "x").tar()],
    );
    attack(&store, &victim, "a name with a zero byte", vec![Layer::new().pax(&[("path", b"a\0b")]).file("x", 0o644, "x").tar()]);
    attack(
        &store,
        &victim,
        "a name of 64 KiB",
        vec![Layer::new().pax(&[("path", "n".repeat(65536).as_bytes())]).file("x", 0o644, "x").tar()],
    );
    attack(
        &store,
        &victim,
        "a path of 64 KiB",
        vec![Layer::new().pax(&[("path", "n/".repeat(32768).as_bytes())]).file("x", 0o644, "x").tar()],
    );
    attack(&store, &victim, "an empty name", vec![Layer::new().file("", 0o644, "x").tar()]);
    attack(&store, &victim, "a link of no target", vec![Layer::new().symlink("s", "").tar()]);
    attack(&store, &victim, "an unknown kind", vec![Layer::new().entry(Layer::header(EntryType::new(b'Q'), "q", 0o644), b"x").tar()]);
    attack(
        &store,
        &victim,
        "owners beyond 32 bits",
        vec![Layer::new().pax(&[("uid", b"4294967296"), ("gid", b"-1")]).file("x", 0o644, "x").tar()],
    );
    let mut sparse = Layer::header(EntryType::GNUSparse, "sparse", 0o644);
    sparse.set_size(0);
    attack(&store, &victim, "a sparse file without a map", vec![Layer::new().entry(sparse, b"").tar()]);
}

#[test]
fn entries_after_the_end_are_not_unpacked() {
    let store = Store::empty();
    let victim = Victim::new(&store);
    let mut bytes = Layer::new().file("first", 0o644, "x").tar();
    bytes.extend(Layer::new().file("hidden", 0o644, "x").tar());
    let digest = archive::sha256(&bytes);
    let ran = store.load(&Image::new("tail", vec![bytes]).docker_archive());
    victim.assert_untouched("entries after the end");
    if ran.code == 0 {
        let layer = store.root.join("layer").join(digest);
        assert!(layer.join("first").exists() && !layer.join("hidden").exists(), "what other readers do not see must not appear");
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
