//! Images in all weathers: a disk that fills up at every step, a load that is killed at any moment, several at once.

use super::errors::nothing_half_made;
use crate::common::{Image, Layer, Ran, Store, archive, cannot, image_dir, in_vm, program, test_images};
use std::path::Path;
use std::process::{Command, Stdio};

/// Three layers of different kinds, 300 kB together.
fn sample() -> Image {
    let noise: Vec<u8> = (0..150_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut many = Layer::new();
    for number in 0..40 {
        many = many.dir(&format!("d{number}/"), 0o755).file(&format!("d{number}/f"), 0o644, &noise[..number * 50]);
    }
    let layers = vec![Layer::new().file("noise", 0o644, &noise).tar(), many.tar(), Layer::new().file(".wh.noise", 0o644, "").tar()];
    Image::new("weather", layers)
}

/// Many commands in one script take longer than one may.
fn patiently(mut script: Command) -> Ran {
    let started = std::time::Instant::now();
    let out = script.stdin(Stdio::null()).output().expect("the script runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran {
        command: format!("{script:?}"),
        code: out.status.code().unwrap_or(-1),
        stdout: text(&out.stdout),
        stderr: text(&out.stderr),
        raw: out.stdout,
        took: started.elapsed(),
    }
}

/// In a mount namespace of its own: a small disk; then, for each size, a load that fails or not, what it left, and a load with
/// room. The limits are lifted, so that it is the disk that says no.
const SMALL_DISK: &str = r#"
mount --make-rprivate /
lift="--max-layer-size 100g --max-layer-entries 100000"
mkdir -p "$2/disk"
for kilobytes in $(seq "$4" "$5" "$6"); do
    mount -t tmpfs -o "size=${kilobytes}k" small "$2/disk"
    export TARE_ROOT="$2/disk/s"
    case $1 in
        load) "$3" load $lift -qi "$7" >"$2/out" 2>"$2/err" ;;
        piped) cat "$7" | "$3" load $lift -q >"$2/out" 2>"$2/err" ;;
        import) "$3" import $lift -q "$7" weather >"$2/out" 2>"$2/err" ;;
    esac
    code=$?
    left=$(cd "$TARE_ROOT" 2>/dev/null && find layer unfinished image/blobs/sha256 -mindepth 1 2>/dev/null | head -5 | tr '\n' ' '; find "$TARE_ROOT" -name '*.new*' 2>/dev/null)
    [ $code = 0 ] && left=
    mount -o remount,size=64m "$2/disk"
    case $1 in
        load | piped) "$3" load $lift -qi "$7" >/dev/null 2>"$2/err2" ;;
        import) "$3" import $lift -q "$7" weather >/dev/null 2>"$2/err2" ;;
    esac
    again=$?
    echo "$kilobytes|$code|$again|$left|$(cat "$2/err" "$2/err2" | tr '\n' '~')"
    umount "$2/disk"
done
"#;

/// In coarse steps first, then page by page where it just does not fit: there it is the last writes that fail.
fn on_small_disks(way: &str, archive: &Path, store: &Store, [from, step, to]: [u32; 3]) {
    let first = try_sizes(way, archive, store, [from, step, to]);
    try_sizes(way, archive, store, [first - step + 4, 4, first]);
}

/// Gives the first size that is enough.
fn try_sizes(way: &str, archive: &Path, store: &Store, sizes: [u32; 3]) -> u32 {
    let mut script = Command::new("unshare");
    script.args(["--mount", "sh", "-c", SMALL_DISK, "sh", way]).arg(&store.dir).arg(program());
    script.args(sizes.map(|size| size.to_string())).arg(archive).env("TARE_RUN", &store.run).env("TARE_NETWORK", "none");
    let ran = patiently(script);
    let text = ran.stdout.clone();
    let (mut refused, mut first, mut said) = (0, None, std::collections::BTreeSet::new());
    for line in text.lines() {
        let fields: Vec<&str> = line.splitn(5, '|').collect();
        let [size, code, again, left, error] = fields[..] else { panic!("{}", ran.story()) };
        assert_eq!((again, left), ("0", ""), "{way}, {size} kB: what a full disk left, and a load with room: {line}");
        if code == "0" {
            first.get_or_insert(size.parse().expect("a number"));
            continue;
        }
        refused += 1;
        assert!(code == "1" && error.starts_with("tare: ") && error.contains("No space left on device~hint: "), "{way}, {size} kB: {line}");
        said.insert(error.split("No space").next().unwrap_or_default().to_string());
    }
    eprintln!(
        "{way}: {refused} refused, from {first:?} kB on taken; where it struck:\n{}",
        said.into_iter().collect::<Vec<_>>().join("\n")
    );
    assert!(refused > 0, "the sizes begin too small: {}", ran.story());
    first.unwrap_or_else(|| panic!("the sizes reach to enough: {}", ran.story()))
}

