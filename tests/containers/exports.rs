//! `export`: the whole root of a container as an archive, and nothing that is only mounted in it.

use crate::common::{Layer, Store, attribute};
use std::collections::BTreeMap;
use tar::EntryType;

/// Name, kind, mode, owner, link and length of every entry.
fn table(archive: &[u8]) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().expect("an archive").map(|entry| entry.expect("a whole entry"));
    let described = entries.map(|entry| {
        let header = entry.header();
        let link = entry.link_name().expect("a link").map(|link| link.display().to_string()).unwrap_or_default();
        let about = format!(
            "{:?} {:o} {}:{} {link} {} {:?} {}",
            header.entry_type(),
            header.mode().expect("a mode"),
            header.uid().expect("an owner"),
            header.gid().expect("a group"),
            header.size().expect("a size"),
            header.device_major().ok().flatten().zip(header.device_minor().ok().flatten()),
            header.mtime().expect("a time")
        );
        (entry.path().expect("a name").display().to_string(), about)
    });
    described.collect()
}

const SCENE: &str = "mkdir -p /made/below && echo text > /made/file && ln /made/file /made/below/same && ln -s ../file /made/below/link && \
                     mknod /made/device c 1 3 && mkfifo /made/fifo && chown -R 12:34 /made/below && chmod 4755 /made/file && rm /script && \
                     echo secret > /data/volume && echo memory > /memory/x && echo shared > /dev/shm/x && echo host > /etc/hosts";

#[test]
fn an_export_imported_again_is_the_same() {
    let store = Store::new();
    store.ok(&[
        "run",
        "-d",
        "--name",
        "web",
        "-v",
        "/data",
        "--tmpfs",
        "/memory",
        "box",
        "sh",
        "-c",
        &format!("{SCENE} && exec sleep 1000"),
    ]);
    crate::common::eventually("the scene is set", || store.tare(&["exec", "web", "cat", "/dev/shm/x"]).code == 0);
    store.tare_with(&["cp", "-", "web:/made"], with_attribute()).ok();
    let running = store.tare(&["export", "web"]);
    assert_eq!(running.code, 0, "{}", running.story());
    let entries = table(&running.raw);
    assert!(entries["made/below/link"].starts_with("Symlink 777 12:34 ../file 0"), "{}", entries["made/below/link"]);
    assert!(entries["made/device"].starts_with("Char 644 0:0  0 Some((1, 3))"), "{}", entries["made/device"]);
    assert!(entries["made/fifo"].starts_with("Fifo"), "{}", entries["made/fifo"]);
    let first = &entries["made/below/same"];
    assert!(first.starts_with("Regular 4755 12:34  5"), "{first}");
    assert!(entries["made/file"].starts_with("Link 4755 12:34 made/below/same 0"), "{}", entries["made/file"]);
    assert!(!entries.contains_key("script") && entries.contains_key("not-executable"), "what was removed is not there");
    // The mount points are, and what is mounted is not.
    for place in ["data/", "memory/", "proc/", "sys/", "dev/"] {
        assert!(entries[place].starts_with("Directory"), "{place}");
        assert_eq!(entries.keys().filter(|name| name.starts_with(place)).count(), 1, "below {place}");
    }
    assert!(entries["etc/hosts"].contains("  0 "), "the container's own /etc/hosts is not the image's: {}", entries["etc/hosts"]);
    // The same at rest.
    store.ok(&["kill", "web"]);
    store.wait_for_state("web", "exited");
    store.ok(&["export", "-o", "web.tar", "web"]);
    let resting = std::fs::read(store.dir.join("web.tar")).expect("the archive");
    assert_eq!(table(&resting), entries);
    // And as an image of its own.
    store.ok(&["import", "web.tar", "again"]);
    store.ok(&["create", "--name", "copy", "again", "true"]);
    let again = store.tare(&["export", "copy"]);
    assert_eq!(table(&again.raw), entries);
    store.ok(&["cp", "-a", "copy:/made/noted", "noted"]);
    assert_eq!(attribute(&store.dir.join("noted"), "user.note").as_deref(), Some(&b"line\nline"[..]));
    store.ok(&["rm", "-v", "web", "copy"]);
    store.assert_nothing_left();
}

fn with_attribute() -> Vec<u8> {
    Layer::new().pax(&[("SCHILY.xattr.user.note", b"line\nline")]).file("noted", 0o640, "noted").tar()
}

#[test]
fn an_archive_goes_to_a_file_or_a_pipe_and_never_to_a_terminal() {
    let store = Store::new();
    store.ok(&["create", "--name", "rest", "box"]);
    let mut person = store.terminal(&["export", "rest"]);
    person.expect("nothing for a terminal");
    assert_eq!(person.wait(), 125);
    store.fails(1, &["export", "nosuch"]);
    store.fails(1, &["export", "-o", "no/such/dir", "rest"]);
    store.fails(1, &["export", "-o", ".", "rest"]);
    let error = store.fails(1, &["export", "-o", "/dev/full", "rest"]);
    assert!(error.contains("No space left"), "{error}");
    let told = store.start_script("tare export rest | head -c 10 | wc -c; tare export rest > /dev/full || echo $?").wait();
    assert!(told.stdout.starts_with("10\n") && told.stdout.ends_with("1\n"), "{}", told.story());
    assert!(told.stderr.lines().count() == 1 && told.stderr.contains("No space left"), "{}", told.story());
    // What was there before stays until the new one is whole.
    store.file("old.tar", "old");
    store.fails(1, &["export", "-o", "old.tar", "nosuch"]);
    assert_eq!(std::fs::read_to_string(store.dir.join("old.tar")).expect("a file"), "old");
    store.ok(&["export", "--output", "old.tar", "rest"]);
    assert!(std::fs::metadata(store.dir.join("old.tar")).expect("a file").len() > 1 << 20);
    let left: Vec<_> = std::fs::read_dir(&store.dir).expect("the directory").map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains(".new")), "{left:?}");
}

#[test]
fn a_chroot_of_the_first_process_changes_nothing() {
    let store = Store::new();
    store.ok(&[
        "run",
        "-d",
        "--name",
        "hidden",
        "--init=false",
        "box",
        "sh",
        "-c",
        "mkdir /cell && cp -a /bin /cell/ && exec chroot /cell sleep 1000",
    ]);
    crate::common::eventually("it is in its cell", || {
        std::fs::read_link(format!("/proc/{}/root", store.pid("hidden"))).is_ok_and(|root| root.ends_with("cell"))
    });
    let entries = table(&store.tare(&["export", "hidden"]).raw);
    assert!(entries.contains_key("etc/passwd") && entries.contains_key("cell/bin/"));
    store.ok(&["cp", "hidden:/etc/passwd", "."]);
    assert!(std::fs::read_to_string(store.dir.join("passwd")).expect("copied").contains("Alice"));
}

#[test]
fn what_an_image_calls_a_whiteout_is_not_exported() {
    let store = Store::new();
    store.load_over_box("less", Layer::new().file("bin/.wh.busybox", 0o644, "").device("kept", EntryType::Block, 7, 8).tar());
    store.ok(&["create", "--name", "less", "less"]);
    let entries = table(&store.tare(&["export", "less"]).raw);
    assert!(!entries.contains_key("bin/busybox") && !entries.keys().any(|name| name.contains(".wh.")));
    assert!(entries["kept"].starts_with("Block"), "{}", entries["kept"]);
}
