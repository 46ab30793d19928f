//! What every integration test stands on: a store of its own, the real program, a terminal, and a look at what is left behind.
//!
//! `tests/README.md` tells how to use it and which variables it obeys.
#![allow(dead_code, unused_imports, reason = "each test program uses a part of it")]

pub mod archive;
pub mod authority;
pub mod booted;
pub mod broken;
pub mod context;
pub mod drivers;
pub mod kubelet;
pub mod leftovers;
pub mod ordinary;
pub mod probe;
pub mod process;
pub mod random;
pub mod registry;
pub mod shelf;
pub mod store;
pub mod strace;
pub mod taker;
pub mod terminal;
pub mod test_images;
pub mod token_server;
pub mod town;
pub mod transcript;
pub mod tunnel;
pub mod victim;
pub mod world;

pub use archive::{Image, Layer};
pub use context::Context;
pub use ordinary::Person;
pub use probe::Report;
pub use process::{Ran, Running};
pub use random::{Random, race_rounds, rounds};
pub use store::Store;
pub use terminal::Terminal;
pub use victim::{Mend, Victim};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A file of the build: `variable` if set, else below the project's `target/`.
fn built(variable: &str, below_target: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(below_target),
    }
}

/// The program under test.
pub fn program() -> PathBuf {
    let path = built("TARE_BIN", "release/tare");
    assert!(path.is_file(), "there is no program at {}: run scripts/build, or set TARE_BIN", path.display());
    path.canonicalize().expect("a path of the program")
}

/// A directory that nobody had before: what a test that was killed left behind may have our process id in its name.
pub fn fresh_directory(parent: &Path, name: &str) -> PathBuf {
    for number in 0.. {
        let path = parent.join(format!("{name}{}-{number}", std::process::id()));
        match std::fs::create_dir(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => {
                made.unwrap_or_else(|e| panic!("cannot make {}: {e}", path.display()));
                return path;
            }
        }
    }
    unreachable!("there is always another number")
}

/// Where `images/*/build` leave their archives.
pub fn image_dir() -> PathBuf {
    built("TARE_IMAGES", "images")
}

pub fn in_vm() -> bool {
    std::env::var_os("TARE_IN_VM").is_some()
}

/// The machine could do it, if only something were installed or made: under MUST_RUN=1 that is a failure.
#[must_use]
pub fn lacking(what: &str) -> bool {
    assert!(std::env::var_os("MUST_RUN").is_none_or(|value| value != "1"), "MUST_RUN=1, but this machine lacks {what}");
    eprintln!("skipped: this machine lacks {what}");
    true
}

/// The machine cannot do it, whatever is installed.
#[must_use]
pub fn cannot(why: &str) -> bool {
    eprintln!("skipped: {why}");
    true
}

/// How long anything may take before a test calls it hung. Fork is 24 times slower in an emulated machine.
pub fn patience() -> Duration {
    Duration::from_secs(if in_vm() { 120 } else { 30 })
}

/// Waits until something has become true. `what` is said when it has not.
pub fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let end = Instant::now() + patience();
    while !is_true() {
        assert!(Instant::now() < end, "waited {:?} in vain: {what}", patience());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a program is on the PATH; a missing one is a missing package.
pub fn installed(program: &str) -> bool {
    path_of(program).is_some()
}

pub fn path_of(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// The cgroup2 mount, and which controllers it offers.
pub fn cgroup2() -> Option<(PathBuf, Vec<String>)> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some("cgroup2"))?;
    let mount = PathBuf::from(line.split(' ').nth(1)?);
    let controllers = std::fs::read_to_string(mount.join("cgroup.controllers")).ok()?;
    Some((mount, controllers.split_whitespace().map(str::to_string).collect()))
}

/// Whether limits can be kept here.
pub fn has_controllers() -> bool {
    cgroup2().is_some_and(|(_, found)| ["memory", "cpu", "pids"].iter().all(|wanted| found.iter().any(|one| one == wanted)))
}

/// Whether this is a time as RFC 3339 writes it, in UTC, of this century.
pub fn parse_time(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| text.get(range).is_some_and(|part| part.chars().all(|c| c.is_ascii_digit()));
    let marks = [(4, '-'), (7, '-'), (10, 'T'), (13, ':'), (16, ':')].iter().all(|(at, mark)| text.chars().nth(*at) == Some(*mark));
    text.starts_with("20") && marks && digits(0..4) && digits(5..7) && digits(8..10) && digits(11..13) && text.ends_with('Z')
}

/// An extended attribute of a file, symlinks not followed.
pub fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).expect("a path");
    let name = std::ffi::CString::new(name).expect("a name");
    let mut value = vec![0; 65536];
    // SAFETY: the kernel writes at most as many bytes as it is told.
    let length = unsafe { libc::lgetxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    value.truncate(usize::try_from(length).ok()?);
    Some(value)
}

pub fn set_attribute(path: &Path, name: &str, value: &[u8]) {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).expect("a path");
    let name = std::ffi::CString::new(name).expect("a name");
    // SAFETY: two C strings, and a value as long as it is said to be.
    let set = unsafe { libc::lsetxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    assert_eq!(set, 0, "{path:?}: {}", std::io::Error::last_os_error());
}
