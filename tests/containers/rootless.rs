//! Without root: tare as an ordinary user of the machine types it, with ids of his own to give away and without any.

use crate::common::ordinary::Scenery;
use crate::common::{Layer, Person, Running, Store, eventually, leftovers, test_images};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

const BOTH: [fn() -> Person; 2] = [Person::with_ranges, Person::single];

fn user_namespace(pid: i32) -> PathBuf {
    std::fs::read_link(format!("/proc/{pid}/ns/user")).expect("a namespace")
}

fn kill_9(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("kill");
}

/// The lines of standard error but for the note that a first command of a session gives.
fn without_note(text: &str) -> String {
    let is_note = |line: &str| line.starts_with("tare: note: containers have one user only") || line.contains("usermod --add-subuids");
    text.lines().filter(|line| !is_note(line)).collect::<Vec<_>>().join("\n")
}

/// Every path below a directory with what it is.
fn all_below(dir: &Path, found: &mut Vec<(PathBuf, std::fs::Metadata)>) {
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let about = entry.metadata().expect("a file");
        if about.is_dir() {
            all_below(&entry.path(), found);
        }
        found.push((entry.path(), about));
    }
}

#[test]
fn root_inside_is_the_user_outside_and_nothing_is_left() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        assert_eq!(
            store.ok(&["run", "--rm", "box", "id"]),
            if person.ids.is_some() {
                "uid=0(root) gid=0(root) groups=0(root),10(wheel)"
            } else {
                "uid=0(root) gid=0(root) groups=0(root)"
            }
        );
        store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
        let pid = store.pid("web");
        let map = std::fs::read_to_string(format!("/proc/{pid}/uid_map")).expect("a map");
        let map: Vec<Vec<u32>> =
            map.lines().map(|line| line.split_whitespace().map(|one| one.parse().expect("a number")).collect()).collect();
        let whole = [Some(vec![0, person.uid, 1]), person.ids.map(|first| vec![1, first, 65536])];
        assert_eq!(map, whole.into_iter().flatten().collect::<Vec<_>>());
        assert_eq!(std::fs::metadata(format!("/proc/{pid}")).expect("a process").uid(), person.uid);
        assert_eq!(store.ok(&["exec", "web", "id", "-u"]), "0");
        let mut files = Vec::new();
        all_below(&store.dir, &mut files);
        let is_his = |uid: u32| uid == person.uid || person.ids.is_some_and(|first| (first..first + 65536).contains(&uid));
        let strange: Vec<_> = files.iter().filter(|(_, about)| !is_his(about.uid())).map(|(path, about)| (path, about.uid())).collect();
        assert!(strange.is_empty(), "files of somebody else: {strange:?}");
        for dir in [&store.root, &store.run] {
            let mode = std::fs::metadata(dir).expect("a directory").mode();
            assert_eq!(mode & 0o77, 0, "CVE-2021-41091: others may walk in {}", dir.display());
        }
        store.ok(&["rm", "-f", "web"]);
        store.assert_nothing_left();
        let lives = |pid: &str| std::fs::metadata(format!("/proc/{pid}")).is_ok_and(|about| about.uid() == person.uid);
        let known = std::fs::read_to_string(store.run.join("namespace")).expect("a record");
        eventually("nobody stays for the namespace alone", || !lives(known.split(' ').nth(1).expect("a process")));
    }
}

#[test]
fn who_has_no_ids_hears_of_it_once() {
    let store = Store::of(Person::single());
    let first = store.tare(&["ps"]);
    assert!(first.code == 0 && first.stderr.contains("note: containers have one user only, root"), "{}", first.story());
    assert!(first.stderr.contains("hint: sudo usermod --add-subuids"), "{}", first.story());
    let second = store.tare(&["ps"]);
    assert!(second.code == 0 && second.stderr.is_empty(), "{}", second.story());
    let many = Store::of(Person::with_ranges());
    assert_eq!(many.tare(&["ps"]).stderr, "");
}

