//! `tare system …`: what takes room, what nobody needs, and every kind of thing that crashes and careless hands leave.

use crate::common::{Store, eventually, leftovers, process};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};

fn kill_9(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill");
}

fn lose_monitor(store: &Store, name: &str) {
    kill_9(i32::try_from(store.inspect(name)["State"]["MonitorPid"].as_i64().expect("MonitorPid")).expect("a pid"));
}

fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

/// Told by a dry run, which changes nothing; then told again and put right; then nothing is wrong any more.
fn is_found_and_mended(store: &Store, lines: &[(&str, &str)]) {
    let dry = store.tare(&["system", "check", "--dry-run"]).expect_code(1).stdout;
    for (found, _) in lines {
        assert!(dry.lines().any(|line| line.starts_with(found)), "{found:?} is not among\n{dry}");
    }
    let mended = store.tare(&["system", "check"]).expect_code(0).stdout;
    for (found, deed) in lines {
        let told = mended.lines().any(|line| line.starts_with(found) && line.ends_with(&format!("; {deed}")));
        assert!(told, "{found:?} and {deed:?} are not among\n{mended}");
    }
    assert!(mended.contains("all put right"), "{mended}");
    is_well(store);
}

fn is_well(store: &Store) {
    assert_eq!(store.ok(&["system", "check", "--deep"]), "Nothing is wrong");
}

fn hex(letter: char) -> String {
    letter.to_string().repeat(64)
}

#[test]
fn a_store_without_anything_is_well_and_stays_without_anything() {
    let store = Store::empty();
    is_well(&store);
    assert!(!store.root.exists());
    let store = Store::new();
    store.ok(&["create", "--name", "made", "box"]);
    store.ok(&["create", "--rm", "--name", "fleeting", "-v", "/data", "box"]);
    store.ok(&["run", "-d", "--name", "runs", "-v", "data:/data", "box", "sleep", "1000"]);
    store.ok(&["run", "--name", "ended", "box", "true"]);
    is_well(&store);
    store.ok(&["start", "-a", "fleeting"]);
}

#[test]
fn lost_monitors_are_found() {
    let store = Store::new();
    store.ok(&["run", "-d", "--name", "kept", "box", "sleep", "1000"]);
    store.ok(&["run", "-d", "--rm", "--name", "fleeting", "-v", "/data", "box", "sleep", "1000"]);
    store.ok(&["run", "-d", "--name", "stubborn", "--init=false", "box", "/probe", "outlive-parent"]);
    eventually("it is ready", || store.ok(&["logs", "stubborn"]).contains("ready"));
    let pid = store.pid("stubborn");
    for name in ["kept", "fleeting", "stubborn"] {
        lose_monitor(&store, name);
    }
    let deed = "ended, and written down";
    let lines =
        ["container kept: its monitor", "container fleeting: its monitor", "container stubborn: its monitor"].map(|line| (line, deed));
    is_found_and_mended(&store, &lines);
    assert!(!is_alive(pid));
    assert_eq!(store.inspect("kept")["State"]["Reason"], "monitor lost");
    assert_eq!(store.names(true), ["stubborn", "kept"]);
    assert_eq!(store.ok(&["volume", "ls", "-q"]), "");
    store.ok(&["rm", "kept", "stubborn"]);
    store.assert_nothing_left();
}

#[test]
fn a_run_directory_that_was_taken_away_leaves_no_process() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    let pid = store.pid("web");
    std::fs::remove_dir_all(store.run.join("container").join(&id)).expect("the run directory");
    // Its monitor is alive and well, and nobody can reach it any more.
    let told = store.tare(&["system", "check"]).expect_code(0).stdout;
    assert!(told.contains("container web: it is said to run, and nobody runs it; written down as ended"), "{told}");
    eventually("it is ended", || !is_alive(pid));
    eventually("nothing is left", || store.ok(&["system", "check"]) == "Nothing is wrong");
    store.ok(&["rm", "web"]);
    store.assert_nothing_left();
}

