//! `load`: every kind of archive that tools write, and everything a layer can hold.

use crate::common::process::{Ran, tool};
use crate::common::{Image, Layer, Store, archive, cannot, image_dir, in_vm, installed, lacking, test_images};
use serde_json::{Value, json};
use std::path::Path;
use tar::EntryType;

/// Two layers, so that order matters.
fn sample() -> Image {
    let probe = std::fs::read(test_images::probe()).expect("the probe");
    let first = Layer::new().file("probe", 0o755, probe).dir("d/", 0o755).file("d/f", 0o644, "first").tar();
    let second = Layer::new().dir("d/", 0o755).file("d/f", 0o644, "second").tar();
    Image::new("sample", vec![first, second]).with_config(json!({"Cmd": ["/probe", "exit", "11"]}))
}

fn id_of(store: &Store, name: &str) -> String {
    let about: Value = serde_json::from_str(&store.ok(&["image", "inspect", name])).expect("json");
    about[0]["Id"].as_str().expect("Id").to_string()
}

fn assert_loaded(store: &Store, ran: Ran, id: &str) {
    let text = ran.ok();
    assert!(text.contains("Loaded image: sample:latest"), "{text}");
    assert_eq!(id_of(store, "sample"), id, "the image's id is the digest of the archive's own config");
    store.tare(&["run", "--rm", "sample"]).expect_code(11);
}

#[test]
fn load_docker_archives_old_and_new_plain_and_compressed() {
    let image = sample();
    for (what, bytes) in [
        ("docker save, old form", image.docker_archive()),
        ("docker save, old form, gzip", archive::gzip(&image.docker_archive())),
        ("docker save, OCI-based form", archive::bundle(&image.oci_files(false, true))),
        ("OCI archive", image.oci_archive(false)),
        ("OCI archive with gzip layers", image.oci_archive(true)),
        ("OCI archive, gzip around gzip", archive::gzip(&image.oci_archive(true))),
    ] {
        eprintln!("loading: {what}");
        let store = Store::empty();
        let ran = store.load(&bytes);
        assert_loaded(&store, ran, &image.id());
        let store = Store::empty();
        let ran = store.tare_with(&["load"], bytes);
        assert_loaded(&store, ran, &image.id());
    }
}

#[test]
fn our_archives_made_by_hand_are_what_others_accept() {
    if !installed("skopeo") {
        let _ = if in_vm() { cannot("skopeo is not brought into the machine") } else { lacking("skopeo (apt-get install skopeo)") };
        return;
    }
    let store = Store::empty();
    for (kind, bytes) in [
        ("docker-archive", sample().docker_archive()),
        ("oci-archive", sample().oci_archive(true)),
        ("docker-archive", archive::bundle(&sample().oci_files(false, true))),
    ] {
        let path = store.file("archive.tar", bytes);
        let about = tool(&["skopeo", "inspect", "--config", "--raw", &format!("{kind}:{}", path.display())]).ok();
        assert_eq!(format!("sha256:{}", archive::sha256(about.as_bytes())), sample().id());
    }
}

#[test]
fn load_an_oci_layout_directory() {
    let image = sample();
    let store = Store::empty();
    for (name, bytes) in image.oci_files(true, false) {
        store.file(&format!("layout/{name}"), bytes);
    }
    let ran = store.tare(&["load", "-i", store.dir.join("layout").to_str().expect("utf-8")]);
    assert_loaded(&store, ran, &image.id());
}

#[test]
fn load_zstd_around_and_inside() {
    if !installed("zstd") {
        let _ = if in_vm() { cannot("zstd is not brought into the machine") } else { lacking("zstd (apt-get install zstd)") };
        return;
    }
    let image = sample();
    let store = Store::empty();
    let plain = store.file("plain.tar", image.docker_archive());
    tool(&["zstd", "-q", plain.to_str().expect("utf-8")]).ok();
    let ran = store.tare(&["load", "-i", store.dir.join("plain.tar.zst").to_str().expect("utf-8")]);
    assert_loaded(&store, ran, &image.id());
}

