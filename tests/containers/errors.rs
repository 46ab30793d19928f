//! What a person is told when something cannot be done: a clear message, the right exit code, and nothing half-made.

use crate::common::{Image, Layer, Store, archive};

/// Every refused run: code, an error of ours that holds these words, and nothing left.
fn refused(store: &Store, code: i32, words: &[&str], expected: &[&str]) {
    let error = store.fails(code, words);
    for part in expected {
        assert!(error.contains(part), "{words:?}: the error should say {part:?}:\n{error}");
    }
    store.assert_nothing_left();
}

#[test]
fn unknown_images_are_named_with_what_is_near() {
    let store = Store::new();
    refused(&store, 125, &["run", "nosuchimage"], &["nosuchimage", "hint: "]);
    let error = store.fails(125, &["run", "bok"]);
    assert!(error.contains("bok") && error.contains("box"), "a near name is offered:\n{error}");
    refused(&store, 1, &["create", "nosuchimage"], &["nosuchimage"]);
    refused(&store, 125, &["run", "box:v9"], &["box:v9"]);
    refused(&store, 125, &["run", "Box"], &["Box"]);
    refused(&store, 125, &["run", "a b"], &["a b"]);
}

#[test]
fn unknown_containers_are_named_with_what_is_near() {
    let store = Store::new();
    store.ok(&["create", "--name", "webserver", "box"]);
    for words in [
        &["start", "webservr"][..],
        &["stop", "webservr"],
        &["kill", "webservr"],
        &["rm", "webservr"],
        &["wait", "webservr"],
        &["logs", "webservr"],
        &["attach", "webservr"],
        &["exec", "webservr", "true"],
        &["inspect", "webservr"],
    ] {
        let error = store.fails(1, words);
        assert!(error.contains("webservr"), "{words:?}: {error}");
        assert!(error.contains("webserver"), "{words:?}: a near name is offered: {error}");
    }
    let error = store.fails(1, &["start", "completely-different"]);
    assert!(!error.contains("webserver"), "a name that is not near is no help: {error}");
}

#[test]
fn a_name_in_use_is_refused() {
    let store = Store::new();
    let id = store.ok(&["create", "--name", "taken", "box"]);
    let error = store.fails(125, &["run", "--name", "taken", "box", "true"]);
    assert!(error.contains("taken") && (error.contains(&id[..12]) || error.contains("in use")) && error.contains("hint: "), "{error}");
    store.fails(1, &["create", "--name", "taken", "box"]);
    assert_eq!(store.names(true), ["taken"]);
    store.ok(&["rm", "taken"]);
    store.assert_nothing_left();
}

#[test]
fn bad_names_are_refused() {
    let store = Store::new();
    for name in ["", "a/b", "../x", "-x", ".x", "ä", "a b", "a\nb", &"x".repeat(300)] {
        let flag = format!("--name={name}");
        store.fails(125, &["run", &flag, "box", "true"]);
    }
    store.assert_nothing_left();
}

#[test]
fn commands_that_cannot_be_run() {
    let store = Store::new();
    for (code, command) in [
        (127, "no-such-command"),
        (127, "/no/such/path"),
        (127, "./relative"),
        (126, "/not-executable"),
        (126, "/etc"),
        (126, "/not-a-program"),
        (126, "/other-machine"),
        (127, "/dangling"),
        (126, "/loop"),
        (127, ""),
    ] {
        let ran = store.tare(&["run", "--rm", "box", command]);
        // An empty word names nothing: docker's answer changed between versions.
        assert!(ran.code == code || command.is_empty() && [125, 126, 127].contains(&ran.code), "{command:?}: {}", ran.story());
        crate::common::store::assert_proper_error(&ran);
        assert!(ran.stderr.contains(command), "{command:?}: {}", ran.story());
        store.assert_nothing_left();
    }
    let error = store.fails(126, &["run", "--rm", "box", "/other-machine"]);
    assert!(error.contains("machine") || error.contains("architecture") || error.contains("exec format"), "{error}");
    let ran = store.tare(&["run", "--rm", "box", "/no-interpreter"]);
    assert!([126, 127].contains(&ran.code) && ran.stderr.contains("interpreter"), "{}", ran.story());
}

