//! Applies a layer's archive to an empty directory, in the form in which overlayfs reads layers.
//!
//! An archive says "removed" by files called `.wh.NAME` and "nothing below shows through" by `.wh..wh..opq`; overlayfs wants
//! character devices 0:0 and an attribute. Everything else is put down as it was packed. The archive is not trusted: every
//! name is looked up beneath the directory by the kernel, no symlink in it is followed, and all counts have limits.

use crate::error::{Context, Error, Kind, Result};
use crate::image::entries::{Entries, Entry, What, broken, damaged, shown_bytes};
use crate::sys::Errno;
use crate::sys::beneath::{self, Directory, Moment, Node};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// How much a layer may hold. Beyond it is an error, not a full disk.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of the unpacked archive.
    pub bytes: u64,
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { bytes: 100 << 30, entries: 2_000_000 }
    }
}

/// PATH_MAX, and a name's length on every file system of note (pathname(7)).
const LONGEST_PATH: usize = 4096;
const LONGEST_NAME: usize = 255;
/// Open directories kept on the way down; deeper ones are opened again and again, because descriptors are few.
const KEPT_OPEN: usize = 48;
const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
const METADATA: &[u8] = b".wh..wh.";

const MAKE: &str = "cannot make it";
const REPLACE: &str = "cannot replace what has its name";
const WRITE: &str = "cannot write it";
const MODE: &str = "cannot set its mode";
const TIME: &str = "cannot set its time";

/// Puts the archive's entries into `root`, which is empty. Returns how many bytes of files there are.
pub fn unpack(source: impl Read, root: Directory, limits: &Limits) -> Result<u64> {
    let mut entries = Entries::new(source);
    let mut tree = Tree { root: Rc::new(root), open: Vec::new(), times: Vec::new(), buffer: vec![0; 128 << 10] };
    let size = each(&mut entries, limits, |entry, data| tree.apply(entry, data).map_err(|e| about(entry, e)))?;
    tree.restore_times()?;
    Ok(size)
}

/// Reads an archive to its end and counts the bytes of its files.
pub fn measure(source: impl Read, limits: &Limits) -> Result<u64> {
    each(&mut Entries::new(source), limits, |_, _| Ok(()))
}

fn each<R: Read>(entries: &mut Entries<R>, limits: &Limits, mut deed: impl FnMut(&Entry, &mut Entries<R>) -> Result<()>) -> Result<u64> {
    let (mut count, mut size) = (0u64, 0u64);
    while let Some(entry) = entries.next()? {
        count += 1;
        if count > limits.entries {
            return Err(damaged(format!("the layer has more than {} entries", limits.entries))
                .hint("if you trust it, allow more with --max-layer-entries"));
        }
        deed(&entry, entries)?;
        size = size.saturating_add(if entry.what == What::File { entry.size } else { 0 });
    }
    Ok(size)
}

/// Some answers of the kernel mean that the archive asks for the impossible.
fn about(entry: &Entry, error: Error) -> Error {
    let cause = match error.errno() {
        Some(Errno::ELOOP) => "its parent is a symlink",
        Some(Errno::ENOTDIR) => "its parent is no directory",
        Some(Errno::EXDEV) => "it leads out of the layer",
        Some(Errno::ENAMETOOLONG) => "its name is too long",
        Some(Errno::EFBIG) => "it is too large",
        _ => return error.context(format!("entry {}", shown_bytes(&entry.name))),
    };
    damaged(format!("entry {}", shown_bytes(&entry.name))).because(cause)
}

struct Tree {
    root: Rc<Directory>,
    /// The way down to the directory worked in last: archives come sorted, so most of it is used again.
    open: Vec<(Vec<u8>, Rc<Directory>)>,
    /// A directory's time changes with every entry made in it, so it is set at the end.
    times: Vec<(Vec<u8>, Moment)>,
    buffer: Vec<u8>,
}

