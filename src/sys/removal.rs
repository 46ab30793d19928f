//! A whole tree of files is removed, however deep it is, and whatever somebody does to it meanwhile.

use crate::sys::file::{OFlag, duplicate, open_dir, random_id, remove_file};
use nix::errno::Errno;
use nix::fcntl;
use nix::sys::stat::{self, Mode, SFlag};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

/// Removes a tree without following any symlink in it; one that is gone already is fine.
///
/// Somebody may change it meanwhile: what was a directory a moment ago is a file now, or the other way round. Then it is looked at
/// again; who wants to disturb us for ever is not waited for.
pub fn remove_tree(path: &Path) -> Result<(), Errno> {
    const CHANGED: [Errno; 4] = [Errno::ENOTDIR, Errno::EISDIR, Errno::ELOOP, Errno::ENOTEMPTY];
    let mut patience: u64 = 1000;
    loop {
        match std::fs::remove_dir_all(path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) if errno(&e) == Errno::ENOTDIR && !is_directory(path) => return remove_file(path),
            Err(e) if CHANGED.contains(&errno(&e)) && patience > 0 => {
                patience -= 1;
                // At another moment of his each time.
                std::thread::sleep(Duration::from_micros(patience % 10 * 100));
            }
            // The library holds every directory on the way down, and a path may have two thousand.
            Err(e) if errno(&e) == Errno::EMFILE => lift(path)?,
            other => return other.map_err(|e| errno(&e)),
        }
    }
}

fn is_directory(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|about| about.is_dir())
}

/// Takes a directory out of the depth of a tree and puts it at the top, where few descriptors reach it.
///
/// It goes down by the first directory everywhere: what came before that is removed already.
fn lift(path: &Path) -> Result<(), Errno> {
    const DEPTH: usize = 16;
    let top = open_dir(path)?;
    let mut at = duplicate(top.as_fd())?;
    for depth in 0.. {
        let name = first_directory(at.as_fd())?.ok_or(Errno::EMFILE)?;
        if depth == DEPTH {
            return fcntl::renameat(&at, name.as_c_str(), &top, random_id()?.as_str());
        }
        at = fcntl::openat(
            &at,
            name.as_c_str(),
            OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
            Mode::empty(),
        )?;
    }
    Ok(())
}

fn first_directory(dir: BorrowedFd) -> Result<Option<std::ffi::CString>, Errno> {
    let mut entries = nix::dir::Dir::openat(dir, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    for entry in entries.iter() {
        let name = entry?.file_name().to_owned();
        if matches!(name.as_bytes(), b"." | b"..") {
            continue;
        }
        let kind = stat::fstatat(dir, name.as_c_str(), fcntl::AtFlags::AT_SYMLINK_NOFOLLOW)?.st_mode;
        if SFlag::from_bits_truncate(kind) & SFlag::S_IFMT == SFlag::S_IFDIR {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn errno(e: &std::io::Error) -> Errno {
    e.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::file::{make_dirs, make_symlink};
    use crate::sys::threads;
    use std::os::unix::ffi::OsStrExt;
    use std::sync::atomic::{AtomicBool, Ordering};

    fn c_path(path: &Path) -> std::ffi::CString {
        std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap()
    }

    #[allow(unsafe_code)]
    fn exchange_names(one: &std::ffi::CStr, other: &std::ffi::CStr) {
        // SAFETY: two C strings, which live until the call returns.
        unsafe { libc::syscall(libc::SYS_renameat2, libc::AT_FDCWD, one.as_ptr(), libc::AT_FDCWD, other.as_ptr(), libc::RENAME_EXCHANGE) };
    }

    #[test]
    fn a_tree_goes_though_somebody_changes_it_under_our_hands() {
        let top = std::env::temp_dir().join(format!("tare-removal-{}", std::process::id()));
        let over = AtomicBool::new(false);
        let (one, other) = (top.join("one"), top.join("other"));
        let (one_name, other_name) = (c_path(&one), c_path(&other));
        let exchange = || {
            while !over.load(Ordering::Relaxed) {
                exchange_names(&one_name, &other_name);
            }
        };
        let (done, ()) = threads::beside(exchange, || {
            for _ in 0..300 {
                make_dirs(&one.join("deep/deeper"), 0o700).unwrap();
                make_symlink("/usr", &other).unwrap();
                let removed = remove_tree(&top);
                if removed.is_err() {
                    over.store(true, Ordering::Relaxed);
                }
                assert_eq!((removed, top.exists()), (Ok(()), false));
            }
            over.store(true, Ordering::Relaxed);
        });
        done.unwrap();
    }
}
