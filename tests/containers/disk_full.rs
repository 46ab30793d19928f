//! A disk that is full at any step of a start: the error names what could not be made, and nothing is left behind.

use crate::common::{Ran, Store, eventually, leftovers, process};
use std::path::PathBuf;

/// A file system of its own with so much room and no more. Beside the store's directory, so that a mount of ours is not taken for
/// a leftover.
pub struct Small(PathBuf);

impl Small {
    fn mount(store: &Store) -> Small {
        let dir = PathBuf::from(format!("{}-small", store.dir.display()).replace("/tt", "/ts"));
        std::fs::create_dir(&dir).expect("a directory");
        process::tool(&["mount", "-t", "tmpfs", "-o", "size=1g,nr_inodes=1m", "tare-test", dir.to_str().expect("utf-8")]).ok();
        Small(dir)
    }

    pub fn resize(&self, options: &str) {
        // Not by mount(8), which looks into the list of mounts first: on a busy machine it may miss one there.
        let path = std::ffi::CString::new(self.0.to_str().expect("utf-8")).expect("a path");
        let text = std::ffi::CString::new(options).expect("options");
        // SAFETY: both strings end with a zero byte; a remount looks at nothing else.
        let answer = unsafe { libc::mount(c"none".as_ptr(), path.as_ptr(), c"tmpfs".as_ptr(), libc::MS_REMOUNT, text.as_ptr().cast()) };
        assert_eq!(answer, 0, "remount with {options}: {}", std::io::Error::last_os_error());
    }

    /// Room and names that are used: kB, and inodes. Asked of the kernel itself: df(1) looks into the list of mounts first, too.
    pub fn used(&self) -> (u64, u64) {
        let path = std::ffi::CString::new(self.0.to_str().expect("utf-8")).expect("a path");
        let mut found = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
        // SAFETY: the path ends with a zero byte, and zeroes are a valid answer to be overwritten.
        let found = unsafe {
            assert_eq!(libc::statvfs(path.as_ptr(), found.as_mut_ptr()), 0, "statvfs: {}", std::io::Error::last_os_error());
            found.assume_init()
        };
        let (pages, names) = (found.f_blocks - found.f_bfree, found.f_files - found.f_ffree);
        // Never none: that would mean to tmpfs that there is no limit.
        (pages.max(1) * found.f_frsize / 1024, names.max(1))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: a container's last namespace may hold it for a moment longer.
        process::tool(&["umount", "-l", self.0.to_str().expect("utf-8")]);
        let _ = std::fs::remove_dir(&self.0);
    }
}

/// Everything that a start may answer on a full disk: it works after all, or fails with a clear word.
fn judge(store: &Store, ran: &Ran, what: &str) -> bool {
    if ran.code == 0 {
        return true;
    }
    assert_eq!(ran.code, 125, "{what}: {}", ran.story());
    crate::common::store::assert_proper_error(ran);
    assert!(ran.stderr.contains("No space left on device"), "{what}: {}", ran.story());
    let names = store.ok(&["ps", "-aq"]);
    for id in names.lines() {
        // One that is kept says why it could not start, and can be removed.
        assert!(store.inspect(id)["State"]["Error"].as_str().is_some_and(|text| text.contains("No space left")), "{what}: {id}");
        store.ok(&["rm", id]);
    }
    let left = leftovers::find(store, &leftovers::ids(store));
    assert!(left.is_empty(), "{what}: {left:?}");
    false
}

/// From no room at all, a little more each time, until a start succeeds; `kept` ones too.
fn grow(store: &Store, small: &Small, unit: impl Fn(u64, u64) -> String) {
    let mut failures = 0;
    for words in [vec!["run", "--rm", "box", "true"], vec!["run", "--name", "kept", "box", "true"]] {
        // Monitors have cleared up what they had.
        eventually("nobody is at work", || std::fs::read_dir(store.run.join("container")).expect("the directory").count() == 0);
        let (used, names) = small.used();
        let worked = (0..60).any(|step| {
            small.resize(&unit(used + 4 * step, names + step));
            let worked = judge(store, &store.tare(&words), &format!("{words:?} with {step} more"));
            failures += usize::from(!worked);
            worked
        });
        assert!(worked, "{words:?}: it never works, however much room there is");
        small.resize("size=1g,nr_inodes=1m");
        store.tare(&["rm", "kept"]);
    }
    assert!(failures >= 2, "there was always room enough: {failures} failures");
}

/// With the store (or else its run directory) on a small file system, which goes after it.
pub fn small_store(of: Part) -> (Small, Store) {
    let mut store = Store::empty();
    let small = Small::mount(&store);
    match of {
        Part::Root => store.root = small.0.join("s"),
        Part::Run => store.run = small.0.join("r"),
    }
    for (name, archive) in crate::common::test_images::archives() {
        let file = store.file(&name, archive);
        store.ok(&["load", "-i", file.to_str().expect("utf-8")]);
    }
    store.ok(&["run", "--rm", "box", "true"]);
    (small, store)
}

pub enum Part {
    Root,
    Run,
}

#[test]
fn no_room_in_the_store_at_any_step() {
    let (small, store) = small_store(Part::Root);
    grow(&store, &small, |used, _| format!("size={used}k,nr_inodes=1m"));
}

#[test]
fn no_names_in_the_store_at_any_step() {
    let (small, store) = small_store(Part::Root);
    grow(&store, &small, |_, names| format!("size=1g,nr_inodes={names}"));
}

#[test]
fn no_room_in_the_run_directory_at_any_step() {
    let (small, store) = small_store(Part::Run);
    grow(&store, &small, |used, _| format!("size={used}k,nr_inodes=1m"));
}

#[test]
fn no_names_in_the_run_directory_at_any_step() {
    let (small, store) = small_store(Part::Run);
    grow(&store, &small, |_, names| format!("size=1g,nr_inodes={names}"));
}

#[test]
fn a_full_disk_neither_stops_a_container_nor_hides_how_it_ended() {
    let (small, store) = small_store(Part::Root);
    let script = "echo before; while [ ! -e /dev/shm/full ]; do sleep 0.05; done; \
                  i=0; while [ $i -lt 2000 ]; do echo a line that fits nowhere; i=$((i+1)); done; touch /dev/shm/done; \
                  while [ ! -e /dev/shm/end ]; do sleep 0.05; done; exit 6";
    store.ok(&["run", "-d", "--name", "one", "box", "sh", "-c", script]);
    eventually("it speaks", || store.ok(&["logs", "one"]) == "before");
    // The log's last page may still have room, but not for all that.
    small.resize(&format!("size={}k", small.used().0));
    store.ok(&["exec", "one", "touch", "/dev/shm/full"]);
    eventually("it goes on", || store.tare(&["exec", "one", "test", "-e", "/dev/shm/done"]).code == 0);
    store.ok(&["exec", "one", "touch", "/dev/shm/end"]);
    assert_eq!(store.ok(&["wait", "one"]), "6");
    assert_eq!(store.inspect("one")["State"]["ExitCode"], 6);
    assert!(store.ok(&["ps", "-a"]).contains("Exited (6)"));
    assert!(store.ok(&["logs", "one"]).lines().count() < 1000, "most of it fitted nowhere");
    store.ok(&["rm", "one"]);
}
