//! `commit`: what a container has changed becomes an image in which everything is as it was, for tare and for others.

use crate::common::drivers::{Docker, Podman};
use crate::common::process::tool;
use crate::common::world::NETWORK;
use crate::common::{Layer, Store, eventually, fresh_directory, test_images};
use serde_json::{Value, json};
use std::path::Path;
use tar::EntryType;

/// Three layers below the container's: things to remove, replace, hide, move and link.
fn load_lesson(store: &Store) {
    let base = test_images::box_image();
    // Others obey the mode that stands with a further name.
    let mut hard_link = Layer::header(EntryType::Link, "lesson/hard-two", 0o644);
    hard_link.set_link_name("lesson/hard-one").expect("a short name");
    let first = Layer::new()
        .dir("lesson/", 0o755)
        .file("lesson/gone", 0o644, "to be removed")
        .dir("lesson/gone-dir/", 0o755)
        .file("lesson/gone-dir/file", 0o644, "with its directory")
        .dir("lesson/emptied/", 0o750)
        .file("lesson/emptied/old", 0o644, "hidden by a new directory")
        .file("lesson/file-to-dir", 0o644, "a file")
        .dir("lesson/dir-to-file/", 0o755)
        .file("lesson/dir-to-file/deep", 0o644, "x")
        .file("lesson/big", 0o644, vec![7; 300_000])
        .dir("lesson/renamed/", 0o755)
        .file("lesson/renamed/inside", 0o644, "moves with it")
        .file("lesson/hard-one", 0o644, "linked")
        .entry(hard_link, b"")
        .dir("lesson/opaque/", 0o755)
        .file("lesson/opaque/hidden", 0o644, "hidden by the second layer")
        .file("lesson/untouched", 0o644, "stays");
    let second = Layer::new().dir("lesson/opaque/", 0o755).file("lesson/opaque/.wh..wh..opq", 0o644, "").file(
        "lesson/opaque/of-the-second",
        0o644,
        "must stay visible",
    );
    let layers = [&base.layers[..], &[first.tar(), second.tar()]].concat();
    let image = crate::common::Image { tag: "lesson".into(), layers, ..base };
    store.load(&image.docker_archive()).ok();
}

/// What a person may do to files, and what only a nasty one does.
const CHANGES: &str = r#"set -e; cd /lesson
rm gone; rm -r gone-dir
rm -r emptied; mkdir -m 750 emptied; echo new > emptied/new
rm file-to-dir; mkdir file-to-dir; echo deep > file-to-dir/deep
rm -r dir-to-file; echo "a file" > dir-to-file
chown 1000:1000 big
cp -a renamed moved; rm -r renamed
echo more > opaque/more
echo one > linked-a; ln linked-a linked-b; mkdir other; ln linked-a other/linked-c
cp /bin/busybox setuid; chmod 4755 setuid; touch setgid; chmod 2711 setgid; mkdir -m 1777 sticky
mkfifo -m 600 fifo; ln -s /nowhere/at/all dangling; ln dangling dangling-too; mknod null c 1 3; chown -h 7:8 dangling
echo x > "with space"; echo x > "$(printf 'new\nline')"; echo x > "back\\slash"; echo x > -rf; echo x > ümlaut; echo x > "$(printf 'raw\377byte')"
long=$(printf '%0200d' 7); mkdir $long; echo x > $long/$long; ln -s $long/$long/$long to-long; ln $long/$long linked-to-long
truncate -s 3000000 sparse; touch -d '2001-02-03 04:05:06' old; touch -d '1960-01-01 00:00:00' before-1970; chown 3000000:2999999 high-owner 2>/dev/null || { echo x > high-owner; chown 3000000:2999999 high-owner; }
cp /bin/busybox capable; /probe mark capable security.capability 0100000200040000000000000000000000000000
/probe mark old user.note 613d620a63; /probe mark old user.empty ""; /probe mark emptied user.of-a-directory 00ff0a3d
/probe make-socket socket; ln socket socket-too; rm -r /home/alice; chmod 700 /var
"#;
const TOLD: &str = "/probe tree /lesson /home /var /etc/passwd | grep -v socket";