#[test]
fn a_full_disk_in_every_step_of_a_load_leaves_nothing() {
    let store = Store::empty();
    let archive = store.file("archive.tar", sample().oci_archive(true));
    on_small_disks("load", &archive, &store, [8, 24, 680]);
    on_small_disks("piped", &archive, &store, [8, 48, 680]);
}

#[test]
fn a_full_disk_in_every_step_of_an_import_leaves_nothing() {
    let store = Store::empty();
    let archive = store.file("root.tar", &sample().layers[1]);
    on_small_disks("import", &archive, &store, [8, 24, 400]);
}

#[test]
fn an_image_that_would_fill_the_disk_is_refused_before() {
    const SCRIPT: &str = r#"mount --make-rprivate / && mkdir "$1/disk" && mount -t tmpfs -o size=8m small "$1/disk"
TARE_ROOT="$1/disk/s" "$2" load -i "$3"; code=$?; find "$1/disk/s/layer" "$1/disk/s/unfinished" -mindepth 1; exit $code"#;
    let store = Store::empty();
    let layer = Layer::new().file("big", 0o644, vec![0; 7 << 20]).tar();
    let archive = store.file("archive.tar", Image::new("big", vec![layer]).oci_archive(true));
    let mut script = Command::new("unshare");
    script
        .args(["--mount", "sh", "-c", SCRIPT, "sh"])
        .arg(&store.dir)
        .arg(program())
        .arg(&archive)
        .env("TARE_RUN", &store.run)
        .env("TARE_NETWORK", "none");
    let ran = crate::common::process::run(script, None).expect_code(1);
    assert!(ran.stderr.contains("more than three quarters of the room") && ran.stderr.contains("hint: "), "{}", ran.story());
    assert_eq!(ran.stdout, "");
}

/// What an endless pipe is answered; it is never read to an end that it has not.
#[test]
fn endless_archives_end() {
    let store = Store::empty();
    let program = program();
    for source in ["cat /dev/zero", "yes", "cat /dev/zero | gzip -1", "while cat \"$1\"; do :; done", "while cat \"$2\"; do :; done"] {
        // Entries without an end marker; gzip members that hold nothing.
        let entries = store.file("piece.tar", Layer::new().dir("a/", 0o755).tar()[..512].repeat(1000));
        let nothing = store.file("piece.gz", archive::gzip(b"").repeat(5000));
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{source} | \"$0\" load --max-layer-size 64m")]).arg(&program).args([entries, nothing]);
        shell.env("TARE_ROOT", &store.root).env("TARE_RUN", &store.run).env("TARE_NETWORK", "none").stderr(Stdio::piped());
        let ran = crate::common::process::run(shell, None);
        assert_eq!(ran.code, 1, "{source}: {}", ran.story());
        assert!(ran.stderr.contains("tare: cannot load"), "{source}: {}", ran.story());
        nothing_half_made(&store, source);
    }
}

/// The store as it must be at any time: what is listed is whole.
fn assert_valid(store: &Store, id: &str, when: &str) {
    for found in store.ok(&["images", "-q", "--no-trunc"]).lines() {
        assert_eq!(found, id, "{when}");
        let about = store.inspect("weather");
        for layer in about["RootFS"]["Layers"].as_array().expect("layers") {
            let tree = store.root.join("layer").join(layer.as_str().expect("a diff id").trim_start_matches("sha256:"));
            assert!(tree.is_dir(), "{when}: {} is listed and not there", tree.display());
        }
    }
}

