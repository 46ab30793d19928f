//! Names, labels and comments as weapons: what climbs, what is no text, what a terminal obeys, what is far too long.

use crate::common::store::assert_proper_error;
use crate::common::{Image, Layer, Store, Victim, eventually, leftovers, process, rounds, test_images};
use serde_json::json;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Names for which nothing may be made, whatever they are meant for.
fn hostile() -> Vec<String> {
    let mut names: Vec<String> =
        ["..", ".", "../x", "../../../../etc", "a/../../b", "/etc", "a/b", "a\\b", "-rf", "--help", "a\nb", "a\tb", " ", "a b"]
            .into_iter()
            .map(str::to_owned)
            .collect();
    names.extend(
        [
            "\u{1b}[31mred",
            "\u{9b}31m",
            "a\u{202e}b",
            "we\u{43e}b",
            "w\u{ff45}b",
            "a\u{200b}b",
            "é",
            "\u{7f}",
            "a;reboot",
            "$(reboot)",
            "a:b:c",
        ]
        .map(str::to_owned),
    );
    names.extend(["x".repeat(64 << 10), "x/".repeat(2000), "x".repeat(201)]);
    names
}

/// What a store holds, by name. Scraps count, too.
fn tree(store: &Store) -> String {
    eventually("nobody is at work", || std::fs::read_dir(store.run.join("container")).map_or(0, Iterator::count) == 0);
    process::tool(&["find", store.dir.to_str().expect("utf-8"), "!", "-path", "*/layer/*", "!", "-name", "events", "!", "-name", "swept"])
        .ok()
}

#[test]
fn no_hostile_name_makes_anything_anywhere() {
    let store = Store::new();
    store.ok(&["create", "--name", "tame", "box"]);
    store.ok(&["volume", "create", "tame"]);
    store.ok(&["ps"]);
    let before = tree(&store);
    for name in hostile() {
        let (flag, mount) = (format!("--name={name}"), format!("type=volume,source={name},target=/x"));
        for words in [
            &["create", &flag, "box"][..],
            &["run", "--rm", &flag, "box", "true"],
            &["rename", "tame", &name],
            &["rename", "--", "tame", &name],
            &["volume", "create", "--", &name],
            &["volume", "rm", "--", &name],
            &["volume", "inspect", "--", &name],
            &["run", "--rm", "--mount", &mount, "box", "true"],
            &["start", "--", &name],
            &["rm", "-f", "--", &name],
            &["logs", "--", &name],
            &["inspect", "--", &name],
            &["rmi", "--", &name],
        ] {
            // What a comma or an equals sign begins is a matter for --mount; help is help.
            let ran = store.tare(words);
            if ran.code == 0 && (words.contains(&"--help") || name == "--help") {
                continue;
            }
            // By force, what is not there is as good as removed.
            let allowed: &[i32] = if words[1] == "-f" { &[0] } else { &[1, 125] };
            assert!(allowed.contains(&ran.code), "{:.80?}: {:.300}", words, ran.story());
            // A name of dots may be the last word of an error.
            if !name.ends_with('.') {
                assert_proper_error(&ran);
            }
            let is_harmless = |letter: char| letter == '\n' || !letter.is_control() && !('\u{202a}'..='\u{202e}').contains(&letter);
            assert!(ran.stderr.chars().all(is_harmless), "{:.80?}: {:.300?}", words, ran.stderr);
        }
    }
    assert_eq!(tree(&store), before);
    store.ok(&["rm", "tame"]);
    store.assert_nothing_left();
}

