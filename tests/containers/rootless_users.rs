//! `--userns keep-id`, `nomap` and maps for an ordinary user: whom his containers' users are, and whose their files are on disk.

use crate::common::{Layer, Person, Store, eventually};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

fn ann() -> Person {
    Person::with_ranges()
}

/// Who somebody in a container with `keep-id` is outside.
fn kept(person: Person, inside: u32) -> u32 {
    match inside {
        inside if inside == person.uid => person.uid,
        inside if inside < person.uid => person.outside(inside + 1),
        inside => person.outside(inside),
    }
}

fn owner(path: &Path) -> (u32, u32) {
    let found = std::fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    (found.uid(), found.gid())
}

fn map_of(pid: i32, name: &str) -> Vec<Vec<u32>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{name}")).expect("a map");
    text.lines().map(|line| line.split_whitespace().map(|word| word.parse().expect("a number")).collect()).collect()
}

/// A directory of the user's own.
fn own_directory(store: &Store) -> PathBuf {
    let file = store.file("own/file", "from outside");
    let dir = file.parent().expect("a directory").to_owned();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    chown(&dir, Some(ann().uid), Some(ann().uid)).expect("chown");
    dir
}

/// Copies of layers, without the one below all images.
fn copies(store: &Store) -> Vec<PathBuf> {
    let below = |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    let all = below(&store.root.join("layer-for")).iter().flat_map(|map| below(map)).collect::<Vec<_>>();
    all.into_iter().filter(|path| !path.ends_with("ground")).collect()
}

#[test]
fn the_user_is_inside_who_he_is_outside() {
    let store = Store::of(ann());
    let uid = ann().uid.to_string();
    let said = store.tare(&["run", "--rm", "--userns", "keep-id", "box", "sh", "-c", "id -u; id -g; id -G"]);
    assert_eq!(said.stdout, format!("{uid}\n{uid}\n{uid}\n"));
    assert!(said.stderr.contains("are copied once"), "{}", said.stderr);
    // What is shared with the user is his on both sides, and files of the image are root's.
    let dir = own_directory(&store);
    let bind = format!("{}:/own", dir.display());
    let script =
        "cat /own/file; echo x >/own/new; stat -c ' %u:%g' /own /own/new /bin /etc/hosts; touch /etc/new 2>/dev/null || echo closed";
    let said = store.tare(&["run", "--rm", "--userns", "keep-id", "-v", &bind, "box", "sh", "-c", script]);
    assert_eq!(said.stdout, format!("from outside {uid}:{uid}\n {uid}:{uid}\n 0:0\n 0:0\nclosed\n"), "{}", said.story());
    assert_eq!(said.stderr, "", "the copy is there");
    assert_eq!(owner(&dir.join("new")), (ann().uid, ann().uid));
    // With other numbers, and as somebody else.
    assert_eq!(store.ok(&["run", "--rm", "--userns", "keep-id:uid=5,gid=6", "-v", &bind, "box", "stat", "-c", "%u:%g", "/own/new"]), "5:6");
    assert_eq!(store.ok(&["run", "--rm", "--userns", "keep-id:uid=5,gid=6", "box", "id", "-u"]), "5");
    assert_eq!(store.ok(&["run", "--rm", "--userns", "keep-id", "-u", "0", "box", "id", "-u"]), "0");
    store.assert_nothing_left();
}

