//! What a layer's archive may hold, and what it may not: entry by entry.

use super::*;
use crate::error::Kind;
use crate::image::limits::Limits;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use tar::{Builder, EntryType, Header};

struct Archive(Builder<Vec<u8>>);

impl Archive {
    fn new() -> Self {
        Archive(Builder::new(Vec::new()))
    }
    fn add(mut self, kind: u8, name: &str, mode: u32, link: &str, data: &[u8]) -> Self {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(EntryType::new(kind));
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_size(data.len() as u64);
        header.set_cksum();
        self.0.append(&header, data).unwrap();
        self
    }
    fn dir(self, name: &str) -> Self {
        self.add(b'5', name, 0o755, "", b"")
    }
    fn file(self, name: &str, data: &str) -> Self {
        self.add(b'0', name, 0o644, "", data.as_bytes())
    }
    fn symlink(self, name: &str, target: &str) -> Self {
        self.add(b'2', name, 0o777, target, b"")
    }
    fn link(self, name: &str, target: &str) -> Self {
        self.add(b'1', name, 0o644, target, b"")
    }
    fn pax(mut self, records: &[(&str, &[u8])]) -> Self {
        self.0.append_pax_extensions(records.iter().copied()).unwrap();
        self
    }
    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
    fn unpack(self, test: &str) -> (Result<u64>, Scratch) {
        unpack_bytes(&self.bytes(), test, &Limits::default())
    }
}

struct Scratch(PathBuf);

impl Scratch {
    fn at(&self, name: &str) -> PathBuf {
        self.0.join("root").join(name)
    }
    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.at(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = crate::sys::file::remove_tree(&self.0);
    }
}

fn unpack_bytes(bytes: &[u8], test: &str, limits: &Limits) -> (Result<u64>, Scratch) {
    let scratch = Scratch(std::env::temp_dir().join(format!("tare-unpack-{test}-{}", std::process::id())));
    let _ = crate::sys::file::remove_tree(&scratch.0);
    crate::sys::file::make_dirs(&scratch.at(""), 0o755).unwrap();
    crate::sys::file::make_dirs(&scratch.0.join("victim"), 0o755).unwrap();
    let root = Directory::open_root(&scratch.at("")).unwrap();
    let budget = Budget::new(limits, &scratch.0).unwrap();
    (unpack(bytes, root, &budget), scratch)
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let out = std::process::Command::new("getfattr").args(["--only-values", "-n", name, "--absolute-names"]).arg(path).output().ok()?;
    out.status.success().then_some(out.stdout)
}

#[test]
fn a_whiteout_and_an_opaque_directory_get_overlay_s_form() {
    let (done, tree) =
        Archive::new().file("a/.wh.gone", "").file("b/.wh..wh..opq", "").file("b/new", "n").file(".wh..wh.plnk", "").unpack("marks");
    done.unwrap();
    let gone = std::fs::metadata(tree.at("a/gone")).unwrap();
    assert!(gone.file_type().is_char_device() && gone.rdev() == 0);
    assert!(!tree.at("b/.wh..wh..opq").exists() && !tree.at(".wh..wh.plnk").exists());
    if std::process::Command::new("getfattr").arg("--version").output().is_ok() {
        for name in ["trusted.overlay.opaque", "user.overlay.opaque"] {
            assert_eq!(attribute(&tree.at("b"), name).as_deref(), Some(&b"y"[..]), "{name}");
        }
    }
}

#[test]
fn a_whiteout_speaks_of_lower_layers_only() {
    let (done, tree) = Archive::new()
        .file("kept", "k")
        .file(".wh.kept", "")
        .file(".wh.dir", "")
        .file("dir/new", "n")
        .file("d2/x", "x")
        .file(".wh.d2", "")
        .unpack("order");
    done.unwrap();
    assert_eq!((tree.read("kept").as_str(), tree.read("dir/new").as_str(), tree.read("d2/x").as_str()), ("k", "n", "x"));
    if std::process::Command::new("getfattr").arg("--version").output().is_ok() {
        assert!(
            attribute(&tree.at("dir"), "trusted.overlay.opaque").is_some() && attribute(&tree.at("d2"), "trusted.overlay.opaque").is_some()
        );
    }
}