#[test]
fn names_of_images_are_references_or_nothing() {
    let store = Store::new();
    for name in hostile() {
        // A path is a reference, and a colon begins a tag.
        if ["a/b", "a:b:c"].contains(&name.as_str()) {
            continue;
        }
        let ran = store.tare(&["tag", "--", "box", &name]);
        if name.len() == 201 {
            assert_eq!(ran.code, 0, "two hundred letters are no crime: {}", ran.story());
            store.ok(&["rmi", &name]);
            continue;
        }
        assert!([1, 125].contains(&ran.code), "{name:.80?}: {:.300}", ran.story());
        // An archive that brings such a name is refused, or comes in without it.
        let image = Image::new(&name, vec![Layer::new().file("x", 0o644, "x").tar()]);
        let files: Vec<_> = image.docker_files();
        let ran = store.load(&crate::common::archive::bundle(&files));
        assert!([0, 1].contains(&ran.code), "{name:.80?}: {:.300}", ran.story());
        let shown = store.ok(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
        assert!(shown.lines().all(|line| ["box:latest", "probe:latest", "<none>:<none>"].contains(&line)), "{name:.80?}: {shown:?}");
    }
    store.ok(&["image", "prune", "-f"]);
    assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong");
}

/// Everything that an image or a container can say of itself, in letters that a terminal obeys.
const POISON: &str = "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J\u{202e}backwards";

fn poisoned(store: &Store) {
    let config = json!({
        "Cmd": ["/bin/busybox", "echo", POISON], "Env": [format!("POISON={POISON}")], "Labels": {"poison": POISON}, "User": "", "WorkingDir": "/",
    });
    let base = test_images::box_image();
    let mut text: serde_json::Value =
        serde_json::from_slice(&Image { tag: "poison".into(), config, ..base.clone() }.config_text()).expect("JSON");
    text["author"] = json!(POISON);
    text["history"] =
        json!([{"created": "2024-01-02T03:04:05Z", "created_by": POISON, "comment": format!("{POISON}\nforged   row"), "author": POISON}]);
    let bytes = text.to_string().into_bytes();
    let name = format!("{}.json", crate::common::archive::sha256(&bytes));
    let manifest = json!([{"Config": name, "RepoTags": ["poison:latest"], "Layers": ["l.tar"]}]).to_string();
    let files = [(name, bytes), ("l.tar".to_owned(), base.layers[0].clone()), ("manifest.json".to_owned(), manifest.into_bytes())];
    store.load(&crate::common::archive::bundle(&files)).ok();
    let label = format!("poison={POISON}\nforged\trow");
    store.ok(&["create", "--name", "poisoned", "--label", &label, "-e", &format!("POISON={POISON}"), "poison", "echo", POISON]);
    store.ok(&["volume", "create", "--label", &label, "poisoned"]);
}

#[test]
fn a_terminal_obeys_nothing_that_an_image_or_a_container_says() {
    let store = Store::new();
    poisoned(&store);
    for words in [
        &["ps", "-a", "--no-trunc"][..],
        &["ps", "-a", "--format", "{{.Labels}} {{.Command}}"],
        &["ps", "-a", "--format", "table {{.Names}}\t{{.Labels}}"],
        &["images", "--format", "json"],
        &["history", "--no-trunc", "poison"],
        &["inspect", "poisoned"],
        &["inspect", "poison"],
        &["inspect", "-f", "{{.Config.Labels}} {{.Config.Env}}", "poisoned"],
        &["volume", "ls", "--format", "{{.Name}} {{.Labels}}"],
        &["volume", "inspect", "poisoned"],
        &["system", "df", "-v"],
        &["container", "prune", "--filter", "label=nothing"],
        &["events", "--since", "10m", "--until", "0s"],
    ] {
        let mut person = store.terminal(words);
        if words[1] == "prune" {
            person.send("n\n");
        }
        person.wait();
        let harmless = |letter: char| ['\r', '\n', '\t'].contains(&letter) || !letter.is_control() && letter != '\u{202e}';
        assert!(person.shown.chars().all(harmless), "{words:?}: {:?}", person.shown);
        assert!(!person.shown.trim().is_empty(), "{words:?} shows nothing");
    }
}

#[test]
fn nobody_forges_a_row() {
    let store = Store::new();
    poisoned(&store);
    for (words, lines) in [
        (&["ps", "-a", "--format", "table {{.Names}}\t{{.Labels}}"][..], 2),
        (&["volume", "ls", "--format", "table {{.Name}}\t{{.Labels}}"], 2),
        (&["history", "--no-trunc", "poison"], 2),
        (&["ps", "-a", "--no-trunc"], 2),
    ] {
        let shown = store.ok(words);
        assert_eq!(shown.lines().count(), lines, "{words:?}: {shown:?}");
    }
    // Whoever asks for the value gets the value.
    assert!(store.ok(&["ps", "-a", "--format", "{{.Label \"poison\"}}"]).contains("\nforged\trow"));
}

#[test]
fn labels_and_words_of_any_length_are_kept_or_refused() {
    let store = Store::new();
    // One word of a command line has 128 KiB at most.
    let long = "x".repeat(60 << 10);
    let (label, variable) = (format!("{long}={long}"), format!("LONG={long}"));
    let ran = store.tare(&["create", "--name", "long", "--label", &label, "-e", &variable, "--hostname", "h", "box", "true"]);
    assert_eq!(ran.code, 0, "{:.300}", ran.story());
    assert_eq!(store.ok(&["ps", "-aq", "--filter", &format!("label={long}")]).len(), 12);
    store.tare(&["start", "-a", "long"]).expect_code(0);
    store.ok(&["rm", "long"]);
    // Labels never act: those that made other engines do something.
    for label in [
        "io.containerd.cri.hook=/x",
        "cdi.k8s.io/x=vendor.com/device=all",
        "run.oci.hooks=/x",
        "io.podman.annotations.privileged=TRUE",
        "org.systemd.property.X=1",
    ] {
        assert_eq!(
            store.ok(&["run", "--rm", "--label", label, "box", "sh", "-c", "ls /dev | wc -l"]),
            store.ok(&["run", "--rm", "box", "sh", "-c", "ls /dev | wc -l"])
        );
    }
    store.assert_nothing_left();
}

/// CVE-2021-41091, CVE-2021-41103: no other user comes into any directory of the store, however old the store is.
#[test]
fn another_user_sees_nothing_of_the_store() {
    let store = Store::new();
    store.ok(&[
        "run",
        "-d",
        "--name",
        "web",
        "-v",
        "data:/data",
        "box",
        "sh",
        "-c",
        "cp /bin/busybox /data/sh; chmod 4755 /data/sh; sleep 1000",
    ]);
    store.ok(&["run", "-d", "--rm", "-v", "/anonymous", "box", "sleep", "1000"]);
    std::fs::set_permissions(&store.dir, std::fs::Permissions::from_mode(0o755)).expect("open to all");
    for top in [&store.root, &store.run] {
        assert_eq!(std::fs::metadata(top).expect("a directory").mode() & 0o077, 0, "{}", top.display());
        // Also where somebody has opened the top, for a backup or a look.
        std::fs::set_permissions(top, std::fs::Permissions::from_mode(0o755)).expect("open to all");
        let user = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"];
        let words = [&user[..], &["find", top.to_str().expect("utf-8"), "-mindepth", "2"]].concat();
        let ran = process::tool(&words);
        assert_eq!(ran.stdout, "", "another user sees something below {}: {}", top.display(), ran.story());
        assert!(ran.stderr.contains("Permission denied"), "{}", ran.story());
    }
    store.ok(&["rm", "-f", "web"]);
}

/// `:U` gives a volume to the container's user while somebody exchanges what lies in it for a way out.
#[test]
fn a_volume_that_changes_hands_never_leads_out() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    store.ok(&["volume", "create", "data"]);
    let data = store.root.join("volume/data/_data");
    std::fs::create_dir_all(data.join("part/deep")).expect("a directory");
    std::os::unix::fs::symlink(victim.path(), data.join("evil")).expect("a symlink");
    let racer = exchange(&data.join("part"), &data.join("evil"));
    let mut given = 0;
    for round in 0..rounds(100) {
        let user = (1000 + round % 2).to_string();
        let ran = store.tare(&["run", "--rm", "-u", &user, "-v", "data:/data:U", "box", "true"]);
        assert!([0, 125].contains(&ran.code), "{}", ran.story());
        given += usize::from(ran.code == 0);
        victim.assert_untouched("a volume that changes hands");
        let about = std::fs::metadata(victim.path()).expect("the victim");
        assert_eq!((about.uid(), about.gid()), (store.outside(0), store.outside(0)), "the victim's directory was given away");
    }
    drop(racer);
    assert!(given > 0, "no start was ever right, so this test has seen nothing");
}