#[test]
fn load_what_skopeo_writes() {
    if !installed("skopeo") {
        let _ = if in_vm() { cannot("skopeo is not brought into the machine") } else { lacking("skopeo (apt-get install skopeo)") };
        return;
    }
    let source = Store::empty();
    let archive = source.file("source.tar", sample().oci_archive(false));
    let from = format!("oci-archive:{}:sample", archive.display());
    let path = |name: &str| source.dir.join(name).display().to_string();
    for (name, target, flags) in [
        ("docker.tar", format!("docker-archive:{}:sample:latest", path("docker.tar")), &[][..]),
        ("oci.tar", format!("oci-archive:{}:sample:latest", path("oci.tar")), &[]),
        ("gzip", format!("oci:{}:sample:latest", path("gzip")), &["--dest-compress", "--dest-compress-format", "gzip"]),
        ("zstd", format!("oci:{}:sample:latest", path("zstd")), &["--dest-compress", "--dest-compress-format", "zstd"]),
        ("zstd.tar", format!("oci-archive:{}:sample:latest", path("zstd.tar")), &["--dest-compress", "--dest-compress-format", "zstd"]),
    ] {
        eprintln!("loading: {name}");
        tool(&[&["skopeo", "copy", "-q"], flags, &[&from, &target]].concat()).ok();
        let store = Store::empty();
        let ran = store.tare(&["load", "-i", &path(name)]);
        let expected = config_digest(Path::new(&path(name)));
        assert_loaded(&store, ran, &expected);
    }
}

/// What the archive itself says its config's digest is: tools rewrite configs when they convert.
fn config_digest(path: &Path) -> String {
    let read = |name: &str| {
        if path.is_dir() {
            return std::fs::read(path.join(name)).ok();
        }
        let mut archive = tar::Archive::new(std::fs::File::open(path).expect("the archive"));
        let mut entries = archive.entries().expect("entries").filter_map(Result::ok);
        let mut entry = entries.find(|entry| entry.path().is_ok_and(|path| path.strip_prefix("./").unwrap_or(&path) == Path::new(name)))?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("an entry");
        Some(bytes)
    };
    let json = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).expect("json");
    if let Some(index) = read("index.json") {
        let digest = json(index)["manifests"][0]["digest"].as_str().expect("a digest").replace(':', "/");
        let manifest = json(read(&format!("blobs/{digest}")).expect("the manifest"));
        return manifest["config"]["digest"].as_str().expect("a digest").to_string();
    }
    let config = json(read("manifest.json").expect("manifest.json"))[0]["Config"].as_str().expect("Config").to_string();
    format!("sha256:{}", archive::sha256(&read(&config).expect("the config")))
}

#[test]
fn load_what_podman_and_buildah_write() {
    let Some(tool_name) = ["podman", "buildah"].into_iter().find(|name| installed(name)) else {
        let _ = if in_vm() { cannot("podman is not brought into the machine") } else { lacking("podman (apt-get install podman)") };
        return;
    };
    let source = Store::empty();
    let archive = source.file("source.tar", sample().docker_archive());
    let storage = source.dir.join("podman");
    let flags = [
        "--root",
        &storage.join("root").display().to_string(),
        "--runroot",
        &storage.join("run").display().to_string(),
        "--storage-driver",
        "vfs",
    ]
    .map(str::to_string);
    let call = |words: &[&str]| {
        let mut all: Vec<&str> = vec![tool_name];
        all.extend(flags.iter().map(String::as_str));
        all.extend(words);
        tool(&all)
    };
    if tool_name == "buildah" {
        call(&["pull", "-q", &format!("docker-archive:{}", archive.display())]).ok();
    } else {
        call(&["load", "-q", "-i", archive.to_str().expect("utf-8")]).ok();
    }
    for format in ["docker-archive", "oci-archive"] {
        let out = source.dir.join(format!("{format}.tar")).display().to_string();
        if tool_name == "buildah" {
            call(&["push", "-q", "sample", &format!("{format}:{out}:sample:latest")]).ok();
        } else {
            call(&["save", "-q", "--format", format, "-o", &out, "sample"]).ok();
        }
        let store = Store::empty();
        let text = store.ok(&["load", "-i", &out]);
        let name = text.lines().last().and_then(|line| line.strip_prefix("Loaded image: ")).unwrap_or_else(|| panic!("{text}")).to_string();
        assert_eq!(id_of(&store, &name), config_digest(Path::new(&out)));
        store.tare(&["run", "--rm", &name]).expect_code(11);
    }
    // vfs leaves no mounts; its directories go with the store.
}

