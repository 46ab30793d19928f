//! `cp`, `export` and `diff` against containers that mean harm: what they exchange while we look, where their links lead, what lies
//! in wait for whoever opens, loads or runs it. What must not change is a directory of the host, and what must not get out is its
//! content.

use crate::common::{Image, Layer, Store, Victim, archive, eventually, patience, process, race_rounds, test_images};
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::Path;
use tar::EntryType;

/// A try is several commands: a thousand of them each way are enough for one test.
fn tries() -> u32 {
    race_rounds().min(1000)
}

const SECRET: &str = "untouched";

/// Whatever came out: nothing of the victim's is among it, by content.
fn assert_nothing_of_the_host(store: &Store, out: &Path) {
    // A link comes out as a link; where it leads is for whoever follows it.
    if std::fs::symlink_metadata(out).is_ok_and(|about| about.is_symlink()) {
        return std::fs::remove_file(out).expect("remove a link");
    }
    let found = process::tool(&["grep", "-rl", SECRET, out.to_str().expect("utf-8")]);
    assert_eq!(found.stdout, "", "the host's files came out of the container: {}", found.story());
    let _ = std::fs::remove_dir_all(out).or_else(|_| std::fs::remove_file(out));
    assert!(!store.dir.join("out").exists());
}

/// Copies both ways, over a name that a process in some container exchanges for a symlink to the victim all the while.
/// `place` is the directory of `dir`, `link` and the racer's work, as `target` sees it.
fn race(store: &Store, victim: &Victim, target: &str, place: &str) {
    store.file("file", "from the caller");
    store.file("tree/file", "from the caller");
    store.file("tree/made/by/cp", "from the caller");
    let (mut out, mut into) = (0, 0);
    for round in 0..tries() {
        let from = ["dir/file", "dir", "dir/.", "link/file", "dir/deep/down", ""][round as usize % 6];
        let flags: &[&str] = [&["-a"][..], &["-aL"], &["-L"], &[]][round as usize % 4];
        let ran = store.tare(&[&["cp"], flags, &[&format!("{target}:{place}/{from}"), "out"]].concat());
        out += i32::from(ran.code == 0);
        assert!(ran.code == 0 || ran.code == 1, "{}", ran.story());
        assert_nothing_of_the_host(store, &store.dir.join("out"));
        let to = ["dir/file", "dir/", "dir/deep", "link/file", "dir/new", "link/"][round as usize % 6];
        let source = if to.ends_with('/') { "tree/." } else { "file" };
        let ran = match round % 3 {
            0 => store.tare_with(&["cp", "-", &format!("{target}:{place}/dir/")], hostile_names()),
            _ => store.tare(&[&["cp"], flags, &[source, &format!("{target}:{place}/{to}")]].concat()),
        };
        into += i32::from(ran.code == 0);
        assert!(ran.code == 0 || ran.code == 1, "{}", ran.story());
        victim.assert_untouched("a copy into a container");
    }
    // A race in which nothing ever succeeds shows nothing.
    assert!(out > 0 && into > 0, "of {} copies {out} came out and {into} went in", tries());
}

fn hostile_names() -> Vec<u8> {
    Layer::new().file("file", 0o644, "from the caller").file("deep/file", 0o644, "from the caller").dir("deep/", 0o777).tar()
}

const SCENE: &str = "mkdir -p PLACE/dir/deep && echo inside > PLACE/dir/file && echo inside > PLACE/dir/deep/down && chmod 700 PLACE/dir && ln -s VICTIM PLACE/link";

fn racer(store: &Store, victim: &Victim, name: &str, flags: &[&str], place: &str) {
    let scene = SCENE.replace("PLACE", place).replace("VICTIM", victim.path());
    let script = format!("{scene}; exec /probe exchange {place}/dir {place}/link");
    store.ok(&[&["run", "-d", "--name", name], flags, &["box", "sh", "-c", &script]].concat());
    eventually("the racer is ready", || store.ok(&["logs", name]).contains("ready"));
}

#[test]
fn cve_2018_15664_a_directory_is_exchanged_for_a_link_while_we_copy() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    racer(&store, &victim, "racer", &[], "/race");
    race(&store, &victim, "racer", "/race");
    assert_eq!(store.state("racer"), "running", "{}", store.ok(&["logs", "racer"]));
}

