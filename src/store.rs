//! Records on disk: written new-then-rename, so that a reader sees the old text or the new, never half of one.

pub mod version;

use crate::error::{Context, Error, Kind, Result};
use crate::sys::Errno;
use crate::sys::file;
use crate::sys::file::OFlag;
use crate::sys::lock;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// No record of ours is longer; a file that is was not written by us.
const LONGEST_RECORD: u64 = 16 << 20;

/// Behind the name of a record that is being written; then comes the process that writes it.
const NEW: &str = ".new";

/// Whose unfinished record this is; `None`: it is something else.
pub fn writer_of(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.rsplit_once(NEW)?.1.parse().ok()
}

/// What a power cut may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// Synced before it gets its name: losing it would lose data.
    Yes,
    /// Live state, on tmpfs, or easily made again: the start path never waits for a disk.
    No,
}

/// What helps where the store cannot be written.
pub fn advise(error: Error) -> Error {
    match error.errno() {
        Some(Errno::ENOSPC | Errno::EDQUOT) => error.hint("remove what is not needed, or keep the store elsewhere: --root DIR"),
        Some(Errno::EROFS) => error.hint("the store is mounted read-only: mount it for writing, or take another one: --root DIR"),
        Some(Errno::EACCES | Errno::EPERM) => error.hint("it is not yours to write: take a directory that is, --root DIR"),
        _ => error,
    }
}

/// Replaces `path` as a whole. Two writers at once: the later rename wins, both texts are whole.
pub fn write(path: &Path, bytes: &[u8], durable: Durable) -> Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!("{NEW}{}", std::process::id()));
    let new = Path::new(&name);
    let written = (|| {
        let fd = file::create(new, OFlag::O_WRONLY | OFlag::O_TRUNC, 0o600)?;
        file::write_all(fd.as_fd(), bytes)?;
        if durable == Durable::Yes {
            file::sync_data(fd.as_fd())?;
        }
        file::rename(new, path)?;
        match (durable, path.parent()) {
            (Durable::Yes, Some(dir)) => file::sync_dir(dir),
            _ => Ok(()),
        }
    })();
    written.map_err(|e| {
        let _ = file::remove_file(new);
        advise(Error::from_errno(format!("cannot write {}", path.display()), e))
    })
}

pub fn write_json(path: &Path, value: &impl Serialize, durable: Durable) -> Result<()> {
    let bytes = serde_json::to_vec(value).map_err(|e| Error::failed(format!("cannot write {}", path.display())).because(e))?;
    write(path, &bytes, durable)
}

pub fn overwrite_json(path: &Path, value: &impl Serialize) -> Result<()> {
    overwrite(path, serde_json::to_vec(value).map_err(|e| Error::failed(format!("cannot write {}", path.display())).because(e))?)
}

/// Replaces JSON where the disk has no room for a second file: the last page of a file is its own already.
/// A power cut at this moment may leave half of both, so this is only for when `write` has failed.
pub fn overwrite(path: &Path, mut bytes: Vec<u8>) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    let fd = file::open(path, OFlag::O_WRONLY).with_context(what)?;
    let before = file::length(fd.as_fd()).with_context(what)?;
    // JSON may end with blanks.
    bytes.resize(bytes.len().max(before as usize), b' ');
    file::write_all(fd.as_fd(), &bytes).with_context(what)
}

thread_local! {
    static SCRATCH: Cell<Option<Vec<u8>>> = const { Cell::new(None) };
}

/// While `deed` is done, all records are read into one buffer: a new one for each of a thousand would be a thousand mappings, made
/// and taken away again, and as much work as the reading itself.
pub fn reading_many<T>(deed: impl FnOnce() -> T) -> T {
    SCRATCH.set(Some(Vec::new()));
    let done = deed();
    SCRATCH.set(None);
    done
}

