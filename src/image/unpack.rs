//! One layer's tar becomes one directory, in overlay's form.
//!
//! What comes from outside decides names and nothing else: every path is resolved below the directory by the kernel
//! (`sys/beneath.rs`), sizes and counts are bounded, and what overlay itself reads (its own attributes) is never taken from
//! an archive. A whiteout `.wh.x` becomes a character device 0:0 called x; an opaque mark becomes attributes in both of
//! overlay's spellings, because a mount in a user namespace reads `user.overlay.*` only.

use crate::error::{Context, Error, Kind, Result};
use crate::sys::beneath::{self, Node, Root};
use crate::sys::{Errno, file};
use std::cell::Cell;
use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use tar::EntryType;

/// What one layer may hold.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub entries: u64,
    pub bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { entries: 4_000_000, bytes: 256 << 30 }
    }
}

const LONGEST_PATH: usize = 4096;
/// Between two entries an archive may hold long names and PAX records; more than this is no name.
const LONGEST_HEADERS: u64 = 4 << 20;

/// Unpacks `tar` into the empty directory `root`.
pub fn unpack(tar: impl Read, root: &Path, bounds: Bounds) -> Result<()> {
    let budget = Rc::new(Cell::new(LONGEST_HEADERS));
    let mut archive = tar::Archive::new(Rationed { inner: tar, left: budget.clone() });
    let mut layer = Layer {
        root: Root::open(root).with_context(|| format!("cannot open {}", root.display()))?,
        parent: None,
        directories: Vec::new(),
        bytes_left: bounds.bytes,
    };
    let entries = archive.entries().map_err(broken)?;
    for (count, entry) in entries.enumerate() {
        if count as u64 >= bounds.entries {
            return Err(Error::damaged("the layer has too many entries").because(format!("more than {}", bounds.entries)));
        }
        let mut entry = entry.map_err(broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        budget.set(u64::MAX);
        layer.take(&mut entry).map_err(|error| error.context(format!("entry {name:.200?}")))?;
        std::io::copy(&mut entry, &mut std::io::sink()).map_err(broken)?;
        budget.set(LONGEST_HEADERS);
    }
    layer.finish()
}

fn broken(error: std::io::Error) -> Error {
    // A full disk or a failing one is no fault of the archive's.
    match error.raw_os_error() {
        Some(number) => Error::from_errno("cannot read the layer", Errno::from_raw(number)),
        None => Error::damaged("the layer is broken").because(error),
    }
}

/// Ends a stream that puts more between two entries than names can need: the tar reader would keep all of it in memory.
struct Rationed<T> {
    inner: T,
    left: Rc<Cell<u64>>,
}

impl<T: Read> Read for Rationed<T> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.inner.read(buffer)?;
        let left = self.left.get();
        if (length as u64) > left {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "a name or a record in it has no end"));
        }
        if left != u64::MAX {
            self.left.set(left - length as u64);
        }
        Ok(length)
    }
}

/// What an entry says of itself beside its bytes.
struct Meta {
    uid: u32,
    gid: u32,
    mode: u32,
    seconds: i64,
    nanoseconds: i64,
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

struct Layer {
    root: Root,
    /// The directory of the last entry: archives are written directory by directory.
    parent: Option<(PathBuf, OwnedFd)>,
    /// Times of directories are set last, because filling them changes them.
    directories: Vec<(PathBuf, i64, i64)>,
    bytes_left: u64,
}

impl Layer {
    fn take(&mut self, entry: &mut tar::Entry<impl Read>) -> Result<()> {
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader) {
            return Ok(());
        }
        let path = clean(&entry.path_bytes())?;
        let meta = Meta::of(entry)?;
        let Some(name) = path.file_name().map(OsStr::to_owned) else { return self.take_root(kind, &meta) };
        let above = path.parent().unwrap_or(Path::new("")).to_owned();
        if let Some(hidden) = name.as_bytes().strip_prefix(b".wh.") {
            return self.take_whiteout(&above, OsStr::from_bytes(hidden), entry.size());
        }
        let what = || "cannot make it".to_owned();
        let dir = self.directory(&above)?;
        match (kind, beneath::kind_of(dir, &name).with_context(what)?) {
            (_, None) | (EntryType::Directory, Some(beneath::Kind::Directory)) => {}
            (EntryType::Link, Some(_)) if clean(&link_of(entry)?)? == path => return Ok(()),
            _ => self.clear(&above, &name)?,
        }
        match kind {
            EntryType::Directory => self.take_directory(&above, &path, &name, &meta),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => self.take_file(&above, &name, &meta, entry),
            EntryType::Symlink => self.take_symlink(&above, &name, &meta, &link_of(entry)?),
            EntryType::Link => self.take_link(&above, &name, &clean(&link_of(entry)?)?),
            EntryType::Fifo => self.take_node(&above, &name, &meta, Node::Fifo),
            EntryType::Char | EntryType::Block => {
                let number = |got: std::io::Result<Option<u32>>| got.map_err(broken).map(|number| u64::from(number.unwrap_or(0)));
                let (major, minor) = (number(entry.header().device_major())?, number(entry.header().device_minor())?);
                let node = if kind == EntryType::Char { Node::Character(major, minor) } else { Node::Block(major, minor) };
                self.take_node(&above, &name, &meta, node)
            }
            other => Err(Error::damaged(format!("it is of unknown kind {:?}", other.as_byte() as char))),
        }
    }