#[test]
fn cve_2026_41568_the_same_in_a_volume_of_a_container_that_rests() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    racer(&store, &victim, "racer", &["-v", "shared:/race"], "/race");
    store.ok(&["create", "--name", "rest", "-v", "shared:/mnt/deep", "box"]);
    race(&store, &victim, "rest", "/mnt/deep");
    assert_eq!(store.state("racer"), "running", "{}", store.ok(&["logs", "racer"]));
}

#[test]
fn cve_2026_41568_the_same_in_a_volume_of_a_container_that_runs() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    racer(&store, &victim, "racer", &["-v", "shared:/race"], "/race");
    race(&store, &victim, "racer", "/race");
    assert_eq!(store.state("racer"), "running", "{}", store.ok(&["logs", "racer"]));
}

#[test]
fn cve_2026_42306_a_mount_point_is_exchanged_while_a_container_is_looked_into() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    racer(&store, &victim, "racer", &["-v", "shared:/race"], "/race");
    // The inner volume's mount point lies in what the racer exchanges; the victim is no place for it.
    let mounts = ["-v", "shared:/race", "-v", "inner:/race/dir/inner", "-v", "inner2:/race/dir"];
    store.ok(&[&["create", "--name", "rest"], &mounts[..], &["box"]].concat());
    store.file("file", "from the caller");
    for round in 0..tries() {
        let ran = match round % 3 {
            0 => store.tare(&["cp", "file", "rest:/race/dir/inner/file"]),
            1 => store.tare(&["cp", "rest:/race", "out"]),
            _ => store.tare(&["export", "-o", "out", "rest"]),
        };
        assert!(ran.code == 0 || ran.code == 1, "{}", ran.story());
        victim.assert_untouched("a mount point");
        assert_nothing_of_the_host(&store, &store.dir.join("out"));
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    let ours: Vec<&str> = mounts.lines().filter(|line| line.contains(store.dir.to_str().expect("utf-8"))).collect();
    assert!(ours.is_empty(), "mounts of ours are seen on the host: {ours:?}");
}

#[test]
fn files_and_directories_change_places_in_a_tree_that_is_walked() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    racer(&store, &victim, "racer", &[], "/race");
    let about = || std::fs::metadata(victim.path()).map(|about| (about.mode(), about.uid(), about.mtime())).expect("the victim");
    let before = about();
    // Where the copies go there is a link already, as somebody may have one in his home.
    for round in 0..tries() {
        let out = store.dir.join("out");
        std::fs::create_dir(&out).expect("a directory");
        symlink(victim.path(), out.join("dir")).expect("a symlink");
        let words: &[&str] = match round % 2 {
            0 => &["cp", "-a", "racer:/race/.", "out"],
            _ => &["cp", "racer:/race/.", "out"],
        };
        let ran = store.tare(words);
        assert!(ran.code == 0 || ran.code == 1, "{}", ran.story());
        victim.assert_untouched("a copy out of a container");
        assert_eq!(about(), before, "the victim itself was touched");
        assert_nothing_of_the_host(&store, &out);
        if round % 4 != 0 {
            continue;
        }
        // The archive of the same is whole, whatever happens meanwhile.
        let ran = store.tare(&["export", "racer"]);
        assert_eq!(ran.code, 0, "{}", ran.story());
        assert!(!ran.raw.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
        let names = tar::Archive::new(&ran.raw[..]).entries().expect("an archive").filter(Result::is_ok).count();
        assert!(names > 100, "{names} entries");
        store.ok(&["diff", "racer"]);
    }
}