#[test]
fn a_container_that_could_not_start_is_kept_and_can_be_removed() {
    let store = Store::new();
    store.fails(127, &["run", "--name", "stillborn", "box", "no-such-command"]);
    let state = &store.inspect("stillborn")["State"];
    assert_eq!((&state["ExitCode"], &state["Running"]), (&127.into(), &false.into()), "{state}");
    store.ok(&["rm", "stillborn"]);
    store.fails(127, &["run", "-d", "--name", "stillborn", "box", "no-such-command"]);
    store.ok(&["rm", "stillborn"]);
    refused(&store, 127, &["run", "-d", "--rm", "box", "no-such-command"], &["no-such-command"]);
}

#[test]
fn users_that_are_not_there() {
    let store = Store::new();
    for user in ["nobodyhere", "alice:nogroup-here", "-1", "4294967295", "4294967296", "1:4294967295", "1:-5", "root:", "1:2:3", " "] {
        let flag = format!("--user={user}");
        let ran = store.tare(&["run", "--rm", &flag, "box", "id"]);
        if user == "root:" && ran.code == 0 {
            continue; // an empty group is the user's own
        }
        assert!([125, 126].contains(&ran.code), "{flag}: {}", ran.story());
        crate::common::store::assert_proper_error(&ran);
        store.assert_nothing_left();
    }
    let error = store.tare(&["run", "--rm", "-u", "nobodyhere", "box", "id"]).stderr;
    assert!(error.contains("nobodyhere") && error.contains("/etc/passwd"), "{error}");
}

#[test]
fn a_working_directory_that_is_a_file() {
    let store = Store::new();
    for dir in ["/etc/passwd", "/etc/passwd/below"] {
        let ran = store.tare(&["run", "--rm", "-w", dir, "box", "true"]);
        assert!([125, 126].contains(&ran.code), "{}", ran.story());
        assert!(ran.stderr.contains(dir) && ran.stderr.to_lowercase().contains("not a directory"), "{}", ran.stderr);
        store.assert_nothing_left();
    }
    refused(&store, 125, &["run", "--rm", "-w", "relative", "box", "true"], &["relative"]);
}

#[test]
fn an_image_for_another_machine() {
    let store = Store::new();
    let mut image = Image::new("foreign", vec![Layer::new().file("x", 0o755, "x").tar()]);
    image.architecture = "s390x".into();
    store.load(&image.docker_archive()).ok();
    let ran = store.tare(&["run", "--rm", "foreign", "/x"]);
    assert!([125, 126].contains(&ran.code), "{}", ran.story());
    assert!(ran.stderr.contains("s390x") || ran.stderr.contains("machine"), "{}", ran.stderr);
    store.assert_nothing_left();
}

#[test]
fn an_image_without_a_command() {
    let store = Store::new();
    let image = Image::new("idle", vec![Layer::new().file("x", 0o644, "x").tar()]).with_config(serde_json::json!({}));
    store.load(&image.docker_archive()).ok();
    refused(&store, 125, &["run", "idle"], &["command"]);
}

