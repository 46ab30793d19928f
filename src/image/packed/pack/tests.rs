//! What was packed is unpacked again, by our own reader and by the machine's tar.

use super::*;
use crate::image::limits::{Budget, Limits};
use crate::image::unpack;
use crate::sys::beneath::{self, Node};
use crate::sys::file;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("tare-pack-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&path);
        file::make_dirs(&path.join("from"), 0o755).unwrap();
        file::make_dirs(&path.join("to"), 0o755).unwrap();
        Scratch(path)
    }
    fn directory(&self, name: &str) -> Directory {
        Directory::open_root(&self.0.join(name)).unwrap()
    }
    fn packed(&self, form: Form) -> Vec<u8> {
        let mut pack = Pack::new(Vec::new(), form);
        pack.add_contents(&self.directory("from"), b"").unwrap();
        pack.finish().unwrap()
    }
    fn unpacked(&self, archive: &[u8]) {
        let budget = Budget::new(&Limits::default(), &self.0).unwrap();
        unpack::unpack(archive, self.directory("to"), &budget).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = file::remove_tree(&self.0);
    }
}

#[test]
fn a_tree_comes_back_as_it_was() {
    let scratch = Scratch::new("round");
    let (from, to) = (scratch.0.join("from"), scratch.0.join("to"));
    let long = "n".repeat(200);
    std::fs::create_dir(from.join("dir")).unwrap();
    std::fs::write(from.join("dir/one"), vec![7; 100_000]).unwrap();
    std::fs::hard_link(from.join("dir/one"), from.join("two")).unwrap();
    std::fs::write(from.join(&long), "long").unwrap();
    std::fs::write(from.join("ümlaut"), "").unwrap();
    std::os::unix::fs::symlink(format!("/{long}"), from.join("link")).unwrap();
    let directory = scratch.directory("from");
    directory.make_node(b"fifo", Node::Fifo).unwrap();
    directory.hold(b"two").unwrap().set_owner(3_000_000, 12).unwrap();
    directory.hold(b"two").unwrap().set_mode(0o4750).unwrap();
    directory.hold(b"two").unwrap().set_attribute(b"user.note", b"a=b\nc").unwrap();
    beneath::set_time(directory.hold(b"two").unwrap().open_to_read().unwrap().as_fd(), (1_000_000_000, 0)).unwrap();
    scratch.unpacked(&scratch.packed(Form::Plain));
    let (one, two) = (to.join("dir/one").metadata().unwrap(), to.join("two").metadata().unwrap());
    assert_eq!((one.ino(), one.nlink(), one.len()), (two.ino(), 2, 100_000));
    assert_eq!((two.uid(), two.gid(), two.mode() & 0o7777, two.mtime()), (3_000_000, 12, 0o4750, 1_000_000_000));
    assert_eq!(scratch.directory("to").hold(b"two").unwrap().attributes().unwrap(), [(b"user.note".to_vec(), b"a=b\nc".to_vec())]);
    assert_eq!(std::fs::read(to.join(&long)).unwrap(), b"long");
    assert_eq!(to.join("link").read_link().unwrap().as_os_str().len(), 201);
    assert!(to.join("ümlaut").exists() && to.join("fifo").exists());
    assert_eq!(scratch.packed(Form::Plain), scratch.packed(Form::Plain), "the same tree is the same archive");
}

#[test]
fn what_overlay_hides_is_told_in_the_words_of_layers() {
    let scratch = Scratch::new("layer");
    let from = scratch.directory("from");
    from.make_directory(b"dir").unwrap();
    from.make_node(b"gone", Node::Character(0, 0)).unwrap();
    let dir = from.directory(b"dir").unwrap();
    crate::image::tree::mark_opaque(&dir).unwrap();
    let archive = scratch.packed(Form::Layer);
    let names: Vec<String> = tar::Archive::new(&archive[..])
        .entries()
        .unwrap()
        .map(|entry| String::from_utf8_lossy(&entry.unwrap().path_bytes()).into_owned())
        .collect();
    assert_eq!(names, ["dir/", "dir/.wh..wh..opq", ".wh.gone"]);
    scratch.unpacked(&archive);
    let to = scratch.directory("to");
    assert!(crate::image::tree::is_whiteout(&to, b"gone"));
    let attributes = to.hold(b"dir").unwrap().attributes().unwrap();
    assert!(attributes.iter().any(|(name, value)| name == b"trusted.overlay.opaque" && value == b"y"), "{attributes:?}");
}

