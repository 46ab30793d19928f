//! `tare volume` and named volumes in containers: made, shared, listed, kept, removed, and never taken from under a container.

use crate::common::{Image, Layer, Store, eventually, test_images};
use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

fn names(store: &Store) -> Vec<String> {
    store.ok(&["volume", "ls", "-q"]).lines().map(str::to_string).collect()
}

fn data(store: &Store, name: &str) -> PathBuf {
    store.root.join("volume").join(name).join("_data")
}

/// An image like `box` with these words in its config on top.
fn load_box_with(store: &Store, tag: &str, layer: Layer, words: Value) {
    let base = test_images::box_image();
    let mut config = base.config.clone();
    let object = config.as_object_mut().expect("an object");
    object.extend(words.as_object().expect("an object").clone());
    let layers = vec![base.layers[0].clone(), layer.tar()];
    store.load(&Image { tag: tag.into(), layers, ..base }.with_config(config).docker_archive()).ok();
}

#[test]
fn what_one_container_writes_the_next_one_reads() {
    let store = Store::new();
    store.ok(&["run", "--rm", "-v", "data:/d", "box", "sh", "-c", "echo kept >/d/note"]);
    assert_eq!(store.ok(&["run", "--rm", "--mount", "type=volume,src=data,dst=/e,readonly", "box", "cat", "/e/note"]), "kept");
    assert_eq!(std::fs::read_to_string(data(&store, "data").join("note")).expect("the note"), "kept\n");
    assert_eq!(names(&store), ["data"]);
    let ran = store.tare(&["run", "--rm", "-v", "data:/d:ro", "box", "touch", "/d/x"]);
    assert!(ran.code == 1 && ran.stderr.contains("Read-only"), "{}", ran.story());
    store.assert_nothing_left();
}

#[test]
fn a_volume_is_made_listed_shown_and_removed() {
    let store = Store::empty();
    assert_eq!(store.ok(&["volume", "create", "--label", "tier=db", "--label", "empty", "data"]), "data");
    assert_eq!(store.ok(&["volume", "create", "data"]), "data", "what is there already is as good as made");
    let nameless = store.ok(&["volume", "create"]);
    assert!(nameless.len() == 64 && nameless.bytes().all(|byte| byte.is_ascii_hexdigit()), "{nameless}");
    let table = store.ok(&["volume", "ls"]);
    assert!(table.starts_with("DRIVER    VOLUME NAME\n") && table.contains("local     data"), "{table}");
    assert_eq!(
        store.ok(&["volume", "ls", "-f", "label=tier=db", "--format", "{{.Name}} {{.Driver}} {{.Label \"tier\"}}"]),
        "data local db"
    );
    assert_eq!(store.ok(&["volume", "ls", "-q", "-f", "name=dat"]), "data");
    let shown: Value = serde_json::from_str(&store.ok(&["volume", "inspect", "data"])).expect("JSON");
    let mountpoint = data(&store, "data").display().to_string();
    assert_eq!(
        (&shown[0]["Name"], &shown[0]["Driver"], &shown[0]["Scope"], &shown[0]["Mountpoint"], &shown[0]["Labels"]),
        (&json!("data"), &json!("local"), &json!("local"), &json!(mountpoint), &json!({"tier": "db", "empty": ""})),
        "{shown}"
    );
    assert_eq!(store.ok(&["volume", "inspect", "-f", "{{.Mountpoint}}", "data"]), mountpoint);
    assert_eq!(store.ok(&["inspect", "-f", "{{.Mountpoint}}", "data"]), mountpoint);
    assert_eq!(store.ok(&["volume", "rm", "data"]), "data");
    assert_eq!(names(&store), [nameless]);
    store.assert_nothing_left();
}