/// The container `source`, and what it says of its files.
fn source(store: &Store) -> String {
    store.ok(&["run", "--name", "source", "lesson", "sh", "-c", &format!("{CHANGES}\n{TOLD}")])
}

/// Where Go reads the archive, a moment before 1970 becomes 1970, and an attribute without a value is none.
fn as_go_reads(told: &str) -> String {
    let lines = told.lines().filter(|line| !line.contains("before-1970"));
    lines.map(|line| line.replace(" user.empty=", "") + "\n").collect()
}

fn assert_same(told: &str, expected: &str, what: &str) {
    let (told, expected): (Vec<&str>, Vec<&str>) = (told.lines().collect(), expected.lines().collect());
    let missing: Vec<_> = expected.iter().filter(|line| !told.contains(line)).collect();
    let more: Vec<_> = told.iter().filter(|line| !expected.contains(line)).collect();
    assert!(missing.is_empty() && more.is_empty(), "{what}\nmissing: {missing:#?}\nmore: {more:#?}");
}

#[test]
fn every_kind_of_file_comes_back_as_it_was() {
    let store = Store::new();
    load_lesson(&store);
    let expected = source(&store);
    for wanted in
        ["lesson/opaque/of-the-second", "user.note=613d620a63", "security.capability=01", "links 3", "3000000:2999999", "new\\0aline"]
    {
        assert!(expected.contains(wanted), "{wanted} is missing:\n{expected}");
    }
    let id = store.ok(&["commit", "source", "copy:1"]);
    assert!(id.starts_with("sha256:") && id.len() == 71, "{id}");
    assert_eq!(store.inspect("copy:1")["Id"], id.as_str());
    let told = store.ok(&["run", "--rm", "copy:1", "sh", "-c", TOLD]);
    assert_same(&told, &expected, "the image's own container");
    assert_eq!(store.ok(&["run", "--rm", "copy:1", "sh", "-c", "find / -xdev -name 'socket*'; ls -A /dev/shm"]), "");
    // A commit of a commit of a commit; the last adds nothing.
    store.ok(&["run", "--name", "second", "copy:1", "sh", "-c", "rm /lesson/untouched /lesson/linked-b; echo again > /lesson/gone"]);
    store.ok(&["commit", "second", "copy:2"]);
    let expected = store.ok(&["run", "--name", "third", "copy:2", "sh", "-c", TOLD]);
    assert!(!expected.contains("untouched") && expected.contains("/lesson/gone ") && expected.contains("/lesson/linked-a"), "{expected}");
    store.ok(&["commit", "third", "copy:3"]);
    assert_same(&store.ok(&["run", "--rm", "copy:3", "sh", "-c", TOLD]), &expected, "the third");
    let steps = |name: &str| store.inspect(name)["RootFS"]["Layers"].as_array().map(Vec::len);
    assert_eq!((steps("lesson"), steps("copy:3")), (Some(3), Some(6)));
    for name in ["source", "second", "third"] {
        store.ok(&["rm", name]);
    }
    store.assert_nothing_left();
}

#[test]
fn podman_shows_the_same_files() {
    let Some(podman) = Podman::new("pids_limit = 0\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]") else { return };
    let store = Store::new();
    load_lesson(&store);
    let expected = source(&store);
    let id = store.ok(&["commit", "source", "copy:1"]);
    for format in ["docker-archive", "oci-archive"] {
        let archive = podman.world.path(format);
        store.ok(&["save", "--format", format, "-o", &archive, "copy:1"]);
        podman.ok(&["load", "-qi", &archive]);
        assert_eq!(format!("sha256:{}", podman.ok(&["inspect", "-f", "{{.Id}}", "--type", "image", "copy:1"])), id, "{format}");
        let told = podman.run(&["--rm", "--network", "none", "copy:1", "sh", "-c", TOLD]).ok();
        assert_same(&as_go_reads(&told), &as_go_reads(&expected), &format!("podman, {format}"));
        podman.ok(&["rmi", "-f", "copy:1"]);
    }
}

