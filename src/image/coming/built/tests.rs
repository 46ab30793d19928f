//! What was packed is the layer: its directory, its archive, and its blob say the same.

use super::*;
use crate::image::compression;
use crate::image::digest;
use crate::image::limits::{Budget, Limits};
use crate::image::unpack;
use crate::sys::beneath::{Attribute, Node};
use crate::sys::file;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("tare-built-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&path);
        file::make_dirs(&path.join("upper"), 0o755).unwrap();
        Scratch(path)
    }
    fn upper(&self) -> PathBuf {
        self.0.join("upper")
    }
    fn pack(&self, name: &str, packing: Packing) -> Layer {
        pack(&self.upper(), &self.0.join(name), packing, &|_| {}).unwrap()
    }
    fn archive(&self, name: &str) -> Vec<u8> {
        let (_, mut source) = compression::unpacked(std::fs::File::open(self.0.join(name)).unwrap()).unwrap();
        let mut archive = Vec::new();
        source.read_to_end(&mut archive).unwrap();
        archive
    }
    fn attributes(&self, name: &str) -> Vec<Attribute> {
        Directory::open_root(&self.upper()).unwrap().hold(name.as_bytes()).unwrap().attributes().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = file::remove_tree(&self.0);
    }
}

fn squeezed() -> Packing {
    Packing { squeeze: true, ..Packing::default() }
}

#[test]
fn a_blob_is_its_digests_whatever_its_length() {
    let scratch = Scratch::new("lengths");
    for length in [0, 1, 500_000, 523_776, 523_777, 5_000_000] {
        let bytes: Vec<u8> = (0..length).map(|at: u32| (at.wrapping_mul(at) >> 7) as u8).collect();
        std::fs::write(scratch.upper().join("file"), &bytes).unwrap();
        for (name, packing) in [("plain", Packing::default()), ("gzip", squeezed())] {
            let layer = scratch.pack(name, packing);
            let (blob, archive) = (std::fs::read(scratch.0.join(name)).unwrap(), scratch.archive(name));
            assert_eq!((&layer.digest, layer.blob_size), (&digest::of(&blob), blob.len() as u64), "{length} {name}");
            assert_eq!((&layer.diff_id, layer.size), (&digest::of(&archive), length.into()), "{length} {name}");
            assert_eq!(archive.len() % 512, 0);
            std::fs::remove_file(scratch.0.join(name)).unwrap();
        }
    }
}