#[test]
fn root_inside_is_one_of_the_user_s_further_ids() {
    let store = Store::of(ann());
    store.ok(&["run", "-d", "--name", "web", "--userns", "keep-id", "-u", "0", "box", "sleep", "1000"]);
    let pid = store.pid("web");
    // As it is for us, who are root of the machine.
    let (uid, first) = (ann().uid, ann().outside(1));
    for name in ["uid_map", "gid_map"] {
        assert_eq!(map_of(pid, name), [vec![0, first, uid], vec![uid, uid, 1], vec![uid + 1, first + uid, 65_536 - uid]], "{name}");
    }
    assert_eq!(std::fs::metadata(format!("/proc/{pid}")).expect("a process").uid(), first);
    assert_eq!(store.ok(&["exec", "web", "id", "-u"]), "0");
    assert_eq!(store.ok(&["exec", "-u", &uid.to_string(), "web", "id", "-u"]), uid.to_string());
    assert_eq!(store.inspect("web")["HostConfig"]["UsernsMode"], "keep-id");
    // Another container lives in the same namespace, on the same files.
    let namespace = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/user")).expect("a namespace");
    store.ok(&["run", "-d", "--name", "two", "--userns", "container:web", "--pid", "container:web", "box", "sleep", "1000"]);
    assert_eq!(namespace(store.pid("two")), namespace(pid));
    assert_eq!(store.ok(&["exec", "two", "stat", "-c", "%u", "/bin"]), "0");
    store.ok(&["rm", "-f", "two", "web"]);
    store.assert_nothing_left();
}

#[test]
fn files_are_told_as_they_are_inside() {
    let store = Store::of(ann());
    let script = "echo kept >/root/file; mkdir /dir; chown 33:34 /dir; rm /etc/group";
    store.ok(&["run", "--name", "one", "--userns", "keep-id", "-u", "0", "box", "sh", "-c", script]);
    let id = store.inspect("one")["Id"].as_str().expect("an id").to_owned();
    let upper = store.root.join("container").join(id).join("upper");
    assert_eq!(owner(&upper.join("dir")), (kept(ann(), 33), kept(ann(), 34)), "on disk they are somebody else's");
    let changes: Vec<String> = store.ok(&["diff", "one"]).lines().map(str::to_owned).collect();
    assert_eq!(changes.iter().filter(|line| !line.contains("root")).collect::<Vec<_>>(), ["A /dir", "C /etc", "D /etc/group"]);
    // An image made of it knows nothing of the map, nor of whom keep-id chose.
    store.ok(&["commit", "one", "made"]);
    let seen = store.ok(&["run", "--rm", "made", "sh", "-c", "id -u; stat -c %u:%g /dir /root/file; ls /etc/group 2>/dev/null; true"]);
    assert_eq!(seen, "0\n33:34\n0:0");
    // What goes in and out has the owners that are seen inside, whether it rests or runs.
    let file = store.file("in", "x");
    for round in ["rests", "runs"] {
        store.ok(&["cp", file.to_str().expect("utf-8"), &format!("one:/dir/{round}")]);
        let archive = store.command(&["cp", "one:/dir", "-"]).output().expect("cp").stdout;
        let mut archive = tar::Archive::new(&archive[..]);
        let owners = |entry: tar::Entry<&[u8]>| (entry.header().uid().expect("a uid"), entry.header().gid().expect("a gid"));
        let owners: Vec<_> = archive.entries().expect("entries").map(|entry| owners(entry.expect("an entry"))).collect();
        assert_eq!((owners[0], owners[1]), ((33, 34), (0, 0)), "{round}");
        if round == "rests" {
            store.ok(&["rm", "one"]);
            store.ok(&["run", "-d", "--name", "one", "--userns", "keep-id", "-u", "0", "made", "sleep", "1000"]);
        }
    }
    assert_eq!(store.ok(&["exec", "one", "stat", "-c", "%u:%g", "/dir/runs"]), "0:0");
    store.ok(&["rm", "-f", "one"]);
    store.assert_nothing_left();
}

#[test]
fn a_container_keeps_its_map_and_its_files() {
    let store = Store::of(ann());
    store.ok(&["create", "--name", "one", "--userns", "keep-id", "-w", "/tmp", "box", "sh", "-c", "echo x >>f; stat -c %u f; wc -l <f"]);
    assert_eq!(store.ok(&["start", "-a", "one"]), format!("{}\n1", ann().uid));
    assert_eq!(store.ok(&["start", "-a", "one"]), format!("{}\n2", ann().uid));
    store.ok(&["rm", "one"]);
    store.assert_nothing_left();
}