/// `None` when there is no such file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let (mut bytes, is_kept) = SCRATCH.take().map_or_else(|| (Vec::new(), false), |bytes| (bytes, true));
    let read = read_into(path, &mut bytes);
    if is_kept {
        SCRATCH.set(Some(bytes));
    }
    read
}

fn read_into<T: DeserializeOwned>(path: &Path, bytes: &mut Vec<u8>) -> Result<Option<T>> {
    let opened = file::open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY);
    match opened.and_then(|fd| file::read_bounded_into(fd, LONGEST_RECORD, bytes)) {
        Ok(()) => {}
        Err(Errno::ENOENT) => return Ok(None),
        // Longer than any record of ours, or no file at all.
        Err(e @ (Errno::EFBIG | Errno::EINVAL)) => {
            return Err(Error::from_errno(format!("record {} is damaged", path.display()), e).of_kind(Kind::Damaged));
        }
        Err(e) => return Err(Error::from_errno(format!("cannot read {}", path.display()), e)),
    }
    serde_json::from_slice(bytes).map(Some).map_err(|e| match is_unknown(&e) {
        true => Error::new(Kind::Newer, format!("record {} was written by a newer version of tare", path.display())).because(e),
        false => Error::new(Kind::Damaged, format!("record {} is damaged", path.display())).because(e),
    })
}

/// Well written, and there is more in it than we know: to write it again would lose that.
fn is_unknown(error: &serde_json::Error) -> bool {
    let text = error.to_string();
    error.is_data() && ["unknown field", "unknown variant"].iter().any(|word| text.starts_with(word))
}

/// A record that was written without waiting is on the disk from now on.
pub fn sync(path: &Path) -> Result<()> {
    let synced = file::open(path, OFlag::O_RDONLY).and_then(|fd| file::sync_data(fd.as_fd()));
    synced.and_then(|()| path.parent().map_or(Ok(()), file::sync_dir)).with_context(|| format!("cannot sync {}", path.display()))
}

/// What was made or renamed in a directory is on the disk from now on.
pub fn sync_dir(path: &Path) -> Result<()> {
    file::sync_dir(path).with_context(|| format!("cannot sync {}", path.display()))
}