#[test]
fn docker_shows_the_same_files() {
    let flags = ["--bip", &format!("{NETWORK}1.1/24"), "--default-ulimit", "nofile=1024:1024"];
    let Some(docker) = Docker::new(&flags) else { return };
    let store = Store::new();
    load_lesson(&store);
    let expected = source(&store);
    let id = store.ok(&["commit", "source", "copy:1"]);
    let archive = docker.world.path("archive");
    store.ok(&["save", "-o", &archive, "copy:1"]);
    docker.ok(&["load", "-qi", &archive]);
    assert_eq!(docker.ok(&["image", "inspect", "-f", "{{.Id}}", "copy:1"]), id);
    let told = docker.ok(&["run", "--rm", "--network", "none", "--runtime", "tare", "copy:1", "sh", "-c", TOLD]);
    assert_same(&as_go_reads(&told), &as_go_reads(&expected), "docker");
}

fn config(store: &Store, image: &str) -> Value {
    store.inspect(image)["Config"].clone()
}

#[test]
fn the_container_s_settings_become_the_image_s_and_changes_come_after() {
    let store = Store::new();
    let words =
        ["run", "--name", "one", "-e", "A=1", "-e", "FROM_IMAGE", "-u", "alice", "-w", "/tmp", "-l", "mine=yes", "--stop-signal", "INT"];
    store.ok(&[&words[..], &["--expose", "53/udp", "-v", "/data", "box", "echo", "hello"]].concat());
    store.ok(&["commit", "-a", "Ann <ann@example.com>", "-m", "a word", "one", "as-it-was"]);
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(
        config(&store, "as-it-was"),
        json!({
            "Cmd": ["echo", "hello"], "Env": [path, "A=1"], "User": "alice", "WorkingDir": "/tmp", "StopSignal": "INT",
            "Labels": {"mine": "yes", "org.example.kind": "box"}, "ExposedPorts": {"53/udp": {}}, "Volumes": {"/data": {}},
        })
    );
    let about = store.inspect("as-it-was");
    assert_eq!((about["Author"].as_str(), about["Comment"].as_str()), (Some("Ann <ann@example.com>"), Some("a word")));
    assert!(about["Created"].as_str().is_some_and(crate::common::parse_time));
    assert_eq!(store.ok(&["history", "--format", "{{.CreatedBy}}|{{.Comment}}", "as-it-was"]).lines().next(), Some("echo hello|a word"));
    assert_eq!(store.ok(&["run", "--rm", "as-it-was"]), "hello");
    assert_eq!(store.ok(&["run", "--rm", "as-it-was", "sh", "-c", "id -un; pwd; echo $A"]), "alice\n/tmp\n1");
    let changes = [
        "ENTRYPOINT [\"echo\", \"entry\"]",
        "ENV B=\"two words\" A=2",
        "USER 0",
        "WORKDIR sub",
        "LABEL mine=no more=\"a b\"",
        "EXPOSE 8000-8001 53/udp",
        "VOLUME [\"/a b\"]",
        "STOPSIGNAL SIGTERM",
        "ONBUILD RUN true",
        "HEALTHCHECK --interval=5s CMD true",
    ];
    let flags: Vec<&str> = changes.iter().flat_map(|change| ["-c", change]).collect();
    store.ok(&[&["commit"], &flags[..], &["one", "changed"]].concat());
    assert_eq!(
        config(&store, "changed"),
        json!({
            "Entrypoint": ["echo", "entry"], "Env": [path, "A=2", "B=two words"], "User": "0", "WorkingDir": "/tmp/sub",
            "StopSignal": "SIGTERM", "Labels": {"mine": "no", "more": "a b", "org.example.kind": "box"},
            "ExposedPorts": {"53/udp": {}, "8000/tcp": {}, "8001/tcp": {}}, "Volumes": {"/data": {}, "/a b": {}},
            "OnBuild": ["RUN true"], "Healthcheck": {"Interval": 5_000_000_000u64, "Test": ["CMD-SHELL", "true"]},
        })
    );
    assert_eq!(store.ok(&["run", "--rm", "changed"]), "entry", "the old command was written for another program");
    store.ok(&["commit", "-c", "CMD [\"cmd\"]", "-c", "ENTRYPOINT echo $0", "one", "both"]);
    assert_eq!(store.ok(&["run", "--rm", "both"]), "cmd");
    // The container of an image of ours gives its settings on, but not what was meant for its children.
    store.ok(&["run", "--name", "two", "changed"]);
    store.ok(&["commit", "two", "grandchild"]);
    let config = config(&store, "grandchild");
    assert_eq!(
        (&config["OnBuild"], &config["Entrypoint"], &config["Healthcheck"]["Interval"]),
        (&Value::Null, &json!(["echo", "entry"]), &json!(5_000_000_000u64))
    );
    store.ok(&["create", "--name", "checked", "--health-cmd", "true", "--health-retries", "7", "changed"]);
    store.ok(&["commit", "checked", "with-check"]);
    let check = &store.inspect("with-check")["Config"]["Healthcheck"];
    assert_eq!(
        (&check["Test"], &check["Retries"], &check["Interval"]),
        (&json!(["CMD-SHELL", "true"]), &json!(7), &json!(5_000_000_000u64))
    );
    store.ok(&["rm", "checked"]);
    for wrong in ["RUN true", "CMD", "EXPOSE http", "nonsense"] {
        let error = store.fails(1, &["commit", "-c", wrong, "one", "never"]);
        assert!(error.contains("invalid change"), "{error}");
    }
    store.fails(1, &["image", "inspect", "never"]);
    store.ok(&["rm", "-v", "one", "two"]);
}