#[test]
fn what_root_writes_into_a_mounted_directory_is_the_user_s() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        let dir = store.dir.join("shared");
        std::fs::create_dir(&dir).expect("a directory");
        person.owns(&dir);
        let bind = format!("{}:/d", dir.display());
        store.ok(&["run", "--rm", "-v", &bind, "box", "sh", "-c", "echo x >/d/file; mkdir /d/dir"]);
        for name in ["file", "dir"] {
            let about = std::fs::metadata(dir.join(name)).expect("made");
            assert_eq!((about.uid(), about.gid()), (person.uid, person.uid), "{name}");
        }
        if person.ids.is_some() {
            store.ok(&["run", "--rm", "-v", &bind, "box", "sh", "-c", "chown 1000:10 /d/file; chmod 0 /d/dir"]);
            let about = std::fs::metadata(dir.join("file")).expect("made");
            assert_eq!((about.uid(), about.gid()), (person.outside(1000), person.outside(10)));
        }
        // What is not his he cannot write, root or not.
        let theirs = store.dir.join("theirs");
        std::fs::write(&theirs, "as it was").expect("a file");
        std::os::unix::fs::chown(&theirs, Some(4), Some(4)).expect("chown");
        let bind = format!("{}:/f", theirs.display());
        store.tare(&["run", "--rm", "-v", &bind, "box", "sh", "-c", "echo x >/f; chmod 666 /f; chown 0 /f; rm /f"]);
        let about = std::fs::metadata(&theirs).expect("there");
        assert_eq!((std::fs::read_to_string(&theirs).expect("text").as_str(), about.uid(), about.mode() & 0o777), ("as it was", 4, 0o644));
    }
}

/// What a container has made is removed, whosever it is and however it was closed.
#[test]
fn files_of_every_owner_and_mode_can_be_removed() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        let made = "mkdir -p $D/a/b; echo x >$D/a/b/c; chmod 0 $D/a/b/c $D/a/b $D/a";
        let owned =
            if person.ids.is_some() { "mkdir -p $D/o/p; echo x >$D/o/p/q; chown -R 1000:1000 $D/o; chmod 0 $D/o/p $D/o" } else { "true" };
        let script = format!("for D in /x /v; do mkdir -p $D; {owned}; {made}; done");
        store.ok(&["run", "--name", "one", "-v", "data:/v", "box", "sh", "-ec", &script]);
        store.ok(&["commit", "one", "closed"]);
        store.ok(&["run", "--rm", "closed", "sh", "-ec", "chmod 700 /x/a; test -d /x/a/b"]);
        store.ok(&["rm", "one"]);
        store.ok(&["volume", "rm", "data"]);
        store.ok(&["rmi", "closed"]);
        store.ok(&["system", "prune", "-af", "--volumes"]);
        let mut files = Vec::new();
        all_below(&store.root.join("layer"), &mut files);
        assert!(!files.iter().any(|(path, _)| path.ends_with("a/b")), "{files:?}");
        store.assert_nothing_left();
    }
}

#[test]
fn two_users_see_nothing_of_each_other() {
    for person in BOTH.map(|make| make()) {
        let (ann, bob) = (Store::of(person), Store::of(person.neighbour()));
        ann.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
        bob.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
        assert_eq!((ann.names(true), bob.names(true)), (vec!["web".to_owned()], vec!["web".to_owned()]));
        assert_ne!(user_namespace(ann.pid("web")), user_namespace(bob.pid("web")));
        let (root, run) = (ann.root.to_str().expect("utf-8"), ann.run.to_str().expect("utf-8"));
        for words in [&["ps"][..], &["kill", "web"], &["exec", "web", "true"], &["rm", "-f", "web"]] {
            let ran = bob.tare(&[&["--root", root, "--run-dir", run], words].concat());
            assert!(ran.code != 0 && ran.stderr.starts_with("tare: "), "{}", ran.story());
            assert!(ran.stderr.contains("ermission denied") || ran.stderr.contains("belongs to user"), "{}", ran.story());
        }
        assert_eq!(ann.state("web"), "running");
    }
}

#[test]
fn many_at_once_meet_in_one_namespace() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        let names: Vec<String> = (0..10).map(|number| format!("c{number}")).collect();
        let started: Vec<Running> = names.iter().map(|name| store.start(&["run", "-d", "--name", name, "box", "sleep", "1000"])).collect();
        for running in started {
            running.wait().ok();
        }
        let namespaces: std::collections::BTreeSet<PathBuf> = names.iter().map(|name| user_namespace(store.pid(name))).collect();
        assert_eq!(namespaces.len(), 1, "{namespaces:?}");
        store.ok(&[&["rm", "-f"], &names.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat());
        store.assert_nothing_left();
    }
}