impl Tree {
    fn apply(&mut self, entry: &Entry, data: &mut Entries<impl Read>) -> Result<()> {
        let parts = components(&entry.name)?;
        let Some((name, above)) = parts.split_last() else { return self.apply_root(entry) };
        if let Some(hidden) = above.iter().find(|part| part.starts_with(WHITEOUT)) {
            // Bookkeeping of aufs, which very old images carry.
            return if hidden.starts_with(METADATA) { Ok(()) } else { Err(damaged("it lies below a whiteout")) };
        }
        let parent = self.directory(above)?;
        if let Some(gone) = name.strip_prefix(WHITEOUT) {
            return match *name {
                OPAQUE => mark_opaque(&parent),
                name if name.starts_with(METADATA) => Ok(()),
                _ => white_out(&parent, gone),
            };
        }
        match entry.what {
            What::Directory => self.make_directory(&parent, name, entry, &parts),
            What::File => self.make_file(&parent, name, entry, data),
            What::HardLink => self.make_link(&parent, name, &entry.link),
            What::Symlink => {
                replacing(&parent, name, |parent| parent.make_symlink(name, &entry.link))?;
                finish_special(&parent, name, entry)
            }
            What::Character => self.make_node(&parent, name, entry, Node::Character(entry.device.0, entry.device.1)),
            What::Block => self.make_node(&parent, name, entry, Node::Block(entry.device.0, entry.device.1)),
            What::Fifo => self.make_node(&parent, name, entry, Node::Fifo),
        }
    }

    /// `./`: the layer's own directory gets its mode and owner, and is never replaced by anything else (CVE-2021-29136).
    fn apply_root(&mut self, entry: &Entry) -> Result<()> {
        if entry.what != What::Directory {
            return Err(damaged("the root of the layer would be replaced by something else"));
        }
        let root = self.root.clone();
        finish(root.as_fd(), entry)?;
        self.times.push((Vec::new(), entry.modified));
        Ok(())
    }

    /// The directory at `parts`; those that the archive does not list are made.
    fn directory(&mut self, parts: &[&[u8]]) -> Result<Rc<Directory>> {
        let shared = self.open.iter().zip(parts).take_while(|((have, _), want)| have == *want).count();
        self.open.truncate(shared);
        let mut at = self.open.last().map_or_else(|| self.root.clone(), |(_, directory)| directory.clone());
        for part in &parts[shared..] {
            at = Rc::new(descend(&at, part)?);
            if self.open.len() < KEPT_OPEN {
                self.open.push((part.to_vec(), at.clone()));
            }
        }
        Ok(at)
    }

    fn make_directory(&mut self, parent: &Directory, name: &[u8], entry: &Entry, parts: &[&[u8]]) -> Result<()> {
        let directory = match parent.make_directory(name) {
            Ok(()) => parent.directory(name).context(MAKE)?,
            Err(Errno::EEXIST) => match parent.directory(name) {
                Ok(directory) => directory,
                // A symlink, file or whiteout gives way to the directory.
                Err(Errno::ELOOP | Errno::ENOTDIR) => {
                    let was_removed = is_whiteout(parent, name);
                    parent.remove(name).context(REPLACE)?;
                    parent.make_directory(name).context(MAKE)?;
                    let directory = parent.directory(name).context(MAKE)?;
                    if was_removed {
                        mark_opaque(&directory)?;
                    }
                    directory
                }
                Err(e) => return Err(Error::from_errno(MAKE, e)),
            },
            Err(e) => return Err(Error::from_errno(MAKE, e)),
        };
        finish(directory.as_fd(), entry)?;
        self.times.push((parts.join(&b'/'), entry.modified));
        Ok(())
    }

    fn make_file(&mut self, parent: &Directory, name: &[u8], entry: &Entry, data: &mut Entries<impl Read>) -> Result<()> {
        let fd = replacing(parent, name, |parent| parent.new_file(name))?;
        match &entry.pieces {
            None => self.write(&fd, 0, entry.size, data)?,
            Some(pieces) => {
                for (offset, length) in pieces {
                    self.write(&fd, *offset, *length, data)?;
                }
                beneath::set_length(fd.as_fd(), entry.size).context(WRITE)?;
            }
        }
        finish(fd.as_fd(), entry)?;
        beneath::set_time(fd.as_fd(), entry.modified).context(TIME)
    }

    fn write(&mut self, fd: &OwnedFd, mut offset: u64, mut length: u64, data: &mut Entries<impl Read>) -> Result<()> {
        while length > 0 {
            let most = usize::try_from(length).unwrap_or(usize::MAX).min(self.buffer.len());
            let count = data.read(&mut self.buffer[..most]).map_err(broken)?;
            beneath::write_at(fd.as_fd(), &self.buffer[..count], offset).context(WRITE)?;
            offset += count as u64;
            length -= count as u64;
        }
        Ok(())
    }