#[test]
fn cve_2019_18466_links_lead_to_files_of_the_container_or_nowhere() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    let passwd = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let up = "../".repeat(12);
    let links = [
        ("root", "/".to_owned()),
        ("up", up.clone()),
        ("self-root", "/proc/self/root".to_owned()),
        ("init-root", "/proc/1/root".to_owned()),
        ("cwd", "/proc/self/cwd".to_owned()),
        ("descriptors", "/proc/self/fd".to_owned()),
        ("victim", victim.path().to_owned()),
        ("victim-file", format!("{up}{}/file", victim.path())),
    ];
    let mut layer = Layer::new();
    for (name, target) in &links {
        layer = layer.symlink(&format!("trap/{name}"), target);
    }
    store.load_over_box("traps", layer.tar());
    store.ok(&["run", "-d", "--name", "web", "traps", "sleep", "1000"]);
    store.ok(&["create", "--name", "rest", "traps"]);
    store.file("file", "from the caller");
    for name in ["web", "rest"] {
        for (link, _) in &links {
            for behind in ["", "/", "/.", "/etc/passwd", "/file", "/0", "/3", "/../etc/passwd"] {
                let path = format!("{name}:/trap/{link}{behind}");
                // A slash follows a link as well as the flag.
                let ways: &[&[&str]] = if behind.is_empty() { &[&["cp"], &["cp", "-L"]] } else { &[&["cp"]] };
                for flags in ways {
                    let ran = store.tare(&[*flags, &[&path[..], "out"]].concat());
                    assert!(ran.code == 0 || ran.code == 1, "{}", ran.story());
                    let out = store.dir.join("out");
                    let copied = std::fs::read_to_string(&out).unwrap_or_default();
                    assert!(copied != passwd, "{path}: this is the host's /etc/passwd");
                    // A tree of the container that came out whole: it has busybox, and no copy of the host.
                    let is_link = std::fs::symlink_metadata(&out).is_ok_and(|about| about.is_symlink());
                    assert!(is_link || (!out.join("work").exists() && !out.join("boot").exists()), "{path}");
                    assert_nothing_of_the_host(&store, &out);
                }
            }
        }
        for (link, _) in &links {
            for behind in ["", "/", "/made", "/made/", "/file"] {
                let ran = store.tare(&["cp", "file", &format!("{name}:/trap/{link}{behind}")]);
                assert!(ran.code == 0 || ran.code == 1, "{}", ran.story());
                victim.assert_untouched(link);
            }
        }
    }
    assert!(!Path::new("/made").exists() && std::fs::read_to_string("/etc/passwd").expect("/etc/passwd") == passwd);
}

#[test]
fn cve_2019_14271_2026_41567_nothing_of_the_container_is_run_or_loaded() {
    let store = Store::new();
    // The marks would be made on the host if one of these ran there, and in the container if it ran inside.
    let trap = "#!/bin/sh\ntouch /trapped\n";
    let programs = ["xz", "gzip", "unpigz", "zstd", "bzip2", "tar", "docker-tar", "docker-untar", "cp", "mount", "nsenter"];
    let mut layer = Layer::new();
    for name in programs {
        for dir in ["bin", "usr/bin", "usr/local/bin", "sbin"] {
            layer = layer.file(&format!("{dir}/{name}"), 0o755, trap);
        }
    }
    for library in ["libnss_files.so.2", "libc.so.6", "ld-linux-x86-64.so.2", "libnss_compat.so.2"] {
        for dir in ["lib/x86_64-linux-gnu", "lib64", "lib", "usr/lib/x86_64-linux-gnu"] {
            layer = layer.file(&format!("{dir}/{library}"), 0o755, "not a library");
        }
    }
    let layer = layer.file("etc/ld.so.preload", 0o644, "/lib/libc.so.6\n").file("etc/nsswitch.conf", 0o644, "passwd: files evil\n");
    store.load_over_box("trapped", layer.tar());
    store.ok(&["run", "-d", "--name", "web", "trapped", "sleep", "1000"]);
    store.ok(&["create", "--name", "rest", "trapped"]);
    store.file("file", "from the caller");
    let plain = Layer::new().owned_file("packed", 0o644, (1000, 1000), "packed").tar();
    for name in ["web", "rest"] {
        store.ok(&["cp", "-a", "file", &format!("{name}:/tmp/")]);
        store.tare_with(&["cp", "-", &format!("{name}:/tmp/")], archive::gzip(&plain)).ok();
        // A packing that we do not know is refused, and nobody is asked to undo it.
        let ran = store.tare_with(&["cp", "-", &format!("{name}:/tmp/")], b"\xfd7zXZ\0\0\x04".repeat(100));
        assert_eq!(ran.code, 1, "{}", ran.story());
        store.ok(&["cp", "-a", &format!("{name}:/tmp/packed"), "."]);
        store.ok(&["export", "-o", "all.tar", name]);
        store.ok(&["diff", name]);
        store.fails(1, &["cp", &format!("{name}:/trapped"), "."]);
    }
    assert!(!Path::new("/trapped").exists());
}