#[test]
fn later_entries_replace_earlier_ones_of_any_kind() {
    let (done, tree) = Archive::new()
        .file("a/deep/file", "1")
        .file("a", "now a file")
        .file("b", "1")
        .dir("b")
        .file("b/in", "2")
        .file("c/x", "1")
        .symlink("c", "b")
        .symlink("d", "b")
        .dir("d")
        .file("d/own", "3")
        .link("e", "b/in")
        .file("e", "4")
        .unpack("replace");
    done.unwrap();
    assert_eq!((tree.read("a").as_str(), tree.read("b/in").as_str(), tree.read("d/own").as_str()), ("now a file", "2", "3"));
    assert!(tree.at("c").is_symlink() && !tree.at("d").is_symlink() && !tree.at("b/own").exists());
    assert_eq!(tree.read("e"), "4");
}

#[test]
fn modes_times_links_and_attributes_are_kept() {
    let capability = b"\x01\x00\x00\x02\x00\x04\x00\x00\n=\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let (done, tree) = Archive::new()
        .pax(&[
            ("mtime", b"1000000000.123456789"),
            ("uid", b"70000"),
            ("SCHILY.xattr.security.capability", capability),
            ("SCHILY.xattr.trusted.overlay.redirect", b"/x"),
        ])
        .add(b'0', "suid", 0o6755, "", b"s")
        .add(b'5', "sticky/", 0o1777, "", b"")
        .file("sticky/inside", "i")
        .link("hard", "/suid")
        .link("sticky/link", "s")
        .unpack("missing-link");
    assert_eq!(done.unwrap_err().kind(), Kind::Damaged);
    drop(tree);
    let (done, tree) = Archive::new()
        .pax(&[
            ("mtime", b"1000000000.123456789"),
            ("uid", b"70000"),
            ("SCHILY.xattr.security.capability", capability),
            ("SCHILY.xattr.trusted.overlay.redirect", b"/x"),
        ])
        .add(b'0', "suid", 0o6755, "", b"s")
        .add(b'5', "sticky/", 0o1777, "", b"")
        .file("sticky/inside", "i")
        .link("sticky/hard", "/suid")
        .add(b'6', "fifo", 0o640, "", b"")
        .unpack("meta");
    assert_eq!(done.unwrap(), 2);
    let suid = std::fs::metadata(tree.at("suid")).unwrap();
    assert_eq!(
        (suid.mode() & 0o7777, suid.uid(), suid.mtime(), suid.mtime_nsec(), suid.nlink()),
        (0o6755, 70000, 1_000_000_000, 123_456_789, 2)
    );
    let sticky = std::fs::metadata(tree.at("sticky")).unwrap();
    assert_eq!((sticky.mode() & 0o7777, sticky.mtime()), (0o1777, 1_700_000_000), "what was put inside does not change its time");
    assert!(std::fs::metadata(tree.at("fifo")).unwrap().file_type().is_fifo());
    if std::process::Command::new("getfattr").arg("--version").output().is_ok() {
        assert_eq!(attribute(&tree.at("suid"), "security.capability").as_deref(), Some(&capability[..]));
        assert_eq!(attribute(&tree.at("suid"), "trusted.overlay.redirect"), None);
    }
}

#[test]
fn the_root_entry_sets_the_root_and_cannot_replace_it() {
    let (done, tree) = Archive::new().add(b'5', "./", 0o711, "", b"").file("./x", "x").unpack("root");
    done.unwrap();
    assert_eq!(std::fs::metadata(tree.at("")).unwrap().mode() & 0o7777, 0o711);
    for kind in [b'0', b'1', b'2', b'3', b'6'] {
        assert_eq!(Archive::new().add(kind, "./", 0o777, "../victim", b"").unpack("root-other").0.unwrap_err().kind(), Kind::Damaged);
    }
}