    /// `./`: owner and mode of the layer's root. Whatever else claims to be the root is refused (CVE-2021-29136).
    fn take_root(&mut self, kind: EntryType, meta: &Meta) -> Result<()> {
        if kind != EntryType::Directory {
            return Err(Error::damaged("the root is not a directory"));
        }
        meta.apply(self.root.descriptor())?;
        self.directories.push((PathBuf::new(), meta.seconds, meta.nanoseconds));
        Ok(())
    }

    fn take_whiteout(&mut self, above: &Path, hidden: &OsStr, size: u64) -> Result<()> {
        if size > 0 {
            return Err(Error::damaged("a whiteout has contents"));
        }
        if hidden == ".wh..opq" {
            let dir = self.directory(above)?;
            for name in ["trusted.overlay.opaque", "user.overlay.opaque"] {
                match beneath::set_attribute(dir, OsStr::new(name), b"y") {
                    // Root of a user namespace may not set the first, some file systems do not take the second.
                    Err(Errno::EPERM | Errno::EOPNOTSUPP) => {}
                    other => other.context("cannot mark it opaque")?,
                }
            }
            return Ok(());
        }
        // aufs left names like .wh..wh.plnk in old images; they hide nothing.
        if hidden.as_bytes().starts_with(b".wh.") {
            return Ok(());
        }
        if matches!(hidden.as_bytes(), b"" | b"." | b"..") {
            return Err(Error::damaged("a whiteout hides nothing that has a name"));
        }
        // A layer that brings a file and hides it below means: what is below is hidden, what it brings stays.
        if beneath::kind_of(self.directory(above)?, hidden).context("cannot look at it")?.is_none() {
            beneath::new_node(self.directory(above)?, hidden, Node::Character(0, 0)).context("cannot make the whiteout")?;
        }
        Ok(())
    }