#[test]
fn fifos_and_devices_are_never_opened() {
    let store = Store::new();
    let layer = Layer::new().fifo("tree/fifo").device("tree/tty", EntryType::Char, 5, 0).device("tree/disk", EntryType::Block, 7, 99);
    store.load_over_box("special", layer.file("tree/file", 0o644, "x").tar());
    store.ok(&["run", "-d", "--name", "web", "special", "sleep", "1000"]);
    store.ok(&["create", "--name", "rest", "special"]);
    store.file("file", "from the caller");
    process::tool(&["mkfifo", store.dir.join("fifo").to_str().expect("utf-8")]).ok();
    for name in ["web", "rest"] {
        let place = |path: &str| format!("{name}:{path}");
        for flags in [&["cp"][..], &["cp", "-a"], &["cp", "-L"]] {
            let ran = store.tare(&[flags, &[&place("/tree"), "out"]].concat());
            assert_eq!(ran.code, 0, "{}", ran.story());
            let kind = |name: &str| std::fs::symlink_metadata(store.dir.join("out").join(name)).map(|about| about.file_type());
            assert!(kind("fifo").expect("a fifo").is_fifo());
            // On the host a device would work: it leaves the container only when it is asked for.
            let with_devices = flags.contains(&"-a");
            assert_eq!(kind("tty").is_ok_and(|kind| kind.is_char_device()), with_devices);
            assert_eq!(kind("disk").is_ok_and(|kind| kind.is_block_device()), with_devices);
            assert_eq!(ran.stderr.lines().count(), if with_devices { 0 } else { 2 }, "{}", ran.story());
            std::fs::remove_dir_all(store.dir.join("out")).expect("remove");
        }
        store.ok(&["cp", &place("/tree/fifo"), &format!("{name}-fifo")]);
        store.fails(1, &["cp", &place("/tree/tty"), &format!("{name}-tty")]);
        // As targets: neither here nor there.
        store.fails(1, &["cp", &place("/tree/file"), "fifo"]);
        store.fails(1, &["cp", &place("/tree/file"), "/dev/null"]);
        store.fails(1, &["cp", "file", &place("/tree/fifo")]);
        store.fails(1, &["cp", "file", &place("/tree/tty")]);
        // In a tree they are replaced by what comes, not written to.
        store.file("over/fifo", "a file");
        store.file("over/tty", "a file");
        store.ok(&["cp", "over/.", &place("/tree")]);
        store.ok(&["cp", &place("/tree/fifo"), "back"]);
        assert_eq!(std::fs::read_to_string(store.dir.join("back")).expect("a file"), "a file");
        // A fifo of the caller's becomes one; nobody waits for its other end.
        store.ok(&["cp", "fifo", &place("/tmp/fifo")]);
        store.ok(&["export", "-o", "all.tar", name]);
    }
    assert!(std::fs::metadata("/dev/null").expect("/dev/null").file_type().is_char_device());
}

#[test]
fn a_fifo_takes_the_place_of_a_file_while_we_copy() {
    let store = Store::new();
    let script = "mkdir /race; echo inside > /race/file; mkfifo /race/fifo; exec /probe exchange /race/file /race/fifo";
    store.ok(&["run", "-d", "--name", "racer", "box", "sh", "-c", script]);
    eventually("the racer is ready", || store.ok(&["logs", "racer"]).contains("ready"));
    store.file("file", "from the caller");
    for round in 0..tries() {
        // Each ends within the time that any command has; a fifo that was opened would wait for ever.
        let words: &[&str] = match round % 3 {
            0 => &["cp", "racer:/race", "out"],
            1 => &["cp", "racer:/race/file", "out"],
            _ => &["cp", "file", "racer:/race/file"],
        };
        let ran = store.tare(words);
        assert!(ran.code == 0 || ran.code == 1, "{}", ran.story());
        assert!(ran.took < patience());
        let out = store.dir.join("out");
        let _ = std::fs::remove_dir_all(&out).or_else(|_| std::fs::remove_file(&out));
    }
}