#[test]
fn hostile_names_are_damage_and_touch_nothing() {
    let long = "n".repeat(300);
    for (what, archive) in [
        ("climbs", Archive::new().file("a/../../victim/x", "x")),
        ("link through a symlink to nothing", Archive::new().symlink("a", "../victim").link("x", "a/y")),
        ("through a symlink to itself", Archive::new().symlink("a", "a").file("a/x", "x")),
        ("through two that lead to each other", Archive::new().symlink("a", "b/c").symlink("b", "a").file("a/x", "x")),
        ("through a symlink to a file", Archive::new().file("f", "").symlink("a", "f").file("a/x", "x")),
        ("through a symlink with too long a name", Archive::new().pax(&[("linkpath", long.as_bytes())]).symlink("a", "").file("a/x", "")),
        ("link that climbs", Archive::new().link("x", "../victim")),
        ("link to a directory", Archive::new().dir("d").link("x", "d")),
        ("link to nothing", Archive::new().link("x", "y")),
        ("whiteout of dot-dot", Archive::new().file(".wh...", "")),
        ("whiteout of nothing", Archive::new().file(".wh.", "")),
        ("below a file", Archive::new().file("f", "x").file("f/x", "x")),
        ("empty name", Archive::new().file("", "x")),
        ("zero in a name", Archive::new().pax(&[("path", b"a\0b")]).file("x", "x")),
        ("long name", Archive::new().pax(&[("path", long.as_bytes())]).file("x", "x")),
        ("long path", Archive::new().pax(&[("path", "a/".repeat(3000).as_bytes())]).file("x", "x")),
        ("unknown kind", Archive::new().add(b'Q', "q", 0o644, "", b"x")),
        ("contradicting size", Archive::new().pax(&[("size", b"2")]).file("x", "x")),
        ("negative size", Archive::new().pax(&[("size", b"-2")]).file("x", "x")),
    ] {
        let (done, tree) = archive.unpack("hostile");
        assert_eq!(done.expect_err(what).kind(), Kind::Damaged, "{what}");
        assert_eq!(std::fs::read_dir(tree.0.join("victim")).unwrap().count(), 0, "{what}");
    }
}

#[test]
fn symlinks_of_the_layer_are_followed_inside_it() {
    let (done, tree) = Archive::new()
        .symlink("lib", "usr/lib")
        .file("lib/early", "1")
        .dir("usr/lib")
        .file("lib/late", "2")
        .symlink("usr/lib64", "/lib/")
        .add(b'5', "usr/lib64/sub", 0o700, "", b"")
        .file("usr/lib64/sub/deep", "3")
        .symlink("up", "../../../../../../..")
        .file("up/top", "4")
        .symlink("out", "../victim")
        .file("out/x", "5")
        .file("out/.wh.gone", "")
        .link("hard", "lib/late")
        .file("lib/.wh..wh..opq", "")
        .unpack("inside");
    done.unwrap();
    for (name, text) in
        [("usr/lib/early", "1"), ("usr/lib/late", "2"), ("usr/lib/sub/deep", "3"), ("top", "4"), ("victim/x", "5"), ("hard", "2")]
    {
        assert_eq!(tree.read(name), text, "{name}");
    }
    assert!(tree.at("lib").is_symlink() && std::fs::metadata(tree.at("victim/gone")).unwrap().file_type().is_char_device());
    assert_eq!(std::fs::metadata(tree.at("usr/lib/sub")).unwrap().mtime(), 1_700_000_000, "also a time set behind a symlink is kept");
    assert_eq!(std::fs::read_dir(tree.0.join("victim")).unwrap().count(), 0);
    assert!(!tree.0.parent().unwrap().join("top").exists());
}

#[test]
fn cut_tails_and_hidden_entries_are_damage() {
    let bytes = Archive::new().file("first", "x").bytes();
    let hidden = [&bytes[..], &Archive::new().file("hidden", "x").bytes()].concat();
    for wrong in [&hidden[..], &bytes[..700], &bytes[..300], b"this is no archive, but it is long enough"] {
        assert_eq!(unpack_bytes(wrong, "cut", &Limits::default()).0.unwrap_err().kind(), Kind::Damaged);
    }
    let (done, _tree) = unpack_bytes(&bytes[..1024], "no-end", &Limits::default());
    assert_eq!(done.unwrap(), 1, "the end marker may be missing");
}