    fn take_directory(&mut self, above: &Path, path: &Path, name: &OsStr, meta: &Meta) -> Result<()> {
        let dir = self.directory(above)?;
        match beneath::new_directory(dir, name) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno).context("cannot make the directory"),
        }
        let made = beneath::open_directory(dir, name).context("cannot open the directory")?;
        meta.apply(made.as_fd())?;
        self.directories.push((path.to_owned(), meta.seconds, meta.nanoseconds));
        Ok(())
    }

    fn take_file(&mut self, above: &Path, name: &OsStr, meta: &Meta, entry: &mut tar::Entry<impl Read>) -> Result<()> {
        self.bytes_left =
            self.bytes_left.checked_sub(entry.size()).ok_or_else(|| Error::damaged("the layer is too large when unpacked"))?;
        let made = beneath::new_file(self.directory(above)?, name).context("cannot make the file")?;
        let mut buffer = [0; 64 << 10];
        loop {
            let length = match entry.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(broken(error)),
            };
            file::write_all(made.as_fd(), &buffer[..length]).context("cannot write the file")?;
        }
        meta.apply(made.as_fd())?;
        beneath::set_time(made.as_fd(), meta.seconds, meta.nanoseconds).context("cannot set its time")
    }

    fn take_symlink(&mut self, above: &Path, name: &OsStr, meta: &Meta, target: &[u8]) -> Result<()> {
        if target.is_empty() || target.len() >= LONGEST_PATH || target.contains(&0) {
            return Err(Error::damaged("the symlink's target makes no sense"));
        }
        let dir = self.directory(above)?;
        beneath::new_symlink(OsStr::from_bytes(target), dir, name).context("cannot make the symlink")?;
        beneath::set_owner_and_mode_at(dir, name, meta.uid, meta.gid, None).context("cannot set its owner")?;
        beneath::set_time_at(dir, name, meta.seconds, meta.nanoseconds).context("cannot set its time")
    }

    /// To a file of the same layer. Its directory is resolved below the root like any other, and a symlink is not followed.
    fn take_link(&mut self, above: &Path, name: &OsStr, target: &Path) -> Result<()> {
        let target_name = target.file_name().ok_or_else(|| Error::damaged("the hard link leads to the root"))?;
        let what = || format!("cannot link it to {}", target.display());
        let target_dir = match self.root.directory(target.parent().unwrap_or(Path::new(""))) {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {
                return Err(Error::damaged(what()).because("there is no such file in the layer"));
            }
            other => other.with_context(what)?,
        };
        let dir = self.directory(above)?;
        match beneath::new_link(target_dir.as_fd(), target_name, dir, name) {
            Err(Errno::ENOENT | Errno::EPERM) => Err(Error::damaged(what()).because("there is no such file in the layer")),
            other => other.with_context(what),
        }
    }

    fn take_node(&mut self, above: &Path, name: &OsStr, meta: &Meta, node: Node) -> Result<()> {
        let dir = self.directory(above)?;
        beneath::new_node(dir, name, node).context("cannot make the device")?;
        beneath::set_owner_and_mode_at(dir, name, meta.uid, meta.gid, Some(meta.mode)).context("cannot set its owner")?;
        beneath::set_time_at(dir, name, meta.seconds, meta.nanoseconds).context("cannot set its time")
    }

    fn clear(&mut self, above: &Path, name: &OsStr) -> Result<()> {
        beneath::remove(self.directory(above)?, name).context("cannot replace what has its name")?;
        // What was removed may have been on the way to the directory that is held open.
        self.parent = None;
        Ok(())
    }

    fn directory(&mut self, path: &Path) -> Result<std::os::fd::BorrowedFd<'_>> {
        if self.parent.as_ref().is_none_or(|(held, _)| held != path) {
            let made = match self.root.directory_made(path) {
                Err(Errno::ENOTDIR | Errno::ELOOP | Errno::EEXIST) => {
                    return Err(Error::damaged(format!("{} is not a directory", path.display())));
                }
                other => other.with_context(|| format!("cannot make directory {}", path.display()))?,
            };
            self.parent = Some((path.to_owned(), made));
        }
        self.parent.as_ref().map(|(_, fd)| fd.as_fd()).ok_or_else(|| Error::failed("no directory"))
    }

    fn finish(self) -> Result<()> {
        for (path, seconds, nanoseconds) in self.directories.iter().rev() {
            // One that was replaced later has no time of its own any more.
            if let Ok(fd) = self.root.directory(path) {
                beneath::set_time(fd.as_fd(), *seconds, *nanoseconds).context("cannot set a directory's time")?;
            }
        }
        Ok(())
    }
}

/// The path below the root, without `.`; an absolute one begins at the root too. `..` is refused: no tool writes it.
fn clean(bytes: &[u8]) -> Result<PathBuf> {
    if bytes.len() > LONGEST_PATH || bytes.contains(&0) {
        return Err(Error::damaged("its name is too long or has a zero byte"));
    }
    let mut path = PathBuf::new();
    for part in Path::new(OsStr::from_bytes(bytes)).components() {
        match part {
            Component::Normal(name) if name.len() > 255 => return Err(Error::damaged("a part of its name is longer than 255 bytes")),
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            Component::ParentDir => return Err(Error::damaged("its name leads upwards (..)")),
        }
    }
    Ok(path)
}

fn link_of(entry: &tar::Entry<impl Read>) -> Result<Vec<u8>> {
    entry.link_name_bytes().map(|name| name.into_owned()).ok_or_else(|| Error::damaged("the link leads nowhere"))
}