    fn make_link(&mut self, parent: &Directory, name: &[u8], target: &[u8]) -> Result<()> {
        let parts = components(target)?;
        let Some((old, above)) = parts.split_last() else { return Err(damaged("a hard link to the layer's root")) };
        let missing = |e: Errno| match e {
            Errno::ENOENT => damaged(format!("a hard link to {}, which is not in the layer", shown_bytes(target))),
            Errno::EPERM => damaged(format!("a hard link to {}, which is a directory", shown_bytes(target))),
            Errno::ELOOP => damaged(format!("a hard link to {}, whose parent is a symlink", shown_bytes(target))),
            e => Error::from_errno(format!("hard link to {}", shown_bytes(target)), e),
        };
        let way = above.join(&b'/');
        let from = if above.is_empty() { self.root.clone() } else { Rc::new(self.root.directory(&way).map_err(missing)?) };
        let (old_is, here) = (from.look(old).map_err(missing)?, parent.look(name));
        // Linking something to itself must not remove it first.
        if here.is_ok_and(|here| (here.st_dev, here.st_ino) == (old_is.st_dev, old_is.st_ino)) {
            return Ok(());
        }
        match parent.make_link(name, &from, old) {
            Err(Errno::EEXIST) => {
                parent.remove(name).context(REPLACE)?;
                parent.make_link(name, &from, old).map_err(missing)
            }
            other => other.map_err(missing),
        }
    }

    fn make_node(&mut self, parent: &Directory, name: &[u8], entry: &Entry, node: Node) -> Result<()> {
        replacing(parent, name, |parent| parent.make_node(name, node))?;
        finish_special(parent, name, entry)
    }

    fn restore_times(&mut self) -> Result<()> {
        for (path, modified) in &self.times {
            let directory = if path.is_empty() { Ok(self.root.clone()) } else { self.root.directory(path).map(Rc::new) };
            match directory {
                Ok(directory) => beneath::set_time(directory.as_fd(), *modified).context(TIME)?,
                // A later entry took its place.
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {}
                Err(e) => return Err(Error::from_errno(TIME, e)),
            }
        }
        Ok(())
    }
}

/// One step down, making the directory if it is not there.
fn descend(at: &Directory, part: &[u8]) -> Result<Directory> {
    match at.directory(part) {
        Err(Errno::ENOENT) => {
            at.make_directory(part).context(MAKE)?;
            at.directory(part).context(MAKE)
        }
        // Removed first and then filled again: nothing of the layers below may show through.
        Err(Errno::ENOTDIR) if is_whiteout(at, part) => {
            at.remove(part).context(REPLACE)?;
            at.make_directory(part).context(MAKE)?;
            let directory = at.directory(part).context(MAKE)?;
            mark_opaque(&directory)?;
            Ok(directory)
        }
        other => other.context("cannot open its directory"),
    }
}

/// Makes something under a name; what has the name already gives way, as a later entry overrules an earlier one.
fn replacing<T>(parent: &Directory, name: &[u8], make: impl Fn(&Directory) -> Result<T, Errno>) -> Result<T> {
    match make(parent) {
        Err(Errno::EEXIST) => {
            parent.remove(name).context(REPLACE)?;
            make(parent).context(MAKE)
        }
        other => other.context(MAKE),
    }
}

/// Owner, then mode, then attributes: each of the first two takes away what the later ones give.
fn finish(fd: std::os::fd::BorrowedFd, entry: &Entry) -> Result<()> {
    beneath::set_owner(fd, entry.uid, entry.gid).map_err(owner_refused)?;
    beneath::set_mode(fd, entry.mode).context(MODE)?;
    set_attributes(entry, |name, value| beneath::set_attribute(fd, name, value))
}

fn finish_special(parent: &Directory, name: &[u8], entry: &Entry) -> Result<()> {
    let held = parent.hold(name).context(MAKE)?;
    held.set_owner(entry.uid, entry.gid).map_err(owner_refused)?;
    if entry.what != What::Symlink {
        held.set_mode(entry.mode).context(MODE)?;
    }
    set_attributes(entry, |name, value| held.set_attribute(name, value))?;
    parent.set_time(name, entry.modified).context(TIME)
}