#[test]
fn bad_values_of_every_flag() {
    let store = Store::new();
    for (flag, value) in [
        ("--memory", "lots"),
        ("--memory", "-5"),
        ("--memory", "1k"),
        ("--memory", "99999999999999999999g"),
        ("--memory-swap", "-7"),
        ("--cpus", "many"),
        ("--cpus", "-1"),
        ("--cpus", "NaN"),
        ("--cpus", "inf"),
        ("--cpu-shares", "x"),
        ("--pids-limit", "x"),
        ("--ulimit", "nofile"),
        ("--ulimit", "colour=5"),
        ("--ulimit", "nofile=9:5"),
        ("--ulimit", "nofile=x"),
        ("--cap-add", "FLY"),
        ("--cap-drop", "FLY"),
        ("--security-opt", "colour=red"),
        ("--security-opt", "seccomp=/no/such/profile"),
        ("--env-file", "/no/such/file"),
        ("--env", "=x"),
        ("--volume", "relative/path"),
        ("--volume", "/x:relative"),
        ("--volume", "/x:/y:colour"),
        ("--volume", "/x:/y:ro:rw:z:z"),
        ("--volume", "/tmp:/"),
        ("--mount", "type=bind"),
        ("--mount", "type=colour,target=/x"),
        ("--mount", "type=tmpfs,target=/x,colour=red"),
        ("--mount", "type=tmpfs,target=/x,tmpfs-size=much"),
        ("--mount", "type=bind,source=relative,target=/x"),
        ("--tmpfs", "relative"),
        ("--tmpfs", "/x:colour=red"),
        ("--device", "/no/such/device"),
        ("--device", "/etc/passwd"),
        ("--device", "/dev/null:/dev/x:q"),
        ("--stop-signal", "COLOUR"),
        ("--stop-signal", "99"),
        ("--stop-timeout", "x"),
        ("--network", "a b"),
        ("--network", "nosuch"),
        ("--publish", "80/icmp"),
        ("--publish", "localhost:80:80"),
        ("--ip", "10.0.0"),
        ("--net-rate", "fast"),
        ("--pid", "colour"),
        ("--ipc", "colour"),
        ("--uts", "colour"),
        ("--hostname", "bad host"),
        ("--hostname", &"h".repeat(65)),
        ("--detach-keys", "ctrl-colour"),
        ("--label", "=x"),
    ] {
        let flag = format!("{flag}={value}");
        let ran = store.tare(&["run", "--rm", &flag, "box", "true"]);
        assert_eq!(ran.code, 125, "{flag} must be refused: {}", ran.story());
        crate::common::store::assert_proper_error(&ran);
        store.assert_nothing_left();
    }
}

#[test]
fn contradictions_are_refused() {
    let store = Store::new();
    for words in [
        &["run", "-d", "--detach-keys", "a,a,", "box"][..],
        &["run", "--memory", "100m", "--memory-swap", "50m", "box", "true"],
        &["run", "-v", "/tmp:/x", "-v", "/var:/x", "box", "true"],
        &["run", "--uts", "host", "--hostname", "x", "box", "true"],
        &["run"],
        &["run", "--rm"],
        &["create"],
    ] {
        let ran = store.tare(words);
        assert!([1, 125].contains(&ran.code), "{words:?}: {}", ran.story());
    }
    store.assert_nothing_left();
}

#[test]
fn unknown_commands_and_flags_are_refused_with_what_is_near() {
    let store = Store::new();
    let ran = store.tare(&["rnu", "box"]);
    assert!(ran.code != 0 && ran.stderr.contains("rnu") && ran.stderr.contains("run"), "{}", ran.story());
    let ran = store.tare(&["run", "--memori", "5m", "box"]);
    assert!(ran.code == 125 && ran.stderr.contains("--memori") && ran.stderr.contains("--memory"), "{}", ran.story());
    let ran = store.tare(&["ps", "--colour"]);
    assert!(ran.code != 0 && ran.stderr.contains("--colour"), "{}", ran.story());
    for words in [&["start"][..], &["stop"], &["kill"], &["rm"], &["exec"], &["logs"], &["wait"], &["inspect"], &["rmi"], &["tag", "x"]] {
        let ran = store.tare(words);
        assert!(ran.code != 0 && !ran.stderr.is_empty(), "{words:?}: {}", ran.story());
    }
}