#[test]
fn a_container_without_a_group_is_found_by_its_root() {
    let store = Store::new();
    let id = store.ok(&["run", "-d", "--name", "web", "box", "sleep", "1000"]);
    let pid = store.pid("web");
    // Out of its group, as on a machine without cgroup2, and without any word of it.
    if let Some((mount, _)) = crate::common::cgroup2() {
        let group = std::fs::read_to_string(mount.join("tare").join(&id).join("cgroup.procs"));
        assert!(group.is_ok() || store.person.is_some(), "only an ordinary user's has none: {group:?}");
        for pid in group.unwrap_or_default().lines() {
            std::fs::write(mount.join("cgroup.procs"), pid).expect("moved to the top");
        }
    }
    for dir in [store.run.join("container").join(&id), store.root.join("container").join(&id)] {
        std::fs::remove_dir_all(dir).expect("a directory");
    }
    let told = store.tare(&["system", "check"]).stdout;
    assert!(told.contains(": nobody watches its processes; ended"), "{told}");
    eventually("it is ended", || !is_alive(pid));
    eventually("nothing is wrong any more", || store.ok(&["system", "check"]) == "Nothing is wrong");
    store.assert_nothing_left();
}

#[test]
fn directories_records_and_names_that_do_not_fit_together() {
    let store = Store::new();
    let id = store.ok(&["create", "--name", "made", "box"]);
    let other = store.ok(&["create", "--name", "other", "box"]);
    let third = store.ok(&["create", "--name", "third", "box"]);
    let root = |name: &str| store.root.join(name);
    let make = |dir: PathBuf| std::fs::create_dir_all(dir).expect("a directory");
    make(root("container").join(hex('a')).join("upper"));
    make(root("unfinished").join(format!("container-{}", hex('b'))).join("deep"));
    make(store.run.join("container").join(hex('c')));
    make(store.run.join("container").join(format!("gone-{}", hex('d'))));
    make(store.run.join("container").join(&third));
    std::fs::remove_file(root("name/made")).expect("its name");
    std::os::unix::fs::symlink(&other, root("name/stray")).expect("a name");
    std::os::unix::fs::symlink(hex('e'), root("name/nowhere")).expect("a name");
    std::os::unix::fs::symlink(hex('e'), store.run.join("name/nowhere")).expect("a name");
    std::fs::write(root("container").join(&id).join("container.json.new4000000000"), "{").expect("a scrap");
    is_found_and_mended(
        &store,
        &[
            (&format!("container {}: there is no record of it", &hex('a')[..12]), "removed"),
            (&format!("container {}: half removed", &hex('b')[..12]), "removed"),
            (&format!("container {}: there is no record of it", &hex('c')[..12]), "removed"),
            (&format!("container {}: its run directory was half removed", &hex('d')[..12]), "removed"),
            ("container third: it rests, and its run directory is still there", "run directory removed"),
            ("container made: its name does not lead to it", "name given back"),
            ("name stray: it leads to a container of another name", "removed"),
            ("name nowhere: it leads nowhere", "removed"),
            (&format!("container/{id}/container.json.new4000000000: a record"), "removed"),
        ],
    );
    store.ok(&["rm", "made", "other", "third"]);
    store.assert_nothing_left();
}

#[test]
fn a_start_that_was_cut_off_and_a_power_cut_are_written_down() {
    let store = Store::new();
    let ids: Vec<String> = ["cut", "down"].iter().map(|name| store.ok(&["create", "--name", name, "box", "true"])).collect();
    for id in &ids {
        let record = store.root.join("container").join(id).join("container.json");
        let text = std::fs::read_to_string(&record).expect("the record").replace("\"launched\":false", "\"launched\":true");
        std::fs::write(&record, text).expect("the record");
    }
    std::fs::create_dir_all(store.run.join("container").join(&ids[0])).expect("its run directory");
    is_found_and_mended(
        &store,
        &[
            ("container cut: its start was cut off", "written down as ended"),
            ("container down: it is said to run, and nobody runs it", "written down as ended"),
        ],
    );
    assert_eq!(store.inspect("down")["State"]["Reason"], "machine went down");
    store.tare(&["start", "-a", "cut"]).expect_code(0);
}