#[test]
fn what_makes_no_sense_is_refused() {
    let store = Store::empty();
    for words in [
        &["volume", "create", "../x"][..],
        &["volume", "create", "a/b"],
        &["volume", "create", "-d", "rexray", "x"],
        &["volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "x"],
        &["volume", "create", "-o", "o=bind", "-o", "device=/no/such/directory", "x"],
        &["volume", "rm", "nosuch"],
        &["volume", "rm", "../volume"],
        &["volume", "inspect", "nosuch"],
        &["volume", "ls", "-f", "size=3"],
    ] {
        store.refuses(words);
    }
    assert_eq!(store.ok(&["volume", "rm", "-f", "nosuch"]), "nosuch");
    assert_eq!(names(&store), [""; 0]);
    store.ok(&["volume", "create", "data"]);
    let error = store.fails(1, &["volume", "inspect", "dtaa"]);
    assert!(error.contains("did you mean data?"), "{error}");
}

#[test]
fn a_volume_in_use_stays_whether_its_container_runs_or_not() {
    let store = Store::new();
    store.ok(&["create", "--name", "user", "-v", "data:/d", "box"]);
    let error = store.fails(1, &["volume", "rm", "data"]);
    assert!(error.contains("container user uses it"), "{error}");
    assert_eq!(store.ok(&["volume", "ls", "-q", "-f", "dangling=true"]), "");
    assert_eq!(store.ok(&["volume", "prune", "-a", "-f"]), "Total reclaimed space: 0B");
    store.ok(&["rm", "-v", "user"]);
    assert_eq!(store.ok(&["volume", "ls", "-q", "-f", "dangling=true"]), "data", "rm -v leaves what has a name");
    assert_eq!(store.ok(&["volume", "rm", "data"]), "data");
}

#[test]
fn volumes_without_a_name_go_with_their_container() {
    let store = Store::new();
    store.ok(&["run", "--rm", "-v", "/d", "--mount", "type=volume,dst=/e", "-v", "data:/f", "box", "touch", "/d/x", "/e/x", "/f/x"]);
    assert_eq!(names(&store), ["data"], "gone when the command is over");
    store.ok(&["run", "--name", "kept", "-v", "/d", "box", "true"]);
    assert_eq!(names(&store).len(), 2);
    store.ok(&["rm", "-v", "kept"]);
    assert_eq!(names(&store), ["data"]);
    store.ok(&["run", "--name", "kept", "-v", "/d", "box", "true"]);
    store.ok(&["rm", "kept"]);
    assert_eq!(names(&store).len(), 2, "without -v they stay");
    let pruned = store.ok(&["volume", "prune", "-f"]);
    assert!(pruned.starts_with("Deleted Volumes:\n") && pruned.contains("Total reclaimed space: "), "{pruned}");
    assert_eq!(names(&store), ["data"]);
    store.assert_nothing_left();
}

#[test]
fn a_container_that_cannot_be_made_leaves_no_volume() {
    let store = Store::new();
    store.fails(125, &["run", "--rm", "-u", "nobody-known", "-v", "/d:idmap", "-v", "/e", "box", "true"]);
    store.fails(1, &["create", "-v", "/d", "--mount", "type=bind,src=/no/such,dst=/e", "box"]);
    let source = store.dir.display().to_string();
    store.fails(1, &["create", "-v", "/d", "-v", &format!("{source}:/e:U"), "-u", "nobody-known", "box"]);
    assert_eq!(names(&store), [""; 0]);
    store.assert_nothing_left();
}

#[test]
fn prune_asks_first() {
    let store = Store::empty();
    store.ok(&["volume", "create", "--label", "keep", "a1"]);
    store.ok(&["volume", "create", "b2"]);
    let asked = store.tare_with(&["volume", "prune", "-a"], "n\n").ok();
    assert!(asked.contains("[y/N]"), "{asked}");
    assert_eq!(names(&store), ["a1", "b2"]);
    store.tare(&["volume", "prune"]).ok();
    let pruned = store.tare_with(&["volume", "prune", "-a", "--filter", "label!=keep"], "y\n").ok();
    assert!(pruned.contains("\nb2\n"), "{pruned}");
    assert_eq!(names(&store), ["a1"]);
}

#[test]
fn an_image_s_volumes_are_made_without_being_asked_for() {
    let store = Store::new();
    let layer = Layer::new().dir("data/", 0o750).file("data/seed", 0o644, "from the image\n");
    load_box_with(&store, "seeded", layer, json!({"Volumes": {"/data": {}, "/logs/": {}}}));
    let id = store.ok(&["run", "-d", "seeded", "sleep", "1000"]);
    let mounts = store.inspect(&id)["Mounts"].clone();
    let mut targets: Vec<&str> = mounts.as_array().expect("a list").iter().filter_map(|mount| mount["Destination"].as_str()).collect();
    targets.sort_unstable();
    assert_eq!(targets, ["/data", "/logs"]);
    assert_eq!(store.ok(&["exec", &id, "cat", "/data/seed"]), "from the image");
    assert_eq!(names(&store).len(), 2);
    store.ok(&["rm", "-f", "-v", &id]);
    assert_eq!(names(&store), [""; 0]);
    // What was asked for takes the place of what the image asks for.
    store.ok(&["run", "--rm", "-v", "mine:/data", "--tmpfs", "/logs", "seeded", "cat", "/data/seed"]);
    assert_eq!(names(&store), ["mine"]);
}

#[test]
fn another_container_s_mounts_can_be_had_too() {
    let store = Store::new();
    let file = store.file("shared/note", "from the host\n");
    let bind = format!("{}:/host", file.parent().expect("a directory").display());
    store.ok(&[
        "run",
        "--name",
        "first",
        "-v",
        "data:/d",
        "-v",
        "/nameless",
        "-v",
        &bind,
        "box",
        "sh",
        "-c",
        "echo one >/d/x; echo two >/nameless/x",
    ]);
    let command = "cat /d/x /nameless/x /host/note";
    assert_eq!(store.ok(&["run", "--rm", "--volumes-from", "first", "box", "sh", "-c", command]), "one\ntwo\nfrom the host");
    assert_eq!(names(&store).len(), 2, "a nameless volume stays as long as somebody has it");
    let ran = store.tare(&["run", "--rm", "--volumes-from", "first:ro", "box", "touch", "/d/y"]);
    assert!(ran.code == 1 && ran.stderr.contains("Read-only"), "{}", ran.story());
    assert_eq!(store.ok(&["run", "--rm", "--volumes-from", "first", "-v", "other:/d", "box", "ls", "/d"]), "", "what is asked for wins");
    store.fails(125, &["run", "--rm", "--volumes-from", "nosuch", "box", "true"]);
    store.fails(125, &["run", "--rm", "--volumes-from", "first:sideways", "box", "true"]);
}

#[test]
fn a_volume_may_stand_for_a_directory_of_the_host() {
    let store = Store::new();
    let dir = store.file("srv/note", "served\n").parent().expect("a directory").display().to_string();
    store.ok(&["volume", "create", "-o", "type=none", "-o", "o=bind", "-o", &format!("device={dir}"), "served"]);
    assert_eq!(store.ok(&["run", "--rm", "-v", "served:/s", "box", "cat", "/s/note"]), "served");
    store.fails(1, &["volume", "create", "-o", "o=bind", "-o", "device=/srv", "served"]);
    store.ok(&["volume", "rm", "served"]);
    assert!(store.dir.join("srv/note").is_file(), "the directory is not the volume's own");
}

#[test]
fn ps_and_inspect_tell_of_volumes() {
    let store = Store::new();
    store.ok(&["create", "--name", "user", "-v", "data:/d:ro", "-v", "/nameless", "--tmpfs", "/t", "box"]);
    store.ok(&["create", "--name", "other", "box"]);
    assert_eq!(store.ok(&["ps", "-a", "--format", "{{.Names}} {{.LocalVolumes}}", "-f", "volume=data"]), "user 2");
    assert_eq!(store.ok(&["ps", "-a", "--format", "{{.Names}}", "-f", "volume=/nameless"]), "user");
    let mounts = store.ok(&["ps", "-a", "--format", "{{.Mounts}}", "-f", "name=user"]);
    assert!(mounts.starts_with("data,") && mounts.ends_with('…'), "{mounts}");
    let seen = store.inspect("user");
    let mount = &seen["Mounts"][0];
    assert_eq!(
        (&mount["Type"], &mount["Name"], &mount["Source"], &mount["Destination"], &mount["Driver"], &mount["RW"], &mount["Propagation"]),
        (&json!("volume"), &json!("data"), &json!(data(&store, "data")), &json!("/d"), &json!("local"), &json!(false), &json!("")),
        "{seen}"
    );
    assert_eq!((&seen["HostConfig"]["Binds"], &seen["Config"]["Volumes"]), (&json!(["data:/d:ro"]), &json!({"/nameless": {}})));
}

#[test]
fn other_users_of_this_machine_cannot_look_into_volumes() {
    let store = Store::new();
    store.ok(&["run", "--rm", "-v", "data:/d", "box", "sh", "-c", "cp /bin/busybox /d/shell; chmod 4755 /d/shell"]);
    for dir in [store.root.join("volume"), store.root.join("volume/data")] {
        assert_eq!(std::fs::metadata(&dir).expect("a directory").mode() & 0o7777, 0o700, "{}", dir.display());
    }
    // Inside, everybody may look: the volume's own directory is as a directory of the root should be.
    assert_eq!(store.ok(&["run", "--rm", "-u", "alice", "-v", "data:/d", "box", "ls", "/d"]), "shell");
}

/// A container that is being created with a volume and somebody who removes it: one of them has won, and not both.
#[test]
fn a_volume_is_not_removed_from_under_a_container_that_is_being_made() {
    let store = Store::new();
    // Whoever removes a volume looks at every container first. Many of them make that moment long enough to be hit.
    let id = store.ok(&["create", "box"]);
    let record = std::fs::read(store.root.join("container").join(&id).join("container.json")).expect("a record");
    let crowd: Vec<PathBuf> = (0..600).map(|number| store.root.join("container").join(format!("{number:064x}"))).collect();
    for dir in &crowd {
        std::fs::create_dir(dir).and_then(|()| std::fs::write(dir.join("container.json"), &record)).expect("a record");
    }
    store.ok(&["volume", "create", "race"]);
    let took = store.tare(&["volume", "rm", "race"]).expect_code(0).took;
    let mut lost = Vec::new();
    for part in 0..10 {
        store.ok(&["volume", "create", "race"]);
        let remover = store.start(&["volume", "rm", "race"]);
        std::thread::sleep(took * part / 10);
        store.ok(&["create", "--name", "user", "-v", "race:/d", "box"]);
        let removed = remover.wait();
        if !data(&store, "race").is_dir() {
            lost.push(format!("after {part} of 10 parts: {}", removed.story()));
        }
        store.ok(&["rm", "user"]);
    }
    crowd.iter().for_each(|dir| std::fs::remove_dir_all(dir).expect("a record"));
    assert!(lost.is_empty(), "a container has lost its volume\n{}", lost.join("\n"));
}

/// The record of a container that is removed when it ends lies in memory: a reboot takes it, and its volume must not stay.
#[test]
fn a_reboot_leaves_no_nameless_volume_of_a_container_that_was_to_be_removed() {
    let store = Store::new();
    let id = store.ok(&["create", "--rm", "-v", "/d", "-v", "data:/e", "box"]);
    assert_eq!(names(&store).len(), 2);
    std::fs::remove_dir_all(&store.run).expect("the run directory");
    crate::common::process::tool(&["touch", "-d", "1 hour ago", store.root.join("container").join(id).to_str().expect("utf-8")]).ok();
    store.fails(1, &["rm", "nosuch"]);
    eventually("the nameless volume is gone", || names(&store) == ["data"]);
}

#[test]
fn a_lost_record_does_not_lose_the_data() {
    let store = Store::new();
    store.ok(&["run", "--rm", "-v", "data:/d", "box", "sh", "-c", "echo kept >/d/note"]);
    std::fs::write(store.root.join("volume/data/volume.json"), "").expect("a record as a power cut leaves it");
    assert_eq!(names(&store), ["data"]);
    assert_eq!(store.ok(&["run", "--rm", "-v", "data:/d", "box", "cat", "/d/note"]), "kept");
    store.ok(&["volume", "inspect", "data"]);
    store.ok(&["volume", "rm", "data"]);
    store.assert_nothing_left();
}