#[test]
fn a_record_of_the_namespace_that_is_wrong_or_gone_is_mended() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
        let record = store.run.join("namespace");
        let good = std::fs::read_to_string(&record).expect("a record");
        let own = std::process::id();
        let number = good.split(' ').next().expect("a number");
        let kind = good.trim().rsplit(' ').next().expect("a word");
        // The number of a process that has ended, of one of root's, of another one of the same user's.
        let stranger = {
            let mut command = std::process::Command::new("sleep");
            command.arg("1000");
            person.takes(&mut command, &store.dir.join("home"), &[]);
            Running::spawn(command)
        };
        let texts = [
            String::new(),
            "nonsense".into(),
            "\0\0\0\0".into(),
            format!("{number} 1 {kind}\n"),
            format!("{number} {own} {kind}\n"),
            format!("{number} {} {kind}\n", stranger.pid()),
            format!("4026531837 {} {kind}\n", stranger.pid()),
        ];
        for text in &texts {
            std::fs::write(&record, text).expect("a record");
            assert_eq!(store.ok(&["exec", "web", "echo", "there"]), "there", "{text:?}");
        }
        std::fs::remove_file(&record).expect("remove");
        assert_eq!(store.ok(&["exec", "web", "echo", "there"]), "there", "gone");
        assert_eq!(std::fs::read_to_string(&record).expect("a record").split(' ').next(), Some(number));
        drop(stranger);
        store.ok(&["rm", "-f", "web"]);
        store.assert_nothing_left();
    }
}

#[test]
fn whoever_is_killed_is_mended_after() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
        let monitor = |name: &str| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", store.pid(name))).expect("a process");
            status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("a parent").trim().parse().expect("a number")
        };
        kill_9(monitor("web"));
        store.wait_for_state("web", "exited");
        store.ok(&["start", "web"]);
        kill_9(store.pid("web"));
        store.wait_for_state("web", "exited");
        let mut attached = store.start(&["run", "--name", "front", "box", "sh", "-c", "echo begun; sleep 1000"]);
        attached.expect("begun");
        kill_9(attached.pid());
        assert_eq!(store.state("front"), "running");
        store.ok(&["rm", "-f", "web", "front"]);
        store.assert_nothing_left();
    }
}

/// Help needs no user namespace; a container's program does, whatever it is asked.
#[test]
fn help_is_ours_only_behind_our_own_word() {
    let store = Store::of(Person::with_ranges());
    for word in ["exec", "run", "ps"] {
        assert!(store.ok(&[word, "--help"]).contains("Usage: tare "), "{word}");
    }
    assert_eq!(store.ok(&["run", "--rm", "box", "echo", "--help"]), "--help");
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    assert_eq!(store.ok(&["exec", "web", "echo", "--help"]), "--help");
}

#[test]
fn who_does_not_exist_is_named() {
    let single = Store::of(Person::single());
    let said = without_note(&single.fails(125, &["run", "--rm", "-u", "1000", "box", "true"]));
    assert!(said.starts_with("tare: there is no user 1000 here, only 0"), "{said}");
    let said = single.fails(125, &["run", "--rm", "--group-add", "29", "box", "true"]);
    assert!(said.contains("group 29 cannot be added"), "{said}");
    let many = Store::of(Person::with_ranges());
    assert_eq!(many.ok(&["run", "--rm", "-u", "65536:65536", "box", "id", "-u"]), "65536");
    let said = many.fails(125, &["run", "--rm", "-u", "70000", "box", "true"]);
    assert!(said.starts_with("tare: there is no user 70000 here, only 65537 of them\n"), "{said}");
    let said = many.fails(125, &["run", "--rm", "--group-add", "70000", "box", "true"]);
    assert!(said.starts_with("tare: there is no group 70000 here"), "{said}");
}