#[test]
fn what_needs_a_person_is_left_and_told() {
    let store = Store::new();
    let ids: Vec<String> = ["torn", "bare", "newer"].iter().map(|name| store.ok(&["create", "--name", name, "box"])).collect();
    let file = |id: &str, name: &str| store.root.join("container").join(id).join(name);
    std::fs::write(file(&ids[0], "container.json"), "{ torn").expect("tear it");
    std::fs::remove_file(file(&ids[1], "config.json")).expect("remove it");
    let text = std::fs::read_to_string(file(&ids[2], "container.json")).expect("the record");
    std::fs::write(file(&ids[2], "container.json"), text.replacen('{', "{\"colour\":\"red\",", 1)).expect("write it");
    std::fs::create_dir_all(store.root.join("unfinished/odd")).expect("a directory");
    for words in [&["system", "check", "--dry-run"][..], &["system", "check"]] {
        let told = store.tare(words).expect_code(1).stdout;
        for line in [
            "container torn: its record is damaged (tare rm -f removes it)",
            "container bare: its config.json is gone (",
            "container newer: a newer version of tare has written its record (",
            "unfinished/odd: nobody knows what it is (",
            "Found: 4, left: 4",
        ] {
            assert!(told.lines().any(|told| told.starts_with(line)), "{line:?} is not among\n{told}");
        }
    }
    store.ok(&["rm", "-f", "torn", "bare"]);
    store.fails(1, &["rm", "-f", "newer"]);
    std::fs::write(file(&ids[2], "container.json"), text).expect("write it");
    std::fs::remove_dir(store.root.join("unfinished/odd")).expect("remove it");
    is_well(&store);
}

#[test]
fn control_groups_without_a_container() {
    let store = Store::new();
    let Some((mount, _)) = crate::common::cgroup2() else { return };
    store.ok(&["run", "--rm", "box", "true"]);
    let random = |letter: char| format!("{:08x}{}", std::process::id(), letter.to_string().repeat(56));
    let (old, young) = (mount.join("tare").join(random('a')), mount.join("tare").join(random('b')));
    for group in [&old, &young] {
        std::fs::create_dir(group).expect("a group");
    }
    // One that is young may belong to another store, and wait for its first process.
    process::tool(&["touch", "-d", "5 minutes ago", old.to_str().expect("utf-8")]).ok();
    let told = store.tare(&["system", "check"]).stdout;
    assert!(told.contains(&format!("control group tare/{}: it has no container; removed", &random('a')[..12])), "{told}");
    let left = (old.exists(), young.exists());
    std::fs::remove_dir(&young).expect("the young group");
    assert_eq!(left, (false, true));
}

#[test]
fn volumes_that_are_half_something() {
    let store = Store::new();
    let volume = |name: &str| store.root.join("volume").join(name);
    for name in ["full", "lost"] {
        store.ok(&["volume", "create", name]);
    }
    std::fs::write(volume("full").join("_data/file"), "kept").expect("a file");
    std::fs::write(volume("lost").join("_data/file"), "kept").expect("a file");
    std::fs::create_dir_all(volume("half")).expect("a directory");
    std::fs::create_dir_all(volume("full").join("filling/deep")).expect("a directory");
    std::fs::remove_file(volume("lost").join("volume.json")).expect("its record");
    std::fs::create_dir_all(store.root.join("unfinished/volume-12ab/_data/deep")).expect("a directory");
    let nobody = hex('f');
    std::fs::create_dir_all(volume(&nobody).join("_data")).expect("a directory");
    let record = serde_json::json!({"name": nobody, "created": 1, "anonymous": true, "ends_with": hex('e')});
    std::fs::write(volume(&nobody).join("volume.json"), record.to_string()).expect("a record");
    is_found_and_mended(
        &store,
        &[
            ("volume half: half made", "removed"),
            ("volume full: its first filling was cut off", "what was filled in removed"),
            ("volume lost: its record is lost", "record written again"),
            ("unfinished/volume-12ab: a volume that is half removed", "removed"),
            (&format!("volume {nobody}: the container that it should end with is gone"), "removed"),
        ],
    );
    assert_eq!(store.ok(&["volume", "ls", "-q"]), "full\nlost");
    for name in ["full", "lost"] {
        assert_eq!(store.ok(&["run", "--rm", "-v", &format!("{name}:/data"), "box", "cat", "/data/file"]), "kept");
    }
}