#[test]
fn what_is_mounted_is_no_part_of_the_layer() {
    let store = Store::new();
    let shared = store.file("shared/secret", "of the host").parent().expect("a directory").display().to_string();
    let flags = ["-v", &format!("{shared}:/bind/deep"), "-v", "named:/volume", "--tmpfs", "/scratch", "--add-host", "there:1.2.3.4"];
    let script = "echo x > /volume/file; echo x > /scratch/file; echo x > /dev/shm/file; echo x >> /etc/hosts; echo own > /own";
    store.ok(&[&["run", "--name", "one"], &flags[..], &["box", "sh", "-c", script]].concat());
    store.ok(&["commit", "one", "copy"]);
    let listed = store.ok(&["run", "--rm", "copy", "sh", "-c", "find /bind /volume /scratch /own /dev/shm; grep there /etc/hosts || true"]);
    assert!(!listed.contains("secret") && !listed.contains("file") && !listed.contains("there") && listed.contains("/own"), "{listed}");
    let layer = store.inspect("copy")["RootFS"]["Layers"][1].as_str().expect("a digest").to_owned();
    let tree = store.root.join("layer").join(&layer["sha256:".len()..]);
    for name in ["etc", "dev", "proc", "sys"] {
        assert!(!tree.join(name).exists(), "/{name} is in the layer");
    }
    store.ok(&["rm", "one"]);
    store.ok(&["volume", "rm", "named"]);
}

#[test]
fn a_running_container_stands_still_meanwhile_and_goes_on() {
    let store = Store::new();
    // Two files that are always equal, but for the moment between two writes.
    let script = "i=0; while :; do i=$((i+1)); echo $i > /one; echo $i > /two; done";
    store.ok(&["run", "-d", "--name", "busy", "box", "sh", "-c", &format!("mkdir /many; /probe make-many /many 300; {script}")]);
    eventually("it counts", || store.tare(&["exec", "busy", "cat", "/two"]).code == 0);
    for _ in 0..3 {
        store.ok(&["commit", "busy", "still"]);
        let two = store.ok(&["run", "--rm", "still", "cat", "/one", "/two"]);
        let numbers: Vec<u64> = two.lines().map(|line| line.parse().unwrap_or(0)).collect();
        // A write is not atomic: a file may just have been cut. But never are they far apart.
        assert!(numbers.len() < 2 || numbers[0] - numbers[1] <= 1, "{two}");
        assert_eq!(store.state("busy"), "running");
        let count = || store.ok(&["exec", "busy", "cat", "/one"]);
        let before = count();
        eventually("it counts on", || count() != before);
    }
    store.ok(&["commit", "--pause=false", "busy", "moving"]);
    store.ok(&["commit", "--no-pause", "busy", "moving"]);
    store.ok(&["pause", "busy"]);
    store.ok(&["commit", "busy", "paused"]);
    assert_eq!(store.state("busy"), "paused", "whoever paused it wants it so");
    store.ok(&["unpause", "busy"]);
    store.ok(&["rm", "-f", "busy"]);
    store.assert_nothing_left();
}