#[test]
fn loading_twice_is_quick_and_changes_nothing() {
    let image = sample();
    let store = Store::empty();
    store.load(&image.docker_archive()).ok();
    store.load(&image.docker_archive()).ok();
    store.load(&image.oci_archive(true)).ok();
    assert_eq!(store.ok(&["images", "-q"]).lines().count(), 1);
}

#[test]
fn a_new_image_takes_the_tag_over() {
    let store = Store::empty();
    let mut image = sample();
    store.load(&image.docker_archive()).ok();
    image.config = json!({"Cmd": ["/probe", "exit", "12"]});
    store.load(&image.docker_archive()).ok();
    assert_eq!(id_of(&store, "sample"), image.id());
    store.tare(&["run", "--rm", "sample"]).expect_code(12);
}

#[test]
fn an_archive_of_several_images() {
    let store = Store::empty();
    let one = Image { tag: "one".into(), ..sample() };
    let two = Image::new("two:v2", vec![Layer::new().file("x", 0o644, "x").tar()]);
    let (mut files, mut manifests) = (Vec::new(), Vec::new());
    for image in [&one, &two] {
        for (name, bytes) in image.docker_files() {
            if name == "manifest.json" {
                let part: Vec<Value> = serde_json::from_slice(&bytes).expect("json");
                manifests.extend(part);
            } else {
                files.push((name, bytes));
            }
        }
    }
    files.push(("manifest.json".into(), serde_json::to_vec(&manifests).expect("json")));
    let text = store.load(&archive::bundle(&files)).ok();
    assert!(text.contains("one:latest") && text.contains("two:v2"), "{text}");
    assert_eq!((id_of(&store, "one"), id_of(&store, "two:v2")), (one.id(), two.id()));
}

#[test]
fn an_image_without_a_name_is_loaded_by_id() {
    let store = Store::empty();
    let image = sample();
    let files: Vec<_> = image
        .docker_files()
        .into_iter()
        .map(|(name, bytes)| {
            if name != "manifest.json" {
                return (name, bytes);
            }
            let mut manifest: Value = serde_json::from_slice(&bytes).expect("json");
            manifest[0]["RepoTags"] = Value::Null;
            (name, serde_json::to_vec(&manifest).expect("json"))
        })
        .collect();
    let text = store.load(&archive::bundle(&files)).ok();
    assert!(text.contains(&image.id()), "{text}");
    store.tare(&["run", "--rm", &image.id()]).expect_code(11);
}

#[test]
fn the_teaching_image_shows_its_lesson() {
    let store = Store::empty();
    let Some(image) = store.load_built("layers") else {
        let _ = lacking("target/images/layers.tar (images/layers/build)");
        return;
    };
    let seen = store.ok(&["run", "--rm", &image, "sh", "-c", "cd /lesson; cat replaced; ls -A . hidden"]);
    assert_eq!(seen, "written again by layer 2\n.:\nhidden\nkept\nreplaced\n\nhidden:\nnew");
}