/// The known complaint about others: an image with one file of somebody beyond the range cannot be had at all.
#[test]
fn owners_without_an_id_become_root_and_device_files_are_left_out() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        let layer = Layer::new()
            .owned_file("far", 0o6755, (70_000, 70_001), "x")
            .owned_file("near", 0o4755, (1000, 1000), "x")
            .device("disk", tar::EntryType::Block, 7, 0)
            .device("tty", tar::EntryType::Char, 5, 0)
            .hard_link("disk-too", "disk");
        let base = test_images::box_image();
        let image = crate::common::Image { tag: "lessons".into(), layers: vec![base.layers[0].clone(), layer.tar()], ..base };
        let ran = store.load(&image.docker_archive());
        assert_eq!(ran.code, 0, "{}", ran.story());
        let told = without_note(&ran.stderr);
        let count = if person.ids.is_some() { "a file of the image (\"far\") belongs to somebody else" } else { "files of the image (" };
        assert!(told.contains(count) && told.contains("2 files of the image (\"disk\" …) are device files, and left out"), "{told}");
        let stat = "stat -c '%n %u:%g %a' /far /near; ls /disk /tty /disk-too 2>/dev/null";
        let seen = store.tare(&["run", "--rm", "lessons", "sh", "-c", stat]).stdout;
        let near = if person.ids.is_some() { "/near 1000:1000 4755" } else { "/near 0:0 755" };
        assert_eq!(seen, format!("/far 0:0 755\n{near}\n"), "what ran with its owner's rights does not run with root's");
    }
}

/// A directory that hides what lies below, made by the image and by the container; what the image only says of it in its own words
/// hides nothing.
#[test]
fn what_hides_the_layers_below_goes_round_by_commit_and_export() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        let upper = Layer::new().file("etc/.wh..wh..opq", 0o644, "").file("etc/passwd", 0o644, "root:x:0:0:root:/:/bin/sh\n");
        store.load_over_box("hidden", upper.tar());
        let list = |image: &str, dir: &str| store.ok(&["run", "--rm", image, "sh", "-c", &format!("ls {dir} | tr '\\n' ' '")]);
        assert!(!list("hidden", "/etc").contains("group"), "{}", list("hidden", "/etc"));
        let script = "rm -r /home; mkdir /home; echo x >/home/new; rm /script; mkdir /usr/bin/sub";
        store.ok(&["run", "--name", "one", "box", "sh", "-ec", script]);
        let diff = store.ok(&["diff", "one"]);
        for line in ["C /home", "A /home/new", "D /home/alice", "D /script", "A /usr/bin/sub"] {
            assert!(diff.lines().any(|one| one == line), "{line}: {diff}");
        }
        store.ok(&["commit", "one", "again"]);
        assert_eq!(list("again", "/home"), "new");
        let exported = store.dir.join("one.tar").display().to_string();
        store.ok(&["export", "-o", &exported, "one"]);
        store.ok(&["import", &exported, "flat"]);
        assert_eq!((list("flat", "/home"), list("flat", "/script 2>&1")).0, "new");
        store.ok(&["run", "--name", "two", "again", "sh", "-ec", "rm -r /home; mkdir /home"]);
        store.ok(&["commit", "two", "third"]);
        assert_eq!(list("third", "/home"), "");
        assert!(store.ok(&["diff", "two"]).contains("D /home/new"));
    }
}

#[test]
fn a_commit_without_a_control_group_is_made_as_it_runs_and_says_so() {
    let store = Store::of(Person::with_ranges());
    store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    let ran = store.tare(&["commit", "web", "mine"]);
    let has_group = store.tare(&["pause", "web"]).code == 0;
    if has_group {
        return eprintln!("skipped: this user has control groups of his own");
    }
    assert_eq!(ran.code, 0, "{}", ran.story());
    assert!(ran.stderr.contains("note: web went on while it was read"), "{}", ran.story());
    assert_eq!(store.tare(&["commit", "--pause=false", "web", "mine"]).stderr, "");
    let said = store.fails(1, &["commit", "--pause", "web", "mine"]);
    assert!(said.contains("control group"), "{said}");
}

#[test]
fn what_is_shared_with_the_host_is_the_host_s_and_read_only() {
    for person in BOTH.map(|make| make()) {
        let store = Store::of(person);
        let run = |flags: &[&str], script: &str| store.ok(&[&["run", "--rm"], flags, &["box", "sh", "-c", script]].concat());
        let seen = run(&["--network", "host"], "ls /sys/class/net; touch /sys/class/x 2>&1; true");
        assert!(seen.contains("lo") && !seen.contains("No such device"), "{seen}");
        let pid = std::process::id();
        assert_eq!(
            run(&["--pid", "host"], &format!("cat /proc/{pid}/comm")),
            std::fs::read_to_string("/proc/self/comm").expect("comm").trim()
        );
        assert_eq!(run(&["--uts", "host"], "hostname"), nix::unistd::gethostname().expect("a name").to_string_lossy());
        run(&["--ipc", "host"], "ls /dev/shm");
        store.assert_nothing_left();
    }
}