pub fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_load_killed_at_any_moment_leaves_a_valid_store() {
    let store = Store::empty();
    let image = sample();
    let path = store.file("archive.tar", image.oci_archive(true));
    let words = ["load", "-qi", path.to_str().expect("utf-8")];
    let started = std::time::Instant::now();
    store.ok(&words);
    let whole = started.elapsed();
    store.ok(&["rmi", "weather"]);
    let rounds = if in_vm() { 20 } else { 100 };
    let mut cut = 0;
    for round in 0..rounds {
        let mut command = store.command(&words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a load");
        std::thread::sleep(whole * round / (rounds * 4 / 5));
        child.kill().expect("kill");
        cut += usize::from(!child.wait().expect("wait").success());
        assert_valid(&store, &image.id(), &format!("killed in round {round}"));
        // Every few rounds begin anew, or most of them would find all there.
        if round % 3 == 0 {
            store.ok(&words);
            assert_eq!(names(&store.root.join("unfinished")), Vec::<String>::new(), "the next load sweeps, round {round}");
            assert_eq!(names(&store.root.join("image")).len(), 4, "oci-layout, index.json, blobs and the lock, round {round}");
            assert_eq!(names(&store.root.join("image/blobs/sha256")).len(), 5, "three layers, config and manifest, round {round}");
            assert_eq!(names(&store.root.join("layer")).len(), 3, "round {round}");
            store.ok(&["rmi", "weather"]);
        }
    }
    assert!(cut > 10, "most rounds are cut: {cut} of {rounds}");
    store.ok(&words);
    store.ok(&["rmi", "weather"]);
    nothing_half_made(&store, "after all");
}

/// Another image's load finds what a killed one had put in place but not yet named, and takes it away.
#[test]
fn what_was_placed_and_never_named_is_swept() {
    let store = Store::empty();
    store.load(&sample().docker_archive()).ok();
    // As if killed between the two: files in place, a workplace without a living maker, no word in the list.
    store.file("s/unfinished/image-0123456789abcdef/.lock", "");
    store.file("s/unfinished/image-0123456789abcdef/text-x", "x");
    store.file(&format!("s/layer/{}/file", "a".repeat(64)), "x");
    store.file(&format!("s/image/blobs/sha256/{}", "b".repeat(64)), "x");
    store.file("s/image/index.json.new4711", "{");
    store.load(&Image::new("other", vec![Layer::new().file("x", 0o644, "x").tar()]).docker_archive()).ok();
    assert_eq!(names(&store.root.join("layer")).len(), 4, "{:?}", names(&store.root.join("layer")));
    assert!(!names(&store.root.join("image/blobs/sha256")).contains(&"b".repeat(64)));
    assert!(!store.root.join("image/index.json.new4711").exists());
    assert_eq!(names(&store.root.join("unfinished")), Vec::<String>::new());
}

#[test]
fn many_load_the_same_image_at_once() {
    let store = Store::empty();
    let path = store.file("archive.tar", sample().oci_archive(true));
    let path = path.to_str().expect("utf-8");
    let running: Vec<_> = (0..8).map(|_| store.start(&["load", "-i", path])).collect();
    for load in running {
        assert_eq!(load.wait().ok(), "Loaded image: weather:latest");
    }
    assert_eq!(store.ok(&["images", "-q"]).lines().count(), 1);
    assert_eq!((names(&store.root.join("layer")).len(), names(&store.root.join("image/blobs/sha256")).len()), (3, 5));
    assert_eq!(names(&store.root.join("unfinished")), Vec::<String>::new());
}

#[test]
fn loads_and_removals_at_once() {
    let store = Store::empty();
    let image = sample();
    let path = store.file("archive.tar", image.oci_archive(true));
    let path = path.to_str().expect("utf-8");
    for round in 0..15 {
        let loads: Vec<_> = (0..2).map(|_| store.start(&["load", "-qi", path])).collect();
        let removals: Vec<_> = (0..3).map(|_| store.start(&["rmi", "weather"])).collect();
        for load in loads {
            load.wait().ok();
        }
        for removal in removals {
            let ran = removal.wait();
            assert!(ran.code == 0 || ran.stderr.contains("no such image"), "{}", ran.story());
        }
        assert_valid(&store, &image.id(), &format!("round {round}"));
    }
    store.tare(&["rmi", "weather"]);
    nothing_half_made(&store, "after all");
}

#[test]
fn a_layer_of_a_hundred_thousand_entries_takes_little_memory() {
    let store = Store::empty();
    let count = if in_vm() { 5_000 } else { 100_000 };
    // Sorted as archives are; every tenth is a link to a file in the directory before.
    let place = |number: usize| format!("d{}/e{}/f{number}", number / 1000, number / 50 % 20);
    let layer = (0..count).fold(Layer::new(), |layer, number| match number % 10 {
        9 if number > 50 => layer.hard_link(&place(number), &place(number - 57)),
        _ => layer.file(&place(number), 0o644, "x"),
    });
    let path = store.file("archive.tar", Image::new("many", vec![layer.tar()]).oci_archive(true));
    // On a file system in memory: what is tried here is our own time and room, not a disk's.
    let line = r#"mount --make-rprivate / && mkdir "$1/m" && mount -t tmpfs m "$1/m" && ulimit -v 80000 && TARE_ROOT="$1/m/s" "$2" load -i "$3" && find "$1/m/s/layer" -type f | wc -l"#;
    let mut script = Command::new("unshare");
    script
        .args(["--mount", "sh", "-c", line, "sh"])
        .arg(&store.dir)
        .arg(program())
        .arg(path)
        .env("TARE_RUN", &store.run)
        .env("TARE_NETWORK", "none");
    let text = patiently(script).ok();
    assert!(text.ends_with(&count.to_string()), "{text}");
}

#[test]
fn a_tree_two_thousand_deep_comes_and_goes_with_few_descriptors() {
    let store = Store::empty();
    let deep = "d/".repeat(2000);
    let layer = || Layer::new().pax(&[("path", format!("{deep}file").as_bytes())]).file("x", 0o644, "x");
    let good = store.file("good.tar", Image::new("deep", vec![layer().tar()]).docker_archive());
    let bad = store.file("bad.tar", Image::new("deep", vec![layer().hard_link("h", "nothing").tar()]).docker_archive());
    let limited = |words: &[&str]| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -n 256; exec \"$0\" \"$@\""]).arg(program()).args(words);
        shell.env("TARE_ROOT", &store.root).env("TARE_RUN", &store.run).env("TARE_NETWORK", "none");
        crate::common::process::run(shell, None)
    };
    limited(&["load", "-i", bad.to_str().expect("utf-8")]).expect_code(1);
    nothing_half_made(&store, "a bad tree that is deep");
    limited(&["load", "-i", good.to_str().expect("utf-8")]).ok();
    limited(&["rmi", "deep"]).ok();
    nothing_half_made(&store, "a deep tree");
}