#[test]
fn whiteouts_and_opaque_directories_hide_what_is_below() {
    let store = Store::new();
    let first = Layer::new()
        .dir("a/", 0o755)
        .file("a/gone", 0o644, "x")
        .file("a/kept", 0o644, "x")
        .dir("b/", 0o755)
        .file("b/old", 0o644, "x")
        .dir("c/", 0o755)
        .file("c/inner", 0o644, "x")
        .file("d", 0o644, "a file");
    let second = Layer::new()
        .file("a/.wh.gone", 0o644, "")
        .dir("b/", 0o755)
        .file("b/new", 0o644, "x")
        .file("b/.wh..wh..opq", 0o644, "")
        .file(".wh.c", 0o644, "")
        .file("a/.wh.never-was", 0o644, "")
        .dir("d/", 0o755)
        .file("d/now-a-dir", 0o644, "x");
    let third = Layer::new().dir("c/", 0o755).file("c/again", 0o644, "x");
    let base = test_images::box_image();
    let layers = vec![base.layers[0].clone(), first.tar(), second.tar(), third.tar()];
    store.load(&Image { tag: "marks".into(), layers, ..base }.docker_archive()).ok();
    let seen = store.ok(&["run", "--rm", "marks", "sh", "-c", "find /a /b /c /d | sort"]);
    assert_eq!(seen, "/a\n/a/kept\n/b\n/b/new\n/c\n/c/again\n/d\n/d/now-a-dir");
    // A directory that is written to in the container keeps hiding what was hidden.
    let seen = store.ok(&["run", "--rm", "marks", "sh", "-c", "touch /b/x /a/x; mv /b /moved; find /a /moved | sort"]);
    assert_eq!(seen, "/a\n/a/kept\n/a/x\n/moved\n/moved/new\n/moved/x");
}