// Obstacles.

const NEWUIDMAP: &str = "/usr/bin/newuidmap";

fn has_newuidmap() -> bool {
    Path::new(NEWUIDMAP).is_file() || !crate::common::lacking("newuidmap (apt-get install uidmap)")
}

#[test]
fn without_newuidmap_there_is_one_user_and_a_word_on_what_to_install() {
    if !has_newuidmap() {
        return;
    }
    let mut store = Store::of(Person::with_ranges());
    store.scenery = vec![Scenery::new("/dev/null", NEWUIDMAP)];
    let ran = store.tare(&["run", "--rm", "box", "cat", "/proc/self/uid_map"]);
    assert!(ran.stderr.contains("one user only, root: newuidmap is not installed\nhint: sudo apt install uidmap"), "{}", ran.story());
}

#[test]
fn a_newuidmap_without_power_is_an_error_that_says_what_to_do() {
    if !has_newuidmap() {
        return;
    }
    let mut store = Store::of(Person::with_ranges());
    let weak = store.file("newuidmap", std::fs::read(NEWUIDMAP).expect("newuidmap"));
    std::os::unix::fs::chown(&weak, Some(0), Some(0)).expect("chown");
    std::fs::set_permissions(&weak, PermissionsExt::from_mode(0o755)).expect("chmod");
    store.scenery = vec![Scenery::new(&weak, NEWUIDMAP)];
    let said = store.fails(1, &["ps"]);
    assert!(said.contains("neither setuid nor has it a capability") && said.contains("hint: sudo chmod u+s /usr/bin/newuidmap"), "{said}");
    store.scenery = vec![Scenery { flags: libc::MS_NOSUID, ..Scenery::new(NEWUIDMAP, NEWUIDMAP) }];
    let said = store.fails(1, &["ps"]);
    assert!(said.contains("mounted nosuid"), "{said}");
    store.scenery.clear();
    store.ok(&["ps"]);
}

#[test]
fn where_no_user_namespace_is_allowed_the_setting_is_named() {
    let store = Store::of(Person::single());
    let person = store.person.expect("a person");
    let script = format!(
        "exec unshare -U --map-user={0} --map-group={0} --keep-caps sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec \"$PROGRAM\" ps'",
        person.uid
    );
    let said = store.start_script(&script).wait().stderr;
    if said.contains("unshare:") || said.contains("Permission denied") {
        let _ = crate::common::cannot(&format!("a user namespace with a limit of its own cannot be made: {said}"));
        return;
    }
    assert!(said.contains("cannot make a user namespace") && said.contains("\nhint: sudo sysctl user.max_user_namespaces="), "{said}");
}

/// Live state in /tmp, where anybody may have been first.
#[test]
fn a_directory_in_tmp_that_others_made_is_refused() {
    let mut store = Store::of(Person::single());
    let person = store.person.expect("a person");
    let tmp = store.dir.join("tmp");
    std::fs::create_dir(&tmp).expect("a directory");
    std::fs::set_permissions(&tmp, PermissionsExt::from_mode(0o1777)).expect("chmod");
    std::fs::set_permissions(&store.dir, PermissionsExt::from_mode(0o755)).expect("chmod");
    store.scenery = vec![Scenery::new(&tmp, "/tmp")];
    let run = |store: &Store| {
        let mut command = store.command(&["ps"]);
        command.env_remove("TARE_RUN").env_remove("XDG_RUNTIME_DIR");
        crate::common::process::run(command, None)
    };
    let his = tmp.join(format!("tare-{}", person.uid));
    assert_eq!(run(&store).code, 0);
    assert_eq!(std::fs::metadata(&his).expect("made").mode() & 0o7777, 0o700);
    std::fs::set_permissions(&his, PermissionsExt::from_mode(0o755)).expect("chmod");
    let ran = run(&store);
    assert!(ran.code == 1 && ran.stderr.contains("others may enter it (mode 755)\nhint: chmod 700"), "{}", ran.story());
    std::fs::remove_dir_all(&his).expect("remove");
    std::fs::create_dir(&his).expect("root's");
    std::fs::set_permissions(&his, PermissionsExt::from_mode(0o777)).expect("chmod");
    std::os::unix::fs::chown(&his, Some(0), Some(0)).expect("chown");
    let ran = run(&store);
    assert!(ran.code == 1 && ran.stderr.contains("it belongs to user 0, and you are"), "{}", ran.story());
    std::fs::remove_dir(&his).expect("remove");
    let elsewhere = tmp.join("elsewhere");
    std::fs::create_dir(&elsewhere).expect("a directory");
    person.owns(&elsewhere);
    symlink("elsewhere", &his).expect("a link");
    let ran = run(&store);
    assert!(ran.code == 1 && ran.stderr.contains("it is no directory"), "{}", ran.story());
}