#[test]
fn help_is_no_error() {
    let store = Store::empty();
    for words in [&["--help"][..], &["help"], &["run", "--help"], &["ps", "--help"], &["image", "--help"]] {
        let ran = store.tare(words);
        assert!(ran.code == 0 && ran.stdout.contains("Usage"), "{words:?}: {}", ran.story());
    }
}

#[test]
fn the_exit_code_does_not_depend_on_where_the_store_is_named() {
    let store = Store::new();
    let root = store.root.display().to_string();
    let ran = store.tare(&["--root", &root, "run", "nosuchimage"]);
    assert_eq!(ran.code, 125, "{}", ran.story());
}

#[test]
fn broken_archives() {
    let store = Store::empty();
    let good = Image::new("good", vec![Layer::new().file("x", 0o644, "x").tar()]);
    let (docker, oci) = (good.docker_archive(), good.oci_archive(true));
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let mut flipped = archive::gzip(&docker);
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("text", b"this is no archive\n".repeat(100)),
        ("zeros", vec![0; 20480]),
        ("half a docker archive", half(&docker)),
        ("half an OCI archive", half(&oci)),
        ("half a gzip", half(&archive::gzip(&docker))),
        ("a damaged gzip", flipped),
        ("a tar without a manifest", Layer::new().file("x", 0o644, "x").tar()),
        ("a manifest that is no JSON", Layer::new().file("manifest.json", 0o644, "[{").tar()),
        ("a manifest without images", Layer::new().file("manifest.json", 0o644, "[]").tar()),
        ("a manifest of another kind", Layer::new().file("manifest.json", 0o644, "{\"a\": 1}").tar()),
        (
            "a manifest whose parts are missing",
            Layer::new().file("manifest.json", 0o644, r#"[{"Config":"c.json","RepoTags":["a:b"],"Layers":["l.tar"]}]"#).tar(),
        ),
        ("a deep manifest", Layer::new().file("manifest.json", 0o644, format!("{}{}", "[".repeat(5000), "]".repeat(5000))).tar()),
    ] {
        let ran = store.load(&bytes);
        assert_eq!(ran.code, 1, "{what}: {}", ran.story());
        crate::common::store::assert_proper_error(&ran);
        nothing_half_made(&store, what);
    }
    let error = store.fails(1, &["load", "-i", "/no/such/archive.tar"]);
    assert!(error.contains("/no/such/archive.tar"), "{error}");
}

/// No image, no layer, no blob that nobody refers to, no scraps.
pub fn nothing_half_made(store: &Store, what: &str) {
    assert_eq!(store.ok(&["images", "-aq"]), "", "{what}: an image appeared");
    for (dir, allowed) in [("layer", "ground"), ("image/blobs/sha256", ""), ("unfinished", "")] {
        let names: Vec<String> = std::fs::read_dir(store.root.join(dir))
            .into_iter()
            .flatten()
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| name != allowed)
            .collect();
        assert!(names.is_empty(), "{what}: {dir}/ holds {names:?}");
    }
}