#[test]
fn a_layer_s_every_kind_of_entry_is_unpacked() {
    let store = Store::new();
    let base = test_images::box_image();
    let long = format!("{}/file", "a-directory-of-forty-characters-in-length".repeat(5));
    let very_long = format!("long/{}", "x".repeat(200));
    let mut time = Layer::header(EntryType::Regular, "precise", 0o644);
    time.set_mtime(1_000_000_000);
    let layer = Layer::new()
        .file("setuid", 0o4755, "s")
        .file("setgid", 0o2755, "s")
        .dir("sticky/", 0o1777)
        .owned_file("owned", 0o640, (1000, 10), "o")
        .file("original", 0o644, "linked")
        .hard_link("hard", "original")
        .hard_link("./hard2", "/original")
        .symlink("relative", "original")
        .symlink("absolute", "/original")
        .fifo("pipe")
        .device("null", EntryType::Char, 1, 3)
        .device("disk", EntryType::Block, 8, 0)
        .file("not/listed/parents", 0o644, "p")
        .pax(&[("mtime", b"1000000000.123456789")])
        .entry(time, b"t")
        .pax(&[("path", long.as_bytes())])
        .file("short-name-in-header", 0o644, "long")
        .pax(&[("path", very_long.as_bytes()), ("uid", b"70000"), ("gid", b"3000000")])
        .file("short2", 0o644, "very long")
        .pax(&[
            ("SCHILY.xattr.user.note", b"kept"),
            ("SCHILY.xattr.security.capability", b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
        ])
        .file("capable", 0o755, "c");
    store.load(&Image { tag: "zoo".into(), layers: vec![base.layers[0].clone(), layer.tar()], ..base }.docker_archive()).ok();
    let stat = |format: &str, path: &str| store.ok(&["run", "--rm", "zoo", "stat", "-c", format, path]);
    assert_eq!(stat("%a", "/setuid"), "4755");
    assert_eq!(stat("%a", "/setgid"), "2755");
    assert_eq!(stat("%a", "/sticky"), "1777");
    assert_eq!(stat("%u:%g %a", "/owned"), "1000:10 640");
    assert_eq!(stat("%h", "/original"), "3");
    assert_eq!(stat("%F", "/pipe"), "fifo");
    assert_eq!(stat("%F %t:%T", "/null"), "character special file 1:3");
    assert_eq!(stat("%F %t:%T", "/disk"), "block special file 8:0");
    assert_eq!(stat("%u:%g", &format!("/{very_long}")), "70000:3000000");
    assert_eq!(stat("%Y", "/precise"), "1000000000");
    assert_eq!(stat("%a %u", "/not/listed"), "755 0");
    let text = store.ok(&[
        "run",
        "--rm",
        "zoo",
        "sh",
        "-c",
        &format!("cat /hard /hard2 /relative /absolute /not/listed/parents '/{long}' '/{very_long}'"),
    ]);
    assert_eq!(text, "linkedlinkedlinkedlinkedplongvery long");
    let layer_dir = store.root.join("layer").join(archive::sha256(&layer_bytes(&store)));
    let seen = std::fs::metadata(layer_dir.join("precise")).expect("the file").modified().expect("a time");
    assert_eq!(seen.duration_since(std::time::UNIX_EPOCH).expect("after 1970").subsec_nanos(), 123_456_789, "nanoseconds are kept");
    let attribute = |name: &str| crate::common::attribute(&layer_dir.join("capable"), name);
    assert_eq!(attribute("user.note").as_deref(), Some(&b"kept"[..]));
    assert!(attribute("security.capability").is_some_and(|value| value.len() == 20));
}

/// The topmost layer of `zoo`, read back from the store.
fn layer_bytes(store: &Store) -> Vec<u8> {
    let about: Value = serde_json::from_str(&store.ok(&["image", "inspect", "zoo"])).expect("json");
    let digest = about[0]["RootFS"]["Layers"][1].as_str().expect("a diff id").replace("sha256:", "");
    // The archive was not compressed, so the blob is the layer.
    std::fs::read(store.root.join("image/blobs/sha256").join(digest)).expect("the blob")
}

#[test]
fn a_gnu_tar_with_long_names_is_read() {
    if !installed("tar") {
        let _ = lacking("tar");
        return;
    }
    let store = Store::new();
    let name = format!("{}/{}", "d".repeat(90), "f".repeat(150));
    store.file(&format!("tree/{name}"), "long name\n");
    let tar = store.dir.join("gnu.tar");
    let made =
        tool(&["tar", "--format=gnu", "-C", store.dir.join("tree").to_str().expect("utf-8"), "-cf", tar.to_str().expect("utf-8"), "."]);
    if made.code != 0 {
        let _ = cannot("this tar does not know --format=gnu");
        return;
    }
    let base = test_images::box_image();
    let layers = vec![base.layers[0].clone(), std::fs::read(tar).expect("the tar")];
    store.load(&Image { tag: "gnu".into(), layers, ..base }.docker_archive()).ok();
    assert_eq!(store.ok(&["run", "--rm", "gnu", "cat", &format!("/{name}")]), "long name");
}

/// `box` with so many small layers on top that there are `count`.
fn tower(store: &Store, tag: &str, count: usize) -> Ran {
    let base = test_images::box_image();
    let mut layers = vec![base.layers[0].clone()];
    let small = |i| Layer::new().dir("n/", 0o755).file("n/last", 0o644, format!("{i} ")).file(&format!("n/{i}"), 0o644, "x").tar();
    layers.extend((1..count).map(small));
    store.load(&Image { tag: tag.into(), layers, ..base }.docker_archive())
}

#[test]
fn two_hundred_layers_stack() {
    let store = Store::new();
    tower(&store, "tower", 200).ok();
    assert_eq!(store.ok(&["run", "--rm", "tower", "sh", "-c", "cat /n/last; ls /n | wc -l"]), "199 200");
}

#[test]
fn five_hundred_layers_stack_and_no_more() {
    let store = Store::new();
    tower(&store, "tower", 500).ok();
    let look =
        "cat /n/last; ls /n | wc -l; cat /etc/hostname /proc/sys/kernel/hostname; test -s /etc/hosts && test -e /dev/null && echo whole";
    let words = ["run", "--rm", "-h", "high", "tower", "sh", "-c", look];
    assert_eq!(store.ok(&words), "499 500\nhigh\nhigh\nwhole");
    assert_eq!(store.ok(&[&["run", "--read-only"], &words[1..]].concat()), "499 500\nhigh\nhigh\nwhole");
    let ran = tower(&store, "babel", 501).expect_code(1);
    assert!(ran.stderr.contains("501 layers") && ran.stderr.contains("500"), "{}", ran.story());
}

/// fsconfig(2) takes names of 255 bytes. Longer ones, and kernels before 6.8, get the layers by the numbers of their descriptors.
#[test]
fn five_hundred_layers_with_long_names_stack_too() {
    let mut store = Store::new();
    store.root = store.dir.join("long/".repeat(40)).join("s");
    tower(&store, "tower", 500).ok();
    assert_eq!(store.ok(&["run", "--rm", "tower", "sh", "-c", "cat /n/last; ls /n | wc -l; pwd"]), "499 500\n/");
}

#[test]
fn five_hundred_layers_need_no_mount_points_in_the_image() {
    let store = Store::new();
    let probe = std::fs::read(test_images::probe()).expect("the probe");
    let mut layers = vec![Layer::new().file("probe", 0o755, probe).tar()];
    layers.extend((1..500).map(|i| Layer::new().file("last", 0o644, i.to_string()).tar()));
    store.load(&Image::new("bare", layers).with_config(json!({"Cmd": ["/probe"]})).docker_archive()).ok();
    let report = crate::common::Report::parse(&store.ok(&["run", "--rm", "bare"]));
    assert!(report.0["dev"].get("null").is_some());
}

/// A daemon of its own, in mount and network namespaces of its own: the host's mounts, bridges and rules stay as they are.
const DOCKER_SAVE: &str = r#"
mount --make-rprivate /
dockerd --data-root "$1/root" --exec-root "$1/exec" -H "unix://$1/sock" -p "$1/pid" --bridge=none --iptables=false --ip6tables=false \
    --storage-driver=vfs >"$1/log" 2>&1 &
daemon=$!
export DOCKER_HOST="unix://$1/sock"
for _ in $(seq 120); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
docker load -qi "$2" && docker save layers:latest -o "$1/saved.tar"
done=$?
kill $daemon
wait $daemon
exit $done
"#;

#[test]
fn what_docker_saves_loads_with_the_same_id() {
    if !installed("dockerd") || !installed("docker") {
        let _ = lacking("dockerd and docker (package docker.io)");
        return;
    }
    let store = Store::empty();
    let place = store.dir.join("docker");
    std::fs::create_dir(&place).expect("a directory");
    let archive = image_dir().join("layers.tar");
    let mut script = std::process::Command::new("unshare");
    script.args(["--mount", "--net", "sh", "-c", DOCKER_SAVE, "sh"]).arg(&place).arg(&archive);
    let ran = script.output().expect("unshare runs");
    assert!(
        ran.status.success(),
        "docker save: {}\n{}",
        String::from_utf8_lossy(&ran.stderr),
        std::fs::read_to_string(place.join("log")).unwrap_or_default()
    );
    store.ok(&["load", "-i", archive.to_str().expect("utf-8")]);
    let ours = store.ok(&["image", "inspect", "-f", "{{.Id}}", "layers"]);
    store.ok(&["rmi", "layers"]);
    store.ok(&["load", "-i", place.join("saved.tar").to_str().expect("utf-8")]);
    assert_eq!(store.ok(&["image", "inspect", "-f", "{{.Id}}", "layers"]), ours);
    assert_eq!(store.ok(&["run", "--rm", "layers", "ls", "/lesson"]), "hidden\nkept\nreplaced");
}