/// A store in memory, because a busy disk takes minutes for thousands of files.
pub fn store_in_memory() -> Store {
    let (on_disk, dir) = (Store::new(), fresh_directory(Path::new("/dev/shm"), "tt"));
    if let Some(person) = on_disk.person {
        person.owns(&dir);
    }
    let (person, scenery, program) = (on_disk.person, on_disk.scenery.clone(), on_disk.program.clone());
    let store = Store { root: dir.join("s"), run: dir.join("r"), dir, machine: None, person, scenery, program };
    tool(&["cp", "-a", on_disk.root.to_str().expect("utf-8"), store.root.to_str().expect("utf-8")]).ok();
    store
}

/// Files enough that a commit takes its time.
fn container_of_many(store: &Store, name: &str) {
    store.ok(&["run", "-d", "--name", name, "box", "sh", "-c", "mkdir /many; /probe make-many /many 4000; echo > /ready; exec sleep 1000"]);
    eventually("its files are there", || store.tare(&["exec", name, "test", "-e", "/ready"]).code == 0);
}

#[test]
fn a_killed_commit_leaves_its_container_running() {
    let store = store_in_memory();
    container_of_many(&store, "many");
    let mut met = 0;
    for round in 0..10 {
        let mut commit = store.start(&["commit", "many", "never"]);
        // Killed while the container stands still, which is most of the time.
        eventually("it stands still, or all is over", || store.state("many") == "paused" || commit.is_over());
        std::thread::sleep(std::time::Duration::from_millis(round * 3));
        met += usize::from(store.state("many") == "paused");
        let _ = commit.child.kill();
        let _ = commit.child.wait();
        eventually("it goes on", || store.state("many") == "running");
    }
    assert!(met >= 3, "only {met} were killed in time");
    // What they left is swept by the next.
    store.ok(&["commit", "many", "whole"]);
    assert_eq!(store.ok(&["run", "--rm", "whole", "sh", "-c", "ls /many | wc -l"]), "4000");
    assert_eq!(std::fs::read_dir(store.root.join("unfinished")).expect("the directory").count(), 0);
    store.ok(&["rm", "-f", "many"]);
    store.assert_nothing_left();
}

#[test]
fn two_commits_at_once_each_see_it_stand_still() {
    let store = store_in_memory();
    container_of_many(&store, "many");
    let commits: Vec<_> = (0..4).map(|number| store.start(&["commit", "many", &format!("copy:{number}")])).collect();
    for commit in commits {
        commit.wait().ok();
    }
    assert_eq!(store.state("many"), "running");
    let layers: std::collections::BTreeSet<String> =
        (0..4).map(|number| store.inspect(&format!("copy:{number}"))["RootFS"]["Layers"][1].to_string()).collect();
    assert_eq!(layers.len(), 1, "nothing has changed between them");
    store.ok(&["rm", "-f", "many"]);
}

#[test]
fn a_container_that_rests_is_not_started_meanwhile() {
    let store = store_in_memory();
    store.ok(&[
        "run",
        "--name",
        "many",
        "box",
        "sh",
        "-c",
        "[ -d /many ] || { mkdir /many; /probe make-many /many 4000; }; echo >> /starts",
    ]);
    let is_held = || store.run.join("container").read_dir().is_ok_and(|mut found| found.next().is_some());
    eventually("its monitor is gone", || !is_held());
    let mut commit = store.start(&["commit", "many", "copy"]);
    // The files are read in the order of their names, so the last one that is changed by the start is far away yet.
    let is_read = |entry: std::fs::DirEntry| entry.path().join("blob").exists();
    eventually("it is read, or all is over", || {
        store.root.join("unfinished").read_dir().is_ok_and(|found| found.flatten().any(is_read)) || commit.is_over()
    });
    store.ok(&["start", "-a", "many"]);
    commit.wait().ok();
    assert_eq!(store.ok(&["run", "--rm", "copy", "sh", "-c", "wc -l < /starts; ls /many | wc -l"]), "1\n4000");
    store.ok(&["create", "--name", "fresh", "box", "true"]);
    store.ok(&["commit", "fresh", "fresh"]);
    assert_eq!(
        store.ok(&["history", "--format", "{{.Size}}", "fresh"]).lines().next(),
        Some("0B"),
        "one that never ran has changed nothing"
    );
    // Its records lie where the lock is.
    store.ok(&["create", "--rm", "--name", "brief", "box", "true"]);
    store.ok(&["commit", "brief", "brief"]);
    store.ok(&["start", "-a", "brief"]);
    store.ok(&["rm", "many", "fresh"]);
    store.assert_nothing_left();
}

