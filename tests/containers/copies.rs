//! `cp`: what lands where, whose it becomes, and that containers which run and which rest look the same.

use crate::common::{Layer, Random, Store, attribute, eventually, leftovers, process, rounds, set_attribute};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;

/// `web` runs, `rest` does not; both have a volume of their own name at /data.
fn pair(flags: &[&str]) -> Store {
    let store = Store::new();
    store.ok(&[&["run", "-d", "--name", "web", "-v", "web:/data"], flags, &["box", "sleep", "1000"]].concat());
    store.ok(&[&["create", "--name", "rest", "-v", "rest:/data"], flags, &["box", "sh"]].concat());
    store
}

fn host(store: &Store, name: &str) -> String {
    std::fs::read_to_string(store.dir.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The content of a file in a container, whether it runs or not.
fn inside(store: &Store, place: &str) -> String {
    let ran = store.tare(&["cp", place, "-"]);
    assert_eq!(ran.code, 0, "{}", ran.story());
    let mut archive = tar::Archive::new(&ran.raw[..]);
    let mut first = archive.entries().expect("an archive").next().expect("an entry").expect("whole");
    let mut text = String::new();
    first.read_to_string(&mut text).expect("text");
    text
}

#[test]
fn a_copy_lands_where_docker_s_reference_says() {
    let store = pair(&[]);
    store.file("file", "one");
    store.file("other", "two");
    store.file("dir/below/deep", "three");
    for name in ["web", "rest"] {
        let place = |path: &str| format!("{name}:{path}");
        // A file: to a new name, over a file, into a directory.
        store.ok(&["cp", "file", &place("/new")]);
        assert_eq!(inside(&store, &place("/new")), "one");
        store.ok(&["cp", "other", &place("/new")]);
        assert_eq!(inside(&store, &place("/new")), "two");
        store.ok(&["cp", "file", &place("/home")]);
        store.ok(&["cp", "file", &place("/home/alice/")]);
        assert_eq!(inside(&store, &place("/home/file")) + &inside(&store, &place("/home/alice/file")), "oneone");
        let error = store.fails(1, &["cp", "file", &place("/missing/")]);
        assert!(error.contains("no such directory"), "{error}");
        store.fails(1, &["cp", "file", &place("/missing/name")]);
        // A directory: to a new name it becomes that, into one that is there it goes with its name, or without (`/.`).
        store.ok(&["cp", "dir", &place("/copied")]);
        store.ok(&["cp", "dir", &place("/copied")]);
        store.ok(&["cp", "dir/.", &place("/flat/")]);
        store.ok(&["cp", "dir/.", &place("/home/")]);
        for path in ["/copied/below/deep", "/copied/dir/below/deep", "/flat/below/deep", "/home/below/deep"] {
            assert_eq!(inside(&store, &place(path)), "three", "{path}");
        }
        let error = store.fails(1, &["cp", "dir", &place("/new")]);
        assert!(error.contains("directory"), "{error}");
        // The same the other way.
        let out = format!("{name}-out");
        store.ok(&["cp", &place("/new"), &out]);
        assert_eq!(host(&store, &out), "two");
        store.ok(&["cp", &place("/home/file"), &out]);
        assert_eq!(host(&store, &out), "one");
        store.fails(1, &["cp", &place("/copied"), &out]);
        store.fails(1, &["cp", &place("/new"), &format!("{name}-missing/")]);
        store.ok(&["cp", &place("/copied/below"), &format!("{name}-dir")]);
        store.ok(&["cp", &place("/copied/below/"), &format!("{name}-dir/")]);
        store.ok(&["cp", &place("/copied/."), &format!("./{name}-flat")]);
        for path in ["dir/deep", "dir/below/deep", "flat/below/deep", "flat/dir/below/deep"] {
            assert_eq!(host(&store, &format!("{name}-{path}")), "three", "{path}");
        }
        // A relative path of a container begins at its root.
        assert_eq!(inside(&store, &place("etc/../new")), "two");
        // Nothing takes the place of a directory, nor a directory that of a file.
        store.file(&format!("{name}-over/below"), "a file");
        let error = store.fails(1, &["cp", &place("/copied/."), &format!("{name}-over")]);
        assert!(error.contains("below"), "{error}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let store = pair(&[]);
    store.file("file", "x");
    store.fails(125, &["cp", "web:/etc/passwd", "rest:/"]);
    store.fails(125, &["cp", "file", "other"]);
    store.fails(125, &["cp", "file"]);
    store.fails(125, &["cp", "file", "web:"]);
    store.fails(1, &["cp", "file", "nosuch:/"]);
    store.fails(1, &["cp", "nosuch", "web:/"]);
    store.fails(1, &["cp", "web:/nosuch", "."]);
    store.fails(1, &["cp", "web:/etc/passwd/", "."]);
    store.fails(1, &["cp", "web:/loop/x", "."]);
    store.fails(1, &["cp", "-", "web:/etc/passwd"]);
    store.fails(1, &["cp", "web:/etc/passwd", "nosuch/x"]);
    // A colon in a name here: written so that it is no container's.
    store.file("a:b", "colon");
    store.ok(&["cp", "./a:b", "web:/tmp"]);
    assert_eq!(inside(&store, "web:/tmp/a:b"), "colon");
}

#[test]
fn symlinks_are_copied_as_such_unless_asked_otherwise() {
    let store = pair(&[]);
    store.file("file", "linked");
    symlink("file", store.dir.join("link")).expect("a symlink");
    std::fs::create_dir(store.dir.join("real")).expect("a directory");
    store.file("real/x", "in real");
    symlink("real", store.dir.join("to-real")).expect("a symlink");
    for name in ["web", "rest"] {
        let place = |path: &str| format!("{name}:{path}");
        store.ok(&["cp", "link", &place("/tmp/")]);
        store.ok(&["cp", "-L", "link", &place("/tmp/followed")]);
        store.ok(&["cp", &place("/tmp/link"), &format!("{name}-link")]);
        assert_eq!(std::fs::read_link(store.dir.join(format!("{name}-link"))).expect("a symlink"), Path::new("file"));
        assert_eq!(inside(&store, &place("/tmp/followed")), "linked");
        // The target has another name; what is copied keeps that of the link.
        store.ok(&["cp", "-L", "to-real", &place("/tmp")]);
        assert_eq!(inside(&store, &place("/tmp/to-real/x")), "in real");
        // A slash at the end follows, too.
        store.ok(&["cp", "to-real/", &place("/slash")]);
        assert_eq!(inside(&store, &place("/slash/x")), "in real");
        // A link in the container leads to a file of the container, wherever it seems to lead.
        store.ok(&["cp", "link", &place("/tmp/file")]);
        let away = format!("{name}-away");
        symlink("/etc/passwd", store.dir.join(&away)).expect("a symlink");
        store.ok(&["cp", &away, &place("/tmp/away")]);
        store.ok(&["cp", "-L", &place("/tmp/away"), &format!("{name}-passwd")]);
        assert!(host(&store, &format!("{name}-passwd")).contains("Alice"), "this is another passwd");
        // A target that is a link: what it leads to is written, as by a program in there.
        store.ok(&["cp", "file", &place("/tmp/away")]);
        assert_eq!(inside(&store, &place("/etc/passwd")), "linked");
    }
}

#[test]
fn files_belong_to_root_inside_and_to_the_caller_outside_unless_all_is_kept() {
    let store = pair(&[]);
    let tool = store.file("tool", "#!/bin/sh\n");
    std::os::unix::fs::chown(&tool, Some(1234), Some(56)).expect("chown");
    std::fs::set_permissions(&tool, PermissionsExt::from_mode(0o4755)).expect("chmod");
    process::tool(&["touch", "-d", "2001-02-03 04:05:06 UTC", tool.to_str().expect("utf-8")]).ok();
    set_attribute(&tool, "user.note", b"kept");
    for name in ["web", "rest"] {
        let place = |path: &str| format!("{name}:{path}");
        let about = |flags: &[&str], path: &str| {
            let out = store.dir.join(format!("{name}-{}", path.replace('/', "")));
            store.ok(&[&["cp"], flags, &[&place(path), out.to_str().expect("utf-8")]].concat());
            let about = std::fs::metadata(&out).expect("copied");
            assert_eq!(about.mtime(), 981_173_106);
            assert_eq!(attribute(&out, "user.note").as_deref(), Some(&b"kept"[..]));
            (about.uid(), about.gid(), format!("{:o}", about.mode() & 0o7777))
        };
        store.ok(&["cp", "tool", &place("/given")]);
        store.ok(&["cp", "-a", "tool", &place("/kept")]);
        // What ran with its owner's rights does so in nobody else's hands.
        assert_eq!(about(&["-a"], "/given"), (0, 0, "755".into()));
        assert_eq!(about(&["-a"], "/kept"), (1234, 56, "4755".into()));
        assert_eq!(about(&[], "/kept"), (0, 0, "755".into()));
    }
    // A setuid program of root's in an image is none on the host.
    store.load_over_box("sly", Layer::new().file("su", 0o4755, "#!/bin/sh\n").tar());
    store.ok(&["create", "--name", "sly", "sly"]);
    store.ok(&["cp", "sly:/su", "su"]);
    assert_eq!(std::fs::metadata(store.dir.join("su")).expect("copied").mode() & 0o7777, 0o755);
    // root's own stays what it is on the way in.
    std::fs::set_permissions(store.dir.join("su"), PermissionsExt::from_mode(0o4755)).expect("chmod");
    store.ok(&["cp", "su", "web:/su"]);
    assert_eq!(store.ok(&["exec", "web", "stat", "-c", "%a", "/su"]), "4755");
}

#[test]
fn archives_go_through_pipes_both_ways() {
    let store = pair(&[]);
    store.file("dir/one", "1");
    store.file("dir/two", "2");
    std::fs::hard_link(store.dir.join("dir/one"), store.dir.join("dir/same")).expect("a hard link");
    for (name, other) in [("web", "rest"), ("rest", "web")] {
        let script = format!(
            "tar -c dir | tare cp - {name}:/tmp; tare cp {name}:/tmp/dir - | tar -t | sort; tare cp {name}:/tmp/dir/. - | tar -t | sort; \
             tar -cz --owner=7 dir | tare cp - {name}:/data; tare cp -a {name}:/data/dir - | tar -tv --numeric-owner | grep -c ' 7/'; \
             tare cp {name}:/tmp - | tare cp - {other}:/data/; tare cp {other}:/data/tmp/dir/two - | tar -xO"
        );
        let told = store.start_script(&script).wait().ok();
        let expected = ["dir/", "dir/one", "dir/same", "dir/two", "./", "./one", "./same", "./two", "4", "2"];
        assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    }
    assert_eq!(store.ok(&["exec", "web", "stat", "-c", "%h", "/tmp/dir/one"]), "2", "a hard link stays one");
    // A reader who goes away is no error to be told of.
    let told = store.start_script("tare cp web:/bin - | head -c 1 > /dev/null").wait();
    assert_eq!((told.code, told.stderr.as_str()), (0, ""));
    let mut person = store.terminal(&["cp", "web:/etc/passwd", "-"]);
    person.expect("nothing for a terminal");
    let damaged = store.tare_with(&["cp", "-", "web:/tmp"], "this is no archive, and long enough to be taken for a header ".repeat(20));
    assert_eq!(damaged.code, 1, "{}", damaged.story());
    for bad in ["../out", "a/../../out"] {
        let ran = store.tare_with(&["cp", "-", "web:/tmp"], Layer::new().file(bad, 0o644, "x").tar());
        assert_eq!(ran.code, 1, "{}", ran.story());
    }
    // As in the container's own root: a name that leads over one of its links.
    let archive = Layer::new().file("tmp/way/x", 0o644, "behind a link").tar();
    store.ok(&["exec", "web", "ln", "-s", "/home", "/tmp/way"]);
    store.tare_with(&["cp", "-", "web:/"], archive).ok();
    assert_eq!(inside(&store, "web:/home/x"), "behind a link");
    // In an archive of files `.wh.x` is the name of a file.
    store.tare_with(&["cp", "-", "web:/tmp"], Layer::new().file("dir/.wh.one", 0o644, "a name").tar()).ok();
    assert_eq!(inside(&store, "web:/tmp/dir/.wh.one") + &inside(&store, "web:/tmp/dir/one"), "a name1");
}

#[test]
fn what_is_mounted_is_seen_as_inside() {
    let store = pair(&["--tmpfs", "/memory"]);
    let bound = store.file("bound", "of the host");
    store.file("new", "new");
    let flag = format!("{}:/bound", bound.display());
    store.ok(&["rm", "-f", "web", "rest"]);
    store.ok(&["run", "-d", "--name", "web", "-v", "web:/data", "--tmpfs", "/memory", "-v", &flag, "box", "sleep", "1000"]);
    store.ok(&["create", "--name", "rest", "-v", "web:/data", "-v", &flag, "box", "sh"]);
    store.ok(&["cp", "new", "web:/memory/x"]);
    store.ok(&["cp", "new", "web:/data/x"]);
    store.ok(&["cp", "new", "rest:/data/y"]);
    assert_eq!(store.ok(&["exec", "web", "cat", "/memory/x", "/data/x", "/data/y"]), "newnewnew");
    assert_eq!(inside(&store, "rest:/data/x") + &inside(&store, "web:/memory/x"), "newnew");
    // A file that is mounted by itself is written over: it stays what it is on the host, and mounted.
    assert_eq!(inside(&store, "rest:/bound"), "of the host");
    let inode = std::fs::metadata(&bound).expect("a file").ino();
    store.ok(&["cp", "new", "web:/bound"]);
    assert_eq!((host(&store, "bound"), std::fs::metadata(&bound).expect("a file").ino()), ("new".into(), inode));
    store.ok(&["cp", "bound", "rest:/bound"]);
    store.file("hosts", "127.0.0.1 here\n");
    store.ok(&["cp", "hosts", "web:/etc/hosts"]);
    assert_eq!(store.ok(&["exec", "web", "sh", "-c", "cat /etc/hosts; grep -c ' /etc/hosts ' /proc/mounts"]), "127.0.0.1 here\n1");
    // What the kernel makes up is no file to be copied, and what it makes for everybody is not the container's.
    store.ok(&["cp", "web:/", "all"]);
    for empty in ["all/proc", "all/sys", "all/dev"] {
        assert_eq!(std::fs::read_dir(store.dir.join(empty)).expect("a directory").count(), 0, "{empty}");
    }
    assert_eq!(host(&store, "all/memory/x") + &host(&store, "all/data/y"), "newnew");
    store.fails(1, &["cp", "web:/proc/version", "."]);
    store.fails(1, &["cp", "new", "web:/proc/sys/kernel/hostname"]);
    store.fails(1, &["cp", "/proc/version", "web:/tmp"]);
    let error = store.fails(1, &["cp", "web:/dev/zero", "."]);
    assert!(error.contains("-a"), "{error}");
    store.ok(&["cp", "-a", "web:/dev/zero", "."]);
    assert!(std::fs::metadata(store.dir.join("zero")).expect("a device").file_type().is_char_device());
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_touched() {
    let store = pair(&["--read-only", "-v", "closed:/closed:ro"]);
    store.file("dir/file", "x");
    for name in ["web", "rest"] {
        for path in ["/", "/home/new", "/etc/passwd", "/closed/x"] {
            let source = if path == "/etc/passwd" { "dir/file" } else { "dir" };
            let error = store.fails(1, &["cp", source, &format!("{name}:{path}")]);
            assert!(error.contains("read-only"), "{name}:{path}: {error}");
        }
        let archive = Layer::new().file("x", 0o644, "x").tar();
        let ran = store.tare_with(&["cp", "-", &format!("{name}:/home")], archive);
        assert!(ran.code == 1 && ran.stderr.contains("read-only"), "{}", ran.story());
        store.ok(&["cp", "dir", &format!("{name}:/data")]);
        assert_eq!(inside(&store, &format!("{name}:/data/dir/file")), "x");
    }
}

#[test]
fn holes_take_no_room_on_the_other_side() {
    let store = pair(&[]);
    std::fs::File::create(store.dir.join("hole")).and_then(|file| file.set_len(64 << 20)).expect("a file with a hole");
    store.ok(&["cp", "hole", "web:/data/hole"]);
    store.ok(&["cp", "rest:/etc", "."]);
    store.ok(&["cp", "web:/data/hole", "back"]);
    let about = std::fs::metadata(store.dir.join("back")).expect("copied");
    assert_eq!(about.len(), 64 << 20);
    assert!(about.blocks() < 1000, "{} blocks", about.blocks());
}

#[test]
fn a_terminal_is_told_what_was_copied_and_nobody_else() {
    let store = pair(&[]);
    store.file("file", "x");
    let told = |words: &[&str]| {
        let ran = store.tare(words);
        assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.story());
        ran.stderr
    };
    assert_eq!(told(&["cp", "file", "web:/tmp/"]), "");
    assert_eq!(told(&["cp", "--quiet=false", "file", "web:/tmp/"]), "Successfully copied 2.05kB to web:/tmp/\n");
    let mut person = store.terminal(&["cp", "web:/tmp/file", "here"]);
    person.expect(&format!("Successfully copied 2.05kB to {}/here", store.dir.display()));
    let ran = store.tare(&["cp", "-q", "web:/tmp/file", "here"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn each_copy_is_an_event() {
    let store = pair(&[]);
    store.file("file", "x");
    store.ok(&["cp", "file", "web:/tmp/"]);
    store.ok(&["cp", "rest:/etc/passwd", "."]);
    store.ok(&["export", "-o", "rest.tar", "rest"]);
    let events = std::fs::read_to_string(store.run.join("events")).expect("events");
    let actions: Vec<String> = events
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|event| format!("{} {}", event["Action"].as_str().unwrap_or(""), event["Actor"]["Attributes"]["name"].as_str().unwrap_or("")))
        .filter(|event| ["archive-path", "extract-to-dir", "export"].iter().any(|action| event.starts_with(action)))
        .collect();
    assert_eq!(actions, ["extract-to-dir web", "archive-path rest", "export rest"]);
}

#[test]
fn one_that_rests_is_not_started_while_it_is_copied() {
    let store = pair(&[]);
    store.ok(&["create", "--name", "sleeper", "box", "sleep", "1000"]);
    // Nobody reads, so the copy waits in the middle: there is more in /bin than a pipe takes.
    let mut copying = store.command(&["cp", "sleeper:/bin", "-"]).stdout(std::process::Stdio::piped()).spawn().expect("the program runs");
    let mut first = [0; 512];
    copying.stdout.as_mut().expect("a pipe").read_exact(&mut first).expect("the archive's beginning");
    let mut starting = store.start(&["start", "sleeper"]);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!starting.is_over() && store.state("sleeper") == "created");
    std::io::copy(copying.stdout.as_mut().expect("a pipe"), &mut std::io::sink()).expect("the rest of it");
    assert!(copying.wait().expect("wait").success());
    starting.wait().ok();
    store.wait_for_state("sleeper", "running");
}

#[test]
fn a_container_that_is_removed_at_its_end_can_be_filled_before_it_runs() {
    let store = Store::new();
    store.file("file", "brought along\n");
    store.ok(&["create", "--rm", "--name", "once", "box", "cat", "/file"]);
    store.ok(&["cp", "file", "once:/file"]);
    store.ok(&["cp", "once:/file", "back"]);
    assert_eq!(store.ok(&["start", "-a", "once"]), "brought along");
    eventually("it is gone", || store.names(true).is_empty());
    store.assert_nothing_left();
}

#[test]
fn a_copy_that_is_killed_leaves_nothing_in_its_way() {
    let store = Store::new();
    store.file("dir/file", "x".repeat(300_000));
    store.ok(&["create", "--name", "rest", "-v", "kept:/data", "box", "true"]);
    let mut random = Random::new();
    for round in 0..rounds(60) {
        let words: &[&str] = match round % 3 {
            0 => &["cp", "dir", "rest:/data/"],
            1 => &["cp", "rest:/bin", "out"],
            _ => &["export", "-o", "rest.tar", "rest"],
        };
        let mut copying = store.command(words).stderr(std::process::Stdio::null()).spawn().expect("the program runs");
        std::thread::sleep(random.moment());
        copying.kill().expect("kill");
        copying.wait().expect("wait");
        if round % 10 == 9 {
            store.ok(&["start", "-a", "rest"]);
        }
    }
    store.ok(&["start", "-a", "rest"]);
    store.ok(&["cp", "dir", "rest:/data/"]);
    assert_eq!(inside(&store, "rest:/data/dir/file").len(), 300_000);
    store.ok(&["rm", "rest"]);
    store.ok(&["volume", "rm", "kept"]);
    leftovers::assert_none(&store);
}