/// A volume is removed, measured and pruned while somebody exchanges what lies in it for a way out.
#[test]
fn a_volume_that_is_measured_and_removed_never_leads_out() {
    let store = Store::new();
    let victim = Victim::new(&store.dir);
    for round in 0..rounds(100) {
        store.ok(&["volume", "create", "data"]);
        let data = store.root.join("volume/data/_data");
        std::fs::create_dir_all(data.join("part/deep/deeper")).expect("a directory");
        std::os::unix::fs::symlink(victim.path(), data.join("evil")).expect("a symlink");
        let racer = exchange(&data.join("part"), &data.join("evil"));
        let size = store.ok(&["system", "df", "-v", "--format", "{{range .Volumes}}{{.Size}}{{end}}"]);
        // The text of the symlink, and nothing of what it leads to.
        assert!(size.trim_end_matches('B').parse::<usize>().is_ok_and(|size| size <= 2 * victim.path().len()), "{size}");
        let ran = if round % 2 == 0 { store.tare(&["volume", "rm", "data"]) } else { store.tare(&["volume", "prune", "-af"]) };
        drop(racer);
        ran.ok();
        victim.assert_untouched("a volume that is removed");
    }
    store.ok(&["volume", "ls", "-q"]);
    leftovers::assert_none(&store);
}

/// As long as it lives, two names change places.
struct Racer(Option<std::thread::JoinHandle<()>>, std::sync::Arc<std::sync::atomic::AtomicBool>);

fn exchange(one: &Path, other: &Path) -> Racer {
    use std::sync::atomic::Ordering;
    let c_string = |path: &Path| std::ffi::CString::new(path.to_str().expect("utf-8")).expect("a path");
    let (one, other) = (c_string(one), c_string(other));
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = over.clone();
    let thread = std::thread::spawn(move || {
        while !seen.load(Ordering::Relaxed) {
            // SAFETY: two C strings.
            unsafe {
                libc::syscall(libc::SYS_renameat2, libc::AT_FDCWD, one.as_ptr(), libc::AT_FDCWD, other.as_ptr(), libc::RENAME_EXCHANGE)
            };
        }
    });
    Racer(Some(thread), over)
}

impl Drop for Racer {
    fn drop(&mut self) {
        self.1.store(true, std::sync::atomic::Ordering::Relaxed);
        let _ = self.0.take().map(std::thread::JoinHandle::join);
    }
}