#[test]
fn a_load_shows_its_layers_at_a_terminal_and_nowhere_else() {
    let store = Store::empty();
    let image = sample();
    let path = store.file("archive.tar", image.oci_archive(true));
    let path = path.to_str().expect("utf-8");
    let mut person = store.terminal(&["load", "-i", path]);
    let shown = person.expect("Loaded image: weather:latest");
    for layer in &image.layers {
        assert!(shown.contains(&format!("{}  ready", &archive::sha256(layer)[..12])), "{shown:?}");
    }
    assert_eq!(store.tare(&["load", "-i", path]).stderr, "", "a pipe sees no progress");
    let mut person = store.terminal(&["load", "-q", "-i", path]);
    person.expect("Loaded image: weather:latest");
    assert!(!person.shown.contains("ready"), "-q is quiet: {:?}", person.shown);
    let root = store.file("root.tar", &image.layers[0]);
    let mut person = store.terminal(&["import", root.to_str().expect("utf-8"), "root"]);
    person.expect("archive       ready");
}

/// A layer that says `lib -> usr/lib` and then `lib/x`, over a distribution's own root, and the other way round.
#[test]
fn files_behind_a_symlink_lie_where_the_symlink_leads() {
    let store = Store::new();
    let layer = Layer::new()
        .symlink("lib64x", "usr/lib64x")
        .file("lib64x/early", 0o644, "early\n")
        .dir("usr/lib64x/", 0o755)
        .file("lib64x/late", 0o644, "late\n")
        .symlink("var/run", "/run")
        .file("var/run/here", 0o644, "here\n");
    store.load_over_box("merged", layer.tar());
    let seen = store.ok(&[
        "run",
        "--rm",
        "merged",
        "sh",
        "-c",
        "cat /usr/lib64x/early /lib64x/late /run/here; readlink /lib64x; readlink /var/run",
    ]);
    assert_eq!(seen, "early\nlate\nhere\nusr/lib64x\n/run");
    // A symlink of a lower layer is not known when a layer is unpacked: the directory lies over it, as in other engines.
    let base = test_images::box_image();
    let below = Layer::new().symlink("lower", "usr").tar();
    let layers = vec![base.layers[0].clone(), below, Layer::new().file("lower/file", 0o644, "above\n").tar()];
    store.load(&Image { tag: "apart".into(), layers, ..base }.docker_archive()).ok();
    assert_eq!(store.ok(&["run", "--rm", "apart", "sh", "-c", "cat /lower/file; test -L /lower || echo directory"]), "above\ndirectory");
}

#[test]
fn debian_runs() {
    let store = Store::empty();
    let Some(image) = store.load_built("debian") else {
        // Made by hand: it needs a network and a minute.
        let _ = cannot(&format!("no debian.tar in {} (images/debian/build)", image_dir().display()));
        return;
    };
    assert_eq!(store.ok(&["run", "--rm", &image, "sh", "-c", ". /etc/os-release; echo $ID; stat -c %a /usr/bin/su"]), "debian\n4755");
    assert_eq!(store.ok(&["run", "--rm", &image, "perl", "-e", "print 6 * 7"]), "42");
    let packages: usize = store.ok(&["run", "--rm", &image, "sh", "-c", "dpkg-query -f '.\n' -W | wc -l"]).parse().expect("a number");
    assert!(packages > 50, "{packages} packages");
}