#[test]
fn blobs_layers_and_workplaces() {
    let store = Store::new();
    let layer = store.inspect("box")["RootFS"]["Layers"][0].as_str().expect("a layer")["sha256:".len()..].to_owned();
    std::fs::create_dir_all(store.root.join("unfinished/image-12ab/layer-0")).expect("a directory");
    std::fs::create_dir_all(store.root.join("layer").join(hex('a')).join("etc")).expect("a directory");
    std::fs::write(store.root.join("image/blobs/sha256").join(hex('b')), "b").expect("a blob");
    std::fs::write(store.root.join("image/index.json.new4000000000"), "{").expect("a scrap");
    std::fs::remove_dir_all(store.root.join("layer").join(&layer)).expect("the layer");
    store.fails(125, &["run", "--rm", "box", "true"]);
    is_found_and_mended(
        &store,
        &[
            ("unfinished/image-12ab: an image that was being made", "removed"),
            (&format!("layer {}: no image", &hex('a')[..12]), "removed"),
            (&format!("blob {}: no image has it", &hex('b')[..12]), "removed"),
            (&format!("layer {}: its unpacked files are gone", &layer[..12]), "unpacked again"),
            ("image/index.json.new4000000000: a record that was never finished", "removed"),
        ],
    );
    assert_eq!(store.ok(&["run", "--rm", "box", "echo", "works"]), "works");
}

#[test]
fn a_killed_load_is_found() {
    let store = Store::new();
    let image = crate::common::test_images::box_image();
    let archive = store.file("archive.tar", crate::common::Image { tag: "again".into(), ..image }.docker_archive());
    let mut load = store.start(&["load"]);
    // It waits for the rest of what it reads.
    load.send(&String::from_utf8_lossy(&std::fs::read(archive).expect("the archive")[..600]));
    eventually("it has begun", || std::fs::read_dir(store.root.join("unfinished")).is_ok_and(|mut entries| entries.next().is_some()));
    assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong", "its maker lives");
    kill_9(load.pid());
    drop(load);
    is_found_and_mended(&store, &[("unfinished/image-", "removed")]);
}

#[test]
fn damaged_blobs_are_found_by_a_deep_look() {
    let store = Store::new();
    let id = store.inspect("box")["Id"].as_str().expect("an id")["sha256:".len()..].to_owned();
    let layer = largest_blob(&store);
    let mut bytes = std::fs::read(&layer).expect("a blob");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&layer, &bytes).expect("a flipped bit");
    assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong");
    let told = store.tare(&["system", "check", "--deep"]).expect_code(1).stdout;
    assert!(told.contains("its content is not what its digest says (remove the images that have it"), "{told}");
    std::fs::remove_file(&layer).expect("the blob");
    let told = store.tare(&["system", "check"]).expect_code(1).stdout;
    assert!(told.contains("a layer as it came is gone (it runs, but cannot be saved"), "{told}");
    let config = store.root.join("image/blobs/sha256").join(&id);
    std::fs::write(&config, "{").expect("a torn config");
    let told = store.tare(&["system", "check"]).expect_code(1).stdout;
    assert!(told.contains("image box:latest: its config or manifest is gone or damaged (remove it, and load it again)"), "{told}");
    store.ok(&["rmi", "-f", "box"]);
    is_well(&store);
}