#[test]
fn homes_of_all_kinds() {
    let mut store = Store::of(Person::single());
    let person = store.person.expect("a person");
    let home = store.dir.join("house");
    let run = |store: &Store, home: Option<&Path>, words: &[&str]| {
        let mut command = store.command(words);
        command.env_remove("TARE_ROOT");
        match home {
            Some(home) => command.env("HOME", home),
            None => command.env_remove("HOME"),
        };
        crate::common::process::run(command, None)
    };
    let load = |store: &Store| {
        let archive = store.file("box.tar", test_images::box_image().docker_archive());
        run(store, Some(&home), &["load", "-qi", archive.to_str().expect("utf-8")])
    };
    std::fs::create_dir(&home).expect("a directory");
    person.owns(&home);
    assert_eq!(load(&store).code, 0);
    assert!(home.join(".local/share/tare/layer").is_dir(), "the store is where the XDG specification wants it");
    assert_eq!(run(&store, Some(&home), &["run", "--rm", "box", "echo", "it runs"]).stdout, "it runs\n");
    // One that allows no programs of its own: those of containers are seen through another mount.
    store.scenery = vec![Scenery { flags: libc::MS_NOEXEC, ..Scenery::new(&home, &home) }];
    let ran = run(&store, Some(&home), &["run", "--rm", "box", "true"]);
    assert_eq!(ran.code, 0, "{}", ran.story());
    store.scenery = vec![Scenery { flags: libc::MS_RDONLY, ..Scenery::new(&home, &home) }];
    let ran = run(&store, Some(&home), &["run", "--rm", "box", "true"]);
    assert!(ran.code == 125 && ran.stderr.contains("ead-only"), "{}", ran.story());
    store.scenery.clear();
    // Without a home of its own a process has that of /etc/passwd, which is / for this user.
    let ran = run(&store, None, &["pull", "nothing"]);
    assert!(ran.code != 0 && ran.stderr.starts_with("tare: "), "{}", ran.story());
    let theirs = store.dir.join("theirs");
    std::fs::create_dir(&theirs).expect("a directory");
    std::os::unix::fs::chown(&theirs, Some(0), Some(0)).expect("chown");
    let ran = run(&store, Some(&theirs), &["import", "/dev/null", "x"]);
    assert!(ran.code == 1 && ran.stderr.contains("ermission denied"), "{}", ran.story());
    leftovers::assert_none(&store);
}

/// What is left out of the run as an ordinary user stands there by names that exist, each with its reason.
#[test]
fn the_list_of_what_cannot_be_tried_without_root_is_sound() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let Ok(list) = std::fs::read_to_string(tests.join("without-root")) else { return eprintln!("skipped: the sources are not here") };
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split(" | ").collect();
        let [test, whom, why] = parts[..] else { panic!("{line}") };
        let (topic, name) = test.split_once("::").expect("a topic");
        let source = std::fs::read_to_string(tests.join(format!("containers/{topic}.rs"))).unwrap_or_else(|e| panic!("{topic}: {e}"));
        // One of a table stands there without `fn`.
        let is_there = name.is_empty() || source.contains(&format!("fn {name}()")) || source.contains(&format!("\n    {name}:"));
        assert!(is_there, "there is no test {test}");
        assert!(["user", "single", "both"].contains(&whom) && !why.is_empty(), "{line}");
    }
}