/// A file of the image with a capability gives it in there, too, and what a layer hides stays hidden.
#[test]
fn a_copy_is_a_layer_as_its_model_is() {
    let store = Store::of(ann());
    let layer = Layer::new().file("etc/.wh.group", 0o644, "").dir("data", 0o755).file("data/.wh..wh..opq", 0o644, "");
    store.load_over_box("hiding", layer.owned_file("data/file", 0o4755, (33, 34), "x").tar());
    let script = "ls /etc/group 2>/dev/null; stat -c '%u:%g %a' /data/file";
    assert_eq!(store.ok(&["run", "--rm", "--userns", "keep-id", "hiding", "sh", "-c", script]), "33:34 4755");
}

#[test]
fn copies_are_shared_and_go_with_their_layer() {
    let store = Store::of(ann());
    assert_eq!(copies(&store).len(), 0);
    for name in ["one", "two"] {
        store.ok(&["create", "--name", name, "--userns", "keep-id", "box", "true"]);
        assert_eq!(copies(&store).len(), 1, "{name}");
    }
    let copy = copies(&store).remove(0);
    assert_eq!(owner(&copy.join("bin")), (kept(ann(), 0), kept(ann(), 0)));
    store.ok(&["create", "--name", "three", "--userns", "nomap", "box", "true"]);
    assert_eq!(copies(&store).len(), 2, "another map, another copy");
    store.ok(&["rm", "one", "two", "three"]);
    store.ok(&["rmi", "-f", "box"]);
    assert_eq!(copies(&store), Vec::<PathBuf>::new());
    assert_eq!(std::fs::read_dir(store.root.join("layer-for")).expect("a directory").count(), 0);
    assert_eq!(std::fs::read_dir(store.root.join("unfinished")).expect("a directory").count(), 0);
}

#[test]
fn prune_takes_copies_on_which_nobody_stands() {
    let store = Store::of(ann());
    store.ok(&["rmi", "probe"]);
    for (name, userns) in [("kept", "keep-id"), ("gone", "nomap")] {
        store.ok(&["create", "--name", name, "--userns", userns, "box", "true"]);
    }
    let size = |column| store.ok(&["system", "df", "--format", column]).lines().next().expect("a row of images").to_owned();
    assert!(size("{{.Reclaimable}}").starts_with("0B"), "both are needed: {}", size("{{.Reclaimable}}"));
    store.ok(&["rm", "gone"]);
    assert!(!size("{{.Reclaimable}}").starts_with("0B"), "{}", size("{{.Reclaimable}}"));
    let said = store.ok(&["image", "prune", "-f"]);
    assert!(said.contains("Total reclaimed space: ") && !said.contains(" 0B"), "{said}");
    assert_eq!(copies(&store).len(), 1);
    assert_eq!(std::fs::read_dir(store.root.join("layer-for")).expect("a directory").count(), 1, "the other map is forgotten");
    store.tare(&["start", "-a", "kept"]).expect_code(0);
    store.ok(&["rm", "kept"]);
    store.ok(&["system", "prune", "-f"]);
    assert_eq!(std::fs::read_dir(store.root.join("layer-for")).expect("a directory").count(), 0);
    assert_eq!(std::fs::read_dir(store.root.join("unfinished")).expect("a directory").count(), 0);
    // What is needed again is made again.
    store.ok(&["run", "--rm", "--userns", "keep-id", "box", "true"]);
}