/// That of a layer.
fn largest_blob(store: &Store) -> PathBuf {
    let blobs = std::fs::read_dir(store.root.join("image/blobs/sha256")).expect("blobs").map(|entry| entry.expect("a blob").path());
    blobs.max_by_key(|path| path.metadata().expect("a file").len()).expect("a blob")
}

#[test]
fn pid_files_of_the_dead() {
    let store = Store::new();
    let file = store.dir.join("pid");
    store.ok(&["run", "--name", "one", "--pidfile", file.to_str().expect("utf-8"), "box", "true"]);
    std::fs::write(&file, "4000000\n").expect("a stale pid file");
    // The monitor may be about to end.
    eventually("the stale file is found", || {
        store.tare(&["system", "check"]).expect_code(0).stdout.contains("names a process that has ended; removed")
    });
    assert!(!file.exists());
    std::fs::write(&file, format!("{}\n", std::process::id())).expect("another's pid file");
    is_well(&store);
    assert!(file.exists());
}

/// Twenty containers start and end at any moment, images come and go, volumes too; and nothing of that is ever called wrong.
#[test]
fn a_busy_store_is_well() {
    let store = Store::new();
    store.ok(&["create", "--name", "witness", "-v", "witness:/data", "box", "true"]);
    let stop = store.dir.join("stop");
    let image = crate::common::test_images::box_image();
    let archive = store.file("again.tar", crate::common::Image { tag: "again".into(), ..image }.docker_archive());
    let busy = [
        "tare run --rm -v /data box true".to_owned(),
        "tare run --name KEPT -v named:/data box true; tare rm KEPT".to_owned(),
        "tare run -d --name BG box sleep 1000 >/dev/null; tare rename BG BG2; tare rm -f BG2 >/dev/null".to_owned(),
        "tare create --name REST box >/dev/null; tare start -a REST; tare rm REST >/dev/null".to_owned(),
        format!("tare load -qi {} >/dev/null; tare rmi again >/dev/null", archive.display()),
        "tare volume create VOL >/dev/null; tare volume rm VOL >/dev/null".to_owned(),
    ];
    let workers: Vec<_> = (0..20)
        .map(|number| {
            let mut deed = busy[if number < 14 { number % 4 } else { [4, 4, 5, 5, 0, 1][number - 14] }].clone();
            for word in ["KEPT", "BG", "REST", "VOL", "named"] {
                deed = deed.replace(word, &format!("{}{number}", word.to_lowercase()));
            }
            // Two loads of the same image take it from each other.
            let forgiving = if deed.contains("load") { "|| true" } else { "" };
            store.start_script(&format!(
                "while [ ! -e {} ]; do {{ {deed}; }} >/dev/null 2>>{}/errors {forgiving}; done",
                stop.display(),
                store.dir.display()
            ))
        })
        .collect();
    // Each looks twice, a second apart, because there is always something half done.
    for round in 0..crate::common::rounds(6).min(40) {
        let dry = if round % 2 == 0 { "--dry-run" } else { "--deep" };
        let ran = store.tare(&["system", "check", dry]);
        assert_eq!((ran.code, ran.stdout.trim()), (0, "Nothing is wrong"), "round {round}: {}", ran.story());
    }
    std::fs::write(&stop, "").expect("the end");
    for worker in workers {
        worker.wait().expect_code(0);
    }
    let errors = std::fs::read_to_string(store.dir.join("errors")).unwrap_or_default();
    let unexpected: Vec<&str> = errors.lines().filter(|line| !line.contains("again") && !line.starts_with("hint:")).collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    is_well(&store);
    assert!(store.names(true).contains(&"witness".to_owned()) && Path::new(&store.root.join("volume/witness")).exists());
    store.ok(&["rm", "witness"]);
    leftovers::assert_none(&store);
}