#[test]
fn nothing_is_a_layer_too() {
    let scratch = Scratch::new("nothing");
    let layer = scratch.pack("blob", squeezed());
    // As every tool knows it: two empty blocks.
    assert_eq!(layer.diff_id, "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
    assert_eq!((layer.size, layer.compression), (0, Compression::Gzip));
    assert_eq!(layer.digest, scratch.pack("again", squeezed()).digest);
}

#[test]
fn the_books_of_overlayfs_are_closed() {
    let scratch = Scratch::new("books");
    let root = Directory::open_root(&scratch.upper()).unwrap();
    for name in ["opaque", "merged", "from-below"] {
        file::make_dirs(&scratch.upper().join(name), 0o755).unwrap();
    }
    std::fs::write(scratch.upper().join("file"), "text").unwrap();
    let set = |name: &str, attribute: &[u8], value: &[u8]| root.hold(name.as_bytes()).unwrap().set_attribute(attribute, value).unwrap();
    set("opaque", b"trusted.overlay.opaque", b"y");
    set("merged", b"trusted.overlay.impure", b"y");
    set("merged", b"trusted.overlay.origin", b"\0\xfb!");
    // Came up with a directory whose layer has both forms: it hides nothing here, and must hide nothing later.
    set("from-below", b"user.overlay.opaque", b"y");
    set("file", b"trusted.overlay.origin", b"\0\xfb!");
    set("file", b"user.overlay.metacopy", b"");
    set("file", b"user.mine", b"stays");
    scratch.pack("blob", squeezed());
    let mut both = scratch.attributes("opaque");
    both.sort();
    let y = |name: &str| (name.as_bytes().to_vec(), b"y".to_vec());
    assert_eq!(both, [y("trusted.overlay.opaque"), y("user.overlay.opaque")]);
    assert_eq!((scratch.attributes("merged"), scratch.attributes("from-below")), (vec![], vec![]));
    assert_eq!(scratch.attributes("file"), [(b"user.mine".to_vec(), b"stays".to_vec())]);
    set("merged", b"trusted.overlay.redirect", b"/elsewhere");
    let error = pack(&scratch.upper(), &scratch.0.join("refused"), squeezed(), &|_| {}).unwrap_err();
    assert!(error.to_string().contains("only where it lies in the image"), "{error}");
}

#[test]
fn the_directory_is_what_its_archive_unpacks_to() {
    let scratch = Scratch::new("same");
    let upper = scratch.upper();
    file::make_dirs(&upper.join("dir"), 0o755).unwrap();
    std::fs::write(upper.join("dir/young"), "young").unwrap();
    std::fs::hard_link(upper.join("dir/young"), upper.join("second")).unwrap();
    file::make_symlink("dir", &upper.join("link")).unwrap();
    Directory::open_root(&upper).unwrap().make_node(b"gone", Node::Character(0, 0)).unwrap();
    drop(std::os::unix::net::UnixListener::bind(upper.join("dir/socket")).unwrap());
    let old = Directory::open_root(&upper).unwrap();
    std::fs::write(upper.join("old"), "old").unwrap();
    old.hold(b"old").unwrap().set_time((1_000, 7)).unwrap();
    std::fs::set_permissions(&upper, std::fs::Permissions::from_mode(0o1777)).unwrap();
    scratch.pack("blob", Packing { latest: Some(1_700_000_000), ..squeezed() });
    file::make_dirs(&scratch.0.join("unpacked"), 0o755).unwrap();
    let budget = Budget::new(&Limits::default(), &scratch.0).unwrap();
    unpack::unpack(&scratch.archive("blob")[..], Directory::open_root(&scratch.0.join("unpacked")).unwrap(), &budget).unwrap();
    let seen = |top: &str| {
        let list = |dir: &str| -> Vec<(String, u32, i64)> {
            let entries = std::fs::read_dir(scratch.0.join(top).join(dir)).unwrap();
            let mut all: Vec<_> = entries
                .map(|entry| {
                    let about = entry.as_ref().unwrap().path().symlink_metadata().unwrap();
                    // Nobody sees a whiteout.
                    let time = if about.rdev() == 0 && about.mode() & 0o170000 == 0o020000 { 0 } else { about.mtime() };
                    (entry.unwrap().file_name().into_string().unwrap(), about.mode(), time)
                })
                .collect();
            all.sort();
            all
        };
        let root = scratch.0.join(top).metadata().unwrap();
        (list(""), list("dir"), (root.mode(), root.mtime()))
    };
    assert_eq!(seen("upper"), seen("unpacked"));
    let (top, below, root) = seen("upper");
    assert_eq!(below, [("young".to_owned(), 0o100644, 1_700_000_000)], "the socket is gone, and nothing is younger");
    assert_eq!((top.len(), root), (5, (0o041777, 1_700_000_000)));
    assert_eq!(upper.join("old").metadata().unwrap().mtime(), 1_000);
}

#[test]
fn owners_of_a_namespace_become_those_of_the_archive() {
    let scratch = Scratch::new("owners");
    let upper = scratch.upper();
    std::fs::write(upper.join("one"), "").unwrap();
    std::fs::hard_link(upper.join("one"), upper.join("two")).unwrap();
    let root = Directory::open_root(&upper).unwrap();
    root.hold(b"one").unwrap().set_owner(500_003, 600_004).unwrap();
    root.hold(b"one").unwrap().set_mode(0o4755).unwrap();
    file::change_owner(&upper, 500_000, 600_000).unwrap();
    let users = IdMap { uids: vec![(0, 500_000, 10)], gids: vec![(0, 600_000, 10)] };
    scratch.pack("blob", Packing { users: Some(users), ..squeezed() });
    let about = upper.join("one").metadata().unwrap();
    assert_eq!((about.uid(), about.gid(), about.mode() & 0o7777), (3, 4, 0o4755));
    assert_eq!((upper.metadata().unwrap().uid(), upper.metadata().unwrap().gid()), (0, 0));
    let archive = scratch.archive("blob");
    let mut archive = tar::Archive::new(&archive[..]);
    let owners: Vec<_> = archive.entries().unwrap().map(|entry| entry.unwrap().header().uid().unwrap()).collect();
    assert_eq!(owners, [3, 3], "both names are the same file's");
}