#[test]
fn an_image_that_lost_its_name_still_carries_its_containers() {
    let store = Store::new();
    let id = store.inspect("box")["Id"].as_str().expect("an id").to_owned();
    store.ok(&["run", "--name", "one", "box", "sh", "-c", "echo x > /x"]);
    store.ok(&["tag", "probe", "box"]);
    store.ok(&["commit", "one"]);
    let images = store.ok(&["images", "-q", "--no-trunc", "-f", "dangling=true"]);
    assert_eq!(images.lines().count(), 2, "the image that was box, and the new one: {images}");
    let new = images.lines().find(|image| *image != id).expect("another").to_owned();
    assert_eq!(store.ok(&["run", "--rm", &new, "cat", "/x"]), "x");
    store.ok(&["rm", "one"]);
}

#[test]
fn a_container_that_is_removed_meanwhile_becomes_a_whole_image_or_none() {
    let store = store_in_memory();
    let archive = store.file("box.tar", test_images::box_image().docker_archive()).display().to_string();
    let (mut failed, mut without_image) = (0, 0);
    for round in 0..8 {
        container_of_many(&store, "many");
        let mut commit = store.start(&["commit", "many", "copy"]);
        eventually("it stands still, or all is over", || store.state("many") == "paused" || commit.is_over());
        if round % 2 == 1 {
            // All is read, and the image is about to be made.
            eventually("it goes on", || store.state("many") == "running");
        }
        std::thread::sleep(std::time::Duration::from_millis(round * 5));
        store.ok(&["rm", "-f", "many"]);
        without_image += usize::from(store.tare(&["rmi", "box"]).code == 0);
        let ran = commit.wait();
        if ran.code == 0 {
            assert_eq!(store.ok(&["run", "--rm", "copy", "sh", "-c", "ls /many | wc -l"]), "4000");
            store.ok(&["rmi", "copy"]);
        } else {
            failed += 1;
            crate::common::store::assert_proper_error(&ran);
            assert!(ran.stderr.contains("removed meanwhile"), "{}", ran.story());
            store.fails(1, &["image", "inspect", "copy"]);
        }
        store.ok(&["load", "-qi", &archive]);
    }
    assert!(failed > 0 && without_image > 0, "none was removed in time: {failed}, {without_image}");
    store.assert_nothing_left();
}

#[test]
fn mistakes_are_told() {
    let store = Store::new();
    store.ok(&["run", "--name", "one", "box", "true"]);
    assert!(store.fails(1, &["commit", "nosuch"]).contains("no such container: nosuch"));
    assert!(store.fails(1, &["commit", "onn"]).contains("did you mean one?"));
    assert!(store.refuses(&["commit", "one", "Not A Name"]).contains("Not A Name"));
    assert!(store.refuses(&["commit", "one", &format!("x@sha256:{}", "0".repeat(64))]).contains("digest"));
    store.refuses(&["commit", "--pause=maybe", "one"]);
    // The events tell it, and only what happened.
    store.ok(&["commit", "-m", "told", "one", "mine"]);
    let events = std::fs::read_to_string(store.run.join("events")).unwrap_or_default();
    let told: Vec<Value> = events
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).expect("json"))
        .filter(|line: &Value| line["Action"] == "commit")
        .collect();
    assert_eq!(told.len(), 1, "{events}");
    let attributes = &told[0]["Actor"]["Attributes"];
    assert_eq!((&attributes["comment"], &attributes["imageRef"]), (&json!("told"), &json!("mine:latest")));
    assert_eq!(attributes["imageID"], store.inspect("mine")["Id"]);
    store.ok(&["rm", "one"]);
}