#[test]
fn wrong_digests_are_found() {
    let good = Image::new("good", vec![Layer::new().file("x", 0o644, "the right content").tar()]);
    let tampered = Layer::new().file("x", 0o644, "the wrong content").tar();
    // The layer's blob, its diff id, the config and the manifest: each is verified.
    let store = Store::empty();
    let change = |files: Vec<(String, Vec<u8>)>, pick: &dyn Fn(&str, &[u8]) -> bool, to: &[u8]| {
        let files: Vec<_> =
            files.into_iter().map(|(name, bytes)| if pick(&name, &bytes) { (name, to.to_vec()) } else { (name, bytes) }).collect();
        archive::bundle(&files)
    };
    let layer = good.layers[0].clone();
    let config = good.config_text();
    let other_config = Image { config: serde_json::json!({"Cmd": ["evil"]}), ..good.clone() }.config_text();
    for (what, bytes) in [
        ("OCI layer blob", change(good.oci_files(false, false), &|_, bytes| bytes == layer, &tampered)),
        (
            "OCI compressed layer blob",
            change(good.oci_files(true, false), &|_, bytes| bytes == archive::gzip(&layer), &archive::gzip(&tampered)),
        ),
        ("OCI config", change(good.oci_files(false, false), &|_, bytes| bytes == config, &other_config)),
        ("docker layer", change(good.docker_files(), &|name, _| name.ends_with("layer.tar"), &tampered)),
        ("docker, OCI-based, layer", change(good.oci_files(false, true), &|_, bytes| bytes == layer, &tampered)),
    ] {
        let ran = store.load(&bytes);
        assert_eq!(ran.code, 1, "{what}: {}", ran.story());
        assert!(ran.stderr.contains("digest") || ran.stderr.contains("diff id") || ran.stderr.contains("sha256"), "{what}: {}", ran.stderr);
        nothing_half_made(&store, what);
    }
}

#[test]
fn digests_of_unknown_kinds_are_refused() {
    let good = Image::new("good", vec![Layer::new().file("x", 0o644, "x").tar()]);
    let store = Store::empty();
    let hex = archive::sha256(&good.layers[0]);
    for bad in [
        format!("md5:{hex}"),
        format!("sha256:{}", hex.to_uppercase()),
        format!("sha256:{}", &hex[..63]),
        format!("sha256:../../{hex}"),
        hex.clone(),
        "sha256:".into(),
        String::new(),
    ] {
        // The config names the layer; the config's own digest is right.
        let text = String::from_utf8(good.config_text()).expect("utf-8").replace(&format!("sha256:{hex}"), &bad);
        let name = format!("{}.json", archive::sha256(text.as_bytes()));
        let manifest = serde_json::json!([{"Config": name, "RepoTags": ["bad:latest"], "Layers": ["l.tar"]}]).to_string();
        let files = [(name, text.into_bytes()), ("l.tar".into(), good.layers[0].clone()), ("manifest.json".into(), manifest.into_bytes())];
        let ran = store.load(&archive::bundle(&files));
        assert_eq!(ran.code, 1, "{bad}: {}", ran.story());
        nothing_half_made(&store, &bad);
    }
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    let store = Store::empty();
    let file = store.file("not-a-directory", "x");
    let ran = store.tare(&["--root", file.to_str().expect("utf-8"), "load", "-i", "/dev/null"]);
    assert!(ran.code != 0, "{}", ran.story());
    crate::common::store::assert_proper_error(&ran);
}

#[test]
fn a_damaged_record_is_named_and_does_not_spoil_the_rest() {
    let store = Store::new();
    store.ok(&["create", "--name", "well", "box"]);
    let id = store.ok(&["create", "--name", "hurt", "box"]);
    std::fs::write(store.root.join("container").join(&id).join("container.json"), "{ broken").expect("damage");
    let ran = store.tare(&["ps", "-a", "--format", "{{.Names}}"]);
    assert!(ran.stdout.contains("well"), "one damaged container must not hide the others: {}", ran.story());
    assert_eq!(store.ok(&["start", "well"]), "well");
    let ran = store.tare(&["rm", "-f", &id]);
    assert_eq!(ran.code, 0, "what is damaged can be removed: {}", ran.story());
}

/// The start is asked for before the world is built: who fails meanwhile ends with that word unread, and the kernel tells of this first.
#[test]
fn why_a_start_failed_is_told_every_time() {
    let store = Store::new();
    for _ in 0..crate::common::rounds(100) {
        let told = store.fails(125, &["run", "--rm", "--sysctl", "net.core.somaxconn=many", "box", "true"]);
        assert!(told.contains("cannot set --sysctl net.core.somaxconn to many"), "{told}");
    }
    store.assert_nothing_left();
}