/// For files that every user in a container reads: its /etc/hosts and the like.
pub fn write_readable(path: &Path, bytes: &[u8]) -> Result<()> {
    let written = file::create(path, OFlag::O_WRONLY | OFlag::O_TRUNC, 0o644).and_then(|fd| file::write_all(fd.as_fd(), bytes));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Held until dropped; ends with the process, however it ends.
#[derive(Debug)]
pub struct Lock(OwnedFd);

impl Lock {
    /// The number of the descriptor that holds it.
    pub fn descriptor(&self) -> i32 {
        std::os::fd::AsRawFd::as_raw_fd(&self.0)
    }

    /// Others may share it from now on; nobody gets in between.
    pub fn share(&self) -> Result<()> {
        lock::take(self.0.as_fd(), lock::Kind::Shared, true).map(drop).context("cannot share a lock")
    }

    /// Whether the locked file still has this name.
    pub fn is_of(&self, path: &Path) -> bool {
        file::has_name(self.0.as_fd(), path)
    }
}

/// Waits for the lock on `path`, making the file if need be.
pub fn lock(path: &Path) -> Result<Lock> {
    let what = || format!("cannot lock {}", path.display());
    let fd = file::create(path, OFlag::O_RDWR, 0o600).with_context(what).map_err(advise)?;
    lock::take(fd.as_fd(), lock::Kind::Alone, true).with_context(what)?;
    Ok(Lock(fd))
}

/// The same with others who share it.
pub fn share(path: &Path) -> Result<Lock> {
    let what = || format!("cannot lock {}", path.display());
    let fd = file::create(path, OFlag::O_RDWR, 0o600).with_context(what).map_err(advise)?;
    lock::take(fd.as_fd(), lock::Kind::Shared, true).with_context(what)?;
    Ok(Lock(fd))
}

/// The same for a directory that is there.
pub fn lock_dir(path: &Path) -> Result<Lock> {
    let what = || format!("cannot lock {}", path.display());
    let fd = file::open_dir(path).with_context(what)?;
    lock::take_dir(fd.as_fd()).with_context(what)?;
    Ok(Lock(fd))
}

/// `None` when somebody else holds it.
pub fn try_lock(path: &Path) -> Result<Option<Lock>> {
    try_kind(path, lock::Kind::Alone)
}

/// With others who share it. `None` when somebody holds it alone.
pub fn try_share(path: &Path) -> Result<Option<Lock>> {
    try_kind(path, lock::Kind::Shared)
}

fn try_kind(path: &Path, kind: lock::Kind) -> Result<Option<Lock>> {
    let what = || format!("cannot lock {}", path.display());
    let fd = file::create(path, OFlag::O_RDWR, 0o600).with_context(what).map_err(advise)?;
    Ok(lock::take(fd.as_fd(), kind, false).with_context(what)?.then_some(Lock(fd)))
}

/// Whether the process that locked `path` is still there. No file: nobody.
pub fn is_held(path: &Path) -> Result<bool> {
    match file::open(path, OFlag::O_RDONLY) {
        Ok(fd) => lock::is_taken(fd.as_fd()).with_context(|| format!("cannot look at lock {}", path.display())),
        Err(Errno::ENOENT) => Ok(false),
        Err(e) => Err(Error::from_errno(format!("cannot look at lock {}", path.display()), e)),
    }
}

/// One directory in a directory of the store; what is there already is fine.
pub fn make_dir_below(path: &Path) -> Result<()> {
    match file::make_dir(path, 0o755) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(Errno::ENOENT) => {
            make_dirs(path.parent().unwrap_or(path))?;
            file::make_dirs(path, 0o755).with_context(|| format!("cannot make directory {}", path.display())).map_err(advise)
        }
        Err(errno) => Err(errno).with_context(|| format!("cannot make directory {}", path.display())).map_err(advise),
    }
}

/// Makes a directory of the store, closed to other users: images bring setuid files (CVE-2021-41091, CVE-2021-41103).
pub fn make_dirs(path: &Path) -> Result<()> {
    file::make_dirs(path, 0o700).with_context(|| format!("cannot make directory {}", path.display())).map_err(advise)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> std::path::PathBuf {
        let dir = std::env::temp_dir().join(format!("tare-store-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&dir);
        make_dirs(&dir).unwrap();
        dir
    }

    #[test]
    fn a_record_is_replaced_as_a_whole_and_leaves_no_scraps() {
        let dir = scratch("replace");
        let path = dir.join("record");
        write(&path, b"[1,2,3]", Durable::Yes).unwrap();
        write(&path, b"[4]", Durable::No).unwrap();
        assert_eq!(read_json::<Vec<u8>>(&path).unwrap(), Some(vec![4]));
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
        file::remove_tree(&dir).unwrap();
    }

    #[test]
    fn a_lock_is_seen_by_others_and_ends_with_its_holder() {
        let dir = scratch("lock");
        let path = dir.join("alive");
        assert!(!is_held(&path).unwrap());
        let held = lock(&path).unwrap();
        assert!(is_held(&path).unwrap());
        assert!(try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(!is_held(&path).unwrap());
        assert!(try_lock(&path).unwrap().is_some());
        file::remove_tree(&dir).unwrap();
    }

    #[test]
    fn a_damaged_record_is_named() {
        let dir = scratch("damaged");
        let path = dir.join("record");
        write(&path, b"[1,", Durable::No).unwrap();
        let error = read_json::<Vec<u8>>(&path).unwrap_err();
        assert_eq!(error.kind(), Kind::Damaged);
        assert!(error.to_string().contains("record is damaged") || error.to_string().contains("is damaged"), "{error}");
        file::remove_tree(&dir).unwrap();
    }
}