#[test]
fn too_many_entries_are_refused() {
    let archive = Archive::new().file("a", "").file("b", "").file("c", "");
    let (done, _tree) = unpack_bytes(&archive.bytes(), "many", &Limits { layer_entries: Some(2), ..Limits::default() });
    assert!(done.unwrap_err().to_string().contains("more than 2 entries"));
}

#[test]
fn a_sparse_map_of_zeros_is_refused_at_once() {
    // It was collected whole, and looked through again after every block: a gigabyte would have taken days.
    let map = [&b"1\n"[..], &[0; 1 << 20]].concat();
    let records: &[(&str, &[u8])] = &[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"9")];
    let archive = Archive::new().pax(records).add(b'0', "s", 0o644, "", &map);
    let (done, _tree) = archive.unpack("zeros");
    let text = done.unwrap_err().to_string();
    assert!(text.contains("no list of numbers"), "{text}");
}

#[test]
fn names_of_directories_do_not_fill_the_memory() {
    let long = format!("{0}/{0}/{0}/{0}/{0}/{0}/{0}/{0}/{0}/{0}/{0}/{0}/{0}/{0}/{0}", "d".repeat(255));
    let one = Archive::new().pax(&[("path", long.as_bytes())]).dir("d").0.into_inner().unwrap();
    let entries = one.strip_suffix(&[0; 1024]).unwrap();
    let (done, _tree) = unpack_bytes(&entries.repeat(MOST_DIRECTORY_NAMES / long.len() + 2), "names", &Limits::default());
    assert!(done.unwrap_err().to_string().contains("names of its directories"));
}

#[test]
fn deep_trees_need_few_descriptors() {
    let deep = "d/".repeat(1500);
    let (done, tree) = Archive::new()
        .pax(&[("path", format!("{deep}one").as_bytes())])
        .file("x", "1")
        .pax(&[("path", format!("{deep}two").as_bytes())])
        .file("x", "2")
        .unpack("deep");
    done.unwrap();
    let root = Directory::open_root(&tree.at("")).unwrap();
    assert!(root.look(format!("{deep}two").as_bytes()).is_ok());
}

#[test]
fn gnu_tar_s_own_forms_are_read() {
    let scratch = Scratch(std::env::temp_dir().join(format!("tare-unpack-gnu-{}", std::process::id())));
    let _ = crate::sys::file::remove_tree(&scratch.0);
    let tree = scratch.at(&"d".repeat(120));
    crate::sys::file::make_dirs(&tree, 0o755).unwrap();
    let script = "cd \"$1\" && printf start >\"$2\" && truncate -s 5M \"$2\" && printf end >>\"$2\" && ln -s \"$2\" l && ln \"$2\" h";
    let name = "f".repeat(150);
    assert!(std::process::Command::new("sh").args(["-c", script, "sh", tree.to_str().unwrap(), &name]).status().unwrap().success());
    for form in [
        &["--format=gnu", "-S"][..],
        &["--format=posix", "-S"],
        &["--format=posix", "-S", "--sparse-version=0.0"],
        &["--format=posix", "-S", "--sparse-version=0.1"],
        &["--format=gnu"],
        &["--format=posix"],
    ] {
        let out = std::process::Command::new("tar").args(form).arg("-C").arg(scratch.at("")).args(["-cf", "-", "."]).output().unwrap();
        let (done, unpacked) = unpack_bytes(&out.stdout, "gnu-out", &Limits::default());
        assert_eq!(done.unwrap(), (5 << 20) + 3, "{form:?}");
        let file = unpacked.at(&format!("{}/{name}", "d".repeat(120)));
        let text = std::fs::read(&file).unwrap();
        assert!(text.starts_with(b"start\0") && text.ends_with(b"\0end"), "{form:?}");
        assert_eq!(std::fs::metadata(&file).unwrap().nlink(), 2, "{form:?}");
        if form.contains(&"-S") {
            assert!(std::fs::metadata(&file).unwrap().blocks() < 1000, "{form:?}: holes stay holes");
        }
    }
}