#[test]
fn marks_that_hide_nothing_in_a_container_hide_nothing_in_its_layer() {
    let scratch = Scratch::new("marks");
    let from = scratch.directory("from");
    from.make_directory(b"dir").unwrap();
    from.hold(b"dir").unwrap().set_attribute(b"user.overlay.opaque", b"y").unwrap();
    scratch.unpacked(&scratch.packed(Form::Layer));
    assert_eq!(scratch.directory("to").hold(b"dir").unwrap().attributes().unwrap(), []);
}

#[test]
fn what_a_layer_cannot_tell_is_refused() {
    let scratch = Scratch::new("untold");
    let layer = || {
        let mut pack = Pack::new(Vec::new(), Form::Layer);
        pack.add_contents(&scratch.directory("from"), b"").map_err(|error| error.to_string())
    };
    let from = scratch.0.join("from");
    std::fs::write(from.join(".wh.hosts"), "").unwrap();
    assert!(layer().unwrap_err().contains("begins with .wh."));
    std::fs::remove_file(from.join(".wh.hosts")).unwrap();
    for mark in [&b"trusted.overlay.redirect"[..], b"trusted.overlay.metacopy"] {
        std::fs::write(from.join("moved"), "").unwrap();
        scratch.directory("from").hold(b"moved").unwrap().set_attribute(mark, b"/elsewhere").unwrap();
        assert!(layer().unwrap_err().contains("only where it lies in the image"));
        std::fs::remove_file(from.join("moved")).unwrap();
    }
    layer().unwrap();
}

#[test]
fn a_socket_is_left_out_under_all_its_names() {
    let scratch = Scratch::new("socket");
    let from = scratch.0.join("from");
    let _socket = std::os::unix::net::UnixListener::bind(from.join("one")).unwrap();
    std::fs::hard_link(from.join("one"), from.join("two")).unwrap();
    std::fs::write(from.join("file"), "text").unwrap();
    scratch.unpacked(&scratch.packed(Form::Layer));
    let names = scratch.directory("to").names().unwrap();
    assert_eq!(names, [b"file".to_vec()]);
}

#[test]
fn names_in_memory_are_bounded_and_given_back() {
    let scratch = Scratch::new("names");
    let from = scratch.0.join("from");
    for number in 0..20 {
        std::fs::create_dir(from.join(format!("dir{number}"))).unwrap();
        std::fs::write(from.join(format!("dir{number}/file")), "").unwrap();
        std::fs::hard_link(from.join(format!("dir{number}/file")), from.join(format!("dir{number}/link"))).unwrap();
    }
    let packed = |room: usize| {
        let mut pack = Pack::new(Vec::new(), Form::Plain);
        pack.room = room;
        pack.add_contents(&scratch.directory("from"), b"").map(|()| pack.room).map_err(|error| error.to_string())
    };
    assert_eq!(packed(2000), Ok(2000), "what was packed is forgotten");
    assert!(packed(1000).unwrap_err().contains("more names than memory"));
    // A name outside: the file may have further ones, and is remembered.
    std::fs::hard_link(from.join("dir0/file"), scratch.0.join("outside")).unwrap();
    assert_eq!(packed(2000), Ok(2000 - "dir0/file".len() - OVERHEAD));
}

#[test]
fn the_machine_s_tar_reads_it_too() {
    let scratch = Scratch::new("tar");
    std::fs::write(scratch.0.join("from/file"), "text").unwrap();
    std::fs::write(scratch.0.join("from").join("x".repeat(150)), "text").unwrap();
    std::fs::write(scratch.0.join("archive"), scratch.packed(Form::Plain)).unwrap();
    let status = std::process::Command::new("tar").arg("-xf").arg(scratch.0.join("archive")).arg("-C").arg(scratch.0.join("to")).status();
    assert!(status.unwrap().success());
    assert_eq!(std::fs::read(scratch.0.join("to").join("x".repeat(150))).unwrap(), b"text");
}