impl Meta {
    fn of(entry: &mut tar::Entry<impl Read>) -> Result<Meta> {
        let header = entry.header();
        let id = |got: std::io::Result<u64>| {
            got.map_err(broken).and_then(|id| u32::try_from(id).map_err(|_| Error::damaged("its owner makes no sense")))
        };
        let mut meta = Meta {
            uid: id(header.uid())?,
            gid: id(header.gid())?,
            mode: header.mode().map_err(broken)? & 0o7777,
            seconds: header.mtime().map_err(broken)? as i64,
            nanoseconds: 0,
            attributes: Vec::new(),
        };
        if let Some(records) = entry.pax_extensions().map_err(broken)? {
            for record in records {
                let record = record.map_err(broken)?;
                meta.take_record(record.key_bytes(), record.value_bytes())?;
            }
        }
        Ok(meta)
    }

    fn take_record(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let nonsense = || Error::damaged(format!("its PAX record {:.40?} makes no sense", String::from_utf8_lossy(key)));
        let text = || std::str::from_utf8(value).map_err(|_| nonsense());
        match key {
            b"uid" => self.uid = text()?.parse().map_err(|_| nonsense())?,
            b"gid" => self.gid = text()?.parse().map_err(|_| nonsense())?,
            b"mtime" => (self.seconds, self.nanoseconds) = time(text()?).ok_or_else(nonsense)?,
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.".as_slice()) {
                    self.attributes.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }

    fn apply(&self, fd: std::os::fd::BorrowedFd) -> Result<()> {
        beneath::set_owner_and_mode(fd, self.uid, self.gid, self.mode).context("cannot set its owner and mode")?;
        for (name, value) in self.attributes.iter().filter(|(name, _)| is_taken(name)) {
            match beneath::set_attribute(fd, OsStr::from_bytes(name), value) {
                // A file system without attributes of this kind, or a kernel without this security module.
                Err(Errno::EOPNOTSUPP) => {}
                other => other.with_context(|| format!("cannot set attribute {}", String::from_utf8_lossy(name)))?,
            }
        }
        Ok(())
    }
}

/// Overlay's own attributes would hide files or lead a lower file elsewhere; labels belong to the host that made them.
fn is_taken(name: &[u8]) -> bool {
    let is_overlay = name.starts_with(b"user.overlay.") || name.starts_with(b"trusted.overlay.");
    !is_overlay
        && (name.starts_with(b"user.")
            || name == b"security.capability"
            || name.starts_with(b"system.posix_acl_")
            || name.starts_with(b"trusted."))
}

/// `1700000000.123456789`, also below zero.
fn time(text: &str) -> Option<(i64, i64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    let nanoseconds: i64 = digits.parse().ok()?;
    match whole.starts_with('-') && nanoseconds > 0 {
        true => Some((seconds - 1, 1_000_000_000 - nanoseconds)),
        false => Some((seconds, nanoseconds)),
    }
}

/// For whoever asks whether a failure lies in what came from outside.
pub fn is_damage(error: &Error) -> bool {
    error.kind() == Kind::Damaged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_root() {
        assert_eq!(clean(b"./a//b/./c").unwrap(), Path::new("a/b/c"));
        assert_eq!(clean(b"/etc/passwd").unwrap(), Path::new("etc/passwd"));
        assert_eq!(clean(b"./").unwrap(), Path::new(""));
        for bad in [&b"../x"[..], b"a/../../x", b"a\0b", &[b'a'; 300], &[b'/'; 5000]] {
            assert!(clean(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_have_nanoseconds_on_both_sides_of_zero() {
        assert_eq!(time("12.5"), Some((12, 500_000_000)));
        assert_eq!(time("12"), Some((12, 0)));
        assert_eq!(time("12.1234567891"), Some((12, 123_456_789)));
        assert_eq!(time("-1.25"), Some((-2, 750_000_000)));
        assert_eq!(time("x"), None);
        assert_eq!(time("1.-5"), None);
    }

    #[test]
    fn what_overlay_reads_never_comes_from_an_archive() {
        assert!(is_taken(b"user.mine") && is_taken(b"security.capability"));
        assert!(!is_taken(b"trusted.overlay.redirect") && !is_taken(b"user.overlay.opaque") && !is_taken(b"security.selinux"));
    }
}