#[test]
fn names_may_hold_anything() {
    let store = Store::new();
    let names =
        ["line\nbreak", "-rf", "\u{1b}[31mred", "tab\tand \"quotes\"", "*", ".wh.name", ".wh..wh..opq", "ünïcödé", &"x".repeat(255)];
    let mut layer = Layer::new().dir("names/", 0o755);
    for name in names {
        layer = layer.pax(&[("path", format!("names/{name}").as_bytes())]).file("short", 0o644, name);
    }
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    store.tare_with(&["cp", "-", "web:/"], layer.tar()).ok();
    store.ok(&["cp", "web:/names", "out"]);
    store.ok(&["cp", "out", "web:/again"]);
    store.ok(&["cp", "web:/again", "back"]);
    for name in names {
        assert_eq!(std::fs::read_to_string(store.dir.join("back").join(name)).expect("copied"), name);
    }
    let changes = store.ok(&["diff", "web"]);
    assert_eq!(changes.lines().count(), 2 * (names.len() + 1), "a line for each: {changes}");
    // What is said of a name stays on its line, and moves no cursor.
    for words in [&["cp", "web:/no\nsuch\u{1b}[2J", "."][..], &["cp", "web:/names/line\nbreak/", "."], &["cp", "no\nsuch", "web:/"]] {
        let error = store.fails(1, words);
        assert!(!error.contains('\u{1b}') && error.lines().count() <= 2, "{error:?}");
    }
}

#[test]
fn a_tree_deeper_than_any_path_ends_in_an_error_and_not_in_a_crash() {
    let store = Store::new();
    // Two trees of three thousand bytes of names each, the one hung into the other.
    let script = "name=$(printf %0100d 0); path=$name; i=0; while [ $i -lt 29 ]; do path=$path/$name; i=$((i+1)); done; \
                  mkdir -p /pit/$path /other/$path && echo deep > /other/$path/file && mv /other/$name /pit/$path/ && \
                  i=0; path=d; while [ $i -lt 1000 ]; do path=$path/d; i=$((i+1)); done; mkdir -p /$path /shallow; \
                  touch /dev/done; exec sleep 1000";
    store.ok(&["run", "-d", "--name", "deep", "box", "sh", "-c", script]);
    eventually("it is deep", || store.tare(&["exec", "deep", "ls", "/dev/done"]).code == 0);
    for words in [&["cp", "deep:/pit", "out"][..], &["export", "-o", "out.tar", "deep"], &["diff", "deep"]] {
        let ran = store.tare(words);
        let is_clear = ["name too long", "its path is longer than"].iter().any(|words| ran.stderr.contains(words));
        assert!(ran.code == 1 && is_clear, "{}", ran.story().chars().take(2000).collect::<String>());
        assert!(ran.stderr.len() < 2000, "{} bytes of error", ran.stderr.len());
    }
    // A path that the kernel takes is no trouble.
    store.ok(&["cp", "deep:/d", "d"]);
    store.ok(&["cp", "d", "deep:/shallow"]);
    assert!(store.dir.join("d").join("d/".repeat(1000)).is_dir());
}

#[test]
fn cve_2024_21626_a_first_process_in_a_link_of_proc_shows_nothing_of_the_host() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    let base = test_images::box_image();
    let layer = Layer::new().symlink("way", "/proc/self/fd/3");
    store.load(&Image { tag: "way".into(), layers: vec![base.layers[0].clone(), layer.tar()], ..base }.docker_archive()).ok();
    store.ok(&["create", "--name", "rest", "way"]);
    let about = std::fs::metadata(&store.root).expect("the store");
    for path in ["/way", "/way/", "/way/..", "/way/../../../../../../etc/passwd"] {
        let ran = store.tare(&["cp", "-L", &format!("rest:{path}"), "out"]);
        assert_eq!(ran.code, 1, "{path}: {}", ran.story());
        let ran = store.tare(&["cp", victim.path(), &format!("rest:{path}")]);
        assert!(ran.code == 1 || path == "/way", "{path}: {}", ran.story());
    }
    let after = std::fs::metadata(&store.root).expect("the store");
    assert_eq!((about.mode(), about.uid()), (after.mode(), after.uid()));
    victim.assert_untouched("a link of /proc");
}