#[test]
fn who_is_killed_while_copying_leaves_nothing_that_stays() {
    let store = Store::of(ann());
    let many = (0..4000).fold(Layer::new(), |layer, number| layer.file(&format!("many/{number}"), 0o644, "x"));
    store.load_over_box("large", many.tar());
    let unfinished = store.root.join("unfinished");
    let is_copying =
        || std::fs::read_dir(&unfinished).into_iter().flatten().flatten().any(|one| one.path().join("shifted/many/9").exists());
    let running = store.start(&["run", "--rm", "--userns", "keep-id", "large", "true"]);
    eventually("it copies", is_copying);
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.wait();
    let said = store.ok(&["run", "--rm", "--userns", "keep-id", "large", "sh", "-c", "ls /many | wc -l"]);
    assert_eq!(said, "4000");
    // Whoever writes images next clears away.
    store.load_over_box("other", Layer::new().file("other", 0o644, "x").tar());
    assert_eq!(std::fs::read_dir(&unfinished).expect("a directory").count(), 0);
    store.assert_nothing_left();
}

#[test]
fn a_volume_holds_what_the_container_sees() {
    let store = Store::of(ann());
    let layer = Layer::new().owned_dir("data", 0o755, (33, 34)).owned_file("data/file", 0o644, (33, 34), "x").tar();
    store.load_over_box("data", layer);
    let script = "stat -c %u:%g /data /data/file /empty";
    let flags = ["run", "--rm", "--userns", "nomap", "-v", "filled:/data", "-v", "new:/empty", "data", "sh", "-c", script];
    assert_eq!(store.ok(&flags), "33:34\n33:34\n0:0");
}

#[test]
fn with_nomap_nobody_inside_is_the_user() {
    let store = Store::of(ann());
    store.ok(&["run", "-d", "--name", "web", "--userns", "nomap", "box", "sleep", "1000"]);
    let pid = store.pid("web");
    for name in ["uid_map", "gid_map"] {
        assert_eq!(map_of(pid, name), [vec![0, ann().outside(1), 65_536]], "{name}");
    }
    assert_eq!(store.ok(&["exec", "web", "id", "-u"]), "0");
    // What is the user's is nobody's in there.
    let dir = own_directory(&store);
    let bind = format!("{}:/own", dir.display());
    let script = "stat -c %u:%g /own; cat /own/file 2>/dev/null || echo closed";
    assert_eq!(store.ok(&["run", "--rm", "--userns", "nomap", "-v", &bind, "box", "sh", "-c", script]), "65534:65534\nclosed");
    store.ok(&["rm", "-f", "web"]);
    store.assert_nothing_left();
}

#[test]
fn a_map_of_one_s_own() {
    let store = Store::of(ann());
    let flags = ["run", "-d", "--name", "web", "--userns", "0:10:2000,65534:5:1", "box", "sleep", "1000"];
    store.tare(&flags).expect_code(0);
    // The image has files of user 65534, whom this map knows.
    assert_eq!(map_of(store.pid("web"), "uid_map"), [vec![0, ann().outside(10), 2000], vec![65_534, ann().outside(5), 1]]);
    let error = store.fails(125, &["run", "--rm", "--userns", "0:1:70000", "box", "true"]);
    assert!(error.contains("0:1:70000 is not yours to give away"), "{error}");
    store.load_over_box("foreign", Layer::new().owned_file("file", 0o644, (7000, 7000), "x").tar());
    let refused = store.tare(&["run", "--rm", "--userns", "0:1:100", "foreign", "true"]).expect_code(125);
    assert!(refused.stderr.contains("is nobody in the container"), "{}", refused.stderr);
    store.ok(&["rm", "-f", "web"]);
    store.assert_nothing_left();
}

#[test]
fn what_cannot_be_is_refused_with_what_helps() {
    let store = Store::of(Person::single());
    for word in ["keep-id", "nomap", "0:0:1", "auto"] {
        let error = store.fails(125, &["run", "--rm", "--userns", word, "box", "true"]);
        assert!(error.contains("no further ids") && error.contains("usermod --add-subuids"), "{word}: {error}");
    }
    let store = Store::of(ann());
    let error = store.fails(125, &["run", "--rm", "--userns", "auto", "box", "true"]);
    assert!(error.contains("keep-id") && error.contains("nomap"), "{error}");
    assert_eq!(copies(&store).len(), 0);
    store.assert_nothing_left();
}