fn owner_refused(error: Errno) -> Error {
    let error = Error::from_errno("cannot give it its owner", error);
    if error.errno() == Some(Errno::EPERM) { error.of_kind(Kind::CannotKeep).hint("load images as root") } else { error }
}

/// Attributes of overlayfs would let an archive say what lies below it; labels of security modules are this host's own affair.
fn set_attributes(entry: &Entry, set: impl Fn(&[u8], &[u8]) -> Result<(), Errno>) -> Result<()> {
    for (name, value) in &entry.attributes {
        let foreign = name.starts_with(b"trusted.overlay.") || name.starts_with(b"user.overlay.");
        let capability = name == b"security.capability";
        if foreign || (name.starts_with(b"security.") && !capability) {
            continue;
        }
        match set(name, value) {
            // This file system or kind of file keeps no such attribute; only a lost capability changes what a program can do.
            Err(Errno::EOPNOTSUPP | Errno::EPERM) if !capability => {}
            Err(e) => return Err(Error::from_errno(format!("cannot set its attribute {}", shown_bytes(name)), e)),
            Ok(()) => {}
        }
    }
    Ok(())
}

/// For overlay as root and for overlay in a user namespace, which reads the other of the two.
fn mark_opaque(directory: &Directory) -> Result<()> {
    match beneath::set_attribute(directory.as_fd(), b"trusted.overlay.opaque", b"y") {
        // Without CAP_SYS_ADMIN the first cannot be set, nor will it ever be read.
        Ok(()) | Err(Errno::EPERM) => {}
        Err(e) => return Err(Error::from_errno("cannot mark a directory as opaque", e)),
    }
    beneath::set_attribute(directory.as_fd(), b"user.overlay.opaque", b"y").context("cannot mark a directory as opaque")
}

/// `name` of the layers below is gone. What this layer itself has under that name stays: whiteouts speak of lower layers only.
fn white_out(parent: &Directory, name: &[u8]) -> Result<()> {
    if matches!(name, b"" | b"." | b"..") {
        return Err(damaged("a whiteout of nothing"));
    }
    match parent.make_node(name, Node::Character(0, 0)) {
        Err(Errno::EEXIST) => match parent.directory(name) {
            Ok(directory) => mark_opaque(&directory),
            Err(_) => Ok(()),
        },
        other => other.context("cannot make a whiteout"),
    }
}

fn is_whiteout(parent: &Directory, name: &[u8]) -> bool {
    const CHARACTER_DEVICE: u32 = 0o020000;
    parent.look(name).is_ok_and(|found| found.st_rdev == 0 && found.st_mode & 0o170000 == CHARACTER_DEVICE)
}

/// The parts of a name that mean something. One that begins with a slash begins at the layer's root, as buildpacks write them;
/// one that climbs is written by no tool.
fn components(name: &[u8]) -> Result<Vec<&[u8]>> {
    let reason = if name.len() >= LONGEST_PATH {
        "its name is too long"
    } else if name.is_empty() {
        "its name is empty"
    } else if name.contains(&0) {
        "its name holds a zero byte"
    } else {
        let parts: Vec<&[u8]> = name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
        match parts {
            parts if parts.contains(&&b".."[..]) => "its name leads out of the layer",
            parts if parts.iter().any(|part| part.len() > LONGEST_NAME) => "its name is too long",
            parts => return Ok(parts),
        }
    };
    Err(damaged(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
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
        (unpack(bytes, root, limits), scratch)
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
                attribute(&tree.at("dir"), "trusted.overlay.opaque").is_some()
                    && attribute(&tree.at("d2"), "trusted.overlay.opaque").is_some()
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
            ("through a symlink", Archive::new().symlink("a", "../victim").file("a/x", "x")),
            ("whiteout through a symlink", Archive::new().symlink("a", "../victim").file("a/.wh.x", "")),
            ("opaque through a symlink", Archive::new().symlink("a", "../victim").file("a/.wh..wh..opq", "")),
            ("link through a symlink", Archive::new().symlink("a", "../victim").link("x", "a/y")),
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
        let (done, _tree) = unpack_bytes(&archive.bytes(), "many", &Limits { entries: 2, ..Limits::default() });
        assert!(done.unwrap_err().to_string().contains("more than 2 entries"));
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
}
